"""Roles of Python tokens as told by hand, the corpus, and files of Universal Dependencies."""

import gzip
from collections import Counter

import pytest

from foretold.papers.learning_curves import data


def roles(source):
    return [pair for line in data.roles(source) for pair in line]


PROGRAM = """\
@cached
def area(self, r=2.5, *rest):
    'Doc.'
    x = pi * r if r else len(rest)
    return x.real
"""
# Its tokens, each with its role.
TOLD = """\
@ operator
cached decorator
def keyword def
area function name
( ( definition
self parameter
, , definition
r parameter
= = default
2.5 number
, , definition
* * unpack
rest parameter
) ) definition
: : block
'Doc.' docstring
x local store
= = assignment
pi global load
* * operator
r local load
if if: choice
r local load
else else: choice
len builtin call
( ( call
rest local load
) ) call
return keyword return
x local load
. . attribute
real attribute
"""


def test_roles_of_a_small_program_as_told_by_hand():
    found = roles(PROGRAM)
    assert [f"{word} {role}" for word, role in found] == TOLD.splitlines()


@pytest.mark.parametrize(
    ("source", "word", "role"),
    [
        ("from os.path import join as j\n", "os", "module"),
        ("from os.path import join as j\n", "join", "imported name"),
        ("from os.path import join as j\n", "j", "alias"),
        ("import os.path\n", "path", "module"),
        ("f(a=b)\n", "a", "keyword argument"),
        ("f(a=b)\n", "=", "= keyword"),
        ("class A(B): pass\n", "B", "base class"),
        ("class A:\n    k = 1\n", "k", "class attribute"),
        ("try:\n    f()\nexcept OSError as e:\n    raise\n", "OSError", "exception"),
        ("raise ValueError('x')\n", "ValueError", "exception"),
        ("x = [i for i in y if i]\n", "for", "for: comprehension"),
        ("x = [i for i in y if i]\n", "if", "if: filter"),
        ("for i in y: pass\n", "in", "in: loop"),
        ("if 1 not in y: pass\n", "not", "not: in"),
        ("if 1 not in y: pass\n", "if", "if: statement"),
        ("self.é.x = -1\n", "x", "attribute store"),
        ("self.é.x = -1\n", "-", "- sign"),
        ("d['k']\n", "'k'", "key"),
        ("d[1:2]\n", ":", ": slice"),
        ("def f(a=x): return a\n", "x", "global load"),
        ("f(lambda a: 1)\n", ":", ": lambda"),
        ("def f(x: int): pass\n", "int", "annotation"),
    ],
)
def test_the_role_of_one_token(source, word, role):
    assert dict(roles(source))[word] == role


def test_every_token_has_a_role_and_hardly_one_is_left_unnamed():
    sentences, module = data.corpus(30_000)
    tags = Counter(tag for sentence in sentences for _, tag in sentence)
    assert len(sentences) == len(module) and sum(tags.values()) >= 30_000
    assert all(tags) and tags["other name"] <= 1e-3 * sum(tags.values())
    assert 80 <= len(tags) <= 130
    assert len({data.coarse(tag) for tag in tags}) < 0.75 * len(tags)


def test_the_corpus_is_the_same_each_time_and_whole_modules_are_its_parts():
    one, two = data.corpus(5_000), data.corpus(12_000)
    assert two[0][: len(one[0])] == one[0] and two[1][: len(one[1])] == one[1]
    with pytest.raises(ValueError, match="words is 0"):
        data.corpus(0)


def test_conllu_and_the_compact_form_are_read_alike(tmp_path):
    rows = "# sent\n1-2\tdon't\t_\t_\t_\n1\tdo\tdo\tAUX\tVBP\n2\tn't\tnot\tPART\tRB\n2.1\tx\tx\tX\tX\n\n"
    rows += "1\tGo\tgo\tVERB\tVB\n\n"
    (tmp_path / "a.conllu").write_text(rows, encoding="utf-8")
    with gzip.open(tmp_path / "a.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("# doc\ndo\tAUX\tVBP\nn't\tPART\tRB\n\nGo\tVERB\tVB\n")
    for column, tags in (("upos", ["AUX", "PART", "VERB"]), ("xpos", ["VBP", "RB", "VB"])):
        one, two = (data.read_ud(tmp_path / name, column) for name in ("a.conllu", "a.tsv.gz"))
        assert one == two and [tag for sentence in one for _, tag in sentence] == tags
    with pytest.raises(ValueError, match="column is 'lemma'"):
        data.read_ud(tmp_path / "a.conllu", "lemma")


def test_ewt_has_the_published_sizes(ewt):
    sizes = {}
    for name, path in ewt.items():
        sentences = data.read_ud(path)
        sizes[name] = len(sentences), sum(map(len, sentences))
    assert sizes == {"ewt-train": (12_544, 204_577), "ewt-dev": (2_001, 25_147), "ewt-test": (2_077, 25_094)}
    everything = [pair for path in ewt.values() for sentence in data.read_ud(path) for pair in sentence]
    assert len(everything) == 254_818 and len({tag for _, tag in everything}) == 49
