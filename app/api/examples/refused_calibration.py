"""A calibration that cannot be trusted raises, with the report that says why."""

import epipole

studio = epipole.Studio("walk", cameras=3, seed=4, seconds=1)  # far too short
try:
    epipole.calibrate(studio.observations(), stature=studio.stature)
except epipole.CalibrationRefusedError as refusal:
    print(refusal.report.verdict, *refusal.report.reasons, sep="\n")
