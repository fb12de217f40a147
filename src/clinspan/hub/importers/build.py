"""A model folder from the parts that an importer found: checked, complete or not there at all."""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from clinspan.exceptions import InputError, OutputError, UnsupportedModelError
from clinspan.folders import complete
from clinspan.hub.card import write_card
from clinspan.hub.manifest import UNITS, Head, Manifest, ModelFile, replaced
from clinspan.hub.resolve import BUNDLED, home, installed_heads

CONFIG: Final = "config.json"
TOKENIZER: Final = "tokenizer.json"
GRAPH: Final = "model.onnx"
INPUTS: Final = ("input_ids", "attention_mask", "token_type_ids")
LOGITS: Final = "logits"
_OVERLAP: Final = 64
_NAME: Final = re.compile(r"\w[\w.@+-]*(/\w[\w.@+-]*)*", re.ASCII)
_INT8_OPERATORS: Final = (b"DynamicQuantizeLinear", b"DequantizeLinear", b"MatMulInteger", b"MatMulNBits")


@dataclass(frozen=True)
class Parts:
    """What an importer found.

    Attributes:
        architecture: the family of the encoder.
        tags: the tag of each column of the logits.
        lengths: lengths of a sequence in sub-words, special ones included; the first that the graph runs on is
            taken as its longest.
        origin: the file that the graph comes from, for messages.
        fill: writes config.json, tokenizer.json and model.onnx into a folder.
        cased: whether capital letters make a difference; None if not known.
    """

    architecture: str
    tags: tuple[str, ...]
    lengths: tuple[int, ...]
    origin: Path
    fill: Callable[[Path], None]
    cased: bool | None = None


def build_folder(
    parts: Parts,
    *,
    name: str,
    target: Path | None = None,
    languages: Sequence[str] = (),
    unit: str | None = None,
    licence: str = "",
    version: str = "1",
) -> Path:
    """Write a model folder, which appears under its name only when it is complete.

    Args:
        parts: what to write.
        name: what to load the model by, such as `mine/drugs`.
        target: folder to write; by default under `CLINSPAN_HOME`, called after the name.
        languages: ISO 639-1 codes of the languages it reads.
        unit: what it was trained to tag: `word` (the default) or `token`, parted by white space.
        licence: SPDX identifier of the weights' licence.
        version: of the weights.

    Returns:
        The model folder.

    Raises:
        InputError: if the name or the unit is none, or the name is that of a bundled model.
        UnsupportedModelError: if the graph is not that of a token classifier with these tags.
        OutputError: if the target cannot be written, or is anything but an earlier import of that name.
    """
    _check_arguments(name, unit)
    if target is None:
        _check_not_bundled(name)
    target = target or home() / "models" / name.replace("/", "-")
    _check_target(target, name)
    with complete(target) as folder:
        parts.fill(folder)
        output, longest = _check_graph(folder / GRAPH, parts)
        manifest = Manifest(
            name=name,
            version=version,
            languages=tuple(languages),
            architecture=parts.architecture,
            unit=unit or UNITS[0],
            max_length=longest,
            overlap=min(_OVERLAP, longest // 4),
            precision=_precision(folder / GRAPH),
            licence=licence,
            heads=(Head(name=name, output=output, tags=parts.tags),),
            files=tuple(ModelFile.from_path(folder, path.name) for path in sorted(folder.iterdir())),
            cased=parts.cased,
        )
        manifest.write(folder)
        write_card(manifest, folder)
    return target


def _check_arguments(name: str, unit: str | None) -> None:
    if not _NAME.fullmatch(name):
        msg = f"{name!r} is no model name; use letters, digits, '.', '_', '-' and '/', such as 'mine/drugs'."
        raise InputError(msg)
    if unit not in (None, *UNITS):
        msg = f"No unit {unit!r}; a model tags {' or '.join(map(repr, UNITS))}."
        raise InputError(msg)


def _check_not_bundled(name: str) -> None:
    if any(name in found.head.names for found in installed_heads() if found.folder.parent == BUNDLED):
        msg = f"{name!r} is the name of a model that comes with clinspan; choose another one."
        raise InputError(msg)


def _check_target(target: Path, name: str) -> None:
    """Replace nothing but an earlier import of the same name."""
    other = replaced(target)
    if other and other.name != name:
        msg = f"{target} holds the model {other.name!r}; delete it or choose another name."
        raise OutputError(msg)


def _check_graph(graph: Path, parts: Parts) -> tuple[str, int]:
    """Run a graph on a short and on a long sequence; return the output with the logits and the longest length."""
    from clinspan.inference.session import OnnxSession

    try:
        session = OnnxSession.open(graph)
    except UnsupportedModelError as error:
        msg = f"{parts.origin} is no graph that ONNX Runtime can load."
        raise UnsupportedModelError(msg) from error.__cause__
    if unknown := set(session.inputs) - set(INPUTS):
        msg = f"{parts.origin} reads {', '.join(sorted(unknown))}; a token classifier reads {', '.join(INPUTS)}."
        raise UnsupportedModelError(msg)
    output = _output(session.outputs, parts.origin)
    _check_length(session, output, 3, parts)
    return output, _longest(session, output, parts)


def _longest(session: Any, output: str, parts: Parts) -> int:
    for length in parts.lengths[:-1]:
        with suppress(UnsupportedModelError):
            _check_length(session, output, length, parts)
            return length
    _check_length(session, output, parts.lengths[-1], parts)
    return parts.lengths[-1]


def _output(outputs: Sequence[str], origin: Path) -> str:
    if LOGITS in outputs:
        return LOGITS
    if len(outputs) > 1:
        msg = f"{origin} has the outputs {', '.join(outputs)}, and none is called {LOGITS}."
        raise UnsupportedModelError(msg)
    return outputs[0]


def _check_length(session: Any, output: str, length: int, parts: Parts) -> None:
    try:
        found = session.run(np.full(length, 2, np.int64), [output])[output].shape
    except Exception as error:  # the runtime's errors share no public base
        msg = f"{parts.origin} does not run on input_ids of shape [1, {length}]; export it with free axes."
        raise UnsupportedModelError(msg) from error
    if found != (length, len(parts.tags)):
        msg = f"{parts.origin} gives {output} of shape {list(found)} for {length} sub-words and {len(parts.tags)} tags."
        raise UnsupportedModelError(msg)


def _precision(graph: Path) -> str:
    """Tell `int8` from `fp32` by the operators a graph names."""
    with graph.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return "int8" if any(content.find(name) >= 0 for name in _INT8_OPERATORS) else "fp32"
