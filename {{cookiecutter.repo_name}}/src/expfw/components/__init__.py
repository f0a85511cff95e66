"""Default components, one module per step; short names for an experiment file, beside the project's own."""
