"""UD English EWT, which is no part of this repository."""

import pytest

import foretold


@pytest.fixture(scope="session")
def ewt():
    """The three files, by part."""
    names = {part: f"ewt-{part}" for part in ("train", "dev", "test")}
    if not all(foretold.data.available(name) for name in names.values()):
        pytest.skip("NOT TESTED ON UD ENGLISH EWT: no files")
    return {part: foretold.data.fetch(name) for part, name in names.items()}
