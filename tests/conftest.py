"""The same everywhere: no variables of the caller's terminal or models, and Hypothesis' examples without a deadline."""

import os
import tempfile

from hypothesis import settings

for name in ("FORCE_COLOR", "NO_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TTY_COMPATIBLE", "TERMINAL_WIDTH"):
    os.environ.pop(name, None)
for name in ("CLINSPAN_OFFLINE", "HF_HUB_OFFLINE", "CLINSPAN_DATA"):
    os.environ.pop(name, None)
os.environ["COLUMNS"] = "100"
_home = tempfile.TemporaryDirectory(prefix="clinspan-tests-")  # gone when the tests are
os.environ |= {"CLINSPAN_HOME": f"{_home.name}/models", "CLINSPAN_CACHE_PRETRAINED": f"{_home.name}/pretrained"}

settings.register_profile("clinspan", deadline=None, derandomize=True)
settings.load_profile("clinspan")
