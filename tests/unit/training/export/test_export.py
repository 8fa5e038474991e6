"""A taught network on its way out of torch: the file, its card, and the gates before it."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install -e '.[train]'")
onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install -e '.[train]'")
pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install -e '.[train]'")

from engine.errors import BackendUnavailableError, EngineError  # noqa: E402
from engine.inference.picture_model import PictureModel  # noqa: E402
from engine.inference.preprocess import Region  # noqa: E402
from engine.models.card import TrainingRecord, read_card  # noqa: E402
from engine.models.library import ModelLibrary  # noqa: E402
from training.data.crops import network_input  # noqa: E402
from training.errors import TrainingError  # noqa: E402
from training.export import export, precision  # noqa: E402
from training.export.export import CardFacts, export_embedded_model, export_model  # noqa: E402
from training.export.parity import Parity, check_parity, compute_relative_deviation, demand_parity  # noqa: E402
from training.export.precision import PrecisionVerdict, int8_card_path, judge_bf16, offer_int8  # noqa: E402
from training.loop.checkpoint import Checkpoint, load_checkpoint, network_from_checkpoint  # noqa: E402
from training.networks.compact import CompactConfig, CompactNetwork  # noqa: E402
from training.networks.fuse import fuse_batch_norms  # noqa: E402
from training.networks.volume import soft_argmax, soft_argmax_and_spread  # noqa: E402

CONFIG = CompactConfig(volume_depth=4, widths=(8, 8, 16, 16))
FACTS = CardFacts(
    "Apache-2.0",
    "For tests.",
    TrainingRecord(parent="root", data=("noise",), metrics={"mpjpe_mm": 48.0}),
)
CROPS = np.random.default_rng(0).integers(0, 255, (100, 48, 48, 3), np.uint8)


def shaken(seed):
    """Make a network that has an opinion: its scores differ by more than a little."""
    torch.manual_seed(seed)
    network = CompactNetwork(CONFIG)
    with torch.no_grad():
        network.scores.weight.mul_(20.0)
        for name, tensor in network.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2.0)
    return network.state_dict()


@pytest.fixture(scope="module")
def checkpoint():
    return Checkpoint(
        CONFIG,
        "mpii_16",
        shaken(1),
        ema=shaken(2),
        optimizer={"lr": 1.0},
        step=7,
        random={"torch": 1},
    )


@pytest.fixture(scope="module")
def exported(checkpoint, tmp_path_factory):
    """Export once: it takes seconds."""
    return export_model(checkpoint, tmp_path_factory.mktemp("export") / "anna", "anna", FACTS)


@pytest.fixture
def card_path(exported, tmp_path):
    """Give each test a copy of its own."""
    for file in exported.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / exported.name


def test_spread_is_the_standard_deviation_of_the_volume():
    axes = [(torch.arange(count) + 0.5) / count - 0.5 for count in (32, 48, 64)]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    scores = -((x / 0.02) ** 2 + (y / 0.04) ** 2 + (z / 0.06) ** 2) / 2
    uvw, spread = soft_argmax_and_spread(scores[None, None])
    np.testing.assert_allclose(spread[0, 0], [0.02, 0.04, 0.06], rtol=1e-4)
    assert torch.equal(uvw, soft_argmax(scores[None, None]))


def test_spread_of_two_places_that_are_equally_likely_reaches_both():
    scores = torch.full((1, 1, 1, 1, 10), -100.0)
    scores[..., [1, 8]] = 0.0
    uvw, spread = soft_argmax_and_spread(scores)
    np.testing.assert_allclose(uvw[0, 0], [0.0, 0.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(spread[0, 0], [0.35, 0.0, 0.0], atol=1e-6)


def test_the_file_holds_the_averaged_weights_under_the_names_of_the_fused_network(
    checkpoint, exported
):
    graph = onnx.load(exported.with_name("network.onnx")).graph
    state = fuse_batch_norms(network_from_checkpoint(checkpoint)).state_dict()
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    assert stored.keys() == state.keys()
    assert all(np.array_equal(stored[name], tensor.numpy()) for name, tensor in state.items())
    unread = {"SplitToSequence", "SequenceAt", "BatchNormalization", "Clip", "CastLike"}
    assert not {node.op_type for node in graph.node} & unread
    assert [port.name for port in graph.input] == ["image"]
    assert [port.name for port in graph.output] == ["uvw", "spread"]
    onnx.checker.check_model(onnx.load(exported.with_name("network.onnx")), full_check=True)


def test_the_file_says_nothing_of_the_machine_that_made_it(exported):
    data = exported.with_name("network.onnx").read_bytes()
    assert b"pkg.torch" not in data
    assert b".py" not in data


def test_exporting_again_gives_the_same_file(checkpoint, exported, tmp_path):
    again = export_embedded_model(checkpoint, tmp_path, "root", FACTS)
    assert again.name == "root.toml"
    assert (tmp_path / "root.onnx").read_bytes() == exported.with_name("network.onnx").read_bytes()
    assert read_card(again).files[0].name == "root.onnx"
    assert (tmp_path / "root.pt").is_file()


def test_the_card_says_what_the_network_is_and_where_it_comes_from(exported):
    card = read_card(exported)
    assert (card.name, card.task, card.codec, card.skeleton) == (
        "anna",
        "pose3d",
        "soft-argmax-3d",
        "mpii_16",
    )
    assert card.input == network_input(CONFIG.size_px)
    assert (card.licence, card.note, card.trained) == (FACTS.licence, FACTS.note, FACTS.trained)


def test_the_checkpoint_beside_it_is_the_same_network_without_the_state_of_its_run(
    checkpoint, exported
):
    kept = load_checkpoint(exported.with_name("checkpoint.pt"))
    assert (kept.optimizer, kept.random, kept.ema, kept.step) == (None, {}, None, 7)
    assert all(
        torch.equal(tensor, checkpoint.ema[name])
        for name, tensor in network_from_checkpoint(kept).state_dict().items()
    )


def test_the_engine_finds_in_an_image_what_torch_finds_in_its_crop(checkpoint, exported):
    image = np.random.default_rng(3).integers(0, 255, (300, 400, 3), np.uint8)
    region = Region((200.0, 150.0), (128.0, 128.0))
    network = PictureModel(read_card(exported))
    uvw, spread = network.estimate([(image, region), (image, region)])
    network.close()
    rgb = image[86:214, 136:264, ::-1].transpose(2, 0, 1).astype(np.float32)
    seen = network_input(128)
    normalised = (rgb - np.reshape(seen.mean, (3, 1, 1))) / np.reshape(seen.std, (3, 1, 1))
    with torch.no_grad():
        wanted = network_from_checkpoint(checkpoint).forward_with_spread(
            torch.from_numpy(normalised.astype(np.float32))[None]
        )
    assert np.abs(wanted[0].numpy()).max() > 0.01  # not the middle of the crop by accident
    np.testing.assert_allclose(uvw, np.broadcast_to(wanted[0], uvw.shape), atol=1e-4)
    np.testing.assert_allclose(spread, np.broadcast_to(wanted[1], uvw.shape), atol=1e-4)


def test_an_exported_network_goes_into_the_library(exported, tmp_path):
    library = ModelLibrary(tmp_path / "networks", tmp_path / "none.toml")
    entry = library.add(exported.parent)
    library.adopt(entry.name, "anna")
    assert load_checkpoint(library.find_serving_model("anna").checkpoint).step == 7


def test_without_onnxscript_a_sentence_says_what_to_install(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(export.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TrainingError, match="pip install"):
        export_model(checkpoint, tmp_path / "anna", "anna", FACTS)


def test_a_disk_that_fills_leaves_no_card(checkpoint, card_path, monkeypatch):
    def full(path, checkpoint):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "save_checkpoint", full)
    monkeypatch.setattr(export, "write_onnx", lambda network, path: None)
    with pytest.raises(OSError, match="No space"):
        export_model(checkpoint, card_path.parent, "anna", FACTS)
    with pytest.raises(EngineError):
        read_card(card_path)


def test_both_runtimes_agree_with_torch_on_a_hundred_crops(checkpoint, exported):
    parity = check_parity(checkpoint, exported, CROPS)
    assert parity.deviation.keys() == {"openvino", "onnx"}
    assert parity.accepted
    demand_parity(parity)


def test_a_file_of_other_weights_is_refused(checkpoint, exported):
    other = replace(checkpoint, ema=None)
    parity = check_parity(other, exported, CROPS)
    assert not parity.accepted
    with pytest.raises(TrainingError, match=r"differs from the trained one by .* in 'openvino'"):
        demand_parity(parity)


def test_a_deviation_is_relative_but_not_to_next_to_nothing():
    wanted = np.zeros((2, 4, 16, 3), np.float32)
    wanted[0, 0, 0, 0], wanted[1, 0, 0, 0] = 0.4, 1e-6  # places as usual, spreads next to 0
    off = wanted.copy()
    off[0, 2, 3, 1] += 2e-4
    assert compute_relative_deviation(off, wanted) == pytest.approx(5e-4)
    off[1, 2, 3, 1] += 2e-4
    assert compute_relative_deviation(off, wanted) == pytest.approx(2e-3)
    off[1, 0, 0, 0] = np.nan
    assert np.isnan(compute_relative_deviation(off, wanted))


def test_a_few_crops_prove_nothing(checkpoint, exported):
    parity = check_parity(checkpoint, exported, CROPS[:8])
    assert not parity.accepted
    with pytest.raises(TrainingError, match="8 crops prove nothing"):
        demand_parity(parity)
    assert not check_parity(checkpoint, exported, CROPS[:0]).accepted


def test_a_runtime_that_gives_no_number_is_refused():
    with pytest.raises(TrainingError, match="nan in 'onnx'"):
        demand_parity(Parity(100, {"openvino": 1e-6, "onnx": float("nan")}))


def offset_mm(reference):
    """Judge an estimate by how far it is from f32, in a crop of 2 m."""
    batch = np.random.default_rng(5).normal(size=(8, 3, 128, 128)).astype(np.float32)
    wanted = reference.infer(batch)[0]
    return lambda estimate: 50.0 + 2000.0 * float(np.abs(estimate(batch) - wanted).mean())


def test_a_network_in_eight_bits_is_kept_where_it_is_good_enough(card_path, monkeypatch):
    monkeypatch.setattr(precision, "MAX_LOSS_MM", 100.0)
    verdict = offer_int8(card_path, CROPS, offset_mm(PictureModel(read_card(card_path))))
    assert verdict.accepted
    assert verdict.f32_mm == 50.0
    assert verdict.mm > 50.0
    small = read_card(int8_card_path(card_path))
    assert small.name == "anna-int8"
    assert {
        node.op_type for node in onnx.load(card_path.with_name(small.files[0].name)).graph.node
    } >= {"QuantizeLinear"}
    PictureModel(small).close()


def test_a_network_in_eight_bits_is_thrown_away_where_it_is_worse(card_path):
    before = set(card_path.parent.iterdir())
    answers = iter((50.0, 51.2))
    assert not offer_int8(card_path, CROPS, lambda estimate: next(answers)).accepted
    assert set(card_path.parent.iterdir()) == before


def test_ranges_are_not_taken_from_a_handful_of_crops(card_path):
    with pytest.raises(TrainingError, match="3 crops are too few"):
        offer_int8(card_path, CROPS[:3], lambda estimate: 50.0)


def test_a_processor_without_bfloat16_refuses_it(exported, monkeypatch):
    def load(card, run):
        if run.precision != "f32":
            raise BackendUnavailableError("not here")
        return PictureModel(card, run=run)

    monkeypatch.setattr(precision, "PictureModel", load)
    assert not judge_bf16(read_card(exported), lambda estimate: 50.0).accepted


def test_a_format_that_costs_up_to_a_millimetre_is_accepted():
    assert PrecisionVerdict("anna", "bf16", 50.0, 51.0).accepted
    assert not PrecisionVerdict("anna", "bf16", 50.0, 51.1).accepted
