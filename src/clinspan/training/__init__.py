"""Training models; needs the train extra."""
