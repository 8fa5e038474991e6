"""Fetching models, against a real HTTP server and a pip that is a few lines of Python."""

import hashlib
import io
import sys
import threading
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from engine.errors import EngineError, ModelMismatchError, ModelMissingError
from engine.models import card as model_card
from engine.models import shelf as models
from engine.models import wheel
from engine.models.download import download
from engine.models.shelf import list_models, load_model, pull_model

CONTENT = np.random.default_rng(1).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


class Server(ThreadingHTTPServer):
    """Serves `body` at every path; can break off after some bytes, or ignore ranges."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.break_after, self.ranges, self.seen = CONTENT, [], True, []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/net.onnx"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        wanted = self.headers.get("Range")
        self.server.seen.append(wanted)
        if "missing" in self.path:
            self.send_error(404)
            return
        start = (
            int(wanted.removeprefix("bytes=").removesuffix("-"))
            if wanted and self.server.ranges
            else 0
        )
        if start and start >= len(self.server.body):
            self.send_error(416)
            return
        rest = self.server.body[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(
            rest[: self.server.break_after.pop(0)] if self.server.break_after else rest
        )

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cards(tmp_path, monkeypatch):
    """A folder for cards; models go into another one. Pauses between tries are short."""
    monkeypatch.setenv("EPIPOLE_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(models, "download", partial(download, retry_pauses_s=(0.01, 0.01)))
    folder = tmp_path / "cards"
    folder.mkdir()
    monkeypatch.setattr(model_card, "cards_folder", lambda: folder)
    return folder


def write_card(folder, source, *, sha256=SHA256, member=""):
    hash_line = f'sha256 = "{sha256}"\n' if sha256 else ""
    (folder / "net.toml").write_text(
        'name = "net"\ntask = "pose2d"\nlicence = "MIT"\ncodec = "simcc"\nskeleton = "coco_17"\n'
        f"[source]\n{source}\n[input]\nsize_wh = [192, 256]\n"
        f'[[files]]\nname = "net.onnx"\nmember = "{member}"\n{hash_line}'
    )


def left_behind(tmp_path):
    return sorted(path.name for path in (tmp_path / "models").rglob("*") if path.is_file())


def test_pull_fetches_verifies_and_load_finds_it(server, cards, tmp_path):
    write_card(cards, f'url = "{server.url}"')
    told = []
    model = pull_model("net", told.append)
    assert model.paths["net.onnx"].read_bytes() == CONTENT
    assert model.sha256 == load_model("net").sha256 == SHA256
    assert left_behind(tmp_path) == ["net.onnx"]
    assert (told[-1].done_bytes, told[-1].total_bytes, told[-1].left_s) == (
        len(CONTENT),
        len(CONTENT),
        0.0,
    )


def test_pull_does_nothing_when_the_model_is_here(server, cards):
    write_card(cards, f'url = "{server.url}"')
    pull_model("net")
    pull_model("net")
    assert len(server.seen) == 1


def test_pull_goes_on_where_the_line_broke(server, cards):
    write_card(cards, f'url = "{server.url}"')
    server.break_after = [100_000]
    assert pull_model("net").sha256 == SHA256
    assert server.seen[0] is None
    assert 0 < int(server.seen[1].removeprefix("bytes=").removesuffix("-")) <= 100_000


def test_a_later_pull_goes_on_where_an_earlier_one_gave_up(server, cards, tmp_path):
    write_card(cards, f'url = "{server.url}"')
    server.break_after = [50_000, 50_000, 50_000]
    with pytest.raises(ModelMissingError, match="150000 bytes that arrived are kept"):
        pull_model("net")
    assert left_behind(tmp_path) == ["download.part"]
    assert pull_model("net").sha256 == SHA256
    assert server.seen[-1] == "bytes=150000-"


def test_a_server_that_knows_no_ranges_is_asked_for_the_whole(server, cards):
    write_card(cards, f'url = "{server.url}"')
    server.break_after, server.ranges = [100_000], False
    assert pull_model("net").sha256 == SHA256


def test_a_wrong_hash_is_refused_and_nothing_stays(server, cards, tmp_path):
    write_card(cards, f'url = "{server.url}"')
    server.body = b"something else"
    with pytest.raises(ModelMismatchError, match="its card says"):
        pull_model("net")
    assert left_behind(tmp_path) == []


def test_an_address_that_does_not_exist_is_named(server, cards, tmp_path):
    write_card(cards, f'url = "{server.url}/missing"')
    with pytest.raises(ModelMissingError, match=r"missing answered 404 .* Check the address"):
        pull_model("net")
    assert left_behind(tmp_path) == []


def test_no_network_is_one_sentence(cards):
    write_card(cards, 'url = "http://127.0.0.1:9/net.onnx"')
    with pytest.raises(ModelMissingError, match=r"cannot be reached .* Check the network"):
        pull_model("net")


def test_cancel_keeps_what_arrived(server, cards, tmp_path):
    write_card(cards, f'url = "{server.url}"')
    cancel = threading.Event()
    with pytest.raises(ModelMissingError, match="was stopped"):
        pull_model("net", lambda progress: cancel.set(), cancel)
    assert left_behind(tmp_path) == ["download.part"]
    assert pull_model("net").sha256 == SHA256


def test_a_member_of_a_zip_is_taken_out_by_the_tail_of_its_path(server, cards, tmp_path):
    write_card(cards, f'url = "{server.url}"', member="end2end.onnx")
    server.body = zipped({"2023/rtmpose/end2end.onnx": CONTENT, "2023/rtmpose/detail.json": b"{}"})
    assert pull_model("net").sha256 == SHA256
    assert left_behind(tmp_path) == ["net.onnx"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [(zipped({"other.onnx": CONTENT}), "holds 0 files named"), (b"<html>", "did not send a zip")],
)
def test_a_download_without_the_member_is_refused_and_nothing_stays(
    server, cards, tmp_path, body, sentence
):
    write_card(cards, f'url = "{server.url}"', member="end2end.onnx")
    server.body = body
    with pytest.raises(ModelMismatchError, match=sentence):
        pull_model("net")
    assert left_behind(tmp_path) == []


def test_a_card_without_a_hash_is_not_fetched_until_the_person_gives_one(server, cards, tmp_path):
    write_card(cards, f'url = "{server.url}"', sha256="")
    with pytest.raises(ModelMissingError, match=r"has no SHA-256.*--sha256 HEX"):
        pull_model("net")
    assert server.seen == []
    with pytest.raises(ModelMismatchError, match="its card says"):
        pull_model("net", sha256="0" * 64)
    assert pull_model("net", sha256=SHA256).sha256 == SHA256
    (tmp_path / "models" / "net" / "net.onnx").write_bytes(b"changed")
    with pytest.raises(ModelMismatchError):
        load_model("net")


def test_load_without_the_file_says_what_to_run(cards):
    write_card(cards, 'url = "http://127.0.0.1:9/net.onnx"')
    with pytest.raises(ModelMissingError, match="epipole models pull net"):
        load_model("net")
    assert {state.card.name: state.present for state in list_models()}["net"] is False


def test_a_file_that_changed_in_the_cache_is_refused_and_pull_mends_it(server, cards, tmp_path):
    write_card(cards, f'url = "{server.url}"')
    pull_model("net")
    (tmp_path / "models" / "net" / "net.onnx").write_bytes(b"damaged")
    with pytest.raises(ModelMismatchError, match="Delete it, then run: epipole models pull net"):
        load_model("net")
    assert pull_model("net").sha256 == SHA256


def test_a_file_of_the_user_needs_no_hash_and_is_identified_by_its_own(cards, tmp_path):
    write_card(cards, 'path = "../weights"', sha256="")
    with pytest.raises(ModelMissingError, match=r"there is no file .*weights/net\.onnx"):
        pull_model("net")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "net.onnx").write_bytes(CONTENT)
    assert load_model("net").sha256 == SHA256


def test_a_file_of_the_user_with_another_hash_is_refused(cards, tmp_path):
    write_card(cards, 'path = "../weights"')
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "net.onnx").write_bytes(b"other")
    with pytest.raises(ModelMismatchError, match="expected"):
        load_model("net")


def test_a_folder_that_cannot_be_written_is_named(server, cards, tmp_path, monkeypatch):
    write_card(cards, f'url = "{server.url}"')
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EPIPOLE_MODELS", str(tmp_path / "file" / "models"))
    with pytest.raises(EngineError, match="EPIPOLE_MODELS"):
        pull_model("net")


def fake_pip(monkeypatch, program):
    monkeypatch.setattr(
        wheel,
        "_build_pip_command",
        lambda requirement, platform, folder: [sys.executable, "-c", program, platform, folder],
    )


WRITE_WHEEL = """
import sys, zipfile, pathlib
print("Progress 0 of 10", flush=True); print("Progress 10 of 10", flush=True)
platform, folder = sys.argv[1:]
if platform.startswith("win"):
    with zipfile.ZipFile(pathlib.Path(folder) / "pkg-1-py3-none-any.whl", "w") as archive:
        archive.writestr("pkg/net.onnx", b"inside")
else:
    sys.exit("ERROR: Could not find a version for " + platform)
"""


def test_a_file_is_taken_out_of_a_wheel_of_any_platform(cards, tmp_path, monkeypatch):
    fake_pip(monkeypatch, WRITE_WHEEL)
    write_card(
        cards,
        'wheel = "pkg==1"',
        sha256=hashlib.sha256(b"inside").hexdigest(),
        member="pkg/net.onnx",
    )
    told = []
    assert pull_model("net", told.append).paths["net.onnx"].read_bytes() == b"inside"
    assert told[-1].total_bytes == 10
    assert left_behind(tmp_path) == ["net.onnx"]


def test_a_wheel_that_pip_cannot_get_is_refused_with_the_reason_of_pip(cards, monkeypatch):
    fake_pip(monkeypatch, "import sys; sys.exit('ERROR: No matching distribution')")
    write_card(cards, 'wheel = "pkg==1"', member="pkg/net.onnx")
    with pytest.raises(ModelMissingError, match=r"No matching distribution.*Check the network"):
        pull_model("net")


def test_a_python_without_pip_says_how_to_get_it(cards, monkeypatch):
    def absent(name):
        raise wheel.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(wheel.metadata, "version", absent)
    write_card(cards, 'wheel = "pkg==1"', member="pkg/net.onnx")
    with pytest.raises(ModelMissingError, match="ensurepip"):
        pull_model("net")


@pytest.mark.model
def test_the_default_model_is_what_its_card_says():
    try:
        model = models.load_model("blazepose")
    except ModelMissingError as error:
        pytest.skip(str(error))
    assert set(model.paths) == {"pose_detection.tflite", "pose_landmark_full.tflite"}
