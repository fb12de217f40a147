"""The lines of training have the shapes of Spark NLP's."""

import pytest

from clinspan.compat.training_log import TrainingLog, shortest

SETTINGS = {"verbose": 2, "evaluationLogExtended": False, "enableOutputLogs": False, "outputLogsPath": ""}
COUNTS = {"I-PER": (1, 2, 1), "B-LOC": (3, 3, 4)}  # right, predicted, gold


def printed(capsys, write, **settings):
    write(TrainingLog("NerDLApproach_1", {**SETTINGS, **settings}))
    return capsys.readouterr().out.splitlines()


def test_what_is_trained(capsys):
    assert printed(
        capsys,
        lambda log: log.started(epochs=2, rate=0.001, batch=8, labels=9, characters=84, examples=120),
    ) == [
        "Training started - total epochs: 2 - lr: 0.001 - batch size: 8 - labels: 9 - chars: 84 - "
        "training examples: 120"
    ]


def test_an_epoch(capsys):
    assert printed(capsys, lambda log: log.epoch_started("1/2", 0.003, 120)) == [
        "Epoch 1/2 started, lr: 0.003, dataset size: 120"
    ]
    assert printed(capsys, lambda log: log.epoch_done("1/2", 10.012, [1.5, 0.25])) == [
        "Epoch 1/2 - 10.01s - loss: 1.75 - batches: 2"
    ]


def test_averages(capsys):
    assert printed(capsys, lambda log: log.quality(0.812, COUNTS)) == [
        "time to finish evaluation: 0.81s",
        "Macro-average\t prec: 0.75, rec: 0.875, f1: 0.8076923",  # 2 * 0.75 * 0.875 / 1.625
        "Micro-average\t prec: 0.8, rec: 0.8, f1: 0.8",
    ]


def test_a_line_for_each_label(capsys):
    assert printed(capsys, lambda log: log.quality(0, COUNTS), evaluationLogExtended=True)[1:4] == [
        "label\t tp\t fp\t fn\t prec\t rec\t f1",
        "B-LOC\t 3\t 0\t 1\t 1.0\t 0.75\t 0.85714287",  # 6 / 7
        "I-PER\t 1\t 1\t 0\t 0.5\t 1.0\t 0.6666667",
    ]
    assert (
        printed(capsys, lambda log: log.quality(0, COUNTS), evaluationLogExtended=True)[4]
        == "tp: 4 fp: 1 fn: 1 labels: 2"
    )


@pytest.mark.parametrize(("verbose", "lines"), [(0, 1), (2, 1), (3, 1), (4, 0)])
def test_where_lines_go(capsys, tmp_path, verbose, lines):
    folder = tmp_path / "logs"
    settings = {"verbose": verbose, "enableOutputLogs": True, "outputLogsPath": str(folder)}
    assert len(printed(capsys, lambda log: log.line("one"), **settings)) == lines
    printed(capsys, lambda log: log.line("two"), **settings)
    assert (folder / "NerDLApproach_1.log").read_text(encoding="utf-8") == "one\ntwo\n"


def test_numbers_are_those_of_32_bits():
    assert [shortest(n) for n in (0.003, 2 / 3, 1)] == ["0.003", "0.6666667", "1.0"]
