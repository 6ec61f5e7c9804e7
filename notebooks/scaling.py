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
# # Scaling
#
# *What does this chapter ask, in one sentence?*
#
# | paper | title, with a link |
# |---|---|
# | authors | names |
# | venue, year | where and when |
# | you will learn | one; two; three |
# | before you begin | what a reader has to know |
# | minutes | CPU 0.1, GPU 0.1 |
# | data, licence | what the numbers come from |

# %% tags=["bootstrap", "remove-cell"]
# On Colab, or in any kernel without foretold: install it, and leave numpy and torch as they are.
import importlib.util

if importlib.util.find_spec("foretold") is None:
    import importlib.metadata
    import os
    import pathlib
    import subprocess
    import sys
    import tempfile

    address = "https://github.com/foretold-survey/foretold"
    source = os.environ.get("FORETOLD_INSTALL", f"foretold @ git+{address}@main")
    kept = [name for name in ("numpy", "torch") if importlib.util.find_spec(name)]
    pins = pathlib.Path(tempfile.mkdtemp(), "constraints.txt")
    pins.write_text("\n".join(f"{name}=={importlib.metadata.version(name)}" for name in kept))
    install = [sys.executable, "-m", "pip", "install", "-q", "-c", str(pins), source]
    subprocess.run(install, check=True)
    importlib.invalidate_caches()

# %% [markdown]
# Every chapter begins by saying what it runs on.

# %%
import matplotlib.pyplot as plt
import numpy as np

import foretold
from foretold import figures
from foretold.papers import scaling

run = foretold.start("scaling")

# %% [markdown]
# ## The idea
#
# For someone who has not read the paper. Its own notation, introduced where it is used: here $p$ is the probability
# of a success, and $k$ of $n$ trials succeeded.
#
# ## The method
#
# Wilson's interval inverts the score test. Its centre and half-width are
#
# $$ \frac{k + z^2/2}{n + z^2}, \qquad \frac{z}{n + z^2}\sqrt{\frac{k(n-k)}{n} + \frac{z^2}{4}}. $$
#
# The code that is shown is the code that runs.

# %%
run.show(scaling.wilson_interval)

# %% [markdown]
# ## The experiment
#
# The smallest honest version of the paper's: proportions with a known answer, and how often the interval covers them.

# %%
n, repetitions = 100, run.pick(smoke=20_000, cpu=100_000, gpu=1_000_000)


def covered(interval, p, stream):
    low, high = interval(run.rng(stream).binomial(n, p, repetitions), n)
    return np.mean((low <= p) & (p <= high))


with run.section("coverage"):
    rates = [0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5]
    wilson = np.array([covered(scaling.wilson_interval, p, f"p {p}") for p in rates])
    wald = np.array([covered(scaling.wald_interval, p, f"p {p}") for p in rates])
margin = 1.96 * np.sqrt(0.25 / repetitions)  # at most

# %% [markdown]
# One figure, one message.

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7, 3.2))
for name, values in (("Wilson", wilson), ("Wald", wald)):
    axes.errorbar(rates, values, yerr=margin, fmt="o-", capsize=3, label=name)
axes.axhline(0.95, color=figures.INK, linestyle="--", linewidth=1)
axes.set(xlabel="true proportion p", ylabel="coverage (probability)")
axes.legend()
figures.show(
    figure,
    alt="Coverage against the true proportion: Wilson's stays near 0.95, Wald's falls "
    "below 0.9 for small ones.",
    caption="Wilson's interval covers about as often as it says; Wald's fails where "
    "successes are rare.",
)

# %% [markdown]
# A second one: how wide the interval is.

# %% tags=["hide-input"]
low, high = scaling.wilson_interval(np.arange(n + 1), n)
figure, axes = plt.subplots(figsize=(7, 3.2))
axes.plot(np.arange(n + 1), high - low)
axes.set(xlabel=f"successes of {n}", ylabel="width (probability)", ylim=(0, None))
figures.show(
    figure,
    alt="The width of the interval is largest in the middle, about 0.19, and smallest "
    "at both ends.",
    caption="A proportion near one half is the hardest to pin down.",
)

# %% [markdown]
# ## Something to move
#
# Move the number of successes, and watch the interval shrink towards the ends.

# %% tags=["hide-input"]
figures.interactive(
    scaling.interval_figure(n),
    alt="A bar for the interval around k successes of 100; a slider changes k.",
    caption="The interval is not centred on the estimate: it leans towards one half.",
    controls=[figures.Slider("k", "successes of 100", 0, n, 1, 30)],
    update=scaling.UPDATE,
)

# %% [markdown]
# ## Paper against here
#
# Each claim is judged as it is measured. First those with a number.

# %%
run.claim("coverage", wilson[4], (wilson[4] - margin, wilson[4] + margin))
run.claim("example", 0.3, (low[30], high[30]))
width = high - low
run.claim("widths", {"fifty": width[50], "thirty": width[30], "ten": width[10]})
gain = wilson[0] - wald[0]
run.claim("better", gain, (gain - 2 * margin, gain + 2 * margin))
run.claim("narrow", width.max())

# %% [markdown]
# Then what holds exactly: the largest violation over all cases.

# %%
run.claim("inside", max(0, -low.min(), high.max() - 1))
run.claim("mirror", np.abs(low + high[::-1] - 1).max())
share, end = np.arange(1, n) / n, low[1:-1]
run.claim("score", np.abs((share - end) ** 2 - 1.96**2 * end * (1 - end) / n).max())

# %% [markdown]
# All claims of the chapter, in one table.

# %%
run.report()

# %% [markdown]
# ### What this cannot show
#
# What the scaled-down version leaves open.
#
# ### Errata and disputes
#
# What was found in the paper or in its code, and by whom.
#
# ## Exercises
#
# **1 (to warm up).** What is the interval when none of 10 trials succeeds?

# %% tags=["solution", "hide-cell"]
print(scaling.wilson_interval(np.array([0]), 10))

# %% [markdown]
# **2 (to think).** For which $k$ is the interval widest?

# %% tags=["solution", "hide-cell"]
print("widest at k =", int(np.argmax(width)))

# %% [markdown]
# **3 (to build).** Measure the coverage at $p = 0.01$.

# %% tags=["solution", "hide-cell"]
print(f"coverage at p = 0.01: {covered(scaling.wilson_interval, 0.01, 'exercise'):.3f}")

# %% [markdown]
# ## Discussion
#
# - A question for a seminar, without a single right answer.
#
# ## Further reading
#
# - E. B. Wilson (1927), *Probable inference, the law of succession, and statistical inference*, JASA 22, 209-212.
#
# ## How this page was made

# %%
run.stamp()
