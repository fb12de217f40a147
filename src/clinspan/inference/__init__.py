"""Running a model: sub-words, windows, sessions, decoding."""
