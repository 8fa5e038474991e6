"""Recipes: what a training does, as files say it."""
