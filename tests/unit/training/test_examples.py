"""What a corpus teaches: known tags, units that may be something else, units that say nothing."""

import random

import numpy as np
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.train

import torch  # noqa: E402

from clinspan.corpora import Record, Scheme  # noqa: E402
from clinspan.inference.tokenizer import SubwordTokenizer  # noqa: E402
from clinspan.inference.units import Encoder  # noqa: E402
from clinspan.tagging import LabelledSpan, iob2_tags  # noqa: E402
from clinspan.training.batches import Batch, make_batches, tag_loss  # noqa: E402
from clinspan.training.examples import IGNORED, UNMARKED, Examples, Teaching  # noqa: E402
from families import TOY_FAMILIES  # noqa: E402

TAGS = iob2_tags(["Drug", "Test"])
OUT, B_DRUG, I_DRUG, B_TEST, I_TEST = range(5)
RECORD = Record(
    "1",
    "The heart was normal. A liver",
    (LabelledSpan(4, 9, "Drug"), LabelledSpan(22, 29, "Test"), LabelledSpan(14, 20, "Finding")),
)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    bert = next(family for family in TOY_FAMILIES if family.name == "bert")
    folder = bert.write(tmp_path_factory.mktemp("checkpoint"))
    return Encoder(SubwordTokenizer.open(folder / "tokenizer.json"), max_length=32, overlap=8, context=28)


def unit_tags(encoder, scheme):
    """The target of each unit: The heart was normal . A liver."""
    examples = Examples.from_records([RECORD], {"h": Teaching(TAGS, scheme)}, encoder=encoder, unit="word")
    return examples.targets["h"][examples.encoded.first].tolist()


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        (Scheme(label_map={"Finding": ""}), [OUT, B_DRUG, OUT, OUT, OUT, B_TEST, I_TEST]),
        (Scheme(label_map={"*": "", "Drug": "Drug"}, complete=["Drug"]), [UNMARKED, B_DRUG, *[UNMARKED] * 5]),
        (Scheme(label_map={"*": "", "Drug": "Drug"}, complete=[]), [IGNORED, B_DRUG, *[IGNORED] * 5]),
        (Scheme(label_map={"Finding": ""}, mask=["Finding"]), [OUT, B_DRUG, OUT, IGNORED, OUT, B_TEST, I_TEST]),
        (Scheme(label_map={"Finding": ""}, before="the"), [B_DRUG, I_DRUG, OUT, OUT, OUT, B_TEST, I_TEST]),
    ],
    ids=["all labels", "one label throughout", "no label throughout", "masked", "words before"],
)
def test_targets(encoder, scheme, expected):
    assert unit_tags(encoder, scheme) == expected


def test_an_unmarked_unit_may_have_the_labels_that_are_not_marked_throughout():
    assert Teaching(TAGS, Scheme(complete=["Drug"])).possible.tolist() == [True, False, False, True, True]
    assert Teaching(TAGS, Scheme()).possible.tolist() == [True, False, False, False, False]


def test_the_loss_of_an_unmarked_unit_is_the_probability_of_all_it_may_be():
    logits = torch.log(torch.tensor([[0.1, 0.2, 0.3, 0.25, 0.15], [0.6, 0.1, 0.1, 0.1, 0.1], [0.2] * 5]))
    possible = torch.from_numpy(Teaching(TAGS, Scheme(complete=["Drug"])).possible)
    loss = tag_loss(logits, torch.tensor([UNMARKED, B_DRUG, IGNORED]), possible)
    assert loss.item() == pytest.approx(-(np.log(0.1 + 0.25 + 0.15) + np.log(0.1)) / 2, rel=1e-5)
    assert tag_loss(logits, torch.full((3,), IGNORED), possible).item() == 0


def test_a_label_that_a_corpus_does_not_mark_is_not_pushed_down():
    logits = torch.zeros((1, 5), requires_grad=True)
    possible = torch.from_numpy(Teaching(TAGS, Scheme(complete=["Drug"])).possible)
    tag_loss(logits, torch.tensor([UNMARKED]), possible).backward()
    down = logits.grad[0] > 0  # gradient descent lowers these
    assert down.tolist() == [False, True, True, False, False]


def test_batches_take_each_window_as_often_as_passes_say():
    windows = [(np.full(3, i), {"h": np.zeros(3, dtype=np.int64)}) for i in range(10)]
    heads = {"h": Teaching(TAGS, Scheme())}
    batches = make_batches(windows, heads, size=44, passes=2.5, rng=random.Random(1))
    counts = np.bincount(np.concatenate([b.input_ids[:, 0].numpy() for b in batches]), minlength=10)
    assert counts.sum() == 25
    assert set(counts) == {2, 3}
    assert all(len(b.input_ids) <= 4 for b in batches)


def test_a_batch_is_padded_with_what_says_nothing():
    windows = [(np.arange(1, n + 1), {"h": np.zeros(n, dtype=np.int64)}) for n in (2, 4)]
    batch = Batch.from_windows({"h": Teaching(TAGS, Scheme())}, windows)
    assert batch.input_ids.tolist() == [[1, 2, 0, 0], [1, 2, 3, 4]]
    assert batch.attention_mask.tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]
    assert batch.targets["h"].tolist() == [[0, 0, IGNORED, IGNORED], [0, 0, 0, 0]]
