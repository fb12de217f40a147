"""The Spark engine against the local one: the same notes, the same chain, two threads or two tasks each.

    python -m benchmarks.spark [--notes 20000] [--data FILE ...]     (on the Spark that is installed)

Notes are stretches of `--characters` of the texts. Each engine runs in a process of its own, so that none finds in a
cache what the other has worked out. Start-up is left out, and so is the opening of models where it comes before a first
run over few notes; the ratio is the median over rounds in which the two take turns.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.console import Console

import clinspan
from clinspan.compat.environment import Environment
from clinspan.io.notes import read_notes

_WANTED = 0.8
_THREADS = 2
_FEW = 50
_CONF = {"spark.ui.enabled": "false", "spark.log.level": "ERROR", "spark.ui.showConsoleProgress": "false"}
_DATA = [Path("corpora/en/notes_slim.train.jsonl.gz")]
Run = Callable[[Path], int]


def main(
    notes: Annotated[int, typer.Option(help="Notes to annotate.")] = 20_000,
    characters: Annotated[int, typer.Option(help="Length of a note.")] = 500,
    rounds: Annotated[int, typer.Option(help="Counted rounds.")] = 1,
    partitions: Annotated[int, typer.Option(help="Of the Spark frame.")] = 16,
    model: Annotated[str, typer.Option(help="Model.")] = "en/slim",
    data: Annotated[list[Path], typer.Option(help="Notes, in any form that clinspan reads.")] = _DATA,
) -> None:
    """Measure and print."""
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = list(islice(_stretches(data, characters), notes))
        table = pa.table({"id": range(len(texts)), "text": texts})
        pq.write_table(table, folder / "notes.parquet")
        pq.write_table(table.slice(0, _FEW), folder / "few.parquet")
        found = [{e: _in_own_process(e, folder, model, partitions) for e in ENGINES} for _ in range(rounds)]
    counts = {count for one in found for _, count in one.values()}
    console.print(f"{table.num_rows} notes, {counts} entities, {Environment.found().spark}", highlight=False)
    for engine in ENGINES:
        rate = table.num_rows / median(one[engine][0] for one in found)
        console.print(f"{engine}: {rate:.0f} notes/s", highlight=False)
    ratio = median(one["local"][0] / one["spark"][0] for one in found)
    console.print(f"ratio {ratio:.2f} (wanted: at least {_WANTED})", highlight=False)


def _stretches(files: list[Path], characters: int) -> Iterator[str]:
    for note in (note for file in files for note in read_notes(str(file))):
        text = str(note.text)
        yield from (text[i : i + characters] for i in range(0, len(text), characters))


def _local(model: str, _partitions: int) -> Run:
    recognizer = clinspan.load(model, threads=_THREADS)
    return lambda source: int(recognizer.entities(pq.read_table(source), id_col="id").num_rows)


def _spark(model: str, partitions: int) -> Run:
    session = clinspan.start(master_url=f"local[{_THREADS}]", spark_conf=_CONF)
    recognizer = clinspan.load(model, threads=_THREADS)

    def run(source: Path) -> int:
        frame = session.read.parquet(str(source)).repartition(partitions)
        return int(recognizer.entities(frame, id_col="id").count())

    return run


ENGINES = {"local": _local, "spark": _spark}


def _in_own_process(engine: str, folder: Path, model: str, partitions: int) -> tuple[float, int]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_timed, engine, folder, model, partitions).result()


def _timed(engine: str, folder: Path, model: str, partitions: int) -> tuple[float, int]:
    """Return seconds and entities."""
    run = ENGINES[engine](model, partitions)
    run(folder / "few.parquet")
    start = time.perf_counter()
    count = run(folder / "notes.parquet")
    return time.perf_counter() - start, count


if __name__ == "__main__":
    typer.run(main)
