"""A position: collaterals and debts in the order of their slots, and what was seen of it."""

from collections import defaultdict

from .numbers import FACTOR, ZERO, floor


class Position:
    def __init__(self):
        # Atoms and counted atoms by collateral, shares by debt; in the order of their slots.
        self.collaterals, self.debts = {}, {}
        self.doubt = defaultdict(lambda: ZERO)
        self.cooling_until = None
        self.called = False
        self.flag = None
        self.order = None
        self.end_sale()

    def end_sale(self):
        # Of a terminal sale: each debt's part by value as it began, and what it took of each collateral.
        self.parts, self.taken = {}, defaultdict(int)

    def entitled(self, collateral, debt):
        """What a debt may still take of a collateral, and its doubt; None where no sale has begun."""
        if not self.parts:
            return None
        there = self.collaterals[collateral][0] + sum(self.taken[name, collateral] for name in self.debts)
        part = self.parts[debt] / sum(self.parts[name] for name in self.debts)
        return min(floor(there * part) - self.taken[debt, collateral], self.collaterals[collateral][0]), there * 16 * FACTOR + 2

    def sell(self, collateral, debt, atoms, collaterals, debts):
        """Books what a debt takes, `debts` being the legs before."""
        if not self.parts and len(debts) > 1:
            self.parts = {name: leg.atoms * leg.price for name, leg in zip(self.debts, debts)}
        if self.parts:
            self.taken[debt, collateral] += atoms

    def end_flag(self):
        self.flag = None

    def remove(self, name, atoms):
        """Takes collateral; what was not counted goes first. Returns how much of it was counted."""
        held = self.collaterals[name]
        held[0] -= atoms
        gone = max(0, held[1] - held[0])
        held[1] -= gone
        if held[0] == 0:
            del self.collaterals[name]
        return gone

    def burn(self, name, shares):
        self.debts[name] -= shares
        if self.debts[name] == 0:
            del self.debts[name]
            if not self.debts:
                self.called = False
                self.end_flag()
