"""Models in the layouts of Spark NLP, written without Spark; `cases/spark_nlp/` holds some that Spark wrote."""

import json
import runpy
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np

from toy_graph import lookup_graph

CASES = Path(__file__).parent / "cases" / "spark_nlp"
GIVEN = runpy.run_path(str(CASES / "make.py"))  # what Spark was given
LABELS, WORDPIECE, PIECES, MERGES = (GIVEN[name] for name in ("LABELS", "WORDPIECE", "PIECES", "MERGES"))
SYNC = bytes(range(16))
HEADER = b'SEQ\x06!org.apache.hadoop.io.NullWritable"org.apache.hadoop.io.BytesWritable'
_VERSIONS = {  # of Java's classes, as Spark 3.5 wrote them
    "[Ljava.lang.Object;": "90ce589f1073296c",
    "[Lscala.Tuple2;": "2ecc00dfd14fd7c0",
    "scala.Tuple2": "2e94667d5b92f9f5",
    "java.lang.Integer": "12e2a0a4f7818738",
    "java.lang.Number": "86ac951d0b94e08b",
}
_FIELDS = {"scala.Tuple2": ("L_1", "L_2"), "java.lang.Integer": ("Ivalue",)}


class JavaWriter:
    """Lists, tuples, strings and numbers as Java serialises arrays, pairs, strings and integers."""

    def __init__(self, array="[Lscala.Tuple2;"):
        self.array = array
        self.data = bytearray(bytes.fromhex("aced0005"))
        self.handles = {}

    def value(self, value):
        """Append a value; returns the stream so far."""
        if isinstance(value, str):
            self._once(value, b"\x74" + utf(value))
        elif isinstance(value, int):
            self._new(b"\x73", "java.lang.Integer", struct.pack(">i", value))
        elif isinstance(value, tuple):
            self._new(b"\x73", "scala.Tuple2")
            for part in value:
                self.value(part)
        else:
            self._new(b"\x75", self.array, struct.pack(">i", len(value)))
            for item in value:
                self.value(item)
        return bytes(self.data)

    def _once(self, key, content):
        """Append what may be referred to later, or a reference to it; tell which."""
        if key in self.handles:
            self.data += b"\x71" + struct.pack(">I", 0x7E0000 + self.handles[key])
            return False
        self.handles[key] = len(self.handles)
        self.data += content
        return True

    def _new(self, tag, name, content=b""):
        self.data += tag
        self._class(name)
        self.handles[object()] = len(self.handles)  # nothing refers to these
        self.data += content

    def _class(self, name):
        fields = _FIELDS.get(name, ())
        version = bytes.fromhex(_VERSIONS.get(name, "00" * 8))
        if not self._once(f"class {name}", b"\x72" + utf(name) + version + b"\x02" + struct.pack(">H", len(fields))):
            return
        for field in fields:
            self.data += field[:1].encode() + utf(field[1:])
            if field[0] == "L":
                self.value("Ljava/lang/Object;")
        self.data += b"\x78"
        if name == "java.lang.Integer":
            self._class("java.lang.Number")
        else:
            self.data += b"\x70"


def utf(text):
    """A string as Java writes it, its length in front."""
    raw = b"".join(_character(character) for character in text)
    return struct.pack(">H", len(raw)) + raw


def _character(character):
    if character == "\0":
        return b"\xc0\x80"
    halves = np.frombuffer(character.encode("utf-16-le"), "<u2").tolist()
    return "".join(map(chr, halves)).encode("utf-8", "surrogatepass")


def record(value, array="[Lscala.Tuple2;"):
    """One value as a stream of its own."""
    return JavaWriter(array).value(value)


def sequence_file(*records, sync_before=(), compressed=False):
    """A SequenceFile; the sync mark is repeated before the records with these numbers."""
    data = HEADER + bytes([compressed, 0]) + bytes(4) + SYNC
    for number, content in enumerate(records):
        data += b"\xff\xff\xff\xff" + SYNC if number in sync_before else b""
        data += struct.pack(">iii", 4 + len(content), 0, len(content)) + content
    return data


def numbered(items):
    """Pairs of an item and its number."""
    return [(item, number) for number, item in enumerate(items)]


def write_map(folder, pairs, parts=2):
    """Write a map in several part files of records of ten."""
    folder.mkdir(parents=True, exist_ok=True)
    size = -(-len(pairs) // parts)
    for part in range(parts):
        own = pairs[part * size : (part + 1) * size]
        records = [record(own[i : i + 10]) for i in range(0, len(own), 10)]
        (folder / f"part-{part:05d}").write_bytes(sequence_file(*records))


def pack_graph(path, graph):
    """Write a graph as Spark NLP keeps it: the only file of a zip archive, under the archive's own name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(path.name, graph)


def write_annotator(folder, family, graph, *, vocabulary, labels, merges=None, **params):
    """Write a saved annotator; `family` is as in its class's name: Bert, DistilBert, RoBerta."""
    name = f"com.johnsnowlabs.nlp.annotators.classifier.dl.{family}ForTokenClassification"
    about = {"class": name, "timestamp": 1, "sparkVersion": "3.5.0", "uid": "X_0", "paramMap": params}
    (folder / "metadata").mkdir(parents=True)
    (folder / "metadata" / "part-00000").write_text(json.dumps(about) + "\n")
    maps = {"vocabulary": vocabulary, "labels": numbered(labels), "merges": merges and numbered(merges)}
    for field, pairs in maps.items():
        if pairs is not None:
            write_map(folder / "fields" / field, pairs)
    pack_graph(folder / f"{family.lower()}_classification_onnx", graph)
    return folder


def write_exported(folder, graph, *, vocabulary, labels, merges=None):
    """Write a folder for `loadSavedModel`; the vocabulary is in the order of its ids."""
    assets = folder / "assets"
    assets.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(graph)
    (assets / "vocab.txt").write_text("".join(f"{word}\n" for word in vocabulary), encoding="utf-8")
    (assets / "labels.txt").write_text("".join(f"{label}\n" for label in labels))
    if merges is not None:
        lines = ["#version: 0.2", *map(" ".join, merges)]
        (assets / "merges.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder


def toy_graph(vocabulary, words=("heart", "Ġheart")):
    """A graph that takes these words, and no other, for organs."""
    table = np.zeros((len(vocabulary), len(LABELS)), np.float32)
    table[:, 0] = 4
    table[[number for number, word in enumerate(vocabulary) if word in words], 1] = 8
    return lookup_graph(table)


def from_spark(folder, family):
    """A copy of what Spark wrote for a family, bert or roberta, with a graph added."""
    shutil.copytree(CASES / family, folder)
    graph = toy_graph(WORDPIECE if family == "bert" else PIECES)
    pack_graph(folder / f"{family}_classification_onnx", graph)
    return folder


def zipped(path, folder):
    """Pack a folder."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(file for file in folder.rglob("*") if file.is_file()):
            packed.write(file, file.relative_to(folder))
    return path
