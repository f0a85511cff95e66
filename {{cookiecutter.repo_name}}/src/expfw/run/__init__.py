"""A run from its first to its last second: session, hooks, result folder, Sacred, environment, events."""
