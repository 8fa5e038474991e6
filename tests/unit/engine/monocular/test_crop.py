"""The square of an image that a monocular model sees."""

import numpy as np
import pytest

from calibration.skeleton import load_skeleton
from engine.monocular.crop import square_around_person
from engine.poses import Pose2D

SKELETON = load_skeleton("blazepose_33")


def test_the_square_is_the_one_that_labels_are_cut_from_without_fingers_and_toes():
    xy = np.full((33, 2), 300.0)
    xy[SKELETON.indices(["left_ankle", "right_ankle"]), 1] = 500.0
    xy[SKELETON.indices(["left_ear", "right_ear"]), 1] = (
        200.0  # the crown is 0.6 of the way beyond: 140
    )
    xy[SKELETON.indices(["left_index", "left_foot_index"]), 1] = 700.0
    region = square_around_person(Pose2D(0, xy, np.ones(33)), SKELETON, (1280, 720))
    assert region is not None
    assert region.center_xy == pytest.approx((300.0, 320.0))
    assert region.size_wh == pytest.approx((450.0, 450.0))


def test_joints_beyond_the_edge_of_the_image_or_in_doubt_are_not_in_the_square():
    xy = np.full((33, 2), 300.0)
    xy[:, 0] = np.linspace(300, 400, 33)
    sure = np.ones(33)
    plain = square_around_person(Pose2D(0, xy, sure), SKELETON, (1280, 720))
    xy[SKELETON.index("left_wrist")] = (-50.0, 300.0)
    sure[SKELETON.index("right_wrist")] = 0.1
    xy[SKELETON.index("right_wrist")] = (900.0, 300.0)
    assert square_around_person(Pose2D(0, xy, sure), SKELETON, (1280, 720)) == plain
    assert square_around_person(Pose2D(0, xy, np.zeros(33)), SKELETON, (1280, 720)) is None
