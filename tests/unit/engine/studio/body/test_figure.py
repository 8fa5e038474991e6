"""The studio's person: the mesh, its paint and its weights."""

from collections import Counter

import numpy as np
import pytest

from calibration.geometry.arrays import F64
from engine.studio.body.anatomy import JOINTS
from engine.studio.body.appearance import Appearance, draw_appearance
from engine.studio.body.figure import Figure, build_box_figure, build_figure, merge_figures
from engine.studio.body.materials import cut_along_all
from engine.studio.body.surface import Surface, build_surface, split_by_label
from engine.studio.fields import capsule, ellipsoid


def ball(points: F64) -> F64:
    """Return the distance to a ball of 10 cm."""
    return np.linalg.norm(points, axis=-1) - 0.1


@pytest.fixture(scope="module")
def sphere() -> Surface:
    """A ball of 10 cm in cells of 2 cm."""
    return build_surface(ball, np.full(3, -0.13), np.full(3, 0.13), 0.02)


@pytest.fixture(scope="module")
def person() -> Figure:
    """A person."""
    return build_figure(1.7, draw_appearance(np.random.default_rng(0)))


def is_closed(triangles: np.ndarray) -> bool:
    """Tell whether every edge has one triangle on either side."""
    edges = Counter(
        map(
            tuple,
            np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]),
        )
    )
    return all(count == 1 and edges[edge[::-1]] == 1 for edge, count in edges.items())


def test_the_mesh_of_a_ball_lies_on_it_is_closed_and_faces_outwards(sphere: Surface):
    np.testing.assert_allclose(np.linalg.norm(sphere.vertices, axis=1), 0.1, atol=2e-4)
    assert is_closed(sphere.triangles)
    a, b, c = (sphere.vertices[sphere.triangles[:, i]] for i in range(3))
    assert (np.einsum("fi,fi->f", np.cross(b - a, c - a), a + b + c) > 0).all()
    np.testing.assert_allclose(sphere.normals, sphere.vertices / 0.1, atol=0.02)


def test_a_cut_puts_vertices_on_the_border_and_leaves_the_shape_closed(sphere: Surface):
    cut, (above,) = cut_along_all(sphere, [lambda points: points[:, 2] - 0.013])
    assert is_closed(cut.triangles)
    corners = cut.vertices[cut.triangles][..., 2]
    assert (corners[above] > 0.013 - 1e-6).all()
    assert (corners[~above] < 0.013 + 1e-6).all()


def test_labels_get_vertices_of_their_own(sphere: Surface):
    label = (sphere.vertices[sphere.triangles].mean(1)[:, 0] > 0).astype(np.int64)
    split, of_vertex = split_by_label(sphere, label)
    np.testing.assert_array_equal(of_vertex[split.triangles], np.repeat(label[:, None], 3, 1))
    np.testing.assert_array_equal(
        split.vertices[split.triangles], sphere.vertices[sphere.triangles]
    )


def test_fields_are_negative_inside_and_metric_outside():
    centre = np.array([[0.0, 0.0, 0.0]])
    ends = np.array([[0.0, 0.0, -0.1], [0.0, 0.0, 0.1]])
    np.testing.assert_allclose(capsule(centre, ends, (0.05, 0.05)), -0.05)
    np.testing.assert_allclose(capsule(np.array([[0.0, 0.0, 0.3]]), ends, (0.05, 0.05)), 0.15)
    np.testing.assert_allclose(
        ellipsoid(np.array([[0.2, 0.0, 0.0]]), np.zeros(3), np.array([0.2, 0.1, 0.1])), 0, atol=1e-8
    )


def test_a_person_has_the_stature_asked_for_and_stands_on_the_floor():
    for stature in (1.5, 1.95):
        figure = build_figure(stature, draw_appearance(np.random.default_rng(1)))
        height = figure.mesh.vertices[:, 2]
        assert abs(height.min()) < 0.01
        assert abs(height.max() - stature) < 0.02


def test_every_vertex_hangs_on_bones_that_sum_to_one(person: Figure):
    np.testing.assert_allclose(person.mesh.weight.sum(1), 1.0, atol=1e-5)
    assert person.mesh.bone.min() >= 0
    assert person.mesh.bone.max() < len(JOINTS) == person.bones


def test_a_person_has_few_enough_triangles_for_thirty_frames_a_second(person: Figure):
    assert 15_000 < len(person.triangles) < 30_000
    assert person.triangles.max() < len(person.mesh.vertices)


def test_looks_differ_by_seed_and_keep_skin_hair_and_clothes_apart():
    looks = [draw_appearance(np.random.default_rng(seed)) for seed in range(200)]
    assert len({look.shirt for look in looks}) == 200
    for field in ("sleeve_m", "trousers_m", "hem_m", "girth"):
        assert np.ptp([getattr(look, field) for look in looks]) > 0.05
    for look in looks:
        assert distance(look, "hair", "skin") > 35
        assert distance(look, "shirt", "skin") > 45
        assert distance(look, "trousers", "skin") > 45
        assert distance(look, "shirt", "trousers") > 45


def distance(look: Appearance, one: str, other: str) -> float:
    """Return how far two colours of a look are apart, grey levels."""
    return float(np.linalg.norm(np.subtract(getattr(look, one), getattr(look, other))))


def test_figures_put_together_keep_their_own_bones(person: Figure):
    chair = build_box_figure(np.array([[[0.0, 0.0, 0.0], [0.4, 0.4, 0.5]]]), (100.0, 80.0, 60.0))
    both = merge_figures([person, chair])
    assert both.bones == person.bones + 1
    assert (both.mesh.bone[len(person.mesh.vertices) :] == person.bones).all()
    assert is_closed(box_welded(chair))


def box_welded(box: Figure) -> np.ndarray:
    """Return the triangles of a box with equal vertices made one."""
    _, first = np.unique(box.mesh.vertices, axis=0, return_inverse=True)
    return first.ravel()[box.triangles]
