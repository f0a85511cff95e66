"""The page of a search: which configuration it chose, how far that can be trusted, and all that it tried."""
