"""People that the studio draws for teaching: endless, seeded, with exact truth."""
