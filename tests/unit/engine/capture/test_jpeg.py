"""The header of a JPEG, read without decoding it."""

import cv2
import numpy as np
import pytest

from engine.capture.jpeg import find_jpeg_end, is_complete_jpeg, read_jpeg_size

THUMBNAIL = b"\xff\xd8 small \xff\xd9"


def jpeg(width: int, height: int, *options: int) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    return cv2.imencode(".jpg", noise, list(options))[1].tobytes()


def with_thumbnail(image: bytes) -> bytes:
    """Put a small image into the header, as phones do."""
    content = b"Exif\0\0" + THUMBNAIL
    return image[:2] + b"\xff\xe1" + (len(content) + 2).to_bytes(2) + content + image[2:]


@pytest.mark.parametrize(
    "options", [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 2)], ids=str
)
def test_the_size_is_read_from_every_kind_of_jpeg(options: tuple[int, ...]):
    image = jpeg(50, 34, *options)
    assert read_jpeg_size(image) == (50, 34)
    assert is_complete_jpeg(image)


def test_fill_bytes_and_a_thumbnail_do_not_hide_the_size():
    image = jpeg(50, 34)
    assert read_jpeg_size(image[:2] + b"\xff\xff" + image[2:]) == (50, 34)
    assert read_jpeg_size(with_thumbnail(image)) == (50, 34)


def test_padding_after_the_end_is_allowed():
    assert is_complete_jpeg(jpeg(50, 34) + bytes(100))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_torn_image_is_not_whole_though_its_thumbnail_is(share: float):
    image = with_thumbnail(jpeg(50, 34))
    assert is_complete_jpeg(image)
    assert not is_complete_jpeg(image[: int(len(image) * share)])


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"\xff",
        b"\xff\xd8",
        b"<html>",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xc0\x00\x11",
        b"\xff\xd8" + bytes(50),
    ],
    ids=repr,
)
def test_what_is_no_jpeg_has_no_size_and_is_not_whole(rubbish: bytes):
    assert read_jpeg_size(rubbish) is None
    assert not is_complete_jpeg(rubbish)


def test_a_header_that_says_zero_has_no_size():
    image = bytearray(jpeg(50, 34))
    at = image.index(b"\xff\xc0")
    image[at + 5 : at + 7] = b"\0\0"
    assert read_jpeg_size(bytes(image)) is None


def test_no_beginning_of_a_jpeg_makes_the_reader_fail():
    image = with_thumbnail(jpeg(50, 34))
    assert {read_jpeg_size(image[:end]) for end in range(700)} <= {None, (50, 34)}


def test_the_end_of_an_image_is_found_as_soon_as_it_has_come():
    image = with_thumbnail(jpeg(50, 34))
    stream = image + b"\r\n--next" + image
    assert find_jpeg_end(stream) == len(image)
    assert find_jpeg_end(stream, len(image) - 1) == len(image)
    assert find_jpeg_end(image[:-1]) is None
    assert find_jpeg_end(b"no image \xff\xd9") is None
