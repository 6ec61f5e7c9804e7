"""Figures: said in words, seen on light and dark pages by all eyes, several to a page, moved from the keyboard."""

import base64
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from unittest import mock

import matplotlib as mpl
import numpy as np
import pandas as pd
import plotly
import plotly.graph_objects as go
import pytest
from matplotlib import pyplot as plt

from foretold import figures
from foretold.figures import COLOURS, INK, Choice, Slider, Toggles

LIGHT, DARKS = "#ffffff", ("#121212", "#14181e")  # the book's backgrounds, and pydata-sphinx-theme's own dark one


@pytest.fixture(autouse=True)
def book(monkeypatch):
    mpl.use("agg")
    monkeypatch.setenv("FORETOLD_BOOK", "1")
    with mpl.rc_context():
        figures.use_theme()
        yield
    plt.close("all")


def shown(function, *args, **kwargs):
    """HTML and text of the one thing that a call displays."""
    with mock.patch("IPython.display.display") as display:
        assert function(*args, **kwargs) is None
    ((bundle,), options) = display.call_args
    assert display.call_count == 1
    assert options == {"raw": True}
    return bundle["text/html"], bundle["text/plain"]


def line_figure(**kwargs):
    fig, ax = plt.subplots()
    ax.plot([0, 1, 2], [0, 1, 4], **kwargs)
    ax.axhline(2, color=INK)
    ax.set(xlabel="flips", ylabel="Bayes factor", title="Evidence")
    return fig


# Colours


def linear(colour):
    s = np.array(mpl.colors.to_rgb(colour))
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """Contrast ratio of WCAG 2."""
    low, high = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def cielab(rgb):
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    x = to_xyz @ rgb / to_xyz.sum(axis=1)
    f = np.where(x > 216 / 24389, np.cbrt(x), (24389 / 27 * x + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("name", COLOURS)
@pytest.mark.parametrize("background", [LIGHT, *DARKS])
def test_every_colour_stands_out_from_every_background(name, background):
    assert contrast(COLOURS[name], background) >= 3


@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_colours_differ_to_every_kind_of_eye(sight):
    seen = {name: cielab(np.clip(np.array(SIGHT[sight]) @ linear(hex), 0, 1)) for name, hex in COLOURS.items()}
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 23, (one, other)


def test_the_named_colour_maps_exist_in_matplotlib_and_plotly():
    for name in (figures.SEQUENTIAL, figures.DIVERGING):
        assert name in mpl.colormaps
        go.Heatmap(z=[[1]], colorscale=name)


def test_importing_figures_loads_no_plotting_library():
    code = "import sys, foretold.figures; print({'plotly', 'seaborn', 'matplotlib', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# Matplotlib figures


def test_a_figure_is_one_figure_element_with_image_text_and_caption():
    markup, text = shown(figures.show, line_figure(), alt="A rising line", caption="It rises.")
    assert markup.startswith('<figure class="foretold-figure"')
    assert markup.count("<svg") == 1
    assert 'role="img" aria-label="A rising line"' in markup
    assert markup.endswith(">It rises.</figcaption></figure>")
    assert text == "A rising line"


def test_text_of_a_figure_is_legible_on_a_phone():
    pixels_per_point = 358 / (72 * mpl.rcParams["figure.figsize"][0])  # 390 px less the margins of the page
    sizes = [mpl.rcParams[key] for key in ("font.size", "axes.labelsize", "xtick.labelsize", "legend.fontsize")]
    assert min(sizes) * pixels_per_point > 10


def test_a_figure_scales_with_the_page():
    markup, _ = shown(figures.show, line_figure(), alt="a", caption="c")
    svg = re.search(r"<svg[^>]*>", markup)[0]
    assert "viewBox=" in svg
    assert "width:100%;height:auto" in svg
    assert not re.search(r"\s(width|height)=", svg)


def test_ink_is_the_colour_of_the_text_and_nothing_lies_behind():
    markup, _ = shown(figures.show, line_figure(), alt="a", caption="c")
    assert "currentColor" in markup
    assert INK not in markup
    assert "#000000" not in markup
    assert "#ffffff" not in markup
    assert COLOURS["blue"] in markup


def test_black_and_the_dark_lines_of_seaborn_become_ink():
    import seaborn

    fig, ax = plt.subplots()
    seaborn.boxplot(x=["a", "a", "b", "b"], y=[1.0, 2, 2, 3], hue=["a", "a", "b", "b"], ax=ax)
    ax.plot([0, 1], [1, 2], color="black")
    markup, _ = shown(figures.show, fig, alt="a", caption="c")
    strokes = set(re.findall(r"stroke: (#\w+)", markup))
    assert all(contrast(colour, "#121212") >= 3 or colour == "#ffffff" for colour in strokes), strokes


def test_no_style_sheet_of_matplotlib_reaches_the_page():
    markup, _ = shown(figures.show, line_figure(), alt="a", caption="c")
    assert "<style" not in markup
    assert "<metadata" not in markup


def test_equal_figures_give_equal_bytes():
    one = shown(figures.show, line_figure(), alt="a", caption="c")
    other = shown(figures.show, line_figure(), alt="a", caption="c")
    assert one == other


def test_figures_on_one_page_share_no_id_and_every_reference_resolves():
    pages = [shown(figures.show, line_figure(lw=width), alt="a", caption="c")[0] for width in (1, 2)]
    ids = [set(re.findall(r'\sid="([^"]+)"', page)) for page in pages]
    assert ids[0]
    assert not ids[0] & ids[1]
    for page, defined in zip(pages, ids, strict=True):
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', page)) == defined


def test_a_shown_figure_is_closed():
    fig = line_figure()
    shown(figures.show, fig, alt="a", caption="c")
    assert not plt.fignum_exists(fig.number)


def test_axes_and_seaborn_grids_are_figures_too():
    import seaborn

    assert "<svg" in shown(figures.show, line_figure().axes[0], alt="a", caption="c")[0]
    grid = seaborn.relplot(pd.DataFrame({"x": [1, 2], "y": [1, 2]}), x="x", y="y")
    assert "<svg" in shown(figures.show, grid, alt="a", caption="c")[0]


@pytest.mark.parametrize("empty", ["", "  \n", None])
def test_a_figure_without_words_is_refused(empty):
    with pytest.raises(ValueError, match="alt = "):
        figures.show(line_figure(), alt=empty, caption="c")
    with pytest.raises(ValueError, match="caption = "):
        figures.show(line_figure(), alt="a", caption=empty)
    with pytest.raises(ValueError, match="alt = "):
        figures.interactive(go.Figure(), alt=empty)


def test_what_is_no_figure_is_refused():
    with pytest.raises(ValueError, match="must be a matplotlib figure"):
        figures.show([1, 2], alt="a", caption="c")
    with pytest.raises(ValueError, match="must be a plotly figure"):
        figures.interactive([1, 2], alt="a")


@pytest.mark.parametrize(
    ("markdown", "markup"),
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ("run `a*b*c`", "run <code>a*b*c</code>"),
        ("for *most* people", "for <em>most</em> people"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("from $5 to $10", "from $5 to $10"),
        (r"$\theta_i < *x*$", r'<span class="math notranslate nohighlight">\(\theta_i &lt; *x*\)</span>'),
    ],
)
def test_captions_understand_code_emphasis_and_maths(markdown, markup):
    caption = re.search(
        "<figcaption[^>]*>(.*)</figcaption>", shown(figures.show, line_figure(), alt="a", caption=markdown)[0]
    )
    assert caption[1] == markup


def test_quotes_in_the_alternative_do_not_end_the_attribute():
    markup, _ = shown(figures.show, line_figure(), alt='the "same" side', caption="c")
    assert 'aria-label="the &quot;same&quot; side"' in markup


# Controls


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": 11}, "value = 11 must lie between 0 and 10"),
        ({"value": -1}, "value = -1 must lie between"),
        ({"value": 3}, "value = 3 must be a whole number of steps of 2 above 0; the nearest are 2 and 4"),
        ({"maximum": 9}, "maximum = 9 must be a whole number"),
        ({"value": float("nan")}, "value = nan must be a finite number"),
        ({"step": 0}, "step = 0 must be above 0"),
        ({"minimum": 20}, "minimum = 20 must be below maximum = 10"),
        ({"scale": "log"}, "scale = 'log' must be 'linear' or 'log10'"),
        ({"scale": "log10"}, "minimum = 0 must be above 0 on a log10 scale"),
        ({"name": "my slider"}, "name = 'my slider' must be letters"),
        ({"label": " "}, "label = ' ' must not be empty"),
    ],
)
def test_a_slider_that_does_not_fit_is_refused(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Slider(**{"name": "n", "label": "N", "minimum": 0, "maximum": 10, "step": 2, "value": 4} | change)


def test_steps_that_binary_fractions_miss_are_whole_steps():
    Slider("p", "P", 0, 1, 0.1, 0.3)
    Slider("p", "P", 0.01, 0.99, 0.01, 0.57)


def test_a_logarithmic_slider_counts_decades_and_rounds_to_three_digits():
    Slider("n", "N", 1, 1e12, 0.1, 200, scale="log10")
    Slider("n", "N", 0.5, 50, 0.25, 5, scale="log10")
    with pytest.raises(ValueError, match="the nearest are 200 and 251"):
        Slider("n", "N", 1, 1000, 0.1, 210, scale="log10")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Choice("c", "C", {"a": "A"}, "b"), "value = 'b' must be one of a"),
        (lambda: Choice("c", "C", {}, "b"), "options = {} must be"),
        (lambda: Toggles("t", "T", ["a"], ["b"]), "value holds b, not among the options"),
        (lambda: Toggles("t", "T", ["a", "a"], []), "must be a list of different strings"),
        (lambda: Toggles("t", "T", [], []), "options = [] must not be empty"),
        (lambda: Toggles("t", "T", "ab", ["a"]), "must be a list"),
    ],
)
def test_a_choice_that_does_not_exist_is_refused(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_controls_need_different_names_and_an_update():
    slider = Slider("n", "N", 0, 1, 0.1, 0.5)
    with pytest.raises(ValueError, match="the name n is used twice"):
        figures.interactive(go.Figure(), alt="a", controls=[slider, slider], update="return {}")
    with pytest.raises(ValueError, match="update is empty"):
        figures.interactive(go.Figure(), alt="a", controls=[slider])


# What travels to the page


def spec_of(markup):
    return json.loads(re.search(r'mount\("\w+", (.*)\);\n</script>', markup)[1])


def spec(**kwargs):
    return spec_of(shown(figures.interactive, kwargs.pop("fig", go.Figure()), alt="a", **kwargs)[0])


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.array([0.5, np.nan]), "f8"),
        (np.array([0.5], dtype="f2"), "f4"),
        (np.array([1, 2]), "i4"),
        (np.array([1, 2**40]), "f8"),
        (np.array([True, False]), "u1"),
        (np.array([1.5], dtype=">f8"), "f8"),
        (pd.Series([1, 2, 3]), "i4"),
    ],
)
def test_arrays_travel_as_base64_in_a_type_that_javascript_has(array, dtype):
    sent = spec(data={"x": array})["data"]["x"]
    assert sent["dtype"] == dtype
    received = np.frombuffer(base64.b64decode(sent["base64"]), dtype=f"<{dtype}")
    np.testing.assert_array_equal(received, np.asarray(array).astype(dtype))
    assert sent["shape"] == list(array.shape)


def test_frames_travel_by_column_and_strings_as_lists():
    sent = spec(data={"people": pd.DataFrame({"name": ["ann", "bo"], "flips": [1, 2]})})["data"]["people"]
    assert sent["name"] == ["ann", "bo"]
    assert sent["flips"]["dtype"] == "i4"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1, 2}, "data['x'] is a set"),
        ([1.0, float("nan")], "data['x'][1] = nan is not finite"),
        (2**60, "too large for JavaScript"),
        (np.array([2**60]), "too large for JavaScript"),
        (np.array([1j]), "data['x'] has the dtype complex128"),
    ],
)
def test_what_javascript_cannot_hold_is_refused_with_its_place(value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        spec(data={"x": value})


def test_the_arrays_of_a_plotly_figure_travel_too():
    fig = go.Figure(go.Heatmap(z=np.arange(6.0).reshape(2, 3), x=["a", "b", "c"]))
    trace = spec(fig=fig)["figure"]["data"][0]
    assert trace["z"]["shape"] == [2, 3]
    assert trace["x"] == ["a", "b", "c"] or "base64" not in trace["x"]


def test_a_mapping_will_do_for_a_figure():
    sent = spec(fig={"data": [{"y": [1, None, float("nan")]}], "layout": {"height": 300}})
    assert sent["figure"] == {"data": [{"y": [1, None, None]}], "layout": {"height": 300}}


def test_without_a_figure_the_update_writes_html_and_plotly_is_not_needed():
    markup, text = shown(figures.interactive, None, alt="A sentence", update="return {html: '<p>a</p>'}")
    assert '<div class="foretold-html" role="group" aria-label="A sentence"></div>' in markup
    assert 'foretold-plot"' not in markup
    assert '"figure":null' in markup
    assert text == "A sentence"
    with pytest.raises(ValueError, match="without a figure, update writes the HTML"):
        figures.interactive(None, alt="A sentence")


def test_frames_of_an_animation_are_refused_and_not_dropped():
    with pytest.raises(ValueError, match="fig has frames"):
        spec(fig={"data": [], "frames": [{"data": []}]})


def test_nothing_in_the_data_can_end_the_script():
    markup, _ = shown(figures.interactive, go.Figure(), alt="a", update='return {readout: "</script><!--"}')
    assert markup.count("</script>") == 1
    assert "<!--" not in markup
    assert spec_of(markup)["update"] == 'return {readout: "</script><!--"}'


def test_equal_interactive_figures_give_equal_bytes():
    one, other = (shown(figures.interactive, go.Figure(go.Bar(y=[1, 2])), alt="a") for _ in range(2))
    assert one == other
    assert one[1] == "a"


def test_the_book_brings_its_own_plotly_and_other_places_use_the_one_plotly_names(monkeypatch):
    assert spec()["plotly"] == {"path": "_static/plotly.min.js"}
    monkeypatch.delenv("FORETOLD_BOOK")
    online = spec()["plotly"]
    assert online["url"] in plotly.io.to_html({}, include_plotlyjs="cdn")


def test_without_plotly_a_mapping_is_still_shown_in_the_book():
    code = (
        "import sys, os; sys.modules['plotly'] = None\n"
        "from foretold import figures\n"
        "figures.interactive({'data': [{'y': [1, 2]}], 'layout': {}}, alt='a')\n"
        "del os.environ['FORETOLD_BOOK']\n"
        "figures.interactive({'data': [{'y': [1, 2]}], 'layout': {}}, alt='a')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


# In a browser

PLOTLY_JS = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
UPDATE = """
const y = data.x.map(x => x ** values.power);
return {data: [{x: data.x, y, line: {color: "INK"}}],
        readout: `power ${values.power}, scale ${values.scale}, ${values.model}, ${values.people.length} people`};
""".replace("INK", INK)


def moving_figure():
    people = [f"person {i}" for i in range(20)]
    fig = go.Figure(layout={"xaxis": {"title": {"text": "a long title of the horizontal axis, in its unit"}}})
    return shown(
        figures.interactive,
        fig,
        alt="A power, and its slider",
        caption="Move the *power*.",
        controls=[
            Slider("power", "Power", 0, 3, 0.1, 1, unit="units"),
            Slider("scale", "Prior scale", 1, 1e6, 0.1, 100, scale="log10"),
            Choice("model", "Model", {"one": "One coin", "many": "Many coins"}, "one"),
            Toggles("people", "People", people, people),
        ],
        update=UPDATE,
        data={"x": np.linspace(0, 2, 50)},
    )[0]


@pytest.fixture
def open_page(chromium, tmp_path):
    """Function that opens HTML as a page of the book, next to `_static`; at the end the page must have been silent."""
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "plotly.min.js").symlink_to(PLOTLY_JS)
    (tmp_path / "notebooks").mkdir()
    complaints, contexts = [], []

    def open_page(body, *, head="", ready=".js-plotly-plot .main-svg", **options):
        context = chromium.new_context(**({"viewport": {"width": 390, "height": 800}} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if request.url.startswith("http") else None)
        (tmp_path / "notebooks" / "page.html").write_text(
            '<!doctype html><html lang="en" data-content_root="../"><head><meta charset="utf-8"><title>t</title>'
            '<meta name="viewport" content="width=device-width"><style>body {background: #fff; color: #222} '
            f"[data-theme=dark] body {{background: #121212; color: #ced6dd}}</style>{head}</head>"
            f"<body><main><h1>Title</h1>{body}</main></body></html>"
        )
        page.goto((tmp_path / "notebooks" / "page.html").as_uri())
        if ready:
            page.wait_for_selector(ready)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def readout(page, text):
    page.wait_for_function(
        "text => document.querySelector('.foretold-readout').textContent.includes(text)", arg=text, timeout=5000
    )


@pytest.mark.slow
def test_the_keyboard_moves_a_slider_and_the_readout_answers(open_page):
    page = open_page(moving_figure())
    readout(page, "power 1, scale 100, one, 20 people")
    slider = page.get_by_role("slider", name="Power")
    slider.focus()
    page.keyboard.press("ArrowRight")
    readout(page, "power 1.1,")
    assert slider.get_attribute("aria-valuetext") == "1.1\u00a0units"
    page.keyboard.press("End")
    readout(page, "power 3,")
    scale = page.get_by_role("slider", name="Prior scale")
    scale.focus()
    page.keyboard.press("ArrowRight")
    readout(page, "scale 126,")
    page.keyboard.press("End")
    readout(page, "scale 1000000,")
    assert scale.get_attribute("aria-valuetext") == "1,000,000"


@pytest.mark.slow
def test_a_figure_of_text_answers_the_keyboard_without_plotly_and_axe_finds_nothing(open_page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    slider = Slider("n", "number of words", 1, 9, 1, 2)
    write = "const text = Array(values.n).fill('word').join(' ');"
    write += "return {html: `<p>${text}</p>`, readout: `${values.n} words`}"
    markup, _ = shown(figures.interactive, None, alt="Some words", controls=[slider], update=write)
    page = open_page(markup, ready=".foretold-html p")
    assert page.locator(".foretold-html").inner_text() == "word word"
    page.locator("input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    readout(page, "3 words")
    assert page.locator(".foretold-html").inner_text() == "word word word"
    assert not page.evaluate("'Plotly' in window")
    assert axe.run(page).response["violations"] == []


@pytest.mark.slow
def test_choices_toggles_and_reset_answer_too(open_page):
    page = open_page(moving_figure())
    page.get_by_label("Model").select_option("many")
    readout(page, "many, 20 people")
    page.get_by_role("button", name="none: People").click()
    readout(page, "many, 0 people")
    page.get_by_text("0 of 20 on").click()
    page.get_by_label("person 3", exact=True).check()
    readout(page, "many, 1 people")
    page.get_by_role("button", name="reset").click()
    readout(page, "power 1, scale 100, one, 20 people")


@pytest.mark.slow
def test_a_phone_shows_everything_without_scrolling_sideways(open_page):
    page = open_page(moving_figure() + shown(figures.show, line_figure(), alt="a", caption="c")[0])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".foretold-plot .main-svg").first.bounding_box()["width"] <= 390


@pytest.mark.slow
def test_ink_follows_the_page_from_light_to_dark(open_page):
    page = open_page(moving_figure())
    line = ".scatterlayer .js-line"
    colour = "([line, colour]) => getComputedStyle(document.querySelector(line)).stroke === colour"
    page.wait_for_function(colour, arg=[line, "rgb(34, 34, 34)"])
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(colour, arg=[line, "rgb(206, 214, 221)"])


@pytest.mark.slow
def test_plotly_loads_beside_require_js_and_gives_define_back(open_page):
    head = "<script>window.define = () => { throw new Error('registered with require.js') }; define.amd = {}</script>"
    page = open_page(moving_figure() + moving_figure().replace("Power", "Other"), head=head)
    assert page.evaluate("typeof define.amd") == "object"
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot .main-svg').length >= 2")
    assert page.locator("script[src$='plotly.min.js']").count() == 1


@pytest.mark.slow
def test_the_same_figure_twice_on_a_page_is_two_figures(open_page):
    page = open_page(moving_figure() * 2)
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot').length === 2")


@pytest.fixture
def elsewhere(chromium, monkeypatch):
    """A page outside the book: `page.answer` says what the one address that plotly names gives (None: nothing)."""
    monkeypatch.delenv("FORETOLD_BOOK")
    context = chromium.new_context()
    page = context.new_page()
    page.answer = PLOTLY_JS
    headers = {"Access-Control-Allow-Origin": "*", "Content-Type": "text/javascript"}
    page.route(
        re.compile("^https?://"),
        lambda route: route.fulfill(path=page.answer, headers=headers) if page.answer else route.abort(),
    )
    yield page
    context.close()


@pytest.mark.slow
def test_outside_the_book_plotly_comes_from_where_plotly_says(elsewhere):
    elsewhere.set_content(moving_figure())
    elsewhere.wait_for_selector(".js-plotly-plot .main-svg", timeout=10_000)
    readout(elsewhere, "power 1,")


@pytest.mark.slow
def test_a_changed_plotly_is_not_run(elsewhere, tmp_path):
    elsewhere.answer = tmp_path / "other.js"
    elsewhere.answer.write_text("document.title = 'other'; window.Plotly = {}")
    elsewhere.set_content(moving_figure())
    readout(elsewhere, "This figure needs plotly: https://")
    assert elsewhere.title() != "other"


@pytest.mark.slow
def test_without_plotly_the_reader_is_told(elsewhere):
    elsewhere.answer = None
    elsewhere.set_content(moving_figure())
    readout(elsewhere, "This figure needs plotly: https://")


@pytest.mark.slow
@pytest.mark.parametrize("update", ["return {readout: nothing.here}", "return {{"])
def test_an_update_that_fails_says_so_in_the_readout(elsewhere, update):
    elsewhere.set_content(shown(figures.interactive, go.Figure(), alt="a", update=update)[0])
    readout(elsewhere, "The code of this figure failed: ")


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_page, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = open_page(moving_figure() + shown(figures.show, line_figure(), alt="a", caption="c")[0])
    page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
    page.get_by_text("20 of 20 on").click()
    results = axe.run(page)
    assert results.violations_count == 0, results.generate_report()
