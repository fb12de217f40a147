"""A Spark session: the one that is running, classic PySpark where it and Java are, else Sail in this process."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from typing import Any, Final

from clinspan.exceptions import MissingExtraError

_HOST: Final = "127.0.0.1"
CLASSIC: Final = "classic"
SAIL: Final = "sail"


def start(*_: Any, **options: Any) -> Any:
    """Return a Spark session.

    Licences, jars, memory and GPU options of `sparknlp.start` and `nlp.start` are accepted and not needed.

    Args:
        options: `remote` is the URL of a Spark Connect server; `master_url` (or `master`) and `spark_conf` (or
            `params`) go to classic PySpark. Sail takes any `local` master for this process.

    Raises:
        MissingExtraError: if neither classic PySpark with Java nor Sail is installed, or only Sail where a master
            is named that is a cluster.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if (active := _active()) is not None:
        return active
    if options.get("remote") and importlib.util.find_spec("pyspark") is not None:
        return _connected(options["remote"])
    engine = chosen_engine()
    if engine == CLASSIC:
        return _classic(options)
    if engine == SAIL:
        _refuse_cluster(_master(options))
        return _sail()
    raise MissingExtraError.from_extra("spark", "A Spark session")


def _active() -> Any:
    """Return the session that is in use, of Spark Connect or of classic Spark."""
    modules = ["pyspark.sql.connect.session"]
    if importlib.util.find_spec("py4j") is not None:  # without it classic Spark cannot be asked
        modules.append("pyspark.sql.session")
    loaded = [sys.modules[name] for name in modules if name in sys.modules]
    return next(filter(None, (module.SparkSession.getActiveSession() for module in loaded)), None)


def chosen_engine() -> str:
    """Return `classic`, `sail`, or "" for none."""
    if importlib.util.find_spec("pyspark") is None:
        return ""
    classic = importlib.util.find_spec("py4j") is not None
    if classic and (os.environ.get("JAVA_HOME") or shutil.which("java")):
        return CLASSIC
    return SAIL if importlib.util.find_spec("pysail") is not None else ""


def _classic(options: dict[str, Any]) -> Any:
    from pyspark.sql import SparkSession

    conf = {**(options.get("spark_conf") or {}), **(options.get("params") or {})}
    builder = SparkSession.builder.appName("clinspan")
    if master := _master(options):
        builder = builder.master(master)
    for key, value in conf.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _master(options: dict[str, Any]) -> str:
    """Return the master that was asked for; under spark-submit, which has one already, none else."""
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    return options.get("master_url") or options.get("master") or ("" if submitted else "local[*]")


def _connected(url: str) -> Any:
    from pyspark.sql import SparkSession

    return SparkSession.builder.remote(url).getOrCreate()


def _refuse_cluster(master: str) -> None:
    if master and not master.startswith("local"):
        msg = f"Master {master!r} needs classic PySpark and Java, and `clinspan doctor` finds only Sail: "
        msg += "pip install 'clinspan[spark-jvm]' in another environment, and Java 17."
        raise MissingExtraError(msg)


_server: Any = None  # kept alive with the process


def _sail() -> Any:
    global _server
    from pysail.spark import SparkConnectServer

    os.environ.setdefault("RUST_LOG", "error")  # each request is a line otherwise, and each `persist` a warning
    if _server is None:
        _server = SparkConnectServer(_HOST, 0)
        _server.start(background=True)
    _, port = _server.listening_address
    return _connected(f"sc://{_HOST}:{port}")
