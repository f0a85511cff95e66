"""Experiments as a list: which, in what order, with which columns, and how it is printed."""
