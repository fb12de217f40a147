"""Biases chosen on dev sets."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from clinspan.tagging import LabelledSpan
from clinspan.training.calibration import add_to_bias, calibrated

TAGS = ("O", "B-X", "I-X")
GOLD = [LabelledSpan(0, 1, "X")]


class Dev:
    """A dev set of two words, of which the first is an entity; each word's arg-max is what is found."""

    def compared(self, head, logits):  # noqa: ARG002
        found = [LabelledSpan(i, i + 1, "X") for i, tag in enumerate(logits.argmax(axis=-1)) if TAGS[tag] == "B-X"]
        return [GOLD], [found]


def test_too_many_entities_are_made_fewer():
    logits = np.array([[0, 2, 0], [0, 0.4, 0]], dtype=np.float32)  # the second word is found as well, though weakly
    offsets = calibrated(TAGS, [(Dev(), logits)], "x")
    assert (logits + offsets).argmax(axis=-1).tolist() == [1, 0]


def test_too_few_entities_are_made_more():
    logits = np.array([[1, 0.8, 0], [1, -3, -3]], dtype=np.float32)
    offsets = calibrated(TAGS, [(Dev(), logits)], "x")
    assert (logits + offsets).argmax(axis=-1).tolist() == [1, 0]


def test_what_is_right_stays_as_it_is():
    logits = np.array([[0, 2, 0], [2, 0, 0]], dtype=np.float32)
    assert calibrated(TAGS, [(Dev(), logits)], "x").tolist() == [0, 0, 0]


def test_offsets_go_into_the_bias():
    layer = torch.nn.Linear(4, 3)
    states = torch.ones(1, 4)
    before = layer(states)
    add_to_bias(layer, np.array([1, -1, 0], dtype=np.float32))
    torch.testing.assert_close(layer(states), before + torch.tensor([1.0, -1.0, 0.0]))
