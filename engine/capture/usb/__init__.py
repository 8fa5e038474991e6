"""USB cameras: found, set and read."""
