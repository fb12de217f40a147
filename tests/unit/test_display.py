"""What a document shows of itself."""

import re

from clinspan.document import Document, Entity

_MARKUP = r"<mark[^>]*>|</mark>|<b style[^>]*>|</b>|</?div[^>]*>"


def test_a_notebook_shows_the_text_escaped_and_of_overlapping_entities_the_first():
    spans = [("<b>\nx", "A", 1, 6), ("\nx", "B", 4, 6), ("y", "A&B", 7, 8)]
    entities = tuple(Entity(text, label, start, end, 0.5, 0, "m") for text, label, start, end in spans)
    html = Document("><b>\nx y\nz", entities)._repr_html_()
    assert re.sub(_MARKUP, "", html) == "&gt;&lt;b&gt;\nx A y A&amp;B<br>z"
