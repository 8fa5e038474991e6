"""Benchmarks that need the window or film of their own."""
