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
# # Speculative decoding with adaptive candidate lengths
#
# *How far ahead should a small model guess?*
#
# | paper | [SpecDec++: Boosting Speculative Decoding via Adaptive Candidate Lengths][paper] |
# |---|---|
# | authors | Kaixuan Huang, Xudong Guo, Mengdi Wang |
# | venue, year | Conference on Language Modeling (COLM), 2025; arXiv 2405.19715 |
# | you will learn | why guessing costs no quality; when one more guess pays; to derive an abstract from one figure |
# | before you begin | conditional probability, expectation, what a language model returns |
# | minutes | CPU 2.3, GPU 4 (an estimate: not run yet) |
# | data, licence | Python's own library, read on the spot; a digitised figure of the paper (CC BY 4.0) |
#
# [paper]: https://arxiv.org/abs/2405.19715

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
# Every chapter begins by saying what it runs on. All that follows was computed when this page was built.

# %%
import functools

import numpy as np
import pandas as pd
import torch
from scipy import stats

import foretold
from foretold import data, figures
from foretold.kit import corpora, gpt, pretrained, uncertainty
from foretold.papers import speculative
from foretold.papers.speculative import draw, experiment, measures, theory
from foretold.papers.speculative.experiment import batched, cache, smollm, training

run = foretold.start("speculative")

# %% [markdown]
# ## The idea
#
# A large language model writes one token at a time, and each token costs a whole pass through its weights. Reading is
# cheaper: in one pass it can judge many tokens that somebody else has written. So let a small model, the **draft**,
# write a few tokens ahead, and let the large one, the **target**, read them all at once. What it agrees with is kept. At
# the first disagreement the rest is thrown away, and the target writes that one token itself.
#
# The surprise is that nothing is lost. Not "hardly any quality": the text has *exactly* the distribution that
# the target alone would have given it. Only time is at stake, and two currencies pay for it. Guess too little, and the
# large model is called too often. Guess too much, and drafted tokens are discarded. The right length
# depends on what is being written: after `import nump` guess far, at the start of a new thought do not.
#
# The paper asks for the best rule, and finds that it should watch one number: the probability that *some* token
# drafted so far will be rejected. When this risk is too high, stop and ask the target.
#
# ## The method
#
# ### One round, and why it loses nothing
#
# Let $q$ be the draft's distribution of the next token and $p$ the target's. Draw $Y \sim q$ and accept it with
# probability $\min(1, p(Y)/q(Y))$; otherwise draw from $\max(p - q, 0)$, normalised. Token $y$ comes out with probability
#
# $$ q(y)\min\!\Big(1, \frac{p(y)}{q(y)}\Big) + r\, \frac{\max(p(y)-q(y), 0)}{\sum_z \max(p(z)-q(z), 0)} = p(y), $$
#
# because $r = 1 - \sum_z \min(p(z), q(z))$, the probability of a rejection, equals the sum below the fraction. A round drafts $Y_1, \dots, Y_K$ and goes through
# them with this rule. If all are accepted, the same call of the target yields one more token for free.

# %%
run.show(speculative.verify)

# %% [markdown]
# The draft writes until a rule, `stop`, has seen enough. The rule is asked before each candidate, and may look at the tokens that
# were drafted, at their probabilities, at anything that is known before the target's coins are thrown. Round follows round until
# the text is long enough.

# %%
run.show(speculative.Drafted, speculative.propose, speculative.speculative_sample)

# %% [markdown]
# A rule can be a number, or a look at the newest token:

# %%
run.show(speculative.FixedLength, speculative.Confidence)

# %% [markdown]
# Does it matter which rule stops the draft? We can check that without chance: on a chain of three tokens, run the
# sampler once for *every* sequence of random choices, and add up their probabilities. `Branches` takes the place of the random
# numbers: each run follows one script of choices, and notes those that it has passed by.

# %%
run.show(theory.output_law, theory.Branches)

# %% [markdown]
# Three rules on random chains, with texts of four tokens:

# %%
rules = {
    "two candidates": speculative.FixedLength(2),
    "risk above 0.5": speculative.AcceptanceThreshold(0.5),
    "token below 0.4": speculative.Confidence(0.4),
}
worst = 0.0
for seed in range(run.pick(smoke=1, cpu=3, gpu=3)):
    rng = np.random.default_rng(seed)
    p, q = theory.random_chain(rng), theory.random_chain(rng)
    truth = theory.chain_law(p, (0,), 4)
    for name, rule in rules.items():
        law = theory.sampled_law(p, q, (0,), 4, rule)
        distance = theory.total_variation(law, truth)
        worst = max(worst, distance)
        print(f"chain {seed}, {name:>15}: {len(law)} texts, distance {distance:.0e}")

# %% [markdown]
# The distance (total variation) is rounding error. Now a rule that sounds more careful: if a token looks too risky, do not
# even submit it. Throw it away, and let the target write.

# %%
run.show(theory.careless_sample)
for seed in range(3):
    rng = np.random.default_rng(seed)
    p, q = theory.random_chain(rng), theory.random_chain(rng)
    truth = theory.chain_law(p, (0,), 4)
    rule = speculative.Confidence(0.4)
    law = theory.sampled_law(p, q, (0,), 4, rule, careless=True)
    distance = theory.total_variation(law, truth)
    print(f"chain {seed}, risky token dropped: distance {distance:.3f}")

# %% [markdown]
# That is a different distribution. Tokens that survive the inspection were chosen by their looks, so they no longer come
# from $q$, and $p/q$ is the wrong coin. The risky token **must** be submitted.
#
# ### Two currencies
#
# A round of $K$ candidates of which $A$ are accepted makes $K$ draft calls and one target call, and leaves $A + 1$
# tokens. Count the others, $K - A$, as discarded. Then over any text
#
# $$ \text{draft calls} + \text{target calls} = \text{tokens} + \text{discarded}. $$
#
# With a target call worth $\rho$ draft calls, the speed over the target alone is
#
# $$ s = \frac{\rho}{(1 + d) + (\rho - 1)\,v}, $$
#
# where $v$ is target calls per token (*verification rate*) and $d$ discarded candidates per token (*discard rate*). In the
# plane of $v$ and $d$ a speed is a straight line. That will be useful.

# %%
run.show(speculative.Counters, experiment.speed)

# %% [markdown]
# ### The theorem
#
# Drafting is a sequence of decisions: in state (prefix, $Y_1, \dots, Y_k$), draft one more, or stop. With costs beyond
# one draft call a token, a discarded candidate costs $c_1 = 1$ and a round $c_2 = \rho - 1$. Theorem 3.1 of the paper:
# if the probability $R$ that some $Y_i$ is rejected satisfies
#
# $$ R \;\ge\; \frac{c_2 + \Delta}{c_1 + c_2 + \Delta}, $$
#
# then stopping is better, with a constant $\Delta$ that depends on the problem. The reason fits in two lines. One more token is
# wasted with probability at least $R$, which costs $c_1$. It can only help if everything before it is accepted, and then it
# saves at most a round. So stop when $R\,c_1 \ge (1-R)(c_2+\Delta)$.
#
# On a chain of three tokens the whole decision process can be solved backwards. We do it for six random pairs and three
# cost ratios, 7,108 states each.

# %%
run.show(theory.DecisionProcess)

# %% [markdown]
# For states that can be compared, we keep the riskiest at which going on is best and the safest at which stopping is.

# %%
states, excess, ends = {}, 0.0, []
with run.section("exact decision process"):
    for ratio in (3.0, 6.0, 12.0):
        states[ratio] = []
        for seed in range(run.pick(smoke=2, cpu=6, gpu=6)):
            rng = np.random.default_rng(seed)
            p, q = theory.random_chain(rng), theory.random_chain(rng)
            solved = speculative.stopping_values(p, q, 7, ratio)
            states[ratio] += experiment.decisions(solved)
            ends.append(experiment.extremes(solved).assign(chain=seed, ratio=ratio))
        riskiest = max(risk for risk, goes_on in states[ratio] if goes_on)
        excess = max(excess, riskiest - (ratio - 1) / ratio)
print(f"risk beyond c2/(c1+c2) at which going on is best: {max(excess, 0)}")
ends = pd.concat(ends, ignore_index=True)
print(f"largest overlap of the two kinds of states: {(ends['goes_on'] - ends['stops']).max():.2f}")

# %% [markdown]
# A picture of all these states:

# %% tags=["hide-input"]
figures.show(
    draw.stops(states),
    alt="Three rows of dots for cost ratios 3, 6 and 12 against the probability of a "
    "rejection. Green dots, where going on is best, end before a red bar at 0.67, 0.83 "
    "and 0.92; orange dots, where stopping is best, lie on both sides of it and reach "
    "down to small risks.",
    caption="Every dot a state of an exact decision process. No green dot is right of the red "
    "bar, $c_2/(c_1+c_2)$: the theorem. Orange dots left of green ones: the optimum is "
    "*not* a threshold in the risk alone.",
)

# %% [markdown]
# The theorem holds, even with $\Delta = 0$. But it says when to stop, not when to go on. The abstract goes further, and
# says that the optimal policy "takes the form of a threshold policy"; on these chains it does not. Take states that differ in
# nothing but their candidates: same prefix, same number. In some pairs it is best to stop in the *less* risky state, because what
# comes next is a bad bet there, and the risk so far does not know that. The overlap is how far apart such a pair can be.
#
# ### A threshold from a fixed point
#
# When every candidate is accepted with the same probability $\alpha$, the risk is $1 - \alpha^k$ and everything has a closed form:
#
# $$ \mathbb E[\text{tokens}] = \frac{1-\alpha^{K+1}}{1-\alpha}, \qquad
# \lambda(K) = \frac{c_2 + c_1\,\mathbb E[\text{discarded}]}{\mathbb E[\text{tokens}]}. $$
#
# Let $\lambda^*$ be the smallest price of a token. A candidate more saves $\lambda^*$ if all are accepted and wastes $c_1$ if
# not, so go on while $1 - \alpha^{k+1} < h^* = \lambda^*/(c_1 + \lambda^*)$. The threshold follows from the optimum that
# it leads to.

# %%
run.show(speculative.expected_tokens, speculative.speedup)
run.show(speculative.optimal_length, speculative.optimal_threshold)
for alpha, ratio in ((0.5, 6.06), (0.8, 6.06), (0.8, 20), (0.95, 6.06)):
    k, h = speculative.optimal_length(alpha, ratio), speculative.optimal_threshold(alpha, ratio)
    speed = speculative.speedup(alpha, k, ratio)
    print(f"alpha {alpha}, ratio {ratio:5}: K* = {k:2d}, h* = {h:.3f}, speed {speed:.3f}")

# %% [markdown]
# ### Predicting acceptance
#
# The true acceptance probability needs the target. SpecDec++ predicts it with a small **head** on the draft's hidden
# state: residual blocks $x + \mathrm{SiLU}(Wx)$, then a softmax over reject and accept. The rule multiplies the
# predictions, and stops when $1 - \prod_i f_i > h$.

# %%
run.show(speculative.AcceptanceHead, speculative.AcceptanceThreshold)

# %% [markdown]
# Labels are soft: $a_i = \min(1, p(Y_i)/q(Y_i))$ at positions of texts that the target wrote. The loss counts rejections
# $w$ times,
#
# $$ \frac{\sum_i \big[\,a_i(-\log s_i) + w\,(1-a_i)(-\log(1-s_i))\big]}{\sum_i \big[\,a_i + w\,(1-a_i)\big]}, $$
#
# with $w = 6$ in the authors' example. Before you read on: what does $s$ become where $a$ is always 0.8?

# %%
run.show(speculative.weighted_acceptance_loss)
for w in (1, 6):
    s = 0.8 / (0.8 + w * 0.2)
    print(f"w = {w}: the minimiser is a / (a + w (1 - a)) = {s:.2f}")

# %% [markdown]
# So with $w = 6$ the head says 0.4 where four of five are accepted. Its threshold is no probability, and thresholds for
# different $w$ cannot be compared.
#
# *Token mixing*: while drafting, the draft reads its own tokens, not the target's. So the authors let it read, in training, a
# mixture $Z$ of the target's tokens (with probability 0.15) and its own, and keep the positions where $Z_i = Y_i$.
#
# We differ from them in one thing. Their head reads the hidden state *of* $Y_i$, which exists only after the draft has read $Y_i$;
# in their code the newest candidate is therefore never covered by the test. Ours reads the state that $Y_i$ was drawn *from*, and
# the embedding of $Y_i$. So every candidate is judged before the next one is paid for.
#
# ## The experiment
#
# ### The abstract from one figure
#
# The paper's repository shows $v$ and $d$ for each configuration. Its times come from Llama-2-chat 70B with a 7B draft on two
# A100 GPUs, which we have not. But if time is what the formula above says, *one* number is missing, $\rho$. We fit it to the speed
# of the best **fixed** length, on each data set for itself, and then predict SpecDec++, which the fit has not seen.

# %%
dots = data.table("speculative")
derived = experiment.headline(dots)
print(derived.to_string(float_format="{:.2f}".format))
fixed_dots = dots[dots["method"] == "SpecDec"]
lengths = experiment.inferred_lengths(fixed_dots).round(1)
print("\nK from 1 + d = (K+1) v:", *lengths[:6])
rho = float(derived["ratio"].mean())
print(f"cost ratio {rho:.2f}, from {derived['ratio'].min():.2f} to {derived['ratio'].max():.2f}")

# %% [markdown]
# Three fits that know nothing of each other give nearly the same ratio, and the abstract's three speeds follow within
# a few hundredths. The identity even tells which dot is which: $K = 4, 6, \dots, 14$, a little less
# because texts end in the middle of a round. One of the authors' own records lists 0.126 s for a target token and 0.0209 s
# for a draft token, a ratio of 6; the difference to 4.5 is what a round costs beside the two models.
#
# ### A pair of our own
#
# Now a target and a draft that we can train on the spot, on the source of Python's standard library, character by character:
# the target with three layers of width 128, the draft with one of width 32.

# %%
length, context = 32, 128
with run.section("train the pair"):
    text = corpora.corpus(corpora.standard_library(run.pick(smoke=0.6, cpu=3.0, gpu=8.0)))
    shape = {"context": context, "vocabulary": text.vocabulary, "activation": "relu", "std": 0.06}
    sizes = run.pick(smoke=(2, 48, 2), cpu=(3, 128, 4), gpu=(8, 384, 6))
    small = run.pick(smoke=(1, 16, 1), cpu=(1, 32, 2), gpu=(1, 64, 2))
    big, little = (gpt.Config(*size, **shape) for size in (sizes, small))
    steps = run.pick(smoke=(200, 120), cpu=(500, 400), gpu=(4000, 2000))
    batch, learn = run.pick(smoke=8, cpu=8, gpu=32), run.torch_generator("train")
    models, losses = training.train_pair(text, big, little, steps, learn, run.device, batch=batch)
for name, config in (("target", big), ("draft", little)):
    count = config.parameters + config.embeddings
    print(f"{name:>6}: {count:,} parameters, {losses[name]:.3f} nats a character")

# %% [markdown]
# The target writes texts, and from their positions three heads learn: the authors' recipe ($w = 6$, token mixing 0.15), the same
# recipe with honest weights ($w = 1$), and one for which the draft reads the target's own text.

# %%
with run.section("heads"):
    draws = run.torch_generator("heads")
    count = run.pick(smoke=128, cpu=320, gpu=1024)
    prompts = training.starts(text.train, count, length, draws).to(run.device)
    texts = batched.write(models["target"], prompts, context - length, run.torch_generator("write"))
    held, heads, rows = count // 8, {}, []
    test = training.positions(models, texts[:held], length, 1.0, draws)
    recipes = {"w = 6, mixed": (6, 0.15), "w = 1, mixed": (1, 0.15), "w = 1, plain": (1, 1.0)}
    for name, (weight, mixing) in recipes.items():
        seen = training.positions(models, texts[held:], length, mixing, draws)
        heads[name] = training.train_head(seen, weight, draws)
        rows.append({"head": name, **training.quality(heads[name], test)})
print(pd.DataFrame(rows).set_index("head").to_string(float_format="{:.3f}".format))

# %% [markdown]
# Correlation of prediction and true acceptance, the two means, and the divergence KL(a‖s) in nats on held-out texts. The head with
# $w = 6$ orders positions nearly as well, but predicts about half of what is true. Mixing does not help here: our draft
# reads its own tokens for a few characters only, and in the mixture most of what it reads is its own.
#
# ### Policies
#
# Every policy continues the same prompts. A quarter of the prompts serves to choose: the best fixed $K$, the best threshold. The
# others measure. Tokens of a round are counted by their expectation given what was drafted, which is less noisy
# than the coins.

# %%
longest, ahead = 8, 72
ks = run.pick(smoke=(1, 2, 3, 4), cpu=(1, 2, 3, 4, 6, 8), gpu=(1, 2, 3, 4, 6, 8))
fixed = {f"K = {k}": (batched.fixed(k), k) for k in ks}
policies = dict(fixed)
for h in run.pick(smoke=(0.4,), cpu=(0.2, 0.4), gpu=(0.2, 0.3, 0.4, 0.5, 0.6)):
    policies[f"confidence {h}"] = (batched.confident(h, longest), longest)
grid = run.pick(smoke=(0.4, 0.6), cpu=(0.3, 0.4, 0.5, 0.6, 0.7), gpu=(0.3, 0.4, 0.5, 0.6, 0.7))
small = models["draft"]
policies |= experiment.adaptive(heads["w = 1, plain"], small, grid, longest, "head")
grid = run.pick(smoke=(0.7,), cpu=(0.7, 0.9), gpu=(0.3, 0.5, 0.7, 0.9))
policies |= experiment.adaptive(heads["w = 6, mixed"], small, grid, longest, "paper's head")
policies["oracle, h = 0.5"] = (batched.cumulative(batched.oracle, 0.5, longest), longest)

# %% [markdown]
# The *oracle* looks at $p$ and multiplies true acceptance probabilities. Nobody can afford it; it says how much a better head
# could still bring.

# %%
rows = run.pick(smoke=224, cpu=256, gpu=2048)
with run.section("policies"):
    prompts = training.starts(text.validation, rows, length, run.torch_generator("prompts")).to(
        run.device
    )
    fresh = functools.partial(run.torch_generator, "decode")  # the same coins for all policies
    found = experiment.measure(models, prompts, ahead, policies, fresh)
choose = {n: {k: v[: rows // 4] for k, v in one.items()} for n, one in found.items()}
judge = {n: {k: v[rows // 4 :] for k, v in one.items()} for n, one in found.items()}
gap = max(
    int(abs(o["drafted"] + o["rounds"] - o["tokens"] - o["discarded"]).max())
    for o in found.values()
)
table, drawn = experiment.speeds(judge, rho, run.rng("bootstrap"))
print(table.to_string(float_format="{:.3f}".format))

# %% [markdown]
# Speed over the target alone at the paper's cost ratio, with 95% bootstrap intervals over prompts. The prompts are the same for
# all, so differences are known better than the intervals suggest. What the other quarter chose:

# %%
first, _ = experiment.speeds(choose, rho, run.rng("choose"), 50)
best_k = first.loc[list(fixed), "speed"].idxmax()
best_h = first.loc[[n for n in policies if n.startswith("head")], "speed"].idxmax()
oracle = next(n for n in policies if n.startswith("oracle"))
gains = {}
for name in (best_h, oracle, "confidence 0.4", "paper's head, h = 0.7"):
    gains[name] = experiment.gain(table, drawn, name, best_k)
    value, (low, high) = gains[name]
    print(f"{name:>22} over {best_k}: {value:+.1%} ({low:+.1%} to {high:+.1%})")

# %% [markdown]
# Fixed lengths, the head and the oracle in one figure:

# %% tags=["hide-input"]
alpha = float(test.acceptance.mean())
figures.show(
    draw.lengths(table, alpha, round(rho, 2), best_h),
    alt="Speed against the number of candidates. The curve of fixed lengths rises to a flat "
    "maximum at two to four and falls to about 1.3 at eight. A dotted closed-form curve "
    "runs near it. Horizontal bands for the head and, well above it, the oracle lie "
    "higher than the curve.",
    caption="Fixed lengths, their closed form for a constant acceptance, and two rules that look."
    " The head lies above the best fixed length; the oracle shows what better prediction "
    "would bring.",
)

# %% [markdown]
# The closed form knows one number, the mean acceptance, and already tells the best length. What it cannot know is that
# acceptance comes in runs: some stretches are easy, some are not. That is what the adaptive rule lives on.
#
# Now all policies in the plane of the two currencies.

# %% tags=["hide-input"]
figures.show(
    draw.pareto(dots, table, (rho, rho)),
    alt="Two scatter plots of discarded candidates per token against target calls per token "
    "with dashed lines of equal speed. Above, for three data sets, dots of SpecDec++ lie "
    "below the squares of fixed lengths. Below, the same for our pair: the head lies "
    "below the fixed lengths, the oracle far below.",
    caption="Down and left is better; a dashed line is one speed at the fitted cost ratio. Fixed "
    "lengths slide along one curve. A rule that looks buys fewer target calls with fewer "
    "discarded candidates.",
)

# %% [markdown]
# How far below the curve of fixed lengths is the head, at the same rate of target calls? We interpolate, and repeat it on every
# bootstrap sample of the prompts.

# %%
below, spread = experiment.below(judge, list(fixed), best_h, run.rng("below"))
span = f"({spread[0]:+.3f} to {spread[1]:+.3f})"
print(f"discarded per token at equal target calls: {below:+.3f} {span}")

# %% [markdown]
# A cost ratio is a property of machines, and the policies do not rank the same at all of them:

# %%
ranks = {}
for ratio in (2, 3, 4.5, 6, 10, 20):
    ranks[ratio] = experiment.speeds(judge, float(ratio), run.rng("ratio"), 10)[0]["speed"]
ranks = pd.DataFrame(ranks).rename_axis(columns="cost ratio")
print(ranks.to_string(float_format="{:.2f}".format))

# %% [markdown]
# A high acceptance rate is not the goal. With $K = 1$ a larger share of candidates is accepted than with any other length, and at
# a ratio of 20 it is the slowest of all. The confidence rule, which looks at one token only, discards little and pays for it in
# target calls.
#
# ### The same law, on samples
#
# Exact enumeration covers chains. For the neural pair we draw: one prompt, many continuations, and a $\chi^2$ test of the first
# two characters against the target's own distribution, for every kind of rule.

# %%
prompt, size = prompts[:1, -8:], text.vocabulary
law = experiment.law_of_two(models["target"], prompt)
rows = run.pick(smoke=1_000, cpu=4_000, gpu=50_000)
for name in ("K = 2", "confidence 0.4", best_h, oracle):
    rule = {name: policies[name]}
    one = experiment.measure(models, prompt.expand(rows, -1), 2, rule, fresh)[name]["text"]
    counts = experiment.pair_counts(one, prompt.shape[1], size)
    statistic, degrees = experiment.chi_square(counts, law)
    chance = stats.chi2.sf(statistic, degrees)
    print(f"{name:>16}: chi2 {statistic:.1f}, {degrees} degrees, p = {chance:.2f}")

# %% [markdown]
# ### One text, seen from inside
#
# The statistics above come from many rows side by side. A single text is written by the same `speculative_sample` that we
# enumerated, with the models behind `CachedModel`: keys and values of what was read are kept, what was rejected is cut off, and a
# verification is one forward call.

# %%
run.show(cache.CachedModel.__call__, cache.CachedModel.verify)
plain = {name: model.cpu() for name, model in models.items()}
embed = plain["draft"].get_input_embeddings().weight.detach()
head = heads["w = 1, plain"].cpu()
target, draft = cache.CachedModel(plain["target"]), cache.CachedModel(plain["draft"], hidden=True)
predict = cache.head_predictor(head, embed)
threshold = float(best_h.split("=")[1])
rule = speculative.AcceptanceThreshold(threshold, predict, longest=longest)
prompt = prompts[0]
tokens, counters = speculative.speculative_sample(
    target, draft, prompt.tolist(), ahead, rule, run.rng("one text")
)
print(f"{counters.tokens} tokens in {counters.rounds} target calls, {counters.discarded} discarded")

# %% [markdown]
# Round by round:

# %% tags=["hide-input"]
figures.show(
    draw.ladder(experiment.rounds(counters, tokens, draft, rule, prompt, text), threshold),
    alt="Rows of single characters, a row for each round: accepted candidates in green, one "
    "character of the target in blue, discarded candidates in red. Below, curves of the "
    "predicted risk that rise with the number of candidates until they cross a dashed "
    "line.",
    caption="One text, a row a round. A dot is a blank, ↵ a new line. Below: the predicted risk "
    "of the same rounds; drafting ends where it crosses the threshold. Inside words and "
    "runs of blanks it rises slowly, and the draft runs far.",
)

# %% [markdown]
# ### What a verification costs
#
# The formula takes a target call to cost the same for 2 tokens and for 12. On a GPU with one text, which waits for weights and not
# for arithmetic, that is nearly so. Here is our target on this machine, and a model of 135 million weights on two CPU cores.

# %%
reads = [1, 2, 3, 5, 7, 9, 13]
with run.section("wall clock"):
    tries = run.pick(smoke=5, cpu=25, gpu=25)
    took = cache.call_seconds(plain["target"], reads, 64, tries, run.rng("calls"))
    draft_call = cache.call_seconds(plain["draft"], [1], 64, tries, run.rng("calls"))[0]
recorded = data.table("speculative_calls")
print("tokens read     ", *(f"{n:6d}" for n in reads))
print("ms, our target  ", *(f"{1e3 * s:6.2f}" for s in took))
print(f"ms, our draft    {1e3 * draft_call:6.2f}; cost ratio {took[0] / draft_call:.1f} here")

# %% [markdown]
# The same as a figure, each model over its own time for one token:

# %% tags=["hide-input"]
figures.show(
    draw.calls(reads, took, recorded),
    alt="Time of one target call over that of a call with one token, against tokens read. Our"
    " small target stays near 1 to 1.5 up to 13 tokens; the 135M model rises to 1.9 at "
    "five and above 3 at 13.",
    caption="Reading is not free. A model of real size on a CPU is bound by arithmetic: verifying"
    " four candidates costs it 1.9 single tokens. Our tiny one is bound by the "
    "interpreter, which hides it.",
)

# %% [markdown]
# Put the measured costs in the place of the constant. The oracle, the head and the fixed lengths all lose, long rounds most:


# %%
def cost(count):
    return rho * np.interp(count, recorded["tokens"], recorded["ms"] / recorded["ms"][0])


dear, _ = experiment.speeds(judge, cost, run.rng("dear"), 10)
both = pd.DataFrame({"flat": table["speed"], "as measured on a CPU": dear["speed"]})
print(both.to_string(float_format="{:.2f}".format))

# %% [markdown]
# With this price of reading, at the paper's cost ratio, most of the gain is gone, and the best rule is to guess one or two
# tokens. Nothing about the algorithm has changed; the machine has.
#
# ### A real target, without a draft model
#
# SmolLM2-135M-Instruct (weights in 4 bits) is a real model that fits here; a smaller one with its tokenizer does not travel
# with it. *Prompt lookup* needs none: it proposes what followed the last tokens where they stood before. It is certain of what it
# says, $q = 1$, so the target accepts with its own probability. These counts were recorded; the gpu profile measures
# them anew where the weights are at hand.

# %%
smol = data.table("speculative_smollm2")
if run.pick(smoke=False, cpu=False, gpu=pretrained.available()):
    smol = smollm.measure((0, 2, 4, 8), 40, 0.0, run.device)
greedy = smol[smol["temperature"] == 0]
greedy = greedy.assign(verification=greedy["rounds"] / greedy["tokens"])
greedy["text"] = greedy["text"].map({0: "code", 1: "list", 2: "prose"})
print(greedy.pivot_table("verification", "text", "length").to_string())
print("every greedy text is the target's own:", bool((greedy["same"].astype(str) == "True").all()))

# %% [markdown]
# Target calls per token against the number of candidates, for a piece of code, a list and plain prose. Where a text
# repeats itself, half of the calls and more are saved; prose has nothing to look up. Three texts, 40 tokens each: an
# illustration, and no claim rests on it.
#
# ### Four ways to be wrong
#
# - *"Speculative decoding trades quality for speed."* The law is the target's, exactly; only a mistake in the code changes it.
# - *"The more is accepted, the better."* Time is the goal. $K = 1$ has the highest acceptance of all lengths.
# - *"Stopping at a token of low confidence is the same thing."* One token's confidence is not the risk of all so far.
# - *"The threshold is a probability."* With $w = 6$ the predictions are not; see exercise 5.
#
# ## Something to move
#
# The closed form, in your browser. Choose an acceptance rate and a cost ratio, then move the threshold until the circle meets the
# diamond.
#
# Try: $\alpha = 0.8$ and a ratio of 6, then a ratio of 20. Then raise $\alpha$ to 0.95. Which of the two moves $h^*$ more?

# %% tags=["hide-input"]
figures.interactive(
    draw.browser_layout(),
    alt="Speed over the target alone against the number of candidates, with the best number "
    "and the one that the chosen threshold leads to. Sliders set acceptance rate, cost "
    "ratio and threshold.",
    caption="Diamond: the best length. Circle: what your threshold does. The dotted line is the "
    "target alone.",
    controls=draw.browser_controls(),
    update=draw.UPDATE,
    data={name: figures.COLOURS[name] for name in ("grey", "green", "blue")},
)

# %% [markdown]
# ## Paper against here
#
# First the theorem, on chains that can be solved exactly. Then the paper's own figure: the speeds of the abstract, the
# gains, and whether all its dots lie below the line of fixed lengths. Nothing is run for these three, so agreement is
# *consistent* and no more.

# %%
run.show(measures.speeds, measures.methods_shuffled)
run.claim(measures.threshold_form, ends)
run.claim(measures.speeds, dots)
run.claim(measures.gains, dots)
run.claim(measures.dots_below, dots)

# %% [markdown]
# And our own pair, with the paper's recipe and its one setting for all data, against the length that is best on the very
# prompts that judge.

# %%
keys = ("rounds", "drafted", "expected")
counts = {name: {key: np.asarray(one[key], float) for key in keys} for name, one in judge.items()}
run.claim(measures.head_gain, counts, rho, "paper's head, h = 0.7")

# %% [markdown]
# Questions of ours:

# %%
run.answer(measures.our_head, counts, rho, best_h)
run.answer(measures.our_head_below, below, spread)
run.answer(measures.oracle, counts, rho, oracle)

# %% [markdown]
# What must hold exactly, and what the loss of the head implies, are checks of our own code.

# %%
with torch.no_grad():
    difference = heads["w = 6, mixed"].cpu().probability(test.x.cpu()) - test.acceptance.cpu()
_, _, most = uncertainty.mean_interval(difference, "normal")
run.check("whatever rule stops, the law is the target's", worst < 1e-10)
run.check("draft calls + target calls = tokens + discarded", gap == 0)
run.check("at the theorem's risk stopping is best", excess < 1e-9)
run.check("with weight 6 the head says less than the true acceptance", most < 0)

# %% [markdown]
# The chapter's whole ledger:

# %%
run.report()

# %% [markdown]
# ### What this cannot show
#
# - **The paper's tokens a second.** They need its models and its GPUs. We re-derive ratios from its figure, with a cost model.
# - **Large models.** Our target predicts characters of source code. Where acceptance comes in runs in another way, gains differ.
# - **The paper's own settings.** Weight 6, mixing 0.15 and a threshold of 0.7 were chosen for other models; on our pair that
#   threshold stops too early. We did not search them as widely as the authors, and nothing is judged by it.
# - **Many texts at once.** With a large batch a verification is no longer cheap, and the gain shrinks.
#
# Three choices were made after looking at first results: the head with $w = 1$ without mixing as "our" head, the sizes of the two
# models, and the number of prompts. Length and threshold are chosen on prompts of their own in every run.
#
# ### Errata and disputes
#
# - **The newest candidate is not covered.** In the authors' code the decision follows the draw of the next candidate, whose hidden
#   state does not exist yet. What is submitted always contains one token that no test has seen. It loses nothing but time.
# - **Three layers, one set of weights.** The blocks of the head are made by repeating *one* module in a list, so they share
#   their weights: one linear map, applied three times. `AcceptanceHead(width, tied=True)` does that.
# - **Labels and inputs disagree.** After mixing, the label belongs to the target's text and the hidden state to the mixture.
# - **"Takes the form of a threshold policy"**: see *The theorem*. Necessary and sufficient are not the same.
#
# ## Exercises
#
# ### To warm up
#
# **1. How often?** Show that one candidate is accepted with probability $\sum_y \min(p(y), q(y))$, and check it on 20,000 rounds of a
# chain.

# %% tags=["solution", "hide-cell"]
rng = np.random.default_rng(1)
p, q = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(5))
_, counted = speculative.speculative_sample(
    lambda _: p, lambda _: q, (), 20_000, speculative.FixedLength(1), rng
)
share = sum(counted.accepted) / counted.drafted
print(f"sum of minima {np.minimum(p, q).sum():.4f}, share accepted {share:.4f}")
# P(accept) = sum_y q(y) min(1, p(y)/q(y)) = sum_y min(q(y), p(y)) = 1 - total variation.

# %% [markdown]
# **2. The identity.** Prove that draft calls and target calls add up to tokens and discarded candidates, then find what breaks it if
# a text may end in the middle of a round.

# %% tags=["solution", "hide-cell"]
print(counters.drafted, "+", counters.rounds, "=", counters.tokens, "+", counters.discarded)
# A round: K draft calls and 1 target call; A + 1 tokens and K - A discarded: K + 1 on both sides.
# If the end of the text cuts a round, accepted candidates behind the end are neither tokens nor
# discarded, up to K a text: the inferred K of the paper's dots are a little too small.

# %% [markdown]
# **3. Greedy.** Let both distributions put everything on the most likely token. What do acceptance, rejection and the residual
# distribution become? Is the text that of greedy decoding?

# %% tags=["solution", "hide-cell"]
cold = [cache.CachedModel(plain[name], temperature=0) for name in ("target", "draft")]
start = prompt.tolist()
guessed, _ = speculative.speculative_sample(*cold, start, 60, speculative.FixedLength(4), rng)
alone = cache.autoregressive(cache.CachedModel(plain["target"], 0), start, 60, rng)
print("equal:", guessed == alone)
# A candidate is accepted if it is the target's favourite, else the residual is that favourite.

# %% [markdown]
# ### To think
#
# **4. Derive the threshold.** Show that $K^*$ is where $1 - \alpha^{k+1}$ first reaches $\lambda^*/(c_1 + \lambda^*)$. Check it against
# a search over all lengths.

# %% tags=["solution", "hide-cell"]
wrong = 0
for alpha_, ratio in [(a, r) for a in (0.3, 0.5, 0.7, 0.85, 0.95) for r in (2, 4, 6.06, 12, 30)]:
    h, k = speculative.optimal_threshold(alpha_, ratio), 0
    while 1 - alpha_ ** (k + 1) < h:
        k += 1
    wrong += k != speculative.optimal_length(alpha_, ratio)
print("different in", wrong, "of 25 cases")
# At price L a token, candidate k+1 is worth: alpha^(k+1) L gained, (1 - alpha^(k+1)) c1 lost.
# It pays while 1 - alpha^(k+1) < L / (c1 + L), and at the optimum the gain of a round is zero.

# %% [markdown]
# **5. What the weight does.** Minimise the weighted loss for a fixed $a$ by hand. Which threshold on risks with $w = 1$ corresponds to
# $h = 0.7$ with $w = 6$ after one candidate? And after three equal ones?

# %% tags=["solution", "hide-cell"]
# d/ds [a (-log s) + w (1-a) (-log(1-s))] = 0 gives s = a / (a + w (1-a)),
# so a = w s / (1 + (w-1) s).
for k in (1, 3):
    s = 0.3 ** (1 / k)
    a = 6 * s / (1 + 5 * s)
    print(f"{k} candidates: s = {s:.2f} each, a = {a:.2f}, risk for w = 1: {1 - a**k:.2f}")
# One and the same h stops at different true risks: no single threshold translates another.

# %% [markdown]
# **6. The tied head.** Build the head with tied weights, and one without. Count their parameters. Does it matter here?

# %% tags=["solution", "hide-cell"]
for tied in (False, True):
    made = speculative.AcceptanceHead(test.x.shape[-1], 3, tied)
    names = sum(weight.numel() for weight in made.parameters())
    print(f"tied {tied!s:>5}: {names:,} parameters, output {tuple(made(test.x[:2].cpu()).shape)}")
# `parameters()` lists a shared module once. Depth 3 with one map is a recurrent network.

# %% [markdown]
# ### To build
#
# **7. Not flat.** Replace the constant cost of a target call by $t(K+1) = 1 + b K$ (times $\rho$). For which $b$ is it best not to
# speculate at all, at $\alpha = 0.7$ and $\rho = 4.5$?

# %% tags=["solution", "hide-cell"]
k = np.arange(0, 13)
for slope in (0, 0.1, 0.2, 0.4, 0.6):
    cost = k + 4.5 * (1 + slope * k)
    speeds = 4.5 * speculative.expected_tokens(0.7, k) / cost
    print(f"b = {slope:.1f}: best K = {speeds.argmax()}, speed {speeds.max():.2f}")
# K = 1 gains if 1.7 * 4.5 > 1 + 4.5 (1 + b), so if b < 0.48: beyond it the target writes alone.

# %% [markdown]
# **8. A rule without training.** Multiply the draft's own probabilities in the place of a head's predictions (that is
# `AcceptanceThreshold` without `predict`). How near does it come?


# %% tags=["solution", "hide-cell"]
def own(state):
    return batched.drawn(state.q, state.token) ** 0.4


models = {name: model.to(run.device) for name, model in models.items()}
tried = {f"own, h = {h}": (batched.cumulative(own, h, longest), longest) for h in (0.5, 0.6)}
other = experiment.measure(models, prompts[: len(prompts) // 4], ahead, tried, fresh)
more, _ = experiment.speeds(other, rho, np.random.default_rng(0), 200)
print(more[["speed", "low", "high"]].to_string(float_format="{:.3f}".format))
print(f"head: {table.loc[best_h, 'speed']:.3f}, best fixed: {table.loc[best_k, 'speed']:.3f}")
# The power 0.4 is a guess: a token with q = 0.3 is accepted more often than that.

# %% [markdown]
# ## Discussion
#
# - The output is the same whatever the draft is. What could still go wrong if somebody else supplies the draft?
# - Whoever serves many users at once has a target that is never idle. Is guessing still worth it there, and for whom?
# - The head is trained on texts of the target. Would you train it on what users write instead?
# - Paging also acts on a cheap prediction and pays for two kinds of errors. What are wrong ones and wrong zeros here?
#
# ## Further reading
#
# - Y. Leviathan, M. Kalman, Y. Matias (2023), *Fast inference from transformers via speculative decoding*, ICML. The method and
#   the closed form.
# - C. Chen and co-authors (2023), *Accelerating large language model decoding with speculative sampling*, arXiv 2302.01318. The same,
#   independently.
# - *Learning to Draft*, arXiv 2603.01639; *SPRINTER*, arXiv 2502.04557. Later rules for when to draft and when to verify.
# - *Speculative Verification*, arXiv 2509.24328. What changes with large batches.
# - The documentation of `transformers` on assisted generation, whose dynamic schedule stops at a token of low confidence.
#
# ## How this page was made

# %%
run.stamp()
