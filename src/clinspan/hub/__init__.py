"""Finding, checking and describing models."""
