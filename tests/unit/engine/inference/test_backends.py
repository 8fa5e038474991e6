"""One contract for every runtime."""

import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from engine.errors import BackendUnavailableError
from engine.inference.backends import BACKENDS, BackendOptions, create_backend


def write_network(path, batch):
    """y = relu(W · x), z = -x, with x (batch, 3); batch None is free."""
    weight = np.arange(6, dtype=np.float32).reshape(3, 2) - 2
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "weight"], ["raw"]),
            helper.make_node("Relu", ["raw"], ["y"]),
            helper.make_node("Neg", ["x"], ["z"]),
        ],
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch or "n", 3])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch or "n", n])
            for name, n in (("y", 2), ("z", 3))
        ],
        [helper.make_tensor("weight", TensorProto.FLOAT, [3, 2], weight.ravel())],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path
    )
    return weight


@pytest.fixture(params=sorted(BACKENDS))
def runtime(request):
    return request.param


@pytest.mark.parametrize("batch", [None, 1])
def test_infer_gives_every_output_for_every_entry_of_the_batch(runtime, batch, tmp_path):
    weight = write_network(tmp_path / "net.onnx", batch)
    backend = create_backend(runtime, tmp_path / "net.onnx", BackendOptions(threads=1, parallel=2))
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    found = backend.infer({"x": x})
    assert list(found) == list(backend.outputs) == ["y", "z"]
    np.testing.assert_allclose(found["y"], np.maximum(x @ weight, 0), atol=1e-6)
    np.testing.assert_allclose(found["z"], -x, atol=0)


def test_infer_returns_arrays_that_the_next_call_does_not_change(runtime, tmp_path):
    write_network(tmp_path / "net.onnx", 1)
    backend = create_backend(runtime, tmp_path / "net.onnx")
    first = backend.infer({"x": np.ones((1, 3), np.float32)})["z"]
    backend.infer({"x": np.zeros((1, 3), np.float32)})
    np.testing.assert_array_equal(first, -np.ones((1, 3)))


def test_only_the_wanted_outputs_are_computed(runtime, tmp_path):
    write_network(tmp_path / "net.onnx", None)
    backend = create_backend(runtime, tmp_path / "net.onnx", BackendOptions(outputs=("z",)))
    assert backend.outputs == ("z",)
    assert list(backend.infer({"x": np.ones((2, 3), np.float32)})) == ["z"]


@pytest.mark.parametrize(
    ("batch", "sentence"),
    [
        ({}, "has the inputs x"),
        ({"q": np.zeros((1, 3), np.float32)}, "has the inputs x; it was given q"),
        ({"x": np.zeros((1, 4), np.float32)}, "must be any×3; it was given 1×4"),
        ({"x": np.zeros((0, 3), np.float32)}, "at least one"),
    ],
)
def test_infer_refuses_what_does_not_fit_with_names_and_shapes(runtime, batch, sentence, tmp_path):
    write_network(tmp_path / "net.onnx", 1)
    backend = create_backend(runtime, tmp_path / "net.onnx")
    with pytest.raises(ValueError, match=sentence):
        backend.infer(batch)


def test_inputs_say_that_the_batch_is_free(runtime, tmp_path):
    write_network(tmp_path / "net.onnx", 1)
    assert dict(create_backend(runtime, tmp_path / "net.onnx").inputs) == {"x": (None, 3)}


def test_warm_up_and_close_may_be_called_twice(runtime, tmp_path):
    write_network(tmp_path / "net.onnx", None)
    backend = create_backend(runtime, tmp_path / "net.onnx")
    for _ in range(2):
        backend.warm_up(3)
    for _ in range(2):
        backend.close()


def test_the_name_says_runtime_and_precision(runtime, tmp_path):
    write_network(tmp_path / "net.onnx", None)
    name = create_backend(runtime, tmp_path / "net.onnx").name
    assert "CPU" in name
    assert "f32" in name


def test_a_file_that_is_no_network_is_refused_with_its_path(runtime, tmp_path):
    path = tmp_path / "not_a_network.onnx"
    path.write_bytes(b"hello")
    with pytest.raises(BackendUnavailableError, match=r"not_a_network\.onnx"):
        create_backend(runtime, path)


def test_a_precision_that_is_not_there_is_refused(runtime, tmp_path):
    write_network(tmp_path / "net.onnx", None)
    with pytest.raises(BackendUnavailableError, match="Use f32"):
        create_backend(runtime, tmp_path / "net.onnx", BackendOptions(precision="f4"))


def test_a_runtime_that_is_not_installed_names_the_package(runtime, tmp_path, monkeypatch):
    package = {"openvino": "openvino", "onnx": "onnxruntime"}[runtime]
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"engine.inference.{runtime}", raising=False)
    with pytest.raises(BackendUnavailableError, match=f"pip install {package}"):
        create_backend(runtime, tmp_path / "net.onnx")


def test_an_unknown_runtime_is_a_mistake_of_the_caller(tmp_path):
    with pytest.raises(ValueError, match="Known: openvino, onnx"):
        create_backend("abacus", tmp_path)


def test_running_a_network_in_openvino_can_send_no_statistics(tmp_path):
    write_network(tmp_path / "net.onnx", None)
    program = (
        "import sys, pathlib, socket, numpy as np\n"
        "def refuse(*_, **__): raise AssertionError('a socket was opened')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "from engine.inference.backends import create_backend\n"
        f"backend = create_backend('openvino', pathlib.Path({str(tmp_path / 'net.onnx')!r}))\n"
        "backend.infer({'x': np.ones((1, 3), np.float32)})\n"
        "print([name for name, module in sys.modules.items() if 'openvino_telemetry' in name "
        "and module])\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_importing_the_estimator_imports_no_runtime():
    program = (
        "import sys, engine.inference.estimator\n"
        "print({'openvino', 'onnxruntime', 'torch', 'PyQt6'} & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "set()"
