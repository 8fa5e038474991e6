"""`epipole train`: what it reads, trains, prints and returns; and what it refuses."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install -e '.[train]'")

from app.cli import main as cli  # noqa: E402
from app.commands.train import InterruptFlag  # noqa: E402
from tests.support.dots import make_dot_samples  # noqa: E402
from tests.support.voc import write_voc  # noqa: E402
from training.data.batches import Batches  # noqa: E402
from training.data.samples import Samples, write_samples  # noqa: E402
from training.errors import TrainingError  # noqa: E402
from training.loop.checkpoint import load_checkpoint  # noqa: E402
from training.loop.history import read_history  # noqa: E402
from training.networks.resnet import ResNet  # noqa: E402
from training.recipes import train_recipe  # noqa: E402
from training.recipes.recipe import list_recipes, read_recipe, recipe_from_table, recipe_to_table  # noqa: E402
from training.studio.samples import StudioSampleConfig  # noqa: E402

RECIPE = """
note = "for a test"
occluders = 3

[network]
make = "compact"
volume_depth = {depth}
widths = [4, 4, 4, 4]

[train]
samples = {samples}
precision = "f32"
threads = 1
judgements = 2

[batch]
batch = 4
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_samples(tmp_path / "data", make_dot_samples(8))
    return tmp_path / "data"


def recipe(folder: Path, *, depth: int = 2, samples: int = 16) -> str:
    path = folder / f"tiny-{depth}.toml"
    path.write_text(RECIPE.format(depth=depth, samples=samples))
    return str(path)


def test_a_recipe_becomes_a_network_and_its_history(tmp_path: Path, data: Path, capsys):
    out = tmp_path / "run"
    words = [
        "train",
        recipe(tmp_path),
        "--out",
        str(out),
        "--data",
        str(data),
        "--judge",
        str(data),
        "--seed",
        "3",
    ]
    assert cli.main(words) == 0
    kept = load_checkpoint(out / "best.pt")
    assert kept.config["recipe"]["name"] == "tiny-2"
    assert kept.config["train"]["seed"] == 3
    assert recipe_from_table(kept.config["recipe"]).network == kept.network
    assert read_history(out)[-1].samples == 16
    said = capsys.readouterr().out
    assert "16 samples; the budget is used up" in said
    assert str(out / "best.pt") in said


def test_a_flat_network_becomes_a_deep_one(tmp_path: Path, data: Path):
    flat, deep = tmp_path / "flat", tmp_path / "deep"
    shared = ["--data", str(data), "--judge", str(data)]
    assert cli.main(["train", recipe(tmp_path, depth=1), "--out", str(flat), *shared]) == 0
    words = [
        "train",
        recipe(tmp_path),
        "--out",
        str(deep),
        "--init",
        str(flat / "best.pt"),
        *shared,
    ]
    assert cli.main(words) == 0
    assert load_checkpoint(deep / "best.pt").config["init"] == str(flat / "best.pt")


def test_more_time_is_given_by_resuming(tmp_path: Path, data: Path):
    out, words = tmp_path / "run", ["train", recipe(tmp_path), "--out", str(tmp_path / "run")]
    assert cli.main([*words, "--data", str(data), "--judge", str(data)]) == 0
    assert cli.main([*words, "--resume", "--samples", "24"]) == 0
    assert load_checkpoint(out / "last.pt").position["samples"] == 24


def test_the_things_of_a_voc_copy_stand_before_people_instead_of_drawn_ones(
    tmp_path: Path, data: Path, monkeypatch
):
    folder, shown = (
        write_voc(tmp_path / "VOC2012", [("chair", 0, 0), ("dog", 0, 0), ("sofa", 0, 0)]),
        [],
    )

    def noted(parts, config, *rest):
        if rest:  # these train
            shown.append(len(rest[1]))
        return Batches(parts, config, *rest)

    monkeypatch.setattr(train_recipe, "Batches", noted)
    words = [
        "train",
        recipe(tmp_path),
        "--out",
        str(tmp_path / "run"),
        "--data",
        str(data),
        "--judge",
        str(data),
    ]
    assert cli.main([*words, "--occluders", str(folder)]) == 0
    assert cli.main([*words[:4], "--resume", "--samples", "24"]) == 0
    assert shown == [3, 3]


def test_people_of_the_studio_are_mixed_into_data_by_their_share(
    tmp_path: Path, data: Path, monkeypatch
):
    drawn, shown = [], []

    class Spool:
        def __init__(self, folder: Path, config: StudioSampleConfig, *, ahead: int, first: int = 0):
            drawn.append((config.samples, config.stored_px))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def get_shard(self, number: int) -> Samples:
            return replace(make_dot_samples(2, seed=number), persons=("drawn",))

    def noted(parts, *rest):
        if not isinstance(parts, Samples):  # those judge
            shown.append([(part.share, part.samples.persons) for part in parts])
        return Batches(parts, *rest)

    monkeypatch.setattr(train_recipe, "SpooledShards", Spool)
    monkeypatch.setattr(train_recipe, "Batches", noted)
    path = tmp_path / "mixed.toml"
    text = RECIPE.format(depth=2, samples=96).replace(
        "[batch]", "[studio]\nshard_samples = 6\nrepeats = 2\n\n[batch]"
    )
    path.write_text(text)
    words = [
        "train",
        str(path),
        "--out",
        str(tmp_path / "run"),
        "--data",
        str(data),
        "--judge",
        str(data),
    ]
    assert cli.main([*words, "--studio-share", "0.25"]) == 0
    assert drawn == [(6, 288)]  # of the size of the data's crops
    assert shown == [[(0.25, ("drawn",)), (0.75, ("ada",))]] * 2  # 24 an epoch, each shard twice
    assert load_checkpoint(tmp_path / "run" / "best.pt").config["recipe"]["studio"]["share"] == 0.25


def test_a_trunk_of_imagenet_begins_a_pose_resnet(tmp_path: Path):
    trunk = ResNet(18)
    torch.save(trunk.state_dict() | {"fc.weight": torch.zeros(2, 2)}, tmp_path / "resnet18.pth")
    network = {
        "make": "pose_resnet",
        "depth": 18,
        "size_px": 128,
        "volume_depth": 2,
        "head_channels": 8,
    }
    made = recipe_from_table({"name": "small", "network": network})
    begun = train_recipe.build_initial_network(
        made, train_recipe.InitialWeights(imagenet=tmp_path / "resnet18.pth")
    )
    assert torch.equal(begun.trunk.layer4[1].conv2.weight, trunk.layer4[1].conv2.weight)


def test_ctrl_c_keeps_everything_and_says_so(tmp_path: Path, data: Path, capsys, monkeypatch):
    real, asked = InterruptFlag.__call__, []

    def pressed_at_the_second_step(self) -> bool:
        before = real(self)
        asked.append(before)
        if len(asked) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return before

    monkeypatch.setattr(InterruptFlag, "__call__", pressed_at_the_second_step)
    listened = signal.getsignal(signal.SIGINT)
    words = [
        "train",
        recipe(tmp_path, samples=400),
        "--out",
        str(tmp_path / "run"),
        "--data",
        str(data),
    ]
    assert cli.main([*words, "--judge", str(data)]) == 130
    assert load_checkpoint(tmp_path / "run" / "last.pt").step == 3
    assert "Stopped" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is listened


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["compact-4d"], 1, "There is no recipe 'compact-4d'. Did you mean 'compact-"),
        (["missing.toml"], 1, "missing.toml"),
        (["compact-3d", "--minutes", "0"], 2, "--minutes"),
        (["compact-3d", "--samples", "none"], 2, "--samples"),
        (["compact-3d", "--resume"], 1, "holds no run to resume"),
        (["compact-3d", "--resume", "--seed", "1"], 2, "leave those options out"),
        (["compact-3d", "--data", "nowhere"], 1, "nowhere"),
        (["compact-3d", "--resume", "--studio-share", "0.3"], 2, "leave those options out"),
        (["compact-3d", "--resume", "--occluders", "VOC2012"], 2, "leave those options out"),
        (["compact-3d", "--occluders", "nowhere"], 1, "no folder 'Annotations'"),
        (["compact-3d", "--studio-share", "0.3"], 2, "--data"),
        (["compact-3d", "--studio-share", "1", "--data", "d"], 2, "above 0 and below 1"),
        (["compact-3d", "--imagenet", "r.pth"], 1, "a ResNet inside"),
        (["compact-3d", "--imagenet", "r.pth", "--init", "best.pt"], 2, "give one of them"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(
    tmp_path: Path, capsys, words: list[str], code: int, says: str
):
    assert cli.main(["train", *words, "--out", str(tmp_path / "run")]) == code
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert says in said
    assert said.startswith("epipole: ")
    assert not (tmp_path / "run").exists()


def test_a_run_goes_on_with_its_own_recipe_only(tmp_path: Path, data: Path, capsys):
    out = str(tmp_path / "run")
    assert (
        cli.main(
            ["train", recipe(tmp_path), "--out", out, "--data", str(data), "--judge", str(data)]
        )
        == 0
    )
    assert cli.main(["train", "compact-3d", "--out", out, "--resume"]) == 2
    assert "'tiny-2'" in capsys.readouterr().err


def test_a_checkpoint_of_other_joints_is_refused(tmp_path: Path, data: Path):
    tiny = read_recipe(recipe(tmp_path))
    table = recipe_to_table(tiny)
    table["network"]["joints"] = 5
    with pytest.raises(TrainingError, match="5 joints"):
        train_recipe.build_initial_network(recipe_from_table(table), train_recipe.InitialWeights())


@pytest.mark.parametrize("name", list_recipes())
def test_a_recipe_that_comes_with_the_program_can_be_read_and_written(name: str):
    shipped = read_recipe(name)
    assert shipped.note
    assert recipe_from_table(recipe_to_table(shipped)) == shipped


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[train]\nlerning_rate = 1.0", "learning_rate"),
        ("[train]\nminutes = -1.0", "minutes"),
        ("[batch]\nbatch = 1", "batches of one"),
        ("[batch]\nsize_px = 256", "256 px"),
        ("[network]\nmake = 'wonder'", "wonder"),
        ("note = ", "no TOML"),
    ],
)
def test_a_recipe_that_cannot_be_meant_names_what_is_wrong(tmp_path: Path, text: str, says: str):
    path = tmp_path / "odd.toml"
    path.write_text(text)
    with pytest.raises(TrainingError, match=says):
        read_recipe(str(path))


def test_a_folder_that_holds_a_training_is_told_before_anything_is_drawn(tmp_path: Path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "last.pt").write_bytes(b"a training")
    assert cli.main(["train", "compact-3d", "--out", str(tmp_path / "run")]) == 1
    assert "Continue it with --resume" in capsys.readouterr().err
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["last.pt"]


def test_an_out_that_is_a_file_is_told_before_anything_is_drawn(tmp_path: Path, capsys):
    (tmp_path / "file").write_text("mine")
    assert cli.main(["train", "compact-3d", "--out", str(tmp_path / "file")]) == 1
    assert "is in the way" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"


def test_a_damaged_last_state_points_to_the_best_weights(tmp_path: Path, data: Path, capsys):
    out = tmp_path / "run"
    words = ["train", recipe(tmp_path), "--out", str(out)]
    assert cli.main([*words, "--data", str(data), "--judge", str(data)]) == 0
    (out / "last.pt").write_bytes(b"half")
    assert cli.main([*words, "--resume"]) == 1
    assert f"start again with --init {out / 'best.pt'}" in capsys.readouterr().err
