"""Whole recordings: observe, calibrate and track when every frameset is already there."""
