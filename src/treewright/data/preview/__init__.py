"""The data overview of a prompt: bounded by construction in characters, in time and in memory.

A folder may hold anything: a 5 GB table, 100,000 images, JSON without end, a pipe. So nothing is read whole, and
every loop has an end of its own or looks at the clock. ``listing`` walks through the folder and stops after a number
of entries or at its deadline. ``peek`` looks at one file: ``reading`` takes its head, middle and end, ``delimited``
and ``records`` judge the columns found there, ``archives`` reads directories. ``outline`` then makes the most of the
characters there are. What was sampled, estimated or left out is said so.
"""

from treewright.data.preview.overview import preview

__all__ = ["preview"]
