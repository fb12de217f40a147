"""The scripts of the model cards run as they are and give what the local engine gives."""

import runpy
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import clinspan.compat.install  # noqa: F401 - the scripts import the names it puts in place
from clinspan.compat.frames import transformed

SCRIPTS = sorted((Path(__file__).parents[1] / "cases" / "seeds").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_runs_and_its_table_is_that_of_the_local_engine(spark, capsys, script):
    names = runpy.run_path(str(script), run_name="__main__")
    printed = capsys.readouterr().out
    frame = names.get("result_es", names.get("result", names.get("results")))
    stages = [
        s.annotator() for s in names.get("stages", []) + names.get("nlpPipeline", names.get("pipeline")).getStages()
    ]
    texts = [row["text"] for row in frame.select("text").collect()]
    local = transformed(stages, pd.DataFrame({"text": texts}))
    last = frame.columns[-1]
    spark_rows = [row.asDict(recursive=True)[last] for row in frame.select(last).collect()]
    local_rows = local[last].to_list()
    assert [[a["result"] for a in row] for row in spark_rows] == [[a["result"] for a in row] for row in local_rows]
    assert spark_rows[0]
    assert all(f"|{a['result']}" in printed for a in spark_rows[0])


def test_clinspan_run_needs_nothing_but_the_script(spark):
    command = [sys.executable, "-m", "clinspan", "run", str(SCRIPTS[-2])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "metformin" in done.stdout
