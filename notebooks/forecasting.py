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
# # Large language model prediction capabilities
#
# *Can a language model forecast real events?*
#
# | paper | [Large Language Model Prediction Capabilities: Evidence from a Real-World Forecasting Tournament][paper] |
# |---|---|
# | authors | Philipp Schoenegger, Peter S. Park |
# | venue, year | arXiv preprint 2310.13014, 2023 |
# | you will learn | what published moments imply, and what they cannot; the power of a test; to read a Brier score against a base rate |
# | before you begin | mean, standard deviation, the t test; some Python |
# | minutes | CPU 0.4, GPU 0.6 (the language model is small; a GPU pays off with a larger one) |
# | data, licence | crowd values and outcomes of 57 questions: [ForecastBench][bench], CC BY-SA 4.0, retyped; optional: their texts, and SmolLM2-135M-Instruct (Apache-2.0) |
#
# [paper]: https://arxiv.org/abs/2310.13014
# [bench]: https://github.com/forecastingresearch/forecastbench-datasets

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
    extras = "[bayes,lm]"
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
# Every chapter begins by saying what it runs on. All that follows was computed when this page was built, except what
# is called recorded.

# %%
import itertools
from fractions import Fraction

import numpy as np
import pandas as pd
from scipy import integrate, stats

import foretold
from foretold import figures
from foretold.kit import uncertainty
from foretold.papers import forecasting
from foretold.papers.forecasting import data, draw, experiment, measures, theory

run = foretold.start("forecasting")

# %% [markdown]
# ## The idea
#
# Benchmarks for language models have a weakness: the answers exist, and may have been in the training text. Questions
# about the future have none yet. So in 2023 the authors entered GPT-4 in a forecasting tournament on the platform
# Metaculus, from July to October, among 843 participants: Big Tech, politics in the United States, outbreaks of
# viruses, the war in Ukraine. A binary question asks whether something will happen by some date; the answer is a
# probability $p$, and when the question is resolved, $y$ is 1 for yes and 0 for no.
#
# The abstract reports three results. GPT-4 was **significantly less accurate than the median of the human crowd**. It
# **did not differ significantly from saying 50% to everything**. And the explanation that it keeps too close to 50%
# **was not supported**.
#
# The second sentence is the one that travels: "GPT-4 forecasts no better than a coin". This page is about what stands
# behind it, and there are two surprises.
#
# - With as few questions as the tournament had, a forecaster who really is as much better than 50% as GPT-4 looked
#   would be *missed three times in four*. "Not significantly different" was the likely outcome either way.
# - We enter a model of our own, which is so small that it denies that Paris is the capital of France. It scores nearly
#   what GPT-4 scored. Whoever reads a Brier score without the base rate can be fooled by a habit of saying No.
#
# **What we know of the paper, and what not.** The three statements stand in its abstract. The means and standard
# deviations below are quoted from its full text by a third party, and the number of questions, 23, by public reading
# notes; neither could be checked in the paper itself. Its table of questions and forecasts is not public in any text
# that we could read, so nothing on this page pretends to be it. What follows has two parts: what the *moments* imply, and
# the *design*, run again on other questions.
#
# ## The method
#
# ### A score that rewards honesty
#
# The score is Brier's, a loss: on each question
#
# $$ B = (p - y)^2, $$
#
# and a forecaster's score is the mean. Whoever says 50% always gets exactly $1/4$, whatever happens. Perfect is 0. (Some
# authors add the same term for "no" and get twice as much.)

# %%
run.show(forecasting.squared_errors, forecasting.brier_score)

# %% [markdown]
# Why a square? If you believe in $q$ and say $p$, you expect $q(1-p)^2 + (1-q)p^2 = (p-q)^2 + q(1-q)$. That is smallest
# at $p = q$: nobody can gain by saying something other than they believe. Such a score is called **proper**. Here it is
# once more without calculus, in fractions, for all beliefs and forecasts in hundredths: how much could a lie gain at
# most?

# %%
hundredths = [Fraction(i, 100) for i in range(101)]


def expected(p, q):
    return q * (1 - p) ** 2 + (1 - q) * p**2


gain = max(expected(q, q) - expected(p, q) for p, q in itertools.product(hundredths, repeat=2))
print(f"largest expected gain by a lie: {gain}")

# %% [markdown]
# ### Three numbers are enough for a t test
#
# GPT-4's mean Brier score is quoted as 0.20 with a standard deviation of 0.18, the crowd's as 0.07 with 0.08. The test
# of a mean $M$ of $n$ values with standard deviation $S$ against a null $\mu$ needs no more than these:
#
# $$ t = \frac{M - \mu}{S / \sqrt n}, \qquad n - 1 \text{ degrees of freedom.} $$

# %%
run.show(forecasting.t_from_moments)

# %% [markdown]
# But 0.20 may be anything from 0.195 to 0.205, and 0.18 anything from 0.175 to 0.185. A number recomputed from rounded
# numbers is an interval. We carry it through: the test again, for every moment that rounds to what was printed.

# %%
run.show(forecasting.over_rounding)

# %% [markdown]
# With the number of questions as it was noted:

# %%
n = 23
gpt4, crowd = (0.20, 0.18), (0.07, 0.08)


def half_test(mean, sd):
    return forecasting.t_from_moments(mean, sd, n, 0.25)


low, high = forecasting.over_rounding(half_test, gpt4)
t, p = half_test(*gpt4)
print(f"GPT-4 against 50%: t({n - 1}) = {t:.2f} [{low.t:.2f}, {high.t:.2f}]")
print(f"                   p = {p:.3f} [{low.p:.3f}, {high.p:.3f}]")
half_p = low.p

# %% [markdown]
# So the abstract's statement holds, whatever was rounded. And if the number of questions was not 23? It would have held
# for any number up to 52.

# %%
numbers = [m for m in range(3, 200) if forecasting.t_from_moments(*gpt4, m, 0.25).p >= 0.05]
print(f"not significant for n = {numbers[0]} to {numbers[-1]}")

# %% [markdown]
# ### Paired or not, and why it does not matter here
#
# GPT-4 and the crowd answered the *same* questions. Then the differences count, question by question, and their
# variance depends on how the two columns of scores hang together:
#
# $$ S_d^2 = S_1^2 + S_2^2 - 2 r S_1 S_2. $$
#
# If hard questions are hard for both, $r$ is positive and the paired test is the sharper one. We do not know $r$, nor
# which test the paper used. (A follow-up reports 60 degrees of freedom for 31 questions. A paired test would have 30.)

# %%
run.show(forecasting.t_between_moments)

# %% [markdown]
# So try them all: independent, and paired with every correlation that is possible at all.


# %%
def between(r, *m):
    return forecasting.t_between_moments(*m, n, r)


rows = []
for r in np.linspace(-1, 1, run.pick(smoke=11, cpu=41, gpu=41)):
    low, high = forecasting.over_rounding(lambda *m, r=r: between(r, *m), (*gpt4, *crowd))
    rows.append((r, *between(r, *gpt4, *crowd), low.p, high.p))
pairs = pd.DataFrame(rows, columns=["r", "t", "p", "low", "high"])
low, high = forecasting.over_rounding(lambda *m: between(None, *m), (*gpt4, *crowd))
apart, apart_worst = between(None, *gpt4, *crowd), high.p
print(f"independent: t({2 * n - 2}) = {apart.t:.2f}, p = {apart.p:.4f} [{low.p:.4f}, {high.p:.4f}]")
print(pairs.iloc[[0, len(pairs) // 2, -1]].to_string(index=False, float_format="{:.5f}".format))

# %% [markdown]
# The first row is as bad as it can be: every question that is easy for one is hard for the other. Even there, with the
# least favourable rounding, $p$ stays below 0.05.

# %% tags=["hide-input"]
figures.show(
    draw.correlation_curve(pairs, (apart.p, low.p, high.p)),
    alt="p-value of the paired test on a log axis against the correlation from -1 to 1: it falls "
    "from 0.025 at -1 to below one in a million at 1. The band for rounding stays below the dashed "
    "line at 0.05 everywhere. A diamond for the independent test lies at 0.003.",
    caption="GPT-4 against the crowd. Which test was used and how the scores correlate does not "
    "matter for the verdict: the whole band lies below 0.05, at the left by a hair.",
)

# %% [markdown]
# ### What 23 questions can show
#
# Now the question that decides what "not significantly different" means. Suppose that GPT-4's true mean is just what was
# observed, 0.20. How often would a tournament of $n$ questions have found a significant difference from 0.25? That is the
# **power** of the test. With $n$ questions, $t$ has a *noncentral* t distribution, moved by
# $\delta = \sqrt n\,(0.25 - 0.20)/S$:
#
# $$ \text{power} = P(|T_{n-1}(\delta)| > t_{n-1,\,0.975}). $$

# %%
run.show(forecasting.power, forecasting.sample_size)

# %% [markdown]
# The same by brute force: tournaments drawn from a normal distribution, a t test in each.

# %%
many, rng = run.pick(smoke=20_000, cpu=200_000, gpu=200_000), run.rng("power")
drawn = rng.normal(0.20, 0.18, (many, n))
share = np.mean(stats.ttest_1samp(drawn, 0.25, axis=1).pvalue < 0.05)
low, high = uncertainty.share_interval(share * many, many, "wald")
needed = forecasting.sample_size(0.05, 0.18)
print(f"power with {n} questions: {forecasting.power(0.05, 0.18, n):.3f}")
print(f"by simulation:           {share:.3f} [{low:.3f}, {high:.3f}]")
print(f"questions for 80%:       {needed} (power {forecasting.power(0.05, 0.18, needed):.3f})")
steps = np.arange(0.05, 0.2, 0.0005)
found = next(d for d in steps if forecasting.power(d, 0.18, n) >= 0.8)
print(f"found in 80% of cases:   a true mean of {0.25 - found:.2f} or below")

# %% [markdown]
# One chance in four. This is the figure to remember.

# %% tags=["hide-input"]
spread = float(np.hypot(0.18, 0.08))
effects = {
    "GPT-4 (0.20) against always 50% (0.25)": (0.05, 0.18),
    "GPT-4 (0.20) against the crowd (0.07), uncorrelated pairs": (0.13, spread),
}
sizes = {name: forecasting.sample_size(*effect) for name, effect in effects.items()}
figures.show(
    draw.power_curves(effects, n, sizes),
    alt="Power against the number of questions from 4 to 400. The curve for GPT-4 against always "
    "50% passes 25% at 23 questions and reaches 80% at 104. The curve for GPT-4 against the crowd "
    "is at 86% with 23 questions and reaches 80% at 21.",
    caption="The same 23 questions can tell GPT-4 from the crowd and cannot tell it from a coin, "
    "because the first difference is 0.13 and the second, if it is real, 0.05.",
)

# %% [markdown]
# Read the two results again with this in mind. "Significantly worse than the crowd" is a finding. "Not significantly
# different from 50%" is hardly one: it was to be expected if GPT-4 had no skill (19 times in 20), and it was to be expected
# if it had the skill that it showed (3 times in 4). The data favour the first over the second by little. Exercise 6
# puts a number on it.
#
# ### A test without a bell curve
#
# Brier scores lie between 0 and 1, most of them near 0, and 23 of them are no large sample. There is a test that needs no
# distribution. If two forecasters are alike, then on each question it was a matter of chance which of them got the
# better score, and the sign of the difference could as well have been the other one. Count all $2^n$ patterns of
# signs: the p-value is the share whose mean is as far from 0 as the one observed.
#
# $2^{23}$ is eight million, and $2^{40}$ a trillion. But the sum of a pattern is the sum of its two halves. Sort the
# $2^{n/2}$ sums of one half, and for each sum of the other half a binary search counts the partners that reach the
# limit. So all patterns of 40 questions are counted by a million searches. Beyond that we draw.

# %%
run.show(forecasting.sign_flip_test, forecasting.half_sums)

# %% [markdown]
# ### Where a Brier score comes from
#
# Group the questions by the forecast that they got: $n_k$ questions with forecast $f_k$, of which the share $o_k$ resolved
# yes; $b$ is the base rate, the share of yes among all $n$. Murphy (1973) splits the score exactly:
#
# $$ \mathrm{Brier} = \underbrace{\tfrac1n\sum_k n_k (f_k - o_k)^2}_{\text{reliability}}
#  - \underbrace{\tfrac1n\sum_k n_k (o_k - b)^2}_{\text{resolution}} + \underbrace{b(1-b)}_{\text{uncertainty}}. $$
#
# Reliability is the price of wrong numbers: of your 70%, not 70% happened. Resolution is the worth of telling questions
# apart. Uncertainty belongs to the questions; it is what you score if you know the base rate and nothing else.

# %%
run.show(forecasting.murphy_decomposition)

# %% [markdown]
# An identity can be tested on anything. Here on random forecasts in tenths, the largest deviation found:

# %%
rng, murphy_gap, half_gap = run.rng("identities"), 0.0, 0.0
for _ in range(run.pick(smoke=200, cpu=2_000, gpu=2_000)):
    size = int(rng.integers(2, 200))
    f, y = rng.integers(0, 11, size) / 10, rng.integers(0, 2, size)
    parts = forecasting.murphy_decomposition(f, y)
    whole = parts.reliability - parts.resolution + parts.uncertainty
    murphy_gap = max(murphy_gap, abs(forecasting.brier_score(f, y) - whole))
    half_gap = max(half_gap, abs(forecasting.brier_score(np.full(size, 0.5), y) - 0.25))
print(f"Murphy: {murphy_gap:.0e}, always 50%: {half_gap:.0e}")

# %% [markdown]
# **Skill** is the part of a reference's loss that a forecaster saves, $1 - B/B_{\text{ref}}$. The reference decides. Against
# always 50% the reference is 0.25. Against the base rate it is $b(1-b)$, which is smaller unless half of all questions
# resolve yes. We do not know the base rate of the paper's questions. If it was 28%, then knowing that, and nothing else,
# scores 0.20.
#
# The table below has a second proper score beside Brier's, the **log score**: $-\ln$ of the probability that was given
# to what happened. It is infinite for whoever was certain and wrong.

# %%
run.show(forecasting.skill_score, forecasting.log_score)

# %% [markdown]
# ## The experiment
#
# ### Fifty-seven questions, a crowd, and a very small model
#
# ForecastBench asks people and models questions that were open when they were asked. Its human round of July 2024 has 57
# from markets and platforms which have since been resolved. We take the crowd's probability of 12 July and the
# outcome; the texts stay with their publisher.

# %%
asked = data.questions()
y = asked["outcome"].to_numpy(float)
print(asked.groupby("platform", sort=False)["outcome"].agg(questions="size", yes="sum").to_string())
print(f"base rate {y.mean():.3f}, so knowing it scores {y.mean() * (1 - y.mean()):.4f}")
largest = asked["family"].value_counts().max()
print(f"{asked['family'].nunique()} families of questions, the largest of {largest}")

# %% [markdown]
# The contestant is SmolLM2-135M-Instruct with weights in 4 bits: 134 million parameters, about as small as a language
# model comes today. This is a replication of the *design* with a small model, and not of GPT-4. Each question is put to
# it in five phrasings, each of them also the other way round, asking for No; all ten were written before any was scored,
# and none was dropped.

# %%
for name, phrasing in data.PHRASINGS.items():
    print(f"{name:>12}: {phrasing.text!r}"[:118].replace("{q}", "..."))

# %% [markdown]
# It need not write anything. After the prompt a language model has a probability for every possible next token. We add
# up those of *Yes* and of *No* (with a blank before, or in lower case), and take
#
# $$ P(\text{yes}) = \frac{P(\textit{Yes})}{P(\textit{Yes}) + P(\textit{No})}. $$

# %%
run.show(experiment.yes_probability)

# %% [markdown]
# Where weights and texts are at hand, the next cell asks a part of the questions again (all ten phrasings on a GPU).
# Otherwise it says so, and what follows uses the recorded answers. It does so in either case, so that no number on this page
# depends on what a machine has downloaded. A larger open model is one name away: set `HUB`.

# %%
HUB = None  # such as "Qwen/Qwen2.5-7B-Instruct": downloaded from the model hub, for a GPU
recorded = data.answers()
part = run.pick(smoke=["plain"], cpu=["plain", "plain, no"], gpu=None)
with run.section("language model"):
    now = experiment.ask_now(part, run.device, HUB)
if now is None:
    print(f"Weights or texts are not on this machine: {len(recorded)} recorded answers are used.")
else:
    both = now.merge(recorded, on=["question", "phrasing"], suffixes=("", " before"))
    gap = (both["p_yes"] - both["p_yes before"]).abs().max()
    print(f"asked {len(now)} prompts now; largest difference to the record {gap:.5f}")
    print(experiment.scoreboard(experiment.contestants(asked, now), y)[["Brier", "AUC"]])

# %% [markdown]
# First a control. The model gets 24 questions that everybody can answer ("Is Paris the capital of France?", "Is the Sun a
# planet?"), half of them true. AUC is the probability that a true one gets the higher P(yes): 1 is perfect, 0.5 is
# blind.

# %%
facts = experiment.event_probabilities(data.answers("facts"))
truth = np.array(list(data.FACTS.values()))
control = pd.DataFrame(
    {
        "mean P(event)": facts.mean(),
        "AUC": [experiment.discrimination(facts[name], truth) for name in facts],
    }
)
print(control.to_string(float_format="{:.3f}".format))
print(f"all phrasings together: AUC {experiment.discrimination(facts.mean(axis=1), truth):.3f}")

# %% [markdown]
# Blind. Asked "What is the capital of France?" the model writes "The capital of France is Paris." Asked whether Paris is
# the capital of France, it writes "No. Paris is not the capital of France." The fact is in there, and no way leads from a
# yes-or-no question to it. (The chapter on the reversal curse meets the same gap from another side.) So we know before
# the tournament begins that this contestant has no skill. Whatever it scores is what no skill scores.
#
# ### The table
#
# *As asked* is the mean of the five phrasings that ask for Yes, as tournaments do. *Both ways* is the mean of
# all ten, the negated ones turned round. *Base rate* knows the share of yes in advance, which nobody does.

# %%
forecasts = experiment.contestants(asked, recorded)
board = experiment.scoreboard(forecasts, y)
print(board.to_string(float_format="{:.3f}".format, na_rep=""))

# %% [markdown]
# Look at the second row. A model that denies everything scores 0.195. GPT-4 scored 0.20. Its skill over always 50% is 22%,
# and against 0.25 its p-value is 0.057, so a slightly longer tournament would have called it significantly better than
# a coin. It has no idea: its AUC is below one half, and over the base rate its skill is nil. It says No, and three in
# four of these questions resolved no.
#
# This does not show that GPT-4 did the same. It shows that a Brier score of 0.20 against a benchmark of 0.25 cannot tell
# knowledge from a habit that happens to match the base rate. The row below is the same model, asked both ways: there
# the habit cancels, and 0.272 is significantly *worse* than a coin.

# %% tags=["hide-input"]
figures.show(
    draw.per_question(forecasts, y),
    alt="57 questions as rows, sorted by the crowd's forecast from 0.005 to 0.97. The crowd's "
    "marks run from left to right; the model's lie in a narrow column near 0.27, or near 0.55 when "
    "it is asked both ways. Outcomes at the edges: mostly no, with the yes in the upper part.",
    caption="The crowd moves with the questions, and outcomes move with the crowd. The model says "
    "nearly the same to every question; which number it says depends on how it is asked.",
)

# %% [markdown]
# ### The paper's comparison, three times
#
# Model against crowd, as differences of Brier scores question by question: the paired t test, the sign flips, and for
# comparison the test that ignores the pairs.

# %%
errors = {name: forecasting.squared_errors(f, y) for name, f in forecasts.items()}
flips, rng = run.pick(smoke=20_000, cpu=200_000, gpu=1_000_000), run.rng("sign flips")
models = ["model, as asked", "model, both ways"]
for name in models:
    d = errors[name] - errors["crowd"]
    r = np.corrcoef(errors[name], errors["crowd"])[0, 1]
    paired, unpaired = stats.ttest_1samp(d, 0), stats.ttest_ind(errors[name], errors["crowd"])
    flipped = forecasting.sign_flip_test(d, flips, rng)
    print(
        f"{name}: difference {d.mean():.4f}, correlation {r:.2f}, crowd better on {np.sum(d > 0)}"
    )
    print(f"    p: paired t {paired.pvalue:.2g}, sign flips {flipped.p:.2g}, ", end="")
    print(f"independent t {unpaired.pvalue:.2g}, Wilcoxon {stats.wilcoxon(d).pvalue:.2g}")

# %% [markdown]
# As asked, the model without skill is *not* significantly worse than a crowd that has a lot of it, by the t tests and the
# sign flips. Wilcoxon's test disagrees. It ranks the differences, so it asks who wins more often, and the crowd is better
# on 44 of 57 questions; on a few, where it was confident and wrong, it loses 0.6 to 0.9 at once. The mean of a Brier score
# is not a vote.
#
# And 57 questions have little power too. For the difference that we see between the model, as asked, and the crowd:

# %%
d = errors["model, as asked"] - errors["crowd"]
seen, sd = d.mean(), d.std(ddof=1)
print(f"difference {seen:.3f}, SD {sd:.3f}")
print(f"power with 57 questions: {forecasting.power(seen, sd, 57):.2f}")
print(f"questions needed for 80%: {forecasting.sample_size(seen, sd)}")

# %% [markdown]
# ### Questions that hang together
#
# Four of the questions ask how many named storms the season will have, and exactly one of them can resolve yes. Seven
# hang on the elections in the United States, four on the Olympic Games. They are not 57 independent draws. A
# **cluster bootstrap** draws whole clusters with replacement. Two kinds: 35 *families*, which is our own coding of what
# hangs on the same event or actor, and the 4 *platforms*.

# %%
draws, rng = run.pick(smoke=2_000, cpu=20_000, gpu=50_000), run.rng("bootstrap")
families, questions = asked["family"].to_numpy(), asked.index.to_numpy()
kinds = {"questions": questions, "families": families, "platforms": asked["platform"].to_numpy()}
no_better = errors["model, as asked"] - 0.25
columns = {"crowd": errors["crowd"], "as asked - crowd": d, "as asked - 0.25": no_better}
for title, values in columns.items():
    print(title)
    for kind, clusters in kinds.items():
        mean, low, high = experiment.cluster_bootstrap(values, clusters, rng, draws)
        print(f"  {len(set(clusters)):2d} {kind:<9}: {mean:+.3f} [{low:+.3f}, {high:+.3f}]")

# %% [markdown]
# Families widen the interval a little, as they should. Platforms make it *narrower*, and suddenly the model is
# significantly worse than the crowd and significantly better than a coin. That is no discovery. Four clusters are too
# few: their means happen to lie close together, and there are only 35 ways to draw four from four. Exercise 7 measures how
# often such an interval misses.
#
# ### Reliability, without bins
#
# Does 30% mean 30%? The usual diagram sorts forecasts into bins, and its look depends on the bins. Instead we let the
# data choose: the curve is the best *non-decreasing* function of the forecast in hindsight (isotonic regression). If
# forecasts were right, where would the curve lie? Draw outcomes with the forecasts' own probabilities, fit again, and
# repeat: that gives the grey band.

# %%
run.show(theory.recalibrated, theory.consistency_band)

# %% [markdown]
# A curve outside of its band is evidence against the forecasts.

# %% tags=["hide-input"]
three = {name: forecasts[name] for name in ("crowd", *models)}
with run.section("reliability"):
    figures.show(
        draw.reliability(three, y, run.rng("band"), run.pick(smoke=100, cpu=1_000, gpu=2_000)),
        alt="Three calibration curves with grey consistency bands. The crowd's rises from 0 to 1 "
        "along the diagonal, inside its band. The model's, as asked, is a short curve between 0.2 "
        "and 0.37, mostly flat. Asked both ways it is a step near 0.55, at the lower right edge of "
        "its band.",
        caption="Ticks: forecasts of questions that resolved yes (above) and no (below); dashed: "
        "base rate. The crowd is calibrated and spread out. As asked, the model is calibrated and "
        "useless: near the base rate, it cannot be caught. Asked both ways, it is neither.",
    )

# %% [markdown]
# The same curve splits the score again, now into *miscalibration* (what hindsight recalibration would gain),
# *discrimination* (what is then gained over the base rate) and the same uncertainty. With so flexible a curve even
# useless forecasts seem to discriminate. How much? Deal the outcomes out at random and look.

# %%
run.show(theory.corp, theory.chance_discrimination)

# %% [markdown]
# The columns `low` and `high` are the middle 90% of what chance gives.

# %%
deals, rng, rows = run.pick(smoke=100, cpu=1_000, gpu=5_000), run.rng("deals"), {}
with run.section("decomposition"):
    for name, f in three.items():
        split = theory.corp(f, y)
        chance = theory.chance_discrimination(f, y, rng, deals)
        low, high = uncertainty.percentile_interval(chance, 0.9)
        p = (1 + np.sum(chance >= split.discrimination - 1e-12)) / (1 + deals)
        rows[name] = (*split[:2], low, high, p)
split = pd.DataFrame(rows, index=["miscalibration", "discrimination", "low", "high", "p"]).T
print(split.to_string(float_format="{:.4f}".format))

# %% [markdown]
# With Murphy's groups taken as five bins of equal width, the picture is the same, for the price of a choice of bins (and
# of the small difference that replacing forecasts by the means of their bins makes).

# %%
for name, f in three.items():
    bins = pd.Series(f).groupby(np.digitize(f, [0.2, 0.4, 0.6, 0.8]))
    parts = forecasting.murphy_decomposition(bins.transform("mean"), y)
    print(f"{name:>16}: " + ", ".join(f"{key} {v:.4f}" for key, v in parts._asdict().items()))

# %% [markdown]
# Discrimination is what deserves the word skill.

# %% tags=["hide-input"]
figures.show(
    draw.decomposition(split),
    alt="Bars for three contestants. The crowd: discrimination 0.088, far beyond what chance "
    "gives, miscalibration 0.023. The model: discrimination 0.02 both ways, within the interval of "
    "chance; miscalibration 0.02 as asked, and 0.10 when asked both ways.",
    caption="The crowd's advantage is discrimination, far beyond chance. The model has none in "
    "either form; asking it both ways changes only its miscalibration, and with it the score.",
)

# %% [markdown]
# ### Yes to nothing
#
# People tend to say yes to whatever they are asked; this is called *acquiescence*. A follow-up by the same group (twelve
# larger models, 31 questions) found it in language models too: mean predictions above 50%. One cannot see it in the
# answers to questions alone, because events may have a base rate. Ask the opposite as well. A consistent forecaster has
#
# $$ P(\text{yes to } Q) + P(\text{yes to not } Q) - 1 = 0, $$
#
# who says yes to anything is above, who says no to anything is below.

# %%
leaning = experiment.acquiescence(recorded)
rng = run.rng("acquiescence")
for name in leaning:
    mean, low, high = experiment.cluster_bootstrap(leaning[name], families, rng, draws)
    print(f"{name:>9}: {mean:+.3f} [{low:+.3f}, {high:+.3f}]")
empty = data.answers("empty").set_index("phrasing")["p_yes"]
print(f"\nP(yes) to the question about nothing, {data.EMPTY!r}:")
print(empty[list(data.PHRASINGS)].to_string(float_format="{:.2f}".format, header=False))

# %% [markdown]
# Our model says No: to questions, to their negations, and to nothing at all.

# %% tags=["hide-input"]
said = recorded.pivot_table("p_yes", "question", "phrasing")
figures.show(
    draw.both_ways(said, data.AS_ASKED),
    alt="Five pairs of phrasings. P(Yes) of 57 questions lies mostly between 0.05 and 0.35, "
    "whether the question asks for Yes or for No; only the phrasing called expert lies higher, "
    "around 0.6 and 0.38.",
    caption="A consistent model would have each pair of means at the same distance from 50%, on "
    "opposite sides. Four of five pairs lie on the same side. One sentence about experts and "
    "base rates moves the answers further than any question does.",
)

# %% [markdown]
# How much of what the model says is about the question? Take its log odds for the event and split their variance in two
# ways: by question, by phrasing, and the rest.

# %%
events = experiment.event_probabilities(recorded)
odds = np.log(events / (1 - events))
parts = {"as asked": experiment.spread(odds[data.AS_ASKED]), "both ways": experiment.spread(odds)}
print(pd.DataFrame(parts).T.to_string(float_format="{:.2f}".format))
print("standard deviations of the log odds")

# %% [markdown]
# As asked, the phrasing moves the answer about four times as much as the question does. Asked both ways, nothing is left for
# the question. Whoever reports a language model's forecasts from one prompt reports the prompt.
#
# ### The midpoint
#
# Did the loss come from timid numbers? The paper asked whether GPT-4 keeps close to 50%, and did not find it. Our model does:

# %%
rng, timid = run.rng("midpoint"), {name: np.abs(f - 0.5) for name, f in forecasts.items()}
print(f"crowd: mean distance from 50% {timid['crowd'].mean():.3f}")
for name in models:
    test = forecasting.sign_flip_test(timid[name] - timid["crowd"], flips, rng)
    print(f"{name}: {timid[name].mean():.3f}, p of the difference {test.p:.1g}")

# %% [markdown]
# Being close to 50% is one thing, losing by it another. If timidity is the fault, then **extremising** must help: multiply
# the log odds by some $a > 1$,
#
# $$ p' = \frac{1}{1 + e^{-a\,\mathrm{logit}(p)}}. $$

# %%
run.show(forecasting.extremise)

# %% [markdown]
# And a popular remedy is the **hybrid**: mix the model into the crowd. Both knobs, over their range; the hybrid also with
# constants in the place of the model.

# %%
stretched, mixed = experiment.stretched(three, y), experiment.hybrids(forecasts, y)
for table in (stretched, mixed):
    best = table.loc[table.groupby("name", sort=False)["Brier"].idxmin()]
    print(best.to_string(index=False, float_format="{:.3f}".format))

# %% [markdown]
# No exponent above 1 helps anybody here. The crowd itself is a little too bold: its best exponent is 0.8.

# %% tags=["hide-input"]
figures.show(
    draw.knobs(stretched, mixed, float(y.mean() * (1 - y.mean()))),
    alt="Above, Brier score against the exponent: the crowd's is lowest at 0.8, the model's as "
    "asked at 1.0 on the line of the base rate, and asked both ways it only rises. Below, Brier "
    "score against the weight of a partner: the model and the base rate give nearly the same "
    "curve, with a shallow minimum at a fifth.",
    caption="Above: extremising helps nobody (dashed: base rate, dotted: always 50%). Below: "
    "mixing a fifth of the model into the crowd improves it from 0.129 to 0.124, and a constant "
    "equal to the base rate does just the same. The gain of a hybrid is no proof that the partner "
    "knows anything.",
)

# %% [markdown]
# ### A model with question effects
#
# Pairing says: some questions are hard for everybody. A **mixed model** says the same in one formula for any number of
# forecasters: each has a mean error, each question an effect of its own,
#
# $$ B_{qf} = \mu_f + u_q + \varepsilon_{qf}, \qquad u_q \sim N(0, \sigma_u), \quad \varepsilon_{qf} \sim N(0, \sigma). $$
#
# Bambi writes it as `error ~ 0 + forecaster + (1 | question)`. The forecasters are the crowd and the five phrasings
# as asked. (Brier scores are neither normal nor equally spread, so take the intervals as rough.)

# %%
run.show(experiment.mixed_model)

# %% [markdown]
# Two chains; the contrast is the mean of the five phrasings minus the crowd.

# %%
single = {"crowd": forecasts["crowd"], **{name: events[name].to_numpy() for name in data.AS_ASKED}}
long = experiment.long_errors(single, y, list(single))
with run.section("Bambi"):
    fitted = experiment.mixed_model(long, run.pick(smoke=200, cpu=1_500, gpu=4_000), run.seed)
means = experiment.forecaster_means(fitted)
means["phrasings - crowd"] = means[data.AS_ASKED].mean(axis=1) - means["crowd"]
summary = means.quantile([0.5, 0.025, 0.975]).T.set_axis(["median", "2.5%", "97.5%"], axis=1)
print(summary.to_string(float_format="{:.3f}".format))

# %% [markdown]
# Questions differ nearly as much as all the rest ($\sigma_u$ beside $\sigma$), as one would expect of errors. But look at
# what shares the question's effect: five phrasings of one model among themselves, and hardly with the crowd.

# %%
wide = long.pivot_table("error", "question", "forecaster")[list(single)]
r = wide.corr()
among = r.loc[data.AS_ASKED, data.AS_ASKED].to_numpy()[np.triu_indices(5, 1)]
print(f"mean correlation of errors among the phrasings: {among.mean():.2f}")
print(f"with the crowd: {r.loc['crowd', data.AS_ASKED].mean():.2f}")
contrast = wide[data.AS_ASKED].mean(axis=1) - wide["crowd"]
low, high = stats.t.interval(0.95, 56, contrast.mean(), contrast.sem())
print(f"phrasings - crowd, paired t: {contrast.mean():.3f} [{low:.3f}, {high:.3f}]")

# %% [markdown]
# So the formula treats five phrasings as five witnesses, which they are not, and its interval for the contrast is too
# narrow: the paired t interval of the same contrast, which averages the phrasings first, is wider. A mixed model is as
# honest as its list of what is shared.
#
# ### Four ways to be wrong
#
# - *"Not significant means no skill."* With 23 questions it means next to nothing: power 25%.
# - *"0.20 is better than 0.25, so there is some skill."* Not before you know the base rate. A model without any skill
#   reached 0.195.
# - *"The model says 27%, so it believes that the event is unlikely."* Ask it the opposite: that is unlikely too.
# - *"Mixing the model in improves the crowd, so it adds information."* A constant does the same.
#
# ## Something to move
#
# Choose a forecaster and transform its forecasts: multiply the log odds, move them, mix with 50%. The curve below shows the
# Brier score for every multiplier; the dashed line is the base rate.
#
# Try: the model asked both ways. No multiplier helps. Then move its log odds by $-1.2$: now it beats the model as asked,
# and still knows nothing. Then take the crowd, and see how far below 0.129 you can get.

# %% tags=["hide-input"]
figures.interactive(
    draw.browser_layout(),
    alt="Above, 57 forecasts as marks in two rows, those that resolved yes and those that resolved "
    "no. Below, the Brier score against the multiplier of the log odds, with lines for always 50% "
    "and the base rate. Controls choose the forecaster, multiplier, shift and mixture.",
    caption="The numbers move, never their order: discrimination stays as it is.",
    controls=draw.browser_controls(),
    update=draw.UPDATE,
    data=draw.browser_data(forecasts, y),
)

# %% [markdown]
# ## Paper against here
#
# Each claim has a function that measures it from what was printed or observed, and nothing else. So a machine can spoil
# the inputs and see whether the verdict notices. First what the abstract states, from the moments. No more than
# *consistent* can come of it: nobody has counted anything again.

# %%
run.claim(measures.not_different_from_half, gpt4, n)
run.claim(measures.worse_than_crowd, gpt4, crowd, n)
run.answer(measures.what_23_questions_say, gpt4, n)

# %% [markdown]
# And the design, on other questions with a small model: a row for each question, with its family. Draws are over
# families.

# %%
scored = pd.DataFrame(
    {
        "crowd": forecasts["crowd"],
        "as_asked": forecasts["model, as asked"],
        "both_ways": forecasts["model, both ways"],
        "outcome": y,
        "family": families,
    }
)
lean = pd.DataFrame({"p_yes": (leaning.mean(axis=1).to_numpy() + 1) / 2, "family": families})
run.claim(measures.model_worse_than_crowd, scored)
run.claim(measures.midpoint, scored)

# %% [markdown]
# The second is measured to be the *opposite* of what the paper says of GPT-4: this model does keep near 50%. Questions of
# ours, which no paper answers for us:

# %%
run.answer(measures.crowd_beats_half, scored)
run.answer(measures.asked_both_ways, scored)
run.answer(measures.extremising, scored)
run.answer(measures.acquiescence, lean)

# %% [markdown]
# Checks of our own code: three identities from above, and statistics of the follow-up, which others quote together with
# the moments that they came from (*t*(30) = -2.35 and *t*(60) = 0.19). They must lie in the intervals that rounding
# leaves, and their printed *p* must belong to them.


# %%
def within(test, moments, printed):
    low, high = forecasting.over_rounding(test, moments)
    return min(low.t, high.t) <= printed <= max(low.t, high.t)


def against_half(*m):
    return forecasting.t_from_moments(*m, 31, 0.25)


def against_people(*m):
    return forecasting.t_between_moments(*m, 31)


# %% [markdown]
# The follow-up had 31 questions, and two independent samples of them, 60 degrees of freedom.

# %%
run.check("follow-up: t against 50%", within(against_half, (0.20, 0.12), -2.35))
run.check("follow-up: t against people", within(against_people, (0.20, 0.12, 0.19, 0.19), 0.19))
run.check("follow-up: p of t(30) = -2.35 is 0.026", round(2 * stats.t.sf(2.35, 30), 3) == 0.026)
run.check("always 50% scores a quarter", half_gap == 0)
run.check("nobody gains by a lie", gain <= 0)
run.check("Murphy's parts add up", murphy_gap < 1e-12)

# %% [markdown]
# The chapter's whole ledger:

# %%
run.report()

# %% [markdown]
# ### What this cannot show
#
# - **Whether GPT-4 had skill.** The forecasts are not public. The moments allow a reading and no more.
# - **What larger models do.** SmolLM2 is a contestant whose skill we know to be nil, chosen because it fits on any
#   machine. That its score looks like GPT-4's says something about the score.
# - **Foresight.** The model's training text may reach beyond July 2024. In a model that could answer questions, this would
#   have to be ruled out question by question.
# - **A fair race.** The crowd knew the news of 12 July 2024, the model knows what was in its training text. In the paper, as
#   others report it, GPT-4's first forecasts are compared with the crowd's of the same day: people could read the news of
#   that day, GPT-4 could not.
# - **Other phrasings.** Ten were tried. The interval over questions does not contain the spread over phrasings, which is
#   larger.
#
# ### Errata and disputes
#
# - The number of participants is given as 843 in the abstract; the platform's own pages, read by others, say 842 or 843.
# - ForecastBench publishes leaderboards, on which a GPT-4 stands at 0.195 and the superforecasters' median at 0.073, the
#   paper's pattern to the second digit. They seem to be adjusted for the difficulty of questions (the same median on the same 57 questions is
#   0.060 in another of its tables), and models and people answered different sets. We do not compare them with raw scores.
# - The midpoint hypothesis can mean that forecasts lie near 50%, or that this is what costs accuracy. Our model lies near
#   50% when asked both ways, and loses nothing by it. The paper's statistic is not known to us.
# - The crowd of Metaculus is a median weighted towards recent forecasts, so it is not what one participant says.
#
# ## Exercises
#
# ### To warm up
#
# **1. The best constant.** You must say the same $c$ to every question. Show that your Brier score is
# $(c - b)^2 + b(1-b)$. When is 50% the best choice, and what does it cost here?

# %% tags=["solution", "hide-cell"]
b = y.mean()
for c in (0.1, b, 0.5, 0.9):
    score = forecasting.brier_score(np.full(len(y), c), y)
    print(f"c = {c:.3f}: {score:.4f}, formula {(c - b) ** 2 + b * (1 - b):.4f}")
# The share b of the terms is (1 - c)^2, the rest c^2; expand. The best constant is b, so 50% is
# best only if half of all questions resolve yes. Here it costs (0.5 - b)^2.

# %% [markdown]
# **2. An improper score.** Score by $|p - y|$ instead. What should you say if you believe in 60%? And by the log score?

# %% tags=["solution", "hide-cell"]
q, p = 0.6, np.linspace(0.01, 0.99, 99)
scores = {
    "|p - y|": q * (1 - p) + (1 - q) * p,
    "Brier": q * (1 - p) ** 2 + (1 - q) * p**2,
    "log": -q * np.log(p) - (1 - q) * np.log(1 - p),
}
for name, score in scores.items():
    print(f"{name:>8}: best to say {p[np.argmin(score)]:.2f}")
# The absolute score is linear in p, so its best is an end: it rewards exaggeration.

# %% [markdown]
# **3. Audit a follow-up.** It reports $t(60) = 0.19$, $p = 0.850$ for means 0.20 (SD 0.12) and 0.19 (SD 0.19) of 31
# questions each. Can these numbers belong together? Was the test paired?

# %% tags=["solution", "hide-cell"]
moments = (0.20, 0.12, 0.19, 0.19)


def follow_up(*moments):
    return forecasting.t_between_moments(*moments, 31)


low, high = forecasting.over_rounding(follow_up, moments)
print(f"t in [{low.t:.2f}, {high.t:.2f}], p in [{low.p:.2f}, {high.p:.2f}]")
for df in (60, 30):
    print(f"p of t = 0.19 with {df} degrees of freedom: {2 * stats.t.sf(0.19, df):.3f}")
# Yes. The interval is wide because the difference, 0.01, is as large as its rounding. 60 degrees of
# freedom are those of two independent samples, though all forecasters had the same questions.

# %% [markdown]
# ### To think
#
# **4. How much does pairing buy?** From which correlation on is GPT-4 against the crowd significant at 0.001? How many
# questions does a correlation of 0.8 save, for a power of 80%?

# %% tags=["solution", "hide-cell"]
grid = np.linspace(-1, 1, 2001)
enough = next(r for r in grid if between(r, *gpt4, *crowd).p < 0.001)
print(f"p < 0.001 from r = {enough:.2f} on")
for r in (0, 0.4, 0.8):
    sd = np.sqrt(0.18**2 + 0.08**2 - 2 * r * 0.18 * 0.08)
    print(f"r = {r}: SD of differences {sd:.3f}, {forecasting.sample_size(0.13, sd)} questions")

# %% [markdown]
# **5. Is a t test of 23 Brier scores honest?** Take forecasters who say 80% to everything, in a world where that has an
# expected Brier score of exactly 0.25. How often does the test reject this true null at the 5% level? Then 95%.

# %% tags=["solution", "hide-cell"]
rng = run.rng("honest")
for said_p in (0.8, 0.95):
    q = ((said_p**2) - 0.25) / (said_p**2 - (1 - said_p) ** 2)  # q (1-p)^2 + (1-q) p^2 = 1/4
    outcomes = rng.random((20_000, 23)) < q
    scores = (said_p - outcomes) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (scores.mean(1) - 0.25) / (scores.std(1, ddof=1) / np.sqrt(23))
    reject = np.mean(np.abs(t) > stats.t.ppf(0.975, 22))
    print(f"says {said_p}: true share of yes {q:.3f}, rejected {reject:.3f}")
# About 6.5% and 4% instead of 5%: each score takes two values only, so t takes 24, and no limit
# between them leaves exactly 5%. Off by a little, on either side, and not by a factor.

# %% [markdown]
# **6. Evidence for no difference.** A p-value cannot support the null; a Bayes factor can. Give the standardised effect a
# Cauchy prior with scale 0.707 under $H_1$ (the usual choice, after Rouder and co-authors, 2009) and compute the factor for
# GPT-4 against 50%. What would the same $t$ mean with 2,300 questions?


# %% tags=["solution", "hide-cell"]
def bayes_factor_01(t, n, scale=0.707):
    nu = n - 1

    def inside(g):
        shrink, prior = 1 + n * g * scale**2, np.exp(-1 / (2 * g)) / np.sqrt(2 * np.pi * g**3)
        return shrink**-0.5 * (1 + t**2 / (shrink * nu)) ** (-(nu + 1) / 2) * prior

    return (1 + t**2 / nu) ** (-(nu + 1) / 2) / integrate.quad(inside, 0, np.inf)[0]


for questions in (23, 2_300):
    print(f"n = {questions}: {bayes_factor_01(-1.33, questions):.1f} to 1 for no difference")
# Two to one: the data hardly speak. The coin chapter meets factors of thousands. The same t from a
# hundred times as many questions would be evidence for a coin, because effects worth the name
# would have shown.

# %% [markdown]
# ### To build
#
# **7. Four clusters are too few.** Simulate 57 values in 4 or 35 clusters that share an effect, with a true mean of 0. How
# often does the 95% interval of the cluster bootstrap contain 0?

# %% tags=["solution", "hide-cell"]
rng, worlds = run.rng("coverage"), run.pick(smoke=100, cpu=1_000, gpu=4_000)
for kind in ("platforms", "families"):
    _, member = np.unique(kinds[kind], return_inverse=True)
    inside = 0
    for _ in range(worlds):
        values = rng.normal(0, 0.3, 57) + rng.normal(0, 0.15, member.max() + 1)[member]
        _, low, high = experiment.cluster_bootstrap(values, member, rng, 400)
        inside += low <= 0 <= high
    share = inside / worlds
    low, high = uncertainty.share_interval(inside, worlds, "wald")
    print(f"{kind}: {share:.3f} +/- {(high - low) / 2:.3f}")
# Four clusters: 79% instead of 95%. Thirty-five: 93%, nearly what it says.

# %% [markdown]
# **8. Calibrate before use.** Subtract from the model's log odds those that it has for the question about nothing, in the
# same phrasing, and average. Does this remove the habit? Does it find skill?

# %% tags=["solution", "hide-cell"]
nothing = experiment.event_probabilities(data.answers("empty")).loc[1]
freed = 1 / (1 + np.exp(-(odds - np.log(nothing / (1 - nothing)))))
both = {"as asked": freed[data.AS_ASKED].mean(axis=1), "both ways": freed.mean(axis=1)}
for name, f in both.items():
    f, auc = f.to_numpy(), experiment.discrimination(f.to_numpy(), y)
    print(f"{name}: mean {f.mean():.3f}, Brier {forecasting.brier_score(f, y):.4f}, AUC {auc:.2f}")
# Both ways the habit goes, and what is left is a coin: 0.245. As asked, half of it stays: the model
# says No to a real question even more than to nothing. Subtracting a constant finds no skill, and
# with 15 questions that resolved yes, an AUC of 0.59 is well within chance.

# %% [markdown]
# **9. A test of the hybrid.** The mixture of a fifth of the model and four fifths of the crowd beats the crowd. Test the
# difference with sign flips. Then test it against the same mixture with the base rate.

# %% tags=["solution", "hide-cell"]
rng = run.rng("hybrid")
blends = {
    name: forecasting.squared_errors(0.2 * forecasts[name] + 0.8 * forecasts["crowd"], y)
    for name in ("model, as asked", "base rate")
}
for other, values in (("the crowd", errors["crowd"]), ("a constant's hybrid", blends["base rate"])):
    test = forecasting.sign_flip_test(blends["model, as asked"] - values, flips, rng)
    print(f"against {other}: {test.mean:+.4f}, p = {test.p:.2f}")
# Neither is significant. The second difference, the only one that would speak for the model, is an
# eighth of the first.

# %% [markdown]
# ## Discussion
#
# - You plan a tournament to find out whether a model beats 50%. How many questions, which benchmark besides 50%, and what
#   would you publish if the test is not significant?
# - Who decides in which direction a question is asked ("Will X happen?", "Will X fail to happen?")? What happens to a
#   model's score if all questions of a tournament are turned round?
# - The model without skill is calibrated as asked. Would you rather have a calibrated forecaster or one who discriminates?
# - The crowd's best exponent was 0.8, found in hindsight on 57 questions. Would you apply it to the next 57?
# - In the coin chapter, flips of one person hang together; here, questions of one family. Where else on this page does
#   something that looks like many witnesses turn out to be one?
#
# ## Further reading
#
# - G. W. Brier (1950), *Verification of forecasts expressed in terms of probability*, Monthly Weather Review 78(1), 1-3. Two
#   pages, and the score.
# - A. H. Murphy (1973), *A new vector partition of the probability score*, Journal of Applied Meteorology 12(4), 595-600.
# - T. Gneiting, A. E. Raftery (2007), *Strictly proper scoring rules, prediction, and estimation*, Journal of the American
#   Statistical Association 102(477), 359-378.
# - T. Dimitriadis, T. Gneiting, A. I. Jordan (2021), *Stable reliability diagrams for probabilistic classifiers*, PNAS
#   118(8). The curve without bins.
# - E. Karger and co-authors (2024), *ForecastBench: a dynamic benchmark of AI forecasting capabilities*, arXiv 2409.19839.
#   Where the questions come from.
# - P. Schoenegger, I. Tuminauskaite, P. S. Park, R. V. S. Bastos, P. E. Tetlock (2024), *Wisdom of the silicon crowd*, Science
#   Advances 10(45), arXiv 2402.19379. The follow-up.
#
# ## How this page was made

# %%
run.stamp()
