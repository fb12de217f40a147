"""Model folders made from the bundled one."""

import shutil
from dataclasses import replace
from pathlib import Path

from clinspan.hub.manifest import Manifest, ModelFile
from clinspan.hub.resolve import resolve

BASE = "en/anatomy"


def copied_model(folder: Path) -> Path:
    """The bundled model in a folder of its own."""
    shutil.copytree(resolve(BASE).folder, folder)
    return folder


def two_headed_model(folder: Path, *, outputs: bool = False) -> Path:
    """A model whose second head tags the same spans with other labels.

    Args:
        folder: where to write it.
        outputs: give the second head an output of its own in the graph, which needs the onnx package.
    """
    manifest = Manifest.read(copied_model(folder))
    first = next(head for head in manifest.heads if head.name == BASE)
    second = first.output
    if outputs:
        second = "other"
        _add_output(folder / "model.onnx", first.output, second)
    tags = tuple(tag if tag == "O" else f"{tag[:2]}Other_{tag[2:]}" for tag in first.tags)
    heads = (replace(first, name="toy/first", aliases=()), replace(first, name="toy/second", aliases=(), tags=tags))
    files = tuple(ModelFile.from_path(folder, file.path) for file in manifest.files)
    heads = (heads[0], replace(heads[1], output=second))
    replace(manifest, name="toy", heads=heads, files=files).write(folder)
    return folder


def _add_output(path: Path, output: str, name: str) -> None:
    import onnx

    model = onnx.load(path)
    (declared,) = [o for o in model.graph.output if o.name == output]
    added = model.graph.output.add()
    added.CopyFrom(declared)
    added.name = name
    model.graph.node.append(onnx.helper.make_node("Identity", [output], [name]))
    onnx.save(model, path)
