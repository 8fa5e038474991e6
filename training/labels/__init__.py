"""How sure a rig is of each joint, and what that is worth as a label."""
