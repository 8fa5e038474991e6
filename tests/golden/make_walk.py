"""Make the golden take anew: ``python -m tests.golden.make_walk DEMO`` with the folder of `epipole
demo --seed 21`.

Only when a change of the reconstruction is meant; say in the commit by how many millimetres it
moved.
"""

import shutil
import sys
from pathlib import Path

import numpy as np

from calibration.rig import load_rig
from calibration.skeleton import load_skeleton
from engine.offline.recording import PoseRecording, reconstruct_recording
from engine.session.pose_files import PoseReader, PoseWriter

HERE = Path(__file__).parent / "walk"
FRAMESETS = 60
START = 300


def reconstructed(raw: Path, rig_file: Path) -> np.ndarray:
    """Reconstruct a stored take, (T, 33, 3), m."""
    rig = load_rig(rig_file)
    reader = PoseReader(raw)
    sizes = tuple(camera.size_wh for camera in rig)
    take = PoseRecording(tuple(reader.sets_2d()), load_skeleton("blazepose_33"), rig.names, sizes)
    xyz = np.full((len(take.pose_sets), len(take.skeleton.joints), 3), np.nan)
    for row, poses in enumerate(reconstruct_recording(take, rig).poses_3d):
        for person in poses.people:
            xyz[row] = person.xyz
    return xyz


def main(demo: Path) -> None:
    """Cut two seconds out of a demo and keep what becomes of them."""
    HERE.mkdir(exist_ok=True)
    reader = PoseReader(demo / "session" / "poses_2d_raw.bin")
    sets = list(reader.sets_2d())[START : START + FRAMESETS]
    (HERE / "poses_2d_raw.bin").unlink(missing_ok=True)
    writer = PoseWriter(HERE / "poses_2d_raw.bin", reader.header)
    for poses in sets:
        writer.put(poses)
    writer.close()
    shutil.copy(demo / "rig.toml", HERE / "rig.toml")
    xyz = reconstructed(HERE / "poses_2d_raw.bin", HERE / "rig.toml")
    np.savez_compressed(HERE / "expected.npz", xyz=xyz.astype(np.float32))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
