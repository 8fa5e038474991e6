"""How far a model is from the truth: errors, intervals, pictures and a page."""
