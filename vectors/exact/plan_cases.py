"""Cases of kind `plan`."""

import random
from decimal import Decimal
from fractions import Fraction

from .numbers import ceil, text
from .plan import Leg, liquidate


def level_of(throttle):
    """The throttle as a plan wants it: its level, and what the reader's steps of 2^-32 s may add or take."""
    capacity, window = int(throttle["capacity_atoms"]), throttle["window_secs"]
    if "level_atoms" in throttle:
        level, doubt = Fraction(int(throttle["level_atoms"])), capacity // (window * 2**32)
    else:
        level, doubt = Fraction(capacity * throttle["empty_in_secs"], window), 0
    return {"capacity_atoms": capacity, "level": level, "level_doubt": Decimal(doubt)}


def plan(case):
    oracle, terms = case["oracle"], case["bonus"]
    made = liquidate(
        [Leg(leg, oracle, True) for leg in case["collaterals"]],
        [Leg(leg, oracle, False) for leg in case["debts"]],
        case["market"],
        terms,
        case["request"],
        throttle=level_of(case["throttle"]) if "throttle" in case else None,
        order=case.get("protection"),
        auction_secs=case.get("auction_counted_secs", 0),
        is_cooling=case.get("is_cooling", False),
    )
    asks_throttle = "throttle" in case
    return {
        **{f"{name}_atoms": str(made[name]) for name in ("repay", "seize", "fee")},
        "gross_factor": text(made["lb"]),
        "health_before": text(made["health_before"]),
        "health_after": text(made["health_after"]) if made["health_after"] is not None else str(2**24),
        "is_terminal": made["is_terminal"],
        "is_protection": made["is_protection"],
        "is_throttled": made["is_throttled"],
        "closes_debt": made["closes_debt"],
        "takes_last_collateral": made["takes_last_collateral"],
        **({"throttle_left_atoms": str(made["left"] or 0)} if asks_throttle else {}),
        "abs_tol": {
            **{f"{name}_atoms": str(ceil(made[f"{name}_doubt"])) for name in ("repay", "seize", "fee")},
            **({"throttle_left_atoms": str(ceil(made["left_doubt"]))} if asks_throttle else {}),
        },
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
LINEAR_DEBT = {**USDC, "z_x100": 0}
ETH = {"decimals": 8, "price": "3412.07", "debt_weight_bps": 11_000, "sigma_bps": 350, "tau_secs": 600, "z_x100": 233}


def case(note, collaterals, debts, request=None, **changes):
    request = {"collateral": 0, "debt": 0, "repay_max_atoms": str(2**64 - 1), **(request or {})}
    market = {**MARKET, **changes.pop("market", {})}
    bonus = {**BONUS, **changes.pop("bonus", {})}
    oracle = {**ORACLE, **changes.pop("oracle", {})}
    return note, {"market": market, "oracle": oracle, "bonus": bonus, "collaterals": collaterals, "debts": debts, "request": request, **changes}


def have(token, atoms, **changes):
    return {**token, "atoms": str(atoms), **changes}


def owe(token, atoms, **changes):
    return {**token, "owed_atoms": str(atoms), **changes}


def plans():
    linear_debt = LINEAR_DEBT
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
        total = sum(Leg(leg, ORACLE, True).counted() for leg in collaterals)
        aim = Decimal(str(round(rng.uniform(0.9, 1.0), 6)))
        for leg in debts:
            weight = Leg(leg, ORACLE, False).weight
            leg["owed_atoms"] = str(max(1, int(total / aim / len(debts) / weight / Decimal(leg["price"]) * 10 ** leg["decimals"])))
        request = {"collateral": rng.randrange(len(collaterals)), "debt": rng.randrange(len(debts))}
        yield case(f"random {n + 1}", collaterals, debts, request, auction_counted_secs=rng.choice([0, 0, 200, 700]))
