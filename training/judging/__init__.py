"""How good a network is, told honestly."""
