"""The networks: sizes, shapes, what can be switched off, and what they compute."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install -e '.[train]'")

from training.config import config_from_toml, config_to_toml  # noqa: E402
from training.errors import TrainingError, WeightsError  # noqa: E402
from training.networks.build import build_network, network_config_from_table, network_to_table  # noqa: E402
from training.networks.cbam import Cbam  # noqa: E402
from training.networks.compact import CompactConfig, CompactNetwork  # noqa: E402
from training.networks.fuse import fuse_batch_norms  # noqa: E402
from training.networks.pose_resnet import PoseResNet, PoseResNetConfig  # noqa: E402
from training.networks.resnet import ResNet, load_imagenet  # noqa: E402
from training.networks.size import count_macs, count_parameters  # noqa: E402
from training.networks.transfer import transfer_weights  # noqa: E402
from training.networks.volume import soft_argmax  # noqa: E402
from training.networks.wasp import choose_dilations  # noqa: E402

SMALL = PoseResNetConfig(depth=18, joints=3, size_px=128, volume_depth=4, head_channels=16)
COMPACT = CompactConfig(joints=3, volume_depth=4)
BOTH = pytest.mark.parametrize("config", [SMALL, COMPACT], ids=["pose_resnet", "compact"])


def random_image(batch: int, size_px: int = 128):
    return torch.from_numpy(
        np.random.default_rng(5).standard_normal((batch, 3, size_px, size_px), np.float32)
    )


def shaken(network):
    """Give a network weights as if trained: no norm is still one, no score still near zero."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2.0, generator=generator)
            elif "bn" in name or name.endswith(("running_mean", "bias")):
                tensor += (
                    0.1 * torch.randn(tensor.shape, generator=generator)
                    if tensor.is_floating_point()
                    else 0
                )
        for module in network.modules():
            if isinstance(module, torch.nn.ConvTranspose2d):
                module.weight.normal_(0, 0.3, generator=generator)
        network.scores.weight.normal_(0, 0.3, generator=generator)
    return network


@pytest.mark.parametrize(
    ("depth", "parameters", "giga_macs"),
    [(18, 11176512, 1.81), (34, 21284672, 3.66), (50, 23508032, 4.09), (101, 42500160, 7.80)],
)
def test_a_trunk_has_the_size_of_the_published_resnet(depth, parameters, giga_macs):
    with torch.device("meta"):
        trunk = ResNet(depth)
    assert count_parameters(trunk) == parameters
    assert round(count_macs(trunk, 224) / 1e9, 2) == giga_macs


def test_a_trunk_of_unknown_depth_is_refused():
    with pytest.raises(ValueError, match="no ResNet-20"):
        ResNet(20)


def test_the_compact_network_has_the_size_it_promises():
    with torch.device("meta"):
        network = CompactNetwork(CompactConfig())
    assert 1.2e6 < count_parameters(network) < 1.4e6
    assert 65e6 < count_macs(network, 128) < 80e6


@pytest.mark.parametrize(
    ("size_px", "cbam", "wasp"),
    [(128, True, True), (192, True, False), (256, False, True), (256, False, False)],
)
def test_a_pose_resnet_scores_a_volume_at_a_quarter_of_its_input(size_px, cbam, wasp):
    config = PoseResNetConfig(
        depth=50, joints=17, size_px=size_px, cbam=cbam, wasp=wasp, volume_depth=size_px // 4
    )
    with torch.device("meta"):
        network, image = PoseResNet(config), torch.zeros(2, 3, size_px, size_px)
        assert network.volume(image).shape == (2, 17, size_px // 4, size_px // 4, size_px // 4)
        assert network(image).shape == (2, 17, 3)


def test_a_part_that_is_switched_off_is_not_there():
    with torch.device("meta"):
        names = {
            (cbam, wasp): " ".join(PoseResNet(PoseResNetConfig(cbam=cbam, wasp=wasp)).state_dict())
            for cbam in (True, False)
            for wasp in (True, False)
        }
    for (cbam, wasp), text in names.items():
        assert ("attention" in text) is cbam
        assert ("waterfall" in text) is wasp


def test_a_narrow_trunk_has_a_width_that_doubles_from_stage_to_stage():
    with torch.device("meta"):
        network = PoseResNet(
            PoseResNetConfig(depth=18, size_px=128, head_channels=64, volume_depth=16, width=16)
        )
        assert network.trunk(torch.zeros(2, 3, 128, 128)).shape == (2, 128, 4, 4)
        assert network.volume(torch.zeros(2, 3, 128, 128)).shape == (2, 16, 16, 32, 32)
    with pytest.raises(ValueError, match="0 channels"):
        PoseResNet(PoseResNetConfig(width=0))


@pytest.mark.parametrize("size_px", [128, 192, 256])
def test_the_compact_network_scores_a_volume_at_an_eighth_of_its_input(size_px):
    with torch.device("meta"):
        network = CompactNetwork(CompactConfig(joints=16, size_px=size_px))
        assert network.volume(torch.zeros(2, 3, size_px, size_px)).shape == (
            2,
            16,
            16,
            size_px // 8,
            size_px // 8,
        )


def test_a_size_that_no_map_fits_is_refused():
    with pytest.raises(ValueError, match="cannot see 100 px"):
        CompactNetwork(CompactConfig(size_px=100))


@BOTH
def test_gradients_reach_every_parameter(config):
    torch.manual_seed(0)
    network = shaken(build_network(config))
    network(random_image(2)).pow(2).sum().backward()
    starved = [
        name
        for name, p in network.named_parameters()
        if p.grad is None or not p.grad.abs().sum() > 0
    ]
    assert not starved


@pytest.mark.parametrize("at", [(0.0, 0.0, 0.0), (0.21, -0.13, 0.07), (-0.25, 0.25, -0.2)])
def test_soft_argmax_finds_the_middle_of_a_gaussian(at):
    axes = [(torch.arange(count) + 0.5) / count - 0.5 for count in (32, 48, 64)]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    scores = -((x - at[0]) ** 2 + (y - at[1]) ** 2 + (z - at[2]) ** 2) / (2 * 0.04**2)
    np.testing.assert_allclose(soft_argmax(scores[None, None])[0, 0], at, atol=1e-5)


def test_soft_argmax_keeps_to_the_cube_and_to_its_axes():
    scores = torch.zeros(1, 1, 8, 4, 2)
    scores[0, 0, 7, 0, 1] = 100.0
    np.testing.assert_allclose(soft_argmax(scores)[0, 0], [0.25, -0.375, 0.4375], atol=1e-6)


def test_soft_argmax_of_bfloat16_scores_is_as_exact_as_the_scores():
    scores = torch.randn(2, 3, 64, 64, 64, generator=torch.Generator().manual_seed(2)).bfloat16()
    exact = soft_argmax(scores.double().float())
    with torch.autocast("cpu", torch.bfloat16):
        found = soft_argmax(scores)
    assert found.dtype == torch.float32
    assert (found - exact).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("map_size", "dilations"), [(4, (2, 1, 1)), (6, (2, 2, 1)), (8, (3, 2, 1)), (16, (6, 4, 2))]
)
def test_dilations_reach_no_further_than_the_map(map_size, dilations):
    assert choose_dilations(map_size) == dilations


def test_attention_without_opinion_quarters_a_map():
    attention = Cbam(32)
    for parameter in attention.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.randn(2, 32, 5, 5)
    torch.testing.assert_close(attention(x), x / 4)


def test_attention_to_a_channel_raises_it_alone():
    attention = Cbam(32)
    for parameter in attention.parameters():
        torch.nn.init.zeros_(parameter)
    attention.state_dict()["channel.2.bias"][7] = 0.7  # once for the mean, once for the maximum
    x = torch.ones(1, 32, 4, 4)
    weighed = attention(x)
    torch.testing.assert_close(weighed[:, 7], 0.5 * torch.sigmoid(torch.full((1, 4, 4), 1.4)))
    torch.testing.assert_close(weighed[:, 8], torch.full((1, 4, 4), 0.25))


@BOTH
def test_transfer_from_two_dimensions_keeps_x_and_y_and_starts_flat(config):
    torch.manual_seed(0)
    flat = shaken(
        build_network(network_config_from_table({**network_to_table(config), "volume_depth": 1}))
    ).eval()
    deep = build_network(config).eval()
    transfer_weights(flat, deep)
    with torch.no_grad():
        before, after = flat(random_image(1)), deep(random_image(1))
    torch.testing.assert_close(after[..., :2], before[..., :2], rtol=0, atol=1e-5)
    assert after[..., 2].abs().max() < 1e-5
    assert before[..., :2].std() > 0.01  # not the middle of the crop by accident


def test_transfer_between_different_joints_says_so():
    with torch.device("meta"):
        source, target = (
            CompactNetwork(COMPACT),
            CompactNetwork(CompactConfig(joints=4, volume_depth=4)),
        )
    with pytest.raises(WeightsError, match="3 joints"):
        transfer_weights(source, target)


def test_transfer_between_different_makes_says_so():
    with (
        torch.device("meta"),
        pytest.raises(WeightsError, match="CompactNetwork do not fit this PoseResNet"),
    ):
        transfer_weights(CompactNetwork(COMPACT), PoseResNet(SMALL))


@BOTH
def test_a_fused_network_computes_the_same_without_batch_norms(config):
    torch.manual_seed(0)
    network = shaken(build_network(config)).eval()
    folded = fuse_batch_norms(network)
    assert not any("running" in name for name in folded.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(
            folded(random_image(1)), network(random_image(1)), rtol=0, atol=2e-5
        )


def test_fusing_leaves_the_network_as_it_was():
    network = CompactNetwork(COMPACT)
    names = list(network.state_dict())
    fuse_batch_norms(network)
    assert list(network.state_dict()) == names
    assert network.training


@BOTH
def test_an_exported_file_names_its_weights_as_the_fused_network_does(config, tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    pytest.importorskip(
        "onnxscript", reason="onnxscript, which torch exports with, is not installed"
    )
    network = fuse_batch_norms(build_network(config))
    shapes = ({0: torch.export.Dim("batch", min=1, max=64)},)
    file = tmp_path / "network.onnx"
    torch.onnx.export(
        network,
        (random_image(2),),
        file,
        dynamo=True,
        dynamic_shapes=shapes,
        optimize=False,
        external_data=False,
    )
    model = onnx.load(file)
    assert {tensor.name for tensor in model.graph.initializer} == set(network.state_dict())
    operators = {node.op_type for node in model.graph.node}
    assert not operators & {
        "SplitToSequence",
        "SequenceAt",
        "BatchNormalization",
        "Clip",
        "CastLike",
    }


def imagenet_file(path, depth):
    torch.manual_seed(3)
    weights = {name: tensor.clone() for name, tensor in ResNet(depth).state_dict().items()}
    torch.save({**weights, "fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}, path)
    return weights


def test_imagenet_weights_are_read_without_their_classifier(tmp_path):
    weights = imagenet_file(tmp_path / "resnet18.pth", 18)
    trunk = ResNet(18)
    load_imagenet(trunk, tmp_path / "resnet18.pth")
    assert all(torch.equal(tensor, weights[name]) for name, tensor in trunk.state_dict().items())


def test_the_names_of_a_trunk_are_those_of_the_common_files():
    with torch.device("meta"):
        names = set(ResNet(50).state_dict())
    assert {
        "conv1.weight",
        "bn1.running_mean",
        "layer1.0.conv3.weight",
        "layer1.0.downsample.0.weight",
    } <= names
    assert {
        "layer3.5.bn2.bias",
        "layer4.2.conv3.weight",
        "layer4.0.downsample.1.running_var",
    } <= names


def test_imagenet_weights_of_another_depth_are_refused_and_change_nothing(tmp_path):
    imagenet_file(tmp_path / "resnet34.pth", 34)
    trunk = ResNet(18)
    before = trunk.conv1.weight.clone()
    with pytest.raises(WeightsError, match="does not hold a ResNet-18"):
        load_imagenet(trunk, tmp_path / "resnet34.pth")
    assert torch.equal(trunk.conv1.weight, before)


@pytest.mark.parametrize("content", [b"", b"not weights at all"])
def test_a_damaged_weight_file_is_one_sentence(tmp_path, content):
    (tmp_path / "bad.pth").write_bytes(content)
    with pytest.raises(WeightsError, match="no file of weights, or a damaged one"):
        load_imagenet(ResNet(18), tmp_path / "bad.pth")


def test_a_missing_weight_file_is_one_sentence(tmp_path):
    with pytest.raises(WeightsError, match="There is no weight file"):
        load_imagenet(ResNet(18), tmp_path / "none.pth")


@BOTH
def test_a_configuration_survives_its_file(config):
    assert config_from_toml(type(config), config_to_toml(config)) == config
    assert network_config_from_table(network_to_table(config)) == config


def test_an_unknown_key_is_refused_with_the_nearest():
    with pytest.raises(TrainingError, match=r"'volum_depth'.*'volume_depth'"):
        config_from_toml(CompactConfig, "volum_depth = 3")


@pytest.mark.parametrize(
    "text", ["joints = 'many'", "joints = true", "widths = [1, 2]", "joints = "]
)
def test_a_value_of_the_wrong_kind_is_refused(text):
    with pytest.raises(TrainingError):
        config_from_toml(CompactConfig, text)


def test_an_unknown_make_is_refused():
    with pytest.raises(TrainingError, match="no network of make 'transformer'"):
        network_config_from_table({"make": "transformer"})
