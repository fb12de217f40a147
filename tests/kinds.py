"""The kinds of frame that texts come in: how each is made, and read back as plain rows."""

import math
from abc import ABC, abstractmethod

import pandas as pd
import polars as pl
import pyarrow as pa


class Kind(ABC):
    """One kind of frame."""

    name: str

    def __str__(self):
        return self.name

    @abstractmethod
    def make(self, texts, **columns):
        """A frame with a column `text` between the other columns."""

    @abstractmethod
    def column(self, frame, name):
        """The values of a column, annotations as dictionaries."""

    @abstractmethod
    def names(self, frame):
        """The columns, in order."""


class Listed(Kind):
    """A list; what comes back is an Arrow table."""

    name = "list"

    def make(self, texts, **_columns):
        return list(texts)

    def column(self, frame, name):
        return frame.column(name).to_pylist(maps_as_pydicts="strict")

    def names(self, frame):
        return frame.schema.names


class ArrowTable(Listed):
    name = "arrow-table"

    def make(self, texts, **columns):
        first, *rest = columns.items()
        return pa.table({first[0]: first[1], "text": pa.array(texts, pa.string()), **dict(rest)})


class ArrowBatch(ArrowTable):
    name = "arrow-batch"

    def make(self, texts, **columns):
        table = super().make(texts, **columns).combine_chunks()
        return (table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)])[0]


class Pandas(Kind):
    """Missing texts are NaN, None and NA in turn; the index is not the row number."""

    name = "pandas"

    def make(self, texts, **columns):
        first, *rest = columns.items()
        missing = [math.nan, None, pd.NA]
        held = [missing[i % 3] if text is None else text for i, text in enumerate(texts)]
        data = {first[0]: first[1], "text": pd.Series(held, dtype=object), **dict(rest)}
        frame = pd.DataFrame(data)
        return frame.set_index(frame.index * 10 + 7)

    def column(self, frame, name):
        return frame[name].to_list()

    def names(self, frame):
        return list(frame.columns)


class Polars(Kind):
    """Maps come as lists of pairs."""

    name = "polars"

    def make(self, texts, **columns):
        first, *rest = columns.items()
        return pl.DataFrame({first[0]: first[1], "text": pl.Series(texts, dtype=pl.String), **dict(rest)})

    def column(self, frame, name):
        return [with_maps(row) for row in frame[name].to_list()]

    def names(self, frame):
        return frame.columns


def with_maps(value):
    """The value with lists of (key, value) pairs as dictionaries, at any depth."""
    if isinstance(value, dict):
        return {k: dict_of_pairs(v) if k == "metadata" else v for k, v in value.items()}
    return [with_maps(item) for item in value] if isinstance(value, list) else value


def dict_of_pairs(pairs):
    return {pair["key"]: pair["value"] for pair in pairs}


KINDS = (Listed(), Pandas(), Polars(), ArrowTable(), ArrowBatch())
