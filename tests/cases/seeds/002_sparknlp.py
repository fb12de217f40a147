import sparknlp
from sparknlp.base import DocumentAssembler
from sparknlp.annotator import SentenceDetectorDLModel, Tokenizer
from sparknlp_jsl.annotator import MedicalBertForTokenClassifier, NerConverterInternal
from pyspark.ml import Pipeline

spark = sparknlp.start()

documentAssembler = DocumentAssembler()	.setInputCol("text")	.setOutputCol("document")

sentenceDetector = SentenceDetectorDLModel.pretrained("sentence_detector_dl", "xx")   .setInputCols(["document"])  .setOutputCol("sentence")

tokenizer = Tokenizer()  .setInputCols("sentence")  .setOutputCol("token")

tokenClassifier = MedicalBertForTokenClassifier.pretrained("bert_token_classifier_ner_clinical", "nl", "clinical/models")  .setInputCols(["token", "sentence"])  .setOutputCol("ner")  .setCaseSensitive(True)

ner_converter = NerConverterInternal()  .setInputCols(["sentence","token","ner"])  .setOutputCol("ner_chunk")

pipeline =  Pipeline(stages=[
		documentAssembler,
		sentenceDetector,
		tokenizer,
		tokenClassifier,
		ner_converter])


sample_text = "Dhr. Van Dijk, 58 jaar oud, kwam naar de kliniek met klachten van aanhoudende hoest, koorts en kortademigheid. We hebben besloten om een röntgenfoto van de borst, bloedonderzoek en een CT-scan te laten uitvoeren. De resultaten wezen op een ernstige longontsteking, een verhoogd aantal witte bloedcellen en mogelijk COPD. Hem is een antibiotica-kuur en een hoestsiroop voorgeschreven. Daarnaast adviseren we hem een voedzaam dieet te volgen."

df = spark.createDataFrame([[sample_text]]).toDF("text")

result = pipeline.fit(df).transform(df)

result.selectExpr("explode(ner_chunk) as chunk").selectExpr(
    "chunk.result as chunk",
    "chunk.metadata['entity'] as entity"
).show(truncate=False)
