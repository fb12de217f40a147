"""An opened model: one head of a graph, ready to tag."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from clinspan.exceptions import DamagedModelError
from clinspan.hub.manifest import Head, Manifest
from clinspan.hub.resolve import ResolvedHead, resolve
from clinspan.inference.cache import DEFAULT_BYTES, WindowCache
from clinspan.inference.tagger import Tagger


@dataclass(frozen=True)
class HeadModel:
    """A head with the tagger that computes it.

    Attributes:
        folder: where the model lies.
        manifest: what it is.
        head: the head wanted.
        tagger: shared by all heads of the folder.
    """

    folder: Path
    manifest: Manifest
    head: Head
    tagger: Tagger = field(compare=False, repr=False)


def open_head(name: str, *, language: str | None = None, cache_bytes: int = DEFAULT_BYTES) -> HeadModel:
    """Find a model by name, check its files and load it; a model that is open already is shared.

    Args:
        name: short name, alias or folder.
        language: ISO 639-1 code, where an alias exists in several.
        cache_bytes: bound of the cache of window results; 0 switches it off.

    Raises:
        ModelNotFoundError: if nothing has that name.
        DamagedModelError: if a file differs from its checksum.
    """
    found = resolve(name, language=language)
    tagger = _open_tagger(found.folder, found.manifest.files, cache_bytes)
    _check_head(found, tagger)
    return HeadModel(found.folder, found.manifest, found.head, tagger)


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
    manifest = Manifest.read(folder)
    manifest.verify(folder)
    cache = WindowCache(cache_bytes) if cache_bytes else None
    return Tagger.open(folder, manifest, cache)
