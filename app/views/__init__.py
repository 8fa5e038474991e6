"""Widgets: drawing and clicks, no logic."""
