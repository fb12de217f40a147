"""From a name to a model folder: bundled, in the cache directory, a path, or asked for from the hub."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clinspan.exceptions import ModelError, ModelNotFoundError
from clinspan.hub.manifest import MANIFEST, Head, Manifest

BUNDLED: Final = Path(__file__).parents[1] / "models"
HUB_PREFIX: Final = "hf:"
MANY: Final = "xx"  # the language of models of many


@dataclass(frozen=True)
class ResolvedHead:
    """A head, its manifest, and where it lies."""

    folder: Path
    manifest: Manifest
    head: Head

    @property
    def languages(self) -> tuple[str, ...]:
        """The language its name begins with; where that is `xx`, all of the model."""
        language = self.head.name.partition("/")[0]
        known = self.manifest.languages
        return (language,) if language in known else known

    def answers(self, name: str, language: str | None) -> bool:
        """Whether it is meant by a name and a language; `xx` stands for any."""
        return name in self.head.names and language in (None, MANY, *self.languages)


def home() -> Path:
    """Return the directory of imported and downloaded models: `CLINSPAN_HOME`, or `~/.cache/clinspan`."""
    return Path(os.environ.get("CLINSPAN_HOME") or Path.home() / ".cache" / "clinspan")


def installed() -> Iterator[tuple[Path, Manifest]]:
    """Yield every bundled and cached model; a folder whose manifest cannot be read is passed over."""
    for root in (BUNDLED, home() / "models"):
        for folder in sorted(path.parent for path in root.glob(f"*/{MANIFEST}")):
            try:
                yield folder, Manifest.read(folder)
            except ModelError:
                continue


def installed_heads() -> list[ResolvedHead]:
    """Return every head of every installed model."""
    return [ResolvedHead(f, m, head) for f, m in installed() for head in m.heads]


def resolve(name: str, *, language: str | None = None) -> ResolvedHead:
    """Find a head by short name, alias, folder or `hf:owner/name`.

    Args:
        name: `en/anatomy`, a seed's name such as `bert_token_classifier_ner_anatomy_onnx`, a folder (with
            `#output` behind it if it has several heads), or `hf:owner/name[@revision]`.
        language: keep to models of this language.

    Raises:
        ModelNotFoundError: suggesting the nearest name, or naming the languages of a model that has that name.
        UnsupportedModelError: if a folder is that of no model.
        DamagedModelError: if its manifest cannot be read.
    """
    if name.startswith(HUB_PREFIX):
        from clinspan.hub.download import fetch

        return _in_folder(fetch(name.removeprefix(HUB_PREFIX)), None)
    path, output = _path_and_output(name)
    if _has_manifest(path) or path.is_absolute():
        return _in_folder(path, output)
    heads = installed_heads()
    for found in heads:
        if found.answers(name, language):
            return found
    if name and os.path.isdir(path):  # noqa: PTH112 - never an error, whatever the name
        return _in_folder(path, output)
    if others := {known for found in heads if name in found.head.names for known in found.languages}:
        raise ModelNotFoundError.from_language(name, str(language), sorted(others))
    raise ModelNotFoundError.from_name(name, [n for h in heads for n in h.head.names])


def _path_and_output(name: str) -> tuple[Path, str | None]:
    if "#" not in name or _has_manifest(Path(name)):
        return Path(name), None
    path, _, output = name.rpartition("#")
    return Path(path), output


def _has_manifest(folder: Path) -> bool:
    try:
        return (folder / MANIFEST).is_file()
    except OSError:  # such as that a file name is too long
        return False


def _in_folder(folder: Path, output: str | None) -> ResolvedHead:
    manifest = Manifest.read(folder)
    for head in manifest.heads:
        if output in (None, head.output, head.name):
            return ResolvedHead(folder.resolve(), manifest, head)
    raise ModelNotFoundError.from_name(f"{folder}#{output}", [f"{folder}#{h.output}" for h in manifest.heads])
