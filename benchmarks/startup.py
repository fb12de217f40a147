"""How soon clinspan is there: import, first entity, and the size of its wheel.

    python -m benchmarks.startup [--rounds 7] [--wheel] [--script FILE] [--json FILE]

With `--script` also how soon a script that `clinspan run` runs prints its first table, on the Spark that is installed.
Every time is the median over fresh processes; but for that of the import it is measured from the start of the process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Column, Table

from clinspan.compat.environment import Environment

ROOT: Final = Path(__file__).parents[1]
# without pandas, which pyarrow imports where it is installed
HEAVY: Final = frozenset({"torch", "polars", "pyspark", "fastapi", "transformers"})
IMPORT_SECONDS: Final = 0.3
ENTITY_SECONDS: Final = 1.2
_FIRST_ENTITY: Final = """\
import clinspan
document = clinspan.load({model!r})("Biopsy of the left kidney.")
print(document.entities[0].text, flush=True)
"""


def main(
    rounds: Annotated[int, typer.Option(help="How many processes for each figure.")] = 7,
    model: Annotated[str, typer.Option(help="Name of the model.")] = "en/anatomy",
    wheel: Annotated[bool, typer.Option("--wheel", help="Build the wheel as well and print its size.")] = False,
    script: Annotated[
        Path | None, typer.Option(help="Script to run, such as tests/cases/seeds/000_sparknlp.py.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File for all figures.")] = None,
) -> None:
    """Measure start-up."""
    heavy = heavy_imports(model)
    figures: dict[str, float | list[str]] = {
        "import_seconds": _median(import_seconds, rounds),
        "first_entity_seconds": _median(lambda: first_entity_seconds(model), rounds),
        "heavy_imports": heavy,
    }
    if wheel:
        figures["wheel_mb"] = wheel_bytes() / 1e6
    table = Table("", Column("median", justify="right"), Column("target", justify="right"))
    table.add_row("import clinspan", f"{figures['import_seconds']:.3f} s", f"< {IMPORT_SECONDS} s")
    table.add_row(
        "first entity from process start", f"{figures['first_entity_seconds']:.3f} s", f"< {ENTITY_SECONDS} s"
    )
    table.add_row("heavy modules imported", ", ".join(heavy) or "none", "none")
    if wheel:
        table.add_row("wheel", f"{figures['wheel_mb']:.1f} MB", "")
    if script:
        figures["script_seconds"] = _median(lambda: script_seconds(script), rounds)
        table.add_row(f"first table of {script.name}", f"{figures['script_seconds']:.1f} s", Environment.found().spark)
    Console(highlight=False).print(table)
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _median(measure: Callable[[], float], rounds: int) -> float:
    measure()  # fills the caches of files and byte code
    return median(measure() for _ in range(rounds))


def import_seconds() -> float:
    """Return what `python -X importtime` says `import clinspan` takes, everything below it included."""
    command = [sys.executable, "-X", "importtime", "-c", "import clinspan"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
    total = next(line for line in lines if line.split("|")[-1].strip() == "clinspan")
    return int(total.split("|")[1]) / 1e6


def first_entity_seconds(model: str) -> float:
    """Return the seconds from the start of a process to its first entity."""
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", _FIRST_ENTITY.format(model=model)], stdout=subprocess.PIPE) as child:
        line = child.stdout.readline() if child.stdout else b""
        seconds = time.perf_counter() - start
    if not line.strip():
        msg = f"{model} found no entity; the message above says why."
        raise SystemExit(msg)
    return seconds


def script_seconds(script: Path) -> float:
    """Return the seconds from the start of a process to the first table that a script prints."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "clinspan", "run", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        printed = any(line.startswith(b"+") for line in child.stdout or ())
        seconds = time.perf_counter() - start
    if not printed:
        msg = f"{script} printed no table; `clinspan run {script}` says why."
        raise SystemExit(msg)
    return seconds


def heavy_imports(model: str) -> list[str]:
    """Return the heavy modules that `import clinspan` and a first entity pull in."""
    code = f"{_FIRST_ENTITY.format(model=model)}import sys\nprint(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return sorted(HEAVY & set(found.split()))


def wheel_bytes() -> int:
    """Build the wheel and return its size."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--quiet", "--wheel-dir", folder]
        subprocess.run(command, check=True)
        return next(Path(folder).glob("*.whl")).stat().st_size


if __name__ == "__main__":
    typer.run(main)
