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

converter = nlp.NerConverter() \
    .setInputCols(["document", "token", "ner"]) \
    .setOutputCol("ner_chunk")

spanish_token_classifier = medical.MedicalBertForTokenClassifier \
    .pretrained("bert_token_classifier_medical_ner_it_onnx", "it", "clinical/models") \
    .setInputCols(["document", "token"]) \
    .setOutputCol("ner")

pipeline = nlp.Pipeline(stages=[
    document_assembler, tokenizer,
    spanish_token_classifier, converter
])

sample_text_es = """El paciente fue diagnosticado con diabetes mellitus tipo 2 e hipertensión arterial.
Se le realizó una intervención coronaria percutánea el año pasado. Los medicamentos
actuales incluyen metformina 500mg dos veces al día, insulina glargina 20 unidades
al acostarse y aspirina 81mg diaria. Refiere dolor torácico ocasional y disnea."""

data_es = spark.createDataFrame([[sample_text_es]]).toDF("text")
result_es = pipeline.fit(data_es).transform(data_es)

result_es.selectExpr("explode(ner_chunk) as chunk").selectExpr(
    "chunk.result as chunk",
    "chunk.metadata['entity'] as entity"
).show(truncate=False)
