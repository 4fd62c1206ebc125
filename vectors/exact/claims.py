"""Who is owed what of a reserve's losses, and what was paid back (protocol, section 5.5), lender by lender in exact fractions."""

from collections import defaultdict
from fractions import Fraction

from .numbers import ZERO, Refused, decimal, floor
from .reserve import VIRTUAL

# Claims are kept finer than this. A case where an amount is nearer to a whole atom is no case.
NEAR = Fraction(1, 2**30)
# The virtual shares, which belong to nobody.
NOBODY = None


def whole(exact, doubt):
    assert doubt or exact == 0 or NEAR < exact % 1 < 1 - NEAR, exact
    return floor(exact)


class Claims:
    def __init__(self):
        self.outstanding = self.ledger = self.insured = 0
        self.owed, self.recovered = defaultdict(Fraction), defaultdict(Fraction)
        # How far what is outstanding may be off, of one or of all, and what was recovered of it.
        self.doubt = self.paid_doubt = self.ledger_doubt = ZERO

    def lose(self, atoms, doubt, shares):
        held = {**shares, NOBODY: VIRTUAL}
        part = Fraction(atoms, sum(held.values()))
        for who, own in held.items():
            self.owed[who] += part * own
        self.outstanding += atoms
        self.doubt += doubt

    def pay(self, most):
        """(what is taken, the doubt of it, what of it goes to insurance), atoms."""
        if most == 0:
            raise Refused("ZeroAmount")
        if self.outstanding == 0:
            raise Refused("NothingOutstanding")
        dust = max(1, -(-self.outstanding // 2**32))
        taken = self.outstanding if most >= self.outstanding else min(most, self.outstanding - dust)
        part = Fraction(taken, self.outstanding)
        # Of what is owed to one and to all, each off by the doubt, no more than everything is paid.
        self.paid_doubt += 2 * self.doubt * decimal(part)
        for who, owed in self.owed.items():
            self.recovered[who] += part * owed
            self.owed[who] -= part * owed
        self.outstanding -= taken
        off = ZERO if self.outstanding else self.doubt
        self.doubt = self.doubt if self.outstanding else ZERO
        of_nobody = floor(self.recovered[NOBODY]) - self.insured
        assert of_nobody == 0 or self.paid_doubt == 0, "insurance would be in doubt"
        self.insured += of_nobody
        self.ledger += taken - of_nobody
        self.ledger_doubt += off
        return taken, off, of_nobody

    def take(self, who):
        """(what is taken, the doubt of it), atoms."""
        atoms, off = whole(self.recovered[who], self.paid_doubt), self.off(self.paid_doubt)
        if atoms == 0:
            raise Refused("NothingRecovered")
        assert atoms > off, "nothing might be recovered"
        self.recovered[who] -= atoms
        self.ledger -= atoms
        self.ledger_doubt += off
        return atoms, off

    @staticmethod
    def off(doubt):
        """A whole atom on top of the doubt, where there is one."""
        return doubt + 1 if doubt else ZERO

    def rows(self, name, people):
        yield f"{name}.outstanding_atoms", self.outstanding, self.doubt
        yield f"{name}.recovery_atoms", self.ledger, self.ledger_doubt
        for who in people:
            owed, recovered = self.owed[who], self.recovered[who]
            yield f"{who}.{name}.claim_atoms", whole(owed, self.doubt), self.off(self.doubt) if owed else ZERO
            yield f"{who}.{name}.recovered_atoms", whole(recovered, self.paid_doubt), self.off(self.paid_doubt) if recovered else ZERO
