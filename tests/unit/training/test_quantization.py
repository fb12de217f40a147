"""An int8 graph gives nearly what the float one gives; heads are left as they are."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("torch")
pytestmark = pytest.mark.train

import onnxruntime  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnxruntime.quantization import quantize_dynamic  # noqa: E402

from clinspan.training.quantization import head_nodes, quantize  # noqa: E402

WORDS, HIDDEN, INNER, TAGS = 900, 128, 1000, 3  # the inner size is no multiple of a block


@pytest.fixture
def graph(tmp_path):
    """A look-up, two products with one huge feature between them, and a head."""
    rng = np.random.default_rng(1)
    arrays = {
        "table": rng.normal(size=(WORDS, HIDDEN)) * rng.uniform(0.01, 10, (WORDS, 1)),
        "up": rng.normal(size=(HIDDEN, INNER)),
        "down": rng.normal(size=(INNER, HIDDEN)),
        "last": rng.normal(size=(HIDDEN, TAGS)),
    }
    arrays["up"][:, 0] *= 30
    arrays["down"][0] /= 30
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"], "look_up"),
        helper.make_node("MatMul", ["words", "up"], ["inner"], "first"),
        helper.make_node("MatMul", ["inner", "down"], ["states"], "second"),
        helper.make_node("MatMul", ["states", "last"], ["tags"], "head"),
    ]
    made = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [None, None])],
        [helper.make_tensor_value_info("tags", TensorProto.FLOAT, [None, None, TAGS])],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "fp32.onnx")
    return tmp_path / "fp32.onnx"


def run(path, ids):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(
        None, {"input_ids": ids[None]}
    )[0][0]


def test_results_are_close_in_spite_of_a_huge_feature(graph, tmp_path):
    quantize(graph, tmp_path / "int8.onnx", ["tags"])
    quantize_dynamic(graph, tmp_path / "plain.onnx", nodes_to_exclude=["head", "look_up"], per_channel=True)
    ids = np.arange(WORDS)
    wanted = run(graph, ids)

    def error(name):
        found = run(tmp_path / name, ids)
        return np.median(np.abs(found - wanted).max(axis=1) / np.abs(wanted).max(axis=1))

    assert error("int8.onnx") < 0.05
    assert error("int8.onnx") < error("plain.onnx") / 2  # one scale for all features: the others drown
    assert (tmp_path / "int8.onnx").stat().st_size < graph.stat().st_size / 2


def test_heads_and_a_few_large_features_stay(graph, tmp_path):
    quantize(graph, tmp_path / "int8.onnx", ["tags"])
    model = onnx.load(tmp_path / "int8.onnx")
    floats = {node.name for node in model.graph.node if node.op_type == "MatMul"}
    assert floats == {"head", "second_exact"}  # the huge feature is one of `inner`
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert 0 in arrays["second_few"]
    assert (arrays["second_most"] == 0).sum() == len(arrays["second_few"]) == 8
    assert arrays["table_codes"].dtype == np.int8
    assert set(arrays).isdisjoint({"table", "up", "down"})
    assert head_nodes(onnx.load(graph).graph, {"tags"}) == ["head"]


def test_products_without_far_larger_features_are_rounded_whole(graph, tmp_path):
    quantize(graph, tmp_path / "int8.onnx", ["tags"])
    names = {node.name for node in onnx.load(tmp_path / "int8.onnx").graph.node}
    assert not any(name.startswith("first_picked") for name in names)
    assert "second_picked" in names
