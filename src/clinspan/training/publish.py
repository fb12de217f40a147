"""From a trained network to a model folder: graph, manifest, scores, card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import torch

from clinspan.corpora import Scheme
from clinspan.evaluation.report import to_json
from clinspan.evaluation.run import evaluate
from clinspan.hub.card import MEASURE, UNSEEN, write_card
from clinspan.hub.manifest import BILSTM, Head, Manifest, ModelFile
from clinspan.inference.alphabet import Alphabet
from clinspan.inference.bilstm import DETAILS_FILE, INPUTS, SPELLED
from clinspan.inference.model import VectorModel
from clinspan.inference.units import TOKEN_UNIT
from clinspan.recognizer import load
from clinspan.training.bilstm_network import AsGraph, BiLstmNetwork
from clinspan.training.data import DataFolders
from clinspan.training.export import export_onnx, write_graphs
from clinspan.training.model import MultiHeadTagger
from clinspan.training.recipe import CorpusRecipe, Recipe, TeachingRecipe
from clinspan.training.recipes import SingleRecipe

_BILSTM_FILES = ("model.onnx", DETAILS_FILE)
_SUBWORD_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def write_transformer(recipe: Recipe, model: MultiHeadTagger, tokenizer: str, *, int8: Path, fp32: Path) -> None:
    """Export a trained transformer as two model folders.

    Args:
        recipe: what it was trained by.
        model: the network.
        tokenizer: content of `tokenizer.json`.
        int8: folder for the quantized graph.
        fp32: folder for the graph before quantization.
    """
    for folder in (int8, fp32):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
        model.encoder.config.to_json_file(folder / "config.json")
    graphs = {"int8": int8 / "model.onnx", "fp32": fp32 / "model.onnx"}
    write_graphs(NamedInputs(model), _SUBWORD_INPUTS, list(recipe.heads), model.encoder.config, **graphs)
    files = ("model.onnx", "tokenizer.json", "config.json")
    about: dict[str, Any] = {"parameters": size_of(model), "cased": not _lowercases(tokenizer)}
    for folder, precision in ((int8, "int8"), (fp32, "fp32")):
        manifest = _manifest(recipe, model.encoder.config.model_type, precision, folder, files)
        replace(manifest, **about).write(folder)


def write_bilstm(
    recipe: Recipe, network: BiLstmNetwork, alphabet: Alphabet, vectors: VectorModel, folder: Path
) -> None:
    """Export a trained BiLSTM tagger as a model folder.

    Args:
        recipe: what it was trained by.
        network: the network.
        alphabet: the characters it knows.
        vectors: the word vectors it reads.
        folder: to write.
    """
    (output,) = recipe.heads
    _write_network(network, {"characters": alphabet.characters}, output, folder)
    manifest = _manifest(recipe, BILSTM, "fp32", folder, _BILSTM_FILES)
    replace(manifest, context=0, **_about_bilstm(network, vectors.reference)).write(folder)


def write_tagger(
    head: Head, network: BiLstmNetwork, alphabet: Alphabet, reference: str, folder: Path, *, any_order: bool
) -> None:
    """Export a BiLSTM tagger that no recipe describes as a model folder.

    Args:
        head: its name and its tags.
        network: the network.
        alphabet: the characters it knows.
        reference: the `reference` of the word vectors it reads.
        folder: to write.
        any_order: whether any tag may follow any, whatever its prefix says.
    """
    _write_network(network, {"characters": alphabet.characters, "any_order": any_order}, head.output, folder)
    Manifest(
        name=head.name,
        version="1.0.0",
        languages=(),
        architecture=BILSTM,
        precision="fp32",
        licence="",
        heads=(head,),
        files=tuple(ModelFile.from_path(folder, path) for path in _BILSTM_FILES),
        **_about_bilstm(network, reference),
    ).write(folder)


def _write_network(network: BiLstmNetwork, details: dict[str, Any], output: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    details = {**details, "transitions": network.transitions.tolist()}
    (folder / DETAILS_FILE).write_text(json.dumps(details) + "\n", encoding="utf-8")
    examples = {
        INPUTS[0]: torch.zeros(1, 9, network.dimension),
        INPUTS[1]: torch.ones(1, 9, SPELLED, dtype=torch.int64),
    }
    export_onnx(AsGraph(network, output), examples, [output], folder / "model.onnx")


def _about_bilstm(network: BiLstmNetwork, reference: str) -> dict[str, Any]:
    vectors, _, sha256 = reference.rpartition("@")
    return {
        "unit": TOKEN_UNIT,
        "max_length": 0,
        "overlap": 0,
        "parameters": size_of(network),
        "cased": True,
        "vectors": vectors,
        "vectors_sha256": sha256,
    }


def single_manifest(
    recipe: SingleRecipe,
    folder: Path,
    files: Sequence[str],
    *,
    output: str,
    training: Sequence[dict[str, str]],
    **about: Any,
) -> Manifest:
    """Return the manifest of a model with one head and no tags.

    Args:
        recipe: what it was trained by.
        folder: where its files lie.
        files: their names.
        output: name of the graph's output.
        training: the corpora, as in `Head`.
        about: the remaining entries of `Manifest`.
    """
    head = Head(
        name=recipe.short_name,
        output=output,
        tags=(),
        aliases=tuple(recipe.aliases),
        description=recipe.description,
        training=tuple(training),
    )
    return Manifest(
        name=recipe.name,
        version=recipe.version,
        languages=tuple(recipe.languages),
        licence=recipe.licence,
        max_length=0,
        overlap=0,
        heads=(head,),
        files=tuple(ModelFile.from_path(folder, path) for path in files),
        **about,
    )


def add_scores(recipe: Recipe, data: DataFolders, folder: Path) -> Manifest:
    """Score the exported model on the recipe's dev sets; write the scores into manifest and card."""
    manifest = Manifest.read(folder)
    heads = []
    for head in manifest.heads:
        recognizer = load(f"{folder.resolve()}#{head.name}", cache_bytes=0)
        language = head.name.partition("/")[0]
        found = {
            f"{c.name} dev": evaluate(recognizer, data.records(c.dev, c.reading), scheme=c.heads[head.output])
            for c in recipe.corpora
            if c.dev and c.measures(language) and head.output in c.heads and c.heads[head.output].scored
        }
        scores = {name: to_json(evaluation)["entities"]["strict"] for name, evaluation in found.items()}
        tables = {name: str(evaluation.tokens) for name, evaluation in found.items()}
        heads.append(replace(head, scores=scores, token_tables=tables))
    manifest = replace(manifest, heads=tuple(heads))
    manifest.write(folder)
    write_card(manifest, folder)
    return manifest


def size_of(network: torch.nn.Module) -> int:
    """Return how many weights a network has."""
    return sum(weight.numel() for weight in network.parameters())


def _lowercases(tokenizer: str) -> bool:
    return bool((json.loads(tokenizer).get("normalizer") or {}).get("lowercase"))


class NamedInputs(torch.nn.Module):
    """The network as a function of the graph's inputs."""

    def __init__(self, model: MultiHeadTagger) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Return the logits of every head, shape [batch, length, tags] each."""
        model = self.model
        states = model.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        return {name: head(states) for name, head in model.heads.items()}


def _manifest(recipe: Recipe, architecture: str, precision: str, folder: Path, files: Sequence[str]) -> Manifest:
    heads = tuple(
        Head(
            name=f"{language}/{output}",
            output=output,
            tags=tuple(head.tags),
            aliases=tuple(head.aliases_in(language)),
            description=head.description,
            training=tuple(_corpus_entry(c, c.heads[output]) for c in recipe.corpora if output in c.heads),
        )
        for output, head in recipe.heads.items()
        for language in head.languages or recipe.languages
    )
    return Manifest(
        name=recipe.name,
        version=recipe.version,
        languages=tuple(recipe.languages),
        architecture=architecture,
        unit=recipe.unit,
        max_length=recipe.max_length,
        overlap=recipe.overlap,
        context=recipe.context,
        precision=precision,
        licence=recipe.licence,
        heads=heads,
        files=tuple(ModelFile.from_path(folder, path) for path in files),
    )


def _corpus_entry(corpus: CorpusRecipe, teaching: TeachingRecipe) -> dict[str, Any]:
    """Return what the manifest says of a corpus: where it is from, what it was for, and how its labels read."""
    names = {field.name for field in fields(Scheme)}
    scheme = {key: value for key, value in asdict(teaching).items() if key in names and (value or value == [])}
    about = {"name": corpus.name, "licence": corpus.licence, "url": corpus.url}
    further = {key: getattr(corpus, key) for key in ("language", "qualifier", "min_coverage") if getattr(corpus, key)}
    use = "training" if corpus.train else UNSEEN if corpus.unseen else MEASURE
    return {**about, **further, "use": use, **scheme}
