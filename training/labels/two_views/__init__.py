"""The published two-view recipe, the baseline that our own labels are compared with."""
