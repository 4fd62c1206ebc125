"""Cases of kind `interest`."""

from fractions import Fraction

from .numbers import YEAR, decimal, text


def interest(case):
    rates = case["rates"]
    part = lambda name: Fraction(rates[name], 10_000)
    cash, debt = Fraction(case["cash_atoms"]), Fraction(case["debt_atoms"])
    insurance, fee = Fraction(case.get("insurance_atoms", 0)), Fraction(case.get("fee_atoms", 0))
    index, waiting_insurance, waiting_fee = Fraction(1), Fraction(0), Fraction(0)
    for secs in case["intervals_secs"]:
        used = debt / (cash + debt) if debt else Fraction(0)
        kink = part("kink_utilisation_bps")
        low, middle, high = part("base_rate_bps"), part("kink_rate_bps"), part("max_rate_bps")
        rate = low + (middle - low) * used / kink if used <= kink else middle + (high - middle) * (used - kink) / (1 - kink)
        grown = rate * secs / YEAR if debt else Fraction(0)
        grown_index = min(index * (1 + grown), Fraction(2**32))
        earned = debt * (grown_index / index - 1)
        index, debt = grown_index, debt + earned
        waiting_insurance += earned * part("insurance_share_bps")
        waiting_fee += earned * part("fee_share_bps")
        taken = min(cash, waiting_insurance)
        cash, waiting_insurance, insurance = cash - taken, waiting_insurance - taken, insurance + taken
        taken = min(cash, waiting_fee)
        cash, waiting_fee, fee = cash - taken, waiting_fee - taken, fee + taken
    return {
        "debt_index": text(decimal(index)),
        "debt_atoms": str(-(-debt.numerator // debt.denominator)),
        "lender_assets_atoms": str((cash + debt - waiting_insurance - waiting_fee).__floor__()),
        "insurance_atoms": str((insurance + waiting_insurance).__floor__()),
        "fee_atoms": str((fee + waiting_fee).__floor__()),
        # One atom for each interval's rounding of each part, and one for the debt's.
        "abs_tol": str(2 * len(case["intervals_secs"]) + 1),
    }


def interests():
    rates = {"base_rate_bps": 0, "kink_utilisation_bps": 8_000, "kink_rate_bps": 600, "max_rate_bps": 10_000, "insurance_share_bps": 1_000, "fee_share_bps": 500}

    def case(note, cash, debt, intervals, **changes):
        more = {name: changes.pop(name) for name in ("insurance_atoms", "fee_atoms") if name in changes}
        return note, {"cash_atoms": str(cash), "debt_atoms": str(debt), **more, "rates": {**rates, **changes}, "intervals_secs": intervals}

    yield case("half used, a year at once", 5 * 10**14, 5 * 10**14, [YEAR])
    yield case("half used, a year in months", 5 * 10**14, 5 * 10**14, [2_628_000] * 12)
    yield case("at the kink, a day", 2 * 10**12, 8 * 10**12, [86_400])
    yield case("beyond the kink, an hour", 10**12, 9 * 10**12, [3_600])
    yield case("fully used: insurance and protocol wait for cash", 0, 10**13, [86_400, 86_400])
    yield case("cash for insurance but not for the protocol", 4_000_000_000, 10**13, [86_400, 1])
    yield case("a base rate without any debt earns nothing", 10**12, 0, [YEAR], base_rate_bps=200)
    yield case("no time, no interest", 10**12, 10**12, [0])
    yield case("a second", 10**15, 10**15, [1])
    yield case("the ceiling of all rates, six years", 10**9, 10**12, [YEAR] * 6, kink_rate_bps=100_000, max_rate_bps=100_000)
    yield case("everything to insurance and protocol: lenders earn nothing", 10**12, 3 * 10**12, [86_400] * 7, insurance_share_bps=7_000, fee_share_bps=3_000)
    yield case("ledgers that already hold something", 10**12, 3 * 10**12, [86_400], insurance_atoms="123456", fee_atoms="654321")
    yield case("the largest amounts", 2**62, 2**62, [86_400] * 3)
    yield case("the index stops at its largest", 10, 1_000, [YEAR * 1_000] * 3, kink_rate_bps=100_000, max_rate_bps=100_000, insurance_share_bps=0, fee_share_bps=0)
