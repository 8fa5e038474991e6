"""The files of the demo beside its session: reconstructed joints, true joints and rig."""

from collections.abc import Sequence
from pathlib import Path

from calibration.geometry.arrays import I64
from calibration.rig import save_rig
from engine.export.csv_3d import write_poses_csv, write_positions_csv
from engine.offline import recording as offline
from engine.poses import PoseSet3D
from engine.studio.body.landmarks import ANATOMICAL
from engine.studio.scene import Studio


def write_poses(
    poses_3d: Sequence[PoseSet3D], recording: offline.PoseRecording, folder: Path
) -> None:
    """Write the joints as reconstructed.

    Parameters
    ----------
    poses_3d
    recording
        That they come from.
    folder
        Gets ``poses_3d.csv``.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    start_ns = recording.pose_sets[0].timestamp_ns
    write_poses_csv(folder / "poses_3d.csv", poses_3d, recording.skeleton.joints, start_ns=start_ns)


def write_truth(studio: Studio, folder: Path, time_ns: I64) -> None:
    """Write the truth about joints and cameras.

    Parameters
    ----------
    studio
    folder
        Gets ``truth_3d.csv`` and ``truth_rig.toml``.
    time_ns : (T,)
        Of the framesets, on the studio's clock.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    truth = studio.truth(time_ns)
    positions = {joint: truth[:, studio.skeleton.index(joint)] for joint in ANATOMICAL}
    write_positions_csv(folder / "truth_3d.csv", time_ns, positions, view_count=len(studio.rig))
    save_rig(studio.rig, folder / "truth_rig.toml")
