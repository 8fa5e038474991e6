"""The virtual studio: a procedural person in a procedural room, with exact truth."""
