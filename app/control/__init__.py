"""What the buttons of the window do."""
