"""An int8 graph gives nearly what the float one gives; heads are left as they are."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("torch")
pytestmark = pytest.mark.train

import onnxruntime  # noqa: E402
import torch  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnxruntime.quantization import quantize_dynamic  # noqa: E402

from clinspan.training.activations import Activations  # noqa: E402
from clinspan.training.quantization import head_nodes, quantize, split_attention  # noqa: E402
from clinspan.training.rounding import Rounded  # noqa: E402

WORDS, HIDDEN, INNER, TAGS = 900, 128, 1000, 3


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
    assert error("int8.onnx") < error("plain.onnx") / 10  # one scale for all: small words and features drown
    assert (tmp_path / "int8.onnx").stat().st_size < graph.stat().st_size / 2


def test_a_row_does_not_depend_on_the_others(graph, tmp_path):
    quantize(graph, tmp_path / "int8.onnx", ["tags"])
    ids = np.arange(WORDS)
    alone = np.concatenate([run(tmp_path / "int8.onnx", ids[i : i + 1]) for i in range(0, WORDS, 90)])
    assert np.allclose(alone, run(tmp_path / "int8.onnx", ids)[::90], rtol=1e-5)


def test_heads_and_a_few_large_features_stay(graph, tmp_path):
    quantize(graph, tmp_path / "int8.onnx", ["tags"])
    model = onnx.load(tmp_path / "int8.onnx")
    floats = {node.name for node in model.graph.node if node.op_type == "MatMul"}
    assert floats == {"head", "first_exact", "second_exact"}
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert 0 in arrays["inner_few"]  # the huge one
    assert (arrays["inner_most"] == 0).sum() == len(arrays["inner_few"]) == len(arrays["second_apart"])
    assert arrays["second_codes"].dtype == arrays["table_codes"].dtype == np.int8
    assert np.abs(arrays["second_codes"]).max() <= 64
    assert set(arrays).isdisjoint({"table", "up", "down"})
    assert head_nodes(onnx.load(graph).graph, {"tags"}) == ["head"]


def test_a_graph_of_rounded_weights_holds_them_unchanged(graph, tmp_path):
    model = onnx.load(graph)
    for tensor in model.graph.initializer:
        if tensor.name in ("up", "down"):
            weights = torch.from_numpy(numpy_helper.to_array(tensor).T.copy())
            tensor.CopyFrom(numpy_helper.from_array(Rounded()(weights).T.numpy(), tensor.name))
    onnx.save(model, graph)
    quantize(graph, tmp_path / "int8.onnx", ["tags"])
    before, after = (
        {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
        for path in (graph, tmp_path / "int8.onnx")
    )
    for rows, product, name in (("words", "first", "up"), ("inner", "second", "down")):
        whole = after[f"{product}_codes"] * after[f"{product}_scales"]
        whole[after[f"{rows}_few"]] = after[f"{product}_apart"]
        assert np.allclose(whole, before[name], rtol=1e-6, atol=0)


def test_values_far_below_their_rows_largest_are_bounded_with_a_margin():
    large = np.full((2, 8), -7.0, dtype=np.float32)
    rows = np.array([[0.0, -0.2, 1.0], [0.5, -0.05, 0.25]], dtype=np.float32)
    assert Activations.from_rows(np.hstack([rows, large])).few.tolist() == list(range(3, 11))
    assert Activations.from_rows(np.hstack([rows, large])).low == pytest.approx(-0.3)
    assert Activations.from_rows(np.hstack([-rows, large])).low == -1
    assert Activations.from_rows(np.zeros((2, 11), dtype=np.float32)).low == 0
    assert Activations.from_rows(rows).low == 0  # all of these few are taken apart


def test_attention_that_is_more_than_plain_stays_whole():
    def split(inputs, **attributes):
        node = helper.make_node("Attention", inputs, ["y"], "a", domain="com.microsoft", num_heads=2, **attributes)
        graph = helper.make_graph([node], "toy", [], [])
        split_attention(graph)
        return [node.op_type for node in graph.node]

    assert split(["x", "w", "b"]) == split(["x", "w", "b", "mask"]) == ["MatMul", "Split", "MultiHeadAttention"]
    assert split(["x", "w"]) == split(["x", "w", "b", "mask", "past"]) == ["Attention"]
    assert split(["x", "w", "b"], unidirectional=1) == ["Attention"]
