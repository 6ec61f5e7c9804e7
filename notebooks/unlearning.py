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
# # Exact unlearning by switching off
#
# *Can a model forget exactly, and for how long?*
#
# | paper | [Towards Scalable Exact Machine Unlearning Using Parameter-Efficient Fine-Tuning][paper] |
# |---|---|
# | authors | Somnath Basu Roy Chowdhury, Krzysztof Choromanski, Arijit Sehanobish, Avinava Dubey, Snigdha Chaturvedi |
# | venue, year | International Conference on Learning Representations, 2025 |
# | you will learn | what exact unlearning is and costs; to count deletions as a coupon collector does; to find where a bound fails by trying all cases |
# | before you begin | expectation, harmonic numbers, what fine-tuning is |
# | minutes | CPU 1.2, GPU 5 |
# | data, licence | handwritten digits that scikit-learn ships (CC BY 4.0); deletions are simulated |
#
# [paper]: https://arxiv.org/abs/2406.16257

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
    extras = "[numba,peft]"
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
import torch

import foretold
from foretold import figures
from foretold.kit.uncertainty import mean_interval
from foretold.papers import unlearning
from foretold.papers.unlearning import data, draw, experiment, measures, theory
from foretold.papers.unlearning.experiment import networks, simulation, training

run = foretold.start("unlearning")

# %% [markdown]
# ## The idea
#
# Someone withdraws a photograph that a model was trained on. Nobody can point to the weights that hold it. The only
# answer beyond doubt is a model that has *never seen* it, and to have that you train again. **Exact unlearning** is the
# art of training so that "again" costs little.
#
# The classical way is SISA (sharded, isolated, sliced, aggregated). Cut the data into $m$ **shards** and train a model
# on each; they vote. A deletion concerns one shard. Cut each shard into $L$ **slices** and train slice after slice,
# keeping a checkpoint after each; a deletion in slice 3 leaves the checkpoint from before slice 3 untouched. But a
# deletion in the *first* slice leaves nothing, and the shard has to be trained again.
#
# The paper's method, S3T, changes two things:
#
# 1. **Training adds layers.** The backbone is frozen. Each slice trains its own small layers (LoRA), from the output
#    down. A checkpoint is a few thousand numbers, and to go back is to switch layers off.
# 2. **Several orders.** On each shard it trains not one sequence of slices but $B$. What a deletion kills in one order
#    it may leave standing in another. The longest prefix that survives is deployed.
#
# A deletion kills a slice and everything *after* it in every sequence. So what survives is counted like this:

# %%
run.show(unlearning.surviving, unlearning.longest)

# %% [markdown]
# Here is one shard with four slices and four sequences, each a rotation of the one before.

# %%
rotations = unlearning.cyclic_sequences(4, 4)
hits = [2, 1, 0, 3]
for count in range(len(hits) + 1):
    best, length = unlearning.longest(rotations, hits[:count])
    kept = rotations[best][:length] or "none, the shard is dead"
    print(f"deleted {hits[:count]!s:>12}: deployed are the slices {kept}")

# %% [markdown]
# The same in a picture, without the last deletion. A box is a slice:

# %% tags=["hide-input"]
figures.show(
    draw.cards(rotations, hits[:3]),
    alt="Four panels of four sequences with four slices each. With each deletion one slice is "
    "crossed out in every sequence and all slices behind it turn pale. The longest remaining "
    "prefix, framed, shrinks from four slices to two and then to one.",
    caption="Blue: alive; red: deleted; pale: trained after a deleted slice, so it has seen it or "
    "builds on what has. Framed: the prefix that is deployed. One sequence alone, the top one, "
    "would have been dead after the third deletion.",
)

# %% [markdown]
# Now the whole system: five shards with four sequences each, and deletions that fall where they like. This is the
# picture to remember, sequences dying as deletions arrive.

# %%
shards, slices = 5, 4
stream = experiment.uniform_streams(shards, slices, 1, 90, run.rng("picture"))[0]
figures.show(
    draw.dying(rotations, shards, stream),
    alt="A band of twenty rows, the sequences of five shards, against 90 deletions. "
    "Colours for four "
    "to one remaining slices fade from left to right and end in blank where a sequence is dead; "
    "red crosses mark where the last sequence of a shard dies.",
    caption="Each row is a trained sequence, its colour the number of slices left, "
    "blank is dead. A "
    "red cross is the death of a whole shard. The last row to end is what the theory of this "
    "chapter predicts.",
)

# %% [markdown]
# Two questions, then. *How long* does such a system live, and *how good* is it while it lives? The first has an exact
# answer. The second has a published bound, and we shall see that it does not always hold.
#
# ## The method
#
# ### Deletions until failure
#
# Let each deletion hit one of the $mL$ slices at random. A sequence is dead when its *first* slice, its head, is hit. A
# shard is dead when all its heads are hit; rotations have $B' = \min(B, L)$ different heads, and no choice of
# sequences has more. The system has failed when every head of every shard was hit at least once. Nothing else matters:
# this is a **coupon collector** who waits for $K = mB'$ of $mL$ coupons. While $j$ of them are missing, the next new one
# comes after $mL/j$ deletions on average, so
#
# $$ \mathbb{E}[T] = \sum_{j=1}^{K} \frac{mL}{j} = mL\, H_{K} , $$
#
# with $K = m \min(B, L)$ and the harmonic number $H_K = 1 + 1/2 + \dots + 1/K$.

# %%
run.show(unlearning.expected_deletions, unlearning.harmonic)

# %% [markdown]
# The paper's Lemma 1 gives orders of magnitude, $O(mL \log(mB'))$ against $O(mL \log m)$ for SISA; the exact sum stands in
# its proof. It can be checked without any of the argument above: for small systems follow
# *every* set of hit slices, cut sequences as the definition says, and add up the waiting times as fractions.

# %%
run.show(theory.mean_deletions)

# %% [markdown]
# The code knows nothing of heads or harmonic numbers. The difference between the two is a rational number, and it is
# zero:

# %%
small_systems = [(1, 3, 1), (2, 3, 1), (2, 3, 2), (2, 3, 3), (3, 3, 2), (2, 4, 3)]
violation = Fraction(0)
for m, parts, budget in small_systems:
    exact = theory.mean_deletions(m, parts, unlearning.cyclic_sequences(parts, budget))
    lemma = m * parts * sum(Fraction(1, j) for j in range(1, m * min(budget, parts) + 1))
    violation = max(violation, abs(exact - lemma))
    print(f"m = {m}, L = {parts}, B = {budget}: every case {exact}, lemma {lemma}")

# %% [markdown]
# ### A million runs
#
# For larger systems we simulate. Every deletion is drawn, in a compiled loop without a branch on a random number (which
# a processor could not foresee); a million runs take a fraction of a second.

# %%
run.show(simulation.until_failure)

# %% [markdown]
# Five shards of six slices, and budgets up to eight:

# %%
m, parts, many = 5, 6, 1_000_000
with run.section("deletions until failure"):
    rates = simulation.rates(m, parts, [1, 2, 3, 4, 5, 6, 7, 8], many, run.rng("rates"))
table = rates.assign(gain=rates["mean"] / rates["mean"].iloc[0])
print(table.to_string(index=False, float_format="{:.3f}".format))

# %% [markdown]
# The first sequence beyond SISA buys most. The sixth still buys something, the seventh nothing at all: with more
# sequences than slices some heads come twice.
#
# What is SISA here? With checkpoints after each slice it *is* the row $B = 1$, and lives $mL H_m$ deletions. In the
# authors' script for this comparison a shard of SISA is lost at its first deletion, wherever that falls. That is $m$
# coupons out of $m$:

# %%
readings = {
    "S3T, B = L": unlearning.expected_deletions(m, parts, parts),
    "SISA, checkpoints after slices": unlearning.expected_deletions(m, parts, 1),
    "SISA, whole shards": unlearning.expected_deletions(m, 1, 1),
}
for name, value in readings.items():
    print(
        f"{name:>31}: {value:6.2f} deletions; S3T has "
        f"{readings['S3T, B = L'] / value:.2f} times as many"
    )

# %% [markdown]
# Two meanings of one word, and a factor of six between them. Both are in this figure.

# %% tags=["hide-input"]
figures.show(
    draw.rates(rates, m, parts),
    alt="Deletions until failure against the budget from 1 to 8, five shards of six "
    "slices. Simulated "
    "points lie on a curve that rises from 68 to 120 at B = 6, marked by a dashed line, and is "
    "flat from there. A dotted line far below, at 11, is SISA without checkpoints.",
    caption="The gain stops at B = L. Error bars (95%, a million runs) are smaller "
    "than the points. "
    "Against SISA with checkpoints, the point at B = 1, the gain is 1.75-fold; against the dotted "
    "line it looks ten-fold.",
)

# %% [markdown]
# ### When data are not endless
#
# The lemma lets deletions hit a slice again and again, as if rows never ran out. Let there be $n$ rows, $s = n/(mL)$ in
# each slice, each deleted once, in random order. Fix $j$ heads: the first of their $js$ rows comes after
# $(n+1)/(js+1)$ deletions on average. Inclusion and exclusion gives the last of $K$ heads,
#
# $$ \mathbb{E}[T] = \sum_{j=1}^{K} (-1)^{j+1} \binom{K}{j} \frac{n+1}{js+1} \;\longrightarrow\; mL\,H_K \quad (n \to \infty). $$
#
# (This form is ours.) Alternating sums of large numbers are poison for floating point, so it is computed in fractions;
# where $mL$ does not divide $n$, some slices have one row more than others.

# %%
run.show(theory.expected_deletions_finite)

# %% [markdown]
# From one row in a slice to a thousand, exact and simulated:

# %%
counts, rows = [1, 2, 3, 5, 10, 30, 100, 1_000], []
tries = run.pick(smoke=2_000, cpu=20_000, gpu=20_000)
with run.section("finite data"):
    for look, budget in (("B = 1", 1), ("B = L", slices)):
        for each in counts:
            size = shards, slices, budget
            n = each * shards * slices
            times = simulation.simulate_finite(n, *size, tries, run.rng(f"finite {look} {each}"))
            exact = theory.expected_deletions_finite(n, *size)
            endless = unlearning.expected_deletions(*size)
            rows.append((look, each, exact, endless, *mean_interval(times)))
finite = pd.DataFrame(rows, columns=["look", "rows", "exact", "endless", "mean", "low", "high"])
print(finite.to_string(index=False, float_format="{:.2f}".format))

# %% [markdown]
# With one row in a slice and all heads in use, all rows have to go: $T = 20$ exactly.

# %% tags=["hide-input"]
figures.show(
    draw.finite(finite),
    alt="Deletions until failure against rows in a slice, from 1 to 1,000 on a "
    "logarithmic axis. Two "
    "rising curves, S3T above SISA, with simulated points on them, approach dashed lines at 72 "
    "and 46.",
    caption="Five shards of four slices. Lines: exact; points: simulated (95%, mostly smaller than "
    "the points); dashed: endless data. With 100 rows in a slice the lemma is good "
    "to two per cent, "
    "with ten it promises a fifth too much.",
)

# %% [markdown]
# ### Which sequences? Rotations
#
# If all slices are equally likely to be hit, the paper rotates. For $B \le L$ these are rotations of $(0, 1, \dots)$; for
# more, the first place is kept and the rest is rotated, and so on until there are $B$ different orders.

# %%
run.show(unlearning.cyclic_sequences)

# %% [markdown]
# Eight orders of four slices:

# %%
eight = unlearning.cyclic_sequences(4, 8)
print(" ".join("".join(map(str, order)) for order in eight))
pairs = [(a, b) for i, a in enumerate(eight) for b in eight[:i]]
distance = np.mean([sum(x != y for x, y in zip(a, b, strict=True)) for a, b in pairs])
print(f"two of them differ in {distance:.4f} of 4 places on average")

# %% [markdown]
# ### Which sequences? Matchings
#
# If some slices are more likely to be hit (people who joined by a campaign leave by the next one), the paper puts the
# safe ones first. The score of a sequence $\pi$ with deletion probabilities $p$ is
#
# $$ \mathrm{score}(\pi) = \sum_{n=1}^{L} n \left(1 - \sum_{i \le n} p_{\pi_i}\right)^{t} $$
#
# and sequences grow together: in each round a maximum-weight perfect **matching** between sequences and slices appends
# one slice to each (**BMS**, bipartite-matching selection). So each slice stands once at each place.

# %%
run.show(unlearning.sequence_score, unlearning.bms_sequences)

# %% [markdown]
# For four slices there are 576 such squares. The matching takes decisions that it cannot take back, and finds the best
# of all 576 in the cases that we tried (a test does that). But is a larger score a longer life? What is deployed is the
# *longest* prefix among the sequences. Its mean length after $t$ deletions is a finite sum over sets of slices:

# %%
run.show(theory.mean_length, theory.chances, theory.lengths)

# %% [markdown]
# Four slices, the last of which takes half of all deletions:

# %%
uneven = [0.05, 0.15, 0.3, 0.5]
square = unlearning.bms_sequences(uneven, t=5)
for name, some in (("matched", square), ("cyclic", rotations)):
    total = sum(unlearning.sequence_score(order, uneven, 5) for order in some)
    means = [theory.mean_length(some, uneven, t) for t in (1, 3, 5, 10)]
    text = " ".join("".join(map(str, order)) for order in some)
    print(f"{name:>8}: {text}, score {total:.5f}, slices left", " ".join(f"{v:.3f}" for v in means))

# %% [markdown]
# The matched sequences have the larger score, and after three or five deletions *fewer* slices left. Look at them: 01.. and 10.. begin with the same
# two slices, in two orders, so a deletion in slice 0 or 1 cuts both. The score adds up what each sequence keeps on its
# own; what counts is the best of them, and for that they should differ. With more slices and more deletions safety
# counts for more. On random probability vectors of six slices, after ten deletions, against two rotations: of the slices as
# they come, and of the slices sorted by their probability, which is the rival of the paper's Figure 15:


# %%
def rotations_of(order):
    return [tuple(int(order[i]) for i in each) for each in unlearning.cyclic_sequences(6, 6)]


rng, gained = run.rng("probabilities"), []
for _ in range(300):
    p = rng.dirichlet(np.ones(6))
    rivals = unlearning.cyclic_sequences(6, 6), rotations_of(np.argsort(p))
    three = unlearning.bms_sequences(p, 10), *rivals
    gained.append([theory.mean_length(some, p, 10) for some in three])

# %% [markdown]
# The means over the vectors, and the differences with their intervals over vectors:

# %%
gained = np.array(gained)
print("slices left: matched {:.3f}, cyclic {:.3f}, sorted {:.3f}".format(*gained.mean(0)))
for name, rival in (("cyclic", gained[:, 1]), ("sorted", gained[:, 2])):
    gap = gained[:, 0] - rival
    print("matched minus {} {:.3f} [{:.3f}, {:.3f}]".format(name, *mean_interval(gap)), end="; ")
    print(f"at least as good for {np.mean(gap > -1e-12):.0%} of vectors")

# %% [markdown]
# One more trap. With a budget $B < L$ the authors' script takes the first $B$ rows of the square, and row 0 begins with
# slice 0, whatever its probability. Number the slices the other way round and see:

# %%
for p in (uneven, uneven[::-1]):
    kept = unlearning.bms_sequences(p, t=100, budget=2), unlearning.cyclic_sequences(4, 2)
    means = [theory.mean_length(some, p, 10) for some in kept]
    print(
        f"p = {p}: two matched sequences keep {means[0]:.3f} slices, two rotations {means[1]:.3f}"
    )

# %% [markdown]
# Most of what matching wins over rotations is won by sorting alone: neighbours in a rotation then have like
# probabilities. Sort the slices, too, before you take a part of the rows of a square.
#
# ### How much survives: a bound and its limits
#
# A second lemma is about quality. It asks for the chance that after $r$ deletions in a shard *some* sequence still has its
# first $k$ slices. One prefix of $k$ slices is hit with probability $\zeta = 1 - (1 - k/L)^r$. If $B'$ prefixes were hit
# independently, the answer would be
#
# $$ 1 - \zeta^{B'} = 1 - \left(1 - (1 - k/L)^r\right)^{B'} , $$
#
# and the lemma says that this *is* the chance for random sequences. The exact number is a count. Of all sets of $h$
# slices, some leave a prefix alone; $r$ deletions hit exactly a given set of $h$ in $h!\,S(r, h)$ ways (a Stirling
# number) out of $L^r$:

# %%
run.show(theory.retention, theory.surjections, theory.independence)

# %% [markdown]
# Now compare, over every $L \le 8$, every $B$, $k$ and up to 12 deletions.

# %%
with run.section("retention"):
    first = experiment.shortfalls(8, 12, first=1)
    first = [case for case in first if case[3] == 1]
    several = experiment.shortfalls(8, 12, first=2)
    apart = experiment.shortfalls(8, 12, first=1, spaced=True)
print(f"k = 1: {len(first)} cases where the closed form promises too much")
print(f"k >= 2: {len(several)} of 1680 cases; with B = L {sum(c[1] == c[2] for c in several)}")
worst, size, budget, k, r = several[0]
print(f"worst: L = {size}, B = {budget}, k = {k}, r = {r}: short by {worst:.4f}")
print(f"evenly spaced rotations with disjoint prefixes: {len(apart)} cases")

# %% [markdown]
# For first slices the bound always holds. Heads compete for the deletions: if one is hit, the others are less likely to
# be. That is *negative association*, and it works for any prefixes that have no slice in common. But neighbouring
# rotations overlap. $(0, 1, 2, \dots)$ and $(7, 0, 1, \dots)$ share most of their beginning, and one deletion there kills
# both. The other definition of $B'$ that one finds counts all different prefixes; with all orders most of them
# overlap, and it fares worse:

# %%
everything = theory.orders(4)
short = {}
for k in (1, 2, 3):
    heads = {1: 4, 2: 12, 3: 24}[k]
    for r in range(1, 13):
        exact = theory.retention(everything, 4, k, r)
        short[k, r] = theory.independence(4, k, r, heads) - exact
orders_short = max(short.values())
k, r = max(short, key=short.get)
exact = theory.retention(everything, 4, k, r)
print(f"all orders, k = {k}, r = {r}: exact {exact:.4f}, closed form {exact + orders_short:.4f}")

# %% [markdown]
# The remedy costs nothing. If you can afford only $B < L$ rotations, do not take neighbours: space them evenly.

# %%
run.show(theory.spaced_sequences)

# %% [markdown]
# In a picture, neighbours and spaced rotations above, and below all orders of four slices:

# %% tags=["hide-input"]
figures.show(
    draw.retention(8, 2, 3, 12, 4, 2),
    alt="Two panels, probability against deletions in a shard. Above, the curve of "
    "spaced rotations "
    "lies on or above the dashed closed form, that of consecutive rotations below it. Below, the "
    "curve for all 24 orders lies between two closed forms, far below the upper one.",
    caption="Above: two sequences of eight slices; consecutive rotations (orange) "
    "fall short of the "
    "closed form, spaced ones (blue) do not. Below: all orders of four slices; counting twelve "
    "prefixes as independent promises too much. All curves are exact.",
)

# %% [markdown]
# ### Training and deleting
#
# Now a real model. The backbone is frozen; its blocks are cut into $L$ groups, counted from the output. Step $i$ on a
# sequence trains the LoRA layers of group $i$ and the head, on the first $i$ slices *together* (so the authors' code;
# the word "disjoint" invites to train on slice $i$ alone). Its randomness depends on the shard and the prefix and on
# nothing else.

# %%
run.show(training.train_step)

# %% [markdown]
# A deletion trains nothing. It takes a note, and what is deployed follows from the notes:

# %%
run.show(training.System.delete, training.System.deployed)

# %% [markdown]
# ### Exact, bit for bit
#
# "Exact" is a strong word, so we take it literally. A small vision transformer gets LoRA layers of rank 4 on queries and
# values (by the `peft` library); two shards of four slices are trained in four orders each. Then four deletions. To
# prove that nothing of the deleted rows is left, we *replace every slice that was hit by not-a-number* in a copy of the
# data, where a single read would spread through every weight, and train the deployed prefixes again from the start.

# %%
cpu, small = torch.device("cpu"), networks.Recipe(epochs=3)
digits = data.Digits.deal(2, 4, 25, 60, run.rng("exact"), cpu)
seed = run.torch_generator("exact")
network = networks.Transformer(32, 4)
with run.section("exactness"):
    networks.pretrain(network, digits.x[digits.public], seed, epochs=5)
    learner = networks.Learner(network, groups=4, rank=4, generator=seed)
    system = training.System(learner, digits, rotations, small, seed=1).train()
for shard, number in ((0, 0), (0, 2), (1, 3), (0, 0)):
    system.delete(shard, number)
print("deleted: ", system.deleted)
print("deployed:", system.deployed())

# %% [markdown]
# Count the numbers that are not the same, among all LoRA layers and heads that are deployed:

# %%
poisoned = data.poison(digits, system.deleted)
counted = {}
for shard, prefix in system.deployed().items():
    again = training.train_sequence(learner, poisoned, shard, prefix, small, seed=1)[-1]
    count = training.different(system.checkpoints[shard, prefix], again)
    counted[shard] = count
    print(f"shard {shard}, prefix {prefix}: {count} of {learner.size(range(4))} numbers differ")

# %% [markdown]
# None. The deployed model *is* the model that never saw those slices. Along the way it forgot more than was asked for:
# one row was withdrawn and a whole slice with it, and every later step too.
#
# Why not switch off just the layers of the deleted slice, and keep the rest? Because the later steps were trained on
# top of it and on its rows. Train a sequence twice, the second time with other images in its second slice; then switch
# off group 2 in both. Were the rest free of that slice, nothing would differ:

# %%
order = rotations[0]
with run.section("switching off"):
    changed = data.repaint(digits, 0, order[1], run.rng("repaint"))
    pair = [training.train_sequence(learner, d, 0, order, small, seed=1) for d in (digits, changed)]
for length in range(1, 5):
    states = pair[0][length - 1], pair[1][length - 1]
    print(f"after step {length}: {training.different(*states)} numbers differ")
off = [training.switched_off(learner, states[-1], group=1) for states in pair]
print(f"after step 4, group 2 switched off: still {training.different(*off)} numbers differ")

# %% [markdown]
# The first checkpoint is untouched, all others are not. "Deactivating layers" means those of the deleted slice, *all
# later ones, and the head of that time*: a checkpoint is a LoRA layer and a head.
#
# ## The experiment
#
# ### Digits, shards, slices
#
# 1,797 handwritten digits of 8 by 8 pixels: 400 are public and used without their labels, 1,000 private ones are dealt
# to five shards of four slices, the rest is the test. The backbone is trained on the public ones to tell by how many
# quarter turns an image was rotated; then it is frozen. On a CPU it is a residual network of four blocks, on a GPU a
# vision transformer of twelve with six slices. We train *all* orders ($24$ on a CPU), each different prefix once, and
# repeat it all three times with new deals and weights.

# %%
shards = run.pick(smoke=3, cpu=5, gpu=5)
slices = run.pick(smoke=3, cpu=4, gpu=6)
rows = run.pick(smoke=80, cpu=50, gpu=33)
rotations = unlearning.cyclic_sequences(slices, slices)
trained = theory.orders(slices) if slices < 5 else rotations
methods = {"B = 1": rotations[:1], "B = 2": theory.spaced_sequences(slices, 2)}
methods |= {"B = L": rotations} | ({"B = L!": trained} if slices < 5 else {})
recipe = networks.Recipe(epochs=run.pick(smoke=5, cpu=8, gpu=10))
turning, width = run.pick(smoke=3, cpu=6, gpu=30), run.pick(smoke=64, cpu=64, gpu=192)
make = run.pick(smoke=networks.Residual, cpu=networks.Residual, gpu=networks.Transformer)
depth, rank = run.pick(smoke=3, cpu=4, gpu=12), run.pick(smoke=4, cpu=4, gpu=16)

# %% [markdown]
# One repetition: deal, train the backbone, put LoRA layers into it, train every prefix on every shard.

# %%
systems = []
for part in range(3):
    with run.section(f"training {part + 1}"):
        deal = shards, slices, rows, 400, run.rng(f"deal {part}"), run.device
        digits = data.Digits.deal(*deal)
        seed, network = run.torch_generator(f"backbone {part}"), make(width, depth).to(run.device)
        right = networks.pretrain(network, digits.x[digits.public], seed, turning)
        learner = networks.Learner(network, slices, rank, seed)
        systems.append(training.System(learner, digits, trained, recipe, part).train())
    count = len(systems[-1].checkpoints)
    print(f"repetition {part + 1}: {right:.1%} of rotations right, {count} checkpoints trained")

# %% [markdown]
# How good is a shard with its first $n$ slices, how good is the vote of all, and how good would the same layers be if
# they were trained at once on all private rows, with nothing to be deleted ever?

# %%
lengths = pd.concat(experiment.by_length(system) for system in systems)
means = lengths.groupby("slices").agg(["mean", "std"])
print(means.to_string(float_format="{:.3f}".format))
with run.section("all at once"):
    free = [
        experiment.all_at_once(system, run.torch_generator(f"once {part}"), 2 * recipe.epochs)
        for part, system in enumerate(systems)
    ]
print("all rows at once: {:.3f} [{:.3f}, {:.3f}]".format(*mean_interval(free)))

# %% [markdown]
# The vote is better than its members, and what remains to the last line is the price of being deletable before anybody
# has deleted anything.
#
# ### Accuracy while deletions come in
#
# 200 streams of uniform deletions. All methods see the same ones, and all use the same trained checkpoints; a smaller
# budget owns fewer of them. A dead system answers nothing, which we count as accuracy 0. SISA "whole shards" is the
# reading without checkpoints.

# %%
methods = {"whole": rotations[:1]} | methods
many, most = run.pick(smoke=60, cpu=200, gpu=200), run.pick(smoke=60, cpu=100, gpu=150)
streams = experiment.uniform_streams(shards, slices, many, most, run.rng("streams"))
with run.section("deletions come in"):
    parts = [
        experiment.survival(system, methods, streams, part, whole=["whole"])
        for part, system in enumerate(systems)
    ]
frame = pd.concat(parts, ignore_index=True)
curves = experiment.summary(frame)
some = curves[curves["deletions"].isin([0, 1, 5, 10, 20, 30, 40, 60])]
table = some.pivot_table("accuracy", "method", "deletions").reindex(methods)
print(table.to_string(float_format="{:.3f}".format))

# %% [markdown]
# Bands in the figure are 95% intervals over the three repetitions.

# %% tags=["hide-input"]
figures.show(
    draw.survival(curves, list(methods), shards),
    alt="Above, accuracy against deletions for five methods. All start together near 0.9; SISA "
    "without checkpoints falls at once, SISA with them next, then S3T with two sequences; S3T with "
    "L and with all orders stay highest and close to each other. Below, living shards in the same "
    "order, the last two identical.",
    caption="One deletion costs S3T nearly nothing; twenty cost it half of what they "
    "cost SISA. From "
    "B = L to all orders the living shards (below) are the same, and accuracy hardly "
    "rises: five times the "
    "training buys longer prefixes, but no more life.",
)

# %% [markdown]
# Same streams, same checkpoints, so differences can be taken stream by stream:

# %%
for late in (5, 10, 20, 40):
    gap = experiment.gap(frame, "B = L", "B = 1", late)
    text = "after {:2d} deletions S3T (B = L) is ahead of SISA by {:.3f} [{:.3f}, {:.3f}]"
    print(text.format(late, *gap))

# %% [markdown]
# ### What it costs
#
# Nothing of this is free. Every sequence is trained and every checkpoint stored. Sequences that begin alike share the
# beginning, but rotations share nothing: their heads differ.

# %%
each = [learner.size(range(n)) for n in range(1, slices + 1)]
priced = {name: some for name, some in methods.items() if name != "whole"}
costs = experiment.costs(shards, slices, priced, rows, each)
costs["rows read per deletion"] = costs["row passes"] / costs["deletions"]
print(costs.iloc[:, :5].to_string(index=False, float_format="{:.1f}".format), end="\n\n")
print(costs.iloc[:, [0, 5, 6, 7, 8]].to_string(index=False, float_format="{:.2f}".format))

# %% [markdown]
# The last column is sobering. Train SISA again each time it has failed, and it reads fewer rows per deletion than any
# larger budget: $B = L$ costs $L$ times the training and lives not even twice as long. What the budget buys is *time
# between trainings*, and accuracy in that time, not computing. It pays where a training is an event (a deadline, a cluster
# to book) and not where it is a night job.

# %% tags=["hide-input"]
lasting = experiment.useful(frame[frame["method"] != "whole"], 0.8)
figures.show(
    draw.prices(experiment.prices(costs, lasting)),
    alt="Gain against rows read in training, both in multiples of B = 1, cost on a "
    "logarithmic axis. "
    "Two flat curves, deletions until failure and deletions until a fifth of the accuracy is lost, "
    "stay far below the dotted line on which a budget would be worth its price.",
    caption="What a budget buys against what it costs. The orange curve, quality, "
    "gains more than the "
    "blue one, life. Both flatten long before the budget is used up. Bars: 95%, three repetitions.",
)

# %% [markdown]
# Storage is the smaller worry, as adapters are small. For a vision transformer of the paper's size (ViT-base, 12 layers
# of width 768, about 86 million weights; rank 16 on queries and values, 6 slices, 5 shards) we can count:

# %%
lora = 2 * 2 * 768 * 16 * 2  # queries and values, two matrices each, two layers in a group
head = 768 * 10 + 10
for budget in (1, 6):
    numbers = 5 * budget * sum(n * lora + head for n in range(1, 7))
    changed_only = 5 * budget * 6 * (lora + head)
    text = "B = {}: {:.1f} million numbers; if only what a step changed is kept, {:.1f} million"
    print(text.format(budget, numbers / 1e6, changed_only / 1e6))

# %% [markdown]
# Five whole models with six checkpoints each would be 2,580 million.
#
# ### When deletions are aimed
#
# Deletions are requests, and requests can be made on purpose. Who knows which slices come first needs one row in each
# head: $mB'$ deletions, and the system is gone.

# %%
curve, labels = {}, systems[0].data.y[systems[0].data.test].cpu().numpy()
outputs = experiment.outputs(systems[0])
for name in ("B = 1", "B = L"):
    aimed = experiment.attack(methods[name], shards)
    target, _ = experiment.follow(outputs, labels, methods[name], shards, np.array([aimed]))
    mean = frame[(frame["method"] == name) & (frame["part"] == 0)].groupby("deletions")
    curve[name] = {"attack": target[0], "chance": mean["accuracy"].mean().to_numpy()}
    expected = unlearning.expected_deletions(shards, slices, len(methods[name]))
    text = "{}: {:.1f} deletions by chance, {} aimed: an attacker is {:.1f} times as fast"
    print(text.format(name, expected, len(aimed), expected / len(aimed)))

# %% [markdown]
# The comparison is not what one might fear. Against chance, $B = L$ lives less than twice as long as SISA; against an
# attacker who knows everything it lives $L$ times as long, since every slice of every shard has to be hit.

# %% tags=["hide-input"]
figures.show(
    draw.attacked(curve, min(most, 80)),
    alt="Two panels, accuracy against deletions. SISA: by chance it declines slowly, "
    "under attack it "
    "is dead after one deletion for each shard. S3T with L sequences: the attack kills it after "
    "one deletion for each slice of each shard, while as many random ones leave most "
    "of its accuracy.",
    caption="Aimed at first slices, shard after shard (red; the cross is failure), and by chance "
    "(blue or orange). The attacker needs one row in each first slice, and has to know which "
    "slices come first.",
)

# %% [markdown]
# Who assigns rows to slices by a secret random draw, and does not tell which shard answers, turns an attacker's choice of
# rows back into chance. The theory above then holds for the attacker too.
#
# ### Four ways to be wrong
#
# - *"Switching off a LoRA layer removes the data."* That layer, all later ones, and the head go. See above what differs
#   otherwise.
# - *"Exact unlearning is differential privacy."* The deployed model is free of the deleted rows. Of those that remain it
#   may reveal anything; and who sees it before and after learns where the difference is.
# - *"The deletion rate needs all $L!$ orders."* It needs $L$ different heads.
# - *"SISA has to train again at the first deletion."* Not with checkpoints: $m L H_m$ deletions on average, not $m H_m$.
#
# ## Something to move
#
# Blue is alive, red was hit, grey was trained on something that was hit. Let deletions come in with the first slider, and
# watch for the moment when a whole shard has no blue left.
#
# Try: one sequence for each shard, then two, then four, at the same deletions. Then go beyond $B = L$: more blue, but
# the system dies at the same moment. Then let the attacker choose.

# %% tags=["hide-input"]
figures.interactive(
    draw.layout(),
    alt="Sequences of all shards as rows of boxes, one for each slice: blue alive, "
    "red deleted, grey "
    "behind a deleted one. Sliders: deletions, shards, slices, budget, and the stream; a choice "
    "between random deletions and an attacker.",
    caption="A row is a sequence, a box a slice with its number. The picture and the moment of "
    "failure are computed in your browser.",
    controls=draw.controls(),
    update=draw.UPDATE,
    data=draw.browser_data(),
)

# %% [markdown]
# ## Paper against here
#
# We worked from the text of the third version and the authors' code. First how long the system lives: the lemma on every
# case of nine small systems, and the six numbers of Table 3 against a million runs each.

# %%
systems = []
for m, parts, budget in small_systems:
    exact = theory.mean_deletions(m, parts, unlearning.cyclic_sequences(parts, budget))
    systems.append((m, parts, budget, exact.numerator, exact.denominator))
for m, parts in ((1, 3), (2, 3), (2, 4)):
    exact = theory.mean_deletions(m, parts, theory.orders(parts))
    systems.append((m, parts, len(theory.orders(parts)), exact.numerator, exact.denominator))
columns = ["shards", "slices", "sequences", "numerator", "denominator"]
run.show(measures.largest_difference, measures.one_more)
run.claim(measures.deletion_rate, pd.DataFrame(systems, columns=columns))
run.claim(measures.table_3, rates[["budget", "mean"]].head(6))

# %% [markdown]
# Two ratios that the paper prints, which do not follow from its lemma. The authors' script takes means of 100 runs; the
# draws are ratios of such means.

# %%
generator, alive = run.rng("against sisa"), {}
for m, parts, budget in ((5, 32, 8), (5, 32, 1), (5, 31, 31), (5, 31, 1)):
    times = unlearning.simulate_deletions(m, parts, budget, 20_000, generator)
    alive[parts, budget] = (float(times.mean()), float(times.std()))
run.claim(measures.ratio_1_6, alive[32, 8], alive[32, 1])
run.claim(measures.ratio_3, alive[31, 31], alive[31, 1])

# %% [markdown]
# Then the sequences, and what survives. Lemma 2 is an equality for random sequences; with all orders of four slices it can
# be held against exact probabilities.

# %%
run.claim(measures.selection_works, pd.DataFrame(gained, columns=["matched", "cyclic", "sorted"]))
chances = pd.DataFrame(
    [
        (theory.retention(everything, 4, k, r) + gap, theory.retention(everything, 4, k, r))
        for (k, r), gap in short.items()
    ],
    columns=["closed form", "exact"],
)
run.claim(measures.retention, chances)
run.answer(measures.retention_first_slice, [case[0] for case in first])
run.answer(measures.retention_rotations, [case[0] for case in several])

# %% [markdown]
# And the networks. That the number of differing bits is zero could not surprise anybody who reads the code; so the card
# shows what it is for a checkpoint that has seen a deleted slice.

# %%
deployed = list(counted.values())
later = [training.different(pair[0][1], pair[1][1])]
run.claim(measures.exactness, deployed, later, training.different(*off))
late = frame[frame["deletions"] == 20].pivot_table("accuracy", "part", "method")
run.claim(measures.accuracy_kept, late["B = L"].to_numpy(), late["B = 1"].to_numpy())
votes = {str(n): some["ensemble"].to_numpy() for n, some in lengths.groupby("slices")}
run.claim(measures.slices_cost_little, votes, np.array(free))

# %% [markdown]
# Checks of our own code: simulation against the lemma, and sequences against what the authors' script gives.

# %%
row = rates.set_index("budget")
score = sum(unlearning.sequence_score(order, uneven, 5) for order in square)
run.check("five shards of six slices: 119.85 deletions", abs(row["mean"][6] - 119.85) < 0.15)
run.check("eight cyclic sequences differ in 3.4286 places", abs(distance - 3.4286) < 0.00005)
run.check("matched sequences score 2.83007", abs(score - 2.83007) < 0.00001)

# %% [markdown]
# The chapter's whole ledger:

# %%
run.report()

# %% [markdown]
# ### What this cannot show
#
# - **The paper's accuracies.** It fine-tunes large vision and language models on image, language-understanding and
#   instruction data. Ours are thousands of weights on a thousand digits: deletions are counted exactly, accuracy shows a
#   shape. How much a lost slice costs depends on what the backbone knew before (exercise 7).
# - **Exactness on a GPU.** Bit for bit holds where arithmetic is deterministic. Many GPU kernels are not, and there
#   exactness is a statement about distributions. We checked it on a CPU in every profile.
# - **Requests that depend on answers.** If people delete *because* of what the model said, deletions are neither uniform
#   nor independent of the training, and neither theorem nor distributional exactness covers that.
# - **Choices made by looking.** Sharding, learning rates and the number of steps were chosen on data that may be deleted
#   later. What was chosen remembers them.
# - **Three repetitions** say how much deals and weights matter, and nothing about other data.
#
# ### Errata and disputes
#
# - **Two SISAs.** `get_sisa_count` in the authors' `deletion.py` counts a shard as lost at its first deletion; the lemma
#   compares with $mLH_m$. Who plots the first as "SISA" sees a gap about six times too large for six slices.
#   Whether a figure of the paper does is not known.
# - **Lemma 2** is stated as an equality for random sequences, and is an upper bound: prefixes that share slices die together.
#   As a lower bound for consecutive rotations it fails in 851 of 1,680 cases for $k \ge 2$, in 126 of those even with $B = L$.
#   With disjoint prefixes there was no failure.
# - **The score is no expectation.** Without the factor $n$ it would be the mean length of the surviving prefix. With the
#   default $t = 100$ most of its terms vanish in floating point. And a sum over sequences is not what is deployed.
# - **First rows of the square.** With $B < L$ the script takes them in the order of the slices' numbers.
# - The published scripts do not run as they are: `deletion.py` calls a function that only `sequence_selection.py` defines,
#   and `inference.py` passes the file mode to the wrong call. CIFAR is split by position and not shuffled.
#
# ## Exercises
#
# ### To warm up
#
# **1. The coupon collector.** Write $T$ as a sum of waiting times and compute mean *and* standard deviation for five shards
# of six slices, $B = L$. Compare with the simulation.

# %% tags=["solution", "hide-cell"]
chance = np.arange(1, 31) / 30  # that a deletion hits one of the j heads still missing
mean, variance = np.sum(1 / chance), np.sum((1 - chance) / chance**2)
times = unlearning.simulate_deletions(5, 6, 6, 200_000, run.rng("exercise 1"))
print(f"geometric waits: mean {mean:.2f}, standard deviation {np.sqrt(variance):.2f}")
print(f"simulated:       mean {times.mean():.2f}, standard deviation {times.std():.2f}")

# %% [markdown]
# **2. The first of $s$ rows.** Of $n$ rows in random order $s$ are marked. Show that the first marked one comes at place
# $(n+1)/(s+1)$ on average. Check it for $n = 8$, and derive the finite form.

# %% tags=["solution", "hide-cell"]
from itertools import combinations

for s in (1, 2, 3):
    places = [min(marked) + 1 for marked in combinations(range(8), s)]
    print(f"s = {s}: every case {Fraction(sum(places), len(places))}, formula {Fraction(9, s + 1)}")
# The s marked rows cut the others into s + 1 gaps, which are alike: (n - s)/(s + 1) rows before
# the first mark. max = sum of mins with alternating signs (inclusion and exclusion) gives E[T].

# %% [markdown]
# **3. A score above its limit.** Take $p = (.1, .2, .3, .4)$, the order $0, 1, 2, 3$ and one deletion. Compute score and
# mean surviving length. Can the score be a mean length?

# %% tags=["solution", "hide-cell"]
p, t = [0.1, 0.2, 0.3, 0.4], 1
print(f"score {unlearning.sequence_score(range(4), p, t):.2f}")
print(f"mean surviving length {theory.mean_length([range(4)], p, t):.2f}")
drawn = run.rng("exercise 3").choice(4, 100_000, p=p)  # deleting slice d leaves d slices: 0..d-1
print(f"simulated {drawn.mean():.2f}")
# After one deletion at most 3 slices survive. The score counts the n-th slice n times.

# %% [markdown]
# ### To think
#
# **4. No life beyond $L$, but quality.** Why does a budget beyond $L$ leave the deletion rate as it is? Compute, for four
# slices, the chance that two slices survive $r$ deletions with 4 rotations and with all 24 orders.

# %% tags=["solution", "hide-cell"]
for r in (1, 2, 3, 4, 6):
    four, all_orders = (
        theory.retention(some, 4, 2, r)
        for some in (unlearning.cyclic_sequences(4, 4), theory.orders(4))
    )
    print(f"r = {r}: 4 rotations {four:.3f}, 24 orders {all_orders:.3f}")
# There are only L heads, and all are in use at B = L. But there are 6 pairs of slices and 4
# rotations have 4 of them as beginnings. With all orders, k slices survive if any k are unhit.

# %% [markdown]
# **5. Closer than chance.** Take two rotations of eight slices, prefixes of three, one deletion. Compute the retention of
# two neighbours, of two that are four apart, and of two independent prefixes. Explain the order.

# %% tags=["solution", "hide-cell"]
for name, some in (
    ("neighbours", unlearning.cyclic_sequences(8, 2)),
    ("four apart", theory.spaced_sequences(8, 2)),
):
    print(f"{name}: {theory.retention(some, 8, 3, 1):.4f}")
print(f"independent: {theory.independence(8, 3, 1, 2):.4f}")
# One deletion kills both neighbours if it falls into their two common slices: 1 - 2/8. It cannot
# kill two disjoint prefixes: 1. Independent ones die together with probability (3/8)^2.

# %% [markdown]
# **6. A promise, not a mean.** How many deletions does the system with $m = 5$, $L = B = 4$ survive with probability 95%?
# Compare with its mean, and with SISA's.

# %% tags=["solution", "hide-cell"]
from math import comb

t = np.arange(200)
for b in (1, 4):
    terms = [(-1) ** j * comb(5 * b, j) * (1 - j / 20) ** t for j in range(5 * b + 1)]
    promised = t[1 - np.sum(terms, axis=0) >= 0.95].max()
    times = unlearning.simulate_deletions(5, 4, b, 100_000, run.rng(f"promise {b}"))
    mean, drawn = unlearning.expected_deletions(5, 4, b), np.mean(times > promised)
    print(f"B = {b}: mean {mean:.1f}; {promised} survived with 95% (simulated {drawn:.3f})")
# Inclusion and exclusion over the heads that were never hit. The spread of a coupon collector is
# mL times a constant, so a larger mean makes the promise relatively better.

# %% [markdown]
# ### To build
#
# **7. What the backbone knew.** Compare backbones that saw no rotations at all (random weights, frozen), the few epochs
# of the experiment, and many more: accuracy of a shard by its number of slices. Guess the order first.

# %% tags=["solution", "hide-cell"]
for epochs in run.pick(smoke=(0, 15), cpu=(0, 6, 40), gpu=(0, 30)):
    deal = data.Digits.deal(2, slices, rows, 400, run.rng("exercise 7"), run.device)
    seed, network = run.torch_generator("exercise 7"), make(width, depth).to(run.device)
    networks.pretrain(network, deal.x[deal.public], seed, epochs)
    weak = networks.Learner(network, slices, rank, seed)
    trial = training.System(weak, deal, rotations[:1], recipe, 7).train()
    found = experiment.by_length(trial)["one shard"]
    print(f"{epochs:2d} epochs: one shard", " ".join(f"{value:.3f}" for value in found))
# The better it tells rotations, the worse it serves: what tells a turned 6 from a 9 is not what
# tells a 6 from an 8. A backbone is worth what it knows about your task, and so is a lost slice.

# %% [markdown]
# **8. Choose for what is deployed.** Write a selection that adds, one at a time, the order that lengthens the *longest*
# surviving prefix most. Compare it with matching and rotation for $p = (.4, .3, .2, .1)$.

# %% tags=["solution", "hide-cell"]
p, t, chosen = [0.4, 0.3, 0.2, 0.1], 5, []


def kept_with(order):
    return theory.mean_length([*chosen, order], p, t)


matched = sorted(unlearning.bms_sequences(p, t), key=lambda order: p[order[0]])
for size in (1, 2, 3, 4):
    chosen.append(max(theory.orders(4), key=kept_with))
    kept = chosen, matched[:size], unlearning.cyclic_sequences(4, size)
    means = (theory.mean_length(some, p, t) for some in kept)
    text = "B = {}: greedy {:.3f}, matched (safest heads) {:.3f}, cyclic {:.3f}"
    print(text.format(size, *means))
# The greedy choice is never worse here, and three of its orders keep more than four matched ones.

# %% [markdown]
# ## Discussion
#
# - A deletion of one row costs a whole slice of other people's rows. Who should bear that, and would smaller slices help?
#   What do they cost?
# - "We have deleted your data" is a sentence about a process. Who can check it, and with what in hand?
# - The system reads more rows per deletion than SISA. In which organisation would you still choose it?
# - In the chapter on paging bad advice is bounded by $k$ or $\log k$. Which number plays this part when deletions are
#   aimed?
# - What training order writes, deletion must unwrite. Could one choose the order so that what is likely to be withdrawn
#   comes last? What would that reveal?
#
# ## Further reading
#
# - Y. Cao, J. Yang (2015), *Towards making systems forget with machine unlearning*, IEEE Symposium on Security and
#   Privacy, 463-480. Where the word comes from.
# - L. Bourtoule and co-authors (2021), *Machine unlearning*, IEEE Symposium on Security and Privacy, 141-159. SISA.
# - V. Gupta and co-authors (2021), *Adaptive machine unlearning*, Advances in Neural Information Processing Systems 34.
#   What happens when deletions depend on answers.
# - E. J. Hu and co-authors (2022), *LoRA: Low-rank adaptation of large language models*, International Conference on
#   Learning Representations.
# - A. Thudi, H. Jia, I. Shumailov, N. Papernot (2022), *On the necessity of auditable algorithmic definitions for machine
#   unlearning*, USENIX Security Symposium, 4007-4022. Why the final model alone proves nothing.
#
# ## How this page was made

# %%
run.stamp()
