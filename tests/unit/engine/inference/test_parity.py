import numpy as np
import pytest

from engine.errors import BackendUnavailableError
from engine.inference import parity
from engine.inference.parity import (
    MAX_DEVIATION,
    MIN_JOINTS,
    check_precision,
    compare,
    read_results,
)
from engine.inference.pose_model import Sighting
from engine.models.card import load_card
from engine.models.shelf import Model
from tests.support.people import ScriptedPoseModel, make_frameset

SCENES = {1: [(200.0, 240.0, 120.0), (450.0, 240.0, 120.0)]}
IMAGES = [make_frameset(0, 1).frames[0].image_bgr] * 5  # 10 people, 330 joints


class Coarse(ScriptedPoseModel):
    """The same network, off by a share of the region's side in every twentieth joint."""

    def __init__(self, share):
        super().__init__(SCENES)
        self.share = share

    def locate(self, images_bgr, regions):
        found = super().locate(images_bgr, regions)
        noisy = []
        for sighting, region in zip(found, regions):
            xy = sighting.xy.copy()
            xy[::20] += (self.share * region.size_wh[0], 0.0)
            noisy.append(Sighting(xy, sighting.confidence, sighting.score, sighting.points))
        return noisy


def test_a_precision_that_agrees_is_accepted():
    found = compare(ScriptedPoseModel(SCENES), Coarse(MAX_DEVIATION / 2), IMAGES, "bf16")
    assert found.accepted
    assert found.joints == 330


def test_a_precision_is_refused_for_a_few_joints_that_are_far_off():
    found = compare(ScriptedPoseModel(SCENES), Coarse(0.05), IMAGES, "bf16")
    assert not found.accepted
    assert found.deviation == pytest.approx(0.05)


def test_images_without_people_prove_nothing():
    assert not compare(ScriptedPoseModel({}), Coarse(0.0), IMAGES, "bf16").accepted
    few = compare(ScriptedPoseModel(SCENES), Coarse(0.0), IMAGES[:1], "bf16")
    assert few.joints < MIN_JOINTS
    assert not few.accepted


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setenv("EPIPOLE_MODELS", str(tmp_path))
    return Model(load_card("blazepose"), {}, "a" * 64)


def test_the_answer_is_remembered_for_this_model_and_runtime(model, monkeypatch):
    made = {"f32": ScriptedPoseModel(SCENES), "bf16": Coarse(0.0)}
    monkeypatch.setattr(parity, "load_pose_model", lambda model, backend, run: made[run.precision])
    answer = check_precision(model, "openvino", "bf16", IMAGES)
    assert read_results(model, "scripted") == (answer,)
    assert read_results(model, "another version") == ()
    made["bf16"] = Coarse(0.1)
    newer = check_precision(model, "openvino", "bf16", IMAGES)
    assert read_results(model, "scripted") == (newer,)
    assert not newer.accepted


def test_a_precision_that_the_processor_lacks_is_refused(model, monkeypatch):
    def load(model, backend, run):
        if run.precision != "f32":
            raise BackendUnavailableError("not here")
        return ScriptedPoseModel(SCENES)

    monkeypatch.setattr(parity, "load_pose_model", load)
    answer = check_precision(model, "openvino", "bf16", IMAGES)
    assert not answer.accepted
    assert np.isnan(answer.deviation)
