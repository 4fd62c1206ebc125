"""A position: collaterals and debts in the order of their slots, and what was seen of it."""

from collections import defaultdict

from .numbers import ZERO


class Position:
    def __init__(self):
        # Atoms and counted atoms by collateral, shares by debt; in the order of their slots.
        self.collaterals, self.debts = {}, {}
        self.doubt = defaultdict(lambda: ZERO)
        self.cooling_until = None
        self.called = False
        self.flag = None
        self.order = None

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
