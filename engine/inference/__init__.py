"""From images to joints: runtimes, models and their decoding."""
