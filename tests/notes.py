"""Notes made of clinical fragments: enough to find entities in, and nothing a better model would miss."""

import random

FRAGMENTS = (
    "The kidney and the liver were normal.",
    "Biopsy of the left kidney.",
    "CT of the chest, abdomen/pelvis: no metastases in the liver.",
    "Cardiac muscle tissue and connective tissue were seen.",
    "Blood was drawn; mitochondria in the epithelial cells are enlarged.",
    "Pt. denies SOB, N/V; BP 120/80, HR 72, temp. 37.4 °C.",
    "HISTORY:\n- lung cancer 2019\n- renal stones",
    "2. heart: S1, S2, no murmur (grade II/VI?)",
    "Started metformin 500 mg b.i.d. for type 2 diabetes.",
    "Se observó inflamación del corazón y del hígado.",
    "L'esame dell'encefalo è nella norma; il rene sinistro è ridotto.",
    "De patiënt heeft een ontsteking van de linkernier.",
    "Tumor cells in the pleura;;; margins free!!! p<0.05",
    "Dr. A. Smith dictated: skin, bone marrow & spleen – all unremarkable…",
)
SEPARATORS = (" ", "\n", "\n\n", "\r\n", "\t", "  ", " \u00a0", ", ", "")
SENTINEL = "kidney"


def clinical_notes(count: int, *, seed: int = 0) -> list[str]:
    """Notes of one to eight fragments, some copied forward from the note before."""
    chance = random.Random(seed)
    notes: list[str] = []
    for _ in range(count):
        pieces = [notes[-1]] if notes and len(notes[-1]) < 500 and chance.random() < 0.3 else []
        pieces += chance.choices(FRAGMENTS, k=chance.randint(1, 8))
        notes.append("".join(piece + chance.choice(SEPARATORS) for piece in pieces))
    return notes


def long_note(characters: int, *, every: int = 200, sentences: bool = True) -> tuple[str, list[int]]:
    """A note with an easy entity at every so many characters, and where each begins.

    Args:
        characters: length of the note.
        every: distance of the entities.
        sentences: end the sentences; without, the note has neither full stops nor line breaks.
    """
    chance = random.Random(characters)
    words = "was seen again today and then sent home with advice to rest and to call the clinic if in doubt".split()
    stop = ".\n" if sentences else " and"
    parts = []
    for _ in range(characters // every):
        part = "The left kidney was normal" + stop
        while len(part) < every:
            part += " " + chance.choice(words)
        parts.append(part[: every - 2] + (". " if sentences else "  "))
    return "".join(parts), [i * every + len("The left ") for i in range(len(parts))]


def covered(entities, start: int, stop: int) -> bool:
    """Whether an entity covers a stretch."""
    return any(e.start <= start and stop <= e.end for e in entities)
