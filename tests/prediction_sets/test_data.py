"""Trees that own their tokens, of Python and of SQL; bytecode; and data that are not part of this repository."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st
from prediction_sets.shared import LINES, tree_of

import foretold.data
from foretold.papers.prediction_sets import idea
from foretold.papers.prediction_sets.data import as_text, bare, humaneval, python, sql

# Trees and what they own


@pytest.mark.parametrize("line", LINES)
def test_every_cost_is_owned_once_and_the_text_is_written_back(line, rng):
    words = python.words(line)
    text, starts = as_text(words)
    costs = rng.exponential(1, len(words)).tolist()
    tree = python.python_tree(text, starts, costs, 0.25)
    assert tree.costs.sum() == pytest.approx(sum(costs) + 0.25)
    assert idea.render(tree) == text
    assert tree.ends[0] == len(tree.nodes)


def test_names_and_brackets_belong_to_the_innermost_node_around_them():
    line = "x.append(y)"
    tree = python.python_tree(line, [0, 1, 2, 8, 9, 10], [1.0, 2.0, 4.0, 8.0, 16.0, 32.0], 64.0)
    call, attribute, name, argument = tree.nodes
    assert (call.cost, attribute.cost, name.cost, argument.cost) == (8 + 32 + 64, 2 + 4, 1, 16)


def test_repeated_children_have_their_own_places():
    """The published code gives the same place to all three and loses commas."""
    tree = python.python_tree("f(a,a,a)", list(range(8)), [1, 2, 4, 8, 16, 32, 64, 128])
    assert [node.cost for node in tree.nodes] == [2 + 8 + 32 + 128, 1, 4, 16, 64]
    assert tree.text == ("", "(", ",", ",", ")")


def test_what_is_no_python_is_one_node_with_all_the_cost():
    tree = python.python_tree("return (", [0, 7], [1.0, 2.0], 0.5)
    assert len(tree.nodes) == 1
    assert tree.cost == 3.5
    assert not idea.contains(tree, tree_of("return x"))


UNUSUAL = ["f(a=1, *b)", "x[1:]", "x[:1]", "lambda a, b=1: a", "{**a, 1: 2}", "'ä' + é", "f(x for x in y)"]


@pytest.mark.parametrize("line", UNUSUAL)
def test_unusual_syntax_has_a_tree_that_equals_itself_alone(line):
    text, starts = as_text(python.words(line))
    tree = python.python_tree(text, starts, [1.0] * len(starts))
    assert tree.costs.sum() == len(starts)
    assert idea.contains(tree, tree_of(line))
    assert not idea.contains(tree, tree_of("x[1]"))


def test_slices_that_differ_in_their_ends_are_different():
    assert not idea.contains(tree_of("x[1:]"), tree_of("x[:1]"))


SQL = ["SELECT", "FROM", "WHERE", "a", "b", ",", "=", "AND", "(", ")", "MAX(", "BETWEEN"]


@given(st.lists(st.sampled_from(SQL), min_size=1, max_size=25))
@settings(max_examples=150, deadline=None)
def test_any_words_of_sql_have_a_tree_that_owns_each_once(words):
    text, starts = as_text(words)
    tree = sql.sql_tree(text, starts, [2.0**i for i in range(len(words))])
    assert tree.costs.sum() == 2 ** len(words) - 1
    assert idea.render(tree) == text


def test_a_query_has_clauses_items_and_operands():
    text = "SELECT a , MAX( b ) FROM t AS u WHERE x = ( SELECT y FROM v ) AND z BETWEEN 1 AND 2 ;"
    tree = bare(text.split(), sql.sql_tree)
    assert [clause.label.split()[1] for clause in tree.children] == ["SELECT", "FROM", "WHERE"]
    first, second = tree.children[2].children
    assert first.children[1].children[0].label.startswith("query")
    assert second.label == "item  _ BETWEEN _ AND _ ;"


# Bytecode


def test_bytecode_is_what_python_compiles():
    code = compile("a.b(c) + 1", "", "eval")
    words = python.bytecode(code)
    assert [word for word in words if word in ("a", "b", "c")] == ["a", "b", "c"]
    assert words[-2:] == ["BINARY_OP", "+"]
    assert python.same_bytecode(["(", "a", ")", "+", "b"], ["a", "+", "b"])
    assert not python.same_bytecode(["a", "+", "b"], ["b", "+", "a"])
    assert not python.same_bytecode(["a", "+"], ["a", "+"])


def test_names_of_keyword_arguments_are_part_of_the_bytecode():
    """dis says of them only where they are kept; without them f(a=1) and f(b=1) would be the same."""
    words = python.bytecode(compile("f(x, first=1, second=2)", "", "eval"))
    at = words.index("KW_NAMES")
    assert words[at : at + 3] == ["KW_NAMES", "first", "second"]
    assert not python.same_bytecode(python.words("f(a=1)"), python.words("f(b=1)"))
    assert not python.same_bytecode(python.words("f(a=1)"), python.words("f(1)"))


# Data that are not part of this repository

needs_advising = pytest.mark.skipif(
    not foretold.data.available("text2sql-advising"), reason="NOT TESTED ON ADVISING: no file"
)

needs_humaneval = pytest.mark.skipif(
    not foretold.data.available("humaneval"), reason="NOT TESTED ON HUMANEVAL: no file"
)


@pytest.fixture(scope="module")
def advising():
    return sql.questions(foretold.data.fetch("text2sql-advising"))


@pytest.fixture(scope="module")
def lines():
    return humaneval.problems(foretold.data.fetch("humaneval"))


@needs_advising
def test_every_query_of_advising_has_a_tree_that_writes_it_back(advising):
    assert len(advising) == 2_884
    for _, query in advising:
        assert idea.render(bare(query, sql.sql_tree)) == " ".join(query)


@needs_humaneval
def test_93_last_lines_of_humaneval_pass_the_authors_filter(lines):
    assert len(lines) == 93
    assert all(problem.given.endswith("return") and problem.line.startswith("return ") for problem in lines)
    assert not any(humaneval.truth(problem).label.startswith("no Python") for problem in lines)
