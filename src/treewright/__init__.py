"""Treewright: AI-driven exploration in the space of code (AIDE, arXiv 2502.13138).

Read ``protocols``, ``tree``, ``events`` and ``search``, in that order, to know how it works.
"""

__version__ = "0.1.0"
