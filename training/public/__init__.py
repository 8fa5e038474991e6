"""Published sets of images with known joints, read in their own layouts and not copied."""
