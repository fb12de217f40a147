"""Saving and loading stages: `metadata.json` and `stages/<i>_<name>/`, models by name or as a copy."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, Final

from clinspan.annotators.base import Annotator
from clinspan.exceptions import OutputError, UnsupportedModelError
from clinspan.folders import complete, vacant
from clinspan.hub.resolve import BUNDLED
from clinspan.inference.model import OpenedModel, open_model
from clinspan.registry import ANNOTATORS, annotator_class

_METADATA: Final = "metadata.json"
_PARTS: Final = frozenset({_METADATA, "stages", "metadata"})  # the last beside a stage of the Spark NLP face
_FORMAT: Final = 1
_TRANSIENT: Final = frozenset({"pool"})


def save_stages(stages: Sequence[Annotator], folder: Path) -> None:
    """Write stages; an index in a folder's name has as many digits as the number of stages.

    Raises:
        OutputError: if the folder holds anything but saved stages, which are replaced, or cannot be written.
    """
    if not (vacant(folder) or _holds_nothing_else(folder)):
        msg = f"{folder} exists and holds no saved pipeline; name another folder."
        raise OutputError(msg)
    width = len(str(len(stages)))
    names = [f"{i:0{width}d}_{stage.name}" for i, stage in enumerate(stages)]
    with complete(folder) as new:
        for name, stage in zip(names, stages, strict=True):
            _save_stage(stage, new / "stages" / name)
        _write_json(new / _METADATA, {"format": _FORMAT, "stages": names})


def _holds_nothing_else(folder: Path) -> bool:
    """Whether a folder holds saved stages and no other files, which would be lost."""
    return is_saved(folder) and {path.name for path in folder.iterdir()} <= _PARTS


def is_saved(folder: Path) -> bool:
    """Whether a folder has the metadata that `save_stages` wrote."""
    try:
        return bool(_read_json(folder, "stages"))
    except UnsupportedModelError:
        return False


def load_stages(folder: Path) -> list[Annotator]:
    """Read stages that `save_stages` wrote.

    Raises:
        UnsupportedModelError: if the folder is no saved pipeline.
    """
    metadata = _read_json(folder, "stages")
    return [_load_stage(folder / "stages" / Path(name).name) for name in metadata["stages"]]


def stages_to_json(stages: Sequence[Annotator]) -> str:
    """Return stages as text, for another process: models by name, or by the folder they lie in.

    The text differs if a model in a folder was replaced by another one.
    """
    return json.dumps([_described(stage, _reference) for stage in stages])


def stages_from_json(text: str) -> list[Annotator]:
    """Return the stages that `stages_to_json` described, models opened."""
    return [_built(described, None) for described in json.loads(text)]


def _described(stage: Annotator, refer: Callable[[OpenedModel], dict[str, Any]]) -> dict[str, Any]:
    params = {f.name: getattr(stage, f.name) for f in fields(stage) if f.name not in _TRANSIENT}
    for name, value in params.items():
        if isinstance(value, OpenedModel):
            params[name] = refer(value)
    return {"format": _FORMAT, "class": stage.name, "params": params}


def _reference(model: OpenedModel) -> dict[str, Any]:
    if model.folder.parent == BUNDLED:
        return {"name": model.head.name, "version": model.manifest.version}
    return {"folder": str(model.folder), "head": model.head.name, "files": _checksums(model)}


def _save_stage(stage: Annotator, folder: Path) -> None:
    _write_json(folder / _METADATA, _described(stage, partial(_save_model, folder=folder)))


def _save_model(model: OpenedModel, *, folder: Path) -> dict[str, Any]:
    """Refer to a bundled model by name; copy any other beside the stage."""
    if model.folder.parent == BUNDLED:
        return _reference(model)
    model.manifest.verify(model.folder)  # another model may lie there by now
    shutil.copytree(model.folder, folder / "model")
    return {"folder": "model", "head": model.head.name}


def _load_stage(folder: Path) -> Annotator:
    return _built(_read_json(folder, "class", "params"), folder)


def _built(described: dict[str, Any], folder: Path | None) -> Annotator:
    name, params = described["class"], described["params"]
    if name not in ANNOTATORS:
        msg = f"{folder or 'The plan'} holds an unknown annotator {name!r}."
        raise UnsupportedModelError(msg)
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in params.items()}
    if "model" in given:
        given["model"] = _load_model(given["model"], folder)
    try:
        return annotator_class(name)(**given)
    except TypeError:
        msg = f"{folder or 'The plan'} holds parameters that {name} does not have."
        raise UnsupportedModelError(msg) from None


def _load_model(reference: dict[str, Any], folder: Path | None) -> OpenedModel:
    """Open a bundled model by name; another one from beside the stage, whatever a saved pipeline says.

    Raises:
        UnsupportedModelError: if a plan (no `folder`) means another model than what is here.

    Warns:
        UserWarning: if a pipeline was saved with another version of a bundled model.
    """
    if "folder" in reference:
        place = Path(reference["folder"]) if folder is None else folder / "model"
        model = open_model(f"{place.resolve()}#{reference['head']}")
        if folder is None and reference["files"] != _checksums(model):
            msg = f"{place} does not hold the model that was opened from it; give each version a folder of its own."
            raise UnsupportedModelError(msg)
        return model
    model = open_model(reference["name"])
    known, here = reference.get("version"), model.manifest.version
    if known not in (None, here):
        msg = f"{reference['name']} is version {here} here, and was {known} where this pipeline was made"
        if folder is None:
            raise UnsupportedModelError(f"{msg}; install the same clinspan on all machines.")
        warnings.warn(f"{msg}; its results may differ.", stacklevel=2)
    return model


def _checksums(model: OpenedModel) -> dict[str, str]:
    return {file.path: file.sha256 for file in model.manifest.files}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _read_json(folder: Path, *keys: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((folder / _METADATA).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = {}
    if not isinstance(content, dict) or content.get("format") != _FORMAT or not set(keys) <= set(content):
        msg = f"{folder} is no saved pipeline (no readable {_METADATA})."
        raise UnsupportedModelError(msg)
    return content
