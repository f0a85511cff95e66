"""Experiment files: reading them, merging them by precedence, and handing the result to Kedro as its parameters."""
