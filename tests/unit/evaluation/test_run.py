"""Scores of a model on a corpus, read as its manifest says."""

from dataclasses import replace

import clinspan
from clinspan.corpora import Record, Scheme
from clinspan.evaluation.run import evaluate
from clinspan.hub.importers.hugging_face import import_folder
from clinspan.hub.manifest import Manifest
from clinspan.tagging import LabelledSpan
from toy_graph import write_toy_folder

ENTRY = {"name": "gold", "label_map": {"ORGAN": "Organ"}, "complete": ["Organ"], "mask": ["HISTORY"], "before": "the"}


def recognizer(tmp_path):
    folder = import_folder(write_toy_folder(tmp_path / "source"), name="toy", target=tmp_path / "toy")
    manifest = Manifest.read(folder)
    replace(manifest, heads=(replace(manifest.heads[0], training=(ENTRY,)),)).write(folder)
    return clinspan.load(str(folder))


def test_a_corpus_is_judged_as_the_manifest_says(tmp_path):
    spans = (LabelledSpan(0, 9, "ORGAN"), LabelledSpan(20, 26, "HISTORY"))
    record = Record("1", "The heart, aspirin; kidney", spans, "gold")
    found = evaluate(recognizer(tmp_path), [record])
    assert found.entities["strict"]["micro"][:3] == (1, 1, 1)  # aspirin is not marked, kidney is masked
    plain = evaluate(recognizer(tmp_path), [record], scheme=Scheme(label_map={"ORGAN": "Organ", "HISTORY": ""}))
    assert plain.entities["strict"]["micro"][:2] == (0, 0)
    assert plain.entities["partial"]["Organ"].precision == 0.25  # half a point of two
    table = plain.tokens.by_tag  # gold: The heart; found: heart, aspirin, kidney
    assert (table["B-Organ"].support, table["B-Organ"].precision, table["I-Organ"].support) == (1, 0, 1)
    assert (table["B-Drug"].support, table["O"].recall, round(table["O"].precision, 3)) == (0, 0.5, 0.667)
