"""`python -m clinspan` is the `clinspan` command."""

from clinspan.cli import app

app()
