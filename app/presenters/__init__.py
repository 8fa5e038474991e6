"""State computed from reality for the views, without widgets."""
