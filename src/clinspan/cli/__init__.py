"""The command line: one module per command.

Exit codes: 0 all went well; 1 one or more notes could not be annotated, the others were; 2 stopped by an error (wrong
arguments, input, model or output, or a defect).
"""

from __future__ import annotations

import sys
import traceback
from typing import Annotated

import typer

from clinspan import __version__
from clinspan.cli import annotate, demo, doctor, evaluate, import_model, models, run_script, train
from clinspan.cli.console import abandon_output, fail
from clinspan.exceptions import ClinspanError

_typer = typer.Typer(
    name="clinspan",
    help="Clinical entities from medical notes in English, Spanish, Italian and Dutch.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"clinspan {__version__}")
        raise typer.Exit


@_typer.callback()
def _main(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Clinical entities from medical notes in English, Spanish, Italian and Dutch."""


_typer.command("annotate", epilog=annotate.EXAMPLES)(annotate.annotate)
_typer.command("demo")(demo.demo)
_typer.command("doctor", epilog=doctor.EXAMPLES)(doctor.doctor)
_typer.add_typer(models.app, name="models")
_typer.command("evaluate", epilog=evaluate.EXAMPLES)(evaluate.evaluate)
_typer.command("import", epilog=import_model.EXAMPLES)(import_model.import_model)
_typer.command("run", epilog=run_script.EXAMPLES, context_settings=run_script.SETTINGS)(run_script.run)
_typer.command("train", epilog=train.EXAMPLES)(train.train)


def app() -> None:
    """Run the command line; an expected error is one line on standard error and exit code 2."""
    try:
        _typer()
    except ClinspanError as error:
        fail(str(error))
    except OSError as error:  # a full disk under standard output, or a file that cannot be written
        abandon_output()
        where = f"{error.filename}: " if error.filename else ""
        fail(f"{where}{error.strerror or type(error).__name__}")
    except Exception:  # noqa: BLE001 - a defect; the interpreter's own 1 would mean that the notes were done
        traceback.print_exc()
        sys.exit(2)
