"""Open a tracked session: speed of a wrist, pixels of one view, and a file for other programs."""

import numpy as np

import epipole

session = epipole.open_session("walk")
print(session, *session.remarks, sep="\n")

poses = session.poses(smooth=True)
wrist = poses.joint("left_wrist")[:, 0]
speed_m_s = np.linalg.norm(np.gradient(wrist, poses.time_s, axis=0), axis=-1)
print(f"left wrist: up to {np.nanmax(speed_m_s):.1f} m/s in {poses.time_s[-1]:.1f} s")

observations = session.observations()
nose_xy = observations.xy[:, 0, 0, observations.joints.index("nose")]
print(f"nose in '{session.view_names[0]}': {np.nanmean(nose_xy, axis=0).round()} px on average")

epipole.export(session, "walk.csv")
