"""Tools that make the assets that are trained: run with ``python -m training.tools.NAME``."""
