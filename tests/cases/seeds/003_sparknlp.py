import sparknlp
from sparknlp.base import DocumentAssembler
from sparknlp.annotator import NerDLModel, SentenceDetector, Tokenizer, WordEmbeddingsModel
from pyspark.ml import Pipeline

spark = sparknlp.start()

# the frame that the card takes for granted: sentences, tokens and their vectors
stages = [
    DocumentAssembler().setInputCol("text").setOutputCol("document"),
    SentenceDetector().setInputCols(["document"]).setOutputCol("sentence"),
    Tokenizer().setInputCols(["sentence"]).setOutputCol("token"),
    WordEmbeddingsModel.pretrained("embeddings_clinical", "en", "clinical/models")
    .setInputCols(["sentence", "token"])
    .setOutputCol("embeddings"),
]
notes = spark.createDataFrame([["The patient has severe chest pain and was started on aspirin. A chest X-ray was ordered."]])
data = notes.toDF("text")
data = Pipeline(stages=stages).fit(data).transform(data)

clinical_ner = NerDLModel.pretrained("ner_clinical", "en", "clinical/models") \
  .setInputCols(["sentence", "token", "embeddings"]) \
  .setOutputCol("ner")


nlpPipeline = Pipeline(stages=[clinical_ner])

empty_data = spark.createDataFrame([[""]]).toDF("text")

model = nlpPipeline.fit(empty_data)

results = model.transform(data)

results.selectExpr("explode(ner) as tag").selectExpr(
    "tag.metadata['word'] as token",
    "tag.result as ner"
).show(100, truncate=False)
