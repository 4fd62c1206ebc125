//! What each lender holds and is owed: plain numbers of each, no accumulators.

use num_bigint::BigInt;

use crate::range::Range;

/// Bits of an atom that the program keeps of a claim.
const CLAIM_BITS: u32 = 48;
/// Bits of an atom that it keeps of a loss per share.
const PER_SHARE_BITS: u32 = 104;
/// Significant bits that it keeps, at least, of the part of a claim that is still outstanding.
const FACTOR_BITS: u32 = 95;

/// One who bears losses: a lender, or the virtual shares.
#[derive(Clone, Debug, Default)]
pub struct Stake {
    /// Supply shares.
    pub shares: u128,
    /// Still owed of its losses, exactly, atoms.
    owed: Range,
    /// Paid back of them and not yet taken, exactly, atoms.
    paid: Range,
    /// How much more than `owed` the program may hold it to be, and how much less, atoms.
    above: Range,
    below: Range,
    /// What roundings of its losses took from owed and paid together, ever, at most, atoms.
    dropped: Range,
}

impl std::fmt::Debug for Range {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{self}")
    }
}

impl Stake {
    pub fn of(shares: u128) -> Self {
        Self { shares, ..Self::default() }
    }

    /// One step of a loss per share, for all its shares, atoms.
    fn step(&self) -> Range {
        &Range::whole(self.shares) * &Range::unit(PER_SHARE_BITS)
    }

    /// Bears its part of a loss: `shares / all`.
    pub fn lose(&mut self, atoms: u64, all: u128) {
        self.owed = &self.owed + &Range::whole(self.shares).part(&atoms.into(), &all.into());
        // The loss per share is rounded up, and what that is in units of the factor is rounded up; elsewhere it is rounded down.
        let step = self.step();
        self.above = &(&self.above + &step) + &step;
        (self.below, self.dropped) = (&self.below + &step, &self.dropped + &step);
    }

    /// Is paid its part of a payment: `owed / outstanding`.
    pub fn receive(&mut self, atoms: u64, outstanding: u64) {
        let (atoms, outstanding) = (BigInt::from(atoms), BigInt::from(outstanding));
        let paid = self.owed.part(&atoms, &outstanding);
        self.paid = &self.paid + &paid;
        if atoms == outstanding {
            // Everything: no old claim is left, and with it no error of one.
            (self.owed, self.above, self.below) = Default::default();
            return;
        }
        self.owed = self.owed.part(&(&outstanding - &atoms), &outstanding);
        // The factor is rounded up, and the losses per share where it is lifted.
        let factor = &(&self.owed.high() + &self.above) * &Range::unit(FACTOR_BITS);
        self.above = &(&self.above + &factor) + &self.step();
    }

    /// What one look of the program at this stake rounds up, and down.
    fn look(&self) -> (Range, Range) {
        let unit = Range::unit(CLAIM_BITS);
        let step = self.step();
        let units = &Range::whole(5u8) * &unit;
        (&(&step + &step) + &units, unit)
    }

    /// The program brings it up to date: what it rounded stays.
    pub fn sync(&mut self) {
        let (up, down) = self.look();
        (self.above, self.below) = (&self.above + &up, &self.below + &down);
        self.dropped = &self.dropped + &down;
    }

    /// What the program may say is still owed, atoms.
    pub fn claim(&self) -> Range {
        let (up, down) = self.look();
        self.owed.more(&(&self.above + &up)).less(&(&self.below + &down)).positive()
    }

    /// What the program may say was recovered and not taken: never more than exactly that, atoms. What it holds to be owed
    /// too much is not yet recovered; what roundings dropped never will be.
    pub fn recovered(&self) -> Range {
        let (up, down) = self.look();
        let errors = &(&self.above + &self.dropped) + &(&up + &down);
        self.paid.less(&errors).positive()
    }

    /// Takes what was recovered.
    pub fn take(&mut self, atoms: u64) {
        self.paid = &self.paid - &Range::whole(atoms);
    }
}
