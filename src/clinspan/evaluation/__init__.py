"""Scores for entities and tokens; needs no PyTorch."""
