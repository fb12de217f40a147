"""Hypothesis draws the same examples everywhere and has no deadline: machines differ in speed."""

from hypothesis import settings

settings.register_profile("clinspan", deadline=None, derandomize=True)
settings.load_profile("clinspan")
