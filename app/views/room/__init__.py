"""The widgets of the room in 3D."""
