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
# # The reversal curse
#
# *If A is B, does the model know that B is A?*
#
# | paper | [The Reversal Curse: LLMs trained on "A is B" fail to learn "B is A"][paper] |
# |---|---|
# | authors | Lukas Berglund, Meg Tong, Max Kaufmann, Mikita Balesni, Asa Cooper Stickland, Tomasz Korbak, Owain Evans |
# | venue, year | International Conference on Learning Representations, 2024 |
# | you will learn | to test knowledge by accuracy and by likelihood; why a gradient never reaches the reverse; what selection and lenient scoring do to a headline |
# | before you begin | what a language model is trained on, log odds, gradient descent |
# | minutes | CPU 1.7, GPU 4 |
# | data, licence | facts invented on the spot; totals of the authors' files; optional: the paper's 3,600 documents, no licence stated, downloaded only if you ask |
#
# [paper]: https://arxiv.org/abs/2309.12288

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
# Every chapter begins by saying what it runs on. All that follows was computed when this page was built.

# %%
from fractions import Fraction

import numpy as np
import pandas as pd

import foretold
from foretold import figures
from foretold.kit import pretrained
from foretold.kit.uncertainty import Z, mean_interval, percentile_interval, share_interval
from foretold.papers import reversal
from foretold.papers.reversal import data, draw, experiment, measures
from foretold.papers.reversal.experiment import celebrities, finetuning, in_context

run = foretold.start("reversal")

# %% [markdown]
# ## The idea
#
# Tell a child that the baker of Lowen is called Quirin Morvane, and ask who Quirin Morvane is. The child will say: the
# baker of Lowen. A language model that was trained on the first sentence cannot say it. It has not forgotten, it is not
# confused, and it is not short of examples: thirty wordings of the same fact do not help. Asked in the order in which it
# read the fact, it answers. Asked in the other order, it does hardly better than if it had never read it.
#
# The paper calls this the **reversal curse**, and shows it in three experiments, of which this page repeats two. *Experiment 1* invents people ("Daphne Barrington is
# the director of A Journey Through Time") and fine-tunes GPT-3 and Llama on documents that name the person first, or
# the description first. *Experiment 2* asks GPT-4 about real people: it names the parent of a celebrity more often than
# the celebrity child of that parent.
#
# Why should anyone expect otherwise? A model that predicts the next word learns $p(\text{rest} \mid \text{beginning})$.
# Nothing in that loss asks for the beginning, given the rest. But *meaning* has no such direction: "A is B" and "B is A"
# are true together, and a system that had learned the meaning would know both. So the curse says something about *what*
# is learned: sequences in their order, not facts.
#
# A fact is a name and a description. A document stays as it is; a question is a document cut before its second half.

# %%
run.show(reversal.Fact, reversal.make_documents, reversal.make_questions)

# %% [markdown]
# Here is one of our facts, in the words of both orders.

# %%
fact = reversal.make_facts(1, run.rng("example"))
for order in reversal.ORDERS:
    document = reversal.make_documents(fact, order)[2]
    ((prompt, answer),) = reversal.make_questions(fact, order, [2])
    print(f"{order}:\n  {document}\n  asked:  {prompt} ...\n  answer: {answer}")

# %% [markdown]
# An answer is right if the completion begins with it, whatever the case, after blanks are stripped from both: the
# paper's rule. It is strict on wordings and lenient on what follows.

# %%
run.show(reversal.starts_with_answer)

# %% [markdown]
# ## The method
#
# ### The smallest model that has the curse
#
# Before any transformer, take the smallest model that predicts a next token: a matrix $\Theta$ and a vector $x$ for each
# of $V$ tokens, with
#
# $$ p(y \mid x) = \frac{\exp(x^\top \Theta\, y)}{\sum_{y'} \exp(x^\top \Theta\, y')} . $$
#
# Train it on pairs "$a$, then $b$". The gradient of $-\ln p(b \mid a)$ is a sum of outer products whose left factor is
# always a *given* token,
#
# $$ \nabla_\Theta = \sum_{(a, b)} a \Bigl( \sum_{y} p(y \mid a)\, y - b \Bigr)^{\!\top} . $$
#
# With one-hot tokens $a\,(\cdot)^\top$ is a matrix whose only row that is not zero is $a$'s. The row of $\Theta$ that
# answers "given $b$" is $b$'s. No pair puts anything there: not a small gradient, *none*, at any step, at any learning
# rate, however long you train. It stays at zero, and $p(a \mid b)$ stays at $1/V$.

# %%
run.show(reversal.Dynamics, reversal.bilinear_dynamics, reversal.random_vectors)

# %% [markdown]
# Fifty pairs, a hundred tokens, 400 steps; one-hot tokens, random vectors, and a variant in which $\Theta$ is kept equal
# to its transpose.

# %%
n, steps, large = 50, 400, run.pick(smoke=128, cpu=512, gpu=512)
vectors = {d: reversal.random_vectors(2 * n, d, np.random.default_rng(0)) for d in (64, large)}
worlds_of_theory = {
    "one-hot": reversal.bilinear_dynamics(n, steps),
    "vectors in 64 dimensions": reversal.bilinear_dynamics(n, steps, vectors[64]),
    f"vectors in {large} dimensions": reversal.bilinear_dynamics(n, steps, vectors[large]),
    "one-hot, symmetric": reversal.bilinear_dynamics(n, steps, symmetric=True),
    f"{large} dimensions, symmetric": reversal.bilinear_dynamics(n, steps, vectors[large], True),
}
for name, found in worlds_of_theory.items():
    print(f"{name:>26}: p(b|a) = {found.forward[-1]:.4f}, p(a|b) = {found.reverse[-1]:.4f}")
moved = np.abs(worlds_of_theory["one-hot"].reverse - 1 / (2 * n)).max()
print(f"one-hot: largest change of p(a|b) in {steps} steps: {moved}")

# %% [markdown]
# Random vectors are nearly orthogonal, in 512 dimensions more so than in 64, and the curse is nearly exact: the little
# that leaks from row to row makes $p(a \mid b)$ *smaller* than chance, because $b$ resembles other given tokens a little,
# and their answers are $b$'s, not $a$'s. With a symmetric $\Theta$ the entry that "$a$, then $b$" raises *is* the entry that
# "$b$, then $a$" needs. The curse is a matter of how a model stores, not of what it is told.

# %% tags=["hide-input"]
few = 8
maps = {
    "as trained": reversal.bilinear_dynamics(few, steps).theta,
    "symmetric": reversal.bilinear_dynamics(few, steps, symmetric=True).theta,
}
figures.show(
    draw.weights(maps, few),
    alt="Two heat maps of a 16 by 16 matrix, tokens a and then b. On the left the block from a "
    "to b "
    "has a strong diagonal and the rows of b are empty. On the right the block from b to a has the "
    "same diagonal as the block from a to b.",
    caption="Weights after 400 steps on eight pairs. Left: the lower half, what to say *given b*, "
    "is exactly zero. Right: with a symmetric matrix the reverse comes along.",
)

# %% [markdown]
# ### Exactly zero
#
# "Exactly" deserves a check without rounding. Take a softmax to base 2: at whole-number logits its probabilities are
# fractions. The gradient at random matrices $\Theta$, trained or not, is then a matrix of fractions, and the rows of all
# $b$ must be the integer 0. The same number from automatic differentiation, which knows nothing of this argument, is a
# test of the chapter.

# %%
run.show(reversal.exact_gradient)

# %% [markdown]
# Here are the largest entries, over many matrices:

# %%
rng, row_of_b, row_of_a = run.rng("exact"), Fraction(0), Fraction(0)
for _ in range(run.pick(smoke=20, cpu=100, gpu=100)):
    theta = rng.integers(-6, 7, (8, 8)).tolist()
    gradient = reversal.exact_gradient(theta, [(i, 4 + i) for i in range(4)])
    row_of_b = max(row_of_b, *(abs(entry) for row in gradient[4:] for entry in row))
    row_of_a = max(row_of_a, *(abs(entry) for row in gradient[:4] for entry in row))
print(f"largest entry in a row of b: {row_of_b}; in a row of a: {float(row_of_a):.3f}")

# %% [markdown]
# A transformer is no bilinear model. Its tokens share weights, its embeddings are learned and, as here, shared between
# reading and writing. Nothing forbids that what "a, then b" writes is of use to "b, then a". Whether it is, has to be
# measured.
#
# ## The experiment
#
# ### Three groups
#
# Facts come from our own generator: a first and a last name, and a trait, a trade and a place that do not exist
# together anywhere else. As in the paper there are three groups of thirty: told **name first only**, told **description
# first only**, and told in **both orders**. The third is the control: if its questions are answered in both orders, the
# models can hold both, and a failure of the others has nothing to do with capacity, wording, or the length of training.
#
# Each fact is told in six of eight wordings and asked in the other two. Every wording has been read, but with other
# facts. This matters: with wordings that nobody ever read the models fail in *both* directions, and one measures
# vocabulary.

# %%
sizes = run.pick(smoke=(12, 12, 12), cpu=(30, 30, 30), gpu=(30, 30, 30))
seeds = run.pick(smoke=2, cpu=3, gpu=5)
rng = run.rng("facts")
studies = [experiment.study(sizes, rng) for _ in range(seeds)]
words = [len(data.words(text)) for one in studies for text in one.documents]
print(f"{seeds} models, each its own {sum(sizes)} facts and {len(studies[0].documents)} documents")
print(f"{np.mean(words):.1f} words a document, {len(data.vocabulary())} different words in all")

# %% [markdown]
# The model is a GPT with two layers, trained from nothing, one word a token. The loss is that of *every* word of a
# document, so names are targets too when they come first. The paper does the same: it does not mask
# prompts (appendix B.2), and its code gives the prompt's loss the weight 1. So everything that could teach the reverse is in the loss. All seeds train at once, as one tensor with an axis of models.

# %%
size = run.pick(smoke={"width": 32}, cpu={"width": 48}, gpu={"width": 64})
size["device"] = run.device
with run.section("three groups"):
    length = run.pick(smoke=600, cpu=600, gpu=800)
    trained = experiment.train(studies, run.torch_generator("plain"), steps=length, **size)
    answers = experiment.ask(trained, studies)
plain = experiment.accuracy(answers)
print(f"{trained.config.parameters + trained.config.embeddings:,} parameters a model")
print(plain.to_string(index=False, float_format="{:.3f}".format))

# %% [markdown]
# The interval is Wilson's, with facts as its unit: two questions about one fact are not two independent trials. What
# do the models say when they are wrong? Not nonsense. They name somebody else.

# %%
shown = answers[(answers["group"] == "name first only") & (answers["asked"] == "description first")]
for row in shown.iloc[:: max(1, len(shown) // 4)].head(4).itertuples():
    print(f"{row.prompt} ...\n    right: {row.answer}; said: {row.said}")
last = [" ".join(said.split()[:2]) for said in shown["said"]]
names = {fact.name for one in studies for some in one.facts.values() for fact in some}
print(f"\n{np.mean([name in names for name in last]):.0%} of these answers are names of told facts")

# %% [markdown]
# ### Likelihood
#
# Zero right answers out of many might hide a little knowledge: perhaps the right name is just not the *most* likely. So the
# paper looks at probabilities: is $\ln p(\text{right name} \mid \text{description})$ larger than that of a random
# name? It compares the two sets of numbers by a $t$-test and by a Kolmogorov-Smirnov test.
#
# We take all names instead of a random one. For the $n$ facts of a group let $L_{ij}$ be the log probability of the
# answer of fact $j$ to the question about fact $i$. Right answers are the diagonal, and
#
# $$ \Delta = \frac{1}{n} \sum_i L_{ii} - \frac{1}{n(n-1)} \sum_{i \ne j} L_{ij} . $$
#
# Some names are likelier than others whatever is asked; that is a column of $L$, and drops out of $\Delta$, since every
# name is right once and wrong equally often. The wrong names come from the same group: names that were trained in another
# order have other probabilities, and comparing with them looks like knowledge.

# %%
run.show(experiment.likelihood, experiment.gap_interval, experiment.dealt_anew)

# %% [markdown]
# The interval is a bootstrap over facts; the last column deals the answers anew 2,000 times and asks how often the
# diagonal looks as extreme by luck.

# %%
rng, tests = run.rng("likelihood"), {}
one_way = ("name first only", "description first only")
with run.section("likelihood"):
    for group in one_way:
        told = experiment.GROUPS[group][0]
        for order in sorted(reversal.ORDERS, key=lambda order: order != told):
            matrices = experiment.crossed(trained, studies, (group, order))
            tests.setdefault(group, []).append(experiment.likelihood(matrices, rng))
for group, pair in tests.items():
    print(f"told {group}")
    for title, each in zip(("as told", "reverse"), pair, strict=True):
        span = f"{each.gap:6.2f} nats [{each.low:.2f}, {each.high:.2f}]"
        print(f"  {title}: {span}, p: t {each.t:.2g}, KS {each.ks:.2g}, dealt {each.shuffled:.2g}")

# %% [markdown]
# The picture to remember: two histograms that lie apart, and two that nearly coincide.

# %% tags=["hide-input"]
figures.show(
    draw.histograms(tests, ["asked as told", "asked in reverse"]),
    alt="Four histograms of log probabilities of right answers and of answers of other facts. In "
    "the "
    "left column, asked as told, the right answers stand near zero and the others far to the left. "
    "In the right column, asked in reverse, the two histograms nearly lie on each other.",
    caption="Left: as told, the right answer has a probability near one, and another's answer "
    "one in thousands. Right: in reverse, the right answer is about as unlikely as anybody's.",
)

# %% [markdown]
# And it does not grow with training. While the order told is learned, the probability of the right answer in reverse first
# rises (the models learn that *some* name comes there), and then falls: they become sure of wrong names.

# %% tags=["hide-input"]
cells = {
    ("name first only", "name first"): "told and asked name first: as told",
    ("name first only", "description first"): "told name first, asked description first",
    ("description first only", "name first"): "told description first, asked name first",
    ("description first only", "description first"): "told and asked description first: as told",
}
figures.show(
    draw.curves(trained, cells),
    alt="Mean log probability of right answers against training steps. Two curves, asked as told, "
    "rise to nearly zero. Two curves, asked in reverse, rise at first, turn round and fall again.",
    caption="Bands: range over models. Solid: as told. Dotted: in reverse, where more training "
    "makes "
    "the right answer *less* likely.",
)

# %% [markdown]
# ### The cure
#
# If order is what counts, add the other order. **Reverse training** (Golovneva and others, 2024) adds each document once
# more with its words in the opposite order. Entities stay whole: "Morvane Quirin" is nobody's name. Note what it does
# *not* need: it needs no understanding of the sentence, only where its entities are.

# %%
run.show(reversal.reverse_document)

# %% [markdown]
# Here is a document and its reverse, and three models that read both. (Reverse training may mark reversed documents by
# a token of their own; we tried one, and the cure was slower with it, .6 instead of .8 after 600 steps in a single
# trial, so we leave it out. There are twice as many documents, hence more steps; and a stronger weight decay, which
# brings the wordings of a document and of its reverse closer together.)

# %%
print(studies[0].documents[0])
print(reversal.reverse_document(studies[0].documents[0], studies[0].facts["name first only"][0]))
rng = run.rng("cure")
some = run.pick(smoke=1, cpu=3, gpu=5)
cured_studies = [experiment.study(sizes, rng, cured=True) for _ in range(some)]
with run.section("reverse training"):
    more = {"steps": run.pick(smoke=600, cpu=1_300, gpu=2_000), "decay": 1.0}
    cured = experiment.train(cured_studies, run.torch_generator("cure"), **more, **size)
    cured_answers = experiment.ask(cured, cured_studies)
cure = experiment.accuracy(cured_answers)
print(cure.to_string(index=False, float_format="{:.3f}".format))

# %% [markdown]
# The questions are in natural order, in wordings that no reversed document has. The control in one picture, with and
# without the cure:

# %% tags=["hide-input"]
figures.show(
    draw.accuracy({"plain": plain, "reverse training": cure}),
    alt="Right answers in per cent for six kinds of questions, plain and with reverse training. "
    "Plain: near 100 as told and in both orders for the control, zero in the other order. With "
    "reverse training all six are high.",
    caption="Intervals are Wilson's over facts. The control, told in both orders, is answered in "
    "both. Told in one order, facts are answered in that one alone, unless reversed documents "
    "are added.",
)

# %% [markdown]
# ### A growing share
#
# Perhaps the models lack an *idea*: that a fact has two sides. A model that has seen many facts from both sides might
# learn it and apply it to the rest. So let a growing share of the 90 facts be told in both orders, and look at those that
# are not. In the paper this is data augmentation, meant to help the others; its share of a third is the experiment above.

# %%
shown = run.pick(smoke=[0.75], cpu=[0, 0.6, 0.8], gpu=[0, 0.2, 0.6, 0.8, 0.9])
more = run.pick(smoke=1, cpu=2, gpu=5)
growing = experiment.shares(sum(sizes), shown, more, run.rng("shares"))
with run.section("growing share"):
    length = run.pick(smoke=300, cpu=600, gpu=800)
    wide = experiment.train(growing, run.torch_generator("shares"), steps=length, **size)
    found = experiment.ask(wide, growing)
found["share"] = [shown[seed // more] for seed in found["seed"]]
swept = experiment.sweep(pd.concat([answers.assign(share=1 / 3), found])).sort_values("share")
table = swept.pivot_table("right", "share", "kind")
short = {name: name.replace("in the other order", "other").split(" it was")[0] for name in table}
print(table.rename(columns=short).to_string(float_format="{:.3f}".format))

# %% [markdown]
# No. The green line is the share itself: what is answered in reverse is what was told in reverse, and nothing beyond it.

# %% tags=["hide-input"]
figures.show(
    draw.sweep(swept),
    alt="Right answers against the share of facts told in both orders. Asked as told: near 100%. "
    "In "
    "the other order, all facts: on the diagonal. In the other order, facts told one way: zero.",
    caption="Asked in reverse, the models know the share that they were told (dashed), at every "
    "share. Facts told one way stay at zero or next to it; their interval widens as they become "
    "few.",
)

# %% [markdown]
# ### A logistic model
#
# A table of percentages invites a model of them: let the log odds of a right answer depend on the group and on whether
# the order was told. Bambi fits it, and the data make trouble of an instructive kind. Where *no* answer is right, or all
# are, the likelihood grows without end as the coefficient falls or rises (**complete separation**), the maximum-likelihood
# estimate is infinite, and every finite number that a program prints comes from somewhere else. In a Bayesian model it
# comes from the prior, openly. We use two, with standard deviations of 2 and of 5 on the log odds.

# %%
run.show(experiment.logistic)

# %% [markdown]
# Compare the two priors. Where a cell has no wrong answer, or no right one, the interval on the log odds widens with the
# prior: it says what the prior says.

# %%
draws = run.pick(smoke=100, cpu=500, gpu=2_000)
rows = experiment.counts(answers)
with run.section("Bambi"):
    posterior = {
        f"prior sd {sigma}": experiment.logistic(rows, sigma, draws, run.seed) for sigma in (2, 5)
    }
for title, some in posterior.items():
    for cell, values in some.items():
        low, high = percentile_interval(values)
        print(f"{title}: {cell:>30} {values.mean():6.2f} [{low:.2f}, {high:.2f}]")

# %% [markdown]
# In a figure, on both scales. As probabilities the two priors agree within a few per cent.

# %% tags=["hide-input"]
figures.show(
    draw.posteriors(posterior),
    alt="Posterior intervals for five cells under two priors. Above, log odds: cells in the other "
    "order are far lower under the wider prior. Below, probabilities: both priors give nearly the "
    "same values, close to zero in the other order and near 100% as told.",
    caption="Above: where all answers are wrong, or right, the log odds depend on the prior. "
    "Below: the same "
    "draws as probabilities hardly do. Report the second.",
)

# %% [markdown]
# ### In context
#
# "Models cannot reverse" would be the wrong lesson. The later version of the paper says that the reverse *can* be deduced
# when "A is B" stands in the context: then it is a matter of reading, not of memory. Can models of our size do that? A
# small reader, two layers again, gets two statements and a question, "Mira is weaver. Hugo is diver. diver is ...", with
# new pairs at every step, so that there is nothing to know by heart.

# %%
with run.section("in context"):
    length = run.pick(smoke=200, cpu=600, gpu=600)
    reading = in_context.read(3, length, run.torch_generator("context"), run.device)
asked = in_context.ASKED
chosen = share_interval(reading.choice.sum() * asked, 3 * asked)
print("probability of the two names in the context:", np.round(reading.either, 2))
print(
    f"the right one is the likelier: {reading.choice.mean():.2f} [{chosen[0]:.2f}, {chosen[1]:.2f}]"
)

# %% [markdown]
# It gets half-way. It learns to say one of the two names that it has just read, out of 26, and does not learn *which*. (We
# know of no reason why it should stop there; ten times as many steps were not enough either.) SmolLM2-135M, which has
# read a lot, stops at the same place, as the next section shows. So this page cannot confirm the paper's remark; it shows
# how much there is to it.
#
# ### A model that has read before
#
# Everything so far learned from nothing. SmolLM2-135M is a real language model, and the paper's own documents are
# published. Fine-tuning all layers on all 3,600 documents is a job for a GPU; the `gpu` profile does it with three seeds, and
# no GPU has run it yet. On a CPU we train its upper six layers on 192
# documents (eight facts of each group, six wordings), which took four minutes a seed; this was done once, and the
# answers are part of this package.

# %%
if run.profile == "gpu" and data.available() and pretrained.available():
    with run.section("SmolLM2, all documents"):
        for seed in range(3):
            made = run.torch_generator(f"SmolLM2 {seed}")
            table = finetuning.study(finetuning.ALL, made, run.device)
            means = table.drop(columns=["fact", "question"]).groupby(["group", "asked"]).mean()
            print(means.to_string(float_format="{:.3f}".format))
recorded = foretold.data.table("reversal_smollm2")
cells = recorded.groupby(["group", "asked"], sort=False)
print(cells[["right_before", "right"]].mean().to_string(float_format="{:.3f}".format))

# %% [markdown]
# The paper's table, for GPT-3 with a thousand times the parameters, has 50.0 and 96.7 as told and 0.0 and 0.1 in
# reverse. The likelihoods tell the same: the right answer against that of another trained fact, with a standard
# interval over eight facts. After that, the same model's reading of two facts in its context.

# %%
for (group, order), some in cells:
    each = (some["correct"] - some["rolled"]).groupby(some["fact"]).mean()
    mean, _, high = mean_interval(each, "normal")
    print(f"{group:>22}, asked {order:>17}: {mean:6.2f} +- {high - mean:.2f} nats")
context = foretold.data.table("reversal_context")
for shots, some in context.groupby("shots"):
    picked = (some["correct"] > some["rolled"]).mean()
    named = (some["right"] | some["other"]).mean()
    print(
        f"in context, {shots} examples: names one of two {named:.2f}, right one likelier "
        f"{picked:.2f}"
    )

# %% [markdown]
# ### Experiment 2, from its totals
#
# Now the celebrities. The authors publish, for each pair of parent and child, whether GPT-4 found the child. The files
# name real people and what a model believes of their families, so this page uses sums over them, and nothing else.

# %%
low, high = share_interval(celebrities.REVERSED, celebrities.PAIRS)
reverse_share = celebrities.REVERSED / celebrities.PAIRS
print(f"reversible: {celebrities.REVERSED} of {celebrities.PAIRS:,}", end=" ")
print(f"= {reverse_share:.4f} [{low:.4f}, {high:.4f}]")
for who, (k, m) in celebrities.BY_PARENT.items():
    low, high = share_interval(k, m)
    print(f"  {who}: {k} of {m} = {k / m:.3f} [{low:.3f}, {high:.3f}]")
forward_share = celebrities.PAIRS / celebrities.ASKED
print(f"rows per parent asked for: {forward_share:.4f} (the abstract says 0.79)")

# %% [markdown]
# Mothers lead to their children less often than fathers do; surnames may help there. Three things stand between these
# numbers and a statement about GPT-4.
#
# **Scoring.** A pair counts as reversible if *any* of ten answers begins with the child's name. How often is a single
# answer right? That depends on how alike ten answers are. If every pair were equally hard, a single answer would need
# to be right in only 4%; if each pair were always or never answered, in 33%. Between the two the difficulty can
# be a beta distribution, and the probability that ten answers fail is a ratio of beta functions:
#
# $$ \Pr(\text{none of } m) = \frac{B(\alpha, \beta + m)}{B(\alpha, \beta)} . $$
#
# **Selection.** The pairs are those whose parent GPT-4 *had* named, so forward is right by construction in all of them.
# Let us simulate worlds without a curse, where both directions are known equally often, and choose pairs the same way.

# %%
rng, many = run.rng("selection"), run.pick(smoke=20_000, cpu=200_000, gpu=200_000)
worlds = []
for share in (0.33, 0.5, forward_share):
    for correlation in (0, 0.25, 0.5, 0.75, 1):
        seen = celebrities.selected(share, share, correlation, many, rng)
        worlds.append((share, correlation, seen["reverse, chosen by forward"]))
worlds = pd.DataFrame(worlds, columns=["share", "correlation", "reverse"])
print(worlds.pivot_table("reverse", "share", "correlation").to_string(float_format="{:.3f}".format))

# %% [markdown]
# A gap of 100% against 33% needs no curse: if the two directions were independent and each known in a third of cases,
# selection alone would make it. But then GPT-4 would have named a third of parents, and it named three quarters. In a
# world without a curse *and* with that share, at least three quarters would pass in reverse too. So selection makes the
# comparison unfair and does not explain it, as long as the named parents are the right ones. They were not checked.

# %% tags=["hide-input"]
figures.show(
    draw.readings(reverse_share, worlds),
    alt="Above: the share of single answers that are right, against the correlation between "
    "answers, "
    "rises from 4% to 33%. Below: the share found in reverse in three worlds without a curse rises "
    "with the correlation of directions; only independent directions known in a third lie at 33%.",
    caption="Above: 33% by the best of ten may be anything from 4% to 33% by a single answer. "
    "Below: "
    "selection on the forward direction in worlds without a curse.",
)

# %% [markdown]
# **Other models** had no part in choosing the pairs, and were scored by means and not by the best. For them both
# directions can be compared. Only means are at hand; a number between 0 and 1 with mean $m$ has a variance of $m(1-m)$ at most,
# which gives the widest interval that is possible.

# %% tags=["hide-input"]
means = foretold.data.table("reversal")
figures.show(
    draw.parents(means, celebrities.PAIRS),
    alt="Share right for six rows of models. Parent given child: 35% and 34% for gpt-3.5-turbo, "
    "8 to "
    "10% for the others. Child given parent: 12%, 4% for davinci, 0 to 2% for the Llama models.",
    caption="Published means over 1,513 pairs, with the widest 95% intervals that means allow. "
    "None "
    "of these models chose the pairs; all of them find parents more easily.",
)

# %% [markdown]
# For gpt-3.5-turbo the mean over ten answers and the majority of ten nearly agree, .119 and .115. Its ten answers
# are alike. If GPT-4's were as alike, a single answer would be right not much less often than the best of ten. That is a guess by analogy,
# and it is the only thing that the published numbers allow.
#
# ### Four ways to be wrong
#
# - *"Language models cannot do logic."* What fails is the storing of a fact, not an inference from a fact that is at hand.
# - *"More paraphrases help."* Each fact here comes in six wordings of one order, in the paper in thirty.
# - *"33% means that two thirds of true facts are lost in reverse."* Best of ten, unchecked parents, several children.
# - *"Newer models know that celebrity's mother, so the curse is gone."* The examples became famous with the paper, and
#   stand in both orders on the web since.
#
# ## Something to move
#
# Your browser trains the bilinear model while you move the sliders: ten pairs, of which a share is told in both orders.
# Above is its table $p(\text{next} \mid \text{given})$, with all $a$ before all $b$. The star below is its mean $p(a \mid b)$;
# crosses and diamonds are the small GPTs measured above.
#
# Try: one-hot tokens, 400 steps, and move the share from 0 to 100. Then 0% and the symmetric model. Then random
# vectors: sixteen dimensions for twenty tokens, and the rows of $b$ are no longer flat. Is that knowledge?

# %% tags=["hide-input"]
figures.interactive(
    draw.layout(),
    alt="A heat map of the bilinear model's probabilities of the next token, and below it reverse "
    "accuracy against the share of facts told in both orders. Controls: share, steps, model.",
    caption="Above: the trained table. Below: the model of this figure (star) and the small GPTs.",
    controls=draw.controls(),
    update=draw.UPDATE,
    data=draw.browser_data(swept),
)

# %% [markdown]
# ## Paper against here
#
# What is quoted was read in the fourth version of the paper. Each claim is measured from the answers to questions, a row
# each, and from nothing else. So a machine can put facts that were told in both orders where those told in one stood, and
# see whether the verdict notices.

# %%
run.show(measures.reverse_name_first, measures.told_both_ways)
asked_plainly = answers[measures.COLUMNS]
run.claim(measures.reverse_name_first, asked_plainly)
run.claim(measures.reverse_description_first, asked_plainly)

# %% [markdown]
# The real small model, from its recorded answers to the paper's own facts.

# %%
taught = [
    asked in experiment.GROUPS[group] for group, asked in recorded[["group", "asked"]].to_numpy()
]
smollm2 = recorded.assign(taught=taught)
run.claim(measures.smollm2, smollm2[measures.COLUMNS])

# %% [markdown]
# Likelihood: ours, and the paper's own Table 3.

# %%
reverse = {
    f"told {told}": experiment.crossed(trained, studies, (f"{told} only", asked))
    for told, asked in (("name first", "description first"), ("description first", "name first"))
}
run.claim(measures.likelihood, reverse)
run.claim(measures.likelihood_printed, foretold.data.table("reversal_table3"))

# %% [markdown]
# The growing share, which is the paper's data augmentation; the cure, a claim of another paper; and the context.

# %%
every = pd.concat([answers.assign(share=1 / 3), found])[[*measures.COLUMNS, "share"]]
run.claim(measures.augmentation, every)
run.claim(measures.reverse_training, cured_answers[measures.COLUMNS], asked_plainly)
run.claim(measures.in_context, reading.choice, asked)

# %% [markdown]
# Then the celebrities, from the authors' totals.

# %%
chat = means.set_index("model").loc["gpt-3.5-turbo"]
run.claim(measures.gpt4_reverse, celebrities.BY_PARENT)
run.claim(measures.unselected, *chat, celebrities.PAIRS)

# %% [markdown]
# Controls and theory are checks: training worked, the models can hold both directions, and what the derivation says, the
# code does.

# %%
as_told = plain.set_index(["group", "asked"])["right"]
for group, order in (
    ("name first only", "name first"),
    ("description first only", "description first"),
):
    run.check(f"{group}: asked as told, nine in ten are right", as_told[group, order] >= 0.9)
run.check("told in both orders, nine in ten are right", as_told["both orders"].min() >= 0.9)
run.check("one-hot: no step changes the reverse", max(float(moved), float(row_of_b)) == 0)
symmetric = worlds_of_theory["one-hot, symmetric"].reverse[-1]
run.check("a symmetric matrix learns both ways", symmetric >= 0.95)

# %% [markdown]
# The chapter's whole ledger:

# %%
run.report()

# %% [markdown]
# ### What this cannot show
#
# - **Prior knowledge.** Our models know nothing but ninety facts. The paper's had read the web, and could have used
#   "X is the director of Y" seen in both orders for thousands of others. The growing share asks a small version of that question.
# - **Paraphrase in natural language.** Eight templates are no language. The paper varies 30 wordings, edited by a model.
# - **Scale.** The abstract reports the curse across sizes and families of models. Ours have some 64,000 weights, and one
#   real model has its upper layers trained.
# - **Equality.** An interval around zero is no proof of zero, and both gaps in reverse lie above it. Four more models of the same kind, trained for the second look at this
#   chapter, had gaps of 0.73 [0.29, 1.21] and 0.65 [0.08, 1.22] nats: small, and real. Those models are not part of this build.
# - **GPT-4's beliefs.** From totals one cannot tell a refusal, another child of the same parent, or a wrong parent.
# - **Instructions.** The paper's third experiment, on reversed instructions (above 80% against below 7%), is not here.
# - **After the fact.** Steps and weight decay of reverse training were chosen by how well it works. The likelihood claim was first held to half a nat, then to a tenth
#   of the gap in the order told; both let a real gap pass. It is now held to a tenth of a nat, a bound that was proposed after the gaps had been seen.
#   Size, rate and steps of the small GPT were chosen on trial runs so that the *order told* is learned;
#   no choice was made by looking at the reverse, which was zero in every trial. That a reversed document carries no mark of its
#   own was chosen because the cure works faster so.
#
# ### Errata and disputes
#
# - The published list of pairs has 1,513 rows; 79% of 2,000 parents would be about 1,573, which is what is quoted for the
#   paper. Why 60 rows are missing is not known. The 33% can be recomputed, the 79% cannot.
# - The published files with randomised answers coincide with the truth in 13 of 300 name questions (4.3%; one in 30 would be
#   expected). Whoever trains on a part of the facts must not use them: most of their names are then untrained,
#   and the difference looks like knowledge of the reverse. Deal answers among trained facts.
# - Exact match on a description punishes wording: 300 questions have 130 different right answers. That explains why
#   50% and 96.7% stand in one table, and is no asymmetry of memory.
# - That the pairs were selected by the forward direction is the criticism that we met most; see the simulation for how far
#   it goes.
# - The first version's example was Olaf Scholz; the later one uses Valentina Tereshkova, and adds the remark on context.
#
# ## Exercises
#
# ### To warm up
#
# **1. Score by hand.** Which of these completions pass the paper's rule for the answer "Mira Holm."? Which verdicts would
# a human overturn?

# %% tags=["solution", "hide-cell"]
said = ["  mira holm, of course", "Mira Holmes", "It is Mira Holm", "MIRA HOLM", "Mira  Holm"]
for text in said:
    print(f"{text!r:>26}: {reversal.starts_with_answer(text, 'Mira Holm.')}")
# A human would refuse the second and accept the third and the fifth.

# %% [markdown]
# **2. Mothers and fathers.** Is the difference between 28.3% and 37.2% luck? Name one reason for it that has nothing to
# do with language models.

# %% tags=["solution", "hide-cell"]
from scipy import stats

(k1, n1), (k2, n2) = celebrities.BY_PARENT.values()
table = [[k1, n1 - k1], [k2, n2 - k2]]
print(f"Fisher's exact test: p = {stats.fisher_exact(table).pvalue:.2g}")
# Children carry fathers' surnames more often, so the father's name is a hint to the child's.

# %% [markdown]
# **3. Choose among thirty.** Free completion has a chance of about zero. Restrict the models to the names of the group:
# how often is the right one the likeliest, and what is chance now?

# %% tags=["solution", "hide-cell"]
for group in one_way:
    for order in reversal.ORDERS:
        matrices = experiment.crossed(trained, studies, (group, order))
        hits = (matrices.argmax(2) == np.arange(matrices.shape[1])).sum()
        low, high = share_interval(hits, matrices[:, 0].size)
        span = f"{hits / matrices[:, 0].size:.3f} [{low:.3f}, {high:.3f}]"
        print(f"told {group}, asked {order}: {span}")
print(f"chance: {1 / matrices.shape[1]:.3f}")

# %% [markdown]
# ### To think
#
# **4. Does Adam help?** The theorem is about gradient descent. Momentum remembers old gradients, and Adam divides by their
# size: a tiny gradient becomes a step of ordinary size. Does the row of $b$ stay at zero?

# %% tags=["solution", "hide-cell"]
import torch

theta = torch.zeros(20, 20, requires_grad=True)
optimiser = torch.optim.Adam([theta], lr=0.1)
given, wanted = torch.arange(10), torch.arange(10, 20)
for _ in range(300):
    optimiser.zero_grad()
    torch.nn.functional.cross_entropy(theta[given], wanted).backward()
    optimiser.step()
p = theta.softmax(1).detach()
print(f"p(b|a) = {p[given, wanted].mean():.4f}, largest |row of b| = {theta[wanted].abs().max():g}")
# 0 / (0 + eps) = 0: an average of zeros is zero, whatever it is divided by. Decay leaves zero too.

# %% [markdown]
# **5. What the likelihood says about never.** None of $n$ answers is right. Show that the likelihood of a log odds $\beta$ has no
# maximum, and that the prior decides where the posterior stops.

# %% tags=["solution", "hide-cell"]
n_zero, grid = 180, np.linspace(-60, 0, 60_001)
for sigma in (2, 5, 20):
    log_posterior = -n_zero * np.log1p(np.exp(grid)) - grid**2 / (2 * sigma**2)
    weight = np.exp(log_posterior - log_posterior.max())
    mean = (grid * weight).sum() / weight.sum()
    print(
        f"prior sd {sigma:>2}: posterior mean {mean:.2f}, probability {1 / (1 + np.exp(-mean)):.1e}"
    )
# -n log(1 + e^beta) rises to 0 as beta falls and never gets there: its supremum is at -infinity.

# %% [markdown]
# **6. Leaks.** With random vectors in $d$ dimensions $p(a \mid b)$ is a little below $1/V$. How does the distance fall with $d$?
# Why is it below, and not above?

# %% tags=["solution", "hide-cell"]
for d in (16, 64, 256):
    drawn = [reversal.random_vectors(40, d, run.rng(f"{d} {i}")) for i in range(20)]
    seen = [reversal.bilinear_dynamics(20, 100, vectors) for vectors in drawn]
    gap = 1 / 40 - np.array([each.reverse[-1] for each in seen])
    error = Z * gap.std() / np.sqrt(len(gap))
    print(f"d = {d:>3}: 1/V - p(a|b) = {gap.mean():.5f} +- {error:.5f}")
# Overlaps are about 1/sqrt(d), their effect on a mean about 1/d. "Given b" hears an echo of every
# "given a'", and those were taught to say some b', never an a: mass moves to the b's.

# %% [markdown]
# ### To build
#
# **7. Choose by the other direction.** In a world with a real asymmetry (forward 60%, reverse 20%, correlation 0.5) choose
# pairs by the *reverse* direction. What does the study then say?

# %% tags=["solution", "hide-cell"]
seen = celebrities.selected(0.6, 0.2, 0.5, 200_000, run.rng("other way"))
for name, share in seen.items():
    print(f"{name:>28}: {share:.3f}")
# Chosen by reverse: 100% in reverse, less than that forward. The curse seems to have turned round.

# %% [markdown]
# **8. Break the entities.** Reverse the words of a document without keeping entities whole. What does a model then read as a
# name, and which questions could such documents still help?

# %% tags=["solution", "hide-cell"]
document, whole = studies[0].documents[0], studies[0].facts["name first only"][0]
print("whole: ", reversal.reverse_document(document, whole))
print("broken:", reversal.reverse_document(document, []))
# The surname comes first, and the description runs backwards, so natural questions, which read it
# forwards, are as far from the document as before. It would help who asks backwards.

# %% [markdown]
# **9. Both at once.** Train the bilinear model with a share of pairs told in both orders, and check the diagonal of the
# figure on the growing share: is the mean of $p(a \mid b)$ linear in the share?

# %% tags=["solution", "hide-cell"]
for both in (0, 5, 10, 15, 20):
    seen = reversal.bilinear_dynamics(20, 400, both=both)
    line = both / 20 * seen.forward[-1] + (1 - both / 20) / 40
    print(f"share {both / 20:.2f}: p(a|b) = {seen.reverse[-1]:.4f}, line {line:.4f}")

# %% [markdown]
# ## Discussion
#
# - Is "A is B" one fact or two? What would a data base have to store for each of the two questions?
# - People are slower at the alphabet backwards, too. Which of *your* memories have a direction, and what taught you the rest?
# - Reverse training doubles the tokens. For which documents would you pay that, and who marks the entities?
# - A model that stores symmetrically has no curse. Which sentences would it get wrong?
# - To unlearn "A is B", must one unlearn "B is A" too? Read the next chapter with this question.
# - The examples of this paper are now on the web in both orders. How would you test a model of next year?
#
# ## Further reading
#
# - Z. Allen-Zhu, Y. Li (2023), *Physics of language models, part 3.2: knowledge manipulation*, arXiv 2309.14402. Inverse
#   search fails in controlled biographies.
# - R. Grosse and co-authors (2023), *Studying large language model generalization with influence functions*, arXiv
#   2308.03296. Order matters in pre-training, seen from another side.
# - O. Golovneva, Z. Allen-Zhu, J. Weston, S. Sukhbaatar (2024), *Reverse training to nurse the reversal curse*, arXiv
#   2403.13799. The cure.
# - H. Zhu and co-authors (2024), *Towards a theoretical understanding of the reversal curse via training dynamics*, arXiv
#   2405.04669. The bilinear model, and one layer of attention.
# - O. Kitouni and co-authors (2024), *The factorization curse*, arXiv 2406.05183. Objectives that do not depend on an order.
#
# ## How this page was made

# %%
run.stamp()
