"""The widgets of the session library and the player."""
