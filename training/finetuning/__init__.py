"""The steps of the one click, and the process that takes them."""
