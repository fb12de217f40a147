"""A Hugging Face token classifier into a model folder.

A folder that has an ONNX graph is taken as it is and needs no PyTorch; safetensors are exported by the
`train` extra. Pickles are never opened, and code that comes with a model is never run.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from clinspan.exceptions import DamagedModelError, MissingExtraError, UnsupportedModelError
from clinspan.hub.importers.build import CONFIG, GRAPH, INPUTS, LOGITS, TOKENIZER, Parts, build_folder

SAFETENSORS: Final = "model.safetensors"
PICKLE: Final = "pytorch_model.bin"
WEIGHTS: Final = (GRAPH, f"onnx/{GRAPH}", SAFETENSORS)  # the first one that is there is taken
FILES: Final = (CONFIG, TOKENIZER, *WEIGHTS, PICKLE)
_LONGEST: Final = 512
_ROBERTA_OFFSET: Final = 2  # positions up to its padding id are not used


@dataclass(frozen=True)
class Family:
    """What sets a family of encoders apart.

    Attributes:
        model_type: its name in config.json.
        token_types: whether its graph reads `token_type_ids`.
        after_padding: whether positions are counted from one past the padding id, as RoBERTa does.
    """

    model_type: str
    token_types: bool = False
    after_padding: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """What a graph exported for this family reads."""
        return INPUTS if self.token_types else INPUTS[:2]


FAMILIES: Final[Mapping[str, Family]] = {
    family.model_type: family
    for family in (
        Family("albert", token_types=True),
        Family("bert", token_types=True),
        Family("camembert", after_padding=True),
        Family("convbert", token_types=True),
        Family("deberta"),
        Family("deberta-v2"),
        Family("distilbert"),
        Family("electra", token_types=True),
        Family("ernie", token_types=True),
        Family("modernbert"),
        Family("mpnet", after_padding=True),
        Family("rembert", token_types=True),
        Family("roberta", after_padding=True),
        Family("xlm-roberta", after_padding=True),
    )
}


@dataclass(frozen=True)
class Classifier:
    """What config.json says of a token classifier.

    Attributes:
        family: of the encoder, None for one that is not in the table.
        model_type: its name in config.json.
        tags: the tag of each column of the logits.
        max_length: longest sequence in sub-words, special ones included.
    """

    family: Family | None
    model_type: str
    tags: tuple[str, ...]
    max_length: int

    @classmethod
    def read(cls, folder: Path) -> Classifier:
        """Read config.json.

        Raises:
            DamagedModelError: if it is not JSON.
            UnsupportedModelError: if it does not describe a token classifier.
        """
        try:
            config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            model_type = str(config.get("model_type", ""))
        except (ValueError, AttributeError):
            msg = f"{CONFIG} in {folder} is damaged; download the model again."
            raise DamagedModelError(msg) from None
        tags = _tags(config.get("id2label"), folder)
        return cls(FAMILIES.get(model_type), model_type, tags, longest_sequence(config))


def _tags(labels: Any, folder: Path) -> tuple[str, ...]:
    numbers = range(len(labels)) if isinstance(labels, Mapping) else range(0)
    if not numbers or {str(i) for i in numbers} != set(labels):
        msg = (
            f"{CONFIG} in {folder} has no id2label that numbers its tags from 0; "
            "only token classifiers can be imported."
        )
        raise UnsupportedModelError(msg)
    return tuple(str(labels[str(i)]) for i in numbers)


def longest_sequence(config: Mapping[str, Any]) -> int:
    """Return how many sub-words fit, special ones included."""
    positions = config.get("max_position_embeddings")
    if not isinstance(positions, int) or positions <= _ROBERTA_OFFSET:
        return _LONGEST
    family = FAMILIES.get(config.get("model_type", ""))
    if family is None:
        positions -= _ROBERTA_OFFSET  # it may be an heir of RoBERTa
    elif family.after_padding:
        padding = config.get("pad_token_id")
        positions -= _ROBERTA_OFFSET if padding is None else padding + 1
    return min(_LONGEST, positions)


def import_folder(
    source: Path,
    *,
    name: str,
    target: Path | None = None,
    languages: Sequence[str] = (),
    unit: str | None = None,
    licence: str = "",
    version: str = "1",
    int8: bool = True,
) -> Path:
    """Turn a Hugging Face token-classification folder into a model folder.

    The folder appears under its name only when it is complete, and replaces an earlier import.

    Args:
        source: folder with config.json (with id2label), tokenizer.json, and model.onnx, onnx/model.onnx or
            model.safetensors.
        name: what to load the model by, such as `mine/drugs`.
        target: folder to write; by default under `CLINSPAN_HOME`, called after the name.
        languages: ISO 639-1 codes of the languages it reads.
        unit: what it was trained to tag: `word` (the default) or `token`, parted by white space.
        licence: SPDX identifier of the weights' licence.
        version: of the weights.
        int8: quantize safetensors; a graph is taken as it is.

    Returns:
        The model folder.

    Raises:
        InputError: if the name or the unit is none, or the name is that of a bundled model.
        UnsupportedModelError: if the folder holds no token classifier that can be run.
        DamagedModelError: if a file cannot be read.
        MissingExtraError: if safetensors are to be exported without the `train` extra.
        OutputError: if the target cannot be written, or is anything but an earlier import of that name.
    """
    weights = choose_weights([file for file in FILES if (source / file).is_file()], str(source))
    classifier = Classifier.read(source)
    _check_tokenizer(source)

    def fill(folder: Path) -> None:
        for file in (CONFIG, TOKENIZER):
            shutil.copyfile(source / file, folder / file)
        _write_graph(source / weights, folder, classifier, int8=int8)

    parts = Parts(classifier.model_type, classifier.tags, (classifier.max_length,), source / weights, fill)
    return build_folder(
        parts, name=name, target=target, languages=languages, unit=unit, licence=licence, version=version
    )


def choose_weights(names: Collection[str], where: str) -> str:
    """Choose which weights of a model to take.

    Args:
        names: the files there are, as paths within the model.
        where: the model, for messages.

    Raises:
        UnsupportedModelError: if a file is lacking, with what to do about it.
    """
    if CONFIG not in names:
        msg = f"{where} has no {CONFIG}; name a Hugging Face token-classification model."
    elif TOKENIZER not in names:
        msg = (
            f"{where} has no {TOKENIZER}; write one with transformers: "
            "AutoTokenizer.from_pretrained(folder).save_pretrained(folder)."
        )
    elif weights := [file for file in WEIGHTS if file in names]:
        return weights[0]
    elif PICKLE in names:
        msg = (
            f"{where} has its weights as a pickle ({PICKLE}), which can run code when it is opened; if you trust "
            "it, convert it to safetensors with transformers: "
            "AutoModelForTokenClassification.from_pretrained(folder).save_pretrained(folder)."
        )
    else:
        msg = f"{where} has no weights; one of {', '.join(WEIGHTS)} is needed."
    raise UnsupportedModelError(msg)


def _check_tokenizer(source: Path) -> None:
    from clinspan.inference.tokenizer import SubwordTokenizer

    SubwordTokenizer.open(source / TOKENIZER)


def _write_graph(weights: Path, folder: Path, classifier: Classifier, *, int8: bool) -> None:
    if weights.name == SAFETENSORS:
        _convert(weights.parent, folder / GRAPH, classifier, int8=int8)
        return
    for part in (weights, *weights.parent.glob(f"{GRAPH}[._]data*")):  # weights beyond 2 GB lie beside the graph
        shutil.copyfile(part, folder / part.name)


def _convert(source: Path, graph: Path, classifier: Classifier, *, int8: bool) -> None:
    if classifier.family is None:
        msg = (
            f"No export for {classifier.model_type!r} ({source}); known: {', '.join(FAMILIES)}. "
            f"Put a {GRAPH} exported by other means into the folder."
        )
        raise UnsupportedModelError(msg)
    lengths = (2, min(23, classifier.max_length), classifier.max_length)
    convert = load_converter()
    convert(source, graph, inputs=classifier.family.inputs, output=LOGITS, lengths=lengths, int8=int8)


def load_converter() -> Callable[..., None]:
    """Return `clinspan.training.convert.convert`, which turns safetensors into a graph.

    Raises:
        MissingExtraError: if the `train` extra is not installed.
    """
    try:
        from clinspan.training.convert import convert
    except ModuleNotFoundError as error:
        raise MissingExtraError.from_extra("train", f"Importing {SAFETENSORS}") from error
    return convert
