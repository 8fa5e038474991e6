"""Models: which there are, where their files lie, and which of them is in use for whom."""
