"""The rendered book in headless Chromium, as a reader meets it: `jupyter-book build .` alone, of the chapters that this
clone has executed where none is out of date, or else executed at profile smoke."""

import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading

import pytest
from conftest import ROOT

from foretold.book import address, execute
from foretold.book.project import Project

pytestmark = pytest.mark.slow

BOOK = Project.find(ROOT)
PAGES = BOOK.pages
CHAPTERS = [page for page in PAGES if page.startswith("notebooks/")]

# Texts in which maths was left as its source.
RAW_MATHS = r"""article => [...article.querySelectorAll("p, li, td, figcaption")]
    .map(element => element.innerText).filter(text => /\\\(|\$[^$\d]+\$/.test(text))"""

# The name that a screen reader gives a figure.
NAME = """figure => {
    const named = figure.querySelector("[role=img], [role=group], img") ?? figure;
    return named.getAttribute("aria-label") ?? named.alt;
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The address of the built book."""
    folder = tmp_path_factory.mktemp("site")
    environment = dict(os.environ)
    if all(chapter.fresh for chapter in execute.survey(BOOK)):
        shutil.copytree(BOOK.store_folder, folder / "_build" / BOOK.store_folder.name)
    else:
        environment["FORETOLD_PROFILE"] = "smoke"
    program = "from jupyter_book.cli.main import main; main()"
    asked = [sys.executable, "-c", program, "build", ".", "--path-output", str(folder), "-n", "-W", "--keep-going"]
    done = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    said = done.stdout[-5000:] + done.stderr[-5000:]
    # Pages are asked for here, not verdicts: at smoke, two of them hang on the processor. `foretold claims --check`
    # looks at those of the cpu profile.
    assert done.returncode == 0 or "verdicts changed" in said, said
    assert json.loads((folder / "_build/html/claims.json").read_text())["failed"] == [], said
    assert "WARNING" not in done.stderr, said

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    handler = functools.partial(Quiet, directory=str(folder / "_build/html"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


class Visit:
    """One page in one browser context, with what it logged and asked for."""

    def __init__(self, chromium, site, page, width=1280, scheme="light"):
        # Without motion: what is just unfolded fades in elsewhere, and half-faded text has too little contrast.
        self.context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        self.page = self.context.new_page()
        self.errors, self.outside = [], []
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("response", lambda r: self.errors.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        self.page.on("request", lambda r: self.outside.append(r.url) if self._is_outside(site, r.url) else None)
        self.page.goto(f"{site}/{page}.html")
        self.page.wait_for_load_state("networkidle")

    @staticmethod
    def _is_outside(site, url):
        return not url.startswith((site, "data:", "blob:", "about:"))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.context.close()

    def draw_everything(self):
        """Scroll through the page, so that what is drawn only when it is seen is drawn."""
        for box in self.page.locator(".foretold-interactive").all():
            box.scroll_into_view_if_needed()
            box.locator(".js-plotly-plot .main-svg, .foretold-html > *").first.wait_for(timeout=20_000)

    def axe_violations(self):
        """What axe-core finds on the page when everything is drawn and unfolded."""
        from axe_playwright_python.sync_playwright import Axe

        self.draw_everything()
        for box in self.page.locator("details.hide").all():
            box.evaluate("box => box.open = true")
        found = Axe().run(self.page).response["violations"]
        return [(v["id"], [node["html"][:150] for node in v["nodes"][:3]]) for v in found]


# A page is opened three times, whatever the number of tests: wide and light, narrow and dark, and as a chapter is read.
# pytest sorts the tests so that those of one visit follow each other.


@pytest.fixture(scope="module", params=PAGES)
def any_page(request):
    return request.param


@pytest.fixture(scope="module")
def wide(chromium, site, any_page):
    with Visit(chromium, site, any_page) as visit:
        yield visit


@pytest.fixture(scope="module")
def phone(chromium, site, any_page):
    with Visit(chromium, site, any_page, width=390, scheme="dark") as visit:
        yield visit


@pytest.fixture(scope="module", params=CHAPTERS)
def chapter(request):
    return request.param


@pytest.fixture(scope="module")
def reading(chromium, site, chapter):
    with Visit(chromium, site, chapter) as visit:
        yield visit


def test_no_console_errors_and_no_request_leaves_the_book(wide):
    wide.draw_everything()
    assert wide.errors == []
    assert wide.outside == []


def test_axe_finds_no_violation_on_a_wide_light_page(wide):
    assert wide.axe_violations() == []


def test_axe_finds_no_violation_on_a_narrow_dark_page(phone):
    assert phone.axe_violations() == []


def test_nothing_is_wider_than_a_phone(phone):
    phone.draw_everything()
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_page_is_dark_where_the_reader_s_system_is(phone):
    assert phone.page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_solutions_are_folded_until_asked_for(reading):
    folded = reading.page.locator("details.hide").all()
    assert len(folded) >= 3
    assert not any(box.evaluate("box => box.open") for box in folded)
    assert reading.page.get_by_text("Solution", exact=True).count() >= 3


def test_maths_is_rendered(reading):
    reading.page.locator("mjx-container").first.wait_for(state="attached")
    assert reading.page.locator("mjx-merror").count() == 0
    assert reading.page.locator("article").evaluate(RAW_MATHS) == []


def test_every_figure_has_alt_text_and_a_caption(reading):
    figures = reading.page.locator("article figure").all()
    assert len(figures) >= 3
    for figure in figures:
        named = figure.evaluate(NAME)
        assert named
        assert len(named) > 20
        assert figure.locator("figcaption").inner_text().strip()
    assert all(image.get_attribute("alt") for image in reading.page.locator("article img").all())


def test_the_interactive_figure_answers_the_keyboard(reading):
    reading.draw_everything()
    box = reading.page.locator(".foretold-interactive").first
    readout = box.locator("[aria-live]")
    before = readout.inner_text()
    assert before.strip()
    slider = box.locator("input[type=range]").first
    slider.focus()
    at_end = slider.evaluate("slider => slider.value === slider.max")
    for _ in range(3):
        reading.page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")
    reading.page.wait_for_function("([e, t]) => e.innerText !== t", arg=[readout.element_handle(), before])


def test_the_rocket_opens_the_twin_in_colab(reading, chapter):
    links = [link.get_attribute("href") for link in reading.page.locator("a[href*='colab']").all()]
    owner_and_name, opened = address.of(BOOK).removeprefix("https://github.com/"), address.notebooks_at(BOOK)
    assert f"https://colab.research.google.com/github/{owner_and_name}/blob/{opened}/{chapter}.ipynb" in links


def test_the_verdicts_at_the_top_lead_to_the_claims(reading):
    reading.page.locator(".foretold-summary a").click()
    assert reading.page.url.endswith("#paper-against-here")


def test_search_finds_a_word_of_the_chapter(reading, chapter, site):
    word = max(reading.page.locator("article h1").inner_text().split(), key=len).strip(":,.#")
    searching = reading.context.new_page()
    searching.goto(f"{site}/search.html?q={word}")
    result = searching.locator(f"#search-results a[href*='{chapter}.html']").first
    result.wait_for(timeout=10_000)
    searching.close()


def test_the_scoreboard_shows_every_claim(chromium, site):
    from foretold import claims

    with Visit(chromium, site, "book/scoreboard") as visit:
        rows = visit.page.locator(".foretold-all tbody tr").count()
        names = [page.rpartition("/")[2] for page in CHAPTERS]
        assert rows == sum(len(claims.load(name).claims) for name in names)


@pytest.fixture
def board(chromium, site):
    """The scoreboard, with a function that counts the claims that are shown."""
    with Visit(chromium, site, "book/scoreboard") as visit:
        visit.shown = lambda: visit.page.locator(".foretold-all tbody tr:visible").count()
        yield visit


def test_the_scoreboard_is_filtered_by_words_and_choices_that_stand_in_its_address(board, site):
    every = board.shown()
    board.page.select_option("select[name=chapter]", "coins")
    coins = board.shown()
    assert 0 < coins < every
    board.page.fill("input[name=words]", "coin heads")
    assert 0 < board.shown() < coins
    assert board.page.url.endswith("?chapter=coins&words=coin+heads")
    assert board.page.locator(".foretold-filter output").inner_text() == f"{board.shown()} of {every} claims"
    few = board.shown()
    board.page.goto(board.page.url)
    assert board.shown() == few


def test_the_scoreboard_is_sorted_by_its_heads(board):
    def column():
        return board.page.locator(".foretold-all tbody tr td:last-child").all_inner_texts()

    board.page.get_by_role("button", name="verdict").click()
    signs = [text[0] for text in column()]
    assert signs == [sign for sign in dict.fromkeys(signs) for _ in range(signs.count(sign))]  # equal ones together
    assert board.page.locator(".foretold-all th[aria-sort=ascending]").inner_text().startswith("verdict")
    first = column()[0]
    board.page.get_by_role("button", name="verdict").click()
    assert column()[-1] == first


def test_a_claim_of_the_scoreboard_leads_to_the_cell_that_measured_it(board):
    link = board.page.locator(".foretold-all tbody tr[data-chapter=coins] a").first
    name = link.get_attribute("href").partition("#")[2]
    link.click()
    board.page.wait_for_url(f"**/notebooks/coins.html#{name}")
    assert board.page.locator(f"div.cell_output #{name} svg").count() > 0


def test_the_scoreboard_is_whole_without_a_script(chromium, site):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/book/scoreboard.html")
    assert page.locator(".foretold-all tbody tr:visible").count() > 50
    assert page.locator(".foretold-filter").is_hidden()
    context.close()
