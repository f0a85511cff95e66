"""Search: the systematic generation of experiment configurations, each run and recorded as an experiment."""
