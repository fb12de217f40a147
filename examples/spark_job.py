"""Annotate a table of notes on a cluster.

spark-submit examples/spark_job.py NOTES.parquet ENTITIES.parquet [MODEL ...]

NOTES has the columns `id` and `text`. clinspan has to be installed on the workers, or shipped with
`--archives environment.tar.gz#environment` and PYSPARK_PYTHON=./environment/bin/python.
"""

import sys

import clinspan


def main(notes: str, entities: str, *models: str) -> None:
    """Read notes, write one row per entity."""
    spark = clinspan.start()
    recognizer = clinspan.load(*(models or ("en/slim",)))
    table = recognizer.entities(spark.read.parquet(notes), text_col="text", id_col="id")
    table.write.parquet(entities)


if __name__ == "__main__":
    main(*sys.argv[1:])
