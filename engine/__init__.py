"""The engine: cameras, models, reconstruction and recording, without a screen."""
