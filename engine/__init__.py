"""The engine: cameras, networks, reconstruction and recording, without a screen."""
