"""Batches: the network's image and its labels must agree, whatever was done to them."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.inference.preprocess import Region, cut
from tests.support.dots import ROOT, draw_dots, get_grey, make_dot_samples
from training.data.augment import AugmentConfig
from training.data.batches import Batch, BatchConfig, Batches, WeightedSamples
from training.data.crops import Crop, network_input, patch_from_camera
from training.data.occluders import draw_occluders
from training.data.partners import find_partners
from training.data.recrop import recrop
from training.data.samples import MARGIN
from training.errors import DatasetError, TrainingError
from training.loop.losses import reprojection_loss

S = 96
CONFIG = BatchConfig(batch=6, size_px=S, other_views=1.0, ahead=2)
TURNED = AugmentConfig(
    colour_gain=(1.0, 1.0),
    occlusion_probability=0,
    blur_probability=0,
    noise_probability=0,
    jpeg_probability=0,
)
THINGS = draw_occluders(5, np.random.default_rng(0))


@pytest.fixture(scope="module")
def samples():
    return make_dot_samples(8)


def all_of(batches: Batches, number: int = 0) -> list[Batch]:
    return list(batches.epoch(number))


def greys(batch: Batch) -> np.ndarray:
    """Undo the normalisation: (B, S, S)."""
    norm = network_input(S)
    return np.round(batch.image[:, 0].numpy() * norm.std[0] + norm.mean[0])


def offsets_of_dots(batch: Batch, uv: torch.Tensor) -> np.ndarray:
    """Distance of the middle of each dot in full view from where it should be, px of the crop."""
    found = []
    for image, joints in zip(greys(batch), uv.numpy()):
        for joint, where in enumerate(joints):
            rows, columns = np.nonzero(np.abs(image - get_grey(joint)) <= 2)
            if len(rows) >= 8 and np.isfinite(where).all() and np.abs(where).max() < 0.45:
                found.append(np.hypot(*((where + 0.5) * S - (np.median(columns), np.median(rows)))))
    return np.array(found)


def test_the_joints_of_a_batch_lie_on_their_dots(samples):
    away = np.concatenate(
        [offsets_of_dots(batch, batch.uvw[..., :2]) for batch in all_of(Batches(samples, CONFIG))]
    )
    assert len(away) > 100
    assert np.percentile(away, 80) < 1.0


def test_the_joints_stay_on_their_dots_when_crops_are_scaled_and_turned(samples):
    batches = all_of(Batches(samples, CONFIG, TURNED, seed=3))
    away = np.concatenate([offsets_of_dots(batch, batch.uvw[..., :2]) for batch in batches])
    assert len(away) > 80
    assert np.percentile(away, 80) < 1.2


def test_what_was_found_in_the_image_lies_there_too(samples):
    for batch in all_of(Batches(samples, CONFIG, TURNED)):
        known = torch.isfinite(batch.uvw[..., :2])
        torch.testing.assert_close(batch.uv[known], batch.uvw[..., :2][known], atol=2e-4, rtol=0)


def test_labels_are_what_one_crop_after_another_would_give(samples):
    for batch in all_of(Batches(samples, CONFIG)):
        for row, uvw in zip(batch.index.numpy(), batch.uvw.numpy()):
            x, y, side = samples.region[row]
            crop = Crop(Region((x, y), (side, side)), S, samples.cameras[samples.camera[row]])
            wanted = patch_from_camera(
                samples.xyz[row].astype(float), crop, float(samples.root_depth_m[row])
            )
            inside = np.isfinite(uvw)
            np.testing.assert_allclose(uvw[inside], wanted[inside], atol=2e-5)
            assert inside[ROOT].all()


def test_what_lies_beyond_the_crop_is_not_asked_for(samples):
    near = replace(samples, region=samples.region * (1, 1, 0.4))
    for batch in all_of(Batches(near, CONFIG)):
        known = torch.isfinite(batch.uvw)
        assert batch.uvw[known].abs().max() <= 0.5
        assert not known.all()


def test_the_truth_satisfies_the_other_view(samples):
    for batch in all_of(Batches(samples, CONFIG, TURNED)):
        assert batch.other is not None
        uvw = torch.where(torch.isfinite(batch.uvw), batch.uvw, 0)
        known = torch.isfinite(batch.uvw).all(-1)
        other = replace(batch.other, weight=batch.other.weight * known)
        right = reprojection_loss(uvw, batch.root_depth_m, batch.views, other, beta=0.015)
        wrong = reprojection_loss(uvw + 0.1, batch.root_depth_m, batch.views, other, beta=0.015)
        assert right < 1e-5 < 1e-2 < wrong
        assert torch.allclose(batch.other.weight[batch.other.weight > 0], torch.tensor(0.81))


def test_no_other_view_is_asked_where_none_is_wanted(samples):
    assert all(
        batch.other is None for batch in all_of(Batches(samples, replace(CONFIG, other_views=0.0)))
    )


def test_a_share_of_the_samples_is_judged_by_another_view(samples):
    batch = all_of(Batches(samples, BatchConfig(24, S, 0.5)))[0]
    assert batch.other is not None
    assert 4 <= (batch.other.weight.sum(1) > 0).sum() <= 20


def test_partners_are_other_cameras_of_the_same_instant_and_never_held_out(samples):
    rows = np.flatnonzero(samples.camera != 2)
    partners = find_partners(samples, rows)
    for row in range(len(samples)):
        found = partners.partner[partners.start[row] : partners.start[row + 1]]
        assert len(found) == (1 if samples.camera[row] != 2 else 0)
        assert (samples.frameset[found] == samples.frameset[row]).all()
        assert (samples.camera[found] != samples.camera[row]).all()
        assert (samples.camera[found] != 2).all()


def test_partners_look_from_the_side_where_some_do():
    samples = make_dot_samples(
        1, view_count=4
    )  # 90 degrees apart: neighbours serve, the opposite one does not
    partners = find_partners(samples, np.arange(4))
    assert list(partners.partner[partners.start[0] : partners.start[1]]) == [1, 3]


def test_two_people_of_one_instant_are_no_partners(samples):
    two = replace(samples, person=samples.camera.copy(), persons=("ada", "bob", "eve"))
    assert not len(find_partners(two, np.arange(len(two))).partner)


def test_samples_without_anything_in_space_teach_what_was_found_in_the_image(samples):
    flat = replace(
        samples, xyz=np.full_like(samples.xyz, np.nan), weight=np.zeros_like(samples.weight)
    )
    batch = all_of(Batches(flat, CONFIG))[0]
    known = torch.isfinite(batch.uvw[..., :2])
    torch.testing.assert_close(batch.uvw[..., :2][known], batch.uv[known])
    assert known.float().mean() > 0.8
    assert torch.isnan(batch.uvw[..., 2]).all()
    assert torch.isnan(batch.root_depth_m).all()
    assert torch.allclose(batch.weight, torch.tensor(0.81))


def test_a_rejected_root_leaves_the_place_in_the_image(samples):
    xyz = samples.xyz.copy()
    xyz[:, ROOT] = np.nan
    batch = all_of(Batches(replace(samples, xyz=xyz), CONFIG))[0]
    assert torch.isnan(batch.uvw[..., 2]).all()
    assert torch.isfinite(batch.uvw[:, ROOT + 1 :, :2]).float().mean() > 0.8
    assert torch.isnan(batch.uvw[:, ROOT]).all()


def test_an_epoch_shows_every_sample_once_and_the_next_one_in_another_order(samples):
    batches = Batches(samples, CONFIG)
    first, second = (
        [row for batch in all_of(batches, number) for row in batch.index.tolist()]
        for number in (0, 1)
    )
    assert sorted(first) == sorted(second) == list(range(len(samples)))
    assert first != second


def test_samples_that_fill_no_batch_are_left_for_another_epoch(samples):
    batches = Batches(samples, replace(CONFIG, batch=7))
    assert len(batches) == len(all_of(batches)) == 3
    assert all(len(batch) == 7 for batch in batches.epoch(1))


def test_a_batch_depends_on_seed_epoch_and_position_only(samples):
    wild = AugmentConfig()
    whole = all_of(Batches(samples, CONFIG, wild, THINGS, seed=5), number=2)
    rest = list(Batches(samples, replace(CONFIG, ahead=1), wild, THINGS, seed=5).epoch(2, first=2))
    for one, other in zip(whole[2:], rest, strict=True):
        torch.testing.assert_close(one.image, other.image, rtol=0, atol=0)
        torch.testing.assert_close(one.uvw, other.uvw, rtol=0, atol=0, equal_nan=True)
    another = all_of(Batches(samples, CONFIG, wild, THINGS, seed=6), number=2)
    assert not torch.equal(whole[0].image, another[0].image)


def test_sets_are_mixed_by_their_shares_and_a_long_one_goes_on_where_it_was(samples):
    parts = [WeightedSamples(samples, 2.0), WeightedSamples(make_dot_samples(20, seed=1), 1.0)]
    batches = Batches(parts, CONFIG)
    seen = [
        np.concatenate([batch.index.numpy() for batch in all_of(batches, number)])
        for number in range(5)
    ]
    assert all((rows < len(samples)).sum() == 24 for rows in seen)
    other = np.concatenate([rows[rows >= len(samples)] for rows in seen])
    assert len(other) == len(set(other.tolist())) == 60


def test_a_short_set_starts_again_within_an_epoch(samples):
    batches = Batches(
        [WeightedSamples(samples, 1.0), WeightedSamples(make_dot_samples(2, view_count=2), 1.0)],
        CONFIG,
    )
    rows = np.concatenate([batch.index.numpy() for batch in all_of(batches)])
    assert (np.bincount(rows)[len(samples) :] == 6).all()


def test_only_the_rows_that_may_be_used_are_drawn(samples):
    rows = np.flatnonzero(samples.camera == 0)
    batches = Batches([WeightedSamples(samples, rows=rows)], CONFIG)
    assert {row for batch in all_of(batches) for row in batch.index.tolist()} <= set(rows.tolist())


def test_a_reader_who_leaves_takes_the_maker_with_them(samples):
    before = threading.active_count()
    epoch = Batches(samples, replace(CONFIG, batch=2, ahead=1)).epoch(0)
    next(epoch)
    assert threading.active_count() == before + 1
    epoch.close()
    assert threading.active_count() == before


def test_what_goes_wrong_in_the_maker_reaches_the_reader(samples):
    broken = Batches(samples, CONFIG, replace(TURNED, jpeg_probability=1.0, jpeg_quality=(90, 30)))
    with pytest.raises(ValueError, match="low >= high"):
        all_of(broken)


def test_too_few_samples_for_a_batch_are_refused(samples):
    with pytest.raises(TrainingError, match="only 24 samples, but a batch needs 25"):
        Batches(samples, replace(CONFIG, batch=25))


def test_an_empty_set_is_refused(samples):
    with pytest.raises(TrainingError, match="is empty"):
        Batches(
            [WeightedSamples(samples), WeightedSamples(samples, rows=np.empty(0, np.int64))], CONFIG
        )


def test_a_sample_without_a_square_is_refused(samples):
    with pytest.raises(DatasetError, match="where in its image"):
        Batches(replace(samples, region=samples.region * np.nan), CONFIG)


def test_sets_that_do_not_fit_together_are_refused(samples):
    with pytest.raises(TrainingError, match="cannot be mixed"):
        Batches(
            [
                WeightedSamples(samples),
                WeightedSamples(replace(samples, image=samples.image[:, ::2, ::2])),
            ],
            CONFIG,
        )


def test_a_crop_cut_out_of_a_crop_is_that_of_the_image():
    y, x = np.mgrid[:240, :320]
    image = np.dstack([x % 256, y, (x + y) // 3]).astype(np.uint8)[:, :250]
    shown, wanted = (
        Region((120.0, 110.0), (150.0, 150.0)),
        Region((118.0, 113.0), (80.0, 80.0), 0.4),
    )
    twice = recrop(cut(image, shown, (150, 150), 0), np.array([120, 110, 150 / MARGIN]), wanted, S)
    once = cut(image, wanted, (S, S), 0)
    assert np.abs(twice.astype(int) - once)[2:-2, 2:-2].max() <= 1


def test_a_batch_moves_with_everything_it_holds(samples):
    batch = all_of(Batches(samples, CONFIG))[0].to("meta")
    assert batch.image.is_meta
    assert batch.views.matrix.is_meta
    assert batch.other is not None
    assert batch.other.views.field_at_1m.is_meta
    assert len(batch) == 6


def test_the_picture_of_dots_has_a_dot_for_every_joint():
    image = draw_dots(np.stack([np.linspace(20, 300, 16), np.full(16, 50)], 1))
    assert {get_grey(joint) for joint in range(16)} <= set(np.unique(image).tolist())
