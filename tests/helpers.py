"""Batches built by hand, and annotation columns read back as plain values."""

import numpy as np
import pyarrow as pa

from clinspan.annotators.document import DocumentAssembler
from clinspan.annotators.ner_converter import NerConverter
from clinspan.annotators.token import Tokenizer
from clinspan.schema import (
    CHUNK,
    DOCUMENT,
    NAMED_ENTITY,
    TOKEN,
    annotation_column,
    score_strings,
    starts_of,
    with_annotations,
)


def texts(*values, kind=None):
    """One column, `text`."""
    return pa.RecordBatch.from_arrays([pa.array(values, kind or pa.string())], names=["text"])


def documents(*values):
    """Assembled documents."""
    return DocumentAssembler().annotate(texts(*values))


def tokens_of(text, **options):
    """The tokens of one text."""
    return results(Tokenizer(**options).annotate(documents(text)), "token")[0]


def rows(batch, column):
    """Each row's annotations as dictionaries."""
    return batch.column(column).to_pylist(maps_as_pydicts="strict")


def results(batch, column):
    """Each row's results."""
    return [[a["result"] for a in row] for row in rows(batch, column)]


def ranges(batch, column):
    """Each row's (begin, inclusive end, result)."""
    return [[(a["begin"], a["end"], a["result"]) for a in row] for row in rows(batch, column)]


def check_sentences(text, found):
    """Sentences, as `ranges` gives them, are stripped slices of the text, in order, and leave out white space alone."""
    at = 0
    for begin, end, result in found:
        assert result == text[begin : end + 1] == result.strip() != ""
        assert text[at:begin].strip() == ""
        at = end + 1
    assert text[at:].strip() == ""


def metadata(batch, column, key):
    """Each row's values of one metadata key, None where it is absent."""
    return [[a["metadata"].get(key) for a in row] for row in rows(batch, column)]


def chunks(batch, stage=NerConverter, **options):
    """Each row's chunks as (begin, inclusive end, result, entity)."""
    found = rows(stage(**options).annotate(batch), "ner_chunk")
    return [[(c["begin"], c["end"], c["result"], c["metadata"]["entity"]) for c in row] for row in found]


def chunk_values(batch, key, stage=NerConverter, **options):
    """Each row's chunks' values of one metadata key."""
    return metadata(stage(**options).annotate(batch), "ner_chunk", key)


def annotations(kind, *given):
    """An annotation column; each row a list of (start, stop, result, metadata), half-open."""
    flat = [item for row in given for item in row]
    keys = list(dict.fromkeys(key for item in flat for key in item[3]))
    return annotation_column(
        kind,
        starts_of([len(row) for row in given]),
        pa.array([item[0] for item in flat], pa.int64()).to_numpy(),
        pa.array([item[1] for item in flat], pa.int64()).to_numpy(),
        pa.array([item[2] for item in flat], pa.string()),
        {key: pa.array([item[3].get(key) for item in flat], pa.string()) for key in keys},
    )


def tagged(text, *sentences):
    """One note with columns sentence, token and ner.

    A sentence is a list of (word, tag) or (word, tag, metadata); the tag None leaves the word without an
    annotation. Words are looked up in the text one after the other.
    """
    at, found, tokens, tags = 0, [], [], []
    for number, sentence in enumerate(sentences):
        first = len(tokens)
        for word, tag, *more in sentence:
            start = text.index(word, at)
            at = start + len(word)
            own = {"sentence": str(number)}
            tokens.append((start, at, word, own))
            if tag is not None:
                tags.append((start, at, tag, {**own, "word": word, **(more[0] if more else {})}))
        edges = (tokens[first][0], tokens[-1][1]) if len(tokens) > first else (at, at)
        found.append((*edges, text[slice(*edges)], {"sentence": str(number)}))
    batch = texts(text)
    columns = (("sentence", DOCUMENT, found), ("token", TOKEN, tokens), ("ner", NAMED_ENTITY, tags))
    for name, kind, given in columns:
        batch = with_annotations(batch, name, kind, annotations(kind, given))
    return batch


def stacked(*batches):
    """The rows of several batches in one."""
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def with_chunks(batch, text, name, *chunks_of_rows, kind=CHUNK):
    """Add a column of chunks of a text, each given as (start, stop, entity, confidence)."""
    flat = [chunk for row in chunks_of_rows for chunk in row]
    starts, stops, entities, scores = zip(*flat, strict=True) if flat else ([], [], [], [])
    metadata = {
        "entity": pa.array(entities, pa.string()),
        "sentence": pa.array(["0"] * len(flat), pa.string()),
        "confidence": score_strings(np.array(scores, dtype=np.float32)),
    }
    results = pa.array([text[a:b] for a, b in zip(starts, stops, strict=True)], pa.string())
    row_starts = starts_of([len(row) for row in chunks_of_rows])
    spans = (np.array(edge, dtype=np.int64) for edge in (starts, stops))
    return with_annotations(batch, name, kind, annotation_column(kind, row_starts, *spans, results, metadata))
