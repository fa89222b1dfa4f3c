"""The functions that recipes put into scripts.

These modules are the recipe coder's *text*, not its code: ``script.py`` copies a function from here, with whatever
it calls and exactly the imports it needs, into the program it writes. So each of them is written for the person who
will read that program: plain pandas and scikit-learn, short, with comments that say why. Nothing here may use
Treewright, and nothing in Treewright imports these modules (the tests do, to try the functions by themselves).

Conventions. ``table`` holds the rows of ``train.csv`` followed by those of ``test.csv``, and a feature block takes
it and returns it with more columns. ``x`` is what a model sees of all those rows, ``y`` the target of the training
rows alone, which therefore is shorter.
"""
