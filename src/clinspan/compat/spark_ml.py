"""Stages as real stages of pyspark.ml where Spark is loaded, so that its own Pipeline takes, saves and loads them."""

from __future__ import annotations

import sys
from functools import cache
from types import new_class
from typing import Any, Final

_METHODS: Final = {"_transform": "transform", "_fit": "fit"}  # abstract there, written here under their public names


def with_spark_bases(cls: type, base: str) -> type:
    """Return the class itself, or once Spark is loaded a subclass that is a stage of pyspark.ml, too.

    Args:
        cls: a stage of this package.
        base: `Transformer` or `Estimator`.
    """
    return _twin(cls, base) if "pyspark" in sys.modules and "_spark_twin" not in vars(cls) else cls


@cache
def _twin(cls: type, base: str) -> type:
    import pyspark.ml.base
    from pyspark.ml.util import MLReadable, MLWritable

    methods: dict[str, Any] = {ours: getattr(cls, theirs) for ours, theirs in _METHODS.items() if hasattr(cls, theirs)}
    names = {"__module__": cls.__module__, "__doc__": cls.__doc__, "_spark_twin": True}
    bases = (cls, getattr(pyspark.ml.base, base), MLReadable, MLWritable)
    return new_class(cls.__name__, bases, {}, lambda namespace: namespace.update(methods | names))
