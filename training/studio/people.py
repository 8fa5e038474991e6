"""People for training: bodies that are made once and change their colours every few pictures.

A body costs 0.7 s, a new coat of paint 0.5 ms. Bodies are kept at one stature: all of a person
grows in proportion, so that the bones' scale makes every other.
"""

import colorsys
from dataclasses import dataclass, replace

import numpy as np

from calibration.geometry.arrays import F32, F64
from engine.studio.body.anatomy import REFERENCE_STATURE_M, Anatomy
from engine.studio.body.appearance import Appearance, Colour, draw_appearance
from engine.studio.body.figure import Figure, build_figure
from engine.studio.body.materials import Material, build_palette
from engine.studio.body.posture import Bones
from engine.studio.fields import value_noise
from engine.studio.raster import BonePose

GREY: Colour = (200.0, 200.0, 200.0)
"""What a bare body wears, so that its vertices keep their own shade apart from the colour."""

GIRTH = (0.88, 1.16)
BELLY = (0.92, 1.24)
HEM_M = (0.90, 1.02)
HAIR_VOLUME = (0.93, 1.12)
"""Wider than the studio's own people, so that those are well inside."""

FREE_COLOUR_SHARE = 0.6
"""Share of the paints with any colours; the others are the studio's, unlike skin and floor."""
PATTERNED_SHARE = 0.45
PATTERN_M = (0.05, 0.20)
"""Period of stripes and checks; vertices are 15 mm apart, finer ones would not show."""


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A person of the reference stature without colours.

    Parameters
    ----------
    figure
    shade : (N, 3)
        Linear light that comes back from each vertex, in parts of its material's.
    appearance
        Of the seed: shape, skin and clothes.
    """

    figure: Figure
    shade: F32
    appearance: Appearance


def make_body(seed: int) -> Body:
    """Make the body of a seed.

    Parameters
    ----------
    seed
        The appearance is that of the studio's first person of this seed, the shape is of a wider
        range.
    """
    appearance = draw_appearance(np.random.default_rng([seed, 12, 0]))
    rng = np.random.default_rng([seed, 12, 1])
    appearance = replace(
        appearance,
        girth=float(rng.uniform(*GIRTH)),
        belly=float(rng.uniform(*BELLY)),
        hem_m=float(rng.uniform(*HEM_M)),
        hair_volume=float(rng.uniform(*HAIR_VOLUME)),
    )
    bare = replace(
        appearance, skin=GREY, hair=GREY, shirt=GREY, trousers=GREY, shoes=GREY, lips=GREY
    )
    figure = build_figure(REFERENCE_STATURE_M, bare)
    light = _to_linear(build_palette(bare))[figure.material]
    return Body(figure, (figure.albedo / light).astype(np.float32), appearance)


def paint(body: Body, rng: np.random.Generator) -> F32:
    """Draw colours for a body.

    Returns
    -------
    albedo : (N, 3), 0 to 1, linear light; blue, green, red
    """
    appearance = draw_appearance(rng)
    if rng.random() < FREE_COLOUR_SHARE:
        appearance = replace(
            appearance, shirt=draw_colour(rng), trousers=draw_colour(rng), shoes=draw_colour(rng)
        )
    colours = _to_linear(build_palette(appearance))
    albedo = body.shade * colours.astype(np.float32)[body.figure.material]
    for cloth in (Material.SHIRT, Material.TROUSERS):
        if rng.random() < PATTERNED_SHARE:
            worn = body.figure.material == cloth
            share = _draw_pattern(body.figure.mesh.vertices[worn].astype(float), rng)[:, None]
            second = _to_linear(np.array(draw_colour(rng))) * body.shade[worn]
            albedo[worn] = (1 - share) * albedo[worn] + share * second
    return np.ascontiguousarray(np.clip(albedo[:, ::-1], 0, 1))


def draw_colour(rng: np.random.Generator) -> Colour:
    """Draw any colour, greys, black and white among them."""
    saturation = rng.uniform(0, 0.12) if rng.random() < 0.35 else rng.uniform(0.1, 0.95)
    r, g, b = colorsys.hsv_to_rgb(rng.random(), saturation, rng.uniform(0.08, 0.97))
    return 255 * r, 255 * g, 255 * b


def to_bone_pose(bones: Bones, anatomy: Anatomy) -> BonePose:
    """Return what carries a body of the reference stature to the postures of a person of any.

    Parameters
    ----------
    bones
        At T instants.
    anatomy
        Of the person.

    Returns
    -------
    pose
        (T, 21, 3, 3), turned and scaled, and (T, 21, 3), m.
    """
    rotation = (anatomy.scale * bones.rotation).astype(np.float32)
    return BonePose(rotation, bones.translation(anatomy).astype(np.float32))


def _draw_pattern(points: F64, rng: np.random.Generator) -> F64:
    """Return the share of a second colour at points of a cloth, (N,): stripes, checks, blotches."""
    period = float(rng.uniform(*PATTERN_M))
    kind = int(rng.integers(4))
    if kind == 3:
        noise = value_noise(points / period, int(rng.integers(2**20)))
        return np.clip((noise - rng.uniform(0.4, 0.6)) * 8 + 0.5, 0, 1)
    phase = rng.uniform(0, 2 * np.pi, 2)
    across = np.sin(2 * np.pi * points[:, 2] / period + phase[0])
    along = np.sin(2 * np.pi * points[:, 0] / period + phase[1])
    wave = (across, along, across * along)[kind]
    return np.clip(wave * 3 + rng.uniform(-1, 1) + 0.5, 0, 1)


def _to_linear(colour: F64) -> F64:
    """Return a screen's colours, 0 to 255, as linear light, 0 to 1."""
    return (np.clip(colour, 0, 255) / 255) ** 2.2
