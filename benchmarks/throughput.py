"""Notes a second and memory, against a bare ONNX Runtime loop and the Hugging Face pipeline.

    python -m benchmarks.throughput [--notes 40] [--rounds 5] [--patience 0] [--data FILE] [--json FILE]

Contenders take turns, round after round, each in its own process; figures are medians over the rounds, ratios
medians of each round's ratio. A first round warms up and does not count. clinspan starts from whole notes;
the Hugging Face pipeline is given sentences, or our passages, the bare loop even our windows, ready tokenised.
What other processes do meanwhile is measured too: disturbed figures are called so, and `--patience` repeats disturbed
runs.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Column, Table

from benchmarks import contenders as known
from benchmarks.contenders import CONTENDERS, Contender, Task
from benchmarks.corpus import Corpus
from benchmarks.worker import Turn, Worker

_CHECKED_WINDOWS: Final = 100
_DISTURBED: Final = 0.05  # of a CPU, by other processes
_PAIRS: Final = (
    (known.OURS, known.PIPELINE, 5.5),
    (known.OURS, known.PIPELINE_BATCHED, None),
    (known.OURS, known.PIPELINE_PASSAGES, None),
    (known.OURS, known.BARE, 0.85),
    (known.OURS_ONE, known.BARE_ONE, 0.85),
    (known.OURS, known.OURS_ONE, 1.8),
    (known.BARE, known.BARE_ONE, None),
)


@dataclass(frozen=True)
class Result:
    """The runs of one contender.

    Attributes:
        name: the contender.
        seconds: of each counted run.
        peak_mib: memory it took at its peak beyond Python and the corpus.
        others: most CPUs that other processes kept busy during a counted run.
    """

    name: str
    seconds: list[float]
    peak_mib: float
    others: float


@dataclass(frozen=True)
class Ratio:
    """How many times as fast one contender is as another, and the target, if there is one."""

    of: str
    to: str
    value: float
    target: float | None

    @classmethod
    def from_results(cls, of: Result, to: Result, target: float | None) -> Ratio:
        """Take the median of the rounds' ratios."""
        value = median(b / a for a, b in zip(of.seconds, to.seconds, strict=True))
        return cls(of.name, to.name, value, target)

    @property
    def verdict(self) -> str:
        """Whether the target is met."""
        if self.target is None:
            return ""
        return "met" if self.value >= self.target else "missed"


def main(
    data: Annotated[Path | None, typer.Option(help="JSON lines with a `text` field, gzipped or not.")] = None,
    notes: Annotated[int, typer.Option(help="How many notes to annotate.")] = 40,
    rounds: Annotated[int, typer.Option(help="Counted runs of each contender.")] = 5,
    patience: Annotated[float, typer.Option(help="Seconds to spend on repeating disturbed runs.")] = 0,
    model: Annotated[str, typer.Option(help="The model, of the BERT family.")] = "en/anatomy",
    only: Annotated[list[str] | None, typer.Option(help="Contenders whose name contains this.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File for all figures.")] = None,
) -> None:
    """Measure all contenders on the same notes."""
    from clinspan import open_head

    corpus = Corpus.read(data, notes, open_head(model, cache_bytes=0))
    chosen = [c for c in CONTENDERS if not only or any(part in c.name for part in only)]
    with TemporaryDirectory() as folder:
        task = Task(model, Path(folder), corpus)
        same_tags = write_peer(task) if any("pipeline" in c.name for c in chosen) else None
        results = measure(chosen, task, rounds, patience)
    ratios = compare(results)
    report(corpus, rounds, results, ratios, same_tags)
    if json_file:
        machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
        sizes = {"notes": len(corpus.texts), "words": corpus.words, "subwords": corpus.subwords}
        figures = {"results": [asdict(r) for r in results], "ratios": [asdict(r) for r in ratios]}
        record = {"source": corpus.source, **sizes, "machine": machine, "same_tags": same_tags, **figures}
        json_file.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def write_peer(task: Task) -> float:
    """Write the Hugging Face checkpoint and return its agreement with our graph; PyTorch stays outside."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_write_peer, task).result()


def _write_peer(task: Task) -> float:
    from benchmarks.weights import write_checkpoint

    return write_checkpoint(task.model, task.corpus.windows[:_CHECKED_WINDOWS], task.checkpoint)


def measure(contenders: Sequence[Contender], task: Task, rounds: int, patience: float) -> list[Result]:
    """Open every contender, let them take turns, and close them."""
    workers = [Worker(contender, task) for contender in track(contenders, "opening", transient=True)]
    for worker in track(workers, "warming up", transient=True):
        worker.run()
    end = time.monotonic() + patience
    turns = [[undisturbed(w, end) for w in workers] for _ in track(range(rounds), "rounds", transient=True)]
    return [result(w, runs) for w, runs in zip(workers, zip(*turns, strict=True), strict=True)]


def undisturbed(worker: Worker, end: float) -> Turn:
    """Do one run, and repeat it until the machine was quiet, at most until `end`."""
    turn = worker.run()
    while turn.others > _DISTURBED and time.monotonic() < end:
        time.sleep(1)
        turn = worker.run()
    return turn


def result(worker: Worker, turns: Sequence[Turn]) -> Result:
    """Close a worker and put its runs together."""
    others = max(turn.others for turn in turns)
    return Result(worker.name, [turn.seconds for turn in turns], worker.close(), others)


def compare(results: Sequence[Result]) -> list[Ratio]:
    """Return the ratios of the pairs that were measured."""
    by_name = {result.name: result for result in results}
    pairs = [pair for pair in _PAIRS if {*pair[:2]} <= set(by_name)]
    return [Ratio.from_results(by_name[of], by_name[to], target) for of, to, target in pairs]


def report(
    corpus: Corpus, rounds: int, results: Sequence[Result], ratios: Sequence[Ratio], same_tags: float | None
) -> None:
    """Print the figures."""
    console = Console(highlight=False)
    console.print(f"{corpus}; medians of {rounds} alternating runs")
    console.print(_rates(corpus, results), _ratios(ratios))
    if same_tags is not None:
        note = "The pipeline has the weights of our int8 graph, read back to float32"
        console.print(f"{note}; {same_tags:.1%} of sub-words get the same tag from both.")
    others = max(result.others for result in results)
    if others > _DISTURBED:
        console.print(f"Disturbed: other processes used up to {others:.2f} CPUs during a run; measure again.")


def _rates(corpus: Corpus, results: Sequence[Result]) -> Table:
    table = Table("", *_right("notes/s", "words/s", "sub-words/s", "peak memory, MiB"))
    for result in results:
        seconds = median(result.seconds)
        notes, words, subwords = (
            len(corpus.texts) / seconds,
            corpus.words / seconds,
            corpus.subwords / seconds,
        )
        table.add_row(result.name, f"{notes:.1f}", f"{words:,.0f}", f"{subwords:,.0f}", f"{result.peak_mib:,.0f}")
    return table


def _ratios(ratios: Sequence[Ratio]) -> Table:
    table = Table("times as fast", "as", *_right("ratio", "target"), "")
    for ratio in ratios:
        target = "" if ratio.target is None else f"{ratio.target:.2f}"
        table.add_row(ratio.of, ratio.to, f"{ratio.value:.2f}", target, ratio.verdict)
    return table


def _right(*names: str) -> list[Column]:
    return [Column(name, justify="right") for name in names]


if __name__ == "__main__":
    typer.run(main)
