"""Both taggers: by brute force, and by what counting promises."""

import itertools

import numpy as np
import pytest

from foretold.papers.learning_curves import data
from foretold.papers.learning_curves.data.lexicon import Lexicon
from foretold.papers.learning_curves.experiment import taggers
from foretold.papers.learning_curves.experiment.taggers import HMMTagger, UnigramTagger

TOY = [
    [("the", "D"), ("dog", "N"), ("barks", "V")],
    [("a", "D"), ("dog", "N"), ("sees", "V"), ("the", "D"), ("cat", "N")],
    [("dogs", "N"), ("bark", "V")],
    [("bark", "N"), ("peels", "V")],
]


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

    def drawn(n):
        return [(vocabulary[rng.integers(5)], "ABC"[rng.integers(3)]) for _ in range(n)]

    for _ in range(40):
        many = [drawn(rng.integers(1, 6)) for _ in range(rng.choice([12, 40]))]  # 40: most words are frequent
        tagger = HMMTagger().update([*many, [("ab", tag) for tag in "ABC"]])
        words = [vocabulary[rng.integers(6)] for _ in range(4)]
        names = list(tagger.lexicon.tags)
        found = tagger.tag(words)
        numbers = np.array([tagger.lexicon.word(word) for word in words], np.int32)
        out, whole = tagger.decode(numbers, np.array([0, 4]))
        best, path = brute_force(tagger, words)
        assert np.isclose(whole, best, rtol=1e-12)
        assert [names[t] for t in out] == found
        # equal scores may belong to several paths
        assert found == [names[t] for t in path] or np.isclose(best, whole, rtol=1e-12)


def test_the_unigram_tagger_gives_the_most_frequent_tag():
    tagger = UnigramTagger().update([*TOY, [("bark", "N")]])
    assert tagger.tag(["the", "dog", "bark"]) == ["D", "N", "N"]
    assert HMMTagger().update([*TOY, [("bark", "N")]]).tag(["dogs", "bark"]) == ["N", "V"]


def test_suffixes_tell_unknown_words():
    verbs = [[("it", "P"), (f"{stem}izes", "V")] for stem in ("real", "local", "modern", "final")]
    nouns = [[("a", "D"), (f"{stem}ness", "N")] for stem in ("kind", "dark", "ill", "fit", "mad")]
    tagger = UnigramTagger().update(verbs + nouns)
    assert tagger.tag(["vaporizes", "sadness"]) == ["V", "N"]
    blind = UnigramTagger(suffixes=False).update(verbs + nouns)
    assert len(set(blind.tag(["vaporizes", "sadness"]))) == 1


def test_training_in_parts_is_training_at_once_in_any_order():
    sentences, _ = data.corpus(4_000)
    lexicon = Lexicon()
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
    lexicon = Lexicon()
    sentences = [[("often", "A")]] * 11 + [[("soften", "B")]] * 10
    tagger = HMMTagger(lexicon).update(sentences)
    # "often" has been seen 11 times, so the ending -ften knows only the ten of "soften"
    ending = lexicon.endings[lexicon.words["often"], 4]
    assert list(tagger.counts.ending[ending, :2]) == [0, 10]


def test_accuracy_is_the_share_of_right_tags():
    tagger = HMMTagger().update(TOY)
    assert tagger.accuracy(TOY) == 1.0
    assert tagger.accuracy([[("the", "D"), ("dog", "V")]]) == 0.5


@pytest.mark.parametrize("kind", [UnigramTagger, HMMTagger])
def test_bad_sentences_are_errors(kind):
    with pytest.raises(ValueError, match="learned nothing"):
        kind().tag(["a"])
    with pytest.raises(ValueError, match="sentence 0 is empty"):
        kind().update([[]])
    with pytest.raises(ValueError, match="pairs"):
        kind().update([["ab"]])
    with pytest.raises(ValueError, match="words is 'the dog'"):
        kind().update(TOY).tag("the dog")
    with pytest.raises(ValueError, match="sentences is empty"):
        kind().update(TOY).accuracy([])
