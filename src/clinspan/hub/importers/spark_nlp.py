"""A token classifier that Spark NLP reads or saved into a model folder, without Java.

Three forms are read: a folder for `loadSavedModel` (`model.onnx` and `assets/`), the folder of a saved annotator
(`metadata/`, `fields/` and the weights), and an archive of either. All of it is taken for hostile.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from clinspan.exceptions import DamagedModelError, UnsupportedModelError
from clinspan.hub.importers.archives import Archive
from clinspan.hub.importers.build import CONFIG, GRAPH, TOKENIZER, Parts, build_folder
from clinspan.hub.importers.untrusted import own_file, read_table, unpack, unpack_only_file
from clinspan.hub.importers.vocabulary import (
    is_cased,
    merges_of,
    merges_of_lines,
    read_lines,
    read_map,
    tags_of,
    tokenizer_of,
    vocabulary_of,
)

ASSETS: Final = "assets"
METADATA: Final = "metadata"
FIELDS: Final = "fields"
ZIP: Final = ".zip"
BERT, DISTILBERT, ROBERTA = "bert", "distilbert", "roberta"
CLASSES: Final[Mapping[str, str]] = {  # the family of each class that can be read
    "BertForTokenClassification": BERT,
    "MedicalBertForTokenClassification": BERT,
    "MedicalBertForTokenClassifier": BERT,
    "DistilBertForTokenClassification": DISTILBERT,
    "RoBertaForTokenClassification": ROBERTA,
}
_LENGTHS: Final = (512, 256, 128, 64)  # the folder does not tell the longest sequence; the graph is tried
_LONGEST: Final = _LENGTHS[0]
_PARAMS: Final[Mapping[str, Callable[[Any], bool]]] = {  # those that are kept, and what they may be
    "inputCols": lambda value: type(value) is list and [type(name) for name in value] == [str, str],
    "outputCol": lambda value: type(value) is str,
    "batchSize": lambda value: type(value) is int,
    "maxSentenceLength": lambda value: type(value) is int and 1 <= value <= _LONGEST,
    "caseSensitive": lambda value: type(value) is bool,
}
_SHOWN: Final = 60  # characters of an unknown class's name
_NOT_IN_NAMES: Final = re.compile(r"[^\w.@+-]+", re.ASCII)
_WAY_OUT: Final = "bring its Hugging Face original in with `clinspan import`, or export that to ONNX"


@dataclass(frozen=True)
class SavedClassifier:
    """A token classifier of Spark NLP.

    Attributes:
        family: of the encoder.
        tags: the tag of each column of the logits.
        tokenizer: cuts text into sub-words.
        cased: whether capital letters make a difference.
        graph: the file with the graph, packed or not.
        write_graph: writes it, unpacked, and what lies beside it into a folder.
        params: parameters it was saved with, by their names in Spark NLP.
        name: what its archive or folder calls it.
        languages: as its archive has them.
        version: when it was saved, in milliseconds; "1" if that is not known.
    """

    family: str
    tags: tuple[str, ...]
    tokenizer: Any
    cased: bool
    graph: Path
    write_graph: Callable[[Path], None]
    params: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    languages: tuple[str, ...] = ()
    version: str = "1"

    def write(
        self,
        *,
        name: str | None = None,
        target: Path | None = None,
        languages: Sequence[str] = (),
        unit: str | None = None,
        licence: str = "",
    ) -> Path:
        """Write a model folder, as `build_folder` does; name and languages are its own by default."""
        parts = Parts(self.family, self.tags, _LENGTHS, self.graph, self._fill, self.cased)
        return build_folder(
            parts,
            name=name or self.name,
            target=target,
            languages=languages or self.languages,
            unit=unit,
            licence=licence,
            version=self.version,
        )

    def _fill(self, folder: Path) -> None:
        config = {"model_type": self.family, "id2label": dict(enumerate(self.tags))}
        (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
        self.tokenizer.save(str(folder / TOKENIZER))
        self.write_graph(folder)


def is_spark_nlp(path: Path) -> bool:
    """Whether it looks like one of the three forms."""
    if path.is_file():
        return path.suffix == ZIP
    return not (path / CONFIG).exists() and any((path / name).is_dir() for name in (METADATA, ASSETS))


@contextmanager
def opened(path: Path) -> Iterator[SavedClassifier]:
    """Read any of the three forms; an archive is unpacked for as long as the classifier is in use.

    Raises:
        DamagedModelError: if a file is absent, cut short or malformed.
        UnsupportedModelError: if it is no token classifier that can be read, or not safe to read.
    """
    with tempfile.TemporaryDirectory(prefix="clinspan-") as temporary:
        folder = path
        if path.is_file():
            unpack(path, Path(temporary))
            folder = _root(Path(temporary))
        yield _named(_read(folder), path)


def _read(folder: Path) -> SavedClassifier:
    if (folder / METADATA).is_dir():
        return _read_annotator(folder)
    if (folder / ASSETS).is_dir():
        return _read_exported(folder)
    msg = (
        f"{folder} has neither {METADATA} nor {ASSETS}; name a folder that Spark NLP saved, or loads as a saved model."
    )
    raise UnsupportedModelError(msg)


def _root(folder: Path) -> Path:
    """Return the folder itself, or the only one in it."""
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _named(saved: SavedClassifier, path: Path) -> SavedClassifier:
    """Name it after its archive, or the folder that was one."""
    path = path.resolve()
    archive = Archive.from_path(path)
    if archive is None:
        return replace(saved, name=_NOT_IN_NAMES.sub("-", path.name.removesuffix(ZIP)).strip(".@+-") or "model")
    return replace(saved, name=archive.name, languages=(archive.language,), version=str(archive.time))


def _read_exported(folder: Path) -> SavedClassifier:
    """Read a folder for `loadSavedModel`."""
    if not (folder / GRAPH).exists() and (folder / "saved_model.pb").exists():
        raise _other_weights(folder / "saved_model.pb", "TensorFlow")
    if pieces := sorted((folder / ASSETS).glob("*.model")):
        raise _sentence_pieces(pieces[0])
    graph = own_file(folder, GRAPH)
    words, labels, pairs = (f"{ASSETS}/{name}.txt" for name in ("vocab", "labels", "merges"))
    vocabulary = vocabulary_of(_numbered(read_lines(folder, words)), folder / words)
    tags = tags_of(_numbered(read_lines(folder, labels)), folder / labels)
    merges = merges_of_lines(read_lines(folder, pairs)) if (folder / pairs).exists() else None
    cased = is_cased(vocabulary, merges)
    tokenizer = tokenizer_of(vocabulary, merges, cased=cased, where=folder / words)
    family = BERT if merges is None else ROBERTA
    beside = [path.name for path in folder.glob(f"{GRAPH}[._]data*")]
    return SavedClassifier(family, tags, tokenizer, cased, graph, partial(_copy, folder, [GRAPH, *beside]))


def _read_annotator(folder: Path) -> SavedClassifier:
    """Read the folder of a saved annotator."""
    about = _metadata(folder)
    family, params, graph = _family(about, folder), _params(about, folder), _weights(folder)
    words, labels, pairs = (f"{FIELDS}/{name}" for name in ("vocabulary", "labels", "merges"))
    vocabulary = vocabulary_of(read_map(folder, words), folder / words)
    tags = tags_of(read_map(folder, labels), folder / labels)
    merges = merges_of(read_map(folder, pairs), folder / pairs) if family == ROBERTA else None
    cased = params.get("caseSensitive", is_cased(vocabulary, merges))
    tokenizer = tokenizer_of(vocabulary, merges, cased=cased, where=folder / words)
    write_graph = partial(_unpack_graph, folder, graph)
    return SavedClassifier(family, tags, tokenizer, cased, graph, write_graph, params, version=_version(about))


def _numbered(lines: Sequence[str]) -> dict[str, int]:
    """Number lines; of equal ones the last counts, as in Spark NLP."""
    return {line: number for number, line in enumerate(lines)}


def _metadata(folder: Path) -> Mapping[str, Any]:
    file = f"{METADATA}/part-00000"
    try:
        about = json.loads(read_table(folder, file).decode("utf-8"))
        about.setdefault("defaultParamMap", {})
        known = [type(about[name]) for name in ("class", "paramMap", "defaultParamMap")] == [str, dict, dict]
    except (ValueError, KeyError, AttributeError, RecursionError):
        known = False
    if not known:
        msg = f"{folder / file} is damaged: it does not describe an annotator in one line of JSON."
        raise DamagedModelError(msg)
    return about


def _family(about: Mapping[str, Any], folder: Path) -> str:
    name = about["class"].rpartition(".")[2][:_SHOWN]
    if name not in CLASSES:
        known = ", ".join(CLASSES)
        msg = f"{folder} holds a {name!r}; these can be read: {known}. For another token classifier, {_WAY_OUT}."
        raise UnsupportedModelError(msg)
    return CLASSES[name]


def _params(about: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    given = {**about["defaultParamMap"], **about["paramMap"]}
    params = {name: given[name] for name in _PARAMS if name in given}
    if wrong := [name for name, value in params.items() if not _PARAMS[name](value)]:
        msg = f"{folder / METADATA} is damaged: {', '.join(wrong)} cannot be what it says."
        raise DamagedModelError(msg)
    return params


def _version(about: Mapping[str, Any]) -> str:
    saved = about.get("timestamp")
    return str(saved) if type(saved) is int else "1"


def _weights(folder: Path) -> Path:
    found = sorted(folder.glob("*_onnx"))
    if len(found) == 1:
        return own_file(folder, found[0].name)
    for engine in ("TensorFlow", "OpenVINO"):
        for other in folder.glob(f"*_{engine.lower()}"):
            raise _other_weights(other, engine)
    msg = f"{folder} has {len(found)} files called …_onnx; a saved token classifier has one."
    raise DamagedModelError(msg)


def _other_weights(path: Path, engine: str) -> UnsupportedModelError:
    return UnsupportedModelError(f"{path} holds weights for {engine}; only ONNX can be read. Instead, {_WAY_OUT}.")


def _sentence_pieces(path: Path) -> UnsupportedModelError:
    msg = f"{path} is a SentencePiece vocabulary, which cannot be read without more packages. Instead, {_WAY_OUT}."
    return UnsupportedModelError(msg)


def _copy(folder: Path, names: Sequence[str], target: Path) -> None:
    for name in names:
        shutil.copyfile(own_file(folder, name), target / name)


def _unpack_graph(folder: Path, graph: Path, target: Path) -> None:
    unpack_only_file(graph, target / GRAPH)
    _copy(folder, [path.name for path in folder.glob("*.onnx_data")], target)
