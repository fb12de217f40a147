"""Who calls the annotators, and on which batches."""
