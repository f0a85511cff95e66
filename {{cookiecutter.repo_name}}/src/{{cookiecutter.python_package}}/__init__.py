"""The project's own package: components, settings, pipelines."""

__version__ = "0.1.0"
