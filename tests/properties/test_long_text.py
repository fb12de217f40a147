"""Long notes lose nothing, take time in proportion to their length, and give their memory back."""

import gc
import time

import psutil
import pyarrow as pa
import pytest

import clinspan
from clinspan.codepoints import CodePoints
from notes import SENTINEL, covered, long_note

KILO, MEGA = 100_000, 1_000_000
TIME_RATIO = 11
MEMORY_RATIO = 1.2


def rules(text):
    """Sentences."""
    return clinspan.SentenceDetector().spans(text)


def candidates(text):
    """Tokens."""
    return clinspan.Tokenizer().spans(CodePoints.from_arrow(pa.array([text])))


def cpu_seconds(work, text):
    """CPU time, since other processes may share the machine."""
    start = time.process_time()
    work(text)
    return time.process_time() - start


@pytest.fixture(scope="module")
def ner():
    """No cache: every window goes through the model."""
    return clinspan.load("en/anatomy", cache_bytes=0)


@pytest.fixture(scope="module")
def bilstm():
    return clinspan.load("ner_clinical")


def missing(ner, text, places):
    """The places whose entity was not found."""
    document = ner(text)
    assert all(text[e.start : e.end] == e.text for e in document.entities)
    starts = {e.start: e for e in document.entities}
    ordered = sorted(starts.values(), key=lambda e: e.start)
    lost, at = [], 0
    for place in places:
        while at < len(ordered) and ordered[at].end <= place:
            at += 1
        if not covered(ordered[at : at + 1], place, place + len(SENTINEL)):
            lost.append(place)
    return lost


@pytest.mark.parametrize("sentences", [True, False], ids=["sentences", "one-sentence"])
def test_100_kb_lose_nothing(ner, sentences):
    text, places = long_note(KILO, sentences=sentences)
    assert len(text) == KILO
    assert len(places) == KILO // 200
    assert [text[p : p + len(SENTINEL)] for p in places] == [SENTINEL] * len(places)
    assert ("." in text, "\n" in text) == (sentences, sentences)
    assert missing(ner, text, places) == []


@pytest.mark.parametrize("sentences", [True, False], ids=["sentences", "one-sentence"])
def test_100_kb_lose_nothing_in_a_bilstm(bilstm, sentences):
    """It looks for problems, so each sentence has one in place of the organ."""
    text, places = long_note(KILO, sentences=sentences)
    text = text.replace("The left kidney was normal", "Now with asthma and fevers")
    assert [text[p : p + len(SENTINEL)] for p in places] == ["asthma"] * len(places)
    assert missing(bilstm, text, places) == []


def test_a_word_of_200_000_characters_costs_no_other_word(ner):
    word = "a" * 200_000
    text = f"The kidney was normal {word} and the liver was normal."
    found = {e.text for e in ner(text).entities}
    assert {"kidney", "liver"} <= found


@pytest.mark.parametrize(
    "character",
    [" ", "\n", "\t", "\r", ".", "-", "(", "\x00", "\u0301", "\u200d", "\ufdfa", "1", '"'],
    ids=lambda c: f"U+{ord(c):04X}",
)
def test_a_long_run_of_one_character_costs_no_word(ner, character):
    text = f"The kidney was normal.\n\n{character * 2_000}\n\nThe liver was normal."
    assert {"kidney", "liver"} <= {e.text for e in ner(text).entities}


@pytest.mark.parametrize(
    "pattern", [" ", "\t", "\n", "\r", ".", '"', ". ", '."', "a. ", " \n", "A\n", "x(", "1) ", "é\u0301 "], ids=repr
)
@pytest.mark.parametrize("stage", [rules, candidates], ids=lambda f: f.__name__)
def test_rules_take_time_in_proportion(stage, pattern):
    """Ten times the text takes about ten times as long, not a hundred times."""
    short, long = (min(cpu_seconds(stage, pattern * (n // len(pattern))) for _ in range(5)) for n in (20_000, 200_000))
    assert long < 30 * short + 0.05


@pytest.mark.slow
@pytest.mark.parametrize("sentences", [True, False], ids=["sentences", "one-sentence"])
def test_1_mb_loses_nothing_in_proportionate_time_and_gives_memory_back(ner, sentences):
    short, _ = long_note(KILO, sentences=sentences)
    text, places = long_note(MEGA, sentences=sentences)
    ner(short)  # what is allocated once is allocated now
    before, start = resident(), time.perf_counter()
    short_time = min(cpu_seconds(ner, short) for _ in range(3))
    short_wall = (time.perf_counter() - start) / 3
    start = time.perf_counter()
    long_time = cpu_seconds(ner, text)
    long_wall, after = time.perf_counter() - start, resident()
    print(
        f"\n100 kB {short_wall:.2f} s, 1 MB {long_wall:.2f} s: ratio {long_wall / short_wall:.2f} "
        f"(of CPU time {long_time / short_time:.2f}); "
        f"memory {before:.0f} MB before, {after:.0f} MB after: ratio {after / before:.2f}"
    )
    assert missing(ner, text, places) == []
    assert long_time <= TIME_RATIO * short_time
    assert after <= MEMORY_RATIO * before


@pytest.mark.slow
def test_10_mb_lose_nothing_and_give_memory_back(ner):
    text, places = long_note(10 * MEGA)
    ner(text[:KILO])
    before, start = resident(), time.perf_counter()
    assert missing(ner, text, places) == []
    wall, after = time.perf_counter() - start, resident()
    print(f"\n10 MB {wall:.0f} s; memory {before:.0f} MB before, {after:.0f} MB after: ratio {after / before:.2f}")
    assert after <= MEMORY_RATIO * before


def resident():
    """Resident memory in MB, garbage collected."""
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6
