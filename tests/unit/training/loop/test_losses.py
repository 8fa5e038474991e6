"""What the network is asked: labels, and the other view."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install -e '.[train]'")

from calibration.synthetic.synthetic import RigPlan, make_rig  # noqa: E402
from training.data.crops import (  # noqa: E402
    Crop,
    camera_from_patch,
    camera_from_world,
    patch_from_camera,
    square_around_root,
    world_from_camera,
)
from training.data.reprojection import (  # noqa: E402
    OtherView,
    batch_views,
    patch_from_world,
    undistort,
    world_from_patch,
)
from training.loop.config import TrainConfig  # noqa: E402
from training.loop.losses import heat_loss, reprojection_loss, smooth_l1  # noqa: E402
from training.networks.compact import CompactConfig, CompactNetwork  # noqa: E402
from training.networks.volume import compute_expected_positions, marginals  # noqa: E402

BETA = TrainConfig(samples=1).beta
LENS = np.array([-0.2, 0.06, 0.001, -0.0015, 0.0])


def tensor(array):
    return torch.from_numpy(np.asarray(array, np.float32))


def two_views(count: int = 3, seed: int = 0):
    """Make poses and their crops in two views of a rig with bent lenses, one crop turned."""
    rng = np.random.default_rng(seed)
    first, second = (
        type(camera)(camera.name, camera.size_wh, camera.matrix, LENS, camera.cam_from_world)
        for camera in make_rig(RigPlan(cameras=4), seed).cameras[:2]
    )
    xyz = rng.normal(0, 0.3, (count, 6, 3)) + np.array([0.0, 0.0, 1.0])
    crops = []
    for camera, angle in ((first, 0.3), (second, 0.0)):
        regions = [square_around_root(camera_from_world(pose[0], camera), camera) for pose in xyz]
        turned = [type(r)(r.center_xy, r.size_wh, angle) for r in regions]
        crops.append([Crop(region, 128, camera) for region in turned])
    return xyz, crops[0], crops[1]


def labels(xyz, crops):
    depth = np.array([camera_from_world(pose[0], crop.camera)[2] for pose, crop in zip(xyz, crops)])
    uvw = [
        patch_from_camera(camera_from_world(p, c.camera), c, float(d))
        for p, c, d in zip(xyz, crops, depth)
    ]
    return tensor(np.stack(uvw)), tensor(depth)


def other_view(xyz, crops, weight: float = 1.0):
    uv = labels(xyz, crops)[0][..., :2]
    return OtherView(batch_views(crops), uv, torch.full(uv.shape[:2], weight))


def test_small_errors_count_by_their_square_and_large_ones_by_their_length():
    wanted, weight = torch.zeros(1, 1, 1), torch.ones(1, 1)
    losses = [
        smooth_l1(torch.full((1, 1, 1), x), wanted, weight, beta=0.01).item()
        for x in (0.005, 0.01, 0.1)
    ]
    assert losses == pytest.approx([0.5 * 0.005**2 / 0.01, 0.005, 0.095])


def test_a_gross_error_pulls_no_harder_than_a_moderate_one():
    predicted = torch.tensor([[[0.03], [0.5]]], requires_grad=True)
    smooth_l1(predicted, torch.zeros(1, 2, 1), torch.ones(1, 2), beta=BETA).backward()
    assert predicted.grad[0, 0] == predicted.grad[0, 1]


def test_a_joint_without_label_neither_teaches_nor_spoils():
    predicted = torch.rand(2, 4, 3, requires_grad=True)
    wanted = torch.zeros(2, 4, 3)
    wanted[0, 1] = torch.nan
    loss = smooth_l1(predicted, wanted, torch.ones(2, 4), beta=BETA)
    loss.backward()
    assert torch.isfinite(loss)
    assert (predicted.grad[0, 1] == 0).all()
    assert (predicted.grad[1] != 0).all()


def test_weights_scale_what_a_joint_teaches():
    predicted = torch.full((1, 3, 2), 0.3, requires_grad=True)
    weight = torch.tensor([[1.0, 0.25, torch.nan]])
    smooth_l1(predicted, torch.zeros(1, 3, 2), weight, beta=BETA).backward()
    np.testing.assert_allclose(predicted.grad[0, :, 0] * 3, [1.0, 0.25, 0.0])


def test_a_batch_without_labels_has_no_loss():
    loss = smooth_l1(
        torch.rand(2, 3, 3), torch.full((2, 3, 3), torch.nan), torch.zeros(2, 3), beta=BETA
    )
    assert loss == 0


def test_a_prediction_that_is_no_number_is_not_hidden():
    predicted = torch.full((1, 2, 3), torch.nan)
    assert torch.isnan(smooth_l1(predicted, torch.zeros(1, 2, 3), torch.zeros(1, 2), beta=BETA))


def test_the_tensors_way_into_the_room_is_the_arrays_way():
    xyz, crops, _ = two_views()
    uvw, depth = labels(xyz, crops)
    found = world_from_patch(uvw, depth, batch_views(crops))
    expected = [
        world_from_camera(camera_from_patch(u, c, float(d)), c.camera)
        for u, c, d in zip(uvw.double().numpy(), crops, depth)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(found, xyz, atol=1e-5)


def test_the_tensors_way_into_the_other_patch_is_the_arrays_way():
    xyz, _, crops = two_views()
    uv, visible = patch_from_world(tensor(xyz), batch_views(crops))
    assert visible.all()
    np.testing.assert_allclose(uv, labels(xyz, crops)[0][..., :2], atol=1e-5)


def test_a_bent_ray_is_straightened_to_a_thousandth_of_a_pixel():
    rays = tensor(np.random.default_rng(1).uniform(-0.4, 0.4, (1, 50, 2)))
    from calibration.geometry.projection import undistort as exact

    np.testing.assert_allclose(
        undistort(rays, tensor(LENS[None]))[0], exact(rays[0].double().numpy(), LENS), atol=1e-6
    )


def test_the_truth_has_no_reprojection_loss():
    xyz, here, there = two_views()
    uvw, depth = labels(xyz, here)
    assert (
        reprojection_loss(uvw, depth, batch_views(here), other_view(xyz, there), beta=BETA) < 1e-6
    )


def test_the_other_view_corrects_the_depth_that_this_view_cannot_see():
    xyz, here, there = two_views()
    truth, depth = labels(xyz, here)
    uvw = truth.clone()
    uvw[:, 3, 2] += 0.05
    uvw.requires_grad_(True)
    reprojection_loss(uvw, depth, batch_views(here), other_view(xyz, there), beta=BETA).backward()
    assert (uvw.grad[:, 3, 2] > 0).all()  # descending brings it back
    assert uvw.grad[:, 3, 2].abs().min() > 10 * uvw.grad[:, [1, 2, 4, 5]].abs().max()


def test_a_rejected_joint_is_found_again_through_the_other_view_alone():
    xyz, here, there = two_views()
    truth, depth = labels(xyz, here)
    uvw = (
        truth + 0.1 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(1))
    ).requires_grad_(True)
    optimiser = torch.optim.Adam([uvw], 0.01)
    own, other = other_view(xyz, here), other_view(xyz, there)
    views = batch_views(here)
    for step in range(100):
        optimiser.param_groups[0]["lr"] = 0.03 * 0.95**step
        optimiser.zero_grad()
        loss = smooth_l1(uvw[..., :2], own.uv, own.weight, beta=BETA)
        (loss + reprojection_loss(uvw, depth, views, other, beta=BETA)).backward()
        optimiser.step()
    assert (uvw - truth).abs().max() < 0.005  # 10 mm


def test_a_sample_whose_root_was_rejected_teaches_nothing_here():
    xyz, here, there = two_views()
    uvw, depth = labels(xyz, here)
    uvw = (uvw + 0.05).requires_grad_(True)
    depth[1] = torch.nan
    reprojection_loss(uvw, depth, batch_views(here), other_view(xyz, there), beta=BETA).backward()
    assert (uvw.grad[1] == 0).all()
    assert (uvw.grad[0] != 0).all()


def test_joints_not_found_in_the_other_view_teach_nothing():
    xyz, here, there = two_views()
    uvw, depth = labels(xyz, here)
    uvw = (uvw + 0.05).requires_grad_(True)
    other = other_view(xyz, there)
    other.uv[0, 2] = torch.nan
    reprojection_loss(uvw, depth, batch_views(here), other, beta=BETA).backward()
    assert torch.isfinite(uvw.grad).all()
    assert (uvw.grad[0, 2] == 0).all()


@pytest.mark.parametrize("w", [-1.5, 1.0, 2.0, 5.0, 40.0])
def test_a_joint_placed_behind_the_other_camera_or_beside_it_gives_no_wild_gradient(w):
    xyz, here, there = two_views()
    uvw, depth = labels(xyz, here)
    uvw[:, 4, 2] = w
    uvw.requires_grad_(True)
    reprojection_loss(uvw, depth, batch_views(here), other_view(xyz, there), beta=BETA).backward()
    assert torch.isfinite(uvw.grad).all()
    assert uvw.grad.abs().max() < 10.0


def test_a_joint_that_the_other_camera_cannot_see_costs_nothing():
    xyz, here, there = two_views()
    uvw, depth = labels(xyz, here)
    uvw[:, 4, 2] = 40.0
    assert (
        reprojection_loss(uvw, depth, batch_views(here), other_view(xyz, there), beta=BETA) < 1e-6
    )


def test_a_point_behind_a_camera_is_not_visible_to_it():
    _, here, _ = two_views(1)
    behind = world_from_camera(
        np.array([[0.1, 0.1, -2.0], [9.0, 0.0, 1.0], [0.1, 0.1, 3.0]]), here[0].camera
    )
    assert patch_from_world(tensor(behind[None]), batch_views(here))[1].tolist() == [
        [False, False, True]
    ]


def bright_squares(seed: int, count: int = 16):
    """Make images with a red and a green square, as bright as they are deep, and their places."""
    uvw, images = (
        np.random.default_rng(seed).uniform(-0.35, 0.35, (count, 2, 3)),
        np.zeros((count, 3, 128, 128)),
    )
    for image, joints in zip(images, uvw):
        for channel, (u, v, w) in zip(image, joints):
            x, y = int((u + 0.5) * 128), int((v + 0.5) * 128)
            channel[y - 6 : y + 6, x - 6 : x + 6] = 1 + 2 * w
    return tensor(images), tensor(uvw)


def test_a_network_learns_to_see_what_it_is_shown():
    torch.manual_seed(0)
    network = CompactNetwork(CompactConfig(joints=2, volume_depth=8, widths=(16, 32, 32, 32)))
    optimiser, weight = torch.optim.Adam(network.parameters(), 3e-3), torch.ones(16, 2)
    errors = []
    for step in range(60):
        images, uvw = bright_squares(step)
        found = network(images)
        optimiser.zero_grad()
        smooth_l1(found, uvw, weight, beta=BETA).backward()
        optimiser.step()
        errors.append((found - uvw).abs().mean().item())
    assert np.mean(errors[-5:]) < 0.5 * np.mean(errors[:5])


def test_an_even_volume_is_told_the_very_cell_and_its_neighbours():
    scores = torch.zeros(1, 1, 4, 8, 8, requires_grad=True)
    wanted = torch.tensor([[[2.5 / 8 - 0.5, 6.5 / 8 - 0.5, 1.5 / 4 - 0.5]]])
    heat_loss(marginals(scores), wanted, torch.ones(1, 1)).backward()
    push = -scores.grad[0, 0]
    assert push.flatten().argmax() == 1 * 64 + 6 * 8 + 2
    assert push[3, 0, 7] < 0


def test_a_volume_learns_its_joint_from_its_surprise_alone():
    torch.manual_seed(0)
    scores = torch.randn(1, 1, 4, 8, 8, requires_grad=True)
    wanted = torch.tensor([[[0.1, -0.2, 0.05]]])
    optimiser = torch.optim.Adam([scores], 0.3)
    for _ in range(150):
        optimiser.zero_grad()
        heat_loss(marginals(scores), wanted, torch.ones(1, 1)).backward()
        optimiser.step()
    np.testing.assert_allclose(
        compute_expected_positions(marginals(scores.detach())), wanted, atol=0.02
    )


def test_a_joint_or_axis_without_label_surprises_nobody():
    scores = torch.zeros(1, 2, 4, 8, 8, requires_grad=True)
    wanted = torch.tensor([[[0.1, 0.1, float("nan")], [float("nan")] * 3]])
    heat_loss(marginals(scores), wanted, torch.tensor([[1.0, float("nan")]])).backward()
    assert torch.isfinite(scores.grad).all()
    assert not scores.grad[0, 1].any()
    assert torch.allclose(scores.grad[0, 0].sum((1, 2)), torch.zeros(4), atol=1e-6)


def test_a_flat_volume_has_no_depth_to_be_surprised_about():
    flat, deep = torch.zeros(1, 1, 1, 8, 8), torch.zeros(1, 1, 4, 8, 8)
    wanted, sure = torch.zeros(1, 1, 3), torch.ones(1, 1)
    assert heat_loss(marginals(flat), wanted, sure) < heat_loss(marginals(deep), wanted, sure)
