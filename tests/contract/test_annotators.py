"""One contract for every annotator, on every engine, over every kind of frame.

Expected are the rows that the stages give when called by hand, one after the other, on one batch.
"""

import dataclasses
import inspect

import pyarrow as pa
import pytest

from chains import CHAINS, written
from clinspan import ChunkMerge, DocumentAssembler, Finisher, Pipeline
from clinspan.annotators.base import Annotator
from clinspan.engines.local import LocalEngine
from clinspan.exceptions import MissingColumnError, MissingInputError
from clinspan.persistence import load_stages, save_stages
from clinspan.registry import ANNOTATORS, annotator_class
from clinspan.schema import ANNOTATIONS, annotation_kind
from kinds import KINDS
from notes import FRAGMENTS

TEXTS = [
    "The kidney and the liver were normal.",
    None,
    "",
    "  Heart: no murmur.\n\tLungs: clear ",
    " \n ",
    "😀 emoji, then the liver 👩\u200d⚕️ and e\u0301 accents; the kidney.",
    None,
    *FRAGMENTS,
]
OTHERS = {"n": list(range(len(TEXTS))), "who": [f"patient {i}" if i % 3 else None for i in range(len(TEXTS))]}
ENGINES = {"1-thread": LocalEngine(1), "2-threads": LocalEngine(2)}

every_annotator = pytest.mark.parametrize("name", sorted(ANNOTATORS))
every_engine = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES.keys())
every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


def batch_of(texts):
    return pa.RecordBatch.from_arrays([pa.array(texts, pa.string())], names=["text"])


def by_hand(stages, batch):
    for stage in stages:
        batch = stage.annotate(batch)
    return batch


def plain(batch, columns):
    """The columns as plain rows."""
    return {name: batch.column(name).to_pylist(maps_as_pydicts="strict") for name in columns}


@pytest.fixture(scope="module")
def expected():
    """What each annotator gives by hand."""
    found = {}
    for name, chain in CHAINS.items():
        stages = chain()
        found[name] = plain(by_hand(stages, batch_of(TEXTS)), written(stages))
    return found


def test_every_registered_annotator_has_a_chain():
    assert set(CHAINS) == set(ANNOTATORS)
    for name, chain in CHAINS.items():
        assert type(chain()[-1]) is annotator_class(name)


@every_annotator
def test_the_chain_finds_something_to_annotate(name, expected):
    assert all(any(rows) for rows in expected[name].values())


@every_annotator
@every_engine
@every_kind
def test_same_rows_on_every_engine_and_frame(name, engine, kind, expected):
    stages = CHAINS[name]()
    frame = kind.make(TEXTS, **OTHERS)
    result = Pipeline(stages, engine).transform(frame)
    assert {column: kind.column(result, column) for column in written(stages)} == expected[name]


@every_annotator
@every_engine
@pytest.mark.parametrize("rows", [1, 3])
def test_same_rows_however_the_batches_are_cut(name, engine, rows, expected):
    stages = CHAINS[name]()
    batches = [batch_of(TEXTS[i : i + rows]) for i in range(0, len(TEXTS), rows)]
    results = list(engine.run(stages, iter(batches)))
    assert [result.num_rows for result in results] == [batch.num_rows for batch in batches]
    for column, whole in expected[name].items():
        assert [row for result in results for row in plain(result, [column])[column]] == whole


@every_annotator
@every_kind
def test_the_other_columns_are_untouched(name, kind):
    frame = kind.make(TEXTS, **OTHERS)
    before = {column: frame[column] for column in kind.names(frame)} if kind.name != "list" else {}
    result = Pipeline(CHAINS[name]()).transform(frame)
    assert len(kind.column(result, "text")) == len(TEXTS)
    assert kind.names(result)[: len(before)] == list(before)
    for column, values in before.items():
        after = result[column]
        if kind.name.startswith("arrow"):
            assert after.type == values.type
            assert after.to_pylist() == values.to_pylist()
        else:
            assert after.dtype == values.dtype
            assert after.equals(values)
    if kind.name == "pandas":
        assert result.index.equals(frame.index)
        assert list(frame.columns) == list(before)  # the frame given is not changed


@every_annotator
@every_engine
@every_kind
def test_no_rows(name, engine, kind):
    stages = CHAINS[name]()
    frame = kind.make([], **{column: [] for column in OTHERS})
    result = Pipeline(stages, engine).transform(frame)
    assert all(kind.column(result, column) == [] for column in written(stages))


@every_annotator
def test_no_rows_have_the_same_schema_as_some(name):
    stages = CHAINS[name]()
    assert by_hand(stages, batch_of([])).schema == by_hand(stages, batch_of(TEXTS)).schema


@every_annotator
def test_only_missing_texts(name):
    stages = CHAINS[name]()
    result = by_hand(stages, batch_of([None, None]))
    assert result.num_rows == 2
    assert result.schema == by_hand(stages, batch_of(TEXTS)).schema


@every_annotator
def test_a_slice_of_a_batch_is_annotated_like_the_whole(name, expected):
    """Arrow slices share buffers with an offset, which array arithmetic has to mind."""
    stages = CHAINS[name]()
    sliced = by_hand(stages[:-1], batch_of(TEXTS)).slice(3, 8)
    result = plain(stages[-1].annotate(sliced), written(stages))
    assert result == {column: rows[3:11] for column, rows in expected[name].items()}


@every_annotator
@pytest.mark.parametrize("kind", [k for k in KINDS if k.name.startswith("arrow")], ids=str)
def test_the_column_says_what_it_holds(name, kind):
    stages = CHAINS[name]()
    result = Pipeline(stages).transform(kind.make(TEXTS, **OTHERS))
    for column, annotation_type in written(stages).items():
        field = result.schema.field(column)
        if annotation_type:
            assert field.metadata[b"annotatorType"] == annotation_type.encode()
            assert field.type == ANNOTATIONS
            rows = result.column(column).to_pylist()
            assert {a["annotatorType"] for row in rows for a in row} == {annotation_type}
        else:
            assert annotation_kind(field) is None


@every_annotator
def test_a_stage_without_its_inputs_is_refused_when_the_pipeline_is_built(name):
    stages = CHAINS[name]()
    if not stages[-1].input_cols:
        pytest.skip("reads no annotations")
    with pytest.raises((MissingInputError, MissingColumnError), match="available: "):
        Pipeline(stages[-1:])
    for i in range(len(stages) - 1):
        if written(stages[: i + 1]).keys() & set(stages[-1].input_cols):
            with pytest.raises((MissingInputError, MissingColumnError)):
                Pipeline([*stages[:i], *stages[i + 1 :]])


@every_annotator
def test_inputs_are_told_apart_by_type_not_by_order(name, expected):
    stages = CHAINS[name]()
    if isinstance(stages[-1], ChunkMerge | Finisher):
        pytest.skip("takes several columns of a type, in order")
    turned = dataclasses.replace(stages[-1], input_cols=stages[-1].input_cols[::-1])
    assert plain(by_hand([*stages[:-1], turned], batch_of(TEXTS)), written(stages)) == expected[name]


@every_annotator
def test_the_output_column_is_replaced_when_it_is_there(name, expected):
    stages = CHAINS[name]()
    once = by_hand(stages, batch_of(TEXTS))
    twice = stages[-1].annotate(once)
    assert twice.schema == once.schema
    assert plain(twice, written(stages)) == expected[name]


@every_annotator
def test_fields_are_parameters(name):
    stage = CHAINS[name]()[-1]
    assert dataclasses.is_dataclass(stage)
    params = {f.name: getattr(stage, f.name) for f in dataclasses.fields(stage)}
    assert set(params) == set(inspect.signature(type(stage)).parameters)
    assert type(stage)(**params) == stage
    described = " ".join(inspect.getdoc(cls) or "" for cls in type(stage).__mro__ if issubclass(cls, Annotator))
    assert [f.name for f in dataclasses.fields(stage) if f.compare and f.name not in described] == []
    with pytest.raises(dataclasses.FrozenInstanceError):
        stage.output_col = "other"


@every_annotator
def test_equal_parameters_make_equal_stages(name):
    stage, same = CHAINS[name]()[-1], CHAINS[name]()[-1]
    assert stage == same
    assert stage != dataclasses.replace(same, output_col="other")
    assert stage != DocumentAssembler(output_col="other")


@every_annotator
def test_one_stage_survives_saving(name, tmp_path):
    stages = CHAINS[name]()
    save_stages(stages[-1:], tmp_path / "stage")
    (loaded,) = load_stages(tmp_path / "stage")
    assert loaded == stages[-1]
    before = by_hand(stages[:-1], batch_of(TEXTS))
    assert loaded.annotate(before).equals(stages[-1].annotate(before))


@every_annotator
def test_a_pipeline_survives_saving(name, tmp_path, expected):
    stages = CHAINS[name]()
    Pipeline(stages).save(tmp_path / "pipeline")
    loaded = Pipeline.load(tmp_path / "pipeline")
    assert loaded == Pipeline(stages)
    assert plain(by_hand(loaded.stages, batch_of(TEXTS)), written(stages)) == expected[name]
