"""The Spark engine gives the rows of the local one, in one pass, with models opened once."""

import os
import threading
import time

import psutil
import pyarrow as pa
import pytest

import clinspan
from chains import CHAINS, to_chunks, written
from clinspan import NerConverter, nlp
from clinspan.compat.frames import transformed
from clinspan.compat.pipeline import PipelineModel
from clinspan.compat.stages import CLASSES, FACES
from clinspan.engines import spark as engine
from clinspan.engines.local import LocalEngine
from clinspan.exceptions import InputError
from notes import FRAGMENTS, clinical_notes
from spark.conftest import needs_classic

TEXTS = [
    "The kidney and the liver were normal.",
    None,
    "",
    "  Heart: no murmur.\n\tLungs: clear ",
    "😀 liver",
    *FRAGMENTS,
]


def frame_of(spark, texts, partitions=2):
    frame = spark.createDataFrame([(i, text) for i, text in enumerate(texts)], "id long, text string")
    return frame.repartition(partitions)


def collected(frame, column):
    rows = [row.asDict(recursive=True) for row in frame.select("id", column).collect()]
    return [row[column] for row in sorted(rows, key=lambda row: row["id"])]


def local(stages, texts, column):
    batch = pa.RecordBatch.from_pydict({"text": pa.array(texts, pa.string())})
    (after,) = LocalEngine(1).run(stages, [batch])
    return after.column(column).to_pylist(maps_as_pydicts="strict")


@pytest.mark.parametrize("name", CHAINS)
def test_every_annotator_gives_the_rows_of_the_local_engine(spark, name):
    stages = CHAINS[name]()
    after = engine.transformed(stages, frame_of(spark, TEXTS))
    assert set(written(stages)) <= set(after.columns[2:])
    rows = [row.asDict(recursive=True) for row in after.select("id", *written(stages)).collect()]
    rows.sort(key=lambda row: row["id"])
    for column in written(stages):
        assert [row[column] for row in rows] == local(stages, TEXTS, column)


def test_a_lazy_annotator_adds_no_column(spark):
    lazy = clinspan.NerConverterInternal(output_col="lazy", lazy_annotator=True)
    frame = clinspan.Pipeline([*to_chunks(), lazy]).transform(frame_of(spark, TEXTS[:1]))
    assert frame.columns == ["id", "text", "document", "sentence", "token", "ner", "ner_chunk"]


def test_stage_by_stage_is_the_same_single_pass(spark):
    frame = frame_of(spark, TEXTS)
    stepwise = frame
    for stage in to_chunks():
        stepwise = transformed([stage], stepwise)
    whole = transformed(to_chunks(), frame)
    assert stepwise.columns == whole.columns
    assert collected(stepwise, "ner_chunk") == collected(whole, "ner_chunk") == local(to_chunks(), TEXTS, "ner_chunk")


@pytest.mark.slow
def test_thousands_of_notes_get_the_columns_of_the_local_engine(spark):
    notes = list(dict.fromkeys(clinical_notes(int(os.environ.get("CLINSPAN_NOTES", "5000")))))
    columns = ["document", "sentence", "token", "ner", "ner_chunk"]
    frame = transformed(to_chunks(), frame_of(spark, notes, partitions=7)).select("id", *columns)
    found = sorted(frame.collect(), key=lambda row: row["id"])
    batch = pa.RecordBatch.from_pydict({"text": pa.array(notes, pa.string())})
    (expected,) = LocalEngine(1).run(to_chunks(), [batch])
    for i, note in enumerate(expected.select(columns).to_pylist(maps_as_pydicts="strict")):
        assert found[i].asDict(recursive=True) == {"id": i, **note}
    assert len(found) == len(notes)


@needs_classic
def test_a_chain_crosses_to_python_once(spark, capsys):
    frame = frame_of(spark, TEXTS)
    for stage in to_chunks():
        frame = transformed([stage], frame)
    frame.explain()
    assert capsys.readouterr().out.count("MapInArrow") == 1


def test_columns_say_their_type(spark):
    frame = transformed(to_chunks(), frame_of(spark, TEXTS))
    assert engine.kinds_of(frame) == {
        "document": "document",
        "sentence": "document",
        "token": "token",
        "ner": "named_entity",
        "ner_chunk": "chunk",
    }


def test_a_chain_may_go_on_from_columns_that_were_changed_by_spark(spark):
    *before, last = to_chunks()
    frame = transformed(before, frame_of(spark, TEXTS)).filter("id < 3")
    assert collected(transformed([last], frame), "ner_chunk") == local(to_chunks(), TEXTS[:3], "ner_chunk")


def test_the_queries_of_the_cards(spark):
    frame = transformed(to_chunks(), frame_of(spark, TEXTS[:1]))
    found = [(c["result"], c["metadata"]["entity"]) for c in local(to_chunks(), TEXTS[:1], "ner_chunk")[0]]
    exploded = frame.selectExpr("explode(ner_chunk) as chunk")
    rows = exploded.selectExpr("chunk.result as chunk", "chunk.metadata['entity'] as entity").collect()
    assert [tuple(row) for row in rows] == found
    assert frame.select("ner_chunk.result").collect()[0][0] == [text for text, _ in found]
    pairs = frame.selectExpr("explode(arrays_zip(ner_chunk.result, ner_chunk.metadata)) as pair").collect()
    assert [(pair[0], pair[1]["entity"]) for (pair,) in pairs] == found


@needs_classic  # Sail has no dot on a map
def test_a_dot_reads_metadata(spark):
    frame = transformed(to_chunks(), frame_of(spark, TEXTS[:1])).selectExpr("explode(ner_chunk) as chunk")
    assert [row[0] for row in frame.selectExpr("chunk.metadata.entity").collect()] == ["Organ", "Organ"]


def test_one_plan_opens_its_models_once_in_a_worker(spark):
    before = _opened_by_worker(spark)
    stages = [*to_chunks()[:-1], NerConverter(output_col="a_plan_of_its_own")]
    for _ in range(2):
        transformed(stages, frame_of(spark, TEXTS * 4, partitions=8)).collect()
    opened = [count - before.get(worker, 0) for worker, count in _opened_by_worker(spark).items()]
    assert sum(opened) >= 1
    assert max(opened) == 1


def _opened_by_worker(spark):
    """How many plans each worker process has opened so far."""

    def count(batches):  # inside, so that it travels by value: workers do not have the tests
        from clinspan.engines.spark import opened

        for _ in batches:
            yield pa.RecordBatch.from_pydict({"worker": [os.getpid()], "opened": [opened.cache_info().misses]})

    rows = spark.range(0, 64, 1, 8).mapInArrow(count, "worker long, opened long").collect()
    return {row["worker"]: row["opened"] for row in rows}


@needs_classic
def test_pyspark_pipelines_take_save_and_load_stages(spark, tmp_path):
    from pyspark.ml import Pipeline as SparkPipeline
    from pyspark.ml import PipelineModel as SparkPipelineModel

    texts = TEXTS[:3]
    model = SparkPipeline(stages=_stages()).fit(frame_of(spark, [""]))
    model.save(f"file://{tmp_path}/theirs")
    PipelineModel(_stages()).save(str(tmp_path / "ours"))
    expected = local(to_chunks(), texts, "ner_chunk")
    loaded = [
        model,
        SparkPipelineModel.load(f"file://{tmp_path}/theirs"),
        SparkPipelineModel.load(f"file://{tmp_path}/ours"),
        PipelineModel.load(str(tmp_path / "theirs")),
    ]
    for one in loaded:
        assert collected(one.transform(frame_of(spark, texts)), "ner_chunk") == expected
        assert nlp.LightPipeline(one).annotate(texts[0])["ner_chunk"] == [c["result"] for c in expected[0]]


def _stages():
    """The chain under its Spark NLP names."""
    names = {FACES[name].annotator: cls for name, cls in reversed(CLASSES.items())}
    return [names[annotator.name].from_annotator(annotator) for annotator in to_chunks()]


@needs_classic
def test_a_stream_goes_on_from_its_checkpoint_and_writes_each_note_once(spark, tmp_path):
    notes, out, checkpoint = (str(tmp_path / name) for name in ("notes", "out", "checkpoint"))
    for first in (0, 3):
        part = spark.createDataFrame([(i, TEXTS[i]) for i in range(first, first + 3)], "id long, text string")
        part.coalesce(1).write.mode("append").parquet(notes)
        stream = spark.readStream.schema("id long, text string").parquet(notes)
        query = transformed(to_chunks(), stream).writeStream.format("parquet").option("checkpointLocation", checkpoint)
        query.trigger(availableNow=True).start(out).awaitTermination()
        assert sorted(row["id"] for row in spark.read.parquet(out).select("id").collect()) == list(range(first + 3))
    assert collected(spark.read.parquet(out), "ner_chunk") == local(to_chunks(), TEXTS[:6], "ner_chunk")


@needs_classic
def test_killing_a_worker_loses_and_doubles_nothing(spark):
    texts = [f"{TEXTS[0]} Note {i}." for i in range(2000)]
    killed = []
    thread = threading.Thread(target=_kill_one_worker, args=(killed,))
    thread.start()
    found = collected(transformed(to_chunks(), frame_of(spark, texts, partitions=4)), "ner_chunk")
    thread.join()
    assert killed
    assert found == local(to_chunks(), texts, "ner_chunk")


def _kill_one_worker(killed):
    """Kill the first Python worker that has worked for a while."""
    deadline = time.monotonic() + 60
    while not killed and time.monotonic() < deadline:
        time.sleep(0.05)
        for process in psutil.Process().children(recursive=True):
            if _is_worker(process) and process.cpu_times().user > 0.3:
                process.kill()
                killed.append(process.pid)
                return


def _is_worker(process):
    try:
        return "pyspark.daemon" in " ".join(process.cmdline()) and not process.children()
    except psutil.Error:
        return False


@pytest.mark.parametrize("keep", ["all", "longest"])
@pytest.mark.parametrize("names", [("en/anatomy",), ("en/disease", "en/slim")])
def test_the_python_face_takes_spark_frames(spark, names, keep):
    recognizer = clinspan.load(*names, keep=keep)
    table = pa.table({"note": list(range(len(TEXTS))), "body": pa.array(TEXTS, pa.string())})
    frame = frame_of(spark, TEXTS).withColumnsRenamed({"id": "note", "text": "body"})
    expected = recognizer.entities(table, text_col="body", id_col="note").to_pylist()
    found = recognizer.entities(frame, text_col="body", id_col="note")
    assert found.columns == list(expected[0])
    assert sorted(_keys(row.asDict() for row in found.collect())) == sorted(_keys(expected))
    columns = recognizer.transform(frame, text_col="body").columns
    assert columns == recognizer.transform(table, text_col="body").schema.names


def _keys(rows):
    return [tuple(row.values()) for row in rows]


def test_columns_of_the_users_stay_whatever_they_are_called(spark):
    recognizer = clinspan.load("en/anatomy")
    named = frame_of(spark, TEXTS).withColumnsRenamed({"id": "document"}).selectExpr("*", "'mine' AS sentence")
    found = recognizer.transform(named)
    assert found.columns == ["document", "text", "sentence", "ner_chunk"]
    assert {row.sentence for row in found.collect()} == {"mine"}
    expected = recognizer.entities(pa.table({"text": TEXTS, "document": range(len(TEXTS))}), id_col="document")
    rows = recognizer.entities(named, id_col="document").collect()
    assert sorted(_keys(row.asDict() for row in rows)) == sorted(_keys(expected.to_pylist()))


def test_a_second_transform_replaces_the_entities(spark):
    recognizer = clinspan.load("en/anatomy")
    once = recognizer.transform(frame_of(spark, TEXTS))
    twice = clinspan.load("en/disease").transform(once)
    assert twice.columns == once.columns
    assert collected(twice, "ner_chunk") == collected(
        clinspan.load("en/disease").transform(frame_of(spark, TEXTS)), "ner_chunk"
    )


@needs_classic
def test_a_frame_that_is_cached_is_not_annotated_again(spark):
    stages = to_chunks()
    cached = engine.transformed(stages[:-1], frame_of(spark, TEXTS)).cache()
    after = engine.transformed(stages[-1:], cached)
    assert getattr(after, engine._PLAN)[0] is cached
    assert collected(after, "ner_chunk") == local(stages, TEXTS, "ner_chunk")
    cached.unpersist()


def test_rows_of_a_spark_frame_need_an_id(spark):
    with pytest.raises(InputError, match="id_col"):
        clinspan.load("en/anatomy").entities(frame_of(spark, TEXTS))
