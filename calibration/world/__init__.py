"""Metres, gravity and the floor."""
