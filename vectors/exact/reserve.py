"""One reserve over time: interest, shares, loss, volatility, throttle (protocol, sections 3 to 6).

Shares are whole multiples of what docs/units.md says (debt: 2^-32 atom at index 1; supply: a first atom is 2^20 shares, with
one virtual atom and 2^20 virtual shares), the index is rounded up to 2^-64. Rates and volatility are exact here, so they
leave doubts, kept beside the ledgers.
"""

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from .numbers import DAY, FACTOR, ONE, ROOT_DAYS, YEAR, ZERO, Refused, bps, ceil, decimal, floor

SHARE = 2**32
VIRTUAL = 2**20


class Reserve:
    def __init__(self, config, now):
        self.config, self.oracle = config, config["oracle"]
        self.cash = self.insurance = self.fee = self.waiting_insurance = self.waiting_fee = 0
        self.collateral = self.counted = self.forfeited = 0
        self.debt_shares = self.supply_shares = 0
        self.index, self.index_doubt = Fraction(1), ZERO
        self.accrued_at = now
        # How far each ledger may be off, atoms.
        self.doubt = defaultdict(lambda: ZERO)
        self.empty_at, self.level_doubt = Fraction(now), ZERO
        risk = config["risk"]
        self.sigma = self.within(bps(config["sigma_bps"]))
        self.sigma_maintenance, self.moved_at, self.sigma_doubt = self.sigma, now, ZERO
        self.reading = None
        self.keep(config, now, is_first=True)
        self.rise = bps(risk["sigma_rise_bps_per_hour"]) / 3_600

    # -- prices and volatility --

    def within(self, sigma):
        risk = self.config["risk"]
        return min(max(sigma, bps(risk["sigma_floor_bps"])), bps(risk["sigma_cap_bps"]))

    def keep(self, given, now, is_first=False):
        if not is_first and now <= self.reading["published"]:
            return  # not newer: the kept one stands, and that is no error
        price = Decimal(given["price"])
        self.reading = {
            "price": price,
            "average": Decimal(given.get("average", given["price"])),
            "confidence": Decimal(given.get("confidence", "0")),
            "published": now,
        }
        if is_first:
            self.sampled = (price, now)
            return
        elapsed = now - self.sampled[1]
        is_sure = self.reading["confidence"] <= price * bps(self.oracle["confidence_soft_bps"])
        if elapsed >= self.oracle["sample_secs"] and is_sure:
            self.sample(price, now, elapsed)

    def sample(self, price, now, elapsed):
        days = Decimal(elapsed) / DAY
        moved = abs((price / self.sampled[0]).ln())
        clip = 4 * bps(self.config["risk"]["sigma_cap_bps"]) * days.sqrt()
        moved, is_clipped = min(moved, clip), moved > clip
        weight = min(days, ONE)
        weight = weight / (weight + 1)
        variance = self.sigma**2 + weight * (moved**2 / days - self.sigma**2)
        # The logarithm is a series of five terms in z, the ratio of difference and sum.
        z = (price - self.sampled[0]) / (price + self.sampled[0])
        off = 4 * clip * ROOT_DAYS if is_clipped else abs(z) ** 11 * Decimal("0.25") + 8 * FACTOR
        variance_doubt = weight * (2 * moved * off / days + 2 * FACTOR / days) + 2 * self.sigma * self.sigma_doubt + 4 * FACTOR
        before = self.maintenance_at(now)
        observed = self.within(variance.sqrt())
        is_pinned = self.config["risk"]["sigma_floor_bps"] == self.config["risk"]["sigma_cap_bps"]
        self.sigma_doubt = ZERO if is_pinned else variance_doubt / observed + 2 * FACTOR
        # Up at the bounded speed, while there was something to follow; down at once.
        self.sigma_maintenance = min(observed, before)
        self.sigma, self.moved_at, self.sampled = observed, now, (price, now)

    def maintenance_at(self, now):
        return self.within(min(self.sigma, self.sigma_maintenance + self.rise * (now - self.moved_at)))

    def unfit(self, now):
        """Why the price may not open risk."""
        r, o = self.reading, self.oracle
        if now - r["published"] > o["borrow_age_secs"]:
            return "StalePrice"
        if r["confidence"] > r["price"] * bps(o["confidence_soft_bps"]):
            return "ConfidenceTooWide"
        if abs(r["price"] - r["average"]) > r["average"] * bps(o["ema_band_bps"]):
            return "PriceOffAverage"
        return None

    # -- interest --

    def accrue(self, now):
        if now <= self.accrued_at:
            return
        secs, self.accrued_at = now - self.accrued_at, now
        if not self.debt_shares:
            return
        rates = self.config["rates"]
        part = lambda name: Fraction(rates[name], 10_000)
        owed = self.total_debt()
        used, kink = Fraction(owed, owed + self.cash), part("kink_utilisation_bps")
        low, middle, high = part("base_rate_bps"), part("kink_rate_bps"), part("max_rate_bps")
        below, beyond = (middle - low) / kink, (high - middle) / (1 - kink)
        rate = low + below * used if used <= kink else middle + beyond * (used - kink)
        grown = self.rounded_index(self.index * (1 + rate * secs / YEAR))
        known = self.index_doubt
        # A rate of any use, and a growth, that the formats hold exactly leave no doubt.
        is_dyadic = lambda x, bits: (x * 2**bits).denominator == 1
        is_exact = below == beyond == 0 and is_dyadic(rate, 40) and is_dyadic(rate * secs / YEAR, 64)
        if not is_exact:
            # Use is off by a step and by what the ledgers are; rate and growth are rounded up to steps.
            used_doubt = FACTOR + (1 + self.doubt["cash"]) / (owed + self.cash) + self.index_doubt
            rate_doubt = decimal(max(below, beyond)) * used_doubt + 4 * FACTOR
            self.index_doubt += rate_doubt * secs / YEAR + ONE / 2**62
        earned = floor(self.debt_shares * grown / SHARE) - floor(self.debt_shares * self.index / SHARE)
        self.index = grown
        for name, waiting in (("insurance", "waiting_insurance"), ("fee", "waiting_fee")):
            share = part(f"{name}_share_bps")
            setattr(self, waiting, getattr(self, waiting) + floor(share * earned))
            if share and not is_exact:
                off = owed * (self.index_doubt - known) + earned * known + 2
                self.doubt[waiting] += decimal(share) * off + 1
                self.doubt["assets"] += decimal(share) * off + 1
        self.realise()

    @staticmethod
    def rounded_index(index):
        return Fraction(ceil(index * 2**64), 2**64)

    def realise(self):
        for name, waiting in (("insurance", "waiting_insurance"), ("fee", "waiting_fee")):
            taken = min(self.cash, getattr(self, waiting))
            self.cash -= taken
            setattr(self, waiting, getattr(self, waiting) - taken)
            setattr(self, name, getattr(self, name) + taken)
            if taken:
                self.doubt["cash"] += self.doubt[waiting]
                self.doubt[name] += self.doubt[waiting]
                # Where cash is short, what is taken and what waits are both in doubt.
                self.doubt[waiting] = self.doubt[waiting] if getattr(self, waiting) else ZERO

    def owed(self, shares):
        return ceil(shares * self.index / SHARE)

    def projected_owed(self, shares, now):
        """Owed with interest up to now, which is not booked."""
        ahead = Reserve.__new__(Reserve)
        ahead.__dict__ = {**self.__dict__, "doubt": self.doubt.copy()}
        ahead.accrue(now)
        return ahead.owed(shares), ahead.owed_doubt(shares)

    def owed_doubt(self, shares):
        return shares * decimal(self.index) / SHARE * self.index_doubt + 1 if self.index_doubt and shares else ZERO

    def total_debt(self):
        return self.owed(self.debt_shares)

    # -- supply --

    def assets(self):
        return floor(self.debt_shares * self.index / SHARE) + self.cash - self.waiting_insurance - self.waiting_fee

    def assets_doubt(self):
        """What moves between cash and debt, or from waiting to a ledger, leaves assets as they are."""
        return self.doubt["assets"] + self.owed_doubt(self.debt_shares)

    def supply(self, atoms):
        if atoms == 0:
            raise Refused("ZeroAmount")
        if self.assets() + atoms > int(self.config["caps"]["supply_atoms"]):
            raise Refused("SupplyCapExceeded")
        shares = atoms * (self.supply_shares + VIRTUAL) // (self.assets() + 1)
        # Shares bought at a price in doubt are worth as much more or less.
        self.doubt["assets"] += self.assets_doubt() * atoms / (self.assets() + 1)
        self.cash += atoms
        self.supply_shares += shares
        return shares

    def worth(self, shares):
        return shares * (self.assets() + 1) // (self.supply_shares + VIRTUAL)

    def worth_doubt(self, shares):
        doubt = self.assets_doubt()
        return doubt + 1 if doubt and shares else ZERO

    def redeem(self, shares):
        if shares == 0:
            raise Refused("ZeroAmount")
        atoms, doubt = self.worth(shares), self.worth_doubt(shares)
        if atoms == 0:
            raise Refused("ZeroAmount")
        if atoms > self.cash:
            raise Refused("InsufficientLiquidity")
        self.cash -= atoms
        self.supply_shares -= shares
        self.doubt["cash"] += doubt
        self.doubt["assets"] += doubt
        return atoms, doubt

    # -- debt --

    def lend(self, atoms):
        if atoms == 0:
            raise Refused("ZeroAmount")
        if atoms > self.cash:
            raise Refused("InsufficientLiquidity")
        shares = ceil(Fraction(atoms * SHARE) / self.index)
        if self.owed(self.debt_shares + shares) > int(self.config["caps"]["borrow_atoms"]):
            raise Refused("BorrowCapExceeded")
        self.cash -= atoms
        self.debt_shares += shares
        return shares

    def take_repayment(self, shares, atoms, doubt=ZERO):
        """Burns what atoms pay of a debt; all of it where they are all. Returns the shares burned."""
        burned = shares if atoms >= self.owed(shares) else min(shares, floor(Fraction(atoms * SHARE) / self.index))
        self.cash += atoms
        self.debt_shares -= burned
        self.doubt["cash"] += doubt
        self.add_debt_doubt(doubt)
        self.realise()
        return burned

    def write_off(self, shares, doubt):
        """Returns the haircut and its doubt."""
        owed, assets = self.owed(shares), self.assets()
        insured = min(owed, self.insurance + self.waiting_insurance)
        ledger = min(insured, self.insurance)
        self.debt_shares -= shares
        self.insurance -= ledger
        self.cash += ledger
        self.waiting_insurance -= insured - ledger
        # Insurance that is all spent leaves no doubt of what is left of it.
        is_spent = owed > insured
        paid = self.doubt["insurance"] if is_spent else doubt
        self.doubt["cash"] += paid if ledger else ZERO
        self.doubt["insurance"] = ZERO if is_spent else self.doubt["insurance"] + paid
        # What insurance pays in full is no loss of lenders.
        self.doubt["assets"] += doubt + paid if is_spent else ZERO
        self.add_debt_doubt(doubt)
        return min(owed - insured, assets), doubt + paid if is_spent else ZERO

    def add_debt_doubt(self, doubt):
        self.doubt["debt"] = self.doubt["debt"] + doubt if self.debt_shares else ZERO

    # -- throttle --

    def capacity(self):
        return int(self.config["risk"]["depth_atoms"]) * self.config["bonus"]["throttle_share_bps"] // 10_000

    def throttle(self, now):
        window = self.config["bonus"]["throttle_window_secs"]
        left = max(Fraction(0), self.empty_at - now)
        level = self.capacity() * left / window
        return {"capacity_atoms": self.capacity(), "level": level, "level_doubt": self.level_doubt if left else ZERO}

    def fill(self, atoms, doubt, now):
        window = self.config["bonus"]["throttle_window_secs"]
        if self.empty_at <= now:
            self.empty_at, self.level_doubt = Fraction(now), ZERO
        self.empty_at += Fraction(atoms * window, self.capacity())
        # Kept in steps of 2^-32 s, then rounded to an atom.
        self.level_doubt += doubt + Decimal(self.capacity()) / (window * 2**32) + 1
