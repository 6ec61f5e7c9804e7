# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Scaling laws of training
#
# *How good will the big model be, before anyone has trained it?*
#
# | paper | [Unraveling the Mystery of Scaling Laws: Part I][paper] |
# |---|---|
# | authors | Hui Su, Zhi Tian, Xiaoyu Shen, Xunliang Cai (Meituan) |
# | venue, year | arXiv preprint, 2024 |
# | you will learn | to estimate a scaling law step by step; what a critical batch size is; why a good fit is no good forecast |
# | before you begin | logarithms, least squares, what a language model's loss is |
# | minutes | CPU 1.3, GPU 4 |
# | data, licence | models trained here on the source of Python's standard library (PSF); recorded results on public runs; optional: Gemstones (MIT), Chinchilla's points (no licence stated), downloaded only if you ask |
#
# [paper]: https://arxiv.org/abs/2403.06563

# %% tags=["bootstrap", "remove-cell"]
# On Colab, or in any kernel without foretold (what only has its name has no origin): install the
# foretold that this notebook was written for, with what this chapter needs besides, and leave every
# package that is there already as it is.
import importlib.util

if getattr(importlib.util.find_spec("foretold"), "origin", None) is None:
    import importlib.metadata
    import os
    import pathlib
    import re
    import subprocess
    import sys
    import tempfile
    import tomllib

    address = "https://github.com/foretold-survey/foretold"
    branch = "main"
    version = "0.2.0.dev0"
    extras = "[lm]"
    folder = pathlib.Path(tempfile.mkdtemp())

    def output_of(problem, *words):
        done = subprocess.run(words, capture_output=True, encoding="utf-8")
        if done.returncode != 0:
            raise RuntimeError(f"{problem}:\n{done.stderr}")
        return done.stdout

    given = os.environ.get("FORETOLD_INSTALL")  # a wheel of foretold, or the folder of a clone
    if given:
        wanted = given + extras
    else:
        # The branch's pyproject.toml names the commits of the versions before its own.
        clone = ["git", "clone", "-q", "--depth=1", "--no-checkout", "--filter=blob:none"]
        unread, tip = f"{address} cannot be read. git says", str(folder / "tip")
        output_of(unread, *clone, "-b", branch, address, tip)
        about = tomllib.loads(output_of(unread, "git", "-C", tip, "show", "HEAD:pyproject.toml"))
        commits = {**about["tool"]["foretold"]["commits"], about["project"]["version"]: branch}
        newest = f"open the newest notebook: {address}/tree/{branch}/notebooks"
        if version not in commits:
            raise RuntimeError(f"No foretold {version} is known, so {newest}")
        if commits[version] == branch:
            print(f"foretold {version} is the newest. If something is missing below, {newest}")
        wanted = f"foretold{extras} @ git+{address}@{commits[version]}"
    there = {found.metadata.get("Name") for found in importlib.metadata.distributions()}
    versions = {name: importlib.metadata.version(name) for name in there - {None, "foretold"}}
    valid = re.compile(r"[\d.]+((a|b|rc)\d+)?(\.(post|dev)\d+)*(\+[\w.]+)?")  # as pip wants it
    kept = [f"{name}=={v}" for name, v in versions.items() if valid.fullmatch(v or "")]
    pins = folder / "constraints.txt"
    pins.write_text("\n".join(kept))
    impossible = (
        f"{wanted} cannot be installed beside what is here. Run this cell in a new environment "
        "(on Colab: Runtime, Disconnect and delete runtime). pip says"
    )
    pip = [sys.executable, "-m", "pip", "install", "-q"]
    output_of(impossible, *pip, "-c", str(pins), wanted)
    importlib.invalidate_caches()

# %% [markdown]
# Every chapter begins by saying what it runs on. All that follows was computed when this page was built, except what is
# marked as recorded.

# %%
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.optimize import brentq

import foretold
from foretold import figures
from foretold.kit import gpt, powerlaws
from foretold.kit.uncertainty import Z, percentile_interval
from foretold.papers import scaling
from foretold.papers.scaling import data, draw, experiment, measures

run = foretold.start("scaling")

# %% [markdown]
# ## The idea
#
# A large model is trained once. Before that, somebody has to decide how many parameters it gets, how many steps, and how
# many tokens a step. A **scaling law** is a formula for the loss that is cheap to fit on small models and that one
# trusts, far beyond them, on the large one. The paper says that this works: with models of 1M to 60M parameters one
# can estimate all constants, and then predict the whole loss curve of a model of 33B.
#
# The formulas are those of Kaplan and co-authors (2020). There are three, and each contains the one before it. $N$ is
# the number of parameters without embeddings.
#
# - **$L(N)$**: train for ever. What is left falls as a power of the size, $L = (N_c/N)^{\alpha_N}$.
# - **$L(N, S_{min})$**: train for $S_{min}$ steps with batches so large that gradients have no noise. The steps add a
#   second power, $(S_c/S_{min})^{\alpha_S}$.
# - **$L(N, S, B)$**: train for $S$ steps with batches of $B$ tokens. A smaller batch wastes steps on noise; how many, a
#   **critical batch size** says, which depends on the loss alone.
#
# Look at what is *not* there: a floor. If $L = (N_c/N)^{\alpha_N}$ holds for ever, a large enough model predicts text
# without any error at all, and text would have no surprise in it. Nobody believes that. The question is whether it
# matters where we look. It will.
#
# How strange small exponents are, in numbers: with Kaplan's constants,

# %%
kaplan = scaling.KAPLAN
for n in (1e6, 6e7, 1e9, 33e9):
    loss = scaling.loss_surface(n, np.inf, kaplan)
    print(f"N = {n:8.1e}: loss {loss:.3f}, twice the size {1 - 2**-kaplan.alpha_n:.1%} less")
half = 2 ** (1 / kaplan.alpha_n)
print(f"to halve the loss: {half:,.0f} times the parameters")

# %% [markdown]
# ## The method
#
# ### Steps against tokens: a hyperbola
#
# Train the same model with several batch sizes, and note when each run reaches some fixed loss. Large batches need few
# steps and many tokens, small ones few tokens and many steps. If the noise of the gradient is what costs, McCandlish and
# co-authors (2018) derived, the pairs of steps $S$ and tokens $E = SB$ lie on
#
# $$ \left(\frac{S}{S_{min}} - 1\right)\left(\frac{E}{E_{min}} - 1\right) = 1, \qquad B_{crit} = \frac{E_{min}}{S_{min}}. $$
#
# Two constants, and the equation looks nonlinear. It is not. Multiply out, divide by $SE$, and
#
# $$ \frac{S_{min}}{S} + \frac{E_{min}}{SB} = 1 $$
#
# is *linear* in $S_{min}$ and $E_{min}$: least squares, without a start and without an iteration.

# %%
run.show(scaling.fit_critical_batch)

# %% [markdown]
# ### The critical batch size
#
# The second form of the equation, solved for the steps, is $S = S_{min}(1 + B_{crit}/B)$. At $B = B_{crit}$ a run takes
# twice the fewest steps and twice the fewest tokens. And over several losses the law is that
#
# $$ B_{crit}(L) = \frac{B_*}{L^{1/\alpha_B}}, $$
#
# a line in logarithms. It has no $N$ in it: a larger model wants larger batches only because it gets to lower losses.

# %%
run.show(scaling.critical_batch_size, scaling.minimum_steps, scaling.fit_critical_law)

# %% [markdown]
# ### The surface
#
# With $B_{crit}$ every point of every run is turned into the steps it would have needed without noise, and the surface
# is fitted to all of them. We write it with a floor $E$, which the paper's form sets to zero:
#
# $$ L(N, S_{min}) = E + \left(\frac{N_c}{N}\right)^{\alpha_N} + \left(\frac{S_c}{S_{min}}\right)^{\alpha_S}. $$
#
# How do you fit this well? Errors of a loss are relative, and some points are bad, so we take Huber's loss of the
# residuals of $\log L$, as Hoffmann and co-authors (2022) did. The usual way from there is a general optimiser
# from hundreds or thousands of starts. But in logarithms the model is a *log-sum-exp* of functions that are linear in the
# parameters $(\log E, k_1, \alpha_N, k_2, \alpha_S)$, so that gradient and Hessian are known exactly: the gradient is a
# mean, with the shares of the terms as weights, and the Hessian is the matching covariance. And with exponents fixed
# the model is linear in the other three, which gives starts. All starts, and all bootstrap samples, are rows of one array.

# %%
run.show(scaling.Law, scaling.loss_surface, scaling.fit_loss_surface, powerlaws.derivatives)

# %% [markdown]
# ### The trajectory, which is implicit
#
# Now run it backwards: what is the loss after $S$ steps with batches of $B$? The critical batch size depends on the loss
# that we want to know, so $L$ stands on both sides:
#
# $$ L = E + \left(\frac{N_c}{N}\right)^{\alpha_N} + \left(\frac{S_c}{S}\left(1 + \frac{B_*}{B\,L^{1/\alpha_B}}\right)\right)^{\alpha_S}. $$
#
# The right side falls in $L$ and the left side rises, so there is exactly one root. One could search it by bisection,
# curve by curve and step by step. But look at it in $x = \log L$. The logarithm of the right side, $h(x)$, is made of
# $\log(1 + c\,e^{-px})$, which is convex, and of a log-sum-exp, which keeps convexity. So $x - h(x)$ is *concave and
# rising*, and Newton's method, begun to the left of the root, climbs towards it and never passes it. A safe start is
# known, too: an endless batch is never worse. No search, and whole arrays at once.

# %%
run.show(scaling.trajectory)

# %% [markdown]
# A check with a solver that shares no code with it, on 500 random cases over many decades:

# %%
rng, law = run.rng("cases"), replace(kaplan, E=1.0)
sizes, steps, batches = (10 ** rng.uniform(*span, 500) for span in ((5, 12), (2, 7), (3, 9)))


def distance(loss, n, s, b):
    fewest = scaling.minimum_steps(s, b, loss, law.b_star, law.alpha_b)
    return loss - scaling.loss_surface(n, fewest, law)


ours = scaling.trajectory(sizes, steps, batches, law)
cases = zip(sizes, steps, batches, strict=True)
theirs = [brentq(distance, 0.5, 1e3, args=case, xtol=1e-14, rtol=1e-14) for case in cases]
root_error = np.abs(ours / theirs - 1).max()
print(f"largest relative difference {root_error:.1e}")

# %% [markdown]
# ### Does the recipe find what is there?
#
# Before we trust it with real runs: *simulate* some. Kaplan's constants, five sizes from 1M to 60M, five batch sizes, and
# 0.2% of noise on every loss. The recipe sees the curves and not the constants.

# %%
sizes = np.geomspace(1e6, 6e7, 5)
batches = 1e5 * 2.0 ** np.arange(-2, 7, 2)
steps = np.unique(np.geomspace(100, 1e5, 120).round())
with run.section("simulated recipe"):
    made = experiment.simulate(kaplan, sizes, batches, steps, 0.002, run.rng("simulated"))
    reached = experiment.fastest(made, np.linspace(3.6, 5, 8))
    fitted = experiment.hyperbolas(reached)
    found_critical = scaling.fit_critical_law(fitted["loss"], fitted["b_crit"])
    simulated = experiment.recipe(made, found_critical)
print(
    pd.DataFrame([vars(kaplan), vars(simulated)], ["true", "found"]).T.to_string(
        float_format="{:.4g}".format
    )
)

# %% [markdown]
# And the forecast that the paper is about, for a model 550 times larger than the largest of these, along its whole
# trajectory with batches of four million tokens:

# %%
later = np.geomspace(1e3, 1e6, 50)
pair = [scaling.trajectory(33e9, later, 4e6, constants) for constants in (simulated, kaplan)]
off = 100 * (pair[0] / pair[1] - 1)
print(
    f"33B: predicted {pair[0][-1]:.4f}, true {pair[1][-1]:.4f}; largest error {abs(off).max():.2f}%"
)

# %% [markdown]
# So the recipe works, *if the law is true*. Extrapolating a true law costs next to nothing. All trouble with forecasts
# is trouble with the form, and no simulation from the form can show it.
#
# ## The experiment
#
# ### Batches
#
# Now real runs, of small transformers: two layers, 32 characters of context, trained on the source of Python's standard
# library, validated on files that were held out. The losses are in nats a character. First one size and six batch
# sizes. A trap: a learning rate that suits one batch makes another look slow, and the "critical batch size" then
# measures the tuning. So each batch size gets two rates and two seeds, four runs at once as one tensor, and the faster
# rate counts.

# %%
text = gpt.corpus(gpt.standard_library(run.pick(smoke=2.0, cpu=None, gpu=None)))
few = {4: 450, 8: 320, 16: 220, 32: 150, 64: 120}
some = {2: 1_400, 4: 900, 8: 600, 16: 420, 32: 320, 64: 220}
many = {2: 4_000, 4: 2_600, 8: 1_800, 16: 1_300, 32: 900, 64: 650, 128: 500}
windows = run.pick(smoke=few, cpu=some, gpu=many)
with run.section("batch sizes"):
    tuned = []
    for batch, steps in windows.items():
        rates = 0.008 * (batch / 16) ** 0.25 * np.array([1, 2])
        runs, made = (
            experiment.Runs(16, batch, steps, rates, seeds=2),
            run.torch_generator("batches"),
        )
        tuned += experiment.train(text, runs, made, run.device)
print(f"{len(tuned)} runs of {tuned[0].n:,} parameters, {len(text.train):,} characters of text")

# %% [markdown]
# When did each pass a given loss? Curves wiggle, so they are first made to fall by isotonic regression. Then step two of
# the recipe, for each loss:

# %%
goals = run.pick(
    smoke=np.arange(2.8, 2.54, -0.05),
    cpu=np.arange(2.75, 2.34, -0.05),
    gpu=np.arange(2.7, 2.24, -0.05),
).round(2)
reached = experiment.fastest(tuned, goals)
fitted = experiment.hyperbolas(reached)
critical = scaling.fit_critical_law(fitted["loss"], fitted["b_crit"])
alpha_b = experiment.exponent(fitted, reached)
print(fitted.drop(columns="n").to_string(index=False, float_format="{:.4g}".format))
print(f"alpha_B = {alpha_b[0]:.3f} [{alpha_b[1]:.3f}, {alpha_b[2]:.3f}]")

# %% [markdown]
# The column `error` is the standard error of $\log B_{crit}$, by leaving out one batch size at a time; `residual` is how
# far the worst point lies from the hyperbola.

# %% tags=["hide-input"]
shown = fitted["loss"].iloc[:: max(1, len(fitted) // 3)].to_list()
figures.show(
    draw.hyperbolas(reached, fitted, shown[:4]),
    alt="Steps against tokens seen, both on log axes. For each of several losses the measured "
    "points of six batch sizes follow a curve that is steep at the left and flat at the "
    "right; a cross marks the corner, which moves up and to the right as the loss falls.",
    caption="Each point is one batch size on its way to a loss. To the left few tokens are spent "
    "and many steps, to the right it is the other way round. At the cross both are twice their "
    "minimum. Lower losses need more of both, and the corner moves to larger batches.",
)

# %% [markdown]
# Steps two and three of the recipe work on a laptop. The hyperbola is a rough description, with single points off by ten
# or twenty per cent, but its corner moves as it should. How fast it moves is another matter.

# %% tags=["hide-input"]
figures.show(
    draw.critical(fitted, *critical),
    alt="Critical batch size on a log axis against loss. Measured points with intervals rise "
    "several-fold from right to left, from high to low losses; a fitted line runs through "
    "them, and a dashed line with Kaplan's slope is much flatter.",
    caption="The critical batch size grows as the loss falls, faster than with Kaplan's exponent "
    "(dashed, drawn through the middle of our points).",
)

# %% [markdown]
# Why steeper? A loss is not a pure number. A power of $L$ has no zero but $L = 0$; if there is a floor $E$, what should
# matter is $L - E$, and near a floor a small change of $L$ is a large change of $L - E$. Characters of code have a lower
# loss and perhaps another floor than Kaplan's tokens of web text. The exponent measures the unit as well as the noise.
#
# ### Sizes
#
# Now sizes, each with about twice the parameters of the one before, all with batches of 512 characters, two seeds. They see the same
# batches in the same order, which takes the luck of the draw out of comparisons. The learning rate falls with the
# root of the width, as a sweep beforehand suggested. We fit the five smallest, and *predict the largest*, which has four
# times the parameters of the largest that was fitted.

# %%
widths = run.pick(smoke=(8, 16, 24, 32), cpu=(8, 12, 16, 24, 32), gpu=(8, 16, 24, 32, 64))
hidden = run.pick(smoke=64, cpu=64, gpu=128)
length, repeats = run.pick(smoke=300, cpu=700, gpu=3_000), run.pick(smoke=2, cpu=2, gpu=4)
with run.section("sizes"):
    trained = {}
    for width in (*widths, hidden):
        rate, made = 0.008 * (16 / width) ** 0.5, run.torch_generator("sizes")
        runs = experiment.Runs(width, 16, length, [rate], seeds=repeats, every=20)
        trained[width] = experiment.train(text, runs, made, run.device)
at_end = {width: np.array([c.losses[-5:].mean() for c in runs]) for width, runs in trained.items()}
for width, ends in at_end.items():
    print(f"{trained[width][0].n:8,} parameters: " + ", ".join(f"{end:.3f}" for end in ends))

# %% [markdown]
# Larger is better, every time. Step four: turn all steps into $S_{min}$, fit the surface, and draw the curves back, those
# that were fitted (solid) and the one that was not (dashed), with a band from fits to resampled sets of curves.

# %%
start = run.pick(smoke=40, cpu=100, gpu=100)
seen = [curve for width in widths for curve in trained[width]]
tiny = experiment.recipe(seen, critical, after=start)
floored = experiment.recipe(seen, critical, after=start, irreducible=True)
draws = run.pick(smoke=40, cpu=200, gpu=500)
with run.section("bootstrap"):
    spread = experiment.resampled(seen, critical, draws, run.rng("curves"), start)
for name in ("alpha_n", "alpha_s"):
    low, high = percentile_interval([getattr(one, name) for one in spread])
    print(f"{name}: {getattr(tiny, name):.3f} [{low:.3f}, {high:.3f}]")
print(f"floor, if one is allowed: {floored.E:.3f}")

# %% [markdown]
# The same law, seen from outside of the fit:

# %% tags=["hide-input"]
figures.show(
    draw.sizes(seen, trained[hidden], [tiny, *spread], start),
    alt="Loss against steps on a log axis for six sizes of models. Thin observed curves and thick "
    "lines of the law lie on each other for the five smaller sizes. For the largest, "
    "predicted, the dashed line runs through the observed curves at first and ends above "
    "them.",
    caption="Five sizes fitted, one predicted. The law has the order and the distances of the "
    "curves right. At the end the largest model is *better* than predicted.",
)

# %% [markdown]
# In numbers: the error of the predicted trajectory, in per cent of the observed loss, positive where the prediction is
# too high. For comparison, the error of the forecast that a larger model gains nothing.

# %%
errors_of = experiment.prediction_errors
off = errors_of(tiny, trained[hidden], start)
print(off.to_string(index=False, float_format="{:.2f}".format))
pairs = list(zip(trained[widths[-1]], trained[hidden], strict=True))
gains = [100 * np.mean(np.abs(a.after(start).losses / b.after(start).losses - 1)) for a, b in pairs]
misses = [errors_of(one, trained[hidden], start)["absolute"].mean() for one in [tiny, *spread]]
skills = np.mean(gains) - np.array(misses)
print(f"as the largest fitted model: {np.mean(gains):.2f}; the law is better by {skills[0]:.2f}")

# %% [markdown]
# The direction of the error is worth a thought. These runs are far from their end, and larger models profit longer from
# more steps than a sum of two separate powers allows. A law without a floor is *too pessimistic* here. And a floor, when
# allowed, comes out as zero: five tiny models say nothing about it.
#
# ### Batches that nobody ran
#
# The fourth promise of the paper is the trajectory *at any batch size*. Here is a test of the whole chain. The batches
# of the hyperbola were run at the second size only; the surface was fitted to one batch size. So take another
# size, a batch four times smaller and one four times larger, and predict. Beside it: the same surface, fitted without
# $B_{crit}$, which counts steps and ignores batches.

# %%
lengths = run.pick(smoke={4: 200, 64: 80}, cpu={4: 1_000, 64: 220}, gpu={4: 4_000, 64: 1_200})
with run.section("unseen batches"):
    elsewhere = []
    for batch, steps in lengths.items():
        rate = 0.008 * (16 / widths[-1]) ** 0.5 * (batch / 16) ** 0.25
        runs = experiment.Runs(widths[-1], batch, steps, [rate], seeds=2)
        elsewhere += experiment.train(text, runs, run.torch_generator("elsewhere"), run.device)

# %% [markdown]
# The law blind to the batch is the same fit with a critical batch size of nothing.

# %%
blind = experiment.recipe(seen, (1e-9, 1.0), after=start)
both = {"with B_crit": tiny, "without": blind}
unseen = {name: errors_of(one, elsewhere, start) for name, one in both.items()}
print(pd.concat(unseen).to_string(float_format="{:.2f}".format))

# %% [markdown]
# One row is one run; errors are in per cent of the observed loss, as above.

# %% tags=["hide-input"]
figures.show(
    draw.batches(elsewhere, tiny, blind, start),
    alt="Two panels, loss against steps, for batches of 128 and 2,048 characters. The dashed line "
    "with critical batch size follows the observed curves; the dotted line without it lies "
    "clearly below them on the left and above them on the right.",
    caption="Two batch sizes at a model size for which only one other was run. With $B_{crit}$ the "
    "prediction is within a few per cent. Without it, it is off by much more, in either "
    "direction.",
)

# %% [markdown]
# This is the strongest result of the page for the paper. Two constants, measured on other runs of another size, turn an
# error of eight or nine per cent into one of about one. A rule that knows tokens alone, and no law, errs by four: it is
# the better of the two rivals in the ledger.
#
# ### The two-billion-parameter forecast
#
# Tiny models cannot say whether a law needs a floor. Public runs can. The **Gemstones** (McLeish and co-authors, 2025) are
# 22 models of 48M to 2.0B parameters, each trained on up to 350 billion tokens at a constant learning rate with one batch
# size, so that steps count directly. Their losses are not part of this book; what our code measured on them is. Fit all
# models below 0.3B parameters (twelve of them), or below 0.6B (sixteen), and predict the three largest, of about 1.8B
# without embeddings, which we call the 2B models.

# %%
table = foretold.data.table("scaling")
rows = [
    "E",
    "alpha_n",
    "alpha_s",
    "R2 of the fit",
    "error of unseen, absolute %",
    "error of the largest, %",
]
fits = table[(table["data"] == "gemstones") & table["quantity"].isin(rows)]
for (models, form), part in fits[fits["models"] != "all"].groupby(["models", "form"]):
    print(f"fitted below {models}, {form}")
    for row in part.itertuples():
        interval = "" if np.isnan(row.low) else f" [{row.low:.3f}, {row.high:.3f}]"
        print(f"    {row.quantity:<28} {row.value:7.3f}{interval}")

# %% [markdown]
# Intervals are from 1,000 bootstrap samples of whole models, since points of one run are not independent. Here is the
# picture to remember.

# %% tags=["hide-input"]
figures.show(
    draw.floors(table, {"0.3B": "fitted below 0.3B parameters", "0.6B": "fitted below 0.6B"}),
    alt="Two panels, error of the predicted loss of the 2B models in per cent against tokens from "
    "10 to 350 billion. Above, fitted below 0.3B: without a floor from -13 to -6, with a "
    "floor from -10 to -2.5, its band reaching far above zero. Below, fitted below 0.6B: "
    "without a floor from -10 to -2.5, with a floor from -7 to just above zero.",
    caption="Recorded. Zero is what was observed; below it a forecast is too optimistic. Without a "
    "floor its centre always is, though below 0.6B the interval of its mean error holds zero. "
    "With one it is nearer, and with four more models nearly right at the end. The blue band "
    "above is the honest price: twelve small models hardly know where the floor is.",
)

# %% [markdown]
# Three things in it deserve to be said slowly.
#
# **The fit does not warn you.** Below 0.3B the two forms have the same $R^2$, 0.88, to the second decimal. Their forecasts
# for the 2B models differ by more than three per cent of the loss, which in this range is what half as many parameters
# again would gain. $R^2$ measures how well a formula describes what it has seen.
#
# **The form without a floor errs to one side.** It bends too little: exponents of about 0.08 to 0.09 look like Kaplan's, and
# the forecast of the large models is too low, early and late. The bootstrap interval of its error, from small models
# only, lies wholly below zero at 0.3B.
#
# **The form finds itself a floor when it can.** Look at the interval of $\alpha_S$ without a floor below 0.6B: it goes down
# to 0.02. Fitted to all 22 models that happens in earnest.

# %%
everything = fits[fits["models"] == "all"].pivot_table("value", "form", "quantity")
print(everything.to_string(float_format="{:.3f}".format))
alpha = everything.loc["no floor", "alpha_s"]
print(f"tenfold steps then shrink that term by {1 - 10**-alpha:.0%}")

# %% [markdown]
# A term $(S_c/S)^{0.034}$ shrinks by less than a tenth when training becomes ten times as long. It is a constant by another
# name: the formula without a floor has turned its step term into one, and the *size* exponent is then 0.23, nearly as
# in the fit with a floor. The sixteen models below 0.6B gave 0.08 without a floor and 0.23 with one. An exponent has a
# meaning only together with the form that it was fitted in.
#
# If the files are at hand, the next cell fits again and compares with the record.

# %%
if foretold.data.available("gemstones-hot"):
    points = data.gemstones(foretold.data.fetch("gemstones-hot"))
    for form, irreducible in data.FORMS.items():
        _, errors = experiment.held_out(points, 3e8, irreducible, 1, run.rng("again"))
        error = 100 * errors[0][points["n"] > 1.5e9].mean()
        print(f"{form:>8}: error of the largest {error:.3f}%")
else:
    print("The runs are not on this machine; all numbers above are recorded.")

# %% [markdown]
# ### Speed or destination?
#
# The paper says, as others quote it, that with adequate settings batch size, learning rate and schedule change how *fast*
# the loss falls, and not where it ends. (The chapter on annealing says that the schedule changes the destination.) The Gemstones came in three
# versions: the constant rate, a lower constant rate, and a cooldown from each point. No law is needed to compare them at
# the same model and step: if only speed differs, gaps should close.

# %% tags=["hide-input"]
figures.show(
    draw.gaps(table),
    alt="Difference from the constant rate in nats against tokens from 10 to 90 billion. The "
    "lower rate starts 0.08 above and falls steadily to below 0.01. The cooldown is 0.065 "
    "below at 20 billion tokens and 0.08 below at 90 billion.",
    caption="Recorded, means over 20 models with 95% intervals. A lower rate is slower, and its "
    "disadvantage all but vanishes. What a cooldown gains does not: it grows a little.",
)

# %% [markdown]
# For the rate the paper is right. For the schedule nothing closes between 20 and 90 billion tokens. Perhaps it would in
# endless training; no budget ends there, and a cooldown is worth 0.08 nats at every budget in sight.
#
# ### Chinchilla's points
#
# The other famous law, of Hoffmann and co-authors (2022), takes losses at the end of training, with tokens $D$ and *with*
# a floor: $L = E + A/N^\alpha + B/D^\beta$. Besiroglu and co-authors (2024) read 240 of its points off a figure, fitted
# them from 4,500 starts, and found other constants than the paper prints. Our solver needs no such grid.

# %%
run.show(scaling.Chinchilla, scaling.chinchilla_objective, scaling.fit_chinchilla)

# %% [markdown]
# Its record on the 240 points, with intervals from 1,000 bootstrap samples:

# %%
points = table[table["data"] == "chinchilla"].set_index("quantity")
for name, row in points.iterrows():
    interval = "" if np.isnan(row["low"]) else f" [{row['low']:.4g}, {row['high']:.4g}]"
    print(f"{name:>28} {row['value']:.6g}{interval}")

# %% [markdown]
# The floor is there, 1.82 nats, with an interval of a tenth. The objective at Hoffmann's own constants is a fifth higher:
# they are not the minimum. The scales $A$ and $B$ are uncertain by factors of two to five, because they are values at
# *one* parameter and *one* token, far from all data; only with their exponents do they say something.
#
# ### Four ways to be wrong
#
# - *"The exponents are universal."* See the two values above, for the same runs.
# - *"A good fit is a good forecast."* See the two forms with one $R^2$.
# - *"A larger model needs a larger batch."* In this law only because it reaches a lower loss. (Newer work finds that the
#   amount of data matters more than the loss.)
# - *"$N_c$ is the size of a perfect model."* It is where a line in logarithms crosses one nat, far outside of all data.
#
# ## Something to move
#
# Your browser solves the implicit equation, with Kaplan's constants and a floor that you choose.
#
# Try: set the batch to the smallest, and watch the two curves part as the loss falls. Find the batch at which both factors
# in the sentence below are 2. Then raise the floor, and see what a thousand times more parameters still buy.

# %% tags=["hide-input"]
figures.interactive(
    draw.browser_layout(),
    alt="Loss against steps on a log axis: the trajectory at the chosen batch size, that of an "
    "endless batch below it, and the limit of endless training. A diamond marks the chosen "
    "step. Sliders set parameters, steps, batch size and a floor.",
    caption="The implicit law with the constants of Kaplan et al. (2020), Table 3. The floor is "
    "added.",
    controls=draw.browser_controls(),
    update=draw.UPDATE,
    data=draw.browser_data(kaplan),
)

# %% [markdown]
# ## Paper against here
#
# What we know of the paper's text is its abstract, and its formulas through summaries; its fitted constants we could not
# check, so none is printed here. First our small models. Is the loss a power law of the size, or only something that
# falls?

# %%
chosen = run.pick(smoke=(8, 16, 32, 64), cpu=(8, 16, 32, 64), gpu=(8, 24, 64, 128))
ends = {f"{trained[width][0].n:.0f}": at_end[width] for width in chosen}
run.show(measures.slopes, measures.line_in_log_size)
run.claim(measures.power_law, ends)

# %% [markdown]
# The critical batch size, and what it is good for. Rivals: the loss depends on tokens alone, whatever the batch; and the
# larger model gains what the last one gained, with no law at all.

# %%
by_tokens = experiment.errors_by_tokens(trained[widths[-1]], elsewhere, start)
errors = {name: table["absolute"].to_numpy() for name, table in unseen.items()}
run.claim(
    measures.critical_grows, reached, *run.pick(smoke=(2.6, 2.8), cpu=(2.4, 2.7), gpu=(2.35, 2.65))
)
run.claim(measures.any_batch, errors["with B_crit"], errors["without"], by_tokens)

# %% [markdown]
# The last gain repeated: the two largest fitted models, and the same step once more.

# %%
two = trained[widths[-2]], trained[widths[-1]]
again = experiment.errors_of_last_gain(*two, trained[hidden], start)
run.claim(measures.larger_predicted, gains, misses, again)
run.claim(measures.constants_vary, reached)

# %% [markdown]
# And the recorded results on public runs.

# %%
stones = table[table["data"] == "gemstones"].set_index(["models", "form", "quantity"])[
    ["value", "low", "high"]
]


def recorded(*which):
    return [float(number) for number in stones.loc[which].to_numpy().ravel()]


bias = [recorded("0.3B", form, "error of the largest, %") for form in ("no floor", "floor")]
run.claim(measures.no_floor_needed, *bias)
run.claim(measures.rate_is_speed, recorded("all", "lower rate", "gap shrinks by"))
run.claim(measures.schedule_is_speed, recorded("all", "cooled down", "gap shrinks by"))
run.answer(measures.floor, [float(points[name]["E"]) for name in ("value", "low", "high")])

# %% [markdown]
# What follows from the equations alone, the recipe on runs that were simulated from the law itself, and the solver on
# Chinchilla's points are checks of our own code. That constants come back from their own law says nothing about the
# paper.

# %%
n, s, b = 1e9, np.geomspace(1e2, 1e7, 30), np.geomspace(1e4, 1e9, 30)
endless = scaling.trajectory(n, s, np.inf, kaplan) / scaling.loss_surface(n, s, kaplan) - 1
forever = scaling.trajectory(n, np.inf, b, kaplan) / scaling.loss_surface(n, np.inf, kaplan) - 1
loss = scaling.trajectory(n, s, b, kaplan)
corner = scaling.critical_batch_size(loss, kaplan.b_star, kaplan.alpha_b)
fewest = scaling.minimum_steps(s, b, loss, kaplan.b_star, kaplan.alpha_b)
twice = scaling.trajectory(n, 2 * fewest, corner, kaplan)

# %% [markdown]
# The limits for recovered constants were fixed before the first run: 0.005, 0.05 and 0.03.

# %%
run.check("the trajectory is the one root", root_error < 1e-10)
run.check("endless batches and endless steps", max(abs(endless).max(), abs(forever).max()) < 1e-12)
run.check("at the critical batch size, twice the steps", abs(twice / loss - 1).max() < 1e-12)
run.check("simulated: alpha_N comes back", abs(simulated.alpha_n - 0.077) < 0.005)
run.check("simulated: alpha_S comes back", abs(simulated.alpha_s - 0.76) < 0.05)
run.check("simulated: alpha_B comes back", abs(simulated.alpha_b - 0.21) < 0.03)
run.check("simulated: 33B within 1%", 100 * np.abs(pair[0] / pair[1] - 1).max() < 1)
run.check(
    "Chinchilla: objective 0.001018274", abs(points["value"]["objective"] - 0.001018274) < 1e-9
)
run.check("Chinchilla: alpha 0.3478", abs(points["value"]["alpha"] - 0.3478) < 0.002)

# %% [markdown]
# The chapter's whole ledger:

# %%
run.report()

# %% [markdown]
# ### What this cannot show
#
# - **33 billion.** The paper's own forecast cannot be repeated without its runs, which are not public. The Gemstones are
#   other models on other data; that a form fails there does not prove that it failed in the paper.
# - **The paper's constants.** We could not check them in its text.
# - **Convergence.** Our tiny runs end long before it, and at a constant learning rate, whose noise is part of the loss.
# - **Batch sizes at scale.** The Gemstones were run with one. Everything about $B_{crit}$ here rests on models of a few
#   thousand parameters, two learning rates a batch, and a range of losses of less than a fifth.
# - **Shape.** The law knows $N$ only. Models of one size and different depth differ by about a per cent.
#
# ### Errata and disputes
#
# - Hoffmann's constants are not the minimum of Hoffmann's objective on Hoffmann's figure: 0.00123 against 0.00102, as
#   Besiroglu and co-authors found. That is with many digits; with exponents rounded to two decimals it is 0.0041.
# - Whether $N$ counts embeddings changes exponents, most of all at small sizes. Here it never does.
# - "Kaplan's exponents" are several: 0.076 for $L(N)$ with $N_c = 8.8\times10^{13}$, and 0.077 with $6.5\times10^{13}$ in the
#   joint fit. Mixing a constant of one with an exponent of the other gives another law.
# - That the critical batch size depends on the loss alone is disputed; two papers of 2024 and 2025 (arXiv 2410.21676,
#   2505.13738) find that it depends on the amount of data.
#
# ## Exercises
#
# ### To warm up
#
# **1. Twice and twice.** Show from the hyperbola that at $B = B_{crit}$ steps and tokens are both twice their minimum.
# What do you pay at $B = B_{crit}/4$?

# %% tags=["solution", "hide-cell"]
for factor in (0.25, 1, 4):
    print(f"B = {factor} B_crit: {1 + 1 / factor:.2f} S_min, {1 + factor:.2f} E_min")
# S = S_min (1 + B_crit/B). E = S B = S_min (B + B_crit) = E_min (1 + B/B_crit). At B = B_crit
# both brackets are 2. A quarter of it costs 5 times the steps and saves 3/8 of the tokens.

# %% [markdown]
# **2. Invert the law.** How many tokens does a model of 1B parameters need for a loss of 2.6, at the critical batch
# size, with Kaplan's constants? And for 2.4?

# %% tags=["solution", "hide-cell"]
for goal in (2.6, 2.4):
    rest = goal - scaling.loss_surface(1e9, np.inf, kaplan)
    fewest = kaplan.s_c / rest ** (1 / kaplan.alpha_s)
    corner = scaling.critical_batch_size(goal, kaplan.b_star, kaplan.alpha_b)
    tokens = 2 * fewest * corner
    print(f"loss {goal}: {2 * fewest:,.0f} steps of {corner:,.0f} tokens, {tokens:.3g} in all")
# Near the limit of 2.35 for this size the last steps cost most. A larger model is cheaper then.

# %% [markdown]
# **3. What do you report?** Take the bootstrap of our tiny models. Over how many decades does $N_c$ range, how strongly is
# it correlated with $\alpha_N$, and how wide is $L$ at 10,000 parameters and 200 steps?

# %% tags=["solution", "hide-cell"]
logs = np.log10([one.n_c for one in spread])
alphas = [one.alpha_n for one in spread]
inside = [float(scaling.loss_surface(1e4, 200, one)) for one in spread]
print(f"N_c: {np.ptp(percentile_interval(logs)):.1f} decades wide; ", end="")
print(f"correlation of log N_c and alpha_N {np.corrcoef(logs, alphas)[0, 1]:.2f}")
print("L(10,000, 200): {:.3f} to {:.3f}".format(*percentile_interval(inside)))
# The constants are nearly collinear: a line pivots about the middle of its data. Report the loss
# at a size inside of them, and the exponent; N_c says where the line ends up far away.

# %% [markdown]
# ### To think
#
# **4. Is it a floor?** Simulate runs with a floor of 1.5, fit both forms to sizes below 60M, and forecast 33B. Repeat
# with floors of 0.5 and 0. When is the form without a floor better?

# %% tags=["solution", "hide-cell"]
critical_pair, sizes = (kaplan.b_star, kaplan.alpha_b), np.geomspace(1e6, 6e7, 5)
for floor in (0, 0.5, 1.5):
    truth = replace(kaplan, E=floor)
    made = experiment.simulate(truth, sizes, [1e9], later, 0.002, rng)
    target, found, off = scaling.loss_surface(33e9, 1e5, truth), {}, {}
    for form, irreducible in (("without", False), ("with", True)):
        found[form] = experiment.recipe(made, critical_pair, irreducible=irreducible)
        off[form] = 100 * (scaling.loss_surface(33e9, 1e5, found[form]) / target - 1)
    print(f"true floor {floor}: without {off['without']:+.2f}%, ", end="")
    print(f"with {off['with']:+.2f}% (E = {found['with'].E:.2f})")
# Without a floor in truth both forms agree, since the floor is fitted as zero. With one, the form
# without is too optimistic, as with the Gemstones. These runs are long and clean.

# %% [markdown]
# **5. The cheapest model.** By Kaplan's surface with $C = 6 N B S$ and $B \to B_{crit}$, which $N$ gives the lowest loss for
# a given compute? By the Chinchilla form, which? Compare how $N$ grows with $C$.

# %% tags=["solution", "hide-cell"]
chinchilla = scaling.Chinchilla(*points["value"][["E", "A", "B", "alpha", "beta"]])
size, best = np.geomspace(1e6, 1e13, 3_000), []
for compute in (1e19, 1e23):
    steps = compute / (6 * size * kaplan.b_star / 2 ** (1 / kaplan.alpha_b)) / 2
    k = size[np.argmin(scaling.loss_surface(size, steps / 2, kaplan))]
    c = size[np.argmin(chinchilla.predict(size, compute / 6 / size))]
    best.append((k, c))
growth = np.log(np.divide(*best[::-1])) / np.log(1e4)
print(
    f"N grows as C^{growth[0]:.2f} by Kaplan's surface, "
    f"as C^{growth[1]:.2f} by the refitted Chinchilla"
)
# Analytically the exponents are alpha_s / (alpha_s + alpha_n) at a fixed batch, and
# beta / (alpha + beta). Kaplan's advice to put nearly all compute into size came from here.

# %% [markdown]
# **6. Convexity.** The proof that Newton's method never passes the root needs $h$ convex. Check it numerically for a
# law with $\alpha_S = 3$, and then count the iterations for the hardest cases that you can find.

# %% tags=["solution", "hide-cell"]
steep = replace(kaplan, alpha_s=3.0, E=0.5)
x = np.linspace(0, 4, 2_001)
fewest = scaling.minimum_steps(1e4, 1e4, np.exp(x), steep.b_star, steep.alpha_b)
h = np.log(scaling.loss_surface(1e8, fewest, steep))
print(f"smallest second difference {np.diff(h, 2).min():.1e} (rounding is about 1e-15)")
low = np.log(scaling.loss_surface(1e8, 1e4, steep))
for _ in range(4):
    value, slope = np.interp(low, x, h), np.interp(low, x, np.gradient(h, x))
    low = low - (low - value) / (1 - slope)
    print(f"loss {np.exp(low):.6f}")
# Where one term rules, h is a straight line and one step lands; the rest is two or three steps.

# %% [markdown]
# ### To build
#
# **7. An interval for B_crit.** Bootstrap the hyperbola over batch sizes instead of leaving one batch out. Do the
# two kinds of interval agree?

# %% tags=["solution", "hide-cell"]
row, values = fitted.iloc[0], []
part = reached[np.isclose(reached["loss"], row["loss"])]
while len(values) < 500:
    resample = part.sample(len(part), replace=True, random_state=rng.integers(2**31))
    if resample["batch"].nunique() > 2:
        s_min, e_min = scaling.fit_critical_batch(resample["steps"], resample["batch"])
        values.append(e_min / s_min)
low, high = percentile_interval(values)
one, other = row["b_crit"] * np.exp(Z * row["error"] * np.array([-1, 1]))
print(
    f"loss {row['loss']}: B_crit {row['b_crit']:,.0f}, bootstrap [{low:,.0f}, {high:,.0f}], ",
    end="",
)
print(f"leaving one out [{one:,.0f}, {other:,.0f}]")
# Six points are few for either. What neither sees: seeds that change all batches alike.

# %% [markdown]
# **8. Which runs to pay for?** You may train four sizes, of 1M to 60M, with one batch size. Simulate a law with a floor,
# and compare the forecast for 33B from four equal steps in $\log N$ with that from the two smallest and two largest.

# %% tags=["solution", "hide-cell"]
truth, forecasts = replace(kaplan, E=1.0), {}
plans = {"spread": np.geomspace(1e6, 6e7, 4), "ends": np.array([1e6, 1.5e6, 4e7, 6e7])}
for name, plan in plans.items():
    off = []
    for _ in range(run.pick(smoke=4, cpu=15, gpu=30)):
        made = experiment.simulate(truth, plan, [1e9], np.geomspace(1e3, 1e5, 30), 0.002, rng)
        found = experiment.recipe(made, (truth.b_star, truth.alpha_b), irreducible=True)
        off.append(
            100
            * (scaling.loss_surface(33e9, 1e5, found) / scaling.loss_surface(33e9, 1e5, truth) - 1)
        )
    print(f"{name}: mean error {np.mean(off):+.2f}%, spread {np.std(off):.2f}%")
# A floor shows as curvature, and curvature needs a middle: designs for slopes are not enough.

# %% [markdown]
# ## Discussion
#
# - The form without a floor is wrong in the limit, and nobody will train at the limit. When is a wrong form good enough?
# - Both forms fitted equally well below 0.3B. What else could you have measured there to choose between them?
# - A forecast of the 2B models was 7% too optimistic in nats a token. What is that in money?
# - A law fitted at a constant learning rate is used to plan runs with a cooldown. What has to be assumed?
# - Who gains if it is believed that constants from 60M parameters predict 33B?
#
# ## Further reading
#
# - J. Kaplan and co-authors (2020), *Scaling laws for neural language models*, arXiv 2001.08361. The three forms.
# - S. McCandlish, J. Kaplan, D. Amodei (2018), *An empirical model of large-batch training*, arXiv 1812.06162. The
#   hyperbola, derived.
# - J. Hoffmann and co-authors (2022), *Training compute-optimal large language models*, arXiv 2203.15556.
# - T. Besiroglu, E. Erdil, M. Barnett, J. You (2024), *Chinchilla scaling: a replication attempt*, arXiv 2404.10102.
# - S. McLeish and co-authors (2025), *Gemstones: a model suite for multi-faceted scaling laws*, arXiv 2502.06857. The runs.
#
# ## How this page was made

# %%
run.stamp()
