"""The annotators: pure functions from a batch to the batch with one more column."""
