"""Learning curves: the fit against other ways to it, what traces promise, taggers by brute force, labels by hand."""

import itertools
import json
import shutil
import subprocess
from collections import Counter

import numpy as np
import pytest
from scipy.optimize import curve_fit

import foretold
from foretold.papers.learning_curves import data, draw, experiment, idea
from foretold.papers.learning_curves.experiment import bayes, taggers
from foretold.papers.learning_curves.experiment.taggers import HMMTagger, UnigramTagger
from foretold.papers.learning_curves.idea import PowerLaw, fit_power_law, learning_trace

X = 5_000.0 * np.arange(1, 45)
EWT = experiment.by_table(foretold.data.table("learning_curves"))
TOY = [
    [("the", "D"), ("dog", "N"), ("barks", "V")],
    [("a", "D"), ("dog", "N"), ("sees", "V"), ("the", "D"), ("cat", "N")],
    [("dogs", "N"), ("bark", "V")],
    [("bark", "N"), ("peels", "V")],
]


def noisy(rng, a=3.0, b=0.4, c=0.95, sigma=0.001, x=X):
    return c - a * x**-b + sigma * rng.standard_normal(len(x))


# The power law


def test_an_exact_power_law_is_recovered_to_a_millionth():
    x = 5_000.0 * np.arange(1, 41)
    law = fit_power_law(x, 0.985 - 1.9 * x**-0.31)
    assert np.allclose(law, (1.9, 0.31, 0.985), rtol=1e-6)


def test_the_unit_of_x_changes_a_and_nothing_else():
    y = noisy(np.random.default_rng(0))
    words, thousands = fit_power_law(X, y), fit_power_law(X / 1_000, y)
    assert np.allclose((words.b, words.c), (thousands.b, thousands.c), rtol=1e-9)
    assert np.isclose(words.a, thousands.a * 1_000**words.b, rtol=1e-8)


@pytest.mark.parametrize("key", list(EWT), ids="-".join)
def test_measured_curves_are_fitted_as_scipy_fits_them(key):
    x, y = EWT[key].x / 1_000, EWT[key].mean
    for n in (10, 25, 44):
        law = fit_power_law(x[:n], y[:n])
        start = (0.2, 0.4, 0.95)
        (a, b, c), _ = curve_fit(
            lambda x, a, b, c: c - a * x**-b, x[:n], y[:n], start, bounds=([0, 1e-3, 0], [50, 5, 60]),
            method="trf", xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=20_000,
        )  # fmt: skip
        theirs = np.sum((c - a * x[:n] ** -b - y[:n]) ** 2)
        ours = np.sum((law(x[:n]) - y[:n]) ** 2)
        assert ours <= theirs * (1 + 1e-9)
        assert np.allclose(law, (a, b, c), rtol=1e-4, atol=1e-5)


def test_an_anchor_is_a_point_at_infinity():
    y = noisy(np.random.default_rng(1))
    far = fit_power_law(np.append(X, 1e200), np.append(y, 0.94))
    # at x = 1e200 x^-b is below 1e-60: nothing but rounding is between the two
    anchored = fit_power_law(X, y, anchor=0.94)
    assert np.allclose(anchored[1:], far[1:], rtol=1e-9)
    assert np.isclose(anchored.a, far.a, rtol=1e-8)


def test_an_anchor_at_the_asymptote_of_exact_data_changes_nothing():
    y = 0.985 - 1.9 * X**-0.31
    assert np.allclose(fit_power_law(X, y), fit_power_law(X, y, anchor=0.985), rtol=1e-6)


def test_residuals_are_orthogonal_to_both_columns_and_to_the_exponents_direction():
    y = noisy(np.random.default_rng(2))
    law = fit_power_law(X, y)
    residual, p = y - law(X), X**-law.b
    for column in (np.ones_like(X), p, p * np.log(X)):
        assert abs(residual @ column) <= 1e-9 * np.linalg.norm(residual) * np.linalg.norm(column)


def test_no_exponent_of_a_fine_grid_does_better():
    rng = np.random.default_rng(3)
    for n in (3, 5, 12, 44):
        y = noisy(rng, sigma=0.004)
        law = fit_power_law(X[:n], y[:n])
        rss = np.sum((law(X[:n]) - y[:n]) ** 2)
        for b in np.geomspace(1e-3, 5, 2_000):
            columns = np.stack([np.ones(n), -((X[:n] / X[0]) ** -b)], axis=1)
            (c, a), *_ = np.linalg.lstsq(columns, y[:n], rcond=None)
            if a >= 0:
                assert rss <= np.sum((columns @ (c, a) - y[:n]) ** 2) * (1 + 1e-7) + 1e-18


def test_trends_rise_and_bend_down():
    law = fit_power_law(X, noisy(np.random.default_rng(4)))
    y = law(np.linspace(1_000, 1e6, 1_000))
    assert np.all(np.diff(y) > 0) and np.all(np.diff(y, 2) < 0)
    assert law(np.inf) == law.c


def test_falling_data_get_the_constant():
    law = fit_power_law([1, 2, 3, 4], [0.9, 0.8, 0.7, 0.6])
    assert law.a == 0 and np.isclose(law.c, 0.75)


@pytest.mark.parametrize(
    ("x", "y", "anchor", "words"),
    [
        ([1, 2], [0.1, 0.2], None, r"n >= 3"),
        ([1], [0.1], 0.5, r"n >= 2"),
        ([1, 2, 3], [0.1, 0.2], None, r"shapes \(3,\) and \(2,\)"),
        ([0, 1, 2], [0.1, 0.2, 0.3], None, "x is .* above 0"),
        ([1, 3, 2], [0.1, 0.2, 0.3], None, "each larger"),
        ([1, 2, 3], [0.1, np.nan, 0.3], None, "y holds nan"),
        ([1, 2, 3], [0.1, 0.2, 0.3], np.inf, "anchor is inf"),
    ],
)
def test_bad_curves_are_errors(x, y, anchor, words):
    with pytest.raises(ValueError, match=words):
        fit_power_law(x, y, anchor)


# Two trends


def test_two_laws_cross_at_most_twice_and_all_crossings_are_found():
    rng, found = np.random.default_rng(5), Counter()
    x = np.exp(np.linspace(np.log(1e-3), np.log(1e12), 400_001))
    for _ in range(60):
        one, two = (PowerLaw(rng.uniform(0.1, 5), rng.uniform(0.2, 1.2), rng.uniform(0.8, 1)) for _ in range(2))
        signs = np.sign(one(x) - two(x))
        met = [q for q in idea.crossings(one, two) if x[0] < q < x[-1]]
        assert len(met) == np.count_nonzero(np.diff(signs))
        assert all(abs(one(q) - two(q)) < 1e-9 * (1 + abs(one(q))) for q in met)
        found[len(met)] += 1
    assert set(found) >= {1, 2}


def test_the_largest_gap_is_that_of_a_fine_grid():
    rng = np.random.default_rng(6)
    x = np.geomspace(5_000, 1e15, 200_001)
    for _ in range(40):
        one, two = (PowerLaw(rng.uniform(1, 5), rng.uniform(0.3, 0.9), rng.uniform(0.9, 1)) for _ in range(2))
        gap = np.append(np.abs(one(x) - two(x)), abs(one.c - two.c))
        assert np.isclose(idea.largest_gap(one, two, 5_000), gap.max(), rtol=1e-6)


def test_right_of_the_last_crossing_two_trends_differ_by_no_more_than_the_layer():
    rng, checked = np.random.default_rng(7), 0
    for _ in range(40):
        x = 5_000.0 * np.arange(1, 31)
        trace = learning_trace(x, np.minimum(noisy(rng, sigma=0.002, x=x), 1))
        for i, (one, two) in enumerate(itertools.pairwise(trace.laws)):
            if np.isfinite(trace.layers[i]):
                q = idea.crossings(one, two)[-1]
                assert two.c < one.c
                assert idea.largest_gap(one, two, q) <= trace.layers[i] + 1e-9
                checked += 1
    assert checked > 300


def test_the_layer_is_missing_exactly_where_the_backbone_does_not_fall_or_trends_do_not_cross():
    trace = learning_trace(X, EWT["xpos", "HMM"].mean)
    for i, (one, two) in enumerate(itertools.pairwise(trace.laws)):
        assert np.isfinite(trace.layers[i]) == (two.c < one.c and bool(idea.crossings(one, two)))
    assert np.isnan(trace.layers[-1]) and np.isnan(trace.moves[-1])


# The trace


def test_levels_of_an_exact_curve_are_the_first_ones():
    trace = learning_trace(X, 0.95 - 3 * X**-0.4)
    assert (trace.working_level, trace.prediction_level) == (3, 3)
    assert list(trace.levels) == list(range(3, 45))
    assert np.allclose(trace.asymptotes, 0.95, atol=1e-8)


def test_per_cent_and_fractions_give_the_same_levels():
    y = EWT["xpos", "unigram"].mean
    one, two = learning_trace(X, y), learning_trace(X, 100 * y)
    for name in ("working_level", "prediction_level", "convergence_level", "stop_level"):
        assert getattr(one, name) == getattr(two, name)
    assert np.allclose(100 * one.asymptotes, two.asymptotes, rtol=1e-7)


def test_the_verticality_of_per_cent_is_void_for_fractions():
    # 2e-5 a word is 0.1 points in 5,000 words if accuracies are in per cent, and 10 points if they are fractions
    y = EWT["xpos", "HMM"].mean
    assert learning_trace(X, y, verticality=2e-5).working_level < learning_trace(X, y, verticality=2e-7).working_level
    assert learning_trace(X, 100 * y, verticality=2e-5).working_level == learning_trace(X, y).working_level


def test_working_level_by_its_definition():
    for key in EWT:
        x, y = EWT[key].x, EWT[key].mean
        raw = [fit_power_law(x[:level], y[:level]).c for level in range(3, 45)]
        jumps = [
            abs(b - a) / (x[level] - x[level - 1]) for level, a, b in zip(range(3, 44), raw, raw[1:], strict=False)
        ]
        calm = [jump <= 2e-7 for jump in jumps]
        first = next((level for level in range(3, 39) if all(calm[level - 3 : level + 3])), None)
        assert learning_trace(x, y).working_level == first


def test_anchors_begin_after_the_working_level():
    x, y = EWT["xpos", "unigram"].x, EWT["xpos", "unigram"].mean
    trace = learning_trace(x, y)
    at = trace.working_level
    assert np.array_equal(trace.asymptotes[: at - 2], trace.raw[: at - 2])
    law = fit_power_law(x[: at + 1], y[: at + 1], anchor=trace.raw[at - 3])
    assert np.allclose(trace.law(at + 1), law, rtol=1e-9)
    assert np.array_equal(learning_trace(x, y, anchored=False).asymptotes, trace.raw)


def test_a_prediction_level_has_a_possible_asymptote():
    steep = np.minimum(1.2 - 2.2 * X**-0.18, 1)  # the trend ends at 120%
    trace = learning_trace(X, steep)
    assert trace.working_level is not None and trace.prediction_level is None and trace.convergence_level is None


def test_a_larger_tolerance_stops_no_later_and_stopping_needs_the_look_ahead():
    x, y = EWT["upos", "unigram"].x, EWT["upos", "unigram"].mean
    stops = [learning_trace(x, y, tolerance=tau).stop_level or 99 for tau in (0.03, 0.05, 0.08, 0.12)]
    assert stops == sorted(stops, reverse=True) and stops[-1] < 99
    trace = learning_trace(x, y, tolerance=1.0)
    assert trace.stop_level >= max(trace.working_level + 6, trace.convergence_level + 1)
    again = learning_trace(x[: trace.stop_level], y[: trace.stop_level], tolerance=1.0)
    assert again.convergence_level == trace.convergence_level  # what comes later is not needed


def test_distances_between_trends_stop_where_layers_do_not_exist():
    y = 0.9 - 0.2 * (X / X[0]) ** -0.4 - 0.03 * (X / X[0]) ** -0.05  # the slow part shows late: asymptotes rise
    trace = learning_trace(X, y)
    assert np.all(np.diff(trace.raw) > 0) and np.isnan(trace.layers).all()
    assert trace.convergence_level is None and learning_trace(X, y, layer="distance").convergence_level is not None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ceiling": 0.5}, "ceiling = 0.5"),
        ({"tolerance": -1}, "tolerance is -1"),
        ({"verticality": -1}, "verticality is -1"),
        ({"look_ahead": -1}, "look_ahead is -1"),
        ({"layer": "deep"}, "layer is 'deep'"),
    ],
)
def test_bad_settings_are_errors(settings, words):
    with pytest.raises(ValueError, match=words):
        learning_trace(X, 0.95 - 3 * X**-0.4, **settings)


# Taggers


def brute_force(tagger, words):
    """The likeliest tags by trying all: straight from the counts, sharing no code with the compiled loops."""
    c, lexicon = tagger.counts, tagger.lexicon
    tags = len(lexicon.tags)
    pair = c.pair[: tags + 1, : tags + 1]
    weight = taggers.interpolate(pair)[1]
    single = (pair.sum(0) + 1) / (pair.sum() + tags + 1)
    prior = (pair[:, 1:].sum(0) + 0.1) / (pair[:, 1:].sum() + 0.1 * tags)

    def step(before, after):
        row = pair[before]
        seen = row[after] / row.sum() if row.sum() else pair[:, after].sum() / pair.sum()
        return np.log(weight * seen + (1 - weight) * single[after])

    def emission(word, tag):
        w = lexicon.words[word]
        if c.total[w] > taggers.RARE:
            return np.log(c.emit[w, tag] / c.total[w] / prior[tag]) if c.emit[w, tag] else -np.inf
        chance = prior.copy()
        for ending in lexicon.endings[w]:
            if ending < 0 or c.ending[ending, :tags].sum() == 0:
                break
            seen = c.ending[ending, :tags]
            chance = (seen + taggers.WEIGHT * chance) / (seen.sum() + taggers.WEIGHT)
        mixed = (c.emit[w, tag] + taggers.WEIGHT * chance[tag]) / (c.total[w] + taggers.WEIGHT)
        return np.log(mixed / prior[tag])

    def score(path):
        whole = step(0, path[0] + 1) + step(path[-1] + 1, 0)
        whole += sum(step(a + 1, b + 1) for a, b in itertools.pairwise(path))
        return whole + sum(emission(word, tag) for word, tag in zip(words, path, strict=True))

    return max((score(path), path) for path in itertools.product(range(tags), repeat=len(words)))


def test_viterbi_finds_the_best_of_all_paths():
    rng = np.random.default_rng(8)
    vocabulary = ["ab", "cd", "Ef", "g1", "h-i", "xy"]
    drawn = lambda n: [(vocabulary[rng.integers(5)], "ABC"[rng.integers(3)]) for _ in range(n)]  # noqa: E731
    for _ in range(40):
        many = [drawn(rng.integers(1, 6)) for _ in range(rng.choice([12, 40]))]  # 40: most words are frequent
        tagger = HMMTagger().fit([*many, [("ab", tag) for tag in "ABC"]])
        words = [vocabulary[rng.integers(6)] for _ in range(4)]
        names = list(tagger.lexicon.tags)
        found = tagger.tag(words)
        numbers = np.array([tagger.lexicon.word(word) for word in words], np.int32)
        out = np.empty(4, np.int32)
        whole = tagger.score(numbers, np.array([0, 4]), tagger._prior(), out)
        best, path = brute_force(tagger, words)
        assert np.isclose(whole, best, rtol=1e-12)
        assert [names[t] for t in out] == found
        # equal scores may belong to several paths
        assert found == [names[t] for t in path] or np.isclose(best, whole, rtol=1e-12)


def test_the_unigram_tagger_gives_the_most_frequent_tag():
    tagger = UnigramTagger().fit([*TOY, [("bark", "N")]])
    assert tagger.tag(["the", "dog", "bark"]) == ["D", "N", "N"]
    assert HMMTagger().fit([*TOY, [("bark", "N")]]).tag(["dogs", "bark"]) == ["N", "V"]


def test_suffixes_tell_unknown_words():
    verbs = [[("it", "P"), (f"{stem}izes", "V")] for stem in ("real", "local", "modern", "final")]
    nouns = [[("a", "D"), (f"{stem}ness", "N")] for stem in ("kind", "dark", "ill", "fit", "mad")]
    tagger = UnigramTagger().fit(verbs + nouns)
    assert tagger.tag(["vaporizes", "sadness"]) == ["V", "N"]
    blind = UnigramTagger(suffixes=False).fit(verbs + nouns)
    assert len(set(blind.tag(["vaporizes", "sadness"]))) == 1


def test_training_in_parts_is_training_at_once_in_any_order():
    sentences, _ = data.corpus(4_000)
    lexicon = taggers.Lexicon()
    coded = lexicon.encode(sentences)
    order = np.random.default_rng(9).permutation(len(sentences))
    whole, parts = HMMTagger(lexicon).update(coded), HMMTagger(lexicon)
    shuffled = coded.take(order)
    for first in range(0, len(sentences), 37):
        parts.update(shuffled.part(first, min(first + 37, len(sentences))))
    words, endings, tags = lexicon.sizes
    for name, shape in (
        ("emit", (words, tags)),
        ("total", (words,)),
        ("ending", (endings, tags)),
        ("pair", (tags + 1,) * 2),
    ):
        cut = tuple(slice(0, size) for size in shape)
        assert np.array_equal(getattr(whole.counts, name)[cut], getattr(parts.counts, name)[cut])


def test_endings_are_counted_for_rare_words_only():
    lexicon = taggers.Lexicon()
    sentences = [[("often", "A")]] * 11 + [[("soften", "B")]] * 10
    tagger = HMMTagger(lexicon).update(sentences)
    # "often" has been seen 11 times, so the ending -ften knows only the ten of "soften"
    ending = lexicon.endings[lexicon.words["often"], 4]
    assert list(tagger.counts.ending[ending, :2]) == [0, 10]


def test_accuracy_is_the_share_of_right_tags():
    tagger = HMMTagger().fit(TOY)
    assert tagger.accuracy(TOY) == 1.0
    assert tagger.accuracy([[("the", "D"), ("dog", "V")]]) == 0.5


@pytest.mark.parametrize("kind", [UnigramTagger, HMMTagger])
def test_bad_sentences_are_errors(kind):
    with pytest.raises(ValueError, match="learned nothing"):
        kind().tag(["a"])
    with pytest.raises(ValueError, match="sentence 0 is empty"):
        kind().fit([[]])
    with pytest.raises(ValueError, match="pairs"):
        kind().fit([["ab"]])
    with pytest.raises(ValueError, match="words is 'the dog'"):
        kind().fit(TOY).tag("the dog")
    with pytest.raises(ValueError, match="sentences is empty"):
        kind().fit(TOY).accuracy([])


def test_a_scheme_cuts_at_sentence_ends_and_nests():
    lexicon = taggers.Lexicon()
    coded = lexicon.encode([[("a", "A")] * 7] * 20)
    ends = experiment.scheme(coded, 10, 15, 5)
    assert [int(coded.starts[end]) for end in ends] == [14, 28, 42, 56, 70]
    with pytest.raises(ValueError, match="needs 160 words; the pool has 140"):
        experiment.scheme(coded, 10, 15, 11)


# Roles of Python tokens


def roles(source):
    return [pair for line in data.roles(source) for pair in line]


def test_roles_of_a_small_program_as_told_by_hand():
    found = roles(
        "@cached\ndef area(self, r=2.5, *rest):\n    'Doc.'\n    x = pi * r if r else len(rest)\n    return x.real\n"
    )
    assert found == [
        ("@", "operator"), ("cached", "decorator"),
        ("def", "keyword def"), ("area", "function name"), ("(", "( definition"), ("self", "parameter"),
        (",", ", definition"), ("r", "parameter"), ("=", "= default"), ("2.5", "number"), (",", ", definition"),
        ("*", "* unpack"), ("rest", "parameter"), (")", ") definition"), (":", ": block"),
        ("'Doc.'", "docstring"),
        ("x", "local store"), ("=", "= assignment"), ("pi", "global load"), ("*", "* operator"), ("r", "local load"),
        ("if", "if: choice"), ("r", "local load"), ("else", "else: choice"), ("len", "builtin call"), ("(", "( call"),
        ("rest", "local load"), (")", ") call"),
        ("return", "keyword return"), ("x", "local load"), (".", ". attribute"), ("real", "attribute"),
    ]  # fmt: skip


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


# The measured curves


def test_the_table_holds_the_curves_of_four_taggers_on_two_tag_sets():
    assert set(EWT) == set(itertools.product(("upos", "xpos"), experiment.LEARNERS))
    for curve in EWT.values():
        assert curve.y.shape == (10, 44) and np.allclose(curve.x, X, rtol=0, atol=40)


def test_the_hmm_ends_where_it_should_and_a_fifth_of_the_words_tells_it():
    curve = EWT["xpos", "HMM"]
    assert 0.925 < curve.mean[-1] < 0.945
    fifth = fit_power_law(curve.x[:9], curve.mean[:9])
    assert abs(fifth(curve.x[-1]) - curve.mean[-1]) < 0.006
    beyond = curve.x >= 20_000
    assert np.all(curve.mean[beyond] > EWT["xpos", "unigram"].mean[beyond])


def test_conllu_and_the_compact_form_are_read_alike(tmp_path):
    import gzip

    rows = "# sent\n1-2\tdon't\t_\t_\t_\n1\tdo\tdo\tAUX\tVBP\n2\tn't\tnot\tPART\tRB\n2.1\tx\tx\tX\tX\n\n"
    rows += "1\tGo\tgo\tVERB\tVB\n\n"
    (tmp_path / "a.conllu").write_text(rows, encoding="utf-8")
    with gzip.open(tmp_path / "a.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("# doc\ndo\tAUX\tVBP\nn't\tPART\tRB\n\nGo\tVERB\tVB\n")
    for column, tags in (("upos", ["AUX", "PART", "VERB"]), ("xpos", ["VBP", "RB", "VB"])):
        one, two = (experiment.read_ud(tmp_path / name, column) for name in ("a.conllu", "a.tsv.gz"))
        assert one == two and [tag for sentence in one for _, tag in sentence] == tags
    with pytest.raises(ValueError, match="column is 'lemma'"):
        experiment.read_ud(tmp_path / "a.conllu", "lemma")


PARTS = ("train", "dev", "test")
needs_ewt = pytest.mark.skipif(
    not all(foretold.data.available(f"ewt-{part}") for part in PARTS), reason="NOT TESTED ON UD ENGLISH EWT: no files"
)


@pytest.fixture(scope="module")
def ewt():
    return {part: foretold.data.fetch(f"ewt-{part}") for part in PARTS}


@needs_ewt
def test_ewt_has_the_published_sizes(ewt):
    sizes = {}
    for part, path in ewt.items():
        sentences = experiment.read_ud(path)
        sizes[part] = len(sentences), sum(map(len, sentences))
    assert sizes == {"train": (12_544, 204_577), "dev": (2_001, 25_147), "test": (2_077, 25_094)}
    everything = [pair for path in ewt.values() for sentence in experiment.read_ud(path) for pair in sentence]
    assert len(everything) == 254_818 and len({tag for _, tag in everything}) == 49


@needs_ewt
@pytest.mark.slow
def test_the_table_is_what_the_code_measures(ewt):
    lexicon = taggers.Lexicon()
    coded = lexicon.encode([s for path in ewt.values() for s in experiment.read_ud(path)])
    found = experiment.measure(coded, lexicon, {"HMM": HMMTagger}, np.random.default_rng(240202515), 2)["HMM"]
    assert np.allclose(found.y, EWT["xpos", "HMM"].y[:2], atol=2e-6)


def test_half_of_the_steps_of_a_true_power_laws_backbone_rise():
    rng = np.random.default_rng(15)
    means = experiment.simulated(EWT["xpos", "HMM"], 60, rng)
    share = experiment.falling(X, means, anchored=False)
    assert 42 < share.mean() < 58 and share.max() < 100
    exact = EWT["xpos", "HMM"]._replace(y=np.tile(fit_power_law(X, EWT["xpos", "HMM"].mean)(X), (3, 1)))
    assert np.allclose(
        learning_trace(exact.x, experiment.resampled(exact, 1, rng)[0]).asymptotes, exact.mean[-1], atol=0.05
    )


# The interval


def test_the_exact_posterior_is_that_of_brute_force_integration():
    x, y = X[:8], EWT["xpos", "HMM"].mean[:8]
    draws = bayes.posterior(x, y, 100_000, np.random.default_rng(10))
    # The same density on a grid of (ln b, gain, c), ln sigma integrated by hand: rss^(-n/2)
    z, gains, tops = np.linspace(-3, 3, 121), np.linspace(0.08, 0.17, 181), np.linspace(0.925, 1.0, 151)
    p = (x / x[0]) ** -(bayes.MEDIAN_B * np.exp(bayes.SPREAD_B * z))[:, None]
    fitted = tops[None, None, :, None] - gains[None, :, None, None] * p[:, None, None, :]
    log = -0.5 * len(x) * np.log(((y - fitted) ** 2).sum(-1)) - 0.5 * z[:, None, None] ** 2
    weight = np.exp(log - log.max())
    end = (
        tops[None, None, :]
        - gains[None, :, None] * (X[-1] / x[0]) ** -(bayes.MEDIAN_B * np.exp(bayes.SPREAD_B * z))[:, None, None]
    )
    mean = np.sum(weight * end) / weight.sum()
    spread = np.sqrt(np.sum(weight * (end - mean) ** 2) / weight.sum())
    ours = draws.curve(X[-1])[:, 0]
    assert abs(ours.mean() - mean) < 0.1 * spread
    assert 0.85 < ours.std() / spread < 1.15


def test_draws_keep_to_the_prior_range():
    draws = bayes.posterior(X[:5], EWT["xpos", "HMM, no suffixes"].y[0, :5], 5_000, np.random.default_rng(11))
    assert draws.c.max() <= 1 and draws.gain.min() >= 0


@pytest.mark.slow
def test_pymc_gives_the_same_posterior():
    x, y = X[:8], EWT["xpos", "HMM"].mean[:8]
    exact = bayes.posterior(x, y, 40_000, np.random.default_rng(12)).curve(X[-1])[:, 0]
    nuts, _ = bayes.sample(x, y, 1_000, seed=1)
    there = nuts.curve(X[-1])[:, 0]
    assert abs(np.median(there) - np.median(exact)) < 0.25 * exact.std()
    assert (
        0.75
        < (np.quantile(there, 0.95) - np.quantile(there, 0.05)) / np.subtract(*np.quantile(exact, [0.95, 0.05]))
        < 1.33
    )


def test_intervals_cover_as_stated_if_the_model_is_true_and_not_if_noise_is_correlated():
    rng = np.random.default_rng(13)
    honest = bayes.simulated_coverage(X, 22, 200, rng)
    correlated = bayes.simulated_coverage(X, 22, 200, rng, correlation=0.8)
    assert 0.82 < honest < 0.97 and correlated < honest - 0.15


@pytest.mark.parametrize("y", [[0.1, 0.2, 0.3], [0.5, 0.6, 0.7, 1.1]])
def test_bad_observations_are_errors(y):
    with pytest.raises(ValueError, match=r"y lies|n >= 4"):
        bayes.posterior(X[: len(y)], y, 10, np.random.default_rng(0))


# The neural tagger


@pytest.mark.slow
def test_the_neural_tagger_learns_and_repeats_itself():
    import torch

    from foretold.papers.learning_curves.experiment import neural

    sentences, _ = data.corpus(12_000)
    lexicon = taggers.Lexicon()
    coded = lexicon.encode(sentences)
    order = np.random.default_rng(14).permutation(len(sentences))
    pool, test = coded.take(order[:-300]), coded.take(order[-300:])
    one, two = (
        neural.curve(pool, test, lexicon, 4_000, 2, [torch.Generator().manual_seed(1)], torch.device("cpu"), epochs=3)
        for _ in range(2)
    )
    assert np.array_equal(one.y, two.y)
    most_frequent_tag = np.bincount(test.tags).max() / len(test.tags)
    assert one.y[0, 1] > one.y[0, 0] > 1.5 * most_frequent_tag


# The interactive figure: the JavaScript that the browser runs, run by node


def test_the_browser_finds_the_same_levels_and_laws(tmp_path):
    if shutil.which("node") is None:
        pytest.skip("NOT TESTED IN JAVASCRIPT: no node on PATH")
    shown = {"-".join(key): EWT[key] for key in (("xpos", "unigram"), ("xpos", "HMM"), ("upos", "HMM, no suffixes"))}
    as_list = json.dumps(draw.browser_data(shown), default=lambda array: array.tolist())
    (tmp_path / "data.json").write_text(as_list)
    (tmp_path / "update.js").write_text(draw.UPDATE)
    program = """
const fs = require("fs"), data = JSON.parse(fs.readFileSync("data.json"));
const update = new Function("values", "data", "figure", fs.readFileSync("update.js", "utf8"));
console.log(JSON.stringify(update(JSON.parse(process.argv[1]), data, {data: [], layout: {}}).result));
"""
    for name, curve in shown.items():
        for level, tolerance in ((9, 5), (30, 8), (44, 2)):
            values = json.dumps({"curve": name, "level": level, "tolerance": tolerance})
            done = subprocess.run(
                ["node", "-e", program, values], cwd=tmp_path, capture_output=True, text=True, check=True
            )
            found = json.loads(done.stdout)
            trace = learning_trace(curve.x, curve.mean, tolerance=tolerance / 100)
            expected = trace.working_level, trace.prediction_level, trace.convergence_level, trace.stop_level
            assert (found["working"], found["prediction"], found["convergence"], found["stop"]) == expected
            law = PowerLaw(**{key: found["law"][key] for key in "abc"})
            assert np.allclose(law(curve.x), trace.law(level)(curve.x), atol=1e-7)
            layers = np.array([np.nan if value is None else value for value in found["layers"]])
            assert np.allclose(layers, trace.layers, atol=1e-5, equal_nan=True)
