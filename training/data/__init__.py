"""Crops with what is known of their joints, and the batches made of them."""
