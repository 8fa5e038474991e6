"""The studio's cameras as sources of frames."""

import numpy as np
import pytest

from engine.capture.studio import StudioSource, open_studio
from engine.capture.synchronize import Framesets
from engine.errors import CameraNotFoundError

ADDRESS = "studio:wave?cameras=3&seed=2&seconds=1&size=160x120&drops=0.2"


def read_all(source: StudioSource) -> list[int]:
    """Return the sequence numbers of all frames."""
    numbers = []
    while (frame := source.read(100)) is not None:
        numbers.append(frame.sequence)
    return numbers


def test_a_source_delivers_all_but_the_dropped_frames_and_then_ends():
    studio, sources = open_studio(ADDRESS)
    for camera, source in enumerate(sources):
        assert read_all(source) == np.flatnonzero(~studio.dropped[camera]).tolist()
        assert source.read(0) is None
    assert studio.dropped.any()


def test_a_source_says_what_it_is():
    studio, sources = open_studio(ADDRESS)
    assert [source.name for source in sources] == list(studio.rig.names)
    for source in sources:
        assert (source.live, source.size_wh, source.rate_fps, source.frame_count) == (
            False,
            (160, 120),
            30.0,
            30,
        )
        assert source.remarks == ()
        source.close()
        source.close()


def test_a_source_that_is_opened_again_starts_again():
    _, (source, *_) = open_studio(ADDRESS)
    first = read_all(source)
    source.open()
    assert read_all(source) == first


def test_sources_make_framesets_with_gaps_where_frames_were_dropped():
    studio, sources = open_studio(ADDRESS)
    framesets = list(Framesets(sources))
    assert len(framesets) == 30
    for frameset in framesets:
        for camera, frame in enumerate(frameset.frames):
            assert (frame is None) == studio.dropped[camera, frameset.index]
            assert frame is None or frame.sequence == frameset.index


def test_an_unknown_motion_is_refused():
    with pytest.raises(CameraNotFoundError, match="Did you mean 'wave'"):
        open_studio("studio:waev")
