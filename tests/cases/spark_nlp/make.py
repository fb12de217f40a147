"""Writes `bert/` and `roberta/` with Spark itself: `pip install 'pyspark==3.5.*'`, Java 17, `python make.py`.

The fields are what Spark NLP's features are on disk: maps as RDDs of `scala.Tuple2`, written by
`saveAsObjectFile` in two partitions. The arrays in `bert/` are of `scala.Tuple2`, as Spark NLP's own are;
those in `roberta/` are of `java.lang.Object`, which is what Spark's Java interface makes of the same data.
The weights are not there: the tests add them.
"""

import json
import shutil
from pathlib import Path

HERE = Path(__file__).parent
LABELS = ("O", "B-Organ", "I-Organ", "B-Drug")
WORDPIECE = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "heart", "kidney", "muscle", "aspirin", "##s", "corazón"),
    *("ß", "中", "😀", "nul\0l", ".", "Heart", *(f"word{i}" for i in range(14))),
)
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
MERGES = (("h", "e"), ("he", "a"), ("r", "t"), ("hea", "rt"), ("Ġ", "heart"))
PIECES = (*SPECIAL, "Ġ", ".", "Ã", "©", *"abcdefghijklmnopqrstuvwxyz", *("".join(pair) for pair in MERGES))
CLASSIFIERS = "com.johnsnowlabs.nlp.annotators.classifier.dl"


class Writer:
    """One annotator's folder, written by Spark."""

    def __init__(self, context, folder, array):
        self.context, self.folder, self.array = context, folder, array
        shutil.rmtree(folder, ignore_errors=True)

    def metadata(self, name, uid, **params):
        """Write the parameters as Spark ML does: one line of JSON in a text file."""
        about = {
            "class": f"{CLASSIFIERS}.{name}",
            "timestamp": 1757521819217,
            "sparkVersion": "3.5.0",
            "uid": f"{uid}_0123456789ab",
            "paramMap": {"inputCols": ["document", "token"], "outputCol": "ner", **params},
            "defaultParamMap": {"batchSize": 8, "maxSentenceLength": 128, "caseSensitive": True, "engine": "onnx"},
        }
        self.context.parallelize([json.dumps(about)], 1).saveAsTextFile(str(self.folder / "metadata"))

    def field(self, name, pairs):
        """Write a map."""
        jvm = self.context._jvm
        tuples = jvm.java.util.ArrayList()
        for key, value in pairs:
            key = jvm.scala.Tuple2(*key) if isinstance(key, tuple) else key
            tuples.add(jvm.scala.Tuple2(key, value))
        sequence = jvm.scala.collection.JavaConverters.asScalaBuffer(tuples).toSeq()
        tag = getattr(getattr(jvm, "scala.reflect.ClassTag$"), "MODULE$").apply(jvm.Class.forName(self.array))
        rdd = self.context._jsc.sc().parallelize(sequence, 2, tag)
        rdd.saveAsObjectFile(str(self.folder / "fields" / name))


def numbered(items):
    """Pairs of an item and its number."""
    return [(item, number) for number, item in enumerate(items)]


def main():
    """Write both folders."""
    from pyspark.sql import SparkSession

    context = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate().sparkContext
    bert = Writer(context, HERE / "bert", "scala.Tuple2")
    bert.metadata("BertForTokenClassification", "BERT_FOR_TOKEN_CLASSIFICATION", caseSensitive=False)
    bert.field("vocabulary", numbered(WORDPIECE))
    bert.field("labels", numbered(LABELS))
    roberta = Writer(context, HERE / "roberta", "java.lang.Object")
    roberta.metadata("RoBertaForTokenClassification", "ROBERTA_FOR_TOKEN_CLASSIFICATION")
    roberta.field("vocabulary", numbered(PIECES))
    roberta.field("merges", numbered(MERGES))
    roberta.field("labels", numbered(LABELS))


if __name__ == "__main__":
    main()
