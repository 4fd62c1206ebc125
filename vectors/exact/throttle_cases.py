"""Cases of kind `plan`: throttle, auction clock, protection order."""

from .plan_cases import BTC, ETH, LINEAR, LINEAR_DEBT, MEME, SOL, USDC, case, have, owe

SOL_1000 = have(SOL, 1_000 * 10**9)


def throttle(capacity, window=600, **level):
    return {"capacity_atoms": str(capacity), "window_secs": window, **{name: str(value) if name == "level_atoms" else value for name, value in level.items()}}


def sol(tokens):
    return tokens * 10**9


def throttles():
    barely, urgent = [owe(USDC, 119_000 * 10**6)], [owe(USDC, 134_000 * 10**6)]
    between = [owe(USDC, 125_000 * 10**6)]
    yield case("throttle, barely unhealthy: a quarter of it", [SOL_1000], barely, throttle=throttle(sol(400), level_atoms=0))
    yield case("throttle, barely unhealthy: what is left of a quarter", [SOL_1000], barely, throttle=throttle(sol(400), level_atoms=sol(60)))
    yield case("throttle, urgency between", [SOL_1000], between, throttle=throttle(sol(300), level_atoms=sol(10)))
    yield case("throttle, urgency between, in a large bucket", [have(SOL, sol(1_000_000))], [owe(USDC, 79_000_000 * 10**6)],
               throttle=throttle(sol(100_000), level_atoms=sol(12_345)))
    yield case("throttle, as urgent as can be: all of it", [SOL_1000], urgent, throttle=throttle(sol(400), level_atoms=sol(60)))
    yield case("throttle with room for all that is wanted", [SOL_1000], barely, throttle=throttle(sol(4_000), level_atoms=sol(100)))
    yield case("throttle with nothing left of a quarter", [SOL_1000], barely, throttle=throttle(sol(400), level_atoms=sol(100)))
    yield case("throttle with nothing left of a quarter, for one that is urgent", [SOL_1000], urgent, throttle=throttle(sol(400), level_atoms=sol(100)))
    yield case("throttle fuller than full, as one that was narrowed", [SOL_1000], urgent, throttle=throttle(sol(400), level_atoms=sol(401)))
    yield case("throttle with one atom left of a quarter", [SOL_1000], barely, throttle=throttle(sol(400), level_atoms=sol(100) - 1))
    yield case("throttle that empties in a line: 75 of 600 seconds to go", [SOL_1000], barely, throttle=throttle(sol(400), empty_in_secs=75))
    yield case("throttle, level rounded up to an atom", [SOL_1000], barely, throttle=throttle(1_000_003, window=601, empty_in_secs=7))
    small = have(LINEAR, 11_500_000, maintenance_bps=8_500), [owe(LINEAR_DEBT, 9_900_000)]
    yield case("a debt of dust waits for the throttle too", [small[0]], small[1], throttle=throttle(1_000, level_atoms=1_000))
    rest = [have(LINEAR, 9_000_000), have(LINEAR, 3_000_000_000)]
    yield case("a collateral of dust waits for the throttle too", rest, [owe(LINEAR_DEBT, 2_430_000_000)], throttle=throttle(1_000_000, level_atoms=1_000_000))
    yield case("a debt rest that the throttle leaves may be below dust", [have(LINEAR, 120 * 10**6)], [owe(LINEAR_DEBT, 99 * 10**6)],
               throttle=throttle(400 * 10**6, level_atoms=34_200_000), market={"target_health_bps": 20_000, "dust_usd": "15"})
    yield case("a collateral rest that the throttle leaves may be below dust",
               [have(LINEAR, 100 * 10**6), have(LINEAR, 10_000 * 10**6)], [owe(LINEAR_DEBT, 8_200 * 10**6)], throttle=throttle(372 * 10**6, level_atoms=0))
    yield case("terminal: the throttle is not asked", [have(LINEAR, 10_200 * 10**6)], [owe(LINEAR_DEBT, 10_000 * 10**6)],
               throttle=throttle(1_000, level_atoms=1_000))
    yield case("the caller wants less than the throttle leaves", [SOL_1000], barely, {"repay_max_atoms": str(5_000 * 10**6)},
               throttle=throttle(sol(400), level_atoms=0))
    yield case("the caller wants more than the throttle leaves", [SOL_1000], barely, {"seize_min_atoms": str(sol(50))},
               throttle=throttle(sol(400), level_atoms=sol(60)))
    many = [have(SOL, 100 * 10**9), have(BTC, 10**7), have(MEME, 10**14), have(LINEAR, 5_000 * 10**6)] * 2
    loans = [owe(USDC, 30_000 * 10**6), owe(ETH, 10**8), owe(USDC, 29_000 * 10**6, price="0.9993"), owe(ETH, 10**7)]
    yield case("throttle, eight collaterals and four debts", many, loans, {"collateral": 4, "debt": 2}, throttle=throttle(sol(80), level_atoms=sol(3)))
    yield case("throttle and a bonus of time", [SOL_1000, have(BTC, 10**7)], [owe(USDC, 73_000 * 10**6), owe(ETH, 15 * 10**8)], {"debt": 1},
               auction_counted_secs=300, throttle=throttle(sol(400), level_atoms=sol(33)))


def auctions():
    barely = [owe(USDC, 119_000 * 10**6)]
    for secs, note in [
        (0, "not begun"),
        (1, "a second"),
        (150, "a quarter"),
        (450, "three quarters"),
        (599, "all but a second"),
        (1_199, "almost twice: no more than the largest"),
    ]:
        yield case(f"auction time counted: {note}", [SOL_1000], barely, auction_counted_secs=secs)
    yield case("auction time counted: health gives more", [SOL_1000], [owe(USDC, 127_000 * 10**6)], auction_counted_secs=150)
    yield case("auction time counted: more than health gives", [SOL_1000], [owe(USDC, 123_000 * 10**6)], auction_counted_secs=450)
    yield case("auction time counted: terminal all the same", [have(LINEAR, 10_200 * 10**6)], [owe(LINEAR_DEBT, 10_000 * 10**6)], auction_counted_secs=600)
    yield case("auction time counted: several collaterals and debts", [have(BTC, 10**8), have(SOL, 300 * 10**9), have(MEME, 10**14)],
               [owe(USDC, 68_000 * 10**6), owe(ETH, 15 * 10**8)], {"collateral": 1, "debt": 1}, auction_counted_secs=400)


def orders():
    order = {"trigger_bps": 10_300, "bonus_bps": 50}
    acts, above, unhealthy = ([owe(USDC, usdc * 10**6)] for usdc in (116_500, 114_000, 121_000))
    yield case("protection order: acts below its trigger, at less than the least bonus", [SOL_1000], acts, protection=order)
    yield case("protection order: no bonus at all", [SOL_1000], acts, protection={"trigger_bps": 10_300, "bonus_bps": 0})
    yield case("protection order: does not act at or above its trigger", [SOL_1000], above, protection=order)
    yield case("protection order: the bonus of its own, whatever time was counted", [SOL_1000], acts, protection=order, auction_counted_secs=600)
    yield case("protection order: unhealthy, the collateral's bonus", [SOL_1000], unhealthy, protection=order)
    yield case("protection order: above the largest bonus of health, in place of it", [SOL_1000], acts, protection={"trigger_bps": 10_400, "bonus_bps": 300})
    yield case("protection order: not while cooling off", [SOL_1000], acts, protection=order, is_cooling=True)
    yield case("protection order: a price not certain enough to open risk", [have(SOL, sol(1_000), confidence="1.6")], acts, protection=order)
    yield case("protection order: a price too old to open risk", [have(SOL, sol(1_000), age_secs=31)], acts, protection=order, oracle={"borrow_age_secs": 30})
    yield case("protection order: another leg's price too old to open risk", [SOL_1000, have(BTC, 10**6, age_secs=61)], [owe(USDC, 117_500 * 10**6)], protection=order)
    yield case("protection order: unhealthy, the same price may liquidate", [have(SOL, sol(1_000), age_secs=31)], unhealthy, protection=order,
               oracle={"borrow_age_secs": 30})
    yield case("protection order: a quarter of the throttle", [SOL_1000], acts, protection=order, throttle=throttle(sol(200), level_atoms=sol(20)))
    yield case("protection order: nothing left of a quarter", [SOL_1000], acts, protection=order, throttle=throttle(sol(200), level_atoms=sol(50)))
    mixed = [have(SOL, sol(300)), have(BTC, 10**8), have(MEME, 10**14)], [owe(USDC, 71_000 * 10**6), owe(ETH, 13 * 10**8)]
    yield case("protection order: several collaterals and debts", *mixed, {"collateral": 1, "debt": 1}, protection={"trigger_bps": 10_400, "bonus_bps": 100})
    yield case("protection order: several, throttled and timed", *mixed, {"debt": 1}, protection={"trigger_bps": 10_400, "bonus_bps": 100},
               throttle=throttle(sol(100), level_atoms=sol(5)), auction_counted_secs=300)


def more_plans():
    yield from throttles()
    yield from auctions()
    yield from orders()
