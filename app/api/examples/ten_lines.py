"""Calibrate two videos, track the person in them, and read the joints as an array and a table."""

import epipole

videos = ["left.mp4", "right.mp4"]
calibration = epipole.calibrate(videos, stature=1.75, out="rig.toml")
session = epipole.track(videos, "walk", rig=calibration.rig)
poses = session.poses()
wrist = poses.joint("left_wrist")[:, 0]  # (frame, xyz) of the first person, metres, z up
print(f"{calibration.report.verdict}: left wrist at {wrist[0].round(2)} m")
table = poses.to_dataframe()  # the columns of 'epipole export --format csv'
table.to_csv("walk.csv", index=False)
