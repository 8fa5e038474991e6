"""A tiny copy of Pascal VOC 2012, in exactly its layout."""

import struct
import zlib

import cv2
import numpy as np

RED, GREEN, BLUE = (0, 0, 200), (0, 200, 0), (200, 0, 0)
VOC_COLOURS = {1: (128, 0, 0), 2: (0, 128, 0), 9: (192, 0, 0)}
"""Red first; as the set's own tools make them."""


def write_palette_png(path, indices):
    """Write a palette PNG as Pascal VOC does: object numbers in its colours, borders in cream."""
    palette = np.zeros((256, 3), np.uint8)
    palette[list(VOC_COLOURS)] = list(VOC_COLOURS.values())
    palette[255] = (224, 224, 192)
    height, width = indices.shape
    rows = b"".join(b"\0" + row.tobytes() for row in indices.astype(np.uint8))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", palette.tobytes()),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    packed = [
        struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))


def write_voc(folder, things):
    """Write a Pascal VOC copy: one picture; red, green and blue squares as objects 1, 2 and 9."""
    for name in ("Annotations", "JPEGImages", "SegmentationObject"):
        (folder / name).mkdir(parents=True)
    image, indices = np.full((120, 200, 3), 90, np.uint8), np.zeros((120, 200), np.uint8)
    for place, (number, colour) in enumerate(zip(VOC_COLOURS, (RED, GREEN, BLUE))):
        box = np.s_[40:80, 60 * place + 20 : 60 * place + 60]
        image[box], indices[box] = colour, number
    indices[38:40, 20:80] = 255
    cv2.imwrite(
        str(folder / "JPEGImages" / "2007_000001.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 100]
    )
    write_palette_png(folder / "SegmentationObject" / "2007_000001.png", indices)
    fields = "<object><name>{}</name><difficult>{}</difficult><truncated>{}</truncated></object>"
    between = [("bottle", 1, 0)] * 6
    text = "".join(fields.format(*thing) for thing in (*things[:2], *between, things[2]))
    (folder / "Annotations" / "2007_000001.xml").write_text(f"<annotation>{text}</annotation>")
    return folder
