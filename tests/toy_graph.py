"""A token classifier that looks each sub-word's logits up in a table, made without PyTorch or onnx.

A Hugging Face folder with model.onnx (its few protobuf messages are written by hand), tokenizer.json and
config.json: *heart* and *kidney* are organs, *aspirin* is a drug.
"""

import json

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

TAGS = ("O", "B-Organ", "I-Organ", "B-Drug")
WORDS = {"heart": "B-Organ", "kidney": "B-Organ", "muscle": "I-Organ", "aspirin": "B-Drug"}
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_FLOAT, _INT64 = 1, 7


def write_toy_folder(folder, *, graph="model.onnx", config=None, **options):
    """Write the folder; `config` adds entries to config.json, `options` go to `lookup_graph`."""
    vocabulary = {word: i for i, word in enumerate((*_SPECIAL, *WORDS))}
    (folder / graph).parent.mkdir(parents=True, exist_ok=True)
    (folder / graph).write_bytes(lookup_graph(_table(vocabulary), **options))
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))
    about = {"model_type": "bert", "max_position_embeddings": 32, "id2label": dict(enumerate(TAGS))}
    (folder / "config.json").write_text(json.dumps(about | (config or {})))
    return folder


def _table(vocabulary):
    table = np.zeros((len(vocabulary), len(TAGS)), np.float32)
    table[:, 0] = 4
    for word, tag in WORDS.items():
        table[vocabulary[word], TAGS.index(tag)] = 8
    return table


def lookup_graph(table, *, outputs=("logits",), length=None, extra_inputs=()):
    """Return a graph whose outputs are the rows of a table; `length` fixes that of the input."""
    axes = [1, "length" if length is None else length]
    nodes = [_text(1, "table") + _text(1, "input_ids") + _text(2, name) + _text(4, "Gather") for name in outputs]
    weights = b"".join(_number(1, size) for size in table.shape) + _number(2, _FLOAT) + _text(8, "table")
    graph = b"".join(_message(1, node) for node in nodes)
    graph += _text(2, "toy") + _message(5, weights + _message(9, table.tobytes()))
    graph += b"".join(_message(11, _value(name, _INT64, axes)) for name in ("input_ids", *extra_inputs))
    graph += b"".join(_message(12, _value(name, _FLOAT, [*axes, table.shape[1]])) for name in outputs)
    return _number(1, 8) + _message(8, _number(2, 13)) + _message(7, graph)


def _value(name, kind, axes):
    sizes = (_text(2, axis) if isinstance(axis, str) else _number(1, axis) for axis in axes)
    shape = b"".join(_message(1, size) for size in sizes)
    return _text(1, name) + _message(2, _message(1, _number(1, kind) + _message(2, shape)))


def _varint(number):
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def _number(field, value):
    return _varint(field << 3) + _varint(value)


def _message(field, content):
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field, value):
    return _message(field, value.encode())
