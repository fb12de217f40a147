"""The Spark engine against the local one: the same notes, the same chain, two threads or two tasks each.

    python -m benchmarks.spark [--notes 20000] [--data FILE]     (on the Spark that is installed)

Notes are stretches of `--characters` of the texts. Both engines read one Parquet file, start-up and the opening of
models aside (a first run over few notes); the ratio is the median over rounds in which the two take turns.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.console import Console

import clinspan
from clinspan.compat.environment import Environment
from clinspan.io.notes import read_notes

_WANTED = 0.8
_THREADS = 2
_CONF = {"spark.ui.enabled": "false", "spark.log.level": "ERROR", "spark.ui.showConsoleProgress": "false"}


def main(
    notes: Annotated[int, typer.Option(help="Notes to annotate.")] = 20_000,
    characters: Annotated[int, typer.Option(help="Length of a note.")] = 500,
    rounds: Annotated[int, typer.Option(help="Counted rounds.")] = 1,
    partitions: Annotated[int, typer.Option(help="Of the Spark frame.")] = 16,
    model: Annotated[str, typer.Option(help="Model.")] = "en/slim",
    data: Annotated[Path, typer.Option(help="Notes, in any form that clinspan reads.")] = Path(
        "corpora/en/notes_slim.train.jsonl.gz"
    ),
) -> None:
    """Measure and print."""
    session = clinspan.start(master_url=f"local[{_THREADS}]", spark_conf=_CONF)
    recognizer = clinspan.load(model, threads=_THREADS)
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "notes.parquet"
        table = pa.table({"text": list(islice(_stretches(data, characters), notes))})
        pq.write_table(table.append_column("id", pa.array(range(table.num_rows))), source)
        frame = session.read.parquet(str(source)).repartition(partitions)
        engines = {"local": lambda: _local(recognizer, source), "spark": lambda: _spark(recognizer, frame)}
        _spark(recognizer, frame.limit(50))
        seconds = [{name: _timed(run) for name, run in engines.items()} for _ in range(rounds)]
    counts = {found[1] for one in seconds for found in one.values()}
    console.print(f"{table.num_rows} notes, {counts} entities, {Environment.found().spark}", highlight=False)
    for name in engines:
        rate = table.num_rows / median(one[name][0] for one in seconds)
        console.print(f"{name}: {rate:.0f} notes/s", highlight=False)
    ratio = median(one["local"][0] / one["spark"][0] for one in seconds)
    console.print(f"ratio {ratio:.2f} (wanted: at least {_WANTED})", highlight=False)


def _stretches(data: Path, characters: int) -> Iterator[str]:
    for note in read_notes(str(data)):
        text = str(note.text)
        yield from (text[i : i + characters] for i in range(0, len(text), characters))


def _local(recognizer: clinspan.EntityRecognizer, source: Path) -> int:
    table = recognizer.entities(pq.read_table(source), id_col="id")
    return int(table.num_rows)


def _spark(recognizer: clinspan.EntityRecognizer, frame: Any) -> int:
    return int(recognizer.entities(frame, id_col="id").count())


def _timed(run: Callable[[], int]) -> tuple[float, int]:
    start = time.perf_counter()
    count = run()
    return time.perf_counter() - start, count


if __name__ == "__main__":
    typer.run(main)
