"""Models: which are known, where their files are, and which one is used for whom."""
