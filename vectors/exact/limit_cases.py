"""Cases of kind `sequence`: loss, last-in counting, volatility, rescue, refusals."""

from copy import deepcopy

from .sequence_cases import first_sequences, pair
from .story import ETH, INTEREST, SOL, USDC, Story, changed, eth, sol, usdc


def default_with_insurance_then_haircut():
    s = Story("defaults: the first within insurance, the second beyond it, a haircut for all lenders alike",
              ["lena", "lars", "ann", "ben", "kim"], [changed(SOL, bonus={"throttle_share_bps": 1}), USDC])
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(300_000))
    s.do("supply", who="lars", reserve="USDC", atoms=usdc("123456.789012"))
    s.do("insure", who="kim", reserve="USDC", atoms=usdc(9_000))
    s.refuse("ZeroAmount", "insure", who="kim", reserve="USDC", atoms="0")
    for who, tokens, debt in [("ann", 200, 20_000), ("ben", 1_000, 100_000)]:
        s.do("deposit", who=who, reserve="SOL", atoms=sol(tokens))
        s.do("borrow", who=who, reserve="USDC", atoms=usdc(debt))
    s.wait(60)
    s.prices(SOL="80", USDC="1")
    s.refuse("NotInDefault", "settle", position="ann")
    s.do("liquidate", who="kim", position="ann", **pair())
    s.do("liquidate", who="kim", position="ben", repay_max_atoms=usdc(10_000), **pair())
    s.do("liquidate", who="kim", position="ben", **pair())
    s.refuse("SlotNotOpen", "liquidate", who="kim", position="ben", **pair())
    s.wait(10)
    s.do("redeem", who="lars", reserve="USDC", part_bps=10_000)
    s.do("supply", who="lars", reserve="USDC", atoms=usdc(50_000))
    return s.case()


def losses_paid_back():
    s = Story("two losses, paid back in parts: a lender who left keeps its claim, one who came late has none, then everything is paid",
              ["lena", "lars", "lou", "ann", "ben", "kim"], [changed(SOL, bonus={"throttle_share_bps": 1}), USDC])
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(300_000))
    s.do("supply", who="lars", reserve="USDC", atoms=usdc("123456.789012"))
    s.refuse("NothingOutstanding", "pay_back", who="kim", reserve="USDC", atoms="1")
    s.refuse("NothingRecovered", "claim", who="lena", reserve="USDC")
    for who, tokens, debt in [("ann", 200, 20_000), ("ben", 1_000, 100_000)]:
        s.do("deposit", who=who, reserve="SOL", atoms=sol(tokens))
        s.do("borrow", who=who, reserve="USDC", atoms=usdc(debt))
    s.wait(60)
    s.prices(SOL="80", USDC="1")
    s.do("liquidate", who="kim", position="ann", **pair())
    s.do("redeem", who="lars", reserve="USDC", part_bps=10_000)
    s.do("supply", who="lou", reserve="USDC", atoms=usdc(200_000))
    s.refuse("ZeroAmount", "pay_back", who="kim", reserve="USDC", atoms="0")
    s.do("pay_back", who="kim", reserve="USDC", atoms=usdc("1234.567891"))
    s.do("claim", who="lars", reserve="USDC")
    s.refuse("NothingRecovered", "claim", who="lars", reserve="USDC")
    s.refuse("NothingRecovered", "claim", who="lou", reserve="USDC")
    s.do("liquidate", who="kim", position="ben", **pair())
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(50_000))
    s.wait(604_800)
    s.do("pay_back", who="kim", reserve="USDC", atoms=usdc("7654.321"))
    s.do("claim", who="lou", reserve="USDC")
    half_paid = deepcopy(s.case())
    s.note += "; the rest"
    s.do("pay_back", who="kim", reserve="USDC", atoms=str(2**64 - 1))
    s.do("claim", who="lena", reserve="USDC")
    s.refuse("NothingOutstanding", "pay_back", who="kim", reserve="USDC", atoms="1")
    return half_paid, s.case()


def settlement_with_a_rest():
    s = Story("a default of two debts, settled with a rest of collateral, insurance of one and none of the other",
              ["lena", "bob", "kim"], [SOL, changed(ETH, rates=INTEREST), changed(USDC, rates=INTEREST)])
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(100_000))
    s.do("supply", who="lena", reserve="ETH", atoms=eth(50))
    s.do("insure", who="kim", reserve="USDC", atoms=usdc("1234.567891"))
    s.do("deposit", who="bob", reserve="SOL", atoms=sol(800))
    s.do("borrow", who="bob", reserve="USDC", atoms=usdc(45_000))
    s.do("borrow", who="bob", reserve="ETH", atoms=eth(8))
    s.wait(86_400)
    s.prices(SOL="60", ETH="3500", USDC="1")
    # Each debt takes its part of the SOL, by value as the first sale began: half of ETH's, USDC's but for a few dollars.
    s.do("liquidate", who="kim", position="bob", repay_max_atoms=eth("2.5"), **pair("SOL", "ETH"))
    s.wait(60)
    s.do("liquidate", who="kim", position="bob", repay_max_atoms=usdc(28_720), **pair("SOL", "USDC"))
    s.do("liquidate", who="kim", position="bob", **pair("SOL", "ETH"))
    s.refuse("NothingToSeize", "liquidate", who="kim", position="bob", **pair("SOL", "ETH"))
    s.wait(300)
    s.refuse("StalePrice", "settle", position="bob")
    s.prices(SOL="60", ETH="3500", USDC="1")
    s.do("settle", position="bob")
    s.refuse("NotInDefault", "settle", position="bob")
    s.wait(3_600)
    return s.case()


def last_in(note, parts):
    """Borrowers with parts of the same collateral, each to its limit. Returns the case and what all could borrow."""
    people = ["lena", "idle", *(f"b{n}" for n in range(len(parts)))]
    s = Story(note, people, [SOL, USDC])
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(30_000_000))
    # Collateral without debt counts for nobody.
    s.do("deposit", who="idle", reserve="SOL", atoms=sol(9_000))
    sure, all_doubt = 0, 0
    for who, tokens in zip(people[2:], parts):
        s.do("deposit", who=who, reserve="SOL", atoms=sol(tokens))
        good, bad = s.limit(who, "USDC")
        s.refuse("InitialHealthTooLow", "borrow", who=who, reserve="USDC", atoms=str(bad))
        s.do("borrow", who=who, reserve="USDC", atoms=str(good))
        sure, all_doubt = sure + good, all_doubt + (bad - good)
        s.wait(1)
    return s.case(), sure, all_doubt


def last_in_sequences():
    whole = last_in("last in: one borrower with all the collateral", ["150000"])
    equal = last_in("last in: the same collateral in three parts, the same limit", ["50000"] * 3)
    unequal = last_in("last in: the same collateral in five unequal parts, the same limit", ["1", "99000.5", "20000", "30000.25", "998.25"])
    for case, limit, doubt in (equal, unequal):
        assert abs(limit - whole[1]) <= doubt + whole[2], f"{case['note']}: {limit} against {whole[1]} of one borrower"
    yield from (made[0] for made in (whole, equal, unequal))


def last_in_after_repayment():
    s = Story("last in: collateral counts until somebody uncounts it after the debt is repaid", ["lena", "ann", "ben"], [SOL, USDC])
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(30_000_000))
    s.do("deposit", who="ann", reserve="SOL", atoms=sol(90_000))
    s.do("borrow", who="ann", reserve="USDC", atoms=usdc(1_000_000))
    s.do("deposit", who="ben", reserve="SOL", atoms=sol(60_000))
    s.refuse("PositionHasDebt", "uncount", position="ann", reserve="SOL")
    first = s.limit("ben", "USDC")
    s.refuse("InitialHealthTooLow", "borrow", who="ben", reserve="USDC", atoms=str(first[1]))
    s.do("repay", who="ann", reserve="USDC", atoms=usdc(2_000_000))
    s.refuse("InitialHealthTooLow", "borrow", who="ben", reserve="USDC", atoms=str(first[1]))
    s.do("uncount", position="ann", reserve="SOL")
    s.do("borrow", who="ben", reserve="USDC", atoms=str(first[1]))
    good, bad = s.limit("ben", "USDC")
    s.refuse("InitialHealthTooLow", "borrow", who="ben", reserve="USDC", atoms=str(bad))
    s.do("borrow", who="ben", reserve="USDC", atoms=str(good))
    s.wait(20)
    s.refuse("InitialHealthTooLow", "withdraw", who="ben", reserve="SOL", atoms=sol(1))
    s.do("withdraw", who="ann", reserve="SOL", atoms=sol(90_000))
    return s.case()


def volatility():
    wild = changed(SOL, risk={"sigma_floor_bps": 200, "sigma_cap_bps": 3_000, "sigma_ref_bps": 450}, caps={"collateral_atoms": str(10**13)})
    s = Story("volatility: a crash moves initial health at once and maintenance health at its own pace", ["lena", "bob", "boris", "kim"], [wild, USDC])
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(2_000_000))
    s.do("deposit", who="bob", reserve="SOL", atoms=sol(1_000))
    s.do("deposit", who="boris", reserve="SOL", atoms=sol(1_000))
    s.do("borrow", who="bob", reserve="USDC", atoms=usdc(102_000))
    s.wait(299)
    s.prices(SOL="149.5", USDC="1")  # before the grid allows a sample
    s.wait(1)
    s.prices(SOL="150", USDC="1")
    calm = s.limit("boris", "USDC")
    s.wait(600)
    s.prices(SOL={"price": "141", "confidence": "2"}, USDC="1")  # too uncertain to be one
    s.refuse("ConfidenceTooWide", "borrow", who="boris", reserve="USDC", atoms=usdc(1_000))
    s.wait(1)
    s.prices(SOL={"price": "130", "average": "136"}, USDC="1")
    good, bad = s.limit("boris", "USDC")
    assert bad * 150 < calm[0] * 130, "the crash costs more than its price"
    s.refuse("InitialHealthTooLow", "borrow", who="boris", reserve="USDC", atoms=str(bad))
    s.do("borrow", who="boris", reserve="USDC", atoms=str(good))
    s.wait(60)
    s.prices(SOL="129", USDC="1")
    s.do("flag", position="bob", **pair())  # a margin call, no more
    s.refuse("Healthy", "liquidate", who="kim", position="bob", **pair())
    for _ in range(4):
        s.wait(3_600)
        s.prices(SOL="129", USDC="1")
    s.do("flag", position="bob", **pair())
    s.wait(1)
    s.do("liquidate", who="kim", position="bob", repay_max_atoms=usdc(1_000), **pair())
    s.wait(30)
    return s.case(with_sigmas=True)


def calm_again():
    wild = changed(SOL, risk={"sigma_floor_bps": 200, "sigma_cap_bps": 3_000, "sigma_ref_bps": 450}, caps={"collateral_atoms": str(10**13)})
    s = Story("volatility: days of calm bring both down together", ["lena"], [wild, USDC])
    s.wait(300)
    s.prices(SOL="151.5", USDC="1")
    for n in range(5):
        s.wait(86_400)
        s.prices(SOL=str(151 + n % 2), USDC="1")
    s.wait(3 * 86_400)
    s.prices(SOL="152.25", USDC="1")
    s.wait(7_200)
    s.prices(SOL="149.9", USDC="1")
    return s.case(with_sigmas=True)


def rescue():
    small = changed(SOL, caps={"collateral_atoms": sol(2_000), "rescue_allowance_bps": 1_000})
    s = Story("a rescue may exceed the cap, up to the target and the allowance; nothing else may", ["lena", "bob", "boris", "fay"], [small, USDC])
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(500_000))
    s.do("deposit", who="bob", reserve="SOL", atoms=sol(1_000))
    s.do("deposit", who="boris", reserve="SOL", atoms=sol(1_000))
    s.do("borrow", who="bob", reserve="USDC", atoms=usdc(100_000))
    s.refuse("CollateralCapExceeded", "deposit", who="bob", reserve="SOL", atoms="1")
    s.wait(60)
    s.prices(SOL="128", USDC="1")
    s.refuse("CollateralCapExceeded", "deposit", who="bob", reserve="SOL", atoms=sol(60))
    s.refuse("CollateralCapExceeded", "deposit", who="boris", reserve="SOL", atoms=sol(1))
    s.do("deposit", who="fay", position="bob", reserve="SOL", atoms=sol(20))
    s.do("deposit", who="bob", reserve="SOL", atoms=sol(3))
    s.refuse("SlotNotOpen", "deposit", who="bob", position="fay", reserve="SOL", atoms="1")
    s.wait(121)
    s.refuse("StalePrice", "deposit", who="fay", position="bob", reserve="SOL", atoms=sol(1))
    return s.case()


def refusals():
    capped = changed(USDC, caps={"supply_atoms": usdc(50_000), "borrow_atoms": usdc(40_000)})
    s = Story("what is refused changes nothing", ["lena", "bob", "kim"], [SOL, ETH, capped])
    s.refuse("ZeroAmount", "supply", who="lena", reserve="USDC", atoms="0")
    s.refuse("SupplyCapExceeded", "supply", who="lena", reserve="USDC", atoms=usdc("50000.000001"))
    s.do("supply", who="lena", reserve="USDC", atoms=usdc(50_000))
    s.do("supply", who="lena", reserve="ETH", atoms=eth(2))
    s.refuse("ZeroAmount", "redeem", who="kim", reserve="USDC", part_bps=10_000)
    s.refuse("ZeroAmount", "redeem", who="lena", reserve="USDC", part_bps=0)
    s.refuse("AmountExceedsBalance", "redeem", who="lena", reserve="USDC", part_bps=10_001)
    s.refuse("ZeroAmount", "deposit", who="bob", reserve="SOL", atoms="0")
    s.do("deposit", who="bob", reserve="SOL", atoms=sol(400))
    s.refuse("CollateralIsDebt", "borrow", who="bob", reserve="SOL", atoms="1")
    s.refuse("ZeroAmount", "borrow", who="bob", reserve="USDC", atoms="0")
    s.refuse("DebtBelowMin", "borrow", who="bob", reserve="USDC", atoms=usdc("39.99"))
    s.refuse("BorrowCapExceeded", "borrow", who="bob", reserve="USDC", atoms=usdc("40000.000001"))
    s.refuse("InsufficientLiquidity", "borrow", who="bob", reserve="ETH", atoms=eth("2.00000001"))
    s.do("borrow", who="bob", reserve="USDC", atoms=usdc(40_000))
    s.refuse("CollateralIsDebt", "deposit", who="bob", reserve="USDC", atoms="1")
    s.refuse("InitialHealthTooLow", "borrow", who="bob", reserve="ETH", atoms=eth("1.9"))
    s.refuse("AmountExceedsBalance", "withdraw", who="bob", reserve="SOL", atoms=sol(401))
    s.refuse("ZeroAmount", "withdraw", who="bob", reserve="SOL", atoms="0")
    s.refuse("SlotNotOpen", "withdraw", who="bob", reserve="ETH", atoms="1")
    s.refuse("InitialHealthTooLow", "withdraw", who="bob", reserve="SOL", atoms=sol(50))
    s.refuse("ZeroAmount", "repay", who="bob", reserve="USDC", atoms="0")
    s.refuse("SlotNotOpen", "repay", who="kim", reserve="USDC", atoms="1")
    s.refuse("NotInDefault", "settle", position="bob")
    s.refuse("NotInDefault", "settle", position="kim")
    s.wait(61)
    s.refuse("StalePrice", "borrow", who="bob", reserve="ETH", atoms=eth(1))
    s.prices(SOL={"price": "150", "confidence": "1.51"}, USDC="1", ETH="3400")
    s.refuse("ConfidenceTooWide", "borrow", who="bob", reserve="ETH", atoms=eth(1))
    s.wait(1)
    s.prices(SOL={"price": "160", "average": "145"})
    s.refuse("PriceOffAverage", "withdraw", who="bob", reserve="SOL", atoms=sol(1))
    s.wait(1)
    s.refuse("PriceNotPositive", "price", reserve="SOL", price="0")
    s.refuse("PriceOutOfRange", "price", reserve="SOL", price="1000000001")
    s.prices(SOL={"price": "118", "confidence": "7"}, USDC="1")
    s.refuse("ConfidenceTooWide", "liquidate", who="kim", position="bob", **pair())
    s.wait(1)
    s.prices(SOL={"price": "122", "confidence": "3"}, USDC={"price": "1", "confidence": "0.012"})
    s.do("liquidate", who="kim", position="bob", repay_max_atoms=usdc(1_000), **pair())
    s.do("liquidate", who="kim", position="bob", **pair())
    s.refuse("Healthy", "liquidate", who="kim", position="bob", **pair())
    return s.case()


def sequences():
    yield from first_sequences()
    yield default_with_insurance_then_haircut()
    yield from losses_paid_back()
    yield settlement_with_a_rest()
    yield from last_in_sequences()
    yield last_in_after_repayment()
    yield volatility()
    yield calm_again()
    yield rescue()
    yield refusals()
