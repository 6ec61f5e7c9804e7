"""Checks of arguments say what was given and what is allowed."""

import numpy as np
import pytest

from foretold.kit import check


@pytest.mark.parametrize("value", [True, "3", None, 2.5, -1, np.nan, 11])
def test_a_whole_number_is_whole_and_within_its_ends(value):
    with pytest.raises(ValueError, match=r"^n is .*; allowed is a whole number from 0 to 10$"):
        check.whole("n", value, 0, 10)


def test_numpy_s_numbers_are_numbers_and_come_back_as_python_s():
    assert type(check.whole("n", np.int64(3))) is int
    assert type(check.real("x", np.float32(0.5))) is float


@pytest.mark.parametrize("value", [0, -1.0, np.inf, np.nan, "1", True])
def test_zero_is_not_positive_and_infinity_is_no_number(value):
    with pytest.raises(ValueError, match=r"^x is .*; allowed is a finite number above 0$"):
        check.positive("x", value)


def test_a_probability_may_be_0_and_1_and_nothing_beyond():
    assert (check.probability("p", 0), check.probability("p", 1)) == (0.0, 1.0)
    with pytest.raises(ValueError, match=r"^p is 1\.001; allowed is a probability, 0 to 1$"):
        check.probability("p", 1.001)


def test_between_leaves_both_ends_out():
    assert check.between("q", 1e-12, 0, 1) == 1e-12
    for end in (0, 1):
        with pytest.raises(ValueError, match="both excluded"):
            check.between("q", end, 0, 1)


@pytest.mark.parametrize("values", [[1, np.nan], ["a"], [[1], [1, 2]], [3.5, 4.5]])
def test_arrays_hold_finite_numbers_within_their_ends(values):
    with pytest.raises(ValueError, match=r"^x is .*; allowed is finite numbers from 0 to 4$"):
        check.reals("x", values, 0, 4)


def test_a_long_value_is_cut_in_the_message():
    with pytest.raises(ValueError) as caught:
        check.reals("x", [np.nan] * 10_000)
    assert len(str(caught.value)) < 300


def test_a_vector_has_one_axis():
    with pytest.raises(ValueError, match=r"x has the shape \(2, 1\); allowed is one row of at least 2"):
        check.vector("x", [[1], [2]], 2)


def test_shapes_that_differ_are_named():
    with pytest.raises(ValueError, match=r"the shapes are a \(2,\), b \(3,\)"):
        check.same_shape(a=np.zeros(2), b=np.zeros(3))


def test_whole_arrays_keep_their_type():
    assert check.wholes("n", np.array([1.0, 2.0])).dtype == float
    with pytest.raises(ValueError, match="whole numbers of at least 1"):
        check.wholes("n", [0, 1], 1)


def test_rows_of_different_lengths_are_named_too():
    with pytest.raises(ValueError, match=r"^n is \[\[1, 2\], \[3\]\]; allowed is whole numbers of at least 0$"):
        check.wholes("n", [[1, 2], [3]])


def test_only_a_numpy_generator_is_one():
    with pytest.raises(ValueError, match=r"rng is 3; allowed is a numpy.random.Generator"):
        check.generator("rng", 3)
