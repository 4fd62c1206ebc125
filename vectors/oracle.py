"""Computes the expected results of plimsoll.json from the protocol's formulas, in 80-digit decimals and exact rationals.

It shares nothing with the engine: no fixed point, no Newton steps, no rounding but those the protocol names.
Run it as `python3 oracle.py > plimsoll.json`.
"""

import json
import sys

sys.dont_write_bytecode = True

from exact.claim_cases import claim_cases, claims
from exact.interest_cases import interest, interests
from exact.limit_cases import sequences
from exact.numbers import Refused
from exact.plan_cases import plan, plans
from exact.product_sum_cases import product_sum, product_sums
from exact.throttle_cases import more_plans


def cases():
    for note, given in (*plans(), *more_plans()):
        try:
            result = plan(given)
        except Refused as refusal:
            result = {"refusal": str(refusal)}
        yield {"kind": "plan", "note": note, "in": given, "out": result, "tol_rel": "0"}
    for note, given in interests():
        yield {"kind": "interest", "note": note, "in": given, "out": interest(given), "tol_rel": "1e-9"}
    for note, given in product_sums():
        yield {"kind": "product_sum", "note": note, "in": given, "out": product_sum(given), "tol_rel": "0"}
    for note, given in claim_cases():
        yield {"kind": "claims", "note": note, "in": given, "out": claims(given), "tol_rel": "1e-9"}
    yield from sequences()


if __name__ == "__main__":
    head = '{\n "cases": [\n'
    print(head + ",\n".join("  " + json.dumps(case) for case in cases()) + "\n ]\n}")
