"""The errors clinspan raises.

    ClinspanError
    ├── InputError             what was given cannot be read
    │   ├── MissingColumnError
    │   ├── ColumnTypeError
    │   ├── MissingInputError  a pipeline stage lacks an input column
    │   └── TextError          one text cannot be annotated
    ├── ModelError
    │   ├── ModelNotFoundError
    │   ├── DamagedModelError  a file does not match its manifest
    │   └── UnsupportedModelError
    ├── RecipeError            a training recipe cannot be followed
    ├── OutputError            a result cannot be written
    └── MissingExtraError      an optional dependency is not installed

No message carries the text of a note: rows, columns, files and characters' positions only.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Final

TEXT_COL: Final = "text_col (--text-col)"
ID_COL: Final = "id_col (--id-col)"
_COLUMN_NAME: Final = re.compile(r"[^\W\d][\w.-]{0,39}")


class ClinspanError(Exception):
    """The root of every error raised on purpose."""


class InputError(ClinspanError, ValueError):
    """What was given cannot be read; the message says what to give instead."""


class MissingColumnError(InputError):
    """A data frame or file lacks the column that was asked for."""

    @classmethod
    def from_name(cls, name: str, available: Iterable[str], *, argument: str = TEXT_COL) -> MissingColumnError:
        """Name the missing column and those that exist.

        Args:
            name: of the missing column.
            available: the columns that exist. If the name of one is no plain word, only their number is told: the
                first row of a table without a header may be a patient's.
            argument: what names another column.
        """
        columns = list(available)
        listed = ", ".join(repr(column) for column in columns) or "none"
        if not all(map(_COLUMN_NAME.fullmatch, columns)):
            listed = f"{len(columns)} whose names are not all plain words (is the header missing?)"
        return cls(f"No column {name!r}; available: {listed}. Name another with {argument}.")


class ColumnTypeError(InputError):
    """A column exists but does not hold text."""

    @classmethod
    def from_type(cls, name: str, found: object) -> ColumnTypeError:
        """Name the column and the type it holds."""
        return cls(f"Column {name!r} holds {found}, not text. Name the text column with text_col (--text-col).")


class MissingInputError(InputError):
    """A pipeline stage reads an annotation column that no earlier stage writes."""

    @classmethod
    def from_stage(cls, stage: str, missing: Iterable[str], available: Mapping[str, str]) -> MissingInputError:
        """Name the stage, the annotation types it misses, and the columns there are."""
        have = ", ".join(f"{name!r} ({kind})" for name, kind in available.items()) or "none"
        return cls(f"{stage} needs {', '.join(missing)}; available: {have}.")


class TextError(InputError):
    """One text cannot be annotated (wrong type, or characters that are not Unicode text)."""


class ModelError(ClinspanError):
    """A model cannot be used."""


class ModelNotFoundError(ModelError, LookupError):
    """No model of that name is bundled, cached or in a folder."""

    @classmethod
    def from_name(cls, name: str, available: Iterable[str]) -> ModelNotFoundError:
        """Suggest the names that come close."""
        close = difflib.get_close_matches(name, list(available), n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        return cls(f"No model {name!r}.{hint} `clinspan models` lists all of them.")

    @classmethod
    def from_language(cls, name: str, language: str, known: Iterable[str]) -> ModelNotFoundError:
        """Name the languages in which there is a model of that name."""
        return cls(f"No model {name!r} for the language {language!r}; it is there for {', '.join(known)}.")


class DamagedModelError(ModelError):
    """A model file is absent or differs from the checksum in its manifest."""


class UnsupportedModelError(ModelError):
    """The folder is no model that clinspan can run."""


class RecipeError(ClinspanError, ValueError):
    """A training recipe is wrong or its data is not there."""


class OutputError(ClinspanError, OSError):
    """A result cannot be written."""


class MissingExtraError(ClinspanError, ImportError):
    """An optional dependency is not installed."""

    @classmethod
    def from_extra(cls, extra: str, purpose: str) -> MissingExtraError:
        """Say which extra to install, and what for."""
        return cls(f"{purpose} needs more packages: pip install 'clinspan[{extra}]'")


class RowWarning(UserWarning):
    """Rows that could not be annotated; every other row was."""
