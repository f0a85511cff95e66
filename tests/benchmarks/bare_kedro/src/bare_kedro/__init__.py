"""The breast-cancer forest experiment in a plain Kedro project: the second baseline."""
