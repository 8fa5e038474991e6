"""The lifter that ships, on one real view: better than what the 2D model guesses itself."""

import numpy as np
import pytest

from calibration.evidence.observations import Observations
from calibration.rig import Rig
from calibration.skeleton import load_skeleton
from engine.errors import ModelMissingError
from engine.models.shelf import load_model
from engine.monocular.load import OWN_POSE, load_monocular_model
from engine.offline.footage import open_inputs
from engine.offline.observe import observe
from engine.offline.single_view import OfflineMonocular, follow_person
from engine.reconstruction.body_size import LIMBS
from engine.reconstruction.reconstruct import reconstruct_observations
from training.evaluation.metrics import p_mpjpe
from training.world.beam import find_beam

pytestmark = [pytest.mark.data, pytest.mark.model]
VIEW, VIEWS = 2, ("cam01", "cam02", "cam03", "cam04")
SKELETON = load_skeleton("blazepose_33")


@pytest.fixture(scope="module")
def rig(data_folder):
    return find_beam(data_folder / "beam")[0].load().rig


@pytest.fixture(scope="module")
def truth(data_folder, rig):
    """Limbs triangulated by the true rig from stored tracks of all views, (T, 12, 3), m."""
    stored = np.load(data_folder / "beam" / "keypoints_mediapipe.npz")
    joints = stored["kp"].astype(float)
    time_ns = np.round(np.arange(len(joints)) * 1e9 / 60).astype(np.int64)
    each = np.repeat(time_ns[:, None], len(VIEWS), 1)
    sizes = tuple(camera.size_wh for camera in rig)
    seen = Observations(SKELETON, VIEWS, sizes, time_ns, joints[..., :2], joints[..., 2], each)
    found = reconstruct_observations(seen.swap_sides(stored["lr_flipped"]), rig)
    xyz = np.full((len(joints), len(LIMBS), 3), np.nan)
    for t, poses in enumerate(found):
        if poses.people:
            xyz[t] = poses.people[0].xyz[SKELETON.indices(LIMBS)]
    return xyz


@pytest.fixture(scope="module")
def recording(data_folder):
    try:
        load_model("blazepose")
    except ModelMissingError as error:
        pytest.skip(str(error))
    with open_inputs([data_folder / "beam" / f"{VIEWS[VIEW]}.mp4"]) as footage:
        return observe(footage, "blazepose").recording


def measure_mm(name, recording, rig, truth):
    """Return the mean error after a similarity per pose, mm."""
    model = load_monocular_model(name)
    monocular = OfflineMonocular(model, recording.skeleton)
    found = monocular.fill(follow_person(recording), Rig((rig[VIEW],)))
    model.close()
    limbs = np.full(truth.shape, np.nan)
    for t, poses in enumerate(found.poses_3d):
        if poses.people:
            limbs[t] = poses.people[0].xyz[recording.skeleton.indices(LIMBS)]
    assert np.isfinite(limbs).all((1, 2)).mean() > 0.95
    return 1000 * float(np.nanmean(p_mpjpe(limbs, truth)))


def test_the_lifter_is_better_than_the_2d_models_own_pose(recording, rig, truth):
    lifted, own = (measure_mm(name, recording, rig, truth) for name in ("lifter", OWN_POSE))
    assert lifted < 72  # 60 to 65
    assert lifted < 0.85 * own
