"""The window as a whole: what feeds it, and what it starts."""
