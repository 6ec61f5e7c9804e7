"""Scaling laws of training: loss as a function of size, steps and batch, the fits of their constants, and predictions.

Paper: Su, Tian, Shen, Cai, "Unraveling the mystery of scaling laws: part I", arXiv 2403.06563 (2024). The forms are
those of Kaplan et al. (2020), arXiv 2001.08361; the critical batch size is from McCandlish et al. (2018).

    N       parameters without embeddings              S, B, E = S B   steps, tokens a batch, tokens in all
    S_min   steps that a very large batch would need   B_crit = E_min / S_min   the batch that costs twice both minima

Losses are in nats a token. `Law` holds the constants; E, a floor under the loss, is zero in the paper. The solver
behind the fits of surfaces is `foretold.kit.powerlaws`.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foretold.kit import check, powerlaws

Array = NDArray[np.float64]
TINY = math.nextafter(0, 1)


@dataclass(frozen=True)
class Law:
    """L(N, S_min) = E + (n_c / N)^alpha_n + (s_c / S_min)^alpha_s, and B_crit(L) = b_star / L^(1 / alpha_b).

    `n_c` in parameters, `s_c` in steps, `b_star` in tokens; the two constants of the batch may be left out where no
    batch is asked for. Raises ValueError for constants that are not above 0 (E: at least 0).
    """

    n_c: float
    alpha_n: float
    s_c: float
    alpha_s: float
    E: float = 0.0
    b_star: float | None = None
    alpha_b: float | None = None

    def __post_init__(self) -> None:
        for name in ("n_c", "alpha_n", "s_c", "alpha_s"):
            check.positive(name, getattr(self, name))
        check.real("E", self.E, 0)
        for name in ("b_star", "alpha_b"):
            if getattr(self, name) is not None:
                check.positive(name, getattr(self, name))


# Kaplan et al. (2020), Table 3 for L(N, S_min); the critical batch size from the same paper.
KAPLAN = Law(n_c=6.5e13, alpha_n=0.077, s_c=2.1e3, alpha_s=0.76, b_star=2e8, alpha_b=0.21)


# The three functions


def critical_batch_size(loss: ArrayLike, b_star: float, alpha_b: float) -> Array:
    """B_crit(L) = b_star / L^(1 / alpha_b), tokens, for losses of any shape: it grows as the loss falls, and depends on
    nothing else. Raises ValueError for numbers that are not above 0."""
    b_star, alpha_b = check.positive("b_star", b_star), check.positive("alpha_b", alpha_b)
    return b_star * np.exp(-np.log(_positive("loss", loss)) / alpha_b)


def minimum_steps(steps: ArrayLike, batch: ArrayLike, loss: ArrayLike, b_star: float, alpha_b: float) -> Array:
    """S_min = S / (1 + B_crit(L) / B): the steps that a very large batch would have needed for the same loss."""
    steps, batch = _positive("steps", steps), _positive("batch", batch)
    return steps / (1 + critical_batch_size(loss, b_star, alpha_b) / batch)


def loss_surface(n: ArrayLike, s_min: ArrayLike, law: Law) -> Array:
    """L(N, S_min), for arrays that broadcast; s_min may be infinite, which gives L(N).

    Raises ValueError for numbers that are not above 0, and for a `law` that is none.
    """
    _check_law(law)
    return law.E + (law.n_c / _positive("n", n)) ** law.alpha_n + (law.s_c * _inverse("s_min", s_min)) ** law.alpha_s


def trajectory(n: ArrayLike, steps: ArrayLike, batch: ArrayLike, law: Law) -> Array:
    """The loss L after S steps with batches of B tokens, for arrays that broadcast: the root of

        L = E + (n_c / N)^alpha_n + (s_c / S_min)^alpha_s  with  S_min = S / (1 + B_crit(L) / B).

    In x = log L the logarithm of the right side, h(x), is convex and falls. So x - h(x) is concave and rises: Newton's
    method, begun below the root at the loss of an infinite batch, climbs to it and never passes it. The bracket
    guards against rounding only. Infinite `steps` or `batch` are allowed. Raises ValueError as `loss_surface`, and for
    a law without `b_star` and `alpha_b`.
    """
    _check_law(law)
    if law.b_star is None or law.alpha_b is None:
        raise check.refuse("law", law, "one with b_star and alpha_b")
    b_star, power = law.b_star, 1 / law.alpha_b
    rest = loss_surface(n, np.inf, law)
    fast = (law.s_c * _inverse("steps", steps)) ** law.alpha_s  # the steps' term with an infinite batch
    rest, fast, inverse = np.broadcast_arrays(rest, fast, _inverse("batch", batch))

    def right_side(x: Array) -> tuple[Array, Array]:
        extra = b_star * inverse * np.exp(-power * x)  # B_crit(L) / B
        slow = fast * (1 + extra) ** law.alpha_s
        total = rest + slow
        return np.log(total), -law.alpha_s * power * extra / (1 + extra) * slow / total

    low = x = np.log(rest + fast)
    high = right_side(low)[0]
    if not np.isfinite(high).all():
        raise check.refuse("law", law, f"one whose B_crit is finite at a loss of {np.exp(low.min()):.3g}")
    for _ in range(60):
        value, slope = right_side(x)
        after = np.clip(x - (x - value) / (1 - slope), low, high)
        if np.max(np.abs(after - x)) <= 2e-16 * max(1.0, np.max(np.abs(x))):
            break
        x = after
    return np.exp(right_side(x)[0])


# The fits, in the order of the recipe


def fit_critical_batch(steps: ArrayLike, batch: ArrayLike) -> tuple[float, float]:
    """(S_min, E_min) of one loss from runs that reached it in `steps` steps with `batch` tokens each, both (n,).

    The hyperbola (S/S_min - 1)(E/E_min - 1) = 1 is linear in its two constants when it is divided by S E:
    S_min / S + E_min / (S B) = 1, so least squares need no start and no iteration. A negative constant says that the
    points do not lie on such a hyperbola. Raises ValueError for fewer than two different batches.
    """
    steps, batch = _points(steps=steps, batch=batch)
    if len(np.unique(batch)) < 2:
        raise ValueError(f"batch holds {np.unique(batch)}; allowed are at least two different batch sizes")
    design = np.stack([1 / steps, 1 / (steps * batch)], 1)
    size = np.linalg.norm(design, axis=0)
    found = np.linalg.lstsq(design / size, np.ones(len(steps)), rcond=None)[0] / size
    return float(found[0]), float(found[1])


def fit_critical_law(loss: ArrayLike, b_crit: ArrayLike) -> tuple[float, float]:
    """(b_star, alpha_b) from critical batch sizes at several losses, both (n,): a line in logarithms.

    Raises ValueError for fewer than two different losses, and for batches that do not grow as the loss falls.
    """
    loss, b_crit = _points(loss=loss, b_crit=b_crit)
    if len(np.unique(loss)) < 2:
        raise ValueError(f"loss holds {np.unique(loss)}; allowed are at least two different losses")
    slope, level = np.polyfit(np.log(loss), np.log(b_crit), 1)
    if slope >= 0:
        raise ValueError(f"b_crit falls with the loss (slope {slope:.3g}); allowed are batches that grow as it falls")
    return float(np.exp(level)), float(-1 / slope)


def fit_loss_surface(n: ArrayLike, s: ArrayLike, loss: ArrayLike, irreducible: bool = True) -> Law:
    """L(N, S_min) from points (n,): Huber's loss (delta 0.001) of log residuals, many starts, analytic derivatives.

    With `irreducible` the floor E is fitted too; without it E = 0, the paper's form. E comes out as exactly 0 where
    the data want none. Raises ValueError for fewer points than constants, and for fewer than two sizes or step counts.
    """
    n, s, loss = _points(n=n, s=s, loss=loss)
    _enough(4 + bool(irreducible), n=n, s=s, loss=loss)
    return surface(powerlaws.fit((n, s), loss, irreducible=bool(irreducible)))


def surface(found: powerlaws.Fit, row: int = 0) -> Law:
    """One row of a fit over (N, S) as a `Law`."""
    (n_c, s_c), (alpha_n, alpha_s) = np.exp(found.log_scales[row]), found.exponents[row]
    return Law(float(n_c), float(alpha_n), float(s_c), float(alpha_s), float(found.floor[row]))


# The other famous form, of losses at the end of training


@dataclass(frozen=True)
class Chinchilla:
    """L(N, D) = E + A / N^alpha + B / D^beta of Hoffmann et al. (2022), D in tokens. Raises ValueError for constants
    below 0."""

    E: float
    A: float
    B: float
    alpha: float
    beta: float

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            check.real(name, value, 0)

    def predict(self, n: ArrayLike, d: ArrayLike) -> Array:
        """Losses of sizes and tokens that broadcast."""
        return self.E + self.A / _positive("n", n) ** self.alpha + self.B / _positive("d", d) ** self.beta


def fit_chinchilla(n: ArrayLike, d: ArrayLike, loss: ArrayLike) -> Chinchilla:
    """The constants that minimise `chinchilla_objective`, from points (n,). Raises ValueError as `fit_loss_surface`."""
    n, d, loss = _points(n=n, d=d, loss=loss)
    _enough(5, n=n, d=d, loss=loss)
    found = powerlaws.fit((n, d), loss)
    (A, B), (alpha, beta) = np.exp(found.log_scales[0] * found.exponents[0]), found.exponents[0]
    return Chinchilla(*map(float, (found.floor[0], A, B, alpha, beta)))


def chinchilla_objective(law: Chinchilla, n: ArrayLike, d: ArrayLike, loss: ArrayLike) -> float:
    """Sum over points (n,) of Huber's loss (delta 0.001) of log L_model - log L (Hoffmann et al. 2022, equation 3)."""
    n, d, loss = _points(n=n, d=d, loss=loss)
    return float(powerlaws.huber(np.log(law.predict(n, d)) - np.log(loss), powerlaws.DELTA).sum())


# Checks


def _positive(name: str, values: ArrayLike) -> Array:
    return check.reals(name, values, TINY, allowed="finite numbers above 0")


def _inverse(name: str, values: ArrayLike) -> Array:
    """1 / values, where infinite ones are allowed."""
    array = np.asarray(values, float)
    endless = np.isposinf(array)
    return np.where(endless, 0.0, 1 / _positive(name, np.where(endless, 1.0, array)))


def _points(**columns: ArrayLike) -> list[Array]:
    """Columns as arrays of one length."""
    arrays = {name: check.vector(name, _positive(name, values)) for name, values in columns.items()}
    check.same_shape(**arrays)
    return list(arrays.values())


def _check_law(law: Law) -> None:
    if not isinstance(law, Law):
        raise check.refuse("law", law, "a Law")


def _enough(constants: int, **columns: Array) -> None:
    """At least as many points as constants, in columns of predictors and of the loss, and two values of each."""
    for name, values in columns.items():
        if len(values) < constants:
            raise ValueError(
                f"{name} has {len(values)} points; allowed are at least {constants}, one for each constant"
            )
        if name != "loss" and len(np.unique(values)) < 2:
            raise ValueError(f"{name} holds {values[0]:g} only; allowed are at least two different values")
