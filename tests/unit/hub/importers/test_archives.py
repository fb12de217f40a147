"""Names of archives, and which of several is taken."""

from pathlib import Path

import pytest

from clinspan.hub.importers.archives import Archive, cached, is_compatible


@pytest.mark.parametrize(
    ("current", "found", "expected"),
    [  # contract, section 9
        ("1.2.3", "1.2", True),
        ("1.2", "1.2.3", False),
        ("4.4.4", "6.1.1", False),
        ("6.1.1", "6.1.1", True),
        ("7.0.0", "6.1.1", True),
        ("6.0.9", "6.1.0", False),
        ("6.1.0", "6.0.9", True),
        ("3.5.0", "3.0", True),
        ("3.5.0", "", True),
    ],
)
def test_compatible(current, found, expected):
    assert is_compatible(current, found) is expected


@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_names_are_read_from_the_right(suffix):
    found = Archive.from_path(Path(f"bert_token_classifier_ner_anatomy_onnx_en_6.1.1_3.0_1757521819217{suffix}"))
    assert (found.name, found.language) == ("bert_token_classifier_ner_anatomy_onnx", "en")
    assert (found.library, found.spark, found.time) == ("6.1.1", "3.0", 1757521819217)
    assert Archive.from_path(Path("ner_clinical_en_2.4.0_2.4_1580237286004")).name == "ner_clinical"
    assert Archive.from_path(Path(f"notes{suffix}")) is None


def test_the_newest_compatible_archive_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("CLINSPAN_CACHE_PRETRAINED", str(tmp_path))
    assert cached("ner", "en") is None
    for name in (
        "ner_en_6.0.0_3.0_1",
        "ner_en_6.1.1_3.0_2",
        "ner_en_9.0.0_3.0_3",
        "ner_nl_6.1.1_3.0_4",
        "other_en_6.1_3.0_5",
    ):
        (tmp_path / name).mkdir()
    (tmp_path / "ner_en_6.1.1_3.0_1.zip").touch()
    assert cached("ner", "en") == tmp_path / "ner_en_6.1.1_3.0_2"
    monkeypatch.setenv("CLINSPAN_CACHE_PRETRAINED", str(tmp_path / "none"))
    assert cached("ner", "en") is None
