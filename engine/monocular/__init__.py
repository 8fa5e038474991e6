"""Depth where only one camera sees the person."""
