"""Video files: checked, decoded, and timed."""
