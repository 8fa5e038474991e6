"""Figure: the renderer's input, a painted mesh whose vertices are bound to bones."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from calibration.geometry.arrays import F32, F64, U8
from engine.studio.body.anatomy import INDEX, JOINTS, SIDES, SIGNS, Anatomy, build_anatomy
from engine.studio.body.appearance import Appearance
from engine.studio.body.hands import build_hand
from engine.studio.body.head import build_head
from engine.studio.body.materials import CLOTH, Material, PaintedPart
from engine.studio.body.surface import Field
from engine.studio.body.trunk import Trunk, build_trunk
from engine.studio.fields import value_noise
from engine.studio.raster import Mesh

BONES_PER_VERTEX = 4
NO_MATERIAL = 255
_SOFTNESS = 0.20
"""Width of the change from one bone to the next, in radii of the limb."""


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A mesh on bones.

    Parameters
    ----------
    mesh
        Vertices and normals at rest, (N, 3), m, and four bones with weights of sum 1 for each.
    triangles : (F, 3), int32
    albedo : (N, 3), 0 to 1, linear light; red, green, blue
    openness : (N,), 0 to 1
        How much of the sky a vertex sees at rest.
    bones
        How many bones the figure has.
    material : (N,), uint8
        `engine.studio.body.materials.Material` of a person's vertices, so that one body can wear
        other colours; `NO_MATERIAL` for furniture.
    """

    mesh: Mesh
    triangles: np.ndarray
    albedo: F32
    openness: F32
    bones: int
    material: U8


@lru_cache(maxsize=4)
def build_figure(stature_m: float, appearance: Appearance) -> Figure:
    """Make a person; the last four are cached, because one takes half a second.

    Parameters
    ----------
    stature_m
    appearance
        Body shape, colours and clothes.

    Returns
    -------
    figure
        At rest in the body frame (`engine.studio.body.anatomy`); about 22 000 triangles.
    """
    anatomy = build_anatomy(stature_m)
    parts = (
        build_trunk(anatomy, appearance),
        build_head(anatomy, appearance),
        build_hand(anatomy, appearance, 0),
        build_hand(anatomy, appearance, 1),
    )
    weights = (
        _compute_trunk_weights(parts[0].surface.vertices, anatomy),
        _compute_head_weights(parts[1].surface.vertices, anatomy),
        _compute_hand_weights(parts[2].surface.vertices, anatomy, 0),
        _compute_hand_weights(parts[3].surface.vertices, anatomy, 1),
    )
    weight = np.concatenate(weights)
    bone = np.argsort(-weight, axis=1)[:, :BONES_PER_VERTEX]
    weight = np.take_along_axis(weight, bone, 1)
    vertices, normals, triangles = _stack_surfaces(parts)
    trunk = Trunk(anatomy, appearance)
    openness = np.ones(len(vertices))
    count = len(parts[0].surface.vertices)
    openness[:count] = _compute_openness(trunk.field, vertices[:count], normals[:count])
    material = np.concatenate([part.material for part in parts])
    colour = np.concatenate([part.colour for part in parts])
    normals = _wrinkle_normals(vertices, normals, material)
    colour = _mottle_colours(vertices, colour, material)
    share = weight / weight.sum(1, keepdims=True)
    return Figure(
        mesh=_pack_mesh(vertices, normals, bone, share),
        triangles=triangles.astype(np.int32),
        albedo=(np.clip(colour / 255, 0, 1) ** 2.2).astype(np.float32),
        openness=openness.astype(np.float32),
        bones=len(JOINTS),
        material=material.astype(np.uint8),
    )


def build_box_figure(boxes: F64, colour: tuple[float, float, float], divisions: int = 8) -> Figure:
    """Make furniture of boxes, on one bone.

    Parameters
    ----------
    boxes : (B, 2, 3), m
        Lowest and highest corner of each.
    colour : 0 to 255
    divisions
        Of each face, because light is computed per vertex.
    """
    vertices, normals, triangles = [], [], []
    steps = np.linspace(0, 1, divisions)
    face = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1).reshape(-1, 2)
    row, column = (
        axis.ravel() for axis in np.meshgrid(*[np.arange(divisions - 1)] * 2, indexing="ij")
    )
    corner = row * divisions + column
    quads = np.concatenate(
        [
            np.stack([corner, corner + divisions, corner + divisions + 1], -1),
            np.stack([corner, corner + divisions + 1, corner + 1], -1),
        ]
    )
    for low, high in boxes:
        for axis in range(3):
            second, third = (axis + 1) % 3, (axis + 2) % 3
            for end in (0, 1):
                points = np.empty((len(face), 3))
                points[:, axis] = (low, high)[end][axis]
                points[:, second] = low[second] + face[:, 0] * (high - low)[second]
                points[:, third] = low[third] + face[:, 1] * (high - low)[third]
                triangles.append((quads if end else quads[:, ::-1]) + len(vertices) * len(face))
                vertices.append(points)
                normals.append(np.tile((2 * end - 1) * np.eye(3)[axis], (len(face), 1)))
    count = len(vertices) * len(face)
    alone = np.tile(np.array([1.0, 0.0, 0.0, 0.0]), (count, 1))
    bone = np.zeros((count, BONES_PER_VERTEX), np.int64)
    return Figure(
        mesh=_pack_mesh(np.concatenate(vertices), np.concatenate(normals), bone, alone),
        triangles=np.concatenate(triangles).astype(np.int32),
        albedo=np.tile((np.array(colour) / 255) ** 2.2, (count, 1)).astype(np.float32),
        openness=np.ones(count, np.float32),
        bones=1,
        material=np.full(count, NO_MATERIAL, np.uint8),
    )


def merge_figures(figures: Sequence[Figure]) -> Figure:
    """Put figures into one mesh; the bones are counted on from one to the next.

    Parameters
    ----------
    figures
        At least one.
    """
    first_vertex = np.cumsum([0, *(len(figure.mesh.vertices) for figure in figures)])
    first_bone = np.cumsum([0, *(figure.bones for figure in figures)])
    mesh = Mesh(
        np.concatenate([figure.mesh.vertices for figure in figures]),
        np.concatenate([figure.mesh.normals for figure in figures]),
        np.concatenate([f.mesh.bone + n for f, n in zip(figures, first_bone)]).astype(np.int32),
        np.concatenate([figure.mesh.weight for figure in figures]),
    )
    return Figure(
        mesh=mesh,
        triangles=np.concatenate([f.triangles + n for f, n in zip(figures, first_vertex)]).astype(
            np.int32
        ),
        albedo=np.concatenate([figure.albedo for figure in figures]),
        openness=np.concatenate([figure.openness for figure in figures]),
        bones=int(first_bone[-1]),
        material=np.concatenate([figure.material for figure in figures]),
    )


def _pack_mesh(vertices: F64, normals: F64, bone: np.ndarray, weight: F64) -> Mesh:
    """Pack a mesh for the renderer."""
    return Mesh(
        vertices.astype(np.float32),
        normals.astype(np.float32),
        bone.astype(np.int32),
        weight.astype(np.float32),
    )


def _stack_surfaces(parts: Sequence[PaintedPart]) -> tuple[F64, F64, np.ndarray]:
    """Put the surfaces of parts one after another."""
    first = np.cumsum([0, *(len(part.surface.vertices) for part in parts)])
    return (
        np.concatenate([part.surface.vertices for part in parts]),
        np.concatenate([part.surface.normals for part in parts]),
        np.concatenate([part.surface.triangles + n for part, n in zip(parts, first)]),
    )


def _compute_trunk_weights(vertices: F64, anatomy: Anatomy) -> F64:
    """Hang every vertex on the bones that are near it, in radii of their limbs, (N, 21)."""
    scale = anatomy.scale
    nearness = np.full((len(vertices), len(JOINTS)), -np.inf)
    up = np.array([0.0, 0.0, scale])
    pelvis, spine, chest, neck = (
        anatomy.joint(name) for name in ("pelvis", "spine", "chest", "neck")
    )
    torso = (
        ("pelvis", pelvis - 0.08 * up, pelvis + 0.06 * up, 0.15),
        ("spine", spine + 0.02 * up, chest - 0.04 * up, 0.14),
        ("chest", chest + 0.03 * up, neck, 0.14),
    )
    flatten = np.array([0.85, 1.25, 1.0])
    for name, start, end, radius in torso:
        distance = np.linalg.norm(_compute_segment_offsets(vertices, start, end) * flatten, axis=-1)
        nearness[:, INDEX[name]] = -distance / (radius * scale)
    for side, sign in zip(SIDES, SIGNS):
        across = sign * vertices[:, 0] / (0.02 * scale)
        other_side = 0.5 * np.clip(-across, 0, 50)
        inside = 0.3 * np.clip(5.0 - across, 0, 50)
        joint = {
            name: anatomy.joint(f"{side}_{name}")
            for name in ("clavicle", "shoulder", "elbow", "wrist")
        }
        joint |= {name: anatomy.joint(f"{side}_{name}") for name in ("hip", "knee", "ankle", "toe")}
        arm = anatomy.direction(f"{side}_shoulder", f"{side}_elbow")
        leg = anatomy.direction(f"{side}_hip", f"{side}_knee")
        limbs = (
            ("shoulder", joint["shoulder"] + 0.015 * scale * arm, joint["elbow"], 0.055, inside),
            ("elbow", joint["elbow"], joint["wrist"], 0.04, inside),
            ("clavicle", joint["clavicle"], joint["shoulder"], 0.07, 0.15 + 0.6 * other_side),
            ("hip", joint["hip"] + 0.06 * scale * leg, joint["knee"], 0.085, other_side),
            ("knee", joint["knee"], joint["ankle"], 0.055, other_side),
            ("ankle", joint["ankle"], joint["toe"], 0.05, other_side),
        )
        for name, start, end, radius, handicap in limbs:
            distance = np.linalg.norm(_compute_segment_offsets(vertices, start, end), axis=-1)
            nearness[:, INDEX[f"{side}_{name}"]] = -distance / (radius * scale) - handicap
    share = np.exp((nearness - nearness.max(1, keepdims=True)) / _SOFTNESS)
    return share / share.sum(1, keepdims=True)


def _compute_head_weights(vertices: F64, anatomy: Anatomy) -> F64:
    """Hang the head on the head, the throat on the neck and its root on the chest, (N, 21)."""
    height = vertices[:, 2] / anatomy.scale
    on_neck = np.clip((height - 1.475) / 0.05, 0, 1)
    on_head = np.clip((height - 1.53) / 0.055, 0, 1)
    weight = np.zeros((len(vertices), len(JOINTS)))
    weight[:, INDEX["head"]] = on_head
    weight[:, INDEX["neck"]] = (1 - on_head) * on_neck
    weight[:, INDEX["chest"]] = (1 - on_head) * (1 - on_neck)
    return weight


def _compute_hand_weights(vertices: F64, anatomy: Anatomy, side: int) -> F64:
    """Hang the hand on the wrist and its root on the forearm, (N, 21)."""
    name = SIDES[side]
    along = (vertices - anatomy.joint(f"{name}_wrist")) @ anatomy.direction(
        f"{name}_shoulder", f"{name}_elbow"
    )
    on_hand = np.clip((along / anatomy.scale + 0.012) / 0.03, 0, 1)
    weight = np.zeros((len(vertices), len(JOINTS)))
    weight[:, INDEX[f"{name}_wrist"]] = on_hand
    weight[:, INDEX[f"{name}_elbow"]] = 1 - on_hand
    return weight


def _compute_segment_offsets(points: F64, start: F64, end: F64) -> F64:
    """Return the vectors from the nearest points of a segment, (N, 3)."""
    axis = end - start
    share = np.clip((points - start) @ axis / (axis @ axis), 0, 1)
    return points - start - share[:, None] * axis


def _compute_openness(field: Field, vertices: F64, normals: F64) -> F64:
    """Darken where the body is close to itself: armpits, crotch, under the chin."""
    openness = np.ones(len(vertices))
    for step_m in (0.03, 0.08):
        openness -= 0.36 * np.clip(1 - field(vertices + normals * step_m) / step_m, 0, 1)
    return np.clip(openness, 0.35, 1)


def _wrinkle_normals(vertices: F64, normals: F64, material: np.ndarray) -> F64:
    """Tilt the normals of cloth as folds would."""
    cloth = np.isin(material, CLOTH)
    slope = np.zeros((cloth.sum(), 3))
    for scale, strength, seed in ((1.0, 0.75, 5), (2.3, 0.35, 9)):
        grains = vertices[cloth] * np.array([16, 16, 26]) * scale
        for axis, step in enumerate(0.25 * np.eye(3)):
            slope[:, axis] += strength * (
                value_noise(grains + step, seed) - value_noise(grains - step, seed)
            )
    wrinkled = normals.copy()
    wrinkled[cloth] -= slope
    return wrinkled / np.linalg.norm(wrinkled, axis=-1, keepdims=True)


def _mottle_colours(vertices: F64, colour: F64, material: np.ndarray) -> F64:
    """Vary the colours a little, cloth and hair more than skin."""
    fine = (value_noise(vertices * 60, 11) - 0.5) * 0.12 * (material != Material.SKIN)
    coarse = (value_noise(vertices * 30, 12) - 0.5) * 0.06
    return colour * (1 + fine + coarse)[:, None]
