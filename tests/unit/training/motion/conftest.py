"""A person as BVH: hips 90 cm high, facing z, left at x; written in any order, unit and axes."""

from pathlib import Path

import numpy as np
import pytest

BONES = {
    "Hips": ("", (0, 0, 0)),
    "Spine": ("Hips", (0, 20, 0)),
    "Head": ("Spine", (0, 40, 0)),
    "LeftShoulder": ("Spine", (4, 30, 0)),
    "LeftArm": ("LeftShoulder", (14, 0, 0)),
    "LeftForeArm": ("LeftArm", (28, 0, 0)),
    "LeftHand": ("LeftForeArm", (25, 0, 0)),
    "RightShoulder": ("Spine", (-4, 30, 0)),
    "RightArm": ("RightShoulder", (-14, 0, 0)),
    "RightForeArm": ("RightArm", (-28, 0, 0)),
    "RightHand": ("RightForeArm", (-25, 0, 0)),
    "LeftUpLeg": ("Hips", (10, 0, 0)),
    "LeftLeg": ("LeftUpLeg", (0, -42, 0)),
    "LeftFoot": ("LeftLeg", (0, -40, 0)),
    "LeftToeBase": ("LeftFoot", (0, -5, 13)),
    "RightUpLeg": ("Hips", (-10, 0, 0)),
    "RightLeg": ("RightUpLeg", (0, -42, 0)),
    "RightFoot": ("RightLeg", (0, -40, 0)),
    "RightToeBase": ("RightFoot", (0, -5, 13)),
}
ROOT_CM = (0.0, 90.0, 0.0)


class Bvh:
    """What a BVH is written from; change it, then write it."""

    def __init__(self):
        self.bones = dict(BONES)
        self.order = "ZXY"
        self.names = {}
        self.scale = 1.0  # units per cm
        self.turn = np.eye(3)  # the file's axes from y up
        self.root = ROOT_CM
        self.with_positions = {"Hips"}
        self.frame_time = "0.0333333"
        self.frames = [{}]  # bone to {axis: degrees}

    def text(self):
        """Write all of it; the angles only mean the same where `turn` is left alone."""
        lines = ["HIERARCHY", *self._hierarchy("Hips", 0), "MOTION", f"Frames: {len(self.frames)}"]
        lines.append(f"Frame Time: {self.frame_time}")
        lines += [" ".join(f"{x:.9g}" for x in self._row(frame)) for frame in self.frames]
        return "\n".join(lines) + "\n"

    def write(self, path: Path) -> Path:
        path.write_text(self.text())
        return path

    def _vector(self, values):
        return self.scale * (self.turn @ np.array(values, float))

    def _hierarchy(self, bone, depth):
        tab = "\t" * depth
        place = " ".join(f"{x:.9g}" for x in self._vector(self.bones[bone][1]))
        moving = ["Xposition", "Yposition", "Zposition"] if bone in self.with_positions else []
        channels = [*moving, *(f"{axis}rotation" for axis in self.order)]
        below = [name for name, (parent, _) in self.bones.items() if parent == bone]
        inner = [line for name in below for line in self._hierarchy(name, depth + 1)]
        if not below:
            inner = [f"{tab}\tEnd Site", f"{tab}\t{{", f"{tab}\t\tOFFSET 0 0 1", f"{tab}\t}}"]
        return [
            f"{tab}{'JOINT' if depth else 'ROOT'} {self.names.get(bone, bone)}",
            f"{tab}{{",
            f"{tab}\tOFFSET {place}",
            f"{tab}\tCHANNELS {len(channels)} {' '.join(channels)}",
            *inner,
            f"{tab}}}",
        ]

    def _walk(self, bone="Hips"):
        yield bone
        for name, (parent, _) in self.bones.items():
            if parent == bone:
                yield from self._walk(name)

    def _row(self, frame):
        row = []
        for bone in self._walk():
            if bone in self.with_positions:
                row += list(self._vector(self.root if bone == "Hips" else self.bones[bone][1]))
            row += [frame.get(bone, {}).get(axis, 0.0) for axis in self.order]
        return row


@pytest.fixture
def bvh() -> Bvh:
    """A person who stands in a T for one frame."""
    return Bvh()
