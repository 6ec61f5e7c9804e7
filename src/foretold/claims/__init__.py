"""What the papers claim, and the verdict on each claim when it is measured again.

The claims of a chapter stand in ``papers/<chapter>/claims.yml``, how each is measured in ``measures.py`` beside it. A
`Docket` collects what one run of the chapter has measured, with the inputs; its MIME bundle carries it in the executed
notebook, from where the scoreboard, ``claims.json``, `foretold sabotage` and the tests read it.
"""

from foretold.claims.cards import badge, expected_text, scroll_box
from foretold.claims.docket import MIME, SCHEMA, Docket
from foretold.claims.evidence import VERDICTS
from foretold.claims.files import chapters, load
from foretold.claims.measure import Measure, Measured, measures
from foretold.claims.model import PROFILES, Chapter, one_of
from foretold.claims.resampling import mean_of_runs, resampled
from foretold.claims.sabotage import permuted, replaced, shuffled, swapped
from foretold.claims.statement import Statement
from foretold.claims.text import number
from foretold.claims.verdicts import Verdict, follows, judge

__all__ = [
    "MIME",
    "PROFILES",
    "SCHEMA",
    "VERDICTS",
    "Chapter",
    "Docket",
    "Measure",
    "Measured",
    "Statement",
    "Verdict",
    "badge",
    "chapters",
    "expected_text",
    "follows",
    "judge",
    "load",
    "mean_of_runs",
    "measures",
    "number",
    "one_of",
    "permuted",
    "replaced",
    "resampled",
    "scroll_box",
    "shuffled",
    "swapped",
]
