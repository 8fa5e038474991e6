"""What the joints in the views say about the cameras."""
