"""What rounding a graph changes: the common int8 graph and clinspan's, against the float graph both are made from.

    python -m benchmarks.rounding runs/en/fp32 [--data FILE] [--notes 40] [--rounds 5]

`changed` is the share of entities, of all heads, that only one of two graphs finds. The graphs take turns on one
thread.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Annotated, Final

import typer
from onnx import TensorProto
from onnxruntime.quantization import quantize_dynamic
from rich.console import Console
from rich.table import Table

import clinspan
from benchmarks.turns import in_turns
from clinspan.hub.manifest import Manifest, ModelFile
from clinspan.io.notes import read_notes
from clinspan.training.quantization import quantize

_GRAPH: Final = "model.onnx"
Maker = Callable[[Path, Path, Sequence[str]], object]  # source, target, names of outputs
Found = set[tuple[int, int, int, str, str]]


def main(
    model: Annotated[Path, typer.Argument(help="Folder of a float model.")],
    data: Annotated[Path, typer.Option(help="Notes, in any form that clinspan reads.")] = Path(
        "corpora/en/notes_slim.dev.jsonl.gz"
    ),
    notes: Annotated[int, typer.Option(help="Notes to annotate.")] = 40,
    rounds: Annotated[int, typer.Option(help="Counted rounds.")] = 5,
) -> None:
    """Measure and print."""
    texts = [note.text for note in islice(read_notes(str(data)), notes)]
    outputs = list(dict.fromkeys(head.output for head in Manifest.read(model).heads))
    makers: dict[str, Maker] = {
        "float": lambda source, target, _: shutil.copy(source, target),
        "int8, one scale a call (quantize_dynamic)": _common,
        "int8, clinspan": quantize,
    }
    with tempfile.TemporaryDirectory() as folder:
        paths = {
            name: _made(model, make, outputs, Path(folder, str(i))) for i, (name, make) in enumerate(makers.items())
        }
        loaded = {
            graph: clinspan.load(*(f"{path}#{output}" for output in outputs), threads=1, cache_bytes=0)
            for graph, path in paths.items()
        }
        seconds = in_turns({graph: partial(_entities, r, texts) for graph, r in loaded.items()}, rounds)
        sizes = {graph: (path / _GRAPH).stat().st_size / 1e6 for graph, path in paths.items()}
    _show({graph: _entities(r, texts) for graph, r in loaded.items()}, seconds, sizes)


def _common(source: Path, target: Path, _: Sequence[str]) -> None:
    options = {"DefaultTensorType": TensorProto.FLOAT}
    quantize_dynamic(source, target, per_channel=True, reduce_range=True, extra_options=options)


def _made(model: Path, make: Maker, outputs: Sequence[str], folder: Path) -> Path:
    shutil.copytree(model, folder)
    make(model / _GRAPH, folder / _GRAPH, outputs)
    manifest = Manifest.read(folder)
    files = tuple(ModelFile.from_path(folder, file.path) for file in manifest.files)
    replace(manifest, files=files).write(folder)
    return folder


def _entities(recognizer: clinspan.EntityRecognizer, texts: Sequence[str]) -> Found:
    return {
        (i, e.start, e.end, e.label, e.model)
        for i, document in enumerate(recognizer.pipe(texts))
        for e in document.entities
    }


def _show(found: dict[str, Found], seconds: Sequence[dict[str, float]], sizes: dict[str, float]) -> None:
    wanted = found["float"]
    table = Table("graph", "entities", "changed", "MB", "time", title="against the float graph", title_justify="left")
    for graph, entities in found.items():
        changed = len(entities ^ wanted) / len(wanted)
        time = median(turn[graph] / turn["float"] for turn in seconds)
        table.add_row(graph, f"{len(entities):,}", f"{changed:.2%}", f"{sizes[graph]:.1f}", f"{time:.2f}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
