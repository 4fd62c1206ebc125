"""Exact numbers, and how far an implementation's may be from them.

A tolerance is never chosen: it follows from the formats that docs/units.md gives. A factor is a multiple of 2^-40, a value
of a nano-dollar, an index of 2^-64, a price has 62 significant bits, and each result in atoms is rounded to one.
"""

from decimal import Decimal, ROUND_CEILING, ROUND_FLOOR, getcontext
from fractions import Fraction

getcontext().prec = 80
ZERO, ONE = Decimal(0), Decimal(1)
YEAR = 31_536_000
DAY = 86_400

# Steps of the formats.
FACTOR = ONE / 2**40
VALUE = ONE / 10**9
PRICE = ONE / 2**61
# The root of a horizon in days: its seconds have a root in steps of 2^-23, and the root of a day is 294.
ROOT_DAYS = ONE / 2**31
# Sizing ends where less than this part of the weighted debt at target is missing.
SIZING = ONE / 2**32


class Refused(Exception):
    """What an action is refused with: the name of the error."""


def bps(number):
    return Decimal(number) / 10_000


def floor(x):
    return x.__floor__() if isinstance(x, Fraction) else int(x.to_integral_value(ROUND_FLOOR))


def ceil(x):
    return x.__ceil__() if isinstance(x, Fraction) else int(x.to_integral_value(ROUND_CEILING))


def decimal(x):
    """A fraction or a whole number as a decimal."""
    return Decimal(x.numerator) / Decimal(x.denominator)


def text(x, places=24):
    cut = format(x.quantize(ONE.scaleb(-places)), "f")
    return cut.rstrip("0").rstrip(".") if "." in cut else cut


def decide(left, right, doubt, what):
    """Whether left < right; a case where the doubt would decide is no case."""
    assert abs(left - right) > doubt or doubt == 0, f"{what}: {left} against {right} is within {doubt}"
    return left < right
