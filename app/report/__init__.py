"""The report of a calibration: a page, its drawings, and lines in the terminal."""
