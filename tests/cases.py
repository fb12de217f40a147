"""Clinical cases kept as data in `cases/*.jsonl`, one JSON object with an `id` a line."""

import json
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parent / "cases"


def load_cases(name, known_failures=()):
    """Return the cases of a file as parameters; known failures must fail until somebody strikes them off."""
    lines = (_FOLDER / name).read_text(encoding="utf-8").split("\n")
    cases = [json.loads(line) for line in lines if line]
    unknown = set(known_failures) - {case["id"] for case in cases}
    assert not unknown, f"{name} has no cases {sorted(unknown)}"
    failing = pytest.mark.xfail(strict=True, reason="known failure")
    return [
        pytest.param(case, id=case["id"], marks=[failing] if case["id"] in known_failures else []) for case in cases
    ]
