"""How far a rig can be trusted."""
