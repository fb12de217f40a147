"""`clinspan import`: bring in a token classifier of Hugging Face or Spark NLP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clinspan.cli.console import OUT

_UNIT = "word"
EXAMPLES = """
[bold]Examples[/]

  clinspan import ./my-bert-ner --name mine/drugs --lang en

  clinspan import hf:owner/name@revision

  clinspan import ./bert_ner_en_5.1.1_3.0_1694000000000.zip --name mine/ner
"""


def import_model(
    source: Annotated[
        str,
        typer.Argument(
            help="A Hugging Face folder, or hf:owner/name\\[@revision] to download one; or a folder that Spark NLP "
            "saved or reads by loadSavedModel, or an archive of that."
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(help="Name to use it by; the folder's or the archive's by default."),
    ] = None,
    lang: Annotated[
        list[str] | None,
        typer.Option(help="ISO 639-1 code of a language it reads; may be given more than once."),
    ] = None,
    unit: Annotated[str, typer.Option(help="What it was trained to tag: word, or whitespace-separated token.")] = _UNIT,
    licence: Annotated[str, typer.Option(help="SPDX identifier of the weights' licence.")] = "",
    int8: Annotated[bool, typer.Option(help="Quantize weights that come as safetensors.")] = True,
) -> None:
    """Bring a token classifier of Hugging Face or Spark NLP into the model directory.

    A folder with model.onnx is taken as it is; safetensors are exported, which needs the train extra. Weights in
    pickle files and remote code are refused. Models of Spark NLP are read without Java. A model of the hub
    keeps its name there, owner/name, and its card says the rest: it takes no options.
    """
    from clinspan.hub.importers.hugging_face import import_folder
    from clinspan.hub.importers.spark_nlp import is_spark_nlp, opened
    from clinspan.hub.resolve import HUB_PREFIX

    if source.startswith(HUB_PREFIX):
        given = {"--name": name, "--lang": lang, "--unit": unit != _UNIT, "--licence": licence, "--no-int8": not int8}
        _from_hub(source, [option for option, value in given.items() if value])
        return
    folder = Path(source)
    languages = tuple(lang or ())
    if is_spark_nlp(folder):
        with opened(folder) as saved:
            called = name or saved.name
            target = saved.write(name=called, languages=languages, unit=unit, licence=licence)
    else:
        called = name or folder.resolve().name
        target = import_folder(folder, name=called, languages=languages, unit=unit, licence=licence, int8=int8)
    OUT.print(f"{called}  {target}", soft_wrap=True)


def _from_hub(source: str, given: list[str]) -> None:
    from clinspan.hub.resolve import resolve

    if given:
        message = (
            f"{', '.join(given)}: a model of the hub takes no options; for them, download it and import its folder"
        )
        raise typer.BadParameter(message)
    found = resolve(source)
    OUT.print(f"{found.head.name}  {found.folder}", soft_wrap=True)
