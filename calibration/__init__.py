"""The ground floor: cameras, rigs and the geometry between them, from arrays alone."""
