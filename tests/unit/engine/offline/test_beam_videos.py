"""Four real videos, one of them VP9, of two sizes: framesets, and the session that keeps them."""

import numpy as np
import pytest

from engine.offline.footage import open_inputs
from engine.session.session import SessionFacts
from engine.session.writer import SessionWriter

pytestmark = pytest.mark.data
NAMES = ("cam01", "cam02", "cam03", "cam04")


def read(inputs):
    """Times, numbers and a thumbnail of every image."""
    with open_inputs(inputs) as footage:
        framesets = footage.read_framesets()
        seen = [
            (
                f.timestamp_ns,
                [
                    (x.camera, x.sequence, x.timestamp_ns, x.image_bgr[::240, ::240])
                    for x in f.frames
                ],
            )
            for f in framesets
        ]
        return footage.view_names, framesets, footage.remarks, seen


@pytest.fixture(scope="module")
def beam(data_folder):
    return read([data_folder / "beam" / f"{name}.mp4" for name in NAMES])


def test_the_framesets_are_whole_and_in_step(beam):
    views, framesets, remarks, seen = beam
    assert views == NAMES
    assert (framesets.rate_fps, framesets.count, len(seen)) == (60.0, 100, 100)
    assert [[number for _, number, _, _ in frames] for _, frames in seen] == [
        [i] * 4 for i in range(100)
    ]
    assert (
        np.abs(np.array([time_ns for time_ns, _ in seen]) - np.arange(100) * 1e9 / 60).max() <= 1
    )  # ns
    assert remarks == ()


def test_only_the_sizes_are_odd(beam):
    assert len(beam[1].remarks) == 1
    assert "cam01, cam02 1080x1920; cam03, cam04 1088x1920" in beam[1].remarks[0]


def test_a_session_gives_the_very_same_images_at_the_very_same_times(beam, data_folder, tmp_path):
    with SessionWriter(tmp_path / "s", SessionFacts()) as writer:
        for name in NAMES[1:3]:  # VP9, and H.264 with B-frames
            writer.copy_video(data_folder / "beam" / f"{name}.mp4", name)
    _, _, remarks, seen = read([tmp_path / "s"])
    assert remarks == ()
    for (time_ns, frames), (other_ns, others) in zip(beam[3], seen, strict=True):
        assert time_ns == other_ns
        for one, other in zip(frames[1:3], others, strict=True):
            assert one[:3] == other[:3]
            assert np.array_equal(one[3], other[3])
