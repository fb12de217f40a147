"""Labelled text for training and evaluation: JSON lines, CoNLL columns, brat stand-off."""

from __future__ import annotations

from clinspan.corpora.brat import read_brat
from clinspan.corpora.conll import read_conll
from clinspan.corpora.jsonl import Reading, read_jsonl
from clinspan.corpora.reader import read_corpus
from clinspan.corpora.record import Record
from clinspan.corpora.scheme import Scheme

__all__ = ["Reading", "Record", "Scheme", "read_brat", "read_conll", "read_corpus", "read_jsonl"]
