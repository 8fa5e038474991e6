"""Published sets of images with known joints, for people who have them: read in their own layouts, copied nowhere."""
