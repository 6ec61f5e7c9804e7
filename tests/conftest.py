"""What several test files share: a headless Chromium."""

import shutil
from contextlib import contextmanager

import pytest


def chromium_path():
    """The system's Chromium, or None. Playwright's own download is not used: the book's checks must run offline."""
    return next(filter(None, map(shutil.which, ("chromium", "/usr/bin/chromium", "chromium-browser"))), None)


@contextmanager
def launch_chromium():
    """A headless Chromium (a Playwright `Browser`); skips the test, and says so loudly, where there is none."""
    path = chromium_path()
    if path is None:
        pytest.skip("NOT TESTED IN A BROWSER: no chromium on PATH or at /usr/bin/chromium (apt install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="NOT TESTED IN A BROWSER: playwright is missing")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


# Not for the whole session: Playwright's event loop runs as long as the browser lives, and the tests that execute
# notebooks in this process need a loop of their own.
@pytest.fixture(scope="module")
def chromium():
    with launch_chromium() as browser:
        yield browser
