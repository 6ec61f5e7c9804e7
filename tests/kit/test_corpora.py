"""Facts of the text for small language models, and of its tokens."""

import pytest

from foretold.kit import corpora


def test_the_standard_library_is_a_corpus_whose_parts_share_no_file():
    files = corpora.standard_library(1.5)
    assert sum(len(text.encode()) for _, text in files) >= 1_500_000
    assert files == corpora.standard_library(1.5)
    assert files == corpora.standard_library()[: len(files)]
    text = corpora.corpus(files)
    whole = corpora.corpus(files, "bytes")
    assert 0.03 < len(text.validation) / (len(text.train) + len(text.validation)) < 0.25
    assert text.vocabulary < 110 < whole.vocabulary == 256
    assert int(text.train.max()) < text.vocabulary
    beginning = whole.decode(whole.train[:2_000])
    assert any(content.startswith(beginning[:500]) for _, content in files)
    assert not any(
        content[:400] in whole.decode(whole.validation) for _, content in files if content.startswith(beginning[:400])
    )


@pytest.mark.parametrize("tokens", ["bytes", "characters", 400])
def test_text_survives_its_tokens(tokens):
    text = "".join(content for _, content in corpora.standard_library(0.1))
    made = corpora.corpus(text, tokens, validation=0.2)
    line = "def f(x):\n    return [x] * 2  # twice\n"
    assert made.decode(made.encode(line)) == line
    assert made.bytes_per_token == pytest.approx(len(text.encode()) / (len(made.train) + len(made.validation)))
    assert made.bytes_per_token >= 1.5 if tokens == 400 else made.bytes_per_token == 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: corpora.corpus("abc", "letters"), "tokens is 'letters'"),
        (lambda: corpora.corpus("abc", 200), "tokens is 200"),
        (lambda: corpora.corpus("abc", validation=1), "validation is 1"),
        (lambda: corpora.corpus("a"), "text is too short"),
        (lambda: corpora.standard_library(0), "megabytes is 0"),
    ],
)
def test_a_wrong_corpus_is_an_error(call, words):
    with pytest.raises(ValueError, match=words):
        call()
