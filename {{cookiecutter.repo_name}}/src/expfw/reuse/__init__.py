"""Taking a node's output from an earlier experiment that computed it from the same code, parameters and inputs.

A node's identity is a digest of all that decides what it computes (:mod:`expfw.reuse.basis`, :mod:`~.identity`). An
earlier experiment with that identity on record is looked up (:mod:`~.index`), examined (:mod:`~.earlier`) and its files
are linked (:mod:`~.linked`). Whatever is not known for certain keeps a node from being reused: a wrong reuse is worse
than none.
"""
