//! One reserve's books.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use plimsoll_client::Pubkey;
use plimsoll_engine::state::RateCurve;

use crate::lenders::Stake;
use crate::range::Range;
use crate::Wrong;

/// Virtual shares and virtual atom of the share price.
pub const VIRTUAL: u128 = 1 << 20;
const YEAR_SECS: u64 = 365 * 86_400;
const BPS: u64 = 10_000;
/// The index stops at 2^32.
const INDEX_MAX_BITS: u32 = 32;
/// Fractional bits of the index, of a factor, and of a debt share.
pub const INDEX_BITS: u32 = 64;
const FACTOR_BITS: u32 = 40;
pub const SHARE_BITS: u32 = 32;
/// A reserve closes below this part of its first share price: one in so many.
const CLOSING_FALL: u128 = 1_000_000;

/// An open flash loan.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flash {
    pub principal: u64,
    pub fee: u64,
}

/// Ledgers, all in atoms; debts are the positions'.
#[derive(Clone, Debug)]
pub struct Reserve {
    pub accrued_at: i64,
    /// Curve in force: as it was after the last transaction.
    pub rates: RateCurve,
    pub index: Range,
    pub cash: Range,
    pub insurance: Range,
    pub fee: Range,
    pub insurance_accrued: Range,
    pub fee_accrued: Range,
    pub backstop: u64,
    pub recovery: u64,
    pub recovery_insured: u64,
    pub outstanding: u64,
    pub flash: Flash,
    pub collateral: u64,
    pub insurance_collateral: u64,
    pub backstop_collateral: u64,
    pub is_closed: bool,
    /// By lender account.
    pub lenders: BTreeMap<Pubkey, Stake>,
    /// The virtual shares.
    pub nobody: Stake,
}

/// What interest did to every debt of a reserve: each is multiplied by this.
pub struct Growth(pub Range);

/// Rate a year at a utilisation, without any rounding.
fn rate(curve: &RateCurve, utilisation: &Range) -> Range {
    let bps = |bps: u64| Range::ratio(bps, BPS);
    let kink = bps(curve.kink_utilisation_bps);
    let below = utilisation.min(&kink);
    let beyond = (utilisation - &kink).positive().min(&(&Range::whole(1u8) - &kink));
    let first = (&bps(curve.kink_rate_bps - curve.base_rate_bps) * &below).over(&kink);
    let then = (&bps(curve.max_rate_bps - curve.kink_rate_bps) * &beyond).over(&(&Range::whole(1u8) - &kink));
    &(&bps(curve.base_rate_bps) + &first) + &then
}

/// The same as the program may compute it: each step is rounded up by at most a unit of 2^-40, and so is the slope, over a
/// kink that is rounded down by one.
fn rounded_rate(curve: &RateCurve, utilisation: &Range) -> Range {
    let unit = Range::unit(FACTOR_BITS);
    let kink = Range::ratio(curve.kink_utilisation_bps, BPS);
    let slope = |rise: u64, width: &Range| Range::ratio(rise, BPS).over(width);
    let first = slope(curve.kink_rate_bps - curve.base_rate_bps, &kink);
    let then = slope(curve.max_rate_bps - curve.kink_rate_bps, &(&Range::whole(1u8) - &kink));
    // Below the kink: (rise + u) * x / (kink - u) - rise * x / kink <= (u + u * slope) / (1 - u / kink), as x <= kink; kink is at
    // least 1e-4, so the divisor is above 1/2. Beyond it x itself may be larger by u, and the line may begin u early.
    let steepness = &(&first + &then) + &Range::whole(2u8);
    let error = &(&unit * &steepness) * &Range::whole(2u8);
    rate(curve, utilisation).more(&(&error + &(&unit + &unit)))
}

impl Reserve {
    pub fn new(unix: i64, rates: RateCurve) -> Self {
        Self {
            accrued_at: unix,
            rates,
            index: Range::whole(1u8),
            cash: Range::default(),
            insurance: Range::default(),
            fee: Range::default(),
            insurance_accrued: Range::default(),
            fee_accrued: Range::default(),
            backstop: 0,
            recovery: 0,
            recovery_insured: 0,
            outstanding: 0,
            flash: Flash::default(),
            collateral: 0,
            insurance_collateral: 0,
            backstop_collateral: 0,
            is_closed: false,
            lenders: BTreeMap::new(),
            nobody: Stake::of(VIRTUAL),
        }
    }

    /// Debt as a part of debt and cash. The program rounds the debt up to an atom, and the quotient down to 2^-40.
    fn utilisation(&self, debt: &Range) -> Range {
        let owed = debt.ceil();
        if owed.is_zero() {
            return Range::default();
        }
        let part = |owed: &Range, cash: &Range| {
            if owed.is_zero() {
                Range::default()
            } else {
                owed.over(&(owed + cash))
            }
        };
        let exact = Range::from_to(&part(&owed.low(), &self.cash.high()), &part(&owed.high(), &self.cash.low()));
        exact.less(&Range::unit(FACTOR_BITS)).positive()
    }

    /// Books interest on `debt`, all debts together, up to `unix`: simple since the last touch, at the rate of then. What each
    /// debt is to be multiplied by.
    pub fn accrue(&mut self, debt: &Range, unix: i64) -> Growth {
        let curve = self.rates;
        let one = Range::whole(1u8);
        if unix <= self.accrued_at {
            return Growth(one);
        }
        let elapsed = u64::try_from(unix - self.accrued_at).unwrap_or(0);
        self.accrued_at = unix;
        let growth = if debt.is_zero() {
            one
        } else {
            let rate = rounded_rate(&curve, &self.utilisation(debt));
            let unit = Range::unit(INDEX_BITS);
            // The growth is rounded up to 2^-64, and so is the index, which is at least one.
            let growth = (&one + &rate.part(&elapsed.into(), &YEAR_SECS.into())).more(&(&unit + &unit));
            let room = Range::whole(1u64 << INDEX_MAX_BITS).over(&self.index);
            growth.min(&room)
        };
        self.index = &self.index * &growth;
        let after = debt * &growth;
        let interest = (&after.floor() - &debt.floor()).positive();
        let part = |bps: u64| interest.part(&bps.into(), &BPS.into()).floor();
        self.insurance_accrued = &self.insurance_accrued + &part(curve.insurance_share_bps);
        self.fee_accrued = &self.fee_accrued + &part(curve.fee_share_bps);
        self.realise();
        Growth(growth)
    }

    /// Moves what of the interest is insurance's and the protocol's out of cash, as far as it goes.
    pub fn realise(&mut self) {
        for (waiting, ledger) in
            [(&mut self.insurance_accrued, &mut self.insurance), (&mut self.fee_accrued, &mut self.fee)]
        {
            let moved = waiting.min(&self.cash);
            let left = (&self.cash - waiting).positive();
            *waiting = (&*waiting - &self.cash).positive();
            *ledger = &*ledger + &moved;
            self.cash = left;
        }
    }

    /// What lenders own: debt, rounded down, cash and an open loan, less what of the interest is not theirs.
    pub fn assets(&self, debt: &Range) -> Range {
        let theirs = &(&debt.floor() + &self.cash) + &Range::whole(self.flash.principal);
        (&(&theirs - &self.insurance_accrued) - &self.fee_accrued).positive()
    }

    /// What of the provisions lenders bear: what insurance does not cover, at most their assets.
    pub fn uninsured(&self, provided: &Range, debt: &Range) -> Range {
        let insured = &self.insurance + &self.insurance_accrued;
        (&provided.ceil() - &insured).positive().min(&self.assets(debt))
    }

    /// All supply shares, virtual ones included.
    pub fn all_shares(&self) -> u128 {
        VIRTUAL + self.lenders.values().map(|stake| stake.shares).sum::<u128>()
    }

    /// What shares are redeemed for, rounded down.
    pub fn redeemable(&self, shares: u128, debt: &Range, provided: &Range) -> Range {
        let assets = &(&self.assets(debt) - &self.uninsured(provided, debt)).positive() + &Range::whole(1u8);
        assets.part(&shares.into(), &self.all_shares().into()).floor()
    }

    /// Shares for atoms supplied, rounded down.
    pub fn minted(&self, atoms: u64, debt: &Range) -> Range {
        let assets = &self.assets(debt) + &Range::whole(1u8);
        (&Range::whole(self.all_shares()) * &Range::whole(atoms)).over(&assets).floor()
    }

    /// A loss of `haircut` atoms falls on all shares of this moment.
    pub fn lose(&mut self, haircut: u64) {
        if haircut == 0 {
            return;
        }
        let all = self.all_shares();
        for stake in self.lenders.values_mut().chain([&mut self.nobody]) {
            stake.lose(haircut, all);
        }
        self.outstanding += haircut;
    }

    /// Insurance pays `atoms` of a loss: into cash what it has there, the rest by forgoing what has accrued.
    pub fn pay_from_insurance(&mut self, atoms: u64, is_exhausted: bool) {
        let atoms = Range::whole(atoms);
        let from_ledger = if is_exhausted {
            self.insurance.and(&(&atoms - &self.insurance_accrued))
        } else {
            self.insurance.min(&atoms)
        };
        let from_accrued = (&atoms - &self.insurance).positive();
        self.cash = &self.cash + &from_ledger;
        if is_exhausted {
            (self.insurance, self.insurance_accrued) = Default::default();
        } else {
            self.insurance = (&self.insurance - &atoms).positive();
            self.insurance_accrued = (&self.insurance_accrued - &from_accrued).positive();
        }
    }

    /// Whether so little is left of the share price that the reserve closes; none where that depends on rounding.
    pub fn is_lost(&self, debt: &Range) -> Option<bool> {
        let price = &(&self.assets(debt) + &Range::whole(1u8)) * &Range::whole(VIRTUAL * CLOSING_FALL);
        let all = Range::whole(self.all_shares());
        if price.is_below(&all) {
            Some(true)
        } else if all.is_below(&(&price + &Range::whole(1u8))) {
            Some(false)
        } else {
            None
        }
    }

    /// What of `atoms_max` is taken for those who bore losses.
    pub fn recovery(&self, atoms_max: u64) -> u64 {
        if atoms_max >= self.outstanding {
            return self.outstanding;
        }
        // What is left is nothing, or at least 2^-32 of it and an atom.
        let dust = self.outstanding.div_ceil(1 << 32).max(1);
        atoms_max.min(self.outstanding - dust)
    }

    /// Books a recovery of `atoms`, `insured` of which are the virtual shares'.
    pub fn recover(&mut self, atoms: u64, insured: u64) -> Result<(), Wrong> {
        let outstanding = self.outstanding;
        for stake in self.lenders.values_mut().chain([&mut self.nobody]) {
            stake.receive(atoms, outstanding);
        }
        self.outstanding -= atoms;
        self.recovery += atoms;
        let due = &self.nobody.recovered().floor() - &Range::whole(self.recovery_insured);
        let due = due.positive().min(&Range::whole(self.recovery));
        crate::expect("recovery that is insurance's", &due, insured)?;
        self.recovery -= insured;
        self.recovery_insured += insured;
        self.insurance = &self.insurance + &Range::whole(insured);
        Ok(())
    }

    /// A stake that must be there.
    pub fn lender(&mut self, account: &Pubkey) -> &mut Stake {
        self.lenders.entry(*account).or_default()
    }
}

/// A whole number of bits beyond the point as a range.
pub fn product(shares: u128, index: u128) -> Range {
    Range::binary(BigInt::from(shares) * BigInt::from(index), INDEX_BITS + SHARE_BITS)
}
