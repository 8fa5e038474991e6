"""A frame that the camera compressed looks like any other frame."""

from dataclasses import FrozenInstanceError, replace

import cv2
import numpy as np
import pytest

from engine.errors import UnreadableSourceError
from engine.frames import Frame, Jpeg


@pytest.fixture
def jpeg() -> bytes:
    return cv2.imencode(".jpg", np.full((48, 64, 3), 80, np.uint8))[1].tobytes()


def test_a_compressed_frame_is_decoded_when_it_is_looked_at_and_only_once(jpeg, monkeypatch):
    decoded = []
    decode = cv2.imdecode
    monkeypatch.setattr(cv2, "imdecode", lambda *args: decoded.append(1) or decode(*args))
    frame = Frame("door", 3, 100, Jpeg(jpeg, (64, 48)))
    assert frame.size_wh == (64, 48)
    assert frame.jpeg is jpeg
    assert not decoded
    assert frame.image_bgr.shape == (48, 64, 3)
    assert frame.image_bgr is frame.image_bgr
    assert len(decoded) == 1


def test_pixels_are_read_only(jpeg):
    for payload in (Jpeg(jpeg, (64, 48)), np.zeros((48, 64, 3), np.uint8)):
        with pytest.raises(ValueError, match="read-only"):
            Frame("door", 3, 100, payload).image_bgr[:] = 1


def test_a_replaced_frame_keeps_its_image(jpeg):
    frame = Frame("door", 3, 100, Jpeg(jpeg, (64, 48)))
    late = replace(frame, camera="hall", sequence=4, timestamp_ns=250)
    assert (late.camera, late.sequence, late.timestamp_ns) == ("hall", 4, 250)
    assert late.jpeg is jpeg
    assert late.image_bgr is frame.image_bgr
    plain = replace(Frame("door", 3, 100, late.image_bgr), timestamp_ns=250)
    assert plain.timestamp_ns == 250
    assert plain.jpeg is None
    assert plain.image_bgr is late.image_bgr


def test_a_payload_can_be_replaced(jpeg):
    frame = Frame("door", 3, 100, Jpeg(jpeg, (64, 48)))
    small = replace(frame, payload=np.zeros((6, 8, 3), np.uint8))
    assert small.size_wh == (8, 6)
    assert replace(small, payload=frame.payload).jpeg is jpeg


@pytest.mark.parametrize("data", [b"", b"\xff\xd8 no image"])
def test_a_damaged_image_is_said_with_the_cameras_name(data):
    with pytest.raises(UnreadableSourceError, match="'door'"):
        _ = Frame("door", 0, 0, Jpeg(data, (64, 48))).image_bgr


def test_a_compressed_frame_cannot_be_changed(jpeg):
    with pytest.raises(FrozenInstanceError):
        Frame("door", 3, 100, Jpeg(jpeg, (64, 48))).timestamp_ns = 5
