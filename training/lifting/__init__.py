"""Lifters: networks that turn joints in the image into a pose in depth, and what teaches them."""
