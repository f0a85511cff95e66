"""Running an old experiment again, and saying whether and why the result differs."""
