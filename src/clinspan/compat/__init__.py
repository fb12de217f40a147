"""The Spark NLP face: the class names, setters and shapes that its users know, over clinspan's annotators.

`from clinspan import nlp, medical` gives the classes; `clinspan.compat.install` lets scripts import them as `sparknlp`,
`sparknlp_jsl` and `johnsnowlabs`. camelCase lives here and nowhere else.
"""
