"""The proving ground of rig calibration: drawn rigs with exact truth, cell by cell."""
