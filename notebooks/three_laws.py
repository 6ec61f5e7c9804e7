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
# # Three laws, one set of curves
#
# *Do the three laws of this part agree when they are shown the same training runs?*
#
# | papers | [Learning curves][lc], [scaling laws][sc], [learning-rate annealing][an]: the three chapters before this page |
# |---|---|
# | authors | Vilares Ferro, Darriba Bilbao, Ribadas-Pena; Su, Tian, Shen, Cai; Tissue, Wang, Wang |
# | venue, year | Computer Speech & Language 2017; preprint 2024; NeurIPS 2025 |
# | you will learn | that three laws are one formula; what each is blind to; why none of them knows where a curve ends |
# | before you begin | the three chapters, or at least their first sections |
# | minutes | CPU 1.2, GPU 2 |
# | data, licence | the source of Python's standard library, read from this interpreter (PSF licence) |
#
# [lc]: https://arxiv.org/abs/2402.02515
# [sc]: https://arxiv.org/abs/2403.06563
# [an]: https://arxiv.org/abs/2408.11029

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
    extras = "[lm,numba]"
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
# This page is no chapter of its own: it has no paper, and few claims. It puts three laws to work on one set of runs.

# %%
import numpy as np

import foretold
from foretold import figures
from foretold.kit import gpt
from foretold.kit.uncertainty import mean_interval
from foretold.papers import annealing, learning_curves, scaling, three_laws
from foretold.papers.three_laws import draw, experiment, measures

run = foretold.start("three_laws")

# %% [markdown]
# ## The idea
#
# Three papers predict the end of a training from something that is cheaper. They look at different things:
#
# | law | sees | predicts | cannot see |
# |---|---|---|---|
# | learning curve | the beginning of *this* run | the rest of it | any change that comes later |
# | scaling | whole runs of *smaller* models | a larger model's run | the schedule |
# | annealing | *other schedules*, same model | a schedule nobody has run | another size |
#
# Two of them contradict each other. The scaling paper says, as others quote it, that with adequate settings the
# learning-rate schedule changes how fast a model gets to its loss, and not where. The annealing paper is about nothing but the effect of the schedule on
# the loss. Both can be right: one speaks of converged training, the other of training as it is done. So the question is
# who is right at the moment when one stops. We train five sizes of one model under three schedules, on the same batches,
# and ask all three laws for the same numbers.
#
# ## The method
#
# ### One formula
#
# Written in the same letters, for a model of $N$ parameters after $s$ steps at learning rates $\eta_1, \eta_2, \dots$:
#
# $$ \underbrace{c + a\,s^{-b}}_{\text{learning curve}} \qquad
# \underbrace{\left(\tfrac{N_c}{N}\right)^{\alpha_N} + \left(\tfrac{S_c}{s}\right)^{\alpha_S}}_{\text{scaling}} \qquad
# \underbrace{L_0 + A\,S_1(s)^{-\alpha} - C\,S_2(s)}_{\text{annealing}} $$
#
# Here $S_1$ is the sum of all learning rates so far and $S_2$ counts how much they have fallen. Hold the size fixed, and
# the second is the first. Hold the learning rate fixed, so that $S_1 = \eta s$ and $S_2 = 0$, and the third is the first.
# That must hold exactly, so we can check it: fit the first law to curves that the other two have drawn.

# %%
steps = np.arange(100.0, 5_000.0, 100.0)
flat = np.full(5_000, 2e-4)
drawn = annealing.AnnealingLaw(2.6, 0.43, 0.55, 0.41).predict(flat, steps)
found = learning_curves.fit_power_law(steps + 1, -drawn)  # step s has s + 1 rates behind it
stated = np.array([2.6, 0.43 * 2e-4**-0.55, 0.55])
off_annealing = np.abs(np.array([-found.c, found.a, found.b]) / stated - 1).max()
print(f"annealing at a constant rate: off by {off_annealing:.1e} at most, relative")

# %% [markdown]
# The accuracies of the first chapter rise and losses fall: a loss is a negative accuracy, hence the signs. Now a size
# that does not change, with the constants that Kaplan and co-authors printed for large models:

# %%
kaplan = scaling.Law(n_c=6.5e13, alpha_n=0.077, s_c=2.1e3, alpha_s=0.76)
drawn = scaling.loss_surface(1e9, steps, kaplan)
found = learning_curves.fit_power_law(steps, -drawn)
stated = np.array([(6.5e13 / 1e9) ** 0.077, 2.1e3**0.76, 0.76])
off_scaling = np.abs(np.array([-found.c, found.a, found.b]) / stated - 1).max()
print(f"scaling at a fixed size: off by {off_scaling:.1e} at most, relative")

# %% [markdown]
# So there is *one* shape, a power law that falls towards a floor, and three opinions on what moves the floor: nothing,
# the size, the schedule.
#
# ### The runs
#
# Two-layer transformers of five widths read the source of Python's standard library, character by character. All sizes
# and schedules see the same batches in the same order, and begin (within a size) with the same weights: what differs
# comes from size and schedule. The three schedules of a size are one tensor, and are computed once as long as their
# learning rates are the same.

# %%
total = run.pick(smoke=600, cpu=1_500, gpu=8_000)
widths = run.pick(smoke=[16, 24, 40], cpu=[16, 24, 32, 48, 64], gpu=[64, 96, 128, 192, 256])
batch, context = run.pick(smoke=(8, 32), cpu=(8, 32), gpu=(64, 128))
warmup, peak = total // 25, run.pick(smoke=4e-3, cpu=4e-3, gpu=2e-3)
names = list(experiment.SCHEDULES)
rates = {name: kind(total, peak, warmup) for name, kind in experiment.SCHEDULES.items()}

# %% [markdown]
# The decay takes the last fifth of the run. Train:

# %%
text = gpt.corpus()
with run.section("training"):
    plan = gpt.Plan(batch, evaluate_at=total // 50, windows=256)
    made = run.torch_generator("three laws")
    curves = experiment.train(text, widths, context, rates, plan, made, run.device)
print(f"{curves.seconds:.0f} s for {len(widths)} sizes, {len(rates)} schedules, {total:,} steps")

# %% [markdown]
# And how much of all this is chance? Four more trainings of a small size, each with its own first weights and its own
# batches, under the constant rate. Their spread is the error bar of this page.

# %%
small = gpt.Config(2, widths[1], 2, context, text.vocabulary, activation="relu")
four = np.repeat(rates[names[0]][None], 4, axis=0)
own = gpt.Plan(batch, evaluate_at=total, same_start=False, same_order=False)
with run.section("seeds"):
    seeds = gpt.train(small, text, four, own, run.torch_generator("seeds"), run.device)
chance = float(seeds.losses[:, -1].std(ddof=1))
print(f"final losses {np.round(seeds.losses[:, -1], 3)}, standard deviation {chance:.3f} nats")

# %% [markdown]
# ## The experiment
#
# ### What there is to predict

# %% tags=["hide-input"]
figures.show(
    draw.losses(curves, 2 * chance),
    alt="Loss against steps for the largest model under three schedules, and for the "
    "smaller ones at "
    "constant rate. The curve that decays at the end follows the constant one for "
    "four fifths of the "
    "run and then drops below all others.",
    caption="Up to four fifths of the run *warm, stable, decay* and *constant* are "
    "the same run. Then "
    "one decision about the learning rate takes the loss from among the worst to the "
    "best. Grey: smaller "
    "models, constant rate. Bars at the end: two standard deviations over seeds.",
)

# %% [markdown]
# ### Three predictions of one number
#
# The number is the final loss of the *largest* model. The learning-curve law gets the first half of its run at constant
# rate. The scaling law gets the whole runs of all smaller models at constant rate. The annealing law gets the largest
# model's whole runs with constant rate and with cosine. The decay $\lambda$ of the annealing law's memory counts in steps,
# so it cannot be the paper's 0.999 here; we choose it by the fit, never by the prediction.

# %%
memories = 1 - 1 / (total / np.array([50, 30, 21, 15, 11.5, 7.5, 3]))


def annealing_prediction(share):
    seen = curves.late(first, share)
    shown = [(rates[n], curves.steps[seen], curves.losses[-1, k, seen]) for k, n in SHOWN]
    law = annealing.fit(shown, decay=memories, warmup=warmup, ramp=True)
    ends = [law.predict(rates[n], [total], warmup=warmup, ramp=True)[0] for n in names]
    return np.array(ends), law


first, SHOWN = 2 * warmup, [(0, names[0]), (1, names[1])]
by_annealing, law = annealing_prediction(1.0)

# %% [markdown]
# What the fit to the two shown schedules says:

# %%
print(f"annealing: floor {law.L0:.3f}, exponent {law.alpha:.3f}, C {law.C:.3f}, ", end="")
print(f"memory {1 / (1 - law.decay):.0f} steps")

# %% [markdown]
# The other two know no schedule. What they say about the constant rate is all they can say.


# %%
def curve_prediction(share):
    seen = curves.late(first, share)
    x, y = curves.steps[seen].astype(float), -curves.losses[-1, 0, seen]
    found = learning_curves.fit_power_law(x, y)
    return -found(float(total)), found


def scaling_prediction(share):
    seen = curves.late(first, share)
    n, s = np.meshgrid(curves.sizes[:-1], curves.steps[seen].astype(float), indexing="ij")
    found = scaling.fit_loss_surface(n.ravel(), s.ravel(), curves.losses[:-1, 0, seen].ravel())
    return float(scaling.loss_surface(curves.sizes[-1], float(total), found)), found


# %% [markdown]
# The first law sees half of the run, the second all of the smaller ones:

# %%
by_curve, own = curve_prediction(0.5)
by_scaling, surface = scaling_prediction(1.0)

# %% [markdown]
# Against the truth:

# %%
truth = curves.losses[-1, :, -1]
laws = {"own beginning": by_curve, "smaller models": by_scaling, "other schedules": by_annealing}
errors = {law: dict(zip(names, said - truth, strict=True)) for law, said in laws.items()}
for name, found in errors.items():
    print(f"{name:>16}: " + ", ".join(f"{n} {e:+.3f}" for n, e in found.items()))

# %% [markdown]
# The same as a picture, with the uncertainty of the truth:

# %% tags=["hide-input"]
figures.show(
    draw.errors(errors, 2 * chance),
    alt="Predicted minus observed final loss for three laws, a panel for each "
    "schedule. At constant rate "
    "all are near zero; for the decaying schedule the learning-curve and scaling "
    "laws are about a tenth "
    "of a nat too high, and the annealing law is near.",
    caption="Everybody predicts the run at constant rate. For the run that decays, "
    "the two laws that do "
    "not know what a schedule is miss by the whole effect of the decay. Bars: two "
    "standard deviations over seeds.",
)

# %% [markdown]
# That is no fault of the two laws: nobody told them. It is a warning about comparing runs. A run that was stopped in the
# middle of its schedule is not a small version of a run that has ended.
#
# ### What is a schedule worth?
#
# The last column of losses, size by size: what does one save by decaying the learning rate at the end, and what by taking
# the next larger model?

# %%
run.show(three_laws.slope_in_log_size)
constant, decayed = curves.windows[:, 0], curves.windows[:, 2]
for size, window_gains in zip(curves.sizes, constant - decayed, strict=True):
    gain, low, high = mean_interval(window_gains)
    print(f"{size:9,.0f} parameters: {gain:.3f} nats [{low:.3f}, {high:.3f}]")
slope = three_laws.slope_in_log_size(curves.sizes, constant - decayed)
slope, *slope_span = mean_interval(slope)
print(f"per doubling of the size: {slope * np.log(2):+.4f} nats, times size^{slope / gain:.2f}")

# %% [markdown]
# The gain grows with the model. The annealing paper has a formula for several sizes in which it does, too: its last term
# is $C\,S_2 N^{\gamma}$ with a small positive $\gamma$.

# %% tags=["hide-input"]
figures.show(
    draw.gains(curves),
    alt="Loss saved against size. The line for decaying instead of staying constant "
    "rises from about "
    "0.04 to 0.11 nats; the line for the next larger size falls and ends below it.",
    caption="For the smallest model the next size is the better buy; for the largest ones the "
    "schedule is. Bars: 95%, over validation windows, one training per point.",
)

# %% [markdown]
# ### Nobody knows the floor
#
# All three laws end in a floor, and a floor is what one wants to know: how good can it get? Here is what the fits said.

# %%
print(f"learning curve: floor {-own.c:8.2f}, exponent {own.b:.3f}")
print(
    f"scaling:        floor {surface.E:8.2f}, exponents {surface.alpha_n:.3f}, "
    f"{surface.alpha_s:.3f}"
)
print(f"annealing:      floor {law.L0:8.2f}, exponent {law.alpha:.3f}")

# %% [markdown]
# A floor of minus hundreds with an exponent at the lower limit, or a floor of zero at the bound: these are no estimates of
# the entropy of Python. They say that the data do not care. To see it, fix the floor, fit the rest, and look at the error.

# %%
run.show(three_laws.floor_profile)
seen = curves.late(first)
floors = np.linspace(0, curves.losses[-1, 0, seen].min() - 0.1, 60)
fit_error, a, b = three_laws.floor_profile(curves.steps[seen], curves.losses[-1, 0, seen], floors)
far = floors + a * (100.0 * total) ** -b
near_best = fit_error < 1.1 * fit_error.min()
print(
    f"floors within 10% of the best error: {floors[near_best].min():.2f} to "
    f"{floors[near_best].max():.2f} nats"
)
print(
    f"a hundred times further they predict {far[near_best].min():.2f} to "
    f"{far[near_best].max():.2f} nats"
)

# %% [markdown]
# Over the whole range:

# %% tags=["hide-input"]
figures.show(
    draw.floors(floors, fit_error, far, 100),
    alt="Two panels against the assumed floor. The error of the fit rises slowly up "
    "to a floor of 1.4, then fast. "
    "The prediction for a hundred times as many steps rises by more than half a nat over "
    "the same range.",
    caption="The data put up with any floor from 0 to about 1 and hardly protest at "
    "1.4; far beyond "
    "them these floors are different worlds. A good fit here is no reason to believe "
    "a prediction there.",
)

# %% [markdown]
# ## Something to move
#
# How much of the runs may the laws see? Move the slider down, and see who needs the end of the runs and who does not. The
# decaying run itself is never shown to anybody.

# %%
shares = [round(0.3 + 0.1 * i, 1) for i in range(8)]
table = []
for share in shares:
    said = [
        curve_prediction(share)[0],
        scaling_prediction(share)[0],
        annealing_prediction(share)[0],
    ]
    table.append([np.broadcast_to(value, 3) - truth for value in said])

# %% [markdown]
# All of it was computed when the page was built; your browser only looks it up.

# %% tags=["hide-input"]
figures.interactive(
    draw.browser_layout(),
    alt="Predicted minus observed final loss of three laws for three schedules; a "
    "slider sets how much of "
    "the runs the laws see.",
    caption="With less to see, every prediction of the constant run drifts; what the "
    "decay does is known "
    "only to the law that was shown a schedule that falls.",
    controls=draw.browser_controls(shares),
    update=draw.UPDATE,
    data=draw.browser_data(shares, list(laws), table),
)

# %% [markdown]
# ## Paper against here
#
# What the annealing paper says about schedules and sizes. The rival of the first claim uses no law: a run with a decay
# ends where the cosine ended.

# %%
end = dict(zip(names, truth, strict=True))
said = {
    "constant": float(by_curve),
    "law": float(by_annealing[2]),
    "cosine": float(end[names[1]]),
    "truth": float(end[names[2]]),
}
run.claim(measures.annealing_knows_the_schedule, said, 2 * chance)
run.claim(measures.gain_grows_with_size, curves.sizes, constant - decayed)

# %% [markdown]
# A question, in the place of a verdict on a sentence about runs that have converged, as none of ours has; and the two
# identities, which are checks.

# %%
run.answer(measures.what_a_decay_saves, constant - decayed)
run.check("annealing at a constant rate is a power law with a floor", off_annealing < 1e-6)
run.check("scaling at a fixed size is a power law with a floor", off_scaling < 1e-6)

# %% [markdown]
# The page's whole ledger:

# %%
run.report()

# %% [markdown]
# ### What this cannot show
#
# - **Convergence.** Our runs end long before the loss does. The scaling paper's sentence is about training that has gone on
#   until the schedule no longer matters; these runs cannot contradict that, and do not confirm it.
# - **Seeds.** Each size was trained once. The interval of the slope is from the scatter of the sizes about their line;
#   other intervals of *differences* are over validation windows, which all runs share. What another seed would change is
#   measured for one small size only, and is the error bar of the losses.
# - **The size of anything.** Models of ten to a hundred thousand parameters on one text.
#
# ### Errata and disputes
#
# - The dispute is the page: *schedule changes speed only* (scaling, in its body as others quote it) against *the schedule's area moves the loss*
#   (annealing). As far as one trains here, the second is what happens.
# - Chinchilla's fit was refitted by others with another floor, 1.82 nats in the place of 1.69; see the scaling chapter.
#
# ## Exercises
#
# **1 (to warm up).** Fix the learning rate at half the peak for a whole run. What does the annealing law say, compared with
# the full peak, and by what factor does the time axis stretch?

# %% tags=["solution", "hide-cell"]
ends = np.array([total, 2 * total])
full = law.predict(np.full(2 * total, peak), ends[:1])
slow = law.predict(np.full(2 * total, peak / 2), ends)
print(
    f"full peak after T: {full[0]:.4f}; half of it after T: {slow[0]:.4f}, after 2 T: {slow[1]:.4f}"
)
# Only the sum of the rates counts: half the rate needs twice the steps. No real training obeys that
# for ever: with a rate near zero it would need for ever, and with a large one it would diverge.

# %% [markdown]
# **2 (to think).** Fit the annealing law to the constant run alone. What does it say about $C$, and why must it?

# %% tags=["solution", "hide-cell"]
seen = curves.late(first)
shown = [(rates[names[0]], curves.steps[seen], curves.losses[-1, 0, seen])]
alone = annealing.fit(shown, decay=law.decay, warmup=warmup, ramp=True)
print("not identified:", ", ".join(alone.unidentified))
# S2 is zero all along, so any C gives the same curve. A law knows what it was shown.

# %% [markdown]
# **3 (to build).** Put the two laws together: $L_0 + A S_1^{-\alpha} + B N^{-\beta} - C S_2 N^{\gamma}$, as the annealing paper does.
# Fit it on the smaller models under *constant* and *cosine*, and predict the largest one under the schedule that decays.

# %% tags=["solution", "hide-cell"]
from scipy.optimize import least_squares

seen = curves.late(first)
at = [annealing.areas_with_ramp(rates[n], law.decay, warmup) for n in names]
s1, s2 = (np.stack([pair[i][curves.steps - 1] for pair in at]) for i in (0, 1))


def both(p, size, k):
    own_gain = p[4] * s2[k] * (size / 1e4) ** p[5]
    return p[0] + p[1] * s1[k] ** -p[2] + p[3] * (size / 1e4) ** -0.2 - own_gain


# %% [markdown]
# With sizes this close together $\beta$ and $L_0$ cannot be told apart, so the solution holds $\beta$ at 0.2.


# %% tags=["solution", "hide-cell"]
def misses(p):
    sizes = enumerate(curves.sizes[:-1])
    each = [(both(p, n, k) - curves.losses[i, k])[seen] for i, n in sizes for k in (0, 1)]
    return np.concatenate(each)


joint = least_squares(misses, [1.0, 1.5, 0.3, 0.5, 0.1, 0.1], bounds=(0, np.inf)).x
for k, name in enumerate(names):
    print(f"{name:>20}: {both(joint, curves.sizes[-1], k)[-1] - truth[k]:+.3f} nats off")
# From smaller models and other schedules alone, it knows both axes.

# %% [markdown]
# ## Discussion
#
# - A colleague shows you a scaling law fitted to checkpoints of runs with cosine schedules, read off in the middle of the
#   runs. What is it a law of?
# - All three laws were fitted to one run each, or to a few. What would you repeat first if you had ten times the money:
#   seeds, sizes or schedules?
# - The floor is unidentified in all three. Is it a parameter, or a way of saying that one does not know?
#
# ## Further reading
#
# - J. Hoffmann and co-authors (2022), *Training compute-optimal large language models*, arXiv 2203.15556. A scaling law
#   that was fitted to the ends of runs with matched schedules, for the reason seen here.
# - T. Besiroglu, E. Erdil, M. Barnett, J. You (2024), *Chinchilla scaling: a replication attempt*, arXiv 2404.10102. How
#   uncertain its constants are.
# - A. Hägele and co-authors (2024), *Scaling laws and compute-optimal training beyond fixed training durations*, arXiv
#   2405.18392. Constant rates and a decay at the end, so that one run serves many lengths.
# - T. Viering, M. Loog (2023), *The shape of learning curves: a review*, IEEE Transactions on Pattern Analysis and Machine
#   Intelligence 45(6). Where power laws fail.
#
# ## How this page was made

# %%
run.stamp()
