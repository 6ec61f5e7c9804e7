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
# # Fair coins tend to land on the side they started
#
# *Does a tossed coin land the way it started?*
#
# | paper | [Fair coins tend to land on the same side they started: evidence from 350,757 flips][paper] |
# |---|---|
# | authors | František Bartoš and co-authors, who are also most of the tossers |
# | venue, year | Journal of the American Statistical Association 120(552), 2118-2127, 2025 |
# | you will learn | to compute a Bayes factor; what it costs to ignore that people differ; to check a sampler |
# | before you begin | the binomial and beta distributions, Bayes' theorem, some Python |
# | minutes | CPU 0.8, GPU 1.0 (48 rows of counts: a GPU only helps the physics) |
# | data, licence | counts of 48 people, from the study's OSF project pxu6r, retyped; facts, cite the study |
#
# [paper]: https://arxiv.org/abs/2310.04153

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
    extras = "[bayes,torch]"
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
# Every chapter begins by saying what it runs on. All that follows was computed when this page was built.

# %%
import itertools

import numpy as np
import pandas as pd
from scipy import optimize, special, stats

import foretold
from foretold import data, figures
from foretold.kit import uncertainty
from foretold.papers import coins
from foretold.papers.coins import draw, experiment, measures, theory

run = foretold.start("coins")

# %% [markdown]
# ## The idea
#
# A coin that leaves your thumb does not only turn over. It wobbles: its axis goes round in a small cone, as that of a
# dying spinning top does. Persi Diaconis, Susan Holmes and Richard Montgomery worked out in 2007 that a wobbling coin
# spends more of its flight with the side up that was up at the start, and put the advantage at about one percentage
# point: the coin should land the way it started in about 51% of tosses. Heads and tails stay equally likely, as long
# as you start as often from one as from the other. What is biased is the *toss*, not the coin.
#
# One point in a hundred is hard to see. If 51% is true, then a thousand tosses separate it from 50% by less than one
# standard error (try: $0.01/\sqrt{0.25/1000} = 0.63$). You need tens of thousands, and the authors of this
# paper made 350,757 of them, by hand.
#
# Two readings of those tosses lead to two very different answers. Treat all flips as alike, and the evidence is
# overwhelming beyond any doubt: more than $10^{17}$ to 1. Allow that people differ, and it is about two thousand
# to one. Both numbers are computed correctly. This chapter is about why they differ, and which of them to believe.
#
# ### The counts
#
# The table has one row per person. `heads_same` counts flips that landed heads and had started heads; `heads_diff`
# landed heads but had started tails; and so on.

# %%
counts = data.table("coins")
people = coins.summary(counts)
totals = people[["n", "same", "heads", "started_heads"]].sum()
print(counts.head(3).to_string(index=False), "\n...\n")
print(totals.to_string())

# %% [markdown]
# ## The method
#
# Start with the simplest question. Of $n$ flips, $x$ landed on the side they started from. Call $\theta$ the
# probability of that, and compare two hypotheses:
#
# - $H_0$: $\theta = 1/2$.
# - $H_1$: $\theta \sim \text{Beta}(5100, 4900)$, restricted to values above $1/2$.
#
# $H_1$ is the physicists' prediction written as a prior: a mean of 0.51, as sure as if it had been seen in 10,000
# flips. The **Bayes factor** is the ratio of the probabilities that the two hypotheses gave to the data *before*
# seeing them,
#
# $$ \mathrm{BF} = \frac{\int_{1/2}^{1} \theta^x (1-\theta)^{n-x}\, p(\theta)\, d\theta}{(1/2)^n}. $$
#
# It says by what factor the data should move your odds between the two. For a beta prior the integral is a ratio of
# beta functions $B$ and of the tail areas $S(1/2; a, b)$ of beta distributions:
#
# $$ \log \mathrm{BF} = \log\frac{B(a + x,\, b + n - x)}{B(a, b)}
#    + \log\frac{S(1/2;\, a + x,\, b + n - x)}{S(1/2;\, a, b)} + n \log 2. $$
#
# For heads against tails the alternative is $\alpha \sim \text{Beta}(5000, 5000)$, not restricted to one side, and
# the tail areas drop out. Work with logarithms throughout: $2^{350757}$ has a hundred thousand digits.

# %%
run.show(coins.log_bayes_factor_same, coins.log_bayes_factor_heads)

# %% [markdown]
# On the pooled flips this gives the first number of the paradox.

# %%
n, same, heads = (int(totals[name]) for name in ("n", "same", "heads"))
with run.section("closed forms"):
    pooled_same = np.exp(coins.log_bayes_factor_same(same, n))
    pooled_heads = np.exp(coins.log_bayes_factor_heads(heads, n))
    p_value = stats.binomtest(same, n).pvalue
print(f"same side : {same} of {n}, Bayes factor {pooled_same:.4g} to 1, p-value {p_value:.1g}")
print(f"heads     : {heads} of {n}, Bayes factor {pooled_heads:.4f}")
print(f"so {1 / pooled_heads:.2f} to 1 for a fair coin")

# %% [markdown]
# ### People differ
#
# The closed form counts every flip as an independent draw from one $\theta$. But 48 people tossed, each in their own
# way. So give person $k$ a logit of their own, around a common one:
#
# $$ \text{logit}\, P(\text{heads} \mid \text{started heads}) = A + B_k, \qquad
#    \text{logit}\, P(\text{heads} \mid \text{started tails}) = A - B_k, $$
#
# $$ A = \text{logit}\,\alpha, \qquad B_k = \text{logit}\,\theta + \gamma_k, \qquad \gamma_k \sim N(0, \sigma). $$
#
# Here $\theta$ belongs to a typical person, $\sigma$ is how much people differ on the logit scale (near one half,
# 0.04 on that scale is one percentage point), and $\alpha$ is the probability of heads. Each of the three effects may
# be absent: $\theta = 1/2$, $\alpha = 1/2$ or $\sigma = 0$. That makes $2^3 = 8$ models. The **inclusion Bayes
# factor** of an effect compares the four models that have it with the four that do not, all equally likely
# beforehand. (The paper has a fourth effect, differences between coins, hence 16 models; it needs counts per coin,
# which are not in this table.)
#
# To weigh a model you integrate its likelihood over all its unknowns: 48 deviations $\gamma_k$, and $\sigma$,
# $\theta$, $\alpha$. It looks like an integral in 51 dimensions, but given $(\sigma, \theta, \alpha)$ the people are
# independent, so it is 48 integrals in one dimension, inside one in three:
#
# $$ p(\text{data}) = \int p(\sigma)\, p(\theta)\, p(\alpha) \prod_{k=1}^{48}
#    \Big[ \int L_k(b, \alpha)\, N(b;\, \text{logit}\,\theta, \sigma)\, db \Big]\, d\sigma\, d\theta\, d\alpha. $$
#
# Take person $k$'s own logit $b$ as the variable, put all people on the same nodes, and the inner integrals are a
# matrix product: likelihoods (people × nodes) times densities (nodes × values of $\theta$).

# %%
run.show(theory.log_likelihood, theory.person_log_marginals)

# %% [markdown]
# What is left is an integral in three dimensions, a weighted sum over the grid. A model in which $\theta = 1/2$ or
# $\alpha = 1/2$ is one point of that axis; a model in which all flips are alike needs the pooled counts only.

# %%
run.show(coins.people_differ, coins.people_alike, coins.ModelAverage)

# %% [markdown]
# No sampling, no approximation by a Gaussian: a second of arithmetic, and doubling the grid moves the same-side Bayes
# factor in its tenth digit.

# %%
four = people["p_same"].to_numpy() > 0.53
nodes = run.pick(smoke=(91, 101, 31), cpu=(141, 161, 41), gpu=(141, 161, 41))
with run.section("model average"):
    average, without_four = coins.model_averages(counts, [np.ones(48, bool), ~four])
    finer = coins.model_average(counts, nodes=nodes)
for name, bf in average.inclusion_bayes_factor.items():
    change = finer.inclusion_bayes_factor[name] / bf - 1
    print(f"{name:>6}: Bayes factor {bf:10.5g}   (finer grid: relative change {change:+.0e})")

# %% [markdown]
# Read the three lines. *Same*: the data favour a same-side bias by about 2,366 to 1. *People*: they favour
# differences between people by $3 \times 10^{24}$ to 1, the strongest statement in the whole study. *Heads*: they
# favour a fair coin, by about 6 to 1.
#
# Which of the 8 models is left?

# %%
effects = ["same-side bias", "heads bias", "people differ"]
table = pd.Series(average.probability).rename_axis(effects)
print(table.sort_values(ascending=False).head(4).map("{:.2g}".format).to_string())

# %% [markdown]
# ## The experiment
#
# ### First look: 48 people
#
# The grey points are what each person threw. The blue ones are what the hierarchical model believes about them, with
# the paper's priors for estimation: $\theta, \alpha \sim \text{Beta}(312, 312)$ and $\sigma$ half-normal with scale
# 0.04. They are *pulled towards the common mean*, the more so the fewer flips a person made. The posterior is the same
# grid again, with other priors and normalised; sums along its axes are the marginal posteriors of the three parameters.

# %%
run.show(coins.posterior)

# %% [markdown]
# Once with everyone, and once without the four people above 53%.

# %%
with run.section("posterior"):
    found = coins.posterior(counts)
    found_without_four = coins.posterior(counts[~four])
theta, sd = found.proportion(found.theta), found.sd_people()
figures.show(
    draw.caterpillar(people, found),
    alt="48 people sorted by their proportion of same-side landings, from 0.49 to 0.60, each "
    "with an interval; most intervals lie between 0.50 and 0.52, and four people at the top"
    " lie above 0.53.",
    caption="Most people are near the 0.51 that theory predicts, many cannot be told from 0.50, and"
    " four are far above. Whoever flipped less is pulled further towards the middle.",
)

# %% [markdown]
# A typical person's coin lands the way it started with probability $\theta$; people differ by `SD people`,
# given as the paper gives it, in probability.

# %%
print("theta      {:.4f}  [{:.4f}, {:.4f}]".format(*theta))
print("SD people  {:.4f}  [{:.4f}, {:.4f}]".format(*sd))
print("alpha      {:.4f}  [{:.4f}, {:.4f}]".format(*found.proportion(found.alpha)))
print("pooled     {:.4f}  [{:.4f}, {:.4f}]".format(*coins.proportion(same, n)))

# %% [markdown]
# The pooled 0.508 and the typical person's 0.510 answer different questions. Pooling weighs every *flip* alike, so
# the busiest flippers dominate, and they happen to have a smaller bias. The hierarchical model weighs *people* nearly
# alike. Its interval is three times as wide, because 48 people are fewer than 350,757 flips.
#
# ### What the data did to the beliefs
#
# Near one half a logit of $x$ is a probability of $1/2 + x/4$, so all densities below are drawn over probabilities.

# %% tags=["hide-input"]
figures.show(
    draw.beliefs(found),
    alt="Two panels. Left: a broad dashed prior around 0.50 and a narrow posterior around 0.51."
    " Right: two priors for the spread of people, one of which has fallen off before 0.015,"
    " and a posterior centred on 0.0156.",
    caption="The flips narrow the typical person to 0.505 to 0.515. The spread of people lies where"
    " the prior used for testing (dotted) has almost nothing left: Bayes factors will "
    "depend on that tail.",
)

# %% [markdown]
# ### How much does the prior matter?
#
# A Bayes factor always depends on the priors, so let us turn both knobs: how sure the physicists' prediction is (the
# concentration $c = a + b$ of the beta prior, mean 0.51 kept), and how large the differences between people are
# expected to be (the mean of the Gamma prior of $\sigma$; 0.02 in the paper).

# %%
step = run.pick(smoke=2, cpu=1, gpu=1)
concentrations, spreads = (2_500, 10_000, 40_000)[::step], (0.01, 0.02, 0.04, 0.08)[::step]
masks, rows = [np.ones(48, bool), ~four], []
with run.section("prior sensitivity"):
    for c, spread in itertools.product(concentrations, spreads):
        prior = {"theta": (0.51 * c, 0.49 * c), "sigma": (4, 4 / spread)}
        pair = coins.model_averages(counts, masks, **prior)
        rows.append((c, spread, *(refit.inclusion_bayes_factor["same"] for refit in pair)))
names = ["concentration", "prior mean of sigma", "everyone", "without four"]
sensitivity = pd.DataFrame(rows, columns=names)
print(sensitivity.to_string(index=False, formatters=dict.fromkeys(names[2:], "{:,.0f}".format)))

# %% [markdown]
# Expect people to be much alike (0.01), and the evidence for a common bias grows: spread that the model cannot give
# to people it must give to $\theta$. Expect them to differ more, and it falls. Over the whole table the verdict keeps
# its direction, and its size moves by a factor of about a hundred. Whoever quotes "2359" should quote the prior with
# it.
#
# ### The evidence ladder
#
# Now the figure to remember. Three answers to "is there a same-side bias?", all by the same rules of probability.
# They differ in what is assumed about people, and in whether four of the 48 are counted.


# %%
def rung(label, text, bayes_factor, others, paper=None):
    span = np.log10([min(others), max(others)])
    here, paper = np.log10(bayes_factor), paper and np.log10(paper)
    return {"label": label, "text": text, "here": here, "span": span, "paper": paper}


alike = [np.exp(coins.log_bayes_factor_same(same, n, 0.51 * c, 0.49 * c)) for c in concentrations]
two, three = (model.inclusion_bayes_factor["same"] for model in (average, without_four))
last = "people may differ, without the four above 53%"
rungs = [
    rung("all flips alike", f"{pooled_same / 1e17:.1f} × 10$^{{17}}$", pooled_same, alike),
    rung("people may differ", f"{two:,.0f}", two, sensitivity["everyone"], 2359.008),
    rung(last, f"{three:,.0f}", three, sensitivity["without four"], 786.85),
]

# %% [markdown]
# The pale bars show how far each rung moves under the priors of the last table; the paper's marks are for the two
# rungs whose value we could check in its text.

# %% tags=["hide-input"]
figures.show(
    draw.ladder(rungs),
    alt="Three Bayes factors on a logarithmic axis: 1.7 times ten to the 17 if all flips are "
    "alike, about 2,366 if people may differ, about 793 without four people. Bars for other"
    " priors are much shorter than the gap; marks for the paper coincide with ours.",
    caption="Ignoring that people differ overstates the evidence by fourteen orders of magnitude. "
    "None of the priors tried here comes near to that effect.",
)

# %% [markdown]
# Why so much? If all flips are alike, the standard error of 0.508 is 0.0008, and chance is nine of them away. If
# people differ by 1.6 points, the standard error of their mean is $0.0156/\sqrt{48} = 0.0023$ at best, and chance is
# four of those away. The *logarithm* of the evidence goes with half the *square* of that distance:
# $9^2/2 \approx 40$ and $4^2/2 = 8$, and indeed $\ln(1.7 \times 10^{17}) = 39.7$ and $\ln 2366 = 7.8$.
#
# ### Forty-eight fair people
#
# If "all flips alike" is wrong, does it do harm? Simulate studies in which there is *no* same-side bias: 48 people
# whose logits are normal with mean 0 and the standard deviation found above, 0.0624, as many flips each as in the
# table. Then ask both analyses for evidence.

# %%
rng, studies = run.rng("fair people"), run.pick(smoke=8, cpu=60, gpu=200)
fair = special.expit(rng.normal(0, 0.0624, (4_000, 48)))
started_heads = people["started_heads"].to_numpy()
from_heads = rng.binomial(started_heads, fair)
from_tails = rng.binomial(people["n"].to_numpy() - started_heads, fair)
alike = np.array([coins.log_bayes_factor_same(x, n) for x in (from_heads + from_tails).sum(1)])
share = np.mean(alike > np.log(10))
print(f"flips alike: beyond 10 to 1 in {share:.1%} of 4,000 studies")
print(f"the largest: 10^{alike.max() / np.log(10):.0f} to 1")

# %% [markdown]
# The hierarchical average costs more, so fewer studies, on a coarser grid. The interval is Clopper and Pearson's.

# %%
log_bf = []
with run.section("fair people"):
    for hs, ts in zip(from_heads[:studies], from_tails[:studies], strict=True):
        landed_heads = {"heads_same": hs, "heads_diff": people["n"] - started_heads - ts}
        study = counts.assign(**landed_heads, tails_same=ts, tails_diff=started_heads - hs)
        coarse = coins.model_average(study, nodes=(41, 61, 11))
        log_bf.append(coarse.log_inclusion_bayes_factor["same"])
wrong = int(np.sum(np.array(log_bf) > np.log(10)))
low, high = uncertainty.share_interval(wrong, studies, "exact")
print(f"people may differ: beyond 10 to 1 in {wrong} of {studies} studies", end=", ")
print(f"95% [{low:.1%}, {high:.1%}]")
print(f"median Bayes factor {np.exp(np.median(log_bf)):.2f}, largest {np.exp(np.max(log_bf)):.1f}")

# %% [markdown]
# Treating flips as alike finds strong evidence for nothing in about one study of six, now and then astronomically
# strong. The model that knows that people differ does not. A Bayes factor compares the models it is given, and says
# nothing of the one that was left out.
#
# ### Leave people out
#
# Which person carries the result? Drop one at a time. What each person adds to the log-likelihood is on the grid
# already, so 48 refits are 48 sums.

# %%
order = np.argsort(people["p_same"].to_numpy())
leave_one = [np.arange(48) != k for k in range(48)]
trimmed = [np.isin(np.arange(48), order[i : 48 - i]) for i in range(6)]
with run.section("leave people out"):
    refits = coins.model_averages(counts, leave_one + trimmed)
without = people.assign(bf=[refit.inclusion_bayes_factor["same"] for refit in refits[:48]])
extremes = without.sort_values("bf").iloc[[0, 1, 2, -3, -2, -1]]
print(extremes[["person", "n", "p_same", "bf"]].to_string(index=False))

# %% [markdown]
# Draw it against what the person threw; larger points are people with more flips.

# %% tags=["hide-input"]
figures.show(
    draw.leave_one_out(without, two, ["TianqiP", "JanY"]),
    alt="48 points: Bayes factor without a person against the person's proportion. Leaving out "
    "someone near 0.49 raises it, leaving out someone near 0.53 lowers it, and leaving out "
    "the most extreme person, at 0.60, raises it.",
    caption="No single person makes the result. Leaving out the strongest wobbler *raises* the "
    "evidence: that person says more about how people differ than about what they have in "
    "common.",
)

# %% [markdown]
# Trim both ends instead: drop the $i$ most and the $i$ least biased people. You might expect the evidence to fade
# step by step. It does not.

# %%
series = pd.DataFrame([refit.inclusion_bayes_factor for refit in refits[48:]])
figures.show(
    draw.trimming(series.rename_axis("i").reset_index()),
    alt="Two panels over the number of people dropped at each end. Evidence for a same-side "
    "bias goes 2,366, 13,157, 12,629, 11,472, 17,508, 22,322. Evidence that people differ "
    "falls from ten to the 24 to about 160.",
    caption="Trimming both ends removes the differences between people, and with them the doubt "
    "about the mean: the evidence for a same-side bias rises, falls and rises again while "
    "the data get fewer.",
)

# %% [markdown]
# Dropping only the four highest people, as above, *lowers* the evidence to 793. Dropping extremes at both ends
# *raises* it more than fivefold. So "robust to outliers" is not one statement; say which people, and why, before
# looking.
#
# ### The same model three times: integral, PyMC, Bambi
#
# Most hierarchical models have no quick integral, and one has to sample. Here we can do both and compare. The model
# in PyMC, *centred*: each person's logit is drawn around $\text{logit}\,\theta$ directly.

# %%
run.show(coins.hierarchical_model)

# %% [markdown]
# With thousands of flips per person the data pin each logit down, and the centred form mixes well. The non-centred
# form (draw $z_k$, set $\gamma_k = \sigma z_k$), the usual advice for *sparse* groups, mixes badly here: to keep a
# person's logit where the data want it, every $z_k$ has to move when $\theta$ moves.

# %%
import arviz as az
import bambi as bmb
import pymc as pm

draws = run.pick(smoke=300, cpu=2_000, gpu=4_000)
tune = run.pick(smoke=300, cpu=1_000, gpu=1_000)
settings = {"draws": draws, "tune": tune, "chains": 2, "cores": 1, "quiet": True}
settings |= {"init": "adapt_diag", "progressbar": False, "random_seed": run.seed}
with run.section("PyMC"), coins.hierarchical_model(counts):
    sampled = pm.sample(**settings)

# %% [markdown]
# Bambi writes the model as a formula, like a mixed model in R's lme4: a common intercept, and one per person. (It
# sees same or different only; heads against tails is left out, and it draws deviations from the intercept,
# non-centred.)

# %%
priors = {
    "Intercept": bmb.Prior("Normal", mu=0, sigma=0.08),  # on the logit scale what Beta(312, 312) is
    "1|person": bmb.Prior("Normal", mu=0, sigma=bmb.Prior("HalfNormal", sigma=0.04)),
}
mixed = bmb.Model("p(same, n) ~ 1 + (1|person)", people, family="binomial", priors=priors)
with run.section("Bambi"):
    fitted = mixed.fit(**settings)

# %% [markdown]
# All three side by side. `ess` is the effective sample size: of so many independent draws the chain is worth. The
# Monte Carlo error of a mean is the posterior's standard deviation over $\sqrt{\text{ess}}$.


# %%
def row(drawn, theta_name, sigma_name):
    theta, sigma = (drawn.posterior[name].to_numpy() for name in (theta_name, sigma_name))
    theta = special.expit(theta) if theta_name == "Intercept" else theta
    low, high = uncertainty.percentile_interval(theta.ravel())
    return theta.mean(), low, high, sigma.mean(), float(az.ess(theta)), float(az.rhat(theta))


side_by_side = {
    "quadrature": (*theta, found.sigma.expect(lambda x: x), np.nan, np.nan),
    "PyMC, centred": row(sampled, "theta", "sigma"),
    "Bambi, non-centred": row(fitted, "Intercept", "1|person_sigma"),
}
table = pd.DataFrame(side_by_side, index=["theta", "low", "high", "sigma", "ess", "r_hat"]).T
print(table.round({"theta": 5, "low": 4, "high": 4, "sigma": 4, "ess": 0, "r_hat": 3}).to_string())

# %% [markdown]
# The three agree within their Monte Carlo errors. Equal numbers of draws bought very different effective sizes:
# that is the price of the parameterisation, and the reason to look at `ess` before anything else. Since the
# quadrature has no Monte Carlo error, it is also a test of the samplers.
#
# ### A person who was not in the study
#
# What should *you* expect, if you are a new tosser? The posterior of $\theta$ is about the typical person. For a new
# one, add the spread of people:
#
# $$ p(b_{\text{new}} \mid \text{data}) = \int N(b_{\text{new}};\, \text{logit}\,\theta, \sigma)
#    \; p(\theta, \sigma \mid \text{data})\; d\theta\, d\sigma. $$
#
# For one of the 48 the same average has that person's likelihood in it.

# %%
run.show(theory.person_densities)

# %% [markdown]
# As probabilities:

# %%
new = found.new_person
p_new, low_new, high_new = found.proportion(new)
below = new.below(0)
print(f"new person: {p_new:.4f} [{low_new:.4f}, {high_new:.4f}]; below one half: {below:.1%}")
figures.show(
    draw.new_person(found),
    alt="A bell-shaped density from 0.47 to 0.55 centred on 0.51; the part below 0.50 is "
    "shaded. A much narrower dashed density shows the typical person.",
    caption="The typical person has a same-side bias almost surely. A given new person may well "
    "not: about one in four would land the other side more often. The interval for a new "
    "person is six times as wide.",
)

# %% [markdown]
# One in four follows from letting deviations be normal. Theory says otherwise: a wobble can only favour the starting
# side, so nobody should be below one half. The lowest person of the 48 threw 48.75%, one standard error below one
# half. The table cannot decide between the two.
#
# ### A bet
#
# You bet one dollar on the starting side, a thousand times. What do you win?

# %%
bets, players = 1_000, 200_000
rng = run.rng("betting")
p = special.expit(rng.choice(new.x, players, p=new.density / new.density.sum()))
gain = 2 * rng.binomial(bets, p) - bets
win = [2 * bets * (value - 0.5) for value in theta]
low, high = uncertainty.percentile_interval(gain)
print(f"pooled proportion: {2 * bets * (same / n - 0.5):.1f} dollars on average")
print(f"typical person   : {win[0]:.1f} dollars on average [{win[1]:.1f}, {win[2]:.1f}]")
print(f"a new tosser     : {gain.mean():.1f} on average, 95% between {low:.0f} and {high:.0f}")
print(f"a loss           : in {np.mean(gain < 0):.0%} of outcomes")

# %% [markdown]
# Real, and no living. After a thousand bets the luck of the draw (a standard deviation of 32 dollars) and not knowing
# your tosser hide the advantage: about a third of players lose. A bias with a Bayes factor in the thousands can be
# too small to notice; evidence and size are different things.
#
# ### Where 51% comes from: the physics
#
# A coin in free flight turns about its angular momentum, which stays fixed in space, at an angle $\psi$ to the coin's
# normal. Perfect flipping is $\psi = 90°$. Start with the normal straight up. After an angle $\phi$ of rotation its
# upward component is
#
# $$ \cos^2\psi + \sin^2\psi \cos\phi, $$
#
# and the starting side is up while that is positive. If you catch at a random moment, $\phi$ is uniform, and
#
# $$ P(\text{same}) = \tfrac12 + \tfrac1\pi \arcsin(\cot^2\psi) \quad (45° \le \psi \le 135°),
#    \qquad 1 \text{ otherwise}. $$
#
# Below 45° the coin never turns over, though to your eye it may seem to. We toss rigid coins and compare; the
# rotation is done vector by vector (Rodrigues' formula), and the formula above appears nowhere in it.

# %%
import torch

run.show(experiment.toss)

# %% [markdown]
# Each flight has 20 turns on average with a standard deviation of 3.

# %%
tosses = run.pick(smoke=20_000, cpu=100_000, gpu=4_000_000)
degrees = np.array([40, 46, 50, 55, 60, 65, 70, 75, 78, 80, 81, 82, 84, 87, 90])
with run.section("physics"):
    generator = run.torch_generator("physics", device=run.device)
    landed = []
    for psi in torch.deg2rad(torch.tensor(degrees, dtype=torch.float32, device=run.device)):
        turns = 20 + 3 * torch.randn(tosses, generator=generator, device=run.device)
        landed.append(experiment.toss(psi, turns).float().mean().item())
landed, exact = np.array(landed), experiment.same_side_probability(np.deg2rad(degrees))
error = np.sqrt(landed * (1 - landed) / tosses)
worst = np.max(np.abs(landed - exact) / np.sqrt(np.maximum(exact * (1 - exact), 1e-12) / tosses))
print(f"largest deviation of {len(degrees)} angles from the formula: {worst:.1f} standard errors")

# %% [markdown]
# Which wobble would give what people threw? Turn the formula round: $\cot^2\psi = \sin(\pi (p - 1/2))$.


# %%
def wobble(p):
    return np.rad2deg(np.arctan(np.sqrt(np.sin(np.pi * (p - 0.5)))))


wobblers = {"typical person": theta, "TianqiP": found.proportion(found.people["TianqiP"])}
for name, values in wobblers.items():
    angle, low, high = map(wobble, values)
    print(f"{name}: p = {values[0]:.4f}; axis {angle:.1f} degrees off [{low:.1f}, {high:.1f}]")
marks = {name: values[0] for name, values in wobblers.items()}

# %% [markdown]
# The curve is steep near $45°$ and flat near $90°$: you have to wobble by ten degrees to gain one point.

# %% tags=["hide-input"]
figures.show(
    draw.wobble_curve(degrees, landed, uncertainty.Z * error, marks),
    alt="P(same side) against the angle psi: 1 below 45 degrees, falling to 0.5 at 90 degrees; "
    "simulated points lie on the curve. The typical person is marked near 80 degrees, the "
    "most extreme near 64.",
    caption="Simulated tosses (points) follow the formula (line). The typical person's bias needs "
    "an axis about ten degrees off; the strongest wobbler's, about 26.",
)

# %% [markdown]
# ### Practice: a simulation from the published posterior
#
# In its later versions the paper also reports that the bias *falls with practice*. That rests on flip-by-flip data
# that we do not have. So what follows is a **simulation from the published posterior**, not a re-analysis. The
# paper's time model is
#
# $$ \text{logit}\,p(t) = \text{logit}\,\theta_\infty + \text{logit}\,\theta_2 \cdot t^{\,b},
#    \qquad t = 1 + \text{flips}/1000, $$
#
# with published means and 95% intervals: $\theta_\infty$ 0.5014 [0.4980, 0.5046], $\theta_2$ 0.5250 [0.5129, 0.5374],
# $b$ −1.617 [−2.827, −0.888]. We draw the three independently with these means and intervals (we have no
# more than these summaries), the exponent log-normal, since its interval is skewed.


# %%
def published(rng, draws, mean, low, high):
    low, high = special.logit(low), special.logit(high)
    return special.expit(rng.normal(special.logit(mean), (high - low) / (2 * uncertainty.Z), draws))


rng, size = run.rng("practice"), 4_000
asymptote = published(rng, size, 0.5014, 0.4980, 0.5046)
toss_part = published(rng, size, 0.5250, 0.5129, 0.5374)
spread = np.log(2.827 / 0.888) / (2 * uncertainty.Z)
exponent = -np.exp(rng.normal(np.log(0.888 * 2.827) / 2, spread, size))

# %% [markdown]
# For one draw we also simulate 48 people who share its curve and flip as often as the real 48 did, and look at their
# blocks of 1,000 flips: this is how much noise such data have.

# %%
flips = np.arange(0, 20_001, 250)
with run.section("practice"):
    curves = experiment.practice_curve(flips, asymptote, toss_part, exponent)
    blocks = np.arange(20) * 1_000 + 500
    made = 1_000 * (people["n"].to_numpy()[:, None] >= blocks + 500).sum(0)
    blocks, made = blocks[made > 0], made[made > 0]
    one = rng.integers(size)
    truth = experiment.practice_curve(blocks, asymptote[one], toss_part[one], exponent[one])[0]
    shares = rng.binomial(made, truth) / made
initial = curves[:, 0]
low, high = uncertainty.percentile_interval(initial)
print(f"initial probability {initial.mean():.4f} [{low:.4f}, {high:.4f}]")
print("published           0.5264 [0.5151, 0.5385]")

# %% [markdown]
# The published initial probability was not used, so that it comes out right is a small check on our reading of the
# model.

# %% tags=["hide-input"]
figures.show(
    draw.practice(flips, curves, blocks, shares, made),
    alt="A curve that falls from 0.526 to about 0.503 within 5,000 flips, with a band, and grey"
    " points with error bars of one simulated study, which scatter more and more to the "
    "right.",
    caption="Simulated from the published posterior: most of the bias is gone after some 3,000 "
    "flips. Band: 95% of curves. Points: blocks of 1,000 flips in one simulated study; late"
    " blocks come from few people.",
)

# %% [markdown]
# One thing we can confront with the table. If everyone followed the typical curve, what would the pooled proportion
# of our 48 people be?

# %%
weights = (people["n"].to_numpy()[:, None] > flips).sum(0).astype(float)
implied = curves @ weights / weights.sum()
low, high = uncertainty.percentile_interval(implied)
print(f"implied by the typical curve: {implied.mean():.4f} [{low:.4f}, {high:.4f}]")
print(f"the table                   : {same / n:.4f}")

# %% [markdown]
# Compatible, and on the low side. The curve of a typical person leaves out the people with a large bias of their own,
# who pull the pooled proportion up, and our independent draws are wider than the true joint posterior.
#
# ### Four misconceptions
#
# - *"Coins are biased."* Toward heads or tails they are not: about 6 to 1 for fair. The toss is biased towards the
#   start.
# - *"Everyone has it."* People differ by 1.6 points around a mean of one. Some may have nothing.
# - *"The evidence is $10^{17}$ to 1."* Only for someone who is certain that all people toss alike. The same data
#   refute that by $10^{24}$ to 1.
# - *"A p-value of $10^{-19}$ means a large effect."* It means many flips. The effect is 0.8 points.
#
# ## Something to move
#
# Drop people, change the priors, and watch the Bayes factors. Your browser does the integration itself. It averages
# over four models (same-side bias or not, people differ or not) at $\alpha = 1/2$, where the rest of this chapter
# averages over eight; at the starting position the two agree on the same-side Bayes factor within 0.01%, and in all
# positions that we tested with two people or more within 1%.
#
# Try: leave out the four with the most same-side landings. Then leave out four at the other end too. Then put
# everyone back, and move the prior mean of $\sigma$ down to 0.005: a model that hardly lets people differ goes back
# towards $10^{17}$.

# %% tags=["hide-input"]
figures.interactive(
    draw.browser_layout(),
    alt="Bars for three Bayes factors on a logarithmic axis, and below them the prior and the "
    "posterior of the typical person's probability. Controls leave people out and change "
    "the priors.",
    caption="People who differ make the difference: the two bars for a same-side bias answer one "
    "question, with and without allowing for them. Dashed: prior, solid: posterior of the "
    "typical person.",
    controls=draw.browser_controls(counts),
    update=draw.UPDATE,
    data=draw.browser_data(counts),
)

# %% [markdown]
# ## Paper against here
#
# Every claim has a function that measures it from the table of counts, and nothing else. So a machine can spoil the
# table, or put a rival in the place of the method, and see whether the verdict notices. One of them in full:

# %%
run.show(measures.same_side, measures.pooled, measures.sides_swapped)

# %% [markdown]
# The strip shows where a number would agree with the paper (solid edge) and where it would contradict it (dashed), the
# paper's value (diamond), ours (dot) and what rivals say (crosses). First all flips alike.

# %%
run.claim(measures.same_side, counts)
run.claim(measures.heads, counts)

# %% [markdown]
# Then the Bayes factors with people who may differ. Their only uncertainty is numerical, and below the digits shown;
# what the prior does to them is the table of sensitivities above.

# %%
left_out = list(people["person"][four])
run.claim(measures.bf_same, counts)
run.claim(measures.bf_people, counts)
run.claim(measures.bf_heads, counts)
run.claim(measures.bf_same_without_four, counts, left_out)
run.claim(measures.bf_people_without_four, counts, left_out)

# %% [markdown]
# `bf-heads` is *not recomputed*, and we expected that: 0.170 is not 0.182. The paper's number averages over models in
# which each coin has a bias of its own. Coins that differ would make 350,757 flips worth fewer independent ones, so the
# data argue less firmly for fairness. Our table has no counts per coin.
#
# The estimates with 95% intervals:

# %%
run.claim(measures.theta, counts)
run.claim(measures.sd_people, counts)
run.claim(measures.alpha, counts)
run.claim(measures.theta_without_four, counts, left_out)
run.claim(measures.sd_people_without_four, counts, left_out)
run.answer(measures.new_person, counts)

# %% [markdown]
# And what an independent package, metafor in R, documents for the same counts: a chi-squared test that people are
# alike, and a random-effects meta-analysis of the 48 proportions $y_k$ with sampling variances $v_k$ (restricted maximum
# likelihood). They are checks of our table and our code, and no claims of the paper.

# %%
y = people["p_same"].to_numpy()
v = y * (1 - y) / people["n"].to_numpy()


def minus_log_likelihood(tau):
    w = 1 / (v + tau**2)
    mu = w @ y / w.sum()
    return (np.log(v + tau**2).sum() + np.log(w.sum()) + w @ (y - mu) ** 2) / 2


options = {"xatol": 1e-9}
tau = optimize.minimize_scalar(minus_log_likelihood, bounds=(0, 0.1), options=options).x
w = 1 / (v + tau**2)

# %% [markdown]
# To the documented digits:

# %%
same_or_not = np.stack([people["same"], people["n"] - people["same"]])
chi2 = stats.chi2_contingency(same_or_not, correction=False)
run.check("chi-squared of 48 people is metafor's 265.264", abs(chi2.statistic - 265.264) < 0.0005)
run.check("mean of 48 people is metafor's 0.5100", abs(w @ y / w.sum() - 0.51) < 0.00005)
run.check("the table holds 350,757 flips", n == 350_757)

# %% [markdown]
# The chapter's whole ledger:

# %%
run.report()

# %% [markdown]
# ### What this cannot show
#
# - **Differences between coins**, and so the paper's Bayes factor for them, and its 0.182 for heads: the table has no
#   counts per coin.
# - **Practice.** Flip-by-flip data are needed; our figure is a simulation from published numbers.
# - **Cause.** That people differ fits wobbling, but the counts say nothing of how much anybody's coin wobbled.
# - **You.** The 48 were not drawn at random from anywhere; "a new person" means one more like these.
#
# ### Errata and disputes
#
# - The abstract joins two analyses: 0.508 and its interval pool all flips, the Bayes factor 2359 lets people and
#   coins differ. The typical person of the second analysis is at 0.510.
# - The Bayes factors moved between versions of the paper, from 2364 and 0.183 in the first to 2359 and 0.182.
#   Comments in the authors' code mention a duplicated sequence removed and a missing start repaired; that this is the
#   reason is our inference.
# - metadat documents a random-effects $\tau$ of 0.0160. The maximum of the restricted likelihood is 0.0159. Fisher
#   scoring that stops when $\tau^2$ moves by less than $10^{-5}$ (not small beside a $\tau^2$ of 0.00025) gives 0.0160
#   and the documented $I^2$ of 88.10. That this is what happened is our inference, and nothing of substance hangs on
#   it.
# - Most tossers were co-authors who knew the hypothesis. We found no published rebuttal; whether a person who
#   *expects* 51% tosses differently is open.
# - A summary of each person by a Gaussian seems harmless with thousands of flips. It gives 2396 instead of 2366 for
#   the same side, and is off by a factor of three for people, because of the few who lie far out (exercise 4).
#
# ## Exercises
#
# ### To warm up
#
# **1. Two averages.** Compute the plain mean of the 48 proportions, and the mean weighted by flips. Which people make
# the difference?

# %% tags=["solution", "hide-cell"]
plain, weighted = people["p_same"].mean(), np.average(people["p_same"], weights=people["n"])
busy = people["n"] > people["n"].median()
print(f"plain mean {plain:.4f}, weighted by flips {weighted:.4f}")
for half, name in ((busy, "busier half"), (~busy, "other half")):
    print(f"{name}: mean {people['p_same'][half].mean():.4f}")
print(f"correlation of flips and proportion: {people['n'].corr(people['p_same']):.2f}")

# %% [markdown]
# **2. Know nothing, learn little.** Replace the prior of the closed form by the "uninformative" Beta(1, 1), then by
# Beta(0.5, 0.5). What happens to the Bayes factor for heads, and why? (Jeffreys and Lindley saw it first.)

# %% tags=["solution", "hide-cell"]
for a in (5000, 500, 50, 5, 1, 0.5):
    bf = np.exp(coins.log_bayes_factor_heads(heads, n, a, a))
    bf_same = np.exp(coins.log_bayes_factor_same(same, n, a, a))
    print(f"Beta({a:g}, {a:g}): heads {bf:.5f}, same side {bf_same:.3g}")
# A wide prior spends its probability on values that the data rule out. Its prediction of the
# data gets worse without limit as it widens, and the point hypothesis wins by default.
# "Uninformative" is a strong statement in a test.

# %% [markdown]
# **3. Derive the closed form.** Multiply likelihood and truncated prior, and recognise a beta density. Check your
# formula on 6 of 10 flips by numerical integration.

# %% tags=["solution", "hide-cell"]
from scipy.integrate import quad

# Prior above 1/2: t^(a-1) (1-t)^(b-1) / (B(a, b) S(1/2; a, b)). Times t^x (1-t)^(n-x) it is the
# kernel of Beta(a+x, b+n-x), whose integral from 1/2 to 1 is B(a+x, b+n-x) S(1/2; a+x, b+n-x).
# Divide by 2^-n.
prior = stats.beta(51, 49)


def density(t):
    return t**6 * (1 - t) ** 4 * prior.pdf(t) / prior.sf(0.5)


integral, _ = quad(density, 0.5, 1, points=[0.51, 0.6])
closed = np.exp(coins.log_bayes_factor_same(6, 10, 51, 49))
print(f"numerically {integral * 2**10:.8f}, closed form {closed:.8f}")

# %% [markdown]
# ### To think
#
# **4. Gaussians in the tail.** Replace each person's likelihood by a normal density at the observed logit with
# variance $1/(n p (1-p))$. How far off are the Bayes factors? (With normals the integral over $\gamma_k$ is a
# formula.)

# %% tags=["solution", "hide-cell"]
at, variance = special.logit(y)[:, None, None], 1 / (people["n"].to_numpy() * y * (1 - y))
s, t = np.geomspace(1e-3, 0.25, 200)[:, None], (np.arange(800) + 0.5) * 0.0002  # midpoints
p, prior = special.expit(t), stats.beta(5100, 4900)
log_s = stats.gamma(4, scale=1 / 200).logpdf(s) + np.log(s * np.log(s[1] / s[0]))
log_t = prior.logpdf(p) - prior.logsf(0.5) + np.log(p * (1 - p) * 0.0002)


def log_marginal(s, t):
    return stats.norm.logpdf(at, t, np.sqrt(s**2 + variance[:, None, None])).sum(0)


none, bias = log_marginal(0, 0).item(), special.logsumexp(log_marginal(0, t[None]) + log_t)
wide, both = (special.logsumexp(log_marginal(s, x) + log_s + w) for x, w in ((0, 0), (t, log_t)))
print(f"same   {np.exp(np.logaddexp(bias, both) - np.logaddexp(none, wide)):.1f}")
print(f"people {np.exp(np.logaddexp(wide, both) - np.logaddexp(none, bias)):.3g}")

# %% [markdown]
# **5. How alike is alike enough?** In the simulation of 48 fair people, how much may people differ before the test
# that treats flips as alike goes wrong more than once in a hundred studies? In probability, how small a spread is
# that?

# %% tags=["solution", "hide-cell"]
rng, flips_each = run.rng("how alike"), people["n"].to_numpy()
for spread in (0.0, 0.01, 0.02, 0.03, 0.04, 0.0624):
    p = special.expit(rng.normal(0, spread, (4_000, 48)))
    landed_same = rng.binomial(flips_each, p).sum(1)
    log_bf = np.array([coins.log_bayes_factor_same(x, n) for x in landed_same])
    share = np.mean(log_bf > np.log(10))
    error = np.sqrt(share * (1 - share) / 4_000)
    print(f"spread {spread / 4:.4f}: beyond 10 to 1 in {share:.1%} (standard error {error:.1%})")

# %% [markdown]
# **6. The flip side of randomising.** Suppose someone tosses with $\theta = 0.51$ and a fair coin, but starts from
# heads in 60% of tosses. What is P(heads)? How far did the start sides of the study lean, and what does that do to
# its P(heads)?


# %% tags=["solution", "hide-cell"]
def p_heads(start, theta):
    return start * theta + (1 - start) * (1 - theta)


start = totals["started_heads"] / n
print(f"60% heads starts: P(heads) = {p_heads(0.6, 0.51):.4f}")
print(f"study: {start:.4f} heads starts, so P(heads) = {p_heads(start, 0.51):.5f}: too near to see")

# %% [markdown]
# ### To build
#
# **7. Another prior.** The paper also tests with a *non-local* prior, which gives no probability to values next to
# chance: on the logit scale the density is $x^2 / (\sqrt{2\pi}\,\tau^3)\, e^{-x^2/(2\tau^2)}$, with its mode at
# $\tau\sqrt2$, doubled for $x > 0$. Compute the Bayes factor in the models where people differ, for modes from 0.005
# to 0.08. You have everything in `person_log_marginals`.

# %% tags=["solution", "hide-cell"]
sigmas, logits = np.geomspace(0.002, 0.3, 50), np.linspace(0, 0.3, 301)
axes = theory.Axes(sigmas, logits, np.zeros(1), np.arange(-0.9, 1.1, 0.003))
on_grid = theory.person_log_marginals(coins.check_counts(counts), axes).sum(0)[0]
s_log = stats.gamma(4, scale=1 / 200).logpdf(sigmas) + np.log(sigmas)
over_theta = special.logsumexp(on_grid + s_log[:, None], axis=0)
for mode in (0.005, 0.01, 0.02, 0.04, 0.08):
    tau_prior = mode / np.sqrt(2)
    z = logits / tau_prior
    density = 2 * z**2 / (np.sqrt(2 * np.pi) * tau_prior) * np.exp(-(z**2) / 2)
    bf = np.sum(np.exp(over_theta - over_theta[0]) * density) * logits[1]
    print(f"mode {mode:.3f} (probability {special.expit(mode):.4f}): Bayes factor {bf:8.1f}")

# %% [markdown]
# **8. A careful catcher.** The formula for $P(\text{same})$ needs a random moment of catch. Let $\psi = 80°$ and the
# number of turns be normal with mean $m$ and standard deviation $s$. For which $s$ can a person still steer the
# outcome by choosing $m$?

# %% tags=["solution", "hide-cell"]
tilt = torch.deg2rad(torch.tensor(80.0))
spin = torch.randn(100_000, generator=run.torch_generator("catch"))
for s in (0.05, 0.15, 0.25, 0.35, 0.5, 1.0):
    means = np.linspace(19.5, 20.5, 11)
    by_mean = [experiment.toss(tilt, m + s * spin).float().mean().item() for m in means]
    print(f"s = {s:.2f} turns: P(same) from {min(by_mean):.3f} to {max(by_mean):.3f}")
# Beyond half a turn of scatter the choice is gone and the wobble is left: the first harmonic
# fades as exp(-2 pi^2 s^2).

# %% [markdown]
# ## Discussion
#
# - The pre-registered test treats all flips as alike and gives $10^{17}$. The published abstract reports 2359. Which
#   of them *should* a paper lead with, and does pre-registration bind the authors here?
# - Four people above 53% were flagged after seeing the data. Design a rule that could have been fixed beforehand.
#   What would it do to the evidence?
# - Trimming both ends raised the evidence; trimming one end lowered it. Is "remove outliers and see whether the
#   result holds" a good habit?
# - If only wobbling people carry the effect, is "a fair coin lands the same side up in 51% of tosses" a fact about
#   coins, about people, or about neither?
# - A cricket captain asks you how to toss. What do you recommend, and how many tosses would show that it helped?
#
# ## Further reading
#
# - P. Diaconis, S. Holmes, R. Montgomery (2007), *Dynamical bias in the coin toss*, SIAM Review 49(2), 211-235. The
#   physics, and the prediction.
# - J. B. Keller (1986), *The probability of heads*, American Mathematical Monthly 93(3), 191-197. Coins without
#   wobble.
# - R. E. Kass, A. E. Raftery (1995), *Bayes factors*, JASA 90(430), 773-795. What they are, and how they depend on
#   priors.
# - V. E. Johnson, D. Rossell (2010), *On the use of non-local prior densities in Bayesian hypothesis tests*, JRSS B
#   72(2), 143-170. Exercise 7.
# - W. Viechtbauer (2010), *Conducting meta-analyses in R with the metafor package*, Journal of Statistical Software
#   36(3). The independent numbers.
# - M. Betancourt, M. Girolami (2015), *Hamiltonian Monte Carlo for hierarchical models*. Centred and non-centred.
#
# ## How this page was made

# %%
run.stamp()
