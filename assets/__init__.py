"""Model cards, skeletons, configurations and the look: data, no code."""
