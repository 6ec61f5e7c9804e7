"""What the papers claim, and the verdict on each claim when it is measured again.

The claims of a chapter stand in ``papers/<chapter>/claims.yml``. `judge` compares one measured value with one claim,
`Ledger` collects the judgements of a run, and its MIME bundle carries them in the executed notebook, from where the
scoreboard, ``claims.json`` and the tests read them.
"""

from foretold.claims.docket import Docket
from foretold.claims.files import chapters, load
from foretold.claims.judging import Judgement, follows, judge
from foretold.claims.ledger import MIME, Ledger
from foretold.claims.look import badge, expected_text, is_expected, ledger_html, rows_html, rows_text, scroll_box
from foretold.claims.measure import Measure, Measured, measures
from foretold.claims.model import PROFILES, VERDICTS, Chapter, Claim, one_of
from foretold.claims.text import number, tolerance_text

__all__ = [
    "MIME",
    "PROFILES",
    "VERDICTS",
    "Chapter",
    "Claim",
    "Docket",
    "Judgement",
    "Ledger",
    "Measure",
    "Measured",
    "badge",
    "chapters",
    "expected_text",
    "follows",
    "is_expected",
    "judge",
    "ledger_html",
    "load",
    "measures",
    "number",
    "one_of",
    "rows_html",
    "rows_text",
    "scroll_box",
    "tolerance_text",
]
