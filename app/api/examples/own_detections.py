"""Calibrate and reconstruct from 2D joints of any detector, and compare with the truth."""

import numpy as np

import epipole

# Any source of 2D joints will do; here a detector without error in the simulated studio.
studio = epipole.Studio("walk", cameras=3, seed=4, seconds=8)
found = studio.observations()
observations = epipole.Observations2D(
    xy=found.xy,  # (frame, view, person, joint, 2), pixels, NaN where missing
    confidence=found.confidence,  # (frame, view, person, joint), 0 to 1
    time_s=found.time_s,
    view_names=found.view_names,
    sizes_wh=found.sizes_wh,
    skeleton=found.skeleton,
)
calibration = epipole.calibrate(observations, stature=studio.stature)
for camera in calibration.report.cameras:
    print(f"{camera.name}: direction ± {camera.rotation_sigma_deg:.2f}°")

poses = epipole.reconstruct(observations, calibration.rig)
truth = studio.truth()[:, studio.joints.index("left_knee")]  # (frame, xyz), metres
error_m = np.linalg.norm(poses.joint("left_knee")[:, 0] - truth, axis=-1)
print(f"left knee: {1e3 * np.nanmedian(error_m):.0f} mm from the truth (median)")
