"""Multiple-view geometry on plain arrays: transforms, projection, triangulation, alignment."""
