"""Whatever the text, an entity is the slice of it that its offsets say.

`CLINSPAN_EXAMPLES=2000` covers 100,000 documents in some minutes; `-s` prints how many there were.
"""

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import clinspan
from notes import FRAGMENTS, SEPARATORS

EXAMPLES = int(os.environ.get("CLINSPAN_EXAMPLES", "100"))
DOCUMENTS = 50  # in each example

# characters that code points, UTF-16 units, bytes, normalisers and white space rules do not agree on
_AWKWARD = st.sampled_from(
    [*"😀İﬁẞ心\u200b\u00ad\ufeff\x00\x0b\x85\u2028\U000e0001", "e\u0301", "\U0001f469\u200d\u2695\ufe0f"]
)
_ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_PIECE = st.one_of(st.sampled_from(FRAGMENTS), st.sampled_from(FRAGMENTS), _ANY, _AWKWARD, st.sampled_from(SEPARATORS))
_DOCUMENT = st.lists(_PIECE, max_size=6).map("".join)
_BATCH = st.lists(_DOCUMENT, min_size=DOCUMENTS, max_size=DOCUMENTS)


@pytest.fixture(scope="module")
def ner():
    return clinspan.load("en/anatomy")


@pytest.fixture(scope="module")
def pipelines(ner):
    """The same model behind the token column of Spark NLP, of sentences and of whole documents."""
    return [
        clinspan.Pipeline(
            [
                clinspan.DocumentAssembler(),
                clinspan.SentenceDetector(),
                clinspan.Tokenizer(input_cols=(cut,)),
                clinspan.TokenClassifier(model=ner.models[0], input_cols=("sentence", "token")),
                clinspan.NerConverter(),
            ]
        )
        for cut in ("sentence", "document")
    ]


def test_an_annotation_is_a_slice_of_its_text(ner, pipelines):
    counted: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize="CLINSPAN_EXAMPLES" not in os.environ,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(_BATCH)
    def check(batch):
        for text, document in zip(batch, ner.pipe(batch), strict=True):
            assert document.error is None
            assert document.text == text
            for entity in document.entities:
                assert text[entity.start : entity.end] == entity.text != ""
            counted.update(documents=1, characters=len(text), entities=len(document.entities))
        for pipeline in pipelines:
            table = pipeline.transform(batch)
            for name in ("document", "sentence", "token", "ner", "ner_chunk"):
                counted["annotations"] += check_slices(batch, table.column(name), name)

    check()
    print(f"\n{', '.join(f'{n:,} {what}' for what, n in counted.items())}")
    assert counted["documents"] >= EXAMPLES * DOCUMENTS
    assert counted["entities"] > counted["documents"] / 10


def check_slices(texts, column, name):
    """Every annotation is the slice of its text from `begin` to `end`, both included."""
    count = 0
    for text, row in zip(texts, column.to_pylist(maps_as_pydicts="strict"), strict=True):
        for annotation in row:
            piece = annotation["metadata"]["word"] if name == "ner" else annotation["result"]
            assert text[annotation["begin"] : annotation["end"] + 1] == piece
        count += len(row)
    return count
