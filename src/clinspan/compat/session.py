"""A Spark session: the one that is running, classic PySpark where it and Java are, else Sail in this process."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from typing import Any, Final

from clinspan.exceptions import MissingExtraError

_HOST: Final = "127.0.0.1"


def start(*_: Any, **options: Any) -> Any:
    """Return a Spark session.

    Licences, jars, memory and GPU options of `sparknlp.start` and `nlp.start` are accepted and not needed.

    Args:
        options: `master_url` and `spark_conf` (or `params`) go to classic PySpark.

    Raises:
        MissingExtraError: if neither classic PySpark with Java nor Sail is installed.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    engine = chosen_engine()
    if engine == "classic":
        return _classic(options)
    if engine == "sail":
        return _sail()
    raise MissingExtraError.from_extra("spark", "A Spark session")


def chosen_engine() -> str:
    """Return `classic`, `sail`, or "" for none."""
    if importlib.util.find_spec("pyspark") is None:
        return ""
    classic = importlib.util.find_spec("py4j") is not None
    if classic and (os.environ.get("JAVA_HOME") or shutil.which("java")):
        return "classic"
    return "sail" if importlib.util.find_spec("pysail") is not None else ""


def _classic(options: dict[str, Any]) -> Any:
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    conf = {**(options.get("spark_conf") or {}), **(options.get("params") or {})}
    builder = SparkSession.builder.appName("clinspan").master(options.get("master_url") or "local[*]")
    for key, value in conf.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


_server: Any = None  # kept alive with the process


def _sail() -> Any:
    global _server
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    os.environ.setdefault("RUST_LOG", "warn")  # each request is a line otherwise
    if _server is None:
        _server = SparkConnectServer(_HOST, 0)
        _server.start(background=True)
    _, port = _server.listening_address
    return SparkSession.builder.remote(f"sc://{_HOST}:{port}").getOrCreate()
