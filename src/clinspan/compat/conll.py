# ruff: noqa: N815 - the names of the parameters in Spark NLP
"""CoNLL: the reader of training data in columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from clinspan.compat.saved import local_path
from clinspan.corpora.conll import Row, read_columns
from clinspan.exceptions import InputError
from clinspan.schema import (
    DOCUMENT,
    NAMED_ENTITY,
    POS,
    TOKEN,
    annotation_column,
    annotation_field,
)

_UNNAMED: Final = "X"
_BETWEEN: Final = "\n\n"  # two sentences of a row
_ALL: Final = "*"
Sentence = Sequence[Row]


@dataclass(frozen=True)
class CoNLL:
    """Reads lines of `token POS chunk label` as a frame with annotation columns; tags are kept as they stand.

    Attributes:
        documentCol, sentenceCol, tokenCol, posCol, textCol, labelCol: names of the columns to make.
        conllLabelIndex, conllPosIndex: the fields of a line that hold its label and its part of speech; lines that are
            too short for them are skipped.
        conllDocIdCol: name of the column of document ids.
        explodeSentences: make a row of each sentence; if not, of each document.
        delimiter: what separates fields, and tokens in the text.
        includeDocId: make the column of document ids.
    """

    documentCol: str = "document"
    sentenceCol: str = "sentence"
    tokenCol: str = "token"
    posCol: str = "pos"
    conllLabelIndex: int = 3
    conllPosIndex: int = 1
    conllDocIdCol: str = "doc_id"
    textCol: str = "text"
    labelCol: str = "label"
    explodeSentences: bool = True
    delimiter: str = " "
    includeDocId: bool = False

    def readDataset(  # noqa: N802
        self,
        spark: Any,
        path: str,
        read_as: str = "TEXT",  # noqa: ARG002 - as in Spark NLP, and so the next two
        partitions: int = 8,  # noqa: ARG002
        storage_level: Any = None,  # noqa: ARG002
    ) -> Any:
        """Return a frame with the columns text, document, sentence, token, pos and label.

        Args:
            spark: a Spark session, for a Spark frame; None for an Arrow table.
            path: a file of this machine, or all files of a folder if it ends with `*`.
            read_as: accepted and not used.
            partitions: accepted and not used.
            storage_level: accepted and not used.

        Raises:
            InputError: if there is no such file, or it is not UTF-8.
        """
        table = self._table(path)
        if spark is None:
            return table
        from clinspan.engines.spark import spark_frame

        return spark_frame(spark, table)

    def _table(self, path: str) -> pa.Table:
        rows = _Rows(self.delimiter)
        names = []
        for name, sentences in self._read(path):
            rows.add(sentences)
            names.append(name)
        plain = {self.conllDocIdCol: names} if self.includeDocId else {}
        plain[self.textCol] = rows.document.results
        annotated = {
            self.documentCol: rows.document,
            self.sentenceCol: rows.sentence,
            self.tokenCol: rows.token,
            self.posCol: rows.pos,
            self.labelCol: rows.label,
        }
        fields = [pa.field(name, pa.string()) for name in plain]
        fields += [annotation_field(name, found.kind) for name, found in annotated.items()]
        columns = [pa.array(texts, pa.string()) for texts in plain.values()]
        return pa.table([*columns, *(found.column() for found in annotated.values())], pa.schema(fields))

    def _read(self, path: str) -> Iterator[tuple[str, Sequence[Sentence]]]:
        """Yield the document id and the sentences of each row."""
        columns = (0, self.conllPosIndex, self.conllLabelIndex)
        for file in _files(path):
            for name, sentences in read_columns(file, columns, self.delimiter):
                for row in [[sentence] for sentence in sentences] if self.explodeSentences else [sentences]:
                    yield name or _UNNAMED, row


@dataclass
class _Found:
    """Annotations of one kind with one metadata entry each, gathered row by row."""

    kind: str
    key: str
    starts: list[int] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    row_starts: list[int] = field(default_factory=lambda: [0])

    def add(self, start: int, stop: int, result: str, fact: str) -> None:
        """Add an annotation to the row."""
        self.starts.append(start)
        self.stops.append(stop)
        self.results.append(result)
        self.facts.append(fact)

    def end_row(self) -> None:
        """Let what follows belong to the next row."""
        self.row_starts.append(len(self.starts))

    def column(self) -> pa.ListArray:
        """Return the annotation column."""
        row_starts, starts, stops = (np.array(n, np.int64) for n in (self.row_starts, self.starts, self.stops))
        results, facts = (pa.array(texts, pa.string()) for texts in (self.results, self.facts))
        return annotation_column(self.kind, row_starts, starts, stops, results, {self.key: facts})


class _Rows:
    """The annotation columns of a frame in the making.

    Args:
        delimiter: what stands between the tokens of a text.
    """

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self.document = _Found(DOCUMENT, "training")
        self.sentence = _Found(DOCUMENT, "sentence")
        self.token = _Found(TOKEN, "sentence")
        self.pos = _Found(POS, "word")
        self.label = _Found(NAMED_ENTITY, "word")

    def add(self, sentences: Sequence[Sentence]) -> None:
        """Add a row."""
        texts = [self._delimiter.join(word for word, *_ in sentence) for sentence in sentences]
        start = 0
        for i, (text, sentence) in enumerate(zip(texts, sentences, strict=True)):
            self.sentence.add(start, start + len(text), text, str(i))
            self._add_tokens(sentence, start, str(i))
            start += len(text) + len(_BETWEEN)
        text = _BETWEEN.join(texts)
        self.document.add(0, len(text), text, "true")
        for found in (self.document, self.sentence, self.token, self.pos, self.label):
            found.end_row()

    def _add_tokens(self, sentence: Sentence, start: int, number: str) -> None:
        for word, pos, label in sentence:
            stop = start + len(word)
            self.token.add(start, stop, word, number)
            self.pos.add(start, stop, pos, word)
            self.label.add(start, stop, label, word)
            start = stop + len(self._delimiter)


def _files(path: str) -> list[Path]:
    """Return the file of a path, or all files of the folder before a `*`."""
    file = local_path(path)
    files = [file]
    if file.name == _ALL and file.parent.is_dir():
        files = sorted(inside for inside in file.parent.iterdir() if inside.is_file())
    if not files or not all(f.is_file() for f in files):
        msg = f"No file at {path}."
        raise InputError(msg)
    return files
