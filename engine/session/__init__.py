"""Sessions: recordings as folders on disk, written, read, played and repaired."""
