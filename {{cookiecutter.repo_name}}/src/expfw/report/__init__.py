"""The experiment's page: what components add to it, the charts it is made of, and how it is written."""
