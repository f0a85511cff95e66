"""Checks for bugs that stay silent: leakage, a wrong split, a result that is worth less than it seems."""
