"""Cases of kind `sequence`: lending, liquidation, throttle, auction, protection."""

from .numbers import DAY, YEAR
from .story import ETH, INTEREST, SOL, USDC, Story, changed, eth, sol, usdc


def pair(collateral="SOL", debt="USDC"):
    return {"collateral": collateral, "debt": debt}


def plain_life():
    s = Story("a plain life: supply, borrow, interest, repay, redeem, withdraw", ["lena", "bob"], [SOL, changed(USDC, rates=INTEREST)])
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(100_000))
    s.do("deposit", who="bob", reserve="SOL", atoms=sol(1_000))
    s.wait(5)
    s.do("borrow", who="bob", reserve="USDC", atoms=usdc(90_000))
    s.wait(30 * DAY)
    s.refuse("InsufficientLiquidity", "redeem", who="lena", reserve="USDC", part_bps=10_000)
    s.do("redeem", who="lena", reserve="USDC", part_bps=500)
    s.refuse("StalePrice", "withdraw", who="bob", reserve="SOL", atoms=sol(1))
    s.prices(SOL="161.5", USDC="0.9998")
    s.do("withdraw", who="bob", reserve="SOL", atoms=sol(30))
    s.wait(60 * DAY)
    s.do("repay", who="bob", reserve="USDC", atoms=usdc(40_000))
    s.wait(1)
    s.do("repay", who="lena", position="bob", reserve="USDC", atoms=usdc(1_000))
    s.wait(5 * DAY)
    s.do("repay", who="bob", reserve="USDC", atoms=usdc(1_000_000))
    s.refuse("SlotNotOpen", "repay", who="bob", reserve="USDC", atoms="1")
    s.do("redeem", who="lena", reserve="USDC", part_bps=10_000)
    s.do("withdraw", who="bob", reserve="SOL", atoms=sol(970))
    return s.case()


def lenders_at_different_times():
    live = changed(USDC, rates=INTEREST)
    s = Story("lenders who come and go while interest grows on two debts", ["lena", "lars", "lida", "bob", "boris"], [SOL, live, changed(ETH, rates=INTEREST)])
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(300_000))
    s.do("supply", who="lars", reserve="ETH", atoms=eth(100))
    s.do("deposit", who="bob", reserve="SOL", atoms=sol(3_000))
    s.do("deposit", who="boris", reserve="SOL", atoms=sol("1234.567890123"))
    s.do("borrow", who="bob", reserve="USDC", atoms=usdc("150000.000001"))
    s.do("borrow", who="bob", reserve="ETH", atoms=eth(30))
    s.wait(7 * DAY)
    s.do("supply", who="lida", reserve="USDC", atoms=usdc("77777.777777"))
    s.wait(7 * DAY)
    s.prices(SOL="149", USDC="1", ETH="3400")
    s.do("borrow", who="boris", reserve="USDC", atoms=usdc(110_000))
    s.wait(7 * DAY)
    s.do("redeem", who="lena", reserve="USDC", part_bps=3_333)
    s.do("supply", who="lars", reserve="USDC", atoms=usdc(50_000))
    s.wait(7 * DAY + 3_601)
    s.refuse("InsufficientLiquidity", "redeem", who="lida", reserve="USDC", part_bps=10_000)
    s.do("repay", who="lars", position="bob", reserve="USDC", atoms=usdc(25_000))
    s.do("repay", who="bob", reserve="ETH", atoms=eth(30))
    s.do("redeem", who="lida", reserve="USDC", part_bps=10_000)
    s.do("redeem", who="lars", reserve="ETH", part_bps=5_000)
    s.wait(7 * DAY)
    return s.case()


def interest_to_the_atom():
    flat = {**INTEREST, "base_rate_bps": 10_000, "kink_rate_bps": 10_000, "max_rate_bps": 10_000}
    s = Story("interest that the formats hold exactly, 1/128 at a time: every rounding to the atom", ["lena", "lars", "bob", "boris", "bea", "ben"],
              [SOL, changed(USDC, rates=flat)])
    s.do("supply", who="lena", reserve="USDC", atoms=usdc("99999.999999"))
    for who in ("bob", "boris", "bea", "ben"):
        s.do("deposit", who=who, reserve="SOL", atoms=sol(500))
    s.do("borrow", who="bob", reserve="USDC", atoms="1000000007")
    for n in range(6):
        s.wait(YEAR // 128)
        s.do("supply", who="lars", reserve="USDC", atoms=str(333_333_333 + n))
        s.prices(SOL="150", USDC="1")
        s.do("borrow", who="boris", reserve="USDC", atoms=str(500_000_003 + 7 * n))
        s.do("repay", who="bob", reserve="USDC", atoms=str(10_000_001 + n))
        s.do("redeem", who="lena", reserve="USDC", part_bps=777)
    s.do("repay", who="bob", reserve="USDC", atoms=usdc(1_000_000))
    s.wait(YEAR // 128)
    s.prices(SOL="150", USDC="1")
    # Seen at once, where rounding to a share shows: shares up, then atoms up; shares burned down.
    for who in ("bea", "ben"):
        s.do("borrow", who=who, reserve="USDC", atoms="77777777")
    for atoms in (11_111, 22_222, 1):
        s.do("repay", who="ben", reserve="USDC", atoms=str(atoms))
    case = s.case()
    assert not case["out"]["abs_tol"], case["out"]["abs_tol"]
    return case


def liquidation_to_target():
    s = Story("a liquidation to the target: too early, cooling off, done, over", ["lena", "bob", "kim"], [SOL, USDC])
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(500_000))
    s.do("deposit", who="bob", reserve="SOL", atoms=sol(1_000))
    s.do("borrow", who="bob", reserve="USDC", atoms=usdc(100_000))
    s.refuse("Healthy", "liquidate", who="kim", position="bob", **pair())
    s.prices(SOL="122")  # no newer than what is kept
    s.refuse("Healthy", "liquidate", who="kim", position="bob", **pair())
    s.wait(2)
    s.prices(SOL="122")
    s.wait(2)
    s.refuse("CoolingOff", "liquidate", who="kim", position="bob", **pair())
    s.wait(1)
    s.refuse("SlotNotOpen", "liquidate", who="kim", position="bob", **pair("USDC", "SOL"))
    s.refuse("SeizeBelowMin", "liquidate", who="kim", position="bob", seize_min_atoms=sol(999), **pair())
    s.refuse("ZeroAmount", "liquidate", who="kim", position="bob", repay_max_atoms="0", **pair())
    s.do("liquidate", who="kim", position="bob", repay_max_atoms=usdc(10_000), **pair())
    s.do("liquidate", who="kim", position="bob", **pair())
    s.refuse("Healthy", "liquidate", who="kim", position="bob", **pair())
    s.wait(60)
    return s.case()


def cross_margin_with_interest():
    live = [SOL, changed(ETH, rates=INTEREST), changed(USDC, rates=INTEREST)]
    s = Story("a liquidation of two collaterals and two debts, pair by pair, with interest", ["lena", "bob", "kim", "kai"], [*live, changed(SOL, name="JUP", price="0.8")])
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(200_000))
    s.do("supply", who="lena", reserve="ETH", atoms=eth(40))
    s.do("deposit", who="bob", reserve="SOL", atoms=sol(1_000))
    s.do("deposit", who="bob", reserve="JUP", atoms=sol(50_000))
    s.do("borrow", who="bob", reserve="USDC", atoms=usdc(80_000))
    s.do("borrow", who="bob", reserve="ETH", atoms=eth(12))
    s.wait(20 * DAY)
    s.prices(SOL="114.9", JUP="0.771", ETH="3466.66", USDC="1.0002")
    s.do("liquidate", who="kim", position="bob", repay_max_atoms=eth(2), **pair("SOL", "ETH"))
    s.wait(60)
    s.do("liquidate", who="kai", position="bob", repay_max_atoms=usdc(3_000), **pair("JUP", "USDC"))
    s.do("liquidate", who="kim", position="bob", **pair("JUP", "ETH"))
    s.wait(DAY)
    return s.case()


def cascade():
    tight = changed(SOL, bonus={"throttle_share_bps": 1})
    people = ["lena", "ana", "ben", "cem", "dov", "kim"]
    s = Story("a throttled cascade: barely unhealthy positions leave room to urgent ones, and time empties the bucket", people, [tight, USDC])
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(1_000_000))
    for who, tokens, debt in [("ana", 1_000, 98_000), ("ben", 800, 80_500), ("cem", 600, 62_500), ("dov", 300, 31_350)]:
        s.do("deposit", who=who, reserve="SOL", atoms=sol(tokens))
        s.do("borrow", who=who, reserve="USDC", atoms=usdc(debt))
    s.wait(60)
    s.prices(SOL="122", USDC="1")
    # A throttle of 200: a quarter of it is 50, and more for whoever is worse off.
    s.do("liquidate", who="kim", position="ana", **pair())
    s.refuse("Throttled", "liquidate", who="kim", position="ana", **pair())
    s.refuse("Throttled", "flag", position="ana", **pair())
    s.do("flag", position="cem", **pair())
    s.do("liquidate", who="kim", position="ben", **pair())
    s.do("liquidate", who="kim", position="dov", **pair())
    s.refuse("Throttled", "liquidate", who="kim", position="cem", **pair())
    s.wait(30)
    s.refuse("Throttled", "flag", position="cem", **pair())  # a trickle is no sale
    s.do("liquidate", who="kim", position="cem", **pair())
    s.wait(60)
    s.prices(SOL="114", USDC="1")
    s.do("liquidate", who="kim", position="ben", **pair())
    s.refuse("Throttled", "liquidate", who="kim", position="ana", **pair())
    s.wait(120)
    s.prices(SOL="114.5", USDC="1")
    s.refuse("Throttled", "flag", position="cem", **pair())
    s.do("liquidate", who="kim", position="cem", repay_max_atoms=usdc(2_000), **pair())
    s.wait(110)
    s.prices(SOL="114.5", USDC="1")
    s.do("liquidate", who="kim", position="dov", **pair())
    s.wait(75)
    return s.case()


def auction():
    s = Story("an auction that raises the bonus over sightings; gaps count little, health ends it, a new one starts at zero",
              ["lena", "bob", "kim"], [SOL, USDC])
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(500_000))
    s.do("deposit", who="bob", reserve="SOL", atoms=sol(1_000))
    s.do("borrow", who="bob", reserve="USDC", atoms=usdc(100_000))
    s.wait(10)
    s.refuse("Healthy", "flag", position="bob", **pair())
    s.prices(SOL="128", USDC="1")
    s.do("flag", position="bob", **pair())  # below the call level: a margin call
    s.refuse("Healthy", "flag", position="bob", **pair())
    s.wait(20)
    s.prices(SOL="125.5", USDC="1")
    s.do("flag", position="bob", **pair())
    for secs in (30, 60, 45):
        s.wait(secs)
        s.prices(SOL="125.5", USDC="1")
        s.do("flag", position="bob", **pair())
    s.prices(SOL="125.5", USDC="1")
    s.wait(400)
    s.refuse("StalePrice", "flag", position="bob", **pair())
    s.prices(SOL="125.4", USDC="1")
    s.do("flag", position="bob", **pair())
    s.wait(50)
    s.do("liquidate", who="kim", position="bob", repay_max_atoms=usdc(1_000), **pair())
    s.wait(59)
    s.do("liquidate", who="kim", position="bob", repay_max_atoms=usdc(1_000), **pair())
    s.wait(20)
    s.prices(SOL="131", USDC="1")
    s.do("flag", position="bob", **pair())  # healthy, still below the call level: the flag is gone
    s.wait(10)
    s.prices(SOL="124.9", USDC="1")
    s.do("flag", position="bob", **pair())
    s.wait(90)
    s.do("liquidate", who="kim", position="bob", repay_max_atoms=usdc(500), **pair())
    s.wait(30)
    return s.case()


def auction_to_its_end():
    s = Story("an auction to its largest bonus, and a flag that dies after two auction times", ["lena", "bob", "kim"], [SOL, USDC], auction_secs=120)
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(500_000))
    s.do("deposit", who="bob", reserve="SOL", atoms=sol(1_000))
    s.do("borrow", who="bob", reserve="USDC", atoms=usdc(100_000))
    s.wait(10)
    s.prices(SOL="125.7", USDC="1")
    for _ in range(3):
        s.do("flag", position="bob", **pair())
        s.wait(60)
        s.prices(SOL="125.7", USDC="1")
    s.do("liquidate", who="kim", position="bob", repay_max_atoms=usdc(1_000), **pair())
    s.wait(60)
    s.prices(SOL="125.2", USDC="1")
    s.do("liquidate", who="kim", position="bob", repay_max_atoms=usdc(1_000), **pair())  # 240 s: the flag is dead
    s.do("flag", position="bob", **pair())
    s.wait(61)
    return s.case()


def protection():
    s = Story("a protection order: set within bounds, acts below its trigger only, at its bonus; unhealthy, the usual one",
              ["lena", "bob", "kim"], [SOL, USDC])
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(500_000))
    s.do("deposit", who="bob", reserve="SOL", atoms=sol(1_000))
    s.do("borrow", who="bob", reserve="USDC", atoms=usdc(100_000))
    for trigger, bonus in [(10_000, 50), (10_401, 50), (10_300, 301), (0, 50)]:
        s.refuse("InvalidProtectionOrder", "set_order", who="bob", trigger_bps=trigger, bonus_bps=bonus)
    s.do("set_order", who="bob", trigger_bps=10_300, bonus_bps=50)
    s.wait(10)
    s.prices(SOL="131.5", USDC="1")
    s.refuse("Healthy", "liquidate", who="kim", position="bob", **pair())
    s.wait(20)
    s.prices(SOL="128.5", USDC="1")
    s.do("liquidate", who="kim", position="bob", **pair())
    s.wait(70)
    s.prices(SOL="125")
    s.refuse("StalePrice", "liquidate", who="kim", position="bob", **pair())  # the debt's price is not new enough to open risk
    s.prices(USDC="1")
    s.do("liquidate", who="kim", position="bob", repay_max_atoms=usdc(300), **pair())
    s.do("set_order", who="bob", trigger_bps=0, bonus_bps=0)
    s.refuse("Healthy", "liquidate", who="kim", position="bob", **pair())
    s.do("set_order", who="bob", trigger_bps=10_400, bonus_bps=0)
    s.wait(20)
    s.prices(SOL="116", USDC="1")
    s.do("liquidate", who="kim", position="bob", **pair())
    return s.case()


def first_sequences():
    yield plain_life()
    yield lenders_at_different_times()
    yield interest_to_the_atom()
    yield liquidation_to_target()
    yield cross_margin_with_interest()
    yield cascade()
    yield auction()
    yield auction_to_its_end()
    yield protection()
