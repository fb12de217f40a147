"""A note gets the same entities alone or among others, whatever the order, the threads and the cache.

`CLINSPAN_TEXTS=a.jsonl.gz:b.jsonl.gz CLINSPAN_NOTES=2000` runs over real notes; `-s` prints the largest difference.
"""

import os
import random
from itertools import chain, islice

import pytest

import clinspan
from clinspan.inference.cache import DEFAULT_BYTES
from clinspan.io.notes import read_notes
from notes import clinical_notes

NOTES = int(os.environ.get("CLINSPAN_NOTES", "60"))
TEXTS = os.environ.get("CLINSPAN_TEXTS")
TOLERANCE = 1e-4

THREADS = (1, 2)
CACHES = {"cached": DEFAULT_BYTES, "uncached": 0}


def alone(ner, notes):
    """Each note by itself."""
    return [ner(note).entities for note in notes]


def together(ner, notes):
    """All notes in one stream."""
    return [document.entities for document in ner.pipe(notes)]


def shuffled(ner, notes):
    """All notes in one stream, in another order."""
    order = list(range(len(notes)))
    random.Random(1).shuffle(order)
    found = dict(zip(order, together(ner, [notes[i] for i in order]), strict=True))
    return [found[i] for i in range(len(notes))]


def among_strangers(ner, notes):
    """Every note between two long ones of other content, so that batches are cut elsewhere."""
    stranger = "Unrelated text without end; " * 10
    return together(ner, [text for note in notes for text in (stranger, note)])[1::2]


@pytest.fixture(scope="module")
def notes():
    if TEXTS is None:
        return clinical_notes(NOTES)
    found = chain.from_iterable(map(read_notes, TEXTS.split(os.pathsep)))
    return [note.text for note in islice(found, NOTES)]


@pytest.fixture(scope="module")
def expected(notes):
    """What a plain loop over one note at a time finds, on one thread and without a cache."""
    found = alone(clinspan.load("en/anatomy", threads=1, cache_bytes=0), notes)
    print(f"\n{len(notes):,} notes, {sum(map(len, notes)):,} characters, {sum(map(len, found)):,} entities")
    assert sum(map(len, found)) > len(notes)
    return found


@pytest.mark.parametrize("company", [alone, together, shuffled, among_strangers], ids=lambda f: f.__name__)
@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("cache", CACHES)
def test_company_changes_nothing(notes, expected, company, threads, cache):
    found = company(clinspan.load("en/anatomy", threads=threads, cache_bytes=CACHES[cache]), notes)
    assert list(map(spans, found)) == list(map(spans, expected))
    difference = max(
        abs(a.confidence - b.confidence)
        for ours, theirs in zip(found, expected, strict=True)
        for a, b in zip(ours, theirs, strict=True)
    )
    print(f"\n{company.__name__}, threads {threads}, {cache}: largest difference of a score {difference:.1e}")
    assert difference <= TOLERANCE


def spans(entities):
    """All that has to be identical."""
    return [(e.text, e.label, e.start, e.end, e.sentence, e.model) for e in entities]


def test_the_cache_is_used_and_bounded(notes):
    ner = clinspan.load("en/anatomy", threads=1, cache_bytes=1_000_000)
    cache = ner.models[0].tagger.cache
    together(ner, [note for note in notes[:20] for _ in range(2)])
    assert cache.hits > 0
    assert 0 < cache.size <= cache.capacity == 1_000_000


def test_a_head_that_is_loaded_twice_is_opened_once():
    first, second = (clinspan.load("en/anatomy").models[0] for _ in range(2))
    assert first.tagger is second.tagger
    assert clinspan.load("en/anatomy", cache_bytes=0).models[0].tagger is not first.tagger
