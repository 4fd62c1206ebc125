"""Tells a sequence: plays each action as it is written down, and ends as a case."""

from decimal import Decimal

from .market import Market
from .numbers import Refused, ceil, floor
from .results import results, sigmas

POLICY = {
    "target_health_bps": 10_500,
    "call_level_bps": 10_400,
    "dust_usd": "10",
    "cool_off_slots": 10,
    "bonus_default_bps": 300,
    "auction_secs": 600,
    "sighting_secs": 60,
}
NO_INTEREST = {"base_rate_bps": 0, "kink_utilisation_bps": 8_000, "kink_rate_bps": 0, "max_rate_bps": 0, "insurance_share_bps": 0, "fee_share_bps": 0}
INTEREST = {**NO_INTEREST, "kink_rate_bps": 600, "max_rate_bps": 10_000, "insurance_share_bps": 1_000, "fee_share_bps": 500}
ORACLE = {
    "borrow_age_secs": 60,
    "liquidate_age_secs": 120,
    "confidence_soft_bps": 100,
    "confidence_hard_bps": 500,
    "ema_band_bps": 1_000,
    "stale_secs": 3_600,
    "dead_secs": 21_600,
    "sample_secs": 300,
}


def pinned(bps):
    """Volatility that does not move."""
    return {"sigma_floor_bps": bps, "sigma_cap_bps": bps, "sigma_ref_bps": bps, "sigma_rise_bps_per_hour": 50}


SOL = {
    "name": "SOL",
    "decimals": 9,
    "price": "150",
    "sigma_bps": 450,
    "risk": {"maintenance_bps": 8_000, "debt_weight_bps": 10_000, "z_x100": 233, "tau_secs": 600, "spread_bps": 10, "impact_sqrt_bps": 100,
             "depth_atoms": str(2 * 10**15), "depth_floor_atoms": str(10**13), **pinned(450)},
    "initial": {"initial_bps": 7_500, "debt_weight_bps": 10_500},
    "bonus": {"bonus_min_bps": 100, "bonus_max_bps": 800, "health_max_bonus_bps": 9_000, "fee_share_bps": 1_000,
              "throttle_share_bps": 1_000, "throttle_window_secs": 600},
    "oracle": ORACLE,
    "rates": NO_INTEREST,
    "caps": {"supply_atoms": str(10**18), "borrow_atoms": str(10**18), "collateral_atoms": str(2 * 10**14), "rescue_allowance_bps": 1_000},
}
ETH = {
    **SOL,
    "name": "ETH",
    "decimals": 8,
    "price": "3412.07",
    "sigma_bps": 350,
    "risk": {**SOL["risk"], "maintenance_bps": 8_200, "debt_weight_bps": 11_000, "depth_atoms": str(5 * 10**12), "depth_floor_atoms": str(10**11), **pinned(350)},
    "initial": {"initial_bps": 7_800, "debt_weight_bps": 11_500},
    "caps": {**SOL["caps"], "collateral_atoms": str(4 * 10**11)},
}
USDC = {
    **SOL,
    "name": "USDC",
    "decimals": 6,
    "price": "1",
    "sigma_bps": 20,
    "risk": {**SOL["risk"], "maintenance_bps": 9_000, "spread_bps": 2, "depth_atoms": str(5 * 10**13), "depth_floor_atoms": str(10**12), **pinned(20)},
    "initial": {"initial_bps": 8_500, "debt_weight_bps": 10_000},
    "bonus": {**SOL["bonus"], "bonus_max_bps": 500, "health_max_bonus_bps": 9_500},
    "caps": {**SOL["caps"], "collateral_atoms": str(2 * 10**11)},
}


def changed(reserve, **changes):
    """A reserve with some of its terms replaced, a level below where they are objects."""
    merged = {name: {**reserve[name], **value} if isinstance(value, dict) else value for name, value in changes.items()}
    return {**reserve, **merged}


def sol(tokens):
    return str(int(Decimal(str(tokens)) * 10**9))


def eth(tokens):
    return str(int(Decimal(str(tokens)) * 10**8))


def usdc(tokens):
    return str(int(Decimal(str(tokens)) * 10**6))


class Story:
    def __init__(self, note, people, reserves, **policy):
        self.note, self.people, self.reserves = note, people, reserves
        self.policy = {**POLICY, **policy}
        self.market = Market(self.policy, reserves, people)
        self.actions, self.now = [], 0

    def wait(self, secs):
        self.now += secs

    def do(self, verb, **fields):
        """An action that succeeds."""
        action = {"at_secs": self.now, "do": verb, **fields}
        try:
            self.market.act(action)
        except Refused as refusal:
            raise AssertionError(f"{self.note}: {action} is refused: {refusal}") from refusal
        self.actions.append(action)

    def refuse(self, error, verb, **fields):
        """An action that is refused."""
        action = {"at_secs": self.now, "do": verb, **fields}
        try:
            self.market.act(action)
        except Refused as refusal:
            assert str(refusal) == error, f"{self.note}: {action} is refused: {refusal}, not {error}"
        else:
            raise AssertionError(f"{self.note}: {action} is not refused")
        self.actions.append({**action, "refused": error})

    def prices(self, **prices):
        """Prices of reserves by name; a dictionary where there is more to say than the price."""
        for name, price in prices.items():
            self.do("price", reserve=name, **(price if isinstance(price, dict) else {"price": price}))

    def limit(self, who, reserve):
        """(what can surely be borrowed more by initial health, what can surely not), atoms."""
        position, lent = self.market.positions[who], self.market.reserves[reserve]
        # As if all collateral were counted, which borrowing does.
        collaterals = {name: list(held) for name, held in position.collaterals.items()}
        counted = {name: self.market.reserves[name].counted for name in collaterals}
        for name, held in position.collaterals.items():
            self.market.reserves[name].counted += held[0] - held[1]
            held[1] = held[0]
        collateral, debt, doubt = self.market.initial(position, self.now)
        position.collaterals = collaterals
        for name, atoms in counted.items():
            self.market.reserves[name].counted = atoms
        terms = lent.config
        move = Decimal(terms["risk"]["z_x100"]) / 100 * lent.sigma * (Decimal(terms["risk"]["tau_secs"]) / 86_400).sqrt()
        atom = lent.reading["price"] / 10 ** terms["decimals"] * terms["initial"]["debt_weight_bps"] / 10_000 * (1 + move)
        # The debt itself brings its doubt: a part of the weight, and an atom.
        doubt += (collateral - debt) / 2**30
        return floor((collateral - debt - doubt) / atom) - 1, ceil((collateral - debt + doubt) / atom) + 1

    def case(self, with_sigmas=False):
        values, doubts = results(self.market, self.now)
        moved = sigmas(self.market, self.now) if with_sigmas else {}
        given = {"market": self.policy, "reserves": self.reserves, "people": self.people, "actions": self.actions, "end_secs": self.now}
        return {"kind": "sequence", "note": self.note, "in": given, "out": {**values, **moved, "abs_tol": doubts}, "tol_rel": "0"}
