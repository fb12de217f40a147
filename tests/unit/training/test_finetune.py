"""What a run keeps, when it ends, and what a corpus counts."""

import math
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from rich.console import Console  # noqa: E402
from torch import nn  # noqa: E402

from clinspan.corpora import Scheme  # noqa: E402
from clinspan.tagging import LabelledSpan  # noqa: E402
from clinspan.training.batches import Batch  # noqa: E402
from clinspan.training.examples import IGNORED, Teaching  # noqa: E402
from clinspan.training.finetune import Finetuner, State  # noqa: E402
from clinspan.training.hyperparameters import TrainingRecipe  # noqa: E402

GOLD = [LabelledSpan(i, i + 1, "X") for i in range(3)]


def unbegun(**training):
    """A run without data or network."""
    run = object.__new__(Finetuner)
    run.options, run.state, run.best, run.console = TrainingRecipe(**training), State(), {}, Console(quiet=True)
    run.device = torch.device("cpu")
    return run


@pytest.mark.parametrize(
    ("patience", "right", "epochs", "best"),
    [(2, [1, 2, 1, 2, 3], 4, 1), (3, [1, 2, 1, 2, 3], 5, 4), (1, [0, 1, 2, 3, 3], 5, 3)],
)
def test_the_best_epoch_is_kept_and_patience_ends_the_run(patience, right, epochs, best):
    run, found = unbegun(epochs=5, patience=patience), iter(right)
    layer = nn.Linear(1, 1, bias=False)
    run.average = SimpleNamespace(module=layer)
    run.dev = [SimpleNamespace(name="d", heads=["h"], compared=lambda *_: ([GOLD], [GOLD[: next(found)]]))]
    run.predict = lambda _: {"h": None}
    while not run._finished():
        nn.init.constant_(layer.weight, run.state.epoch)
        run._judge(0.0)
    assert (run.state.epoch, run.state.best_epoch, run.best["weight"].item()) == (epochs, best, best)


def test_each_corpus_counts_by_its_weight():
    run = unbegun()
    run._masked = lambda ids, _: ids
    run.model = lambda _ids, _mask, heads: {head: torch.zeros(1, 2, 3) for head in heads}
    heads = {name: Teaching(["O", "B-X", "I-X"], Scheme(), weight) for name, weight in (("a", 0.3), ("b", 1.0))}
    ids = torch.ones(1, 2, dtype=torch.int64)
    batch = Batch(heads, ids, ids, dict.fromkeys(heads, torch.tensor([[1, IGNORED]])))
    assert run._loss(batch).item() == pytest.approx(1.3 * math.log(3), rel=1e-6)


def test_special_pieces_and_padding_are_never_masked():
    run = unbegun(mask=1.0)
    pieces = SimpleNamespace(
        prefix=(2,), suffix=(3,), tokenizer=SimpleNamespace(token_to_id=lambda name: {"[MASK]": 4}.get(name))
    )
    run.encoder = SimpleNamespace(tokenizer=pieces)
    found = run._masked(torch.tensor([[2, 7, 8, 3, 0]]), torch.tensor([[1, 1, 1, 1, 0]]))
    assert found.tolist() == [[2, 4, 4, 3, 0]]


@pytest.mark.parametrize(("share", "kept"), [(0.0, [4, 6]), (0.25, [3, 5]), (1.0, [0, 2])])
def test_what_is_no_weight_is_kept_whatever_the_share_of_the_start(share, kept):
    run = unbegun(keep_start=share)
    run.start = {"weight": torch.tensor([0.0, 2.0])}
    run.best = {"weight": torch.tensor([4.0, 6.0]), "count": torch.tensor(3)}
    assert {name: value.tolist() for name, value in run._with_start().items()} == {"weight": kept, "count": 3}
