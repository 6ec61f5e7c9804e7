"""What the papers claim, and the verdict on each claim when it is measured again.

The claims of a chapter stand in ``papers/<chapter>/claims.yml``. `judge` compares one measured value with one claim,
`Ledger` collects the judgements of a run, and its MIME bundle carries them in the executed notebook, from where the
scoreboard, ``claims.json`` and the tests read them.
"""

from foretold.claims.files import chapters, load
from foretold.claims.judging import Judgement, judge
from foretold.claims.ledger import MIME, Ledger
from foretold.claims.look import badge, rows_html, rows_text, scroll_box
from foretold.claims.model import PROFILES, VERDICTS, Chapter, Claim, one_of
from foretold.claims.text import number, tolerance_text

__all__ = [
    "MIME",
    "PROFILES",
    "VERDICTS",
    "Chapter",
    "Claim",
    "Judgement",
    "Ledger",
    "badge",
    "chapters",
    "judge",
    "load",
    "number",
    "one_of",
    "rows_html",
    "rows_text",
    "scroll_box",
    "tolerance_text",
]
