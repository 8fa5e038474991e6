"""Real clips with known truth, and what every method makes of them."""
