"""Exact truth: rigs, people who walk, and what a network would have seen."""
