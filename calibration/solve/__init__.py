"""From evidence to cameras, up to scale."""
