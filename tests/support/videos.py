"""Small videos of every kind, made on the spot; each frame's grey level carries its number."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

TICK_S = Fraction(1, 90_000)


def draw_picture(number: int, size_wh: tuple[int, int] = (64, 48)) -> np.ndarray:
    """Draw frame `number`: its grey level says which it is, its top left corner is red."""
    width, height = size_wh
    image = np.full((height, width, 3), 30 + 6 * (number % 36), np.uint8)
    image[: height // 4, : width // 4] = (0, 0, 255)
    return image


def read_number(image: np.ndarray) -> int:
    """Read the number back from a decoded frame, modulo 36."""
    height, width = image.shape[:2]
    return round(
        (float(image[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3].mean()) - 28) / 6
    )


def write_video(
    path: Path,
    times_s: Sequence[float],
    *,
    size_wh: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    rotation_deg: int = 0,
    mirrored: bool = False,
) -> Path:
    """Write a video with frames at the given times; rotation is counter-clockwise, as in FFmpeg."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = (
            *size_wh,
            "yuvj420p" if codec == "mjpeg" else "yuv420p",
        )
        stream.time_base = stream.codec_context.time_base = TICK_S
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "bf": "0", "g": "10"}
        if rotation_deg or mirrored:
            stream.set_display_rotation(rotation_deg, hflip=mirrored)
        for number, time_s in enumerate(times_s):
            frame = av.VideoFrame.from_ndarray(draw_picture(number, size_wh), format="bgr24")
            frame.pts, frame.time_base = round(time_s / TICK_S), TICK_S
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def make_steady_times(count: int, fps: float = 30.0, start_s: float = 0.0) -> list[float]:
    """Times of a camera with a constant rate."""
    return [start_s + index / fps for index in range(count)]


def write_sound(path: Path) -> Path:
    """Write half a second of sound without a picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 22_050), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def truncate_file(path: Path, target: Path, share: float) -> Path:
    """Copy the first part of a file, as a camera leaves it that lost its power."""
    data = path.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target
