"""Numbers as a reader reads them."""

import pytest

from foretold import claims


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.508, "0.508"),
        (350757, "350,757"),
        (1.70983e17, "1.71e17"),
        (0.00001, "1e-5"),
        (0, "0"),
        (2359.008, "2,359"),
        (-1.5, "-1.5"),
    ],
)
def test_numbers_are_printed_for_reading(value, text):
    assert claims.number(value) == text


def test_the_ends_of_an_interval_have_the_digits_that_its_width_supports():
    assert claims.number(0.123456, of=0.2) == "0.123"
