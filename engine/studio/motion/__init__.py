"""How the people of the studio move."""
