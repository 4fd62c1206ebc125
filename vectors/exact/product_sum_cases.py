"""Cases of kind `product_sum`: every provider's part computed for itself, provider by provider, without P or S."""

from fractions import Fraction

from .numbers import decimal, text


def product_sum(case):
    deposits = [Fraction(0)] * case["providers"]
    gains = [Fraction(0)] * case["providers"]
    for event in case["events"]:
        (verb, given), = event.items()
        if verb == "deposit":
            deposits[given["who"]] += Fraction(given["amount"])
        elif verb == "withdraw":
            deposits[given["who"]] -= Fraction(given["amount"])
        else:
            total, spent = sum(deposits), Fraction(given["debt"])
            gains = [gain + Fraction(given["collateral"]) * deposit / total for gain, deposit in zip(gains, deposits)]
            deposits = [deposit * (total - spent) / total for deposit in deposits]
    shown = lambda numbers: [text(decimal(number)) for number in numbers]
    return {"deposits": shown(deposits), "gains": shown(gains)}


def product_sums():
    deposit = lambda who, amount: {"deposit": {"who": who, "amount": str(amount)}}
    withdraw = lambda who, amount: {"withdraw": {"who": who, "amount": str(amount)}}
    offset = lambda debt, collateral: {"offset": {"debt": str(debt), "collateral": str(collateral)}}
    atom = "0.000000001"

    yield "nothing bought: what was put in", {"providers": 2, "events": [deposit(0, 5), deposit(1, "0.1")]}
    yield "withdrawn between purchases", {
        "providers": 2,
        "events": [deposit(0, 100), deposit(1, 300), offset(200, 10), withdraw(1, 100), offset(50, 30), deposit(0, 7)],
    }
    yield "who comes after a purchase has no part in it", {
        "providers": 2,
        "events": [deposit(0, 8), offset(4, 1), deposit(1, 4), offset(2, 1)],
    }
    # Each leaves one atom of ten million tokens: P falls by 2^53, in all by more than six scales of the engine.
    nearly = f"9999999.{'9' * 9}"
    yield "emptied to the last atom, four times", {
        "providers": 2,
        "events": [deposit(0, 10_000_000), offset(nearly, 500), *([deposit(1, nearly), offset(nearly, 500)] * 3)],
    }
    # The sleeper's deposit shrinks below an atom, and collateral is so cheap that this part still earns.
    yield "asleep while the pool is emptied and filled", {
        "providers": 2,
        "events": [deposit(0, 10_000_000_000), offset(f"9999999999.{'9' * 9}", 10_000_000_000), deposit(1, 1_000), offset("999.5", 9_000_000), offset("0.4", 4_000)],
    }
    yield "purchases of an atom", {"providers": 3, "events": [deposit(0, 1), deposit(1, 2), deposit(2, 4), *([offset(atom, atom)] * 50)]}
