"""Opened models: found by name, verified, loaded once, ready to use."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeVar

from clinspan.exceptions import DamagedModelError, UnsupportedModelError
from clinspan.hub.manifest import BILSTM, SENTENCE_CNN, WORD_VECTORS, Head, Manifest
from clinspan.hub.resolve import ResolvedHead, resolve
from clinspan.inference.bilstm import BiLstm
from clinspan.inference.boundaries import BoundaryModel
from clinspan.inference.cache import DEFAULT_BYTES, WindowCache
from clinspan.inference.tagger import Tagger
from clinspan.inference.vectors import VECTORS_FILE, WordVectors


@dataclass(frozen=True)
class OpenedModel:
    """A head of a model folder, loaded.

    Attributes:
        folder: where the model lies.
        manifest: what it is.
        head: the head wanted.
    """

    folder: Path
    manifest: Manifest
    head: Head


@dataclass(frozen=True)
class HeadModel(OpenedModel):
    """A head of a transformer; `tagger` computes it and is shared by all heads of the folder."""

    tagger: Tagger = field(compare=False, repr=False)


@dataclass(frozen=True)
class VectorModel(OpenedModel):
    """Word vectors."""

    vectors: WordVectors = field(compare=False, repr=False)

    @property
    def reference(self) -> str:
        """Name and checksum; columns of the vectors carry it, and so do taggers that were trained with them."""
        sha256 = next(file.sha256 for file in self.manifest.files if file.path == VECTORS_FILE)
        return f"{self.head.name}@{sha256}"


@dataclass(frozen=True)
class BiLstmModel(OpenedModel):
    """A BiLSTM tagger; the manifest names the word vectors it reads."""

    network: BiLstm = field(compare=False, repr=False)

    @property
    def reads(self) -> str:
        """The `reference` of the word vectors it was trained with."""
        return f"{self.manifest.vectors}@{self.manifest.vectors_sha256}"


@dataclass(frozen=True)
class SentenceModel(OpenedModel):
    """A model of sentence boundaries."""

    network: BoundaryModel = field(compare=False, repr=False)


Kind = TypeVar("Kind", bound=OpenedModel)


def open_model(name: str, *, language: str | None = None, cache_bytes: int = DEFAULT_BYTES) -> OpenedModel:
    """Find a model of any kind by name, check its files and load it; one that is open already is shared.

    Args:
        name: short name, alias or folder.
        language: ISO 639-1 code, where an alias exists in several.
        cache_bytes: bound of the cache of a transformer's window results; 0 switches it off.

    Raises:
        ModelNotFoundError: if nothing has that name.
        DamagedModelError: if a file differs from its checksum.
        UnsupportedModelError: if a folder is that of no model, or of one that this version cannot run.
    """
    found = resolve(name, language=language)
    place = (found.folder, found.manifest, found.head)
    if found.manifest.architecture == WORD_VECTORS:
        return VectorModel(*place, _open_vectors(found.folder, found.manifest.files))
    if found.manifest.architecture == BILSTM:
        return BiLstmModel(*place, _open_bilstm(found.folder, found.manifest.files, found.head.output))
    if found.manifest.architecture == SENTENCE_CNN:
        return SentenceModel(*place, _open_sentences(found.folder, found.manifest.files))
    tagger = _open_tagger(found.folder, found.manifest.files, cache_bytes)
    _check_head(found, tagger)
    return HeadModel(*place, tagger)


def open_head(name: str, *, language: str | None = None, cache_bytes: int = DEFAULT_BYTES) -> HeadModel:
    """Open a head of a transformer, for `TokenClassifier`; otherwise like `open_model`.

    Raises:
        UnsupportedModelError: if the name is that of another kind of model.
    """
    return _of_kind(open_model(name, language=language, cache_bytes=cache_bytes), HeadModel)


def open_vectors(name: str, *, language: str | None = None) -> VectorModel:
    """Open word vectors, for `WordEmbeddings`; otherwise like `open_model`.

    Raises:
        UnsupportedModelError: if the name is that of another kind of model.
    """
    return _of_kind(open_model(name, language=language), VectorModel)


def open_bilstm(name: str, *, language: str | None = None) -> BiLstmModel:
    """Open a BiLSTM tagger, for `BiLstmTagger`; otherwise like `open_model`.

    Raises:
        UnsupportedModelError: if the name is that of another kind of model.
    """
    return _of_kind(open_model(name, language=language), BiLstmModel)


def open_sentences(name: str, *, language: str | None = None) -> SentenceModel:
    """Open a sentence model, for `SentenceDetectorDL`; otherwise like `open_model`.

    Raises:
        UnsupportedModelError: if the name is that of another kind of model.
    """
    return _of_kind(open_model(name, language=language), SentenceModel)


def vectors_of(model: BiLstmModel) -> VectorModel:
    """Open the word vectors that a BiLSTM tagger was trained with.

    Raises:
        ModelNotFoundError: if they are not installed.
        UnsupportedModelError: if those of that name are others.
    """
    found = open_vectors(model.manifest.vectors)
    if model.manifest.vectors_sha256 not in {file.sha256 for file in found.manifest.files}:
        msg = f"{model.head.name} was trained with other word vectors than the {found.head.name} that is installed."
        raise UnsupportedModelError(msg)
    return found


def _of_kind(model: OpenedModel, kind: type[Kind]) -> Kind:
    if isinstance(model, kind):
        return model
    use = _OPENERS[type(model)]
    msg = f"{model.head.name} is of the kind {model.manifest.architecture!r}; open it with clinspan.{use}."
    raise UnsupportedModelError(msg)


_OPENERS: Final = {
    HeadModel: "open_head",
    VectorModel: "open_vectors",
    BiLstmModel: "open_bilstm",
    SentenceModel: "open_sentences",
}


def _check_head(found: ResolvedHead, tagger: Tagger) -> None:
    output, tags = found.head.output, len(found.head.tags)
    if output not in tagger.session.outputs:
        msg = f"The graph in {found.folder} has no output {output!r}; install or import it again."
        raise DamagedModelError(msg)
    if tagger.width(output) not in (None, tags):
        msg = f"The graph in {found.folder} does not give the {tags} tags of {output!r}; install or import it again."
        raise DamagedModelError(msg)


@lru_cache(maxsize=8)
def _open_tagger(folder: Path, _files: tuple[object, ...], cache_bytes: int) -> Tagger:
    manifest = _verified(folder)
    cache = WindowCache(cache_bytes) if cache_bytes else None
    return Tagger.open(folder, manifest, cache)


@lru_cache(maxsize=8)
def _open_vectors(folder: Path, _files: tuple[object, ...]) -> WordVectors:
    _verified(folder)
    return WordVectors.open(folder / VECTORS_FILE)


@lru_cache(maxsize=8)
def _open_bilstm(folder: Path, _files: tuple[object, ...], output: str) -> BiLstm:
    head = next(head for head in _verified(folder).heads if head.output == output)
    return BiLstm.open(folder, output, head.tags)


@lru_cache(maxsize=8)
def _open_sentences(folder: Path, _files: tuple[object, ...]) -> BoundaryModel:
    _verified(folder)
    return BoundaryModel.open(folder)


def _verified(folder: Path) -> Manifest:
    manifest = Manifest.read(folder)
    manifest.verify(folder)
    return manifest
