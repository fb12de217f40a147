"""The example notes that `clinspan demo` annotates."""

from __future__ import annotations

from typing import Final, NamedTuple


class Example(NamedTuple):
    """A note and the models to read it with."""

    title: str
    models: tuple[str, ...]
    text: str


EXAMPLES: Final = (
    Example(
        "The heart, from a model card",
        ("en/anatomy",),
        "The heart is an organ composed of cardiac muscle tissue and supported by connective tissue, making it a "
        "complex multi-tissue structure within the circulatory system, an anatomical system. It develops from the "
        "embryonic heart tube, a developing anatomical structure, and is connected to the left atrium, an organism "
        "subdivision. Surrounding it is the pericardial sac, an immaterial anatomical entity, which encloses the "
        "pericardial cavity, another immaterial anatomical entity. Within the myocardium, cardiac cells function "
        "together, and inside them, mitochondria act as vital cellular components. The blood circulating through "
        "the heart is an organism substance, while pus may accumulate in case of infection, representing a "
        "pathological formation. Sometimes, tumors can also arise in the lung, another organ, showing abnormal "
        "pathological formations.",
    ),
    Example(
        "A referral for mammography, from a model card",
        ("en/slim",),
        "HISTORY: 30-year-old female presents for digital bilateral mammography secondary to a soft tissue lump "
        "palpated by the patient in the upper right shoulder. The patient has a family history of breast cancer within "
        "her mother at age 58. Patient denies personal history of breast cancer.",
    ),
    Example(
        "Medications, from a model announcement",
        ("en/medication",),
        "The patient was diagnosed with type 2 diabetes mellitus and arterial hypertension.\n"
        "She underwent percutaneous coronary intervention last year. Current medications include\n"
        "metformin 500mg twice daily, insulin glargine 20 units at bedtime, and aspirin 81mg daily.\n"
        "She reports occasional chest pain and shortness of breath.",
    ),
    Example(
        "A pathology report",
        ("en/anatomy",),
        "SPECIMEN: Left lower lobe, wedge resection.\n"
        "MICROSCOPIC: Sections show lung parenchyma with a 1.4 cm adenocarcinoma. Tumor cells infiltrate the "
        "visceral pleura; the bronchial margin is free. Two of six hilar lymph nodes contain metastases. The "
        "alveolar macrophages are pigmented, and the nuclei of the epithelial cells are enlarged.\n"
        "Blood was drawn for cytology.",
    ),
    Example(
        "A visit to a clinic, from a model card (Dutch)",
        ("nl/clinical",),
        "Dhr. Van Dijk, 58 jaar oud, kwam naar de kliniek met klachten van aanhoudende hoest, koorts en "
        "kortademigheid. We hebben besloten om een röntgenfoto van de borst, bloedonderzoek en een CT-scan te laten "
        "uitvoeren. De resultaten wezen op een ernstige longontsteking, een verhoogd aantal witte bloedcellen en "
        "mogelijk COPD. Hem is een antibiotica-kuur en een hoestsiroop voorgeschreven. Daarnaast adviseren we hem een "
        "voedzaam dieet te volgen.",
    ),
    Example(
        "Medications, from a model announcement (Spanish)",
        ("es/medication", "es/disease", "es/procedure", "es/symptom"),
        "El paciente fue diagnosticado con diabetes mellitus tipo 2 e hipertensión arterial.\n"
        "Se le realizó una intervención coronaria percutánea el año pasado. Los medicamentos\n"
        "actuales incluyen metformina 500mg dos veces al día, insulina glargina 20 unidades\n"
        "al acostarse y aspirina 81mg diaria. Refiere dolor torácico ocasional y disnea.",
    ),
    Example(
        "A diabetes clinic (Italian)",
        ("it/medication", "it/disease", "it/procedure", "it/symptom"),
        "La paziente lamenta astenia, poliuria e parestesie ai piedi da circa un mese. In terapia con metformina 1000 "
        "mg e insulina glargine 16 unità alla sera. All'esame obiettivo: ulcera plantare destra senza segni di "
        "infezione.\n"
        "Conclusioni: diabete mellito tipo 2 scompensato con neuropatia periferica. Si richiede ecocolordoppler degli "
        "arti inferiori.",
    ),
)
