"""Where a refinement starts: several explanations are tried, the cheapest wins, rivals are said."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.evidence.keyframes import select_training_rows
from calibration.geometry.transforms import rotation_from_rotvec
from calibration.solve import initialise
from calibration.solve.initialise import scout
from calibration.solve.lens_priors import build_lens_priors
from calibration.solve.refine import Refinement
from calibration.synthetic.synthetic import NO_NOISE, RigPlan
from tests.support.calibrations import make_scene, measure_pair_rotation_errors_deg


@pytest.fixture(scope="module")
def scene():
    return make_scene(RigPlan(cameras=2, arc_deg=80), "in_place", NO_NOISE, seed=4, seconds=10)


def place(scene):
    seen = scene.seen.observations
    lenses, _ = build_lens_priors(seen, scene.rig.cameras, shared=False)
    return scout(seen, select_training_rows(seen, 50), lenses)


def test_two_views_of_a_person_on_the_spot_are_placed(scene):
    scouted = place(scene)
    rotation = scouted.estimate.rotation
    posed = replace(
        scene.rig,
        cameras=tuple(
            replace(camera, cam_from_world=np.block([[R, np.zeros((3, 1))], [0, 0, 0, 1]]))
            for camera, R in zip(scene.rig, rotation)
        ),
    )
    assert measure_pair_rotation_errors_deg(posed, scene.rig).max() < 2
    assert not scouted.ambiguous
    assert scouted.fits


@pytest.mark.parametrize(
    ("turn_deg", "cost", "ambiguous"), [(40, 3, True), (40, 30, False), (5, 3, False)]
)
def test_another_rig_that_costs_as_little_is_ambiguous(
    scene, monkeypatch, turn_deg, cost, ambiguous
):
    refined = []

    def turn_every_second(evidence, start, free_parameters, settings):
        """Stand in for the refinement: every second start ends elsewhere."""
        refined.append(start)
        odd = len(refined) % 2 == 0
        turn = rotation_from_rotvec(np.radians([0.0, turn_deg * odd, 0.0]))
        rotation = start.rotation.copy()
        rotation[0], rotation[1] = np.eye(3), turn
        return Refinement(replace(start, rotation=rotation), 100.0 + cost * odd, 1)

    monkeypatch.setattr(initialise, "refine", turn_every_second)
    starts = initialise._bootstrap_estimates
    monkeypatch.setattr(initialise, "_bootstrap_estimates", lambda *given: starts(*given)[:1] * 2)
    assert place(scene).ambiguous == ambiguous
