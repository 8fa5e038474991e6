"""People that the studio draws for training: endless, seeded, with exact truth."""
