"""Training: data, networks and the loop that teaches them."""
