"""Importing this module lets scripts import clinspan under the names of Spark NLP.

    import clinspan.compat.install
    from sparknlp.base import DocumentAssembler

`clinspan run script.py` does the same for a script that is left as it is.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Final

from clinspan import __version__
from clinspan.compat import medical, nlp, session
from clinspan.compat.visualizer import NerVisualizer
from clinspan.hub.importers.archives import RELEASE


def _names(*modules: ModuleType) -> dict[str, Any]:
    return {name: getattr(module, name) for module in modules for name in module.__all__}


def _version() -> str:
    """Return the version of Spark NLP that is stood in for."""
    return RELEASE


_OPEN: Final = _names(nlp)
_LICENSED: Final = _names(nlp, medical)
_START: Final = {"start": session.start, "version": _version, "__version__": RELEASE}
MODULES: Final[dict[str, dict[str, Any]]] = {
    "sparknlp": _START,
    "sparknlp.base": _OPEN,
    "sparknlp.annotation": {"Annotation": nlp.Annotation},
    "sparknlp.annotator": _OPEN,
    "sparknlp.common": _OPEN,
    "sparknlp.pretrained": _OPEN,
    "sparknlp.training": {"CoNLL": nlp.CoNLL},
    "sparknlp_jsl": _START,
    "sparknlp_jsl.base": _LICENSED,
    "sparknlp_jsl.annotator": _LICENSED,
    "sparknlp_display": {"NerVisualizer": NerVisualizer},
    "johnsnowlabs": {
        "nlp": nlp,
        "medical": medical,
        **{name: ModuleType(name, "Nothing of it is here.") for name in ("finance", "legal")},
        "__version__": __version__,
    },
    "johnsnowlabs.nlp": _OPEN,
    "johnsnowlabs.medical": _LICENSED,
}


def install() -> None:
    """Put the stand-ins in place of the modules; what is installed under their names is not touched."""
    for name, content in MODULES.items():
        module = ModuleType(name, f"clinspan in place of {name}.")
        module.__dict__.update(content)
        module.__dict__.setdefault("__all__", [key for key in content if not key.startswith("_")])
        module.__path__ = []  # a package: its parts are in the table, too
        sys.modules[name] = module
    for name in MODULES:
        parent, _, child = name.rpartition(".")
        if parent and child not in MODULES[parent]:
            setattr(sys.modules[parent], child, sys.modules[name])


install()
