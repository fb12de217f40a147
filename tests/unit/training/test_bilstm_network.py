"""The loss of the BiLSTM: all paths that a sentence may have, against all there are."""

from itertools import pairwise, product

import pytest

torch = pytest.importorskip("torch")

from clinspan.corpora import Record, Scheme  # noqa: E402
from clinspan.tagging import LabelledSpan, iob2_tags  # noqa: E402
from clinspan.training.bilstm import TokenExamples  # noqa: E402
from clinspan.training.bilstm_network import path_loss  # noqa: E402
from clinspan.training.examples import Teaching  # noqa: E402


def by_all_paths(logits, allowed, transitions):
    """The negative logarithm of the probability of the allowed paths, by adding up every path."""
    paths = list(product(range(logits.shape[1]), repeat=len(logits)))
    scores = torch.stack(
        [
            transitions[-1, p[0]] + sum(transitions[a, b] for a, b in pairwise(p)) + logits[range(len(p)), p].sum()
            for p in paths
        ]
    )
    kept = torch.tensor([all(allowed[i, tag] for i, tag in enumerate(p)) for p in paths])
    return torch.logsumexp(scores, 0) - torch.logsumexp(scores[kept], 0)


def test_the_loss_of_a_sentence_is_the_probability_of_all_paths_it_allows():
    draw = torch.Generator().manual_seed(1)
    lengths = torch.tensor([4, 1, 3])  # the padding of the shorter ones says nothing
    logits, transitions = torch.randn(3, 4, 3, generator=draw), torch.randn(4, 3, generator=draw)
    allowed = torch.rand(3, 4, 3, generator=draw) < 0.6
    allowed[..., 0] |= ~allowed.any(-1)
    wanted = [by_all_paths(logits[i, :n], allowed[i, :n], transitions) for i, n in enumerate(lengths)]
    torch.testing.assert_close(path_loss(logits, allowed, lengths, transitions), torch.stack(wanted))


def test_a_token_may_have_what_the_corpus_leaves_open():
    record = Record("1", "The heart hurts badly", (LabelledSpan(4, 9, "Drug"), LabelledSpan(10, 15, "Finding")))
    scheme = Scheme(label_map={"Finding": ""}, complete=["Drug"], mask=["Finding"])
    allowed = TokenExamples.from_records([record], Teaching(iob2_tags(["Drug", "Test"]), scheme)).allowed()
    free = [True, False, False, True, True]  # no drug, perhaps a test
    assert allowed.tolist() == [free, [False, True, False, False, False], [True] * 5, free]
