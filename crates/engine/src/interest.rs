//! Interest: a kinked curve, booked by the second into an index, before anything changes utilisation.
//!
//! Between touches interest is simple, across touches it compounds: touching more often never earns a lender less.

use crate::fixed::{
    div_ceil, mul_div_floor, mul_shift_ceil, mul_shift_floor, product, saturate, widen, Factor, Word128, BPS,
    FACTOR_BITS,
};
use crate::state::{RateCurve, ReserveState};

/// Ceiling of any rate, bps a year: 1,000%.
pub const MAX_RATE_BPS: u64 = 100_000;
/// Seconds of a year of 365 days.
pub const YEAR_SECS: u64 = 31_536_000;
/// The index a reserve starts with: one, Q64.
pub const INDEX_ONE: u128 = 1 << 64;
/// The index stops here; a factor of four billion.
pub const INDEX_MAX: u128 = 1 << 96;
/// `atoms = shares * index / 2^96`: shares are 2^-32 of an atom, the index is Q64.
pub const SHARE_SHIFT: u32 = 96;

impl RateCurve {
    /// Rate a year at a utilisation, rounded up.
    pub fn rate(&self, utilisation: Factor) -> Factor {
        let kink = Factor::from_bps_floor(self.kink_utilisation_bps);
        let line = |from_bps: u64, to_bps: u64, along: Factor, whole: Factor| {
            let rise = Factor::from_bps_ceil(to_bps.saturating_sub(from_bps));
            let part = div_ceil(product(rise.0, along.0), widen(whole.0.max(1)));
            Factor::from_bps_ceil(from_bps).plus(Factor(saturate(part)))
        };
        if utilisation <= kink {
            line(self.base_rate_bps, self.kink_rate_bps, utilisation, kink)
        } else {
            let beyond = utilisation.min(Factor::ONE).minus(kink);
            line(self.kink_rate_bps, self.max_rate_bps, beyond, Factor::ONE.minus(kink))
        }
    }
}

/// Atoms owed for debt shares at an index, rounded up, saturating.
pub fn owed_ceil(shares: u128, index: u128) -> u64 {
    mul_shift_ceil(shares, index, SHARE_SHIFT).map_or(u64::MAX, saturate)
}

/// Atoms that debt shares at an index are worth to lenders, rounded down, saturating.
fn owed_floor(shares: u128, index: u128) -> u64 {
    mul_shift_floor(shares, index, SHARE_SHIFT).map_or(u64::MAX, saturate)
}

impl ReserveState {
    /// All debt as of `accrued_at`, rounded up, atoms.
    pub fn total_debt_atoms(&self) -> u64 {
        owed_ceil(self.debt_shares.get(), self.debt_index.get())
    }

    /// What lenders own: cash, debt and an open flash loan less what of the interest belongs to insurance and protocol.
    /// Rounded down, atoms.
    pub fn assets_atoms(&self) -> u64 {
        self.assets_at(self.debt_index.get(), (0, 0))
    }

    /// What lenders own at an index, when so much more of the interest belongs to insurance and protocol.
    fn assets_at(&self, index: u128, (insurance, fee): (u64, u64)) -> u64 {
        owed_floor(self.debt_shares.get(), index)
            .saturating_add(self.cash_atoms)
            .saturating_add(self.flash.principal_atoms)
            .saturating_sub(self.insurance_accrued_atoms)
            .saturating_sub(self.fee_accrued_atoms)
            .saturating_sub(insurance)
            .saturating_sub(fee)
    }

    /// Debt as a part of cash and debt, rounded down; zero where there is neither.
    pub fn utilisation(&self) -> Factor {
        let debt = widen(self.total_debt_atoms());
        if debt == 0 {
            return Factor::ZERO;
        }
        Factor::ratio_floor(debt, debt + widen(self.cash_atoms))
    }

    /// The index at `unix`, without writing it: what legs that are only read count with. Rounded up.
    pub fn projected_index(&self, unix: i64) -> u128 {
        let index = self.debt_index.get();
        let Ok(elapsed_secs) = u64::try_from(unix.saturating_sub(self.accrued_at)) else { return index };
        if elapsed_secs == 0 || self.debt_shares.get() == 0 {
            return index;
        }
        let rate = self.rates.rate(self.utilisation());
        // Q40 a year to Q64 over the time: below 2^44 * 2^24 * 2^64, checked.
        let grown = product(rate.0, elapsed_secs);
        let growth = (grown >> (64 + FACTOR_BITS) == 0).then_some(grown << (64 - FACTOR_BITS));
        growth
            .map(|growth| div_ceil(growth, widen(YEAR_SECS)))
            .and_then(|growth| mul_shift_ceil(index, growth, 64))
            .and_then(|interest| index.checked_add(interest))
            .map_or(INDEX_MAX, |index| index.min(INDEX_MAX))
    }

    /// Books interest up to `unix`: debt grows, insurance and protocol get their part of the growth.
    ///
    /// Their part waits as accrued where cash is short, so that a fully lent pool skips no fee.
    pub fn accrue(&mut self, unix: i64) {
        if unix <= self.accrued_at {
            return;
        }
        let index = self.projected_index(unix);
        let (insurance, fee) = self.interest_parts(index);
        self.debt_index = Word128::new(index);
        self.accrued_at = unix;
        self.insurance_accrued_atoms = self.insurance_accrued_atoms.saturating_add(insurance);
        self.fee_accrued_atoms = self.fee_accrued_atoms.saturating_add(fee);
        self.realise_accrued();
    }

    /// What of the interest up to an index belongs to insurance and to the protocol, rounded down.
    pub(crate) fn interest_parts(&self, index: u128) -> (u64, u64) {
        // Rounded down as lenders' assets are, or a part that takes all of the interest would take an atom of theirs.
        let owed = |index: u128| owed_floor(self.debt_shares.get(), index);
        let interest = owed(index).saturating_sub(owed(self.debt_index.get()));
        let part = |bps: u64| saturate(mul_div_floor(widen(interest), widen(bps), widen(BPS)).unwrap_or(0));
        (part(self.rates.insurance_share_bps), part(self.rates.fee_share_bps))
    }

    /// Debt (rounded up) and cash as they will be once interest is booked up to `unix`, atoms.
    pub fn projected_debt_and_cash(&self, unix: i64) -> (u64, u64) {
        let index = self.projected_index(unix);
        let (insurance, fee) = self.interest_parts(index);
        let leaving = [self.insurance_accrued_atoms, insurance, self.fee_accrued_atoms, fee];
        let cash = leaving.iter().fold(self.cash_atoms, |cash, atoms| cash.saturating_sub(*atoms));
        (owed_ceil(self.debt_shares.get(), index), cash)
    }

    /// What lenders will own once interest is booked up to `unix`, rounded down, atoms.
    pub fn projected_assets_atoms(&self, unix: i64) -> u64 {
        let index = self.projected_index(unix);
        self.assets_at(index, self.interest_parts(index))
    }

    /// Moves accrued interest of insurance and protocol out of cash, as far as cash goes. Assets stay the same.
    pub(crate) fn realise_accrued(&mut self) {
        let insurance = self.insurance_accrued_atoms.min(self.cash_atoms);
        self.cash_atoms -= insurance;
        self.insurance_accrued_atoms -= insurance;
        self.insurance_atoms = self.insurance_atoms.saturating_add(insurance);
        let fee = self.fee_accrued_atoms.min(self.cash_atoms);
        self.cash_atoms -= fee;
        self.fee_accrued_atoms -= fee;
        self.fee_atoms = self.fee_atoms.saturating_add(fee);
    }
}
