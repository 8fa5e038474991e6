import json
from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest

from app.commands import label
from calibration.rig import Rig, save_rig
from calibration.synthetic.synthetic import NoiseConfig, RigPlan
from engine.frames import Frame
from engine.session.session import RIG, Session, SessionFacts
from engine.session.writer import SessionWriter
from tests.support.calibrations import make_scene
from tests.support.pose_recordings import make_pose_sets
from training.errors import TrainingError
from training.labels.error_network import load_error_network
from training.labels.files import load_labels
from training.labels.pseudo_labels import LabelConfig
from training.labels.session import label_session
from training.labels.two_views.published_recipe import label_by_two_views, vector_median


@pytest.fixture(scope="module")
def walk():
    noise = NoiseConfig(jitter_of_torso=0.01, confidence_spread=0.3)
    plan = RigPlan(cameras=3, size_wh=(320, 180), k1=(0.0, 0.0))
    return make_scene(plan, "room", noise, seed=2, seconds=4)


@pytest.fixture
def session(walk, tmp_path) -> Session:
    return recorded(walk, tmp_path / "walk", range(3))


def recorded(walk, path, views) -> Session:
    names = [walk.rig.names[v] for v in views]
    with SessionWriter(path, SessionFacts(model={"name": "blazepose", "sha256": "ab"})) as writer:
        for v, name in zip(views, names):
            recorder = writer.record_camera(
                name, source=f"usb:{v}", size_wh=(320, 180), rate_fps=30.0
            )
            recorder.put(Frame(name, 0, 0, np.zeros((180, 320, 3), np.uint8)))
        poses = writer.open_pose_files(walk.seen.observations.skeleton, names)
        for one in make_pose_sets(walk.seen.observations):
            some = tuple(one.poses_by_view[v] for v in views)
            poses.raw_2d.put(
                replace(
                    one, poses_by_view=some, view_time_ns=tuple(one.view_time_ns[v] for v in views)
                )
            )
    with_verdict = Rig(
        tuple(walk.rig[v] for v in views), walk.rig.time_offset_ns, {"verdict": "accepted"}
    )
    save_rig(with_verdict, path / RIG)
    return Session.open(path)


def test_a_session_is_labelled_and_the_set_names_its_calibration(session, walk):
    labelled = label_session(session)
    stored = load_labels(labelled.path)
    assert labelled.path.parent == session.path / "labels"
    assert labelled.path.stem.startswith(stored.calibration.id)
    assert stored.calibration.verdict == "accepted"
    assert stored.accepted.sum() == labelled.labels.accepted.sum() > 0
    np.testing.assert_allclose(stored.arrays["xyz"], labelled.labels.xyz, atol=1e-5)
    summary = json.loads(labelled.path.with_suffix(".json").read_text(encoding="utf-8"))
    assert summary["summary"]["calibration_id"] == stored.calibration.id


def test_another_rig_makes_another_set_and_leaves_the_first_as_it_was(session, walk, tmp_path):
    first = label_session(session).path
    before = first.read_bytes()
    other = tmp_path / "other.toml"
    save_rig(replace(walk.rig, metadata={"verdict": "usable"}), other)
    second = label_session(session, other).path
    assert second != first
    assert first.read_bytes() == before


def test_the_same_rig_twice_is_the_same_set(session):
    first = label_session(session).path
    written = first.stat().st_mtime_ns
    assert label_session(session).path == first
    assert first.stat().st_mtime_ns == written


def test_other_gates_make_another_set(session):
    loose = LabelConfig(gates=replace(LabelConfig().gates, sigma_mm=30.0))
    assert label_session(session).path != label_session(session, config=loose).path


def test_another_network_that_expects_errors_makes_another_set(session):
    ours = load_error_network("blazepose_33")
    doubtful = LabelConfig(errors=replace(ours, mean=ours.mean + 0.01))
    assert label_session(session).path != label_session(session, config=doubtful).path
    assert (
        label_session(session).path == label_session(session, config=LabelConfig(errors=ours)).path
    )


def test_a_session_without_a_rig_is_refused(session):
    (session.path / RIG).unlink()
    with pytest.raises(TrainingError, match="has no calibration"):
        label_session(session)


def test_a_session_with_a_refused_rig_is_refused(session, walk):
    save_rig(replace(walk.rig, metadata={"verdict": "refused"}), session.path / RIG)
    with pytest.raises(TrainingError, match="The rig was refused"):
        label_session(session)


def test_a_session_of_one_camera_is_refused(walk, tmp_path):
    with pytest.raises(TrainingError, match="has only one camera"):
        label_session(recorded(walk, tmp_path / "one", range(1)))


def test_a_rig_of_other_cameras_is_refused(session, walk, tmp_path):
    others = Rig(tuple(replace(camera, name=f"{camera.name}_x") for camera in walk.rig))
    save_rig(others, tmp_path / "others.toml")
    with pytest.raises(TrainingError, match="not those of this session"):
        label_session(session, tmp_path / "others.toml")


def test_a_set_without_its_calibration_is_not_read(session):
    path = label_session(session).path
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    facts = json.loads(str(arrays["facts"]))
    facts["calibration"]["id"] = ""
    np.savez(path, **{**arrays, "facts": np.array(json.dumps(facts))})
    with pytest.raises(TrainingError, match="without the id of their calibration"):
        load_labels(path)


def test_a_torn_set_is_one_sentence(session):
    path = label_session(session).path
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TrainingError, match="are damaged"):
        load_labels(path)


def test_the_command_tells_what_became_labels(session, capsys):
    assert label.run(Namespace(session=session.path, rig=None)) == 0
    assert "became labels" in capsys.readouterr().out


def test_the_published_recipe_finds_the_walker_in_the_frame_of_the_first_camera(walk):
    seen = walk.seen.observations
    labels = label_by_two_views(seen, walk.rig.cameras, 1.75, (0, 1, 2))
    camera = walk.rig[0]
    true = walk.seen.xyz @ camera.R.T + camera.t
    limbs = slice(11, 17)
    error = np.linalg.norm(labels.xyz - true, axis=-1)[:, limbs]
    assert labels.pairs == (("cam_0", "cam_1"), ("cam_0", "cam_2"))
    assert np.nanmedian(error) < 0.15  # metres from stature, three metres away


def test_the_published_recipe_demands_two_views(walk):
    with pytest.raises(TrainingError, match="need two cameras"):
        label_by_two_views(walk.seen.observations, walk.rig.cameras, 1.75, (0,))


def test_the_vector_median_ignores_one_that_is_far_off():
    points = np.array([[[0.0, 0, 1]], [[0.01, 0, 1]], [[5.0, 0, 1]]])
    assert vector_median(points)[0, 0] < 0.02
    points[1:] = np.nan
    assert vector_median(points)[0, 0] == 0
