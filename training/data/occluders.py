"""Occluders: things that stand before a person, cut out of Pascal VOC pictures, or drawn."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import cv2
import numpy as np

from calibration.geometry.arrays import U8, Mask
from training.errors import DatasetError

MIN_PIXELS = 500
"""Cut-outs with fewer are dropped, counted before they are halved."""

EDGE_ALPHA = 192
"""Opacity of a cut-out's border, 4 px inwards, so that it does not look pasted."""

EROSION = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (8, 8))
PALETTE_BITS = 8
SHAPE_SIDE_PX = (60, 240)


def load_voc_occluders(folder: Path) -> tuple[U8, ...]:
    """Cut the objects out of a copy of Pascal VOC 2012: not human, difficult or cut by the edge.

    Parameters
    ----------
    folder
        With ``Annotations``, ``JPEGImages`` and ``SegmentationObject``, as it is published
        (``VOCdevkit/VOC2012``).

    Returns
    -------
    occluders : of (h, w, 4)
        Blue, green, red, opacity; half as large as in their pictures.

    Raises
    ------
    DatasetError
        If the folder is not in that layout, a file of it is damaged, or it holds no usable object.
    """
    missing = [
        name
        for name in ("Annotations", "JPEGImages", "SegmentationObject")
        if not (folder / name).is_dir()
    ]
    if missing:
        raise DatasetError(
            f"'{folder}' has no folder '{missing[0]}'. Give the folder 'VOC2012' of a Pascal "
            "VOC copy."
        )
    occluders: list[U8] = []
    for file in sorted((folder / "SegmentationObject").glob("*.png")):
        occluders += _cut_out_objects(folder, file.stem)
    if not occluders:
        raise DatasetError(
            f"'{folder}' holds no object that could be cut out. Is the copy complete?"
        )
    return tuple(occluders)


def draw_occluders(count: int, rng: np.random.Generator) -> tuple[U8, ...]:
    """Draw things of no meaning: ellipses, slats and polygons of two colours and some texture.

    Parameters
    ----------
    count
        Some hundreds, once: to draw them for each crop takes six times as long as all else
        that is done to it.
    rng

    Returns
    -------
    occluders : of (h, w, 4)
        Blue, green, red, opacity.
    """
    return tuple(_draw_occluder(rng) for _ in range(count))


def _draw_occluder(rng: np.random.Generator) -> U8:
    """Draw one thing, (h, w, 4)."""
    height, width = (int(side) for side in rng.integers(*SHAPE_SIDE_PX, 2))
    alpha = np.zeros((height, width), np.uint8)
    kind = rng.integers(3)
    if kind == 0:
        cv2.ellipse(
            alpha, (width // 2, height // 2), (width // 2 - 1, height // 2 - 1), 0, 0, 360, 255, -1
        )
    elif kind == 1:
        alpha[:] = 255
    else:
        angles = (np.arange(7) + rng.uniform(0, 1, 7)) * 2 * np.pi / 7
        radius = rng.uniform(0.5, 1.0, 7)[:, None] * (width / 2 - 1, height / 2 - 1)
        corners = (width / 2, height / 2) + radius * np.stack([np.cos(angles), np.sin(angles)], 1)
        cv2.fillPoly(alpha, [corners.astype(np.int32)], 255)
    return np.dstack([_draw_texture(height, width, rng), alpha])


def _draw_texture(height: int, width: int, rng: np.random.Generator) -> U8:
    """Fill a rectangle, (h, w, 3), with waves between two colours and grain."""
    y, x = np.mgrid[:height, :width] / 100.0
    turns = rng.normal(0.0, 6.0, 2)
    phase = rng.uniform(0, 2 * np.pi)
    share = 0.5 + 0.5 * np.sin(turns[0] * x + turns[1] * y + phase)[..., None]
    one, other = rng.uniform(0, 255, (2, 3))
    colour = share * one + (1 - share) * other + rng.normal(0, 8, (height, width, 3))
    return colour.clip(0, 255).astype(np.uint8)


def _cut_out_objects(folder: Path, name: str) -> list[U8]:
    """Cut the usable objects out of one picture."""
    image = cv2.imread(str(folder / "JPEGImages" / f"{name}.jpg"))
    colours = cv2.imread(str(folder / "SegmentationObject" / f"{name}.png"))
    try:
        annotation = ElementTree.parse(folder / "Annotations" / f"{name}.xml").getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise DatasetError(
            f"The annotation of picture '{name}' cannot be read: {error}. Fetch it again."
        ) from error
    if image is None or colours is None or image.shape != colours.shape:
        raise DatasetError(
            f"Picture '{name}' or its objects' mask cannot be read. Fetch the set again."
        )
    picture = np.asarray(image, np.uint8)
    masks = [
        (np.asarray(colours) == _palette_bgr(index)).all(-1)
        for index, thing in enumerate(annotation.findall("object"), start=1)
        if _is_whole_thing(thing)
    ]
    return [_cut_out_object(picture, mask) for mask in masks if mask.sum() >= MIN_PIXELS]


def _is_whole_thing(thing: ElementTree.Element) -> bool:
    """Whether an annotated object may be used."""
    spoilt = any(
        (thing.findtext(flag) or "0").strip() == "1" for flag in ("difficult", "truncated")
    )
    return not spoilt and (thing.findtext("name") or "").strip() != "person"


def _cut_out_object(image_bgr: U8, mask: Mask) -> U8:
    """Cut one object out at half its size, with a soft border."""
    rows = np.flatnonzero(mask.any(1))
    columns = np.flatnonzero(mask.any(0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    solid = mask[box].astype(np.uint8)
    framed = cv2.copyMakeBorder(solid, 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=0)
    inner = np.asarray(cv2.erode(framed, EROSION))[8:-8, 8:-8]
    alpha = np.where(inner > 0, 255, solid * EDGE_ALPHA).astype(np.uint8)
    cut = np.dstack([image_bgr[box], alpha])
    return np.asarray(cv2.resize(cut, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def _palette_bgr(index: int) -> U8:
    """Return the colour, (3,), of object `index` in Pascal VOC: its bits, spread over channels."""
    rgb = [0, 0, 0]
    for bit in range(PALETTE_BITS):
        for channel in range(3):
            rgb[channel] |= (index >> channel & 1) << (PALETTE_BITS - 1 - bit)
        index >>= 3
    return np.array(rgb[::-1], np.uint8)
