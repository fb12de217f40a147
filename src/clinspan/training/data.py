"""Where the files that a recipe names lie."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from clinspan.corpora import Record, read_corpus
from clinspan.corpora.files import read_rows
from clinspan.corpora.jsonl import PLAIN, Reading
from clinspan.exceptions import RecipeError

OWN: Final = "corpora"  # the repository's own corpora, above its recipes


@dataclass(frozen=True)
class DataFolders:
    """Folders in which corpora and texts are looked for, in order."""

    folders: tuple[Path, ...]

    @classmethod
    def beside(cls, recipe: Path, *given: Path) -> DataFolders:
        """Return the folders given and, after them, the corpora that come with the recipe, nearest first."""
        own = (folder / OWN for folder in recipe.resolve().parents)
        return cls((*given, *(folder for folder in own if folder.is_dir())))

    def find(self, name: str) -> Path:
        """Return the path of a file.

        Raises:
            RecipeError: if it is in none of the folders.
        """
        found = next((folder / name for folder in self.folders if (folder / name).exists()), None)
        if found is None:
            msg = f"No {name} in {', '.join(map(str, self.folders))}; name its folder with --data (see docs/data.md)."
            raise RecipeError(msg)
        return found

    def records(self, name: str, reading: Reading = PLAIN) -> list[Record]:
        """Return the records of a corpus file."""
        return list(read_corpus(self.find(name), reading))

    def texts(
        self, names: Sequence[str], *, skip_licences: Collection[str] = (), without: Sequence[str] = ()
    ) -> Iterator[str]:
        """Yield the `text` of the records of JSON-lines files.

        Args:
            names: the files.
            skip_licences: records whose `licence` is one of these are left out.
            without: files whose texts are left out; letters and digits are compared.
        """
        known = {_letters(row["text"]) for name in without for row in self.rows(name)}
        for row in (row for name in names for row in self.rows(name)):
            if row.get("licence") not in skip_licences and not (known and _letters(row["text"]) in known):
                yield row["text"]

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the records of a JSON-lines file as they stand; each has a `text`.

        Raises:
            InputError: as `read_rows`.
        """
        yield from (row for _, row in read_rows(self.find(name)))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))
