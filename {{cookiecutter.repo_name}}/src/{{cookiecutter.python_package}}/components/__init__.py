"""Your components, one module per step of the workflow.

A class in one of these modules is used by its name: ``"model": {"type": "MyModel"}`` in an experiment file.
"""
