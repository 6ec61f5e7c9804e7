"""Lines of Python and their trees, which several of this chapter's test files use."""

from foretold.papers.prediction_sets.data import as_text, bare, python

# Costs are drawn: no model of 2023 answers any more. Real lines in the style of last lines of solutions.
LINES = [
    "return [x for x in strings if substring in x]",
    "return sum(abs(x - mean) for x in numbers) / len(numbers)",
    "return ' '.join(str(x) for x in range(n + 1))",
    "return a[i] if i < len(a) else None",
    "return {k: v for k, v in d.items()}",
    "return sorted(x, key=lambda y: y[0])[-1]",
    "return (a + b) * (c - d) >= e ** 2",
    "return string[::-1] == string or not string",
]


def priced(line, rng):
    """The tree of a line whose words cost half a nat on average."""
    words = python.words(line)
    text, starts = as_text(words)
    return python.python_tree(text, starts, rng.exponential(0.5, len(words)).tolist(), 0.1)


def tree_of(line):
    return bare(python.words(line), python.python_tree)
