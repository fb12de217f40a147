"""Threads: as lazy as one, in order, and with the same results however many there are and whoever shares them."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

import clinspan
from notes import clinical_notes

LONG = " " * 20_000  # a batch of its own
NOTES = clinical_notes(12)


def entities(document):
    return [(e.start, e.end, e.label) for e in document.entities]


@pytest.mark.parametrize(("threads", "ahead"), [(1, 1), (2, 5), (8, 17)])
def test_texts_are_read_only_a_few_batches_ahead(threads, ahead):
    read = []
    texts = (read.append(i) or f"The kidney.{LONG}" for i in range(1000))
    found = clinspan.load("en/anatomy", threads=threads).pipe(texts)
    assert entities(next(found)) == [(4, 10, "Organ")]
    assert len(read) <= ahead
    found.close()


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_what_was_read_before_an_error_is_handed_on(threads):
    def texts():
        yield from [f"The kidney.{LONG}"] * 3
        raise OSError("gone")

    found = []
    with pytest.raises(OSError, match="gone"):
        found.extend(map(entities, clinspan.load("en/anatomy", threads=threads).pipe(texts())))
    assert found == [[(4, 10, "Organ")]] * 3


@pytest.mark.parametrize("threads", [1, 8])
def test_callers_may_share_a_recognizer(threads):
    ner = clinspan.load("en/anatomy", threads=threads)
    expected = [entities(ner(note)) for note in NOTES] * 4
    with ThreadPoolExecutor(8) as callers:
        assert [entities(document) for document in callers.map(ner, NOTES * 4)] == expected
    assert [entities(document) for document in ner.pipe(NOTES * 4)] == expected


def test_of_overlapping_entities_of_several_models_one_is_kept():
    text = "Chronic renal failure with edema of the left leg; no carcinoma of the kidney."
    every = clinspan.load("en/disease", "en/slim", keep="all")(text).entities
    assert any(b.start < a.end for a, b in pairwise(every))
    kept = clinspan.load("en/disease", "en/slim", keep="longest")(text).entities
    assert len(kept) > 1
    assert all(a.end <= b.start for a, b in pairwise(kept))
    longest = max(every, key=lambda e: e.end - e.start)
    assert (longest.start, longest.end) in [(e.start, e.end) for e in kept]
