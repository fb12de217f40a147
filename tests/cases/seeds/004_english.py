from johnsnowlabs import nlp, medical

# Start Spark session
spark = nlp.start()

# Build the pipeline
document_assembler = nlp.DocumentAssembler() \
    .setInputCol("text") \
    .setOutputCol("document")

tokenizer = nlp.Tokenizer() \
    .setInputCols("document") \
    .setOutputCol("token")

token_classifier = nlp.RoBertaForTokenClassification \
    .pretrained("roberta_med_ner_onnx", "en", "clinical/models") \
    .setInputCols(["document", "token"]) \
    .setOutputCol("ner")

converter = nlp.NerConverter() \
    .setInputCols(["document", "token", "ner"]) \
    .setOutputCol("ner_chunk")

pipeline = nlp.Pipeline(stages=[
    document_assembler, tokenizer,
    token_classifier, converter
])

# Sample clinical text
sample_text = """The patient was diagnosed with type 2 diabetes mellitus and arterial hypertension.
She underwent percutaneous coronary intervention last year. Current medications include
metformin 500mg twice daily, insulin glargine 20 units at bedtime, and aspirin 81mg daily.
She reports occasional chest pain and shortness of breath."""

data = spark.createDataFrame([[sample_text]]).toDF("text")
result = pipeline.fit(data).transform(data)

result.selectExpr("explode(ner_chunk) as chunk").selectExpr(
    "chunk.result as chunk",
    "chunk.metadata['entity'] as entity"
).show(truncate=False)
