"""JPEG images out of multipart streams, however they are cut into pieces."""

import numpy as np
import pytest

from engine.capture.network import multipart
from engine.capture.network.multipart import MultipartReader, NoImagesError
from tests.support.ip_cameras import make_jpeg

IMAGES = [make_jpeg(number) for number in range(4)]


def stream(
    length: str = "", delimiter: str = "--edge", before: bytes = b"", newline: bytes = b"\r\n"
) -> bytes:
    """Write the four images as a server does."""
    parts = [before]
    for jpeg in IMAGES:
        header = length.format(len(jpeg), len(jpeg) - 50, len(jpeg) + 50).encode()
        parts += [
            delimiter.encode(),
            b"Content-Type: image/jpeg",
            *([header] if header else []),
            b"",
            jpeg,
        ]
    return newline.join([*parts, b""])


def images(
    data: bytes,
    boundary: str | None = "edge",
    piece: int = 1000,
    max_image_bytes: int = multipart.MAX_IMAGE_BYTES,
) -> list[bytes | None]:
    """Read a stream that arrives in pieces."""
    left = [data[at : at + piece] for at in range(0, len(data), piece)]
    parts = MultipartReader(
        lambda: left.pop(0) if left else b"", boundary, max_image_bytes=max_image_bytes
    )
    return [found[1] if found else None for found in parts.read_images()]


@pytest.mark.parametrize("piece", [1, 7, 600, 100_000])
@pytest.mark.parametrize(
    "length", ["", "Content-Length: {0}", "content-length:{0}", "Content-Length: {1}"], ids=repr
)
def test_every_image_is_found_in_pieces_of_any_size(piece: int, length: str):
    assert images(stream(length), piece=piece) == IMAGES


@pytest.mark.parametrize(
    ("boundary", "delimiter"),
    [
        ("edge", "--edge"),
        ("--edge", "--edge"),
        ("--edge", "----edge"),
        ("edge", "edge"),
        (None, "--edge"),
        ("a", "--a"),
    ],
)
def test_the_boundary_may_have_its_dashes_or_not(boundary: str | None, delimiter: str):
    assert images(stream(delimiter=delimiter), boundary) == IMAGES


def test_a_length_that_is_too_long_costs_no_image():
    data = stream("Content-Length: {2}") + b"--edge\r\n"
    assert images(data) == IMAGES


def test_lines_may_end_without_a_carriage_return():
    assert images(stream(newline=b"\n")) == IMAGES


def test_a_preamble_and_parts_that_are_no_images_are_passed_over():
    assert (
        images(stream(before=b"hello\r\n--edge\r\nContent-Type: text/plain\r\n\r\nwords")) == IMAGES
    )


def test_a_torn_image_is_left_out_and_the_next_one_is_whole():
    data = stream("Content-Length: {0}")
    torn = data.replace(IMAGES[1][400:600], b"", 1).replace(
        IMAGES[1][-2:] + b"\r\n--", b"\r\n--", 2
    )
    assert images(torn)[-2:] == IMAGES[2:]


def test_the_first_image_is_given_before_the_boundary_behind_it_has_come():
    for length in ("", "Content-Length: {0}"):
        data = stream(length)
        end = data.index(IMAGES[0]) + len(IMAGES[0])
        assert images(data[:end]) == IMAGES[:1]


def test_rubbish_without_end_is_refused():
    noise = np.random.default_rng(0).bytes(multipart.MAX_GAP_BYTES * 2)
    with pytest.raises(NoImagesError):
        images(noise, piece=65_536)
    with pytest.raises(NoImagesError):
        images(b"--edge\r\n" + b"X: y\r\n" * multipart.MAX_GAP_BYTES, piece=65_536)


def test_an_image_without_end_is_refused():
    endless = b"--edge\r\n\r\n" + IMAGES[0][:-2] + bytes(100_000)
    with pytest.raises(NoImagesError):
        images(endless, max_image_bytes=50_000)


def test_a_stream_of_parts_that_are_no_jpeg_is_refused():
    with pytest.raises(NoImagesError):
        images(
            b"--edge\r\nContent-Type: image/png\r\n\r\nno picture\r\n" * (multipart.MAX_DAMAGED + 1)
        )
