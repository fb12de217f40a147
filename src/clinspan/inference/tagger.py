"""A loaded model: sentences in, the logits of every unit out, for one head or several."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from clinspan.codepoints import Ints
from clinspan.exceptions import UnsupportedModelError
from clinspan.hub.manifest import Manifest
from clinspan.inference.cache import Outputs, WindowCache
from clinspan.inference.decoding import Floats
from clinspan.inference.session import OnnxSession, run_windows
from clinspan.inference.tokenizer import SubwordTokenizer
from clinspan.inference.units import Encoded, Encoder, Units

_KNOWN_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})


@dataclass(frozen=True)
class Tagger:
    """A graph, its tokenizer, and a cache of window results.

    Attributes:
        session: the graph with its named outputs.
        encoder: how it reads text.
        unit: what it tags, `word` or `token`.
        cache: None switches caching off.
    """

    session: OnnxSession
    encoder: Encoder
    unit: str
    cache: WindowCache | None = None

    @classmethod
    def open(cls, folder: Path, manifest: Manifest, cache: WindowCache | None = None) -> Tagger:
        """Load `model.onnx` and `tokenizer.json` from a folder, whose files have been verified.

        Raises:
            UnsupportedModelError: if the graph is not one of a token classifier.
        """
        session = OnnxSession.open(folder / "model.onnx")
        unknown = set(session.inputs) - _KNOWN_INPUTS
        if unknown or "input_ids" not in session.inputs:
            msg = f"model.onnx in {folder} has the inputs {session.inputs}; a token classifier reads input_ids."
            raise UnsupportedModelError(msg)
        tokenizer = SubwordTokenizer.open(folder / "tokenizer.json")
        encoder = Encoder(tokenizer, manifest.max_length, manifest.overlap, manifest.context)
        return cls(session, encoder, manifest.unit, cache)

    def units(self, sentences: pa.StringArray, tokens: tuple[Ints, Ints] | None = None) -> Units:
        """Find what is to be tagged."""
        return Units.from_sentences(sentences, tokens, self.unit)

    def logits(
        self,
        sentences: pa.StringArray,
        documents: Ints,
        units: Units,
        outputs: Sequence[str],
        pool: Executor | None = None,
    ) -> dict[str, Floats]:
        """Run the model.

        Args:
            sentences: the texts that `units` were found in.
            documents: the document of each sentence, non-decreasing.
            units: what is to be tagged.
            outputs: names of the heads wanted.
            pool: threads to share the windows.

        Returns:
            For each head the logits of each unit, shape [units, tags]; NaN for a unit without sub-words.
        """
        encoded = Encoded.from_units(units, sentences, documents, self.encoder)
        ids = encoded.window_ids(self.encoder.tokenizer)
        results = run_windows(self.session, ids, outputs, pool=pool, cache=self.cache)
        return {name: self._of_units(encoded, results, name) for name in outputs}

    def _of_units(self, encoded: Encoded, results: Sequence[Outputs], name: str) -> Floats:
        """Put the kept parts of the windows together and pick each unit's first sub-word."""
        if not results:
            return np.full((len(encoded.first), 1), np.nan, dtype=np.float32)  # spreads over the tags
        windows, shift = encoded.windows, len(self.encoder.tokenizer.prefix)
        kept = np.stack([windows.keep_starts, windows.keep_stops]) - windows.starts + shift
        parts = [result[name][a:b] for result, a, b in zip(results, *kept.tolist(), strict=True)]
        logits = np.concatenate(parts).astype(np.float32, copy=False)[encoded.first]
        logits[encoded.first < 0] = np.nan
        return logits

    def width(self, output: str) -> int | None:
        """Return the number of tags of a head; None if the graph leaves it open or has no such output."""
        shapes = {o.name: o.shape for o in self.session.session.get_outputs()}
        width = shapes.get(output, [None])[-1]
        return width if isinstance(width, int) else None
