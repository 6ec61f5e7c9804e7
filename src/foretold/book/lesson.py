"""A chapter taken apart for teaching: sections of prose, equations, lists, tables, figures and the place of its claims
table."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin

from foretold import claims, run


@dataclass
class Block:
    """A piece of a chapter. `kind` is ``prose``, ``equation``, ``item`` (of a list), ``table``, ``figure`` or
    ``claims``; `text` is the Markdown of prose, and the words that stand for a figure."""

    kind: str
    html: str = ""
    text: str = ""

    @property
    def lines(self) -> float:
        """About how many lines it takes on a slide."""
        if self.kind == "equation":
            return 2.5
        if self.kind == "table":
            return 1.4 * self.html.count("<tr")
        return 0.6 + -(-len(re.sub(r"<[^>]+>", "", self.html)) // 85)


@dataclass
class Section:
    """What stands under one heading, until the next of any level."""

    level: int
    title: str
    blocks: list[Block] = field(default_factory=list)


def read(notebook: Any) -> list[Section]:
    """An executed notebook as sections of blocks: its prose, its figures and the place of its claims table. Code,
    solutions and printed text are left out."""
    sections = [Section(1, "")]
    for cell in notebook.cells:
        if {"solution", "remove-cell"} & set(cell.metadata.get("tags", [])):
            continue
        if cell.cell_type == "markdown":
            _read_markdown(cell.source, sections)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            shown = "".join(data.get("text/html", ""))
            if claims.MIME in data:
                sections[-1].blocks.append(Block("claims"))
            elif run.STAMP_MIME in data:
                sections[-1].blocks.append(Block("table", shown))
            elif 'class="foretold-figure"' in shown or 'class="foretold-interactive"' in shown:
                sections[-1].blocks.append(Block("figure", shown, "".join(data.get("text/plain", ""))))
    return [section for section in sections if section.title or section.blocks]


def _markdown() -> MarkdownIt:
    def maths(content: str, options: dict[str, Any]) -> str:
        tag, opening, closing = ("div", r"\[", r"\]") if options["display_mode"] else ("span", r"\(", r"\)")
        return f'<{tag} class="math">{opening}{html.escape(content.strip())}{closing}</{tag}>'

    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    markdown.use(dollarmath_plugin, renderer=maths, double_inline=False)
    markdown.use(amsmath_plugin, renderer=lambda content: maths(content, {"display_mode": True}))
    markdown.core.ruler.push("offline", _offline)
    for rule in ("html_block", "html_inline"):  # the text inside <details> and the like stays
        markdown.add_render_rule(rule, lambda self, tokens, index, options, env: "")
    return markdown


def _offline(state: StateCore) -> None:
    """Leave out what a packet cannot hold: links to other pages of the book (their words stay), and images."""
    for token in state.tokens:
        kept, inside = [], False
        for child in token.children or []:
            if child.type == "link_open" and not str(child.attrs["href"]).startswith(("http://", "https://")):
                inside = True
            elif child.type == "link_close" and inside:
                inside = False
            elif child.type != "image":
                kept.append(child)
        if token.children is not None:
            token.children = kept


MARKDOWN = _markdown()
KINDS = {"math_block": "equation", "math_block_label": "equation", "amsmath": "equation", "table_open": "table"}


def _read_markdown(source: str, sections: list[Section]) -> None:
    known: dict[str, Any] = {}
    tokens = MARKDOWN.parse(source, known)
    begin = 0
    while begin < len(tokens):
        token, end = tokens[begin], begin + 1
        if token.nesting == 1:
            end = next(i for i in range(begin, len(tokens)) if tokens[i].level == token.level and tokens[i].nesting < 0)
            end += 1
        if token.type in ("bullet_list_open", "ordered_list_open"):
            sections[-1].blocks += _items(tokens[begin:end])
        elif token.type == "heading_open":
            sections.append(Section(int(token.tag[1]), inline(tokens[begin + 1].content)))
        else:
            markup = MARKDOWN.renderer.render(tokens[begin:end], MARKDOWN.options, {}).strip()
            kind = KINDS.get(token.type, "prose")
            if kind == "table" and not re.sub(r"<[^>]+>|\s", "", markup.split("</thead>")[0]):
                markup = re.sub(r"<thead>.*?</thead>", "", markup, flags=re.S)
                markup = re.sub(r"<tr>\s*<td>(.*?)</td>", r'<tr><th scope="row">\1</th>', markup)
            text = tokens[begin + 1].content if kind == "prose" and end - begin == 3 else ""
            if markup:
                sections[-1].blocks.append(Block(kind, markup, _resolved(text, known.get("references", {}))))
        begin = end


def _resolved(text: str, references: dict[str, Any]) -> str:
    """Prose in which links by reference, ``[words][name]``, hold their address, so that a sentence can stand alone."""
    for name, target in references.items():
        end = re.compile(rf"\]\[{re.escape(name)}\]", re.IGNORECASE)
        text = end.sub(lambda found, href=target["href"]: f"]({href})", text)
    return text


def _items(tokens: list[Any]) -> Iterator[Block]:
    """The items of a list, each as a list of one, so that a long list can go on on the next slide."""
    outer, number = tokens[0].tag, int(tokens[0].attrs.get("start", 1))
    starts = [i for i, token in enumerate(tokens) if token.type == "list_item_open" and token.level == 1]
    for count, (begin, end) in enumerate(zip(starts, [*starts[1:], len(tokens) - 1], strict=True)):
        opening = f'<ol start="{number + count}">' if outer == "ol" else "<ul>"
        inner = MARKDOWN.renderer.render(tokens[begin:end], MARKDOWN.options, {})
        yield Block("item", f"{opening}{inner}</{outer}>")


def join(blocks: list[Block]) -> str:
    """Blocks as HTML; items that follow each other are one list."""
    return re.sub(r"</(ul|ol)>\s*<\1[^>]*>", "", "\n".join(block.html for block in blocks))


def sentences(text: str) -> list[str]:
    """Markdown prose, cut where sentences end; never inside maths, code or emphasis, nor after an abbreviation."""
    found = [""]
    for part in re.split(r"(?<=[.!?])\s+(?=[^a-z\s])", text.strip()):
        last = found[-1]
        whole = all(last.count(mark) % 2 == 0 for mark in "$`*") and last.count("[") == last.count("]")
        if last and whole and not re.search(r"(\b[A-Z]|\bal|\be\.g|\bi\.e|\bvs|\bcf|\bFig|\bEq|\bp)\.$", last):
            found.append(part)
        else:
            found[-1] = f"{last} {part}".strip()
    return found


def inline(text: str) -> str:
    """Markdown without paragraphs as HTML."""
    return MARKDOWN.renderInline(text)


def first(text: str, words: int) -> str:
    """The first sentences of Markdown prose, as many as have this many words together, and at least one."""
    taken, *rest = sentences(text)
    for sentence in rest:
        if len(f"{taken} {sentence}".split()) > words:
            break
        taken = f"{taken} {sentence}"
    return taken
