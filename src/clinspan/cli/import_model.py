"""`clinspan import`: bring in a Hugging Face token classifier."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clinspan.cli.console import OUT

EXAMPLES = """
[bold]Examples[/]

  clinspan import ./my-bert-ner --name mine/drugs --lang en

  clinspan import hf:owner/name@revision
"""


def import_model(
    source: Annotated[str, typer.Argument(help="A Hugging Face folder, or hf:owner/name[@revision] to download one.")],
    name: Annotated[
        str | None,
        typer.Option(help="Name to use it by; the folder's by default."),
    ] = None,
    lang: Annotated[
        list[str] | None,
        typer.Option(help="ISO 639-1 code of a language it reads; may be given more than once."),
    ] = None,
    unit: Annotated[
        str, typer.Option(help="What it was trained to tag: word, or whitespace-separated token.")
    ] = "word",
    licence: Annotated[str, typer.Option(help="SPDX identifier of the weights' licence.")] = "",
    int8: Annotated[bool, typer.Option(help="Quantize weights that come as safetensors.")] = True,
) -> None:
    """Bring a Hugging Face token classifier into the model directory.

    A folder with model.onnx is taken as it is; safetensors are exported, which needs the train extra. Weights in
    pickle files and remote code are refused.
    """
    from clinspan.hub.importers.hugging_face import import_folder
    from clinspan.hub.resolve import HUB_PREFIX, resolve

    if source.startswith(HUB_PREFIX):
        found = resolve(source)
        OUT.print(f"{found.head.name}  {found.folder}", soft_wrap=True)
        return
    folder = Path(source)
    called = name or folder.resolve().name
    target = import_folder(folder, name=called, languages=tuple(lang or ()), unit=unit, licence=licence, int8=int8)
    OUT.print(f"{called}  {target}", soft_wrap=True)
