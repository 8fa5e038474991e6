"""Training: data, networks and the loop that trains them."""
