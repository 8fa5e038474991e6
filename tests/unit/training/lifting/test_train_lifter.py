"""A small lifter learns, is exported, and says the same in the runtime as in torch."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from engine.models.card import LIFTER_CODEC, ModelCardError, TrainingRecord, read_card
from engine.models.library import PICTURES, embedded_card_path
from engine.monocular.joint_window import OFFSETS_S, JointWindows, build_inputs
from engine.monocular.lifter import Lifter
from engine.reconstruction.body_size import LIMBS
from training.errors import WeightsError
from training.export.export import CardFacts
from training.lifting.batches import BatchPlan
from training.lifting.export_lifter import export_lifter, read_lifter
from training.lifting.network import OWN_INPUTS, Lifted, LifterEnsemble, lifter_loss
from training.lifting.train_lifter import LifterConfig, compute_rate_share, train_lifter

FACTS = CardFacts("Apache-2.0", "a small one", TrainingRecord(data=("three performances",)))
SMALL = LifterConfig(steps=100, rate=3e-3, width=64, blocks=1)


@pytest.fixture(scope="module")
def plan(bank, exact, no_errors):
    return BatchPlan(bank, no_errors, exact, motion_count=120, sighting_count=20)


@pytest.fixture(scope="module")
def trained(plan):
    seen = []
    network = train_lifter(plan, SMALL, seen.append)
    return network, seen


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lifter")
    path = folder / "small.onnx"
    return export_lifter(pair(trained[0]), path, folder / "small.toml", "small", FACTS), path


def pair(network):
    """A lifter of two members, one of which is not shown the 2D model's own guess."""
    return LifterEnsemble([network, deepcopy(network)], [True, False]).eval()


def score(network, plan):
    batch = plan.draw(np.random.default_rng(99))
    with torch.no_grad():
        joints = network(torch.from_numpy(batch.inputs)).joints.numpy()
    return float(np.linalg.norm(joints - batch.joints, axis=-1).mean())


def test_a_hundred_batches_teach_something(trained, plan):
    network, seen = trained
    assert [progress.step for progress in seen] == [100]
    assert seen[0].left_s == pytest.approx(0)
    blank = train_lifter(plan, LifterConfig(steps=1, width=64, blocks=1))
    assert score(network, plan) < 0.75 * score(blank, plan)


def test_a_training_is_the_same_again(plan):
    short = LifterConfig(steps=3, width=32, blocks=1)
    one, other = (train_lifter(plan, short) for _ in range(2))
    assert score(one, plan) == score(other, plan)


def test_a_training_can_be_cancelled(plan):
    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_lifter(plan, LifterConfig(steps=200, width=16, blocks=1), stop)


def test_the_runtime_says_what_torch_says(trained, exported):
    rng = np.random.default_rng(0)
    shape = (300, len(OFFSETS_S), len(LIMBS))
    windows = JointWindows(
        rng.normal(0, 0.1, (*shape, 2)), rng.uniform(0, 1, shape), rng.random(shape[:2]) < 0.8
    )
    up = np.tile([0.0, -1.0, 0.0], (300, 1))
    lifter = Lifter(exported[0])
    lifted = lifter.lift(windows, up)
    lifter.close()
    inputs, axes = build_inputs(windows, up)
    with torch.no_grad():
        expected = pair(trained[0])(torch.from_numpy(inputs))
    joints = np.einsum("nij,nkj->nki", axes, expected.joints.numpy())
    np.testing.assert_allclose(lifted.xyz, joints, atol=1e-4)
    np.testing.assert_allclose(lifted.sigma, np.exp(expected.log_sigma.numpy()), rtol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(lifted.up, axis=1), 1, atol=1e-6)


def test_a_lifter_is_read_back_to_be_trained_further(trained, exported, plan):
    again = read_lifter(exported[1])
    assert again.sees_own == (True, False)
    assert score(again, plan) == pytest.approx(score(pair(trained[0]), plan), abs=1e-5)
    first = again.members[0]
    further = train_lifter(plan, LifterConfig(steps=1, width=64, blocks=1), start=first)
    assert score(further, plan) < 1.5 * score(first, plan)


def test_members_that_disagree_are_less_sure(plan):
    one, other = (
        train_lifter(plan, LifterConfig(steps=2, width=16, blocks=1, seed=seed)) for seed in (1, 2)
    )
    inputs = torch.from_numpy(plan.draw(np.random.default_rng(3)).inputs)
    with torch.no_grad():
        alike = LifterEnsemble([one, one], [True, True])(inputs)
        apart = LifterEnsemble([one, other], [True, True])(inputs)
        other_claim = other(inputs).log_sigma
    assert (apart.log_sigma > torch.minimum(alike.log_sigma, other_claim)).float().mean() > 0.9


def test_a_member_that_is_not_shown_the_own_guess_does_not_see_it(trained, plan):
    inputs = torch.from_numpy(plan.draw(np.random.default_rng(3)).inputs)
    other = inputs.clone()
    other[:, -OWN_INPUTS:] = 1.0
    blind = LifterEnsemble([trained[0]], [False]).eval()
    with torch.no_grad():
        torch.testing.assert_close(blind(inputs).joints, blind(other).joints)


def test_a_file_that_is_no_lifter_cannot_be_trained_further(tmp_path):
    path = tmp_path / "worn.onnx"
    path.write_bytes(b"no network")
    with pytest.raises(WeightsError, match="no lifter"):
        read_lifter(path)


def test_the_card_says_what_it_is_and_another_kind_is_refused(exported, tmp_path):
    card = read_card(exported[1].with_suffix(".toml"))
    assert (card.codec, card.trained.data) == (LIFTER_CODEC, ("three performances",))
    path = exported[1].with_name("other.toml")
    text = exported[1].with_suffix(".toml").read_text().replace('"lifter"', '"soft-argmax-3d"')
    path.write_text(text)
    with pytest.raises(ModelCardError, match="A lifter takes 'joints', every other model images"):
        read_card(path)
    with pytest.raises(ModelCardError, match="needs task 'pose3d' and codec 'lifter'"):
        Lifter(read_card(embedded_card_path(PICTURES)))


def test_a_lifter_of_another_window_is_refused(plan, tmp_path):
    network = train_lifter(plan, LifterConfig(steps=1, width=16, blocks=1))
    network.first = torch.nn.Linear(90, 16)
    network.shape = type(network.shape)(90, 16, 1)
    path = tmp_path / "old.onnx"
    card = export_lifter(
        LifterEnsemble([network], [True]).eval(), path, tmp_path / "old.toml", "old", FACTS
    )
    with pytest.raises(ModelCardError, match="another version of Epipole"):
        Lifter(card)


def test_claims_pay_only_where_they_are_true():
    truth = torch.zeros(50, 12, 3)
    off = torch.full((50, 12, 3), 0.2)
    up = torch.tensor([0.0, -1.0, 0.0]).expand(50, 3)
    losses = [
        float(lifter_loss(Lifted(off, torch.full_like(off, float(np.log(s))), up), truth, up))
        for s in (0.02, 0.2, 2.0)
    ]
    assert losses[1] == min(losses)


def test_the_rate_rises_then_falls():
    shares = [compute_rate_share(step, 1000) for step in range(1000)]
    assert shares[0] < shares[19] == max(shares)
    assert shares[-1] < 0.02
