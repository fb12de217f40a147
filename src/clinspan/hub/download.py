"""Token classifiers from the Hugging Face hub by name: over plain HTTPS, pinned to a commit, cached.

Nothing here runs unless a model is asked for as `hf:owner/name`. Environment: `HF_ENDPOINT`, `HF_TOKEN`,
and `HF_HUB_OFFLINE` or `CLINSPAN_OFFLINE`.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from ssl import SSLError
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from clinspan.exceptions import DamagedModelError, InputError, ModelNotFoundError, OutputError
from clinspan.hub.answers import open_answer
from clinspan.hub.importers.build import CONFIG, TOKENIZER
from clinspan.hub.importers.hugging_face import (
    SAFETENSORS,
    Classifier,
    choose_weights,
    import_folder,
    load_converter,
)
from clinspan.hub.manifest import MANIFEST
from clinspan.hub.resolve import HUB_PREFIX, home

DEFAULT_ENDPOINT: Final = "https://huggingface.co"
DEFAULT_REVISION: Final = "main"
_PART: Final = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_REFERENCE: Final = re.compile(rf"({_PART})/({_PART})(?:@({_PART}(?:/{_PART})*))?")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_NETWORK_ERRORS: Final = (ConnectionError, TimeoutError, URLError, HTTPException, SSLError)
_TRUE: Final = frozenset({"1", "on", "yes", "true"})


@dataclass(frozen=True)
class Reference:
    """A model on the hub: who owns it, its name, and the revision wanted."""

    owner: str
    name: str
    revision: str = DEFAULT_REVISION

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read `owner/name` or `owner/name@revision`.

        Raises:
            ModelNotFoundError: if it is neither.
        """
        match = _REFERENCE.fullmatch(text)
        if match is None:
            msg = f"{text!r} is no model on the hub; write {HUB_PREFIX}owner/name or {HUB_PREFIX}owner/name@revision."
            raise ModelNotFoundError(msg)
        return cls(match[1], match[2], match[3] or DEFAULT_REVISION)

    def __str__(self) -> str:
        return f"{HUB_PREFIX}{self.owner}/{self.name}@{self.revision}"

    @property
    def pinned(self) -> bool:
        """Whether the revision is a commit."""
        return _COMMIT.fullmatch(self.revision) is not None

    @property
    def commit(self) -> str | None:
        """The commit it is pinned to, or was found at before; None if that is not known."""
        if self.pinned:
            return self.revision
        found = self._pin.read_text(encoding="utf-8") if self._pin.is_file() else ""
        return found if _COMMIT.fullmatch(found) else None

    def pin(self, commit: str) -> None:
        """Remember the commit, so that the same name goes on meaning the same model."""
        if not self.pinned:
            self._pin.parent.mkdir(parents=True, exist_ok=True)
            self._pin.write_text(commit, encoding="utf-8")

    def folder(self, commit: str) -> Path:
        """Return where the model of a commit belongs."""
        return home() / "models" / f"{self.owner}--{self.name}@{commit}"

    @property
    def _pin(self) -> Path:
        return home() / "revisions" / f"{self.owner}--{self.name}" / quote(self.revision, safe="")


def fetch(reference: str) -> Path:
    """Return the model folder of a hub model, downloading and importing it if it is not there yet.

    A branch is looked up once: as long as the model then found is there, the branch's name stands for it. To move
    on, name another commit or delete the folder.

    Args:
        reference: `owner/name` or `owner/name@revision`; the revision is a commit, a branch or a tag.

    Raises:
        ModelNotFoundError: if the hub has no such model, cannot be reached, or must not be (offline).
        UnsupportedModelError: if it is no token classifier that can be imported.
        DamagedModelError: if a file does not arrive as it was sent.
        OutputError: if it cannot be stored.
        InputError: if the reference, or `HF_ENDPOINT`, is none.
        MissingExtraError: if importing it needs packages of the extra `train`.
    """
    wanted = Reference.parse(reference)
    commit = wanted.commit
    if commit and (wanted.folder(commit) / MANIFEST).is_file():
        return wanted.folder(commit)
    _refuse_offline(wanted)
    try:
        return _Hub.from_environment().download(wanted)
    except _NETWORK_ERRORS as error:
        raise _unreachable(wanted, error) from error
    except OutputError:
        raise
    except OSError as error:
        msg = f"{wanted} could not be stored in {home()}: {error}."
        raise OutputError(msg) from error


def _refuse_offline(wanted: Reference) -> None:
    for name in ("CLINSPAN_OFFLINE", "HF_HUB_OFFLINE"):
        if os.environ.get(name, "").lower() in _TRUE:
            msg = (
                f"{wanted} is not in {home()} and {name} forbids downloads; unset it, or copy the model's folder "
                "here and use `clinspan import FOLDER`."
            )
            raise ModelNotFoundError(msg)


def _unreachable(wanted: Reference, error: Exception) -> ModelNotFoundError:
    if isinstance(error, HTTPError) and error.code in (401, 403, 404):
        msg = f"The hub has no {wanted} (status {error.code}); check the name, and set HF_TOKEN if it is private."
    else:
        msg = f"{wanted} could not be downloaded ({error}); try again, or set HF_ENDPOINT to a mirror."
    return ModelNotFoundError(msg)


@dataclass(frozen=True)
class _Hub:
    """A hub and the right to read from it."""

    endpoint: str
    token: str | None

    @classmethod
    def from_environment(cls) -> _Hub:
        """Read the address and the token.

        Raises:
            InputError: if the address is none.
        """
        endpoint = os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            msg = f"HF_ENDPOINT is {endpoint!r}; it must be an http:// or https:// address."
            raise InputError(msg)
        return cls(endpoint.rstrip("/"), os.environ.get("HF_TOKEN", "").strip() or None)

    def download(self, wanted: Reference) -> Path:
        """Download the files of a model and import them."""
        about = self._describe(wanted)
        names = [sibling["rfilename"] for sibling in about["siblings"]]
        weights = choose_weights(names, str(wanted))
        if weights == SAFETENSORS:
            load_converter()  # rather now than after a long download
        target = wanted.folder(about["sha"])
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as temporary:
            folder = Path(temporary)
            self._save_all(wanted, about["sha"], [CONFIG, TOKENIZER], folder)
            Classifier.read(folder)
            self._save_all(wanted, about["sha"], [weights, *_external_data(weights, names)], folder)
            _import(wanted, about, folder, target)
        wanted.pin(about["sha"])
        return target

    def _describe(self, wanted: Reference) -> Mapping[str, Any]:
        """Ask which commit the revision is and which files it has."""
        path = f"api/models/{wanted.owner}/{wanted.name}/revision/{quote(wanted.revision, safe='')}"
        with open_answer(self.endpoint, path, self.token).response as response:
            raw = response.read()
        try:
            about: Mapping[str, Any] = json.loads(raw)
            valid = _COMMIT.fullmatch(about["sha"]) and all(isinstance(s["rfilename"], str) for s in about["siblings"])
        except (ValueError, KeyError, TypeError):
            valid = None
        if not valid or (wanted.pinned and about["sha"] != wanted.revision):
            msg = f"{self.endpoint} does not answer like a Hugging Face hub about {wanted}; check HF_ENDPOINT."
            raise ModelNotFoundError(msg)
        return about

    def _save_all(self, wanted: Reference, commit: str, files: Sequence[str], folder: Path) -> None:
        with _progress() as progress:
            for file in files:
                answer = open_answer(
                    self.endpoint, f"{wanted.owner}/{wanted.name}/resolve/{commit}/{quote(file)}", self.token
                )
                (folder / file).parent.mkdir(exist_ok=True)
                if not answer.save(folder / file, progress):
                    msg = f"{file} of {wanted} did not arrive as it was sent (size or checksum differs); try again."
                    raise DamagedModelError(msg)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)


def _external_data(weights: str, names: Sequence[str]) -> list[str]:
    """Return the files with weights that did not fit into the graph."""
    return [name for name in names if re.fullmatch(rf"{re.escape(weights)}[._]data\w*", name)]


def _import(wanted: Reference, about: Mapping[str, Any], folder: Path, target: Path) -> None:
    card = about.get("cardData")
    card = card if isinstance(card, Mapping) else {}
    import_folder(
        folder,
        name=f"{wanted.owner}/{wanted.name}",
        target=target,
        languages=_strings(card.get("language")),
        licence=", ".join(_strings(card.get("license"))),
        version=about["sha"],
    )


def _strings(value: object) -> list[str]:
    """Return what a card may give as one word or as a list of them."""
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, str)]
