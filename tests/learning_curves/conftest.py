"""UD English EWT, which is no part of this repository."""

import pytest

import foretold


@pytest.fixture(scope="session")
def ewt():
    """The three files, by their names in the registry."""
    names = ["ewt-train", "ewt-dev", "ewt-test"]
    if not all(foretold.data.available(name) for name in names):
        pytest.skip("NOT TESTED ON UD ENGLISH EWT: no files")
    return {name: foretold.data.fetch(name) for name in names}
