"""From joints in the views to a person in the room."""
