"""What is installed, which Spark `start()` would use, and what stands in its way."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from clinspan.compat.session import CLASSIC, SAIL, chosen_engine
from clinspan.inference.session import available_threads

PACKAGES: Final = (
    *("onnxruntime", "tokenizers", "pyarrow", "numpy"),
    *("pandas", "polars", "pyspark", "pyspark-client", "pysail", "torch", "transformers"),
)
_JAVA: Final = {"3": (8, 11, 17), "4": (17, 21)}  # releases that a major version of Spark runs on
_SAIL_CLIENT: Final = "4.1"  # the client that Sail speaks with


@dataclass(frozen=True)
class Environment:
    """What was found.

    Attributes:
        packages: versions by name; "" for what is not installed.
        java: major version; 0 for none.
        engine: what `start()` would use: `classic`, `sail`, or "" for none.
        threads: that inference uses by default.
    """

    packages: dict[str, str]
    java: int
    engine: str
    threads: int

    @classmethod
    def found(cls) -> Environment:
        """Look around; nothing is imported or started but `java -version`."""
        return cls({name: _version(name) for name in PACKAGES}, java_version(), chosen_engine(), available_threads())

    @property
    def python(self) -> str:
        """Version and place of the interpreter."""
        return f"{platform.python_version()} ({sys.executable})"

    @property
    def spark(self) -> str:
        """The engine of `start()`, in words."""
        if self.engine == CLASSIC:
            return f"classic PySpark {self.packages['pyspark']} on Java {self.java}"
        if self.engine == SAIL:
            return f"Sail {self.packages['pysail']} in this process, without Java"
        return "none"

    def problems(self) -> list[str]:
        """Return what would go wrong with Spark, each with what to do about it."""
        checks = (self._no_engine(), self._wrong_java(), self._wrong_client(), self._both(), self._other_python())
        return [problem for problem in checks if problem]

    def _no_engine(self) -> str:
        if self.engine or not (self.packages["pyspark"] or self.packages["pyspark-client"]):
            return ""
        return "PySpark is there, but neither Java nor Sail: install Java 17, or pip install 'clinspan[spark]'."

    def _wrong_java(self) -> str:
        major = self.packages["pyspark"].partition(".")[0]
        wanted = _JAVA.get(major, ())
        if self.engine != CLASSIC or not self.java or not wanted or self.java in wanted:
            return ""
        known = " or ".join(map(str, wanted))
        return f"PySpark {major} runs on Java {known}, not {self.java}: install one of these and set JAVA_HOME to it."

    def _wrong_client(self) -> str:
        client = self.packages["pyspark-client"]
        if self.engine != SAIL or not client or client.startswith(f"{_SAIL_CLIENT}."):
            return ""
        return f"Sail speaks with pyspark-client {_SAIL_CLIENT}, not {client}: pip install 'clinspan[spark]'."

    def _both(self) -> str:
        if not (self.packages["pyspark"] and self.packages["pyspark-client"]):
            return ""
        return "pyspark and pyspark-client are both installed and overwrite each other: uninstall one of them."

    def _other_python(self) -> str:
        chosen = os.environ.get("PYSPARK_PYTHON", sys.executable)
        found = shutil.which(chosen)
        if found and Path(found).resolve() == Path(sys.executable).resolve():
            return ""
        return f"PYSPARK_PYTHON is {chosen}, not the Python that runs clinspan: unset it, or install clinspan there."


def java_version() -> int:
    """Return the major version of the Java that Spark would start, 0 if there is none."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin") if home else None)
    if java is None:
        return 0
    done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    numbers = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(numbers[1]) if numbers else 0


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
