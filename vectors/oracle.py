"""Computes the expected results of plimsoll.json from the protocol's formulas, in 80-digit decimals and exact rationals.

It shares nothing with the engine: no fixed point, no Newton steps, no rounding but the one the protocol names.
Run it as `python3 oracle.py > plimsoll.json`.
"""

import json
import random
from decimal import Decimal, ROUND_CEILING, ROUND_FLOOR, getcontext
from fractions import Fraction

getcontext().prec = 80
ONE = Decimal(1)
YEAR = 31_536_000


def bps(number):
    return Decimal(number) / 10_000


def floor(x):
    return int(x.to_integral_value(ROUND_FLOOR))


def ceil(x):
    return int(x.to_integral_value(ROUND_CEILING))


def text(x, places=24):
    cut = format(x.quantize(ONE.scaleb(-places)), "f")
    return cut.rstrip("0").rstrip(".") if "." in cut else cut


# ---- plan -----------------------------------------------------------------------------------------------------------


class Refused(Exception):
    pass


def adverse_move(leg):
    return Decimal(leg["z_x100"]) / 100 * bps(leg["sigma_bps"]) * (Decimal(leg["tau_secs"]) / 86_400).sqrt()


class Leg:
    """One collateral or debt at its health price, in USD for an atom."""

    def __init__(self, terms, oracle, is_collateral):
        price, confidence = Decimal(terms["price"]), Decimal(terms.get("confidence", "0"))
        age = terms.get("age_secs", 0)
        self.unusable = None
        if age > oracle["liquidate_age_secs"]:
            self.unusable = "StalePrice"
        elif confidence > price * bps(oracle["confidence_hard_bps"]):
            self.unusable = "ConfidenceTooWide"
        excess = max(Decimal(0), confidence - price * bps(oracle["confidence_soft_bps"]))
        self.price = (price + excess if is_collateral else price - excess) / 10 ** terms["decimals"]
        self.terms = terms
        self.fade = ONE
        if self.unusable == "StalePrice" and is_collateral and "noticed_secs" in terms:
            span = Decimal(oracle["dead_secs"] - oracle["stale_secs"])
            self.fade = max(Decimal(0), 1 - terms["noticed_secs"] / span)

    def alv(self, atoms):
        t = self.terms
        if self.unusable == "StalePrice":
            return self.plain(atoms)
        discount = (1 - adverse_move(t)) * (1 - bps(t["spread_bps"]) / 2)
        depth = Decimal(t["depth_atoms"])
        if t["sigma_bps"] > t["sigma_ref_bps"]:
            depth = depth * t["sigma_ref_bps"] / t["sigma_bps"]
        x = Decimal(atoms) / depth
        return self.price * discount * atoms / (1 + bps(t["impact_sqrt_bps"]) * x.sqrt() + x)

    def plain(self, atoms):
        return self.price * self.fade * atoms


def plan(case):
    oracle, market, terms, request = case["oracle"], case["market"], case["bonus"], case["request"]
    collaterals = [Leg(leg, oracle, True) for leg in case["collaterals"]]
    debts = [Leg(leg, oracle, False) for leg in case["debts"]]
    i, j, repay_max = request["collateral"], request["debt"], int(request["repay_max_atoms"])
    if repay_max == 0:
        raise Refused("ZeroAmount")
    if i >= len(collaterals) or j >= len(debts):
        raise Refused("LegMismatch")
    seized, repaid = collaterals[i], debts[j]
    for leg in (seized, repaid):
        if leg.unusable:
            raise Refused(leg.unusable)

    atoms = [int(leg.terms["atoms"]) for leg in collaterals]
    owed = [int(leg.terms["owed_atoms"]) for leg in debts]
    factor = [bps(leg.terms["maintenance_bps"]) for leg in collaterals]
    weight = [bps(leg.terms["debt_weight_bps"]) * (1 + adverse_move(leg.terms)) for leg in debts]
    value = sum(leg.plain(q) for leg, q in zip(collaterals, atoms))
    debt = sum(leg.plain(d) for leg, d in zip(debts, owed))
    counted = [leg.alv(q) * m for leg, q, m in zip(collaterals, atoms, factor)]
    weighted_debt = sum(leg.plain(d) * w for leg, d, w in zip(debts, owed, weight))
    health = sum(counted) / weighted_debt
    if health >= 1:
        raise Refused("Healthy")
    if case.get("is_cooling"):
        raise Refused("CoolingOff")

    target, default = bps(market["target_health_bps"]), bps(market["bonus_default_bps"])
    is_terminal = value < (1 + default) * debt
    if is_terminal:
        gross = 1 + default
    else:
        least, most = bps(terms["bonus_min_bps"]), bps(terms["bonus_max_bps"])
        by_health = (1 - health) / (1 - bps(terms["health_max_bonus_bps"]))
        by_time = Decimal(case.get("auction_counted_secs", 0)) / market["auction_secs"]
        bonus = least + (most - least) * min(ONE, max(by_health, by_time))
        kept = seized.alv(atoms[i]) / seized.plain(atoms[i])
        improving = health * weight[j] / (factor[i] * kept)
        if improving < 1 + least:
            raise Refused("TakeOtherCollateral")
        gross = min(1 + bonus, value / debt, improving)

    def missing(v):
        """What health still lacks to the target after repaying v, in USD."""
        left = max(Decimal(0), atoms[i] - gross * v / seized.price)
        return target * (weighted_debt - weight[j] * v) - (sum(counted) - counted[i]) - factor[i] * seized.alv(left)

    def to_seize(repay):
        return floor(repay * repaid.price * gross / seized.price)

    to_take_all = ceil(atoms[i] * seized.price / gross / repaid.price)
    most_value = atoms[i] * seized.price / gross
    wanted = owed[j]
    if not is_terminal and missing(most_value) <= 0:
        low, high = Decimal(0), most_value
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if missing(middle) > 0 else (low, middle)
        wanted = min(owed[j], ceil(high / repaid.price))
    if to_seize(wanted) <= atoms[i]:
        size = (wanted, to_seize(wanted))
    else:
        size = (to_take_all, atoms[i])
    dust = Decimal(market["dust_usd"])
    if 0 < (owed[j] - size[0]) * repaid.price < dust and to_seize(owed[j]) <= atoms[i]:
        size = (owed[j], to_seize(owed[j]))
    elif 0 < (atoms[i] - size[1]) * seized.price < dust and to_take_all <= owed[j]:
        size = (to_take_all, atoms[i])
    if size[0] > repay_max:
        repay = repay_max
        if (owed[j] - repay) * repaid.price < dust:
            repay = owed[j] - ceil(dust / repaid.price)
            if repay <= 0:
                raise Refused("RepayMaxBelowDust")
        size = (repay, min(size[1], to_seize(repay)))
    repay, seize = size
    if seize == 0:
        raise Refused("NothingToSeize")
    if seize < int(request.get("seize_min_atoms", 0)):
        raise Refused("SeizeBelowMin")
    after = sum(counted) - counted[i] + factor[i] * seized.alv(atoms[i] - seize)
    one = ceil(seized.price / repaid.price)
    owed_after = weighted_debt - weight[j] * repay * repaid.price
    return {
        "repay_atoms": str(repay),
        "seize_atoms": str(seize),
        "fee_atoms": str(floor(bps(terms["fee_share_bps"]) * (gross - 1) * repay)),
        "gross_factor": text(gross),
        "health_before": text(health),
        "health_after": text(after / owed_after) if owed_after > 0 else str(2**24),
        "is_terminal": is_terminal,
        "closes_debt": repay == owed[j],
        "takes_last_collateral": sum(atoms) == seize,
        # Two atoms for rounding; where a whole atom of collateral is worth more, the root moves by as much.
        "abs_tol": {"repay_atoms": str(2 + one), "seize_atoms": "2", "fee_atoms": str(2 + floor(one * (gross - 1)))},
    }


ORACLE = {"liquidate_age_secs": 60, "confidence_soft_bps": 100, "confidence_hard_bps": 500, "stale_secs": 3_600, "dead_secs": 21_600}
MARKET = {"target_health_bps": 10_500, "dust_usd": "10", "bonus_default_bps": 300, "auction_secs": 600}
BONUS = {"bonus_min_bps": 100, "bonus_max_bps": 800, "health_max_bonus_bps": 9_000, "fee_share_bps": 1_000}
SOL = {"decimals": 9, "price": "150", "maintenance_bps": 8_000, "sigma_bps": 450, "sigma_ref_bps": 400, "tau_secs": 600, "z_x100": 233,
       "spread_bps": 10, "impact_sqrt_bps": 100, "depth_atoms": "2000000000000000"}
BTC = {"decimals": 8, "price": "97123.5", "maintenance_bps": 8_300, "sigma_bps": 250, "sigma_ref_bps": 300, "tau_secs": 600, "z_x100": 233,
       "spread_bps": 5, "impact_sqrt_bps": 50, "depth_atoms": "300000000000"}
MEME = {"decimals": 5, "price": "0.00001873", "maintenance_bps": 4_000, "sigma_bps": 1_500, "sigma_ref_bps": 900, "tau_secs": 1_800, "z_x100": 165,
        "spread_bps": 100, "impact_sqrt_bps": 200, "depth_atoms": "900000000000000000"}
LINEAR = {"decimals": 6, "price": "1", "maintenance_bps": 8_000, "sigma_bps": 1, "sigma_ref_bps": 1, "tau_secs": 1, "z_x100": 0,
          "spread_bps": 0, "impact_sqrt_bps": 0, "depth_atoms": "18446744073709551615"}
USDC = {"decimals": 6, "price": "1", "debt_weight_bps": 10_000, "sigma_bps": 20, "tau_secs": 600, "z_x100": 233}
ETH = {"decimals": 8, "price": "3412.07", "debt_weight_bps": 11_000, "sigma_bps": 350, "tau_secs": 600, "z_x100": 233}


def plans():
    def case(note, collaterals, debts, request=None, **changes):
        request = {"collateral": 0, "debt": 0, "repay_max_atoms": str(2**64 - 1), **(request or {})}
        market = {**MARKET, **changes.pop("market", {})}
        bonus = {**BONUS, **changes.pop("bonus", {})}
        return note, {"market": market, "oracle": ORACLE, "bonus": bonus, "collaterals": collaterals, "debts": debts, "request": request, **changes}

    def have(token, atoms, **changes):
        return {**token, "atoms": str(atoms), **changes}

    def owe(token, atoms, **changes):
        return {**token, "owed_atoms": str(atoms), **changes}

    linear_debt = {**USDC, "z_x100": 0}
    sol_1000, usdc_114k = have(SOL, 1_000 * 10**9), owe(USDC, 114_000 * 10**6)
    yield case("one pair at linear weights: the closed form", [have(LINEAR, 12_000 * 10**6)], [owe(linear_debt, 9_900 * 10**6)])
    yield case("one pair: health brought to the target on the concave curve", [sol_1000], [owe(USDC, 121_000 * 10**6)])
    yield case("a whale: half the depth in one position", [have(SOL, 10**15)], [owe(USDC, 80_000_000 * 10**6)], bonus={"bonus_max_bps": 1_000, "health_max_bonus_bps": 9_500})
    yield case("the whole auction has passed: largest bonus at a health close to one", [sol_1000], [owe(USDC, 118_800 * 10**6)], auction_counted_secs=600)
    yield case("half the auction has passed", [sol_1000], [owe(USDC, 118_800 * 10**6)], auction_counted_secs=300)
    yield case("solvency bounds the bonus: V/D", [have(LINEAR, 5_000 * 10**6, maintenance_bps=4_000), have(LINEAR, 5_500 * 10**6)],
               [owe(linear_debt, 10_000 * 10**6)], auction_counted_secs=600)
    yield case("terminal although worth more than the debt", [have(LINEAR, 10_200 * 10**6)], [owe(linear_debt, 10_000 * 10**6)])
    yield case("terminal and insolvent: all collateral goes, debt stays", [have(LINEAR, 8_000 * 10**6)], [owe(linear_debt, 10_000 * 10**6)])
    yield case("cross margin: the pair rule bounds the bonus", [have(BTC, 10**8, maintenance_bps=9_000), have(SOL, 300 * 10**9)], [owe(USDC, 128_500 * 10**6)], auction_counted_secs=600)
    yield case("cross margin: this pair would not improve health", [have(BTC, 10**7, maintenance_bps=9_200), have(MEME, 53 * 10**12)], [owe(USDC, 14_100 * 10**6)])
    yield case("cross margin: the other pair does", [have(BTC, 10**7, maintenance_bps=9_200), have(MEME, 53 * 10**12)], [owe(USDC, 14_100 * 10**6)], {"collateral": 1})
    yield case("two debts: the volatile one", [sol_1000], [owe(USDC, 64_000 * 10**6), owe(ETH, 15 * 10**8)], {"debt": 1})
    yield case("the debt bounds the repayment", [sol_1000, have(BTC, 10**8)], [owe(USDC, 1_000 * 10**6), owe(ETH, 53 * 10**8)])
    yield case("the collateral bounds the repayment", [have(SOL, 10 * 10**9), have(BTC, 10**8)], [owe(USDC, 82_500 * 10**6)])
    yield case("a debt rest below dust is included", [have(LINEAR, 12_000 * 10**6)], [owe(linear_debt, 9_900 * 10**6)], market={"dust_usd": "6400"})
    yield case("a collateral rest below dust is included", [have(LINEAR, 4_000 * 10**6), have(LINEAR, 8_000 * 10**6)], [owe(linear_debt, 9_900 * 10**6)],
               market={"dust_usd": "400"})
    yield case("repay_max bounds the repayment", [sol_1000], [owe(USDC, 121_000 * 10**6)], {"repay_max_atoms": str(1_000 * 10**6)})
    yield case("repay_max would leave dust: dust is left instead", [have(LINEAR, 12_000 * 10**6)], [owe(linear_debt, 9_900 * 10**6)],
               {"repay_max_atoms": str(3_000 * 10**6)}, market={"dust_usd": "7000"})
    yield case("repay_max below what dust allows", [have(LINEAR, 12 * 10**6)], [owe(linear_debt, 11 * 10**6)], {"repay_max_atoms": "5000000"}, market={"dust_usd": "11.5"})
    yield case("less collateral than the caller wants", [sol_1000], [owe(USDC, 121_000 * 10**6)],
               {"repay_max_atoms": str(1_000 * 10**6), "seize_min_atoms": str(8 * 10**9)})
    yield case("a repayment too small for one atom of collateral", [have(SOL, 3, decimals=0), have(SOL, 1_000 * 10**9)], [owe(USDC, 121_500 * 10**6)],
               {"repay_max_atoms": "1000000"})
    yield case("nothing to repay with", [sol_1000], [usdc_114k], {"repay_max_atoms": "0"})
    yield case("healthy", [sol_1000], [owe(USDC, 110_000 * 10**6)])
    yield case("cooling off", [sol_1000], [owe(USDC, 121_000 * 10**6)], is_cooling=True)
    yield case("no such slot", [sol_1000], [owe(USDC, 121_000 * 10**6)], {"collateral": 1})
    yield case("the seized price is stale, before anything else is looked at", [have(SOL, 10**12, age_secs=61)], [owe(USDC, 100)])
    yield case("the repaid price is too uncertain", [sol_1000], [owe(USDC, 121_000 * 10**6, confidence="0.0501")])
    yield case("confidence beyond the soft limit moves both prices for the borrower", [have(SOL, 10**12, confidence="4.5")],
               [owe(USDC, 123_500 * 10**6, confidence="0.015")])
    yield case("another collateral's dead feed counts plainly and fades from the notice", [sol_1000, have(BTC, 10**8, age_secs=12_600, noticed_secs=9_000)],
               [owe(USDC, 162_000 * 10**6)])
    yield case("another collateral's old price that nobody noticed counts plainly", [sol_1000, have(BTC, 10**8, age_secs=10**6)], [owe(USDC, 202_500 * 10**6)])
    yield case("another collateral's feed long dead counts nothing", [sol_1000, have(BTC, 10**8, age_secs=10**6, noticed_secs=18_000)], [owe(USDC, 121_000 * 10**6)])
    yield case("another debt's stale price counts as it is", [sol_1000], [owe(USDC, 64_000 * 10**6), owe(ETH, 15 * 10**8, age_secs=10**6)])
    yield case("a token of no decimals against one of 18", [have(MEME, 10**10, decimals=0, price="0.00001", depth_atoms="400000000000")],
               [owe(USDC, 40 * 10**15, decimals=18, price="990000")])
    many = [have(SOL, 100 * 10**9), have(BTC, 10**7), have(MEME, 10**14), have(LINEAR, 5_000 * 10**6)] * 2
    loans = [owe(USDC, 30_000 * 10**6), owe(ETH, 10**8), owe(USDC, 31_000 * 10**6, decimals=6, price="0.9993"), owe(ETH, 10**7)]
    yield case("eight collaterals and four debts, the first pair", many, loans)
    yield case("eight collaterals and four debts, the last pair", many, loans, {"collateral": 7, "debt": 3})

    # Random positions around a health of 0.9 to 1, every invariant of the configuration kept.
    rng = random.Random(20_260)
    for n in range(24):
        collaterals = [have(rng.choice([SOL, BTC, MEME, LINEAR]), 1) for _ in range(rng.randint(1, 4))]
        for leg in collaterals:
            usd = 10 ** rng.uniform(2, 6.5)
            leg["atoms"] = str(max(1, int(usd / float(leg["price"]) * 10 ** leg["decimals"])))
        debts = [owe(rng.choice([USDC, ETH]), 1) for _ in range(rng.randint(1, 3))]
        total = sum(Leg(leg, ORACLE, True).alv(int(leg["atoms"])) * bps(leg["maintenance_bps"]) for leg in collaterals)
        aim = Decimal(str(round(rng.uniform(0.9, 1.0), 6)))
        for leg in debts:
            weight = bps(leg["debt_weight_bps"]) * (1 + adverse_move(leg))
            leg["owed_atoms"] = str(max(1, int(total / aim / len(debts) / weight / Decimal(leg["price"]) * 10 ** leg["decimals"])))
        request = {"collateral": rng.randrange(len(collaterals)), "debt": rng.randrange(len(debts))}
        yield case(f"random {n + 1}", collaterals, debts, request, auction_counted_secs=rng.choice([0, 0, 200, 700]))


# ---- interest -------------------------------------------------------------------------------------------------------


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
    exact = lambda x: Decimal(x.numerator) / Decimal(x.denominator)
    return {
        "debt_index": text(exact(index)),
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


# ---- the file -------------------------------------------------------------------------------------------------------


def cases():
    for note, given in plans():
        try:
            result = plan(given)
        except Refused as refusal:
            result = {"refusal": str(refusal)}
        yield {"kind": "plan", "note": note, "in": given, "out": result, "tol_rel": "1e-7"}
    for note, given in interests():
        yield {"kind": "interest", "note": note, "in": given, "out": interest(given), "tol_rel": "1e-9"}


if __name__ == "__main__":
    head = '{\n "cases": [\n'
    print(head + ",\n".join("  " + json.dumps(case) for case in cases()) + "\n ]\n}")
