"""Lifters: from joints in the image to a pose in depth, and how they are trained."""
