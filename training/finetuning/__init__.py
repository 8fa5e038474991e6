"""The steps of a fine-tune, and the process that runs them."""
