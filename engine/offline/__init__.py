"""Whole recordings: what can be done better when every frameset is already there."""
