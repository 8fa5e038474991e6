import numpy as np

from engine.inference.blazepose import (
    build_anchors,
    decode_detections,
    decode_landmarks,
    decode_own_pose,
)
from engine.inference.preprocess import Region

CENTERS = build_anchors()


def logit(p):
    return np.log(p / (1 - p))


def test_there_are_as_many_anchors_as_the_detector_has_rows():
    assert CENTERS.shape == (2254, 2)
    np.testing.assert_allclose(CENTERS[:3], [(4, 4), (4, 4), (12, 4)])
    np.testing.assert_allclose(CENTERS[28 * 28 * 2], (8, 8))
    np.testing.assert_allclose(CENTERS[-6:], np.tile((208, 208), (6, 1)))


def person(raw, scores, anchor, hips, score):
    """Write one row: a box of 40 px around the hips, and the reach point 50 px above."""
    raw[anchor] = [*(hips - CENTERS[anchor]), 40, 40, *np.tile(hips - CENTERS[anchor], 4)]
    raw[anchor, 7] -= 50
    scores[anchor] = logit(score)


def test_rows_of_one_person_are_averaged_by_score_and_two_people_stay_two():
    raw, scores = np.zeros((2254, 12), np.float32), np.full((2254, 1), -20.0, np.float32)
    person(raw, scores, 100, np.array([60.0, 60.0]), 0.9)
    person(raw, scores, 101, np.array([64.0, 60.0]), 0.6)
    person(raw, scores, 900, np.array([160.0, 100.0]), 0.7)
    person(raw, scores, 901, np.array([20.0, 200.0]), 0.4)
    found = decode_detections(raw, scores, CENTERS, min_score=0.5, max_overlap=0.3)
    np.testing.assert_allclose(found.score, (0.9, 0.7), atol=1e-6)
    np.testing.assert_allclose(found.points[0, 0], ((60 * 0.9 + 64 * 0.6) / 1.5, 60), atol=1e-4)
    np.testing.assert_allclose(found.points[1, :2], [(160, 100), (160, 50)], atol=1e-4)


def test_nobody_is_an_empty_detection():
    found = decode_detections(
        np.zeros((2254, 12), np.float32),
        np.full((2254, 1), -9.0, np.float32),
        CENTERS,
        min_score=0.5,
        max_overlap=0.3,
    )
    assert found.points.shape == (0, 4, 2)


def landmark_output(xy, visibility=0.9, spot=None, peak=0.9):
    """The network's outputs for one crop: all landmarks at `xy`, all heat maps with one spot."""
    raw = np.tile([*xy, 0.0, logit(visibility), 3.0], 39).astype(np.float32)[None]
    heat = np.full((1, 64, 64, 39), -20.0, np.float32)
    if spot is not None:
        heat[0, spot[1], spot[0]] = logit(peak)
    return raw, np.array([[0.8]], np.float32), heat


def test_a_landmark_moves_to_the_heat_map_where_that_is_sure():
    found = decode_landmarks(*landmark_output((100.0, 120.0), spot=(27, 31)), 256)
    np.testing.assert_allclose(found.xy[0], np.tile((108, 124), (33, 1)), atol=0.01)
    np.testing.assert_allclose(found.region_points[0], np.tile((108, 124), (2, 1)), atol=0.01)
    np.testing.assert_allclose(found.confidence, 0.9, atol=1e-6)
    np.testing.assert_allclose(found.presence, 0.8, atol=1e-6)


def test_a_landmark_stays_where_the_heat_map_is_weak_or_far_away_and_loses_confidence():
    for spot, peak in (((27, 31), 0.45), ((29, 31), 0.9)):
        found = decode_landmarks(*landmark_output((100.0, 120.0), spot=spot, peak=peak), 256)
        np.testing.assert_allclose(found.xy[0, 0], (100, 120))
        assert found.confidence[0, 0] < 0.4


def test_a_landmark_outside_the_crop_stays_and_one_at_its_edge_uses_what_there_is():
    outside = decode_landmarks(*landmark_output((-40.0, 300.0)), 256)
    np.testing.assert_allclose(outside.xy[0, 0], (-40, 300))
    edge = decode_landmarks(*landmark_output((254.0, 2.0), spot=(63, 1)), 256)
    np.testing.assert_allclose(edge.xy[0, 0], (252, 4), atol=0.01)


def test_the_own_pose_of_a_crop_that_is_turned_is_turned_back_into_the_image():
    raw = np.zeros((2, 39, 3), np.float32)
    raw[:, 11] = (0.1, -0.5, -0.2)
    upright, turned = Region((0, 0), (9, 9)), Region((0, 0), (9, 9), np.pi / 2)
    own_xyz = decode_own_pose(raw.reshape(2, 117), [upright, turned])
    assert own_xyz.shape == (2, 33, 3)
    np.testing.assert_allclose(own_xyz[0, 11], (0.1, -0.5, -0.2), atol=1e-7)
    # The crop's x axis points down in the image, its y axis to the left; depth stays.
    np.testing.assert_allclose(own_xyz[1, 11], (0.5, 0.1, -0.2), atol=1e-7)
