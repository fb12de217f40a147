"""A network of sentence boundaries, and the graph that runs it over a whole text at once."""

import random

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.train

import torch  # noqa: E402

from clinspan.codepoints import CodePoints  # noqa: E402
from clinspan.inference.alphabet import Alphabet  # noqa: E402
from clinspan.inference.boundaries import BoundaryModel, Candidates, character_ids  # noqa: E402
from clinspan.inference.session import OnnxSession  # noqa: E402
from clinspan.training.boundaries import BoundaryNetwork, write_graph  # noqa: E402
from clinspan.training.recipes import SentencesRecipe  # noqa: E402

RECIPE = SentencesRecipe(
    name="toy", version="0", languages=["en"], licence="", head="sentences", corpora=[], reach=6, filters=5, hidden=4
)
ALPHABET = Alphabet("\x01\n .0Xax")


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return BoundaryNetwork(RECIPE, len(ALPHABET)).eval()


@pytest.mark.parametrize("sizes", [[], [0], [30], [5, 0, 300, 1, 40], [9000, 20, 9000]])
def test_the_graph_gives_each_candidate_what_the_network_gives_its_window(network, sizes, tmp_path):
    write_graph(network, tmp_path / "model.onnx")
    model = BoundaryModel(OnnxSession.open(tmp_path / "model.onnx"), ALPHABET, RECIPE.reach)
    draw = random.Random(5)
    texts = ["".join(draw.choice("aB1.?! \n:)Cde") for _ in range(size)) for size in sizes]
    found = Candidates.from_text(CodePoints.from_arrow(pa.array(texts, pa.string())), RECIPE.reach)
    with torch.no_grad():
        logits = network(torch.from_numpy(character_ids(ALPHABET, found.windows)))[:, 0]
    np.testing.assert_allclose(model.probabilities(found), torch.sigmoid(logits).numpy(), atol=1e-6)
