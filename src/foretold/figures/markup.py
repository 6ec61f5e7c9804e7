"""What all figures have in common on a page: a text alternative, a caption, a place in the notebook's output."""

from __future__ import annotations

import html
import json
import re
from typing import Any

_MARKED = re.compile(r"`(?P<code>[^`]+)`|\$(?P<maths>(?!\s)[^$]+(?<!\s))\$(?!\d)|\*(?P<stress>(?!\s)[^*]+(?<!\s))\*")
_ELEMENTS = {
    "code": "<code>{}</code>",
    # The classes that Sphinx gives maths: MathJax looks nowhere else on its pages.
    "maths": '<span class="math notranslate nohighlight">\\({}\\)</span>',
    "stress": "<em>{}</em>",
}


def require_text(argument: str, text: Any) -> None:
    """Raise a ValueError that names the argument unless `text` says something."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{argument} = {text!r} must be a sentence: every figure says in words what it shows")


def attribute(text: str) -> str:
    """A text as the value of an HTML attribute, on one line."""
    return html.escape(" ".join(text.split()), quote=True)


def figcaption(caption: str) -> str:
    """A caption as HTML; ``code``, ``*emphasis*`` and ``$maths$`` are understood."""
    return f'<figcaption style="text-align:left;padding:0">{_inline_markdown(caption)}</figcaption>'


def _inline_markdown(text: str) -> str:
    """Escaped HTML with ``code``, ``*emphasis*`` and ``$maths$``; blanks matter as in Pandoc."""
    parts, end = [], 0
    for match in _MARKED.finditer(text):
        kind = str(match.lastgroup)
        parts.append(html.escape(text[end : match.start()], quote=False))
        parts.append(_ELEMENTS[kind].format(html.escape(match[kind], quote=False)))
        end = match.end()
    return "".join(parts) + html.escape(text[end:], quote=False)


def display(markup: str, text: str, extra: dict[str, Any] | None = None) -> None:
    """Show HTML in the notebook, and `text` where there is no HTML; `extra` holds more forms by MIME type.

    Raises TypeError or ValueError, in the cell that made it, for an `extra` that is not JSON.
    """
    import IPython.display

    # Through JSON and back, so that numpy scalars or tuples fail here and not when the notebook is saved.
    extra = json.loads(json.dumps(extra or {}, allow_nan=False))
    IPython.display.display({"text/html": markup, "text/plain": text, **extra}, raw=True)
