"""Cases of kind `claims`: who is owed what of every loss, in exact fractions, loss by loss and lender by lender."""

from fractions import Fraction

from .numbers import decimal, text


def claims(case):
    shares = [Fraction(0)] * case["lenders"]
    owed, paid = [Fraction(0)] * case["lenders"], [Fraction(0)] * case["lenders"]
    for event in case["events"]:
        if "shares" in event:
            shares[event["shares"]["who"]] = Fraction(event["shares"]["amount"])
        elif "loss" in event:
            part = Fraction(event["loss"]) / sum(shares)
            owed = [o + part * s for o, s in zip(owed, shares)]
        else:
            part = Fraction(event["recovery"]) / sum(owed)
            assert part <= 1, event
            paid = [p + part * o for p, o in zip(paid, owed)]
            owed = [o - part * o for o in owed]
    return {"outstanding": [text(decimal(o)) for o in owed], "paid": [text(decimal(p)) for p in paid]}


def shares(who, amount):
    return {"shares": {"who": who, "amount": str(amount)}}


def loss(amount):
    return {"loss": str(amount)}


def recovery(amount):
    return {"recovery": str(amount)}


def claim_cases():
    def case(note, lenders, *events):
        return note, {"lenders": lenders, "events": list(events)}

    three = [shares(0, 3), shares(1, 1)]
    yield case("a recovery long after the loss, one lender gone, one late", 3,
               *three, loss(1000), shares(0, 0), shares(2, 50), recovery(400))
    yield case("two losses of different lenders share a recovery by what is outstanding of each", 3,
               *three, loss(1000), recovery(250), shares(1, 0), shares(2, 5), loss(600), recovery(270))
    yield case("everything paid, then the next loss", 2,
               *three, loss(800), recovery(300), recovery(500), shares(1, 2), loss(90), recovery(9))
    almost = [loss(10), recovery("9.99"), *[event for _ in range(4) for event in (loss(10), recovery(10))]]
    yield case("five small losses, each repaid but for a thousandth of what is outstanding", 2, *three, *almost)
    # All but a billionth, nine times: what is left of the first loss is 1e-81 of it.
    often, left = [], Fraction(0)
    for _ in range(9):
        left += 10**6
        often += [loss(10**6), recovery(text(decimal(left - left / 10**9).quantize(decimal(Fraction(1, 10**9)))))]
        left -= Fraction(often[-1]["recovery"])
    yield case("nine losses, each repaid but for a billionth of what is outstanding, and the old claim of one who left", 3,
               shares(0, 10), shares(1, 7), loss(500), shares(0, 0), shares(2, 3), *often)
    yield case("shares of very different sizes", 3,
               shares(0, "0.000000001"), shares(1, "10000000000"), shares(2, 1), loss(10**9), recovery(123456789), shares(1, 0), loss("0.5"), recovery(1))
    yield case("a thousand changes of shares between loss and recovery", 2,
               shares(0, 1), shares(1, 1), loss(2000), *[shares(i % 2, 1 + i) for i in range(1000)], recovery(1000), loss(10), recovery(505))
