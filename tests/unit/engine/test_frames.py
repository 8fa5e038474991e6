"""A frame that the camera compressed looks like any other frame."""

import cv2
import numpy as np
import pytest

from engine.errors import UnreadableSourceError
from engine.frames import Frame, JpegFrame


@pytest.fixture
def jpeg() -> bytes:
    return cv2.imencode(".jpg", np.full((48, 64, 3), 80, np.uint8))[1].tobytes()


def test_a_compressed_frame_is_decoded_when_it_is_looked_at_and_only_once(jpeg):
    frame = JpegFrame("door", 3, 100, jpeg, (64, 48))
    assert isinstance(frame, Frame)
    assert (frame.camera, frame.sequence, frame.timestamp_ns, frame.size_wh) == (
        "door",
        3,
        100,
        (64, 48),
    )
    assert frame.image_bgr.shape == (48, 64, 3)
    assert frame.image_bgr is frame.image_bgr
    assert not frame.image_bgr.flags.writeable


def test_a_frame_at_another_time_is_the_same_image(jpeg):
    late = JpegFrame("door", 3, 100, jpeg, (64, 48)).with_timestamp(250)
    assert late.timestamp_ns == 250
    assert late.jpeg is jpeg
    plain = Frame("door", 3, 100, late.image_bgr).with_timestamp(250)
    assert plain.timestamp_ns == 250
    assert plain.image_bgr is late.image_bgr


def test_a_damaged_image_is_said_with_the_cameras_name():
    with pytest.raises(UnreadableSourceError, match="'door'"):
        _ = JpegFrame("door", 0, 0, b"\xff\xd8 no image", (64, 48)).image_bgr


def test_a_compressed_frame_cannot_be_changed(jpeg):
    with pytest.raises(AttributeError):
        JpegFrame("door", 3, 100, jpeg, (64, 48)).timestamp_ns = 5
