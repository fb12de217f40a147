"""The house: who may import whom, what importing costs, and what the public face is."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import clinspan

SOURCE = Path(clinspan.__file__).parent

# Each room imports only from rooms before it. Where this differs from the list in design.md: `codepoints` is the
# arithmetic under `schema`; `corpora` is a room of its own that evaluation shares with training; `folders`, `rows`,
# `texts`, `persistence`, `long_table`, `document` and `recognizer` are small modules around the engines.
ROOMS = (
    "exceptions folders codepoints schema tagging corpora hub inference annotators long_table registry persistence "
    "rows texts frames engines pipeline document recognizer io evaluation training display examples compat cli"
).split()

# Imports of a later room that are allowed inside a function, and why.
LAZY = {
    ("hub", "inference"): "an imported folder is opened once, to see that it works",
    ("hub", "training"): "safetensors are exported to ONNX",
    ("document", "display"): "a document shows itself in a notebook",
}

HEAVY = ("fastapi", "onnxruntime", "pandas", "polars", "pyspark", "torch", "transformers")
PACKAGES = {  # where a library may be imported; everywhere else it may not
    "onnx": {"training", "hub"},
    "onnxruntime": {"inference", "training", "hub"},
    "pandas": set(),
    "polars": set(),
    "pysail": {"compat"},
    "pyspark": {"compat", "engines", "io"},
    "rich": {"display", "evaluation", "training", "cli", "hub"},
    "safetensors": {"training", "hub"},
    "tokenizers": {"inference", "training", "hub"},
    "torch": {"training"},
    "transformers": {"training", "hub"},
    "typer": {"cli"},
}

FILES = sorted(path for path in SOURCE.rglob("*.py") if path.name != "__main__.py" and path.parent != SOURCE / "models")
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())


def room_of(path):
    """The room that a file belongs to; None for the package itself."""
    name = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    return None if name == "__init__" else name


def imports(tree):
    """Every (module, whether inside a function)."""
    inner = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in inner) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [node.module] if node.module != "clinspan" else [f"clinspan.{alias.name}" for alias in node.names]
            yield from ((name, node in inner) for name in names)


def own_rooms(path):
    """Every (room imported, whether inside a function) of a file."""
    for module, lazy in imports(ast.parse(path.read_text(encoding="utf-8"))):
        first, _, rest = module.partition(".")
        if first == "clinspan" and (room := rest.split(".")[0]) in ROOMS:
            yield room, lazy


def test_every_room_is_in_the_list():
    assert {room for path in FILES if (room := room_of(path))} <= set(ROOMS)


@every_file
def test_rooms_import_from_the_rooms_before_them(path):
    room = room_of(path)
    if room is None:
        return
    for imported, lazy in own_rooms(path):
        allowed = ROOMS.index(imported) <= ROOMS.index(room) or (lazy and (room, imported) in LAZY)
        assert allowed, f"{room} imports {imported}"


@every_file
def test_libraries_are_imported_where_they_belong(path):
    for module, lazy in imports(ast.parse(path.read_text(encoding="utf-8"))):
        package = module.split(".")[0]
        if package in PACKAGES and not (lazy and package in ("pandas", "polars")):  # whoever has a frame has them
            assert room_of(path) in PACKAGES[package], f"{path.name} imports {package}"


def modules_after(code):
    """The modules loaded in a fresh interpreter once the code has run."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_is_light():
    loaded = modules_after("import clinspan; clinspan.__version__; dir(clinspan)")
    assert loaded.isdisjoint({*HEAVY, "numpy", "pyarrow", "rich", "tokenizers", "typer"})


def test_the_command_line_is_light_until_it_works():
    loaded = modules_after("import clinspan.cli")
    assert loaded.isdisjoint({*HEAVY, "numpy", "pyarrow", "tokenizers"})


def test_the_names_of_spark_nlp_need_no_library_of_training():
    assert modules_after("from clinspan import medical, nlp").isdisjoint(set(HEAVY) - {"onnxruntime", "pandas"})


def test_annotating_needs_no_library_of_frames_or_training():
    loaded = modules_after("import clinspan; clinspan.load('en/anatomy')('The kidney.')")
    assert loaded.isdisjoint(set(HEAVY) - {"onnxruntime", "pandas"})  # pyarrow itself imports pandas where it is


@pytest.mark.parametrize("name", clinspan.__all__)
def test_public_names_resolve_and_are_documented(name):
    value = getattr(clinspan, name)
    assert value.__name__ == name
    assert value.__doc__
    assert name in dir(clinspan)


def test_public_names_are_sorted_and_the_same_everywhere():
    assert clinspan.__all__ == sorted(clinspan.__all__)
    assert set(clinspan.__all__) == set(clinspan._EXPORTS)
    with pytest.raises(AttributeError, match="module 'clinspan' has no attribute 'no_such'"):
        clinspan.no_such  # noqa: B018


@every_file
def test_names_are_not_camel_case(path):
    if room_of(path) == "compat":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [node.name]
        elif isinstance(node, ast.arg):
            names = [node.arg]
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            names = [node.id if isinstance(node, ast.Name) else node.attr]
        camel = [name for name in names if re.match(r"_*[a-z][a-z0-9]*[A-Z]", name)]
        assert camel == []
