"""From a checkpoint to a model that the engine runs."""
