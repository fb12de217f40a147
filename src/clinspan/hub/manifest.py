"""The manifest of a model folder: what it is, what it tags, and the checksum of every file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from clinspan.corpora import Reading, Scheme
from clinspan.exceptions import DamagedModelError, ModelError, OutputError, UnsupportedModelError
from clinspan.folders import vacant
from clinspan.tagging import label_names

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
WORD_VECTORS: Final = "word-vectors"
BILSTM: Final = "bilstm-crf"
SENTENCE_CNN: Final = "sentence-cnn"
_LOADED: Final = {  # by architecture; any other is that of a transformer
    WORD_VECTORS: ("vectors.arrow",),
    BILSTM: ("model.onnx", "bilstm.json"),
    SENTENCE_CNN: ("model.onnx", "sentences.json"),
}
UNITS: Final = ("word", "token")  # what a model may tag
_TRANSFORMER: Final = ("model.onnx", "tokenizer.json")
_ANY: Final = {name for names in (_TRANSFORMER, *_LOADED.values()) for name in names}


@dataclass(frozen=True)
class ModelFile:
    """One file of a model folder; size in bytes."""

    path: str
    sha256: str
    size: int

    @classmethod
    def from_path(cls, folder: Path, path: str) -> ModelFile:
        """Measure a file."""
        return cls(path, _sha256(folder / path), (folder / path).stat().st_size)

    def verify(self, folder: Path) -> None:
        """Compare the file with its checksum.

        Raises:
            DamagedModelError: if it is absent or differs.
        """
        file = folder / self.path
        if not file.is_file():
            msg = f"{self.path} is missing from the model in {folder}; install or download the model again."
            raise DamagedModelError(msg)
        if file.stat().st_size != self.size or _sha256(file) != self.sha256:
            msg = f"{self.path} in {folder} is damaged (checksum differs); install or download the model again."
            raise DamagedModelError(msg)


@dataclass(frozen=True)
class Head:
    """One tag set of a graph.

    Attributes:
        name: short name, such as `en/anatomy`.
        output: name of the graph's output.
        tags: the tag of each column, in order.
        aliases: further names that resolve to this head.
        description: one line.
        training: the corpora it was trained on or measured with, each with name, licence and the entries of
            `Scheme` and `Reading`.
        scores: strict entity scores by data set and label, as measured on the shipped files.
        token_tables: the token-level table by data set, as `clinspan evaluate` prints it.
    """

    name: str
    output: str
    tags: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    description: str = ""
    training: tuple[Mapping[str, Any], ...] = ()
    scores: Mapping[str, Mapping[str, Mapping[str, float | None]]] = field(default_factory=dict)
    token_tables: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> list[str]:
        """The entity labels, without prefixes and fillers."""
        return label_names(self.tags)

    @property
    def names(self) -> tuple[str, ...]:
        """The short name and all aliases."""
        return (self.name, *self.aliases)

    def scheme(self, corpus: str) -> Scheme:
        """Return how a corpus reads in the labels of the head; as it stands, if the manifest does not name it."""
        return Scheme(**_part(self._entry(corpus), Scheme))

    def reading(self, corpus: str) -> Reading:
        """Return what the labels of a corpus show; as they stand, if the manifest does not name it."""
        return Reading(**_part(self._entry(corpus), Reading))

    def _entry(self, corpus: str) -> Mapping[str, Any]:
        """Return what the manifest says of a corpus; of several of one name, that of the head's language."""
        entries = [entry for entry in self.training if entry.get("name") == corpus]
        language = self.name.partition("/")[0]
        return next((entry for entry in entries if entry.get("language") == language), entries[0] if entries else {})


def _part(entry: Mapping[str, Any], kind: type[Scheme | Reading]) -> dict[str, Any]:
    return {field.name: entry[field.name] for field in fields(kind) if field.name in entry}


@dataclass(frozen=True)
class Manifest:
    """What a model folder holds.

    Attributes:
        name: name of the folder's model.
        version: of the weights.
        languages: ISO 639-1 codes of the languages it reads.
        architecture: the family, such as `bert`, or `word-vectors`, `bilstm-crf`,
            `sentence-cnn`.
        unit: what is tagged, `word` or `token`.
        max_length: longest sequence in sub-words, special ones included.
        overlap: fewest sub-words that neighbouring windows share.
        context: most sub-words in a passage of several sentences read together; 0: each sentence by itself.
        precision: `int8` or `fp32`.
        licence: SPDX identifier of the weights.
        heads: the tag sets, one per output of the graph.
        files: every file, with checksums.
        vectors: name of the word vectors that a BiLSTM tagger reads; "" for other architectures.
        vectors_sha256: checksum of their file.
        parameters: how many weights; 0 if not known.
        cased: whether capital letters make a difference; None if not known.
    """

    name: str
    version: str
    languages: tuple[str, ...]
    architecture: str
    unit: str
    max_length: int
    overlap: int
    precision: str
    licence: str
    heads: tuple[Head, ...]
    files: tuple[ModelFile, ...]
    context: int = 0
    vectors: str = ""
    vectors_sha256: str = ""
    parameters: int = 0
    cased: bool | None = None

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read `manifest.json`.

        Raises:
            UnsupportedModelError: if the folder has none that this version understands.
            DamagedModelError: if it cannot be read.
        """
        try:
            raw = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            msg = f"{folder} has no {MANIFEST}; bring a folder of Hugging Face or Spark NLP in with `clinspan import`."
            raise UnsupportedModelError(msg) from None
        except OSError as error:
            msg = f"{MANIFEST} in {folder} cannot be read: {error.strerror}; install or download the model again."
            raise DamagedModelError(msg) from None
        except (ValueError, RecursionError):
            msg = f"{MANIFEST} in {folder} is damaged; install or download the model again."
            raise DamagedModelError(msg) from None
        return cls.from_json(raw, folder)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], where: Path) -> Manifest:
        """Build a manifest from its JSON form.

        Raises:
            UnsupportedModelError: if this version does not understand it, or an entry is missing or wrong.
        """
        found = raw.get("format") if isinstance(raw, Mapping) else None
        if found != FORMAT:
            msg = f"The model in {where} has manifest format {found}; this version reads {FORMAT}."
            raise UnsupportedModelError(msg)
        try:
            fields = {k: v for k, v in raw.items() if k != "format"}
            fields["languages"] = tuple(raw["languages"])
            fields["heads"] = tuple(_head(h) for h in raw["heads"])
            fields["files"] = tuple(ModelFile(**f) for f in raw["files"])
            return cls(**fields)
        except (AttributeError, KeyError, TypeError) as error:
            msg = f"{MANIFEST} in {where} lacks or misnames an entry: {error}."
            raise UnsupportedModelError(msg) from None

    def write(self, folder: Path) -> None:
        """Write `manifest.json`."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False)
        (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")

    def verify(self, folder: Path) -> None:
        """Compare every file with its checksum, before anything is loaded.

        Raises:
            DamagedModelError: at the first file that is absent, differs, or has no checksum.
        """
        for name in sorted({*self.loaded} - {file.path for file in self.files}):
            msg = f"{MANIFEST} in {folder} has no checksum of {name}; install or download the model again."
            raise DamagedModelError(msg)
        for file in self.files:
            file.verify(folder)

    @property
    def loaded(self) -> tuple[str, ...]:
        """The files that are read when the model is opened."""
        return _LOADED.get(self.architecture, _TRANSFORMER)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def _head(raw: Mapping[str, Any]) -> Head:
    lists = {key: tuple(raw.get(key, ())) for key in ("tags", "aliases", "training")}
    return Head(**{**raw, **lists})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def replaced(target: Path) -> Manifest | None:
    """Return the manifest of the model that a new one in that folder would replace.

    Returns:
        None if there is nothing, an empty folder, or a model that is damaged.

    Raises:
        OutputError: if anything else is there, which would be lost.
    """
    if vacant(target):
        return None
    try:
        return Manifest.read(target)
    except ModelError as error:
        if isinstance(error, DamagedModelError) and any((target / name).is_file() for name in _ANY):
            return None
        msg = f"{target} exists and is no model folder; name another one."
        raise OutputError(msg) from None
