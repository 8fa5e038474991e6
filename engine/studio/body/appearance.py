"""Appearance: body and clothes, drawn by seed so that skin, hair and clothes differ.

A pose model tells front from back by face and hair, and limbs by their colours: without face and
hair it swaps left and right in 12 % of front views, with one grey for all in 13 % of all views.
"""

import colorsys
from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]
"""Red, green, blue as a screen shows them, 0 to 255."""

_SKINS: tuple[Colour, ...] = (
    (238, 200, 178),
    (222, 180, 152),
    (205, 160, 132),
    (186, 138, 106),
    (150, 104, 76),
    (112, 76, 56),
)
_HAIR: tuple[Colour, ...] = (
    (28, 22, 20),
    (48, 34, 26),
    (84, 56, 36),
    (128, 92, 54),
    (110, 48, 28),
    (120, 118, 116),
)
_MAX_HAIR_TO_SKIN = 0.62
"""Largest luminance of hair, in parts of the skin's."""
_MIN_COLOUR_DISTANCE = 45.0
"""Least distance of a cloth's colour from the skin's and from the other cloth's, grey levels."""
_SHOES: tuple[Colour, ...] = (
    (225, 225, 225),
    (40, 40, 44),
    (160, 40, 40),
    (60, 80, 120),
    (200, 190, 160),
)


@dataclass(frozen=True, slots=True)
class Appearance:
    """One person's body shape, colours and clothes.

    Parameters
    ----------
    skin, hair, shirt, trousers, shoes, lips
    sleeve_m
        From shoulder to hem along the arm of the reference person.
    trousers_m
        From hip to hem along the leg.
    hem_m
        Height of the shirt's hem.
    girth, belly
        Factors on the widths of limbs and trunk, and on the waist besides.
    hair_volume
        Factor on the hair's thickness.
    """

    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    lips: Colour
    sleeve_m: float
    trousers_m: float
    hem_m: float
    girth: float
    belly: float
    hair_volume: float


def draw_appearance(rng: np.random.Generator) -> Appearance:
    """Draw an appearance.

    Returns
    -------
    appearance
        Shirt and trousers differ in brightness, and both from the skin in colour.
    """
    skin = _mix_neighbours(_SKINS, rng)
    hair = _draw_hair(skin, rng)
    # light trousers below a dark shirt or the other way round; hues of skin and floor (10 to 50
    # degrees) are left out
    dark_trousers = rng.random() < 0.7
    bright = ((0.5, 0.8), (0.45, 0.85))
    dark = ((0.25, 0.42), (0.45, 0.85))
    shirt = _draw_cloth(rng, *(bright if dark_trousers else dark), [skin])
    bright = ((0.5, 0.68), (0.1, 0.5))
    dark = ((0.16, 0.3), (0.1, 0.5))
    trousers = _draw_cloth(rng, *(dark if dark_trousers else bright), [skin, shirt])
    shorts = rng.random() < 0.25
    return Appearance(
        skin=skin,
        hair=hair,
        shirt=shirt,
        trousers=trousers,
        shoes=_SHOES[rng.integers(len(_SHOES))],
        lips=(skin[0] * 0.82, skin[1] * 0.58, skin[2] * 0.66),
        sleeve_m=float(
            rng.uniform(0.17, 0.26) if rng.random() < 0.65 else rng.uniform(0.50, 0.555)
        ),
        trousers_m=float(rng.uniform(0.30, 0.38) if shorts else rng.uniform(0.80, 0.835)),
        hem_m=float(rng.uniform(0.93, 1.00)),
        girth=float(rng.uniform(0.93, 1.10)),
        belly=float(rng.uniform(0.96, 1.16)),
        hair_volume=float(rng.uniform(0.95, 1.07)),
    )


def _mix_neighbours(colours: tuple[Colour, ...], rng: np.random.Generator) -> Colour:
    """Mix two neighbours of a row of colours."""
    place = rng.uniform(0, len(colours) - 1)
    low = min(int(place), len(colours) - 2)
    share = place - low
    r, g, b = (1 - share) * np.array(colours[low]) + share * np.array(colours[low + 1])
    return float(r), float(g), float(b)


def _draw_hair(skin: Colour, rng: np.random.Generator) -> Colour:
    """Draw a colour of hair that is well darker than the skin."""
    darker = [hair for hair in _HAIR if _luminance(hair) < _MAX_HAIR_TO_SKIN * _luminance(skin)]
    return darker[rng.integers(len(darker))] if darker else _HAIR[0]


def _luminance(colour: Colour) -> float:
    """Weigh red, green and blue as the eye does (ITU-R BT.601, rounded)."""
    return 0.30 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]


def _draw_cloth(
    rng: np.random.Generator,
    value: tuple[float, float],
    saturation: tuple[float, float],
    others: list[Colour],
) -> Colour:
    """Draw a colour of cloth that is not a colour of skin, and well apart from others."""
    while True:
        hue = (50 + rng.uniform(0, 320)) % 360 / 360
        r, g, b = colorsys.hsv_to_rgb(hue, rng.uniform(*saturation), rng.uniform(*value))
        colour = (255 * r, 255 * g, 255 * b)
        if all(
            np.linalg.norm(np.subtract(colour, other)) > _MIN_COLOUR_DISTANCE for other in others
        ):
            return colour
