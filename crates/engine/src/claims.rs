//! Recovery claims: a haircut is not forgotten (protocol, section 5.5).
//!
//! Whoever pays a loss back, however late, pays it to those who bore it, in proportion to what each is still owed, in a
//! time that depends on nobody's number. Three accumulators of the reserve suffice, and what they were when a lender's
//! shares last changed:
//!
//! ```text
//! L  loss per share                                   a loss l over s shares:     L += l/s,  K += (l/s)/P
//! P  what part of an old claim is still outstanding   x paid of o outstanding:    P *= 1 - x/o
//! K  loss per share, in units of P
//!
//! outstanding = P * (c0/P0 + shares * (K - K0))       paid = c0 + shares * (L - L0) - outstanding
//! ```
//!
//! Everything paid starts an epoch: P = 1, K = 0. When P falls below 2^-32, P *= 2^32, K /= 2^32, scale + 1; a lender
//! d scales behind counts with `P0 * 2^(32 d)` and `K0 / 2^(32 d)`. (2^32 where the protocol has 1e9: a shift, no division.)
//!
//! | | scale | range | rounded |
//! |---|---|---|---|
//! | L | 2^-104 atom a share | below 2^24; a share begins at 2^-20 and grows with interest | down |
//! | P | 2^-127 | (2^-32, 1] | up |
//! | K | 2^-104 atom a share | below 2^24: P leaves 2^32 for the 2^-20 of a share, 2^12 for its growth | up |
//! | claim of a lender | 2^-48 atom | below 2^80 | up |
//! | outstanding of the reserve | 1 atom | below 2^64 | exact |
//!
//! With at most 2^104 shares (2^64 atoms at a millionth of the first share price), an error of 2^-104 a share is an atom of
//! all lenders together. So a claim is never too small and a payment never too large: each lender has recovered at most its
//! exact part, at every moment, and the sum never exceeds what was paid in. `docs/default.md` has the proof and the bound.
//!
//! A loss that one of these could not hold is not booked at all, so that nothing is ever wrong in the other direction. No
//! operation here fails or panics: redeem, repay, liquidate and settle cannot be stopped by a claim.

use crate::error::{EngineError, Result};
use crate::fixed::{
    mul_div, mul_div_ceil, mul_shift_ceil, mul_shift_floor, saturate, shr_ceil, shr_floor, widen, Word128,
};
use crate::shares::VIRTUAL_SHARES;
use crate::state::{ClaimAccumulators, LenderState, ReserveState};

/// Fractional bits of L and K, atoms a share.
pub const PER_SHARE_BITS: u32 = 104;
/// Fractional bits of P.
pub const FACTOR_BITS: u32 = 127;
/// Fractional bits of a claim, atoms.
pub const CLAIM_BITS: u32 = 48;
/// P falls by this many bits between two scales, and by at most as many in one payment.
pub const SCALE_BITS: u32 = 32;

/// P while nothing of the epoch's losses was paid.
const ONE: u128 = 1 << FACTOR_BITS;
/// Below this P is rescaled.
const FACTOR_MIN: u128 = ONE >> SCALE_BITS;

/// What a payment was split into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Taken, atoms.
    pub atoms: u64,
    /// Of which the part of the virtual shares, for insurance, atoms.
    pub insurance_atoms: u64,
}

/// A lender's claim as of now, 2^-48 of an atom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Still owed, rounded up.
    pub outstanding: u128,
    /// Paid since the last sync, rounded down.
    pub paid: u128,
}

impl ClaimAccumulators {
    /// No loss yet.
    pub const NONE: Self = Self {
        loss_per_share: Word128::ZERO,
        outstanding_factor: Word128::new(ONE),
        claim_per_share: Word128::ZERO,
        outstanding: Word128::ZERO,
        epoch: 0,
        scale: 0,
    };

    /// All that is outstanding, of the virtual shares too, atoms.
    pub fn outstanding_atoms(&self) -> u64 {
        saturate(self.outstanding.get())
    }

    /// The least that a payment leaves unless it pays everything: 2^-32 of what is outstanding, at least an atom.
    /// So P loses one scale at most by it, and keeps 95 significant bits.
    pub fn dust_atoms(&self) -> u64 {
        saturate(shr_ceil(widen(self.outstanding_atoms()), SCALE_BITS)).max(1)
    }

    /// Books a loss borne by `shares`, the virtual ones included. Returns whether it could be: one that would leave the
    /// range of an accumulator is not claimed.
    pub fn book_loss(&mut self, atoms: u64, shares: u128) -> bool {
        match self.with_loss(atoms, shares) {
            Some(after) => *self = after,
            None => return false,
        }
        true
    }

    fn with_loss(&self, atoms: u64, shares: u128) -> Option<Self> {
        // A counter that has run out could not tell an old claim from a new one.
        if self.epoch == u32::MAX || self.scale == u32::MAX {
            return None;
        }
        let outstanding = self.outstanding_atoms().checked_add(atoms)?;
        let (loss_floor, inexact) = mul_div(widen(atoms), 1 << PER_SHARE_BITS, shares)?;
        let loss_ceil = loss_floor.checked_add(u128::from(inexact))?;
        let claim = mul_div_ceil(loss_ceil, ONE, self.outstanding_factor.get())?;
        Some(Self {
            loss_per_share: Word128::new(self.loss_per_share.get().checked_add(loss_floor)?),
            claim_per_share: Word128::new(self.claim_per_share.get().checked_add(claim)?),
            outstanding: Word128::new(widen(outstanding)),
            ..*self
        })
    }

    /// Pays at most `atoms_max` of what is outstanding, and leaves nothing or at least [dust](Self::dust_atoms).
    /// Returns what was taken, atoms: zero only where either is zero.
    pub fn pay(&mut self, atoms_max: u64) -> u64 {
        let outstanding = self.outstanding_atoms();
        if outstanding == 0 || atoms_max >= outstanding {
            if outstanding > 0 {
                let (loss_per_share, epoch) = (self.loss_per_share, self.epoch.saturating_add(1));
                *self = Self { loss_per_share, epoch, ..Self::NONE };
            }
            return outstanding;
        }
        let taken = atoms_max.min(outstanding.saturating_sub(self.dust_atoms()));
        let rest = widen(outstanding - taken);
        let of =
            |rest: u128| mul_div_ceil(self.outstanding_factor.get(), rest, widen(outstanding)).unwrap_or(u128::MAX);
        let mut factor = of(rest);
        if factor < FACTOR_MIN && self.scale < u32::MAX {
            factor = of(rest << SCALE_BITS);
            self.claim_per_share = Word128::new(shr_ceil(self.claim_per_share.get(), SCALE_BITS));
            self.scale += 1;
        }
        self.outstanding_factor = Word128::new(factor);
        self.outstanding = Word128::new(rest);
        taken
    }

    /// Outstanding on `shares` since K was `claim_per_share`, rounded up, saturating.
    fn outstanding_since(&self, shares: u128, claim_per_share: u128) -> u128 {
        let claimed = self.claim_per_share.get().saturating_sub(claim_per_share);
        mul_shift_ceil(claimed, self.outstanding_factor.get(), FACTOR_BITS)
            .and_then(|per_share| mul_shift_ceil(shares, per_share, PER_SHARE_BITS - CLAIM_BITS))
            .unwrap_or(u128::MAX)
    }

    /// Loss on `shares` since L was `loss_per_share`, rounded down, saturating.
    fn loss_since(&self, shares: u128, loss_per_share: u128) -> u128 {
        let lost = self.loss_per_share.get().saturating_sub(loss_per_share);
        mul_shift_floor(shares, lost, PER_SHARE_BITS - CLAIM_BITS).unwrap_or(u128::MAX)
    }

    /// What the virtual shares have recovered, ever, rounded down, atoms. They never change, so no sync is needed.
    fn virtual_recovered_atoms(&self) -> u64 {
        let outstanding = self.outstanding_since(VIRTUAL_SHARES, 0);
        saturate(shr_floor(self.loss_since(VIRTUAL_SHARES, 0).saturating_sub(outstanding), CLAIM_BITS))
    }
}

impl LenderState {
    /// Begins to follow a reserve's claims: losses before now are not this lender's.
    pub fn follow(&mut self, claims: &ClaimAccumulators) {
        self.outstanding_factor = claims.outstanding_factor;
        self.claim_per_share = claims.claim_per_share;
        self.loss_per_share = claims.loss_per_share;
        self.epoch = claims.epoch;
        self.scale = claims.scale;
    }

    /// The claim as it will be once it is synced.
    pub fn claim_at(&self, claims: &ClaimAccumulators) -> Claim {
        let shares = self.shares.get();
        let outstanding = if self.epoch == claims.epoch {
            let scales = claims.scale.saturating_sub(self.scale);
            let since = shr_floor(self.claim_per_share.get(), scales.saturating_mul(SCALE_BITS));
            self.old_claim(claims, scales).saturating_add(claims.outstanding_since(shares, since))
        } else {
            claims.outstanding_since(shares, 0)
        };
        let lost = claims.loss_since(shares, self.loss_per_share.get());
        let all = self.claim.get().saturating_add(lost);
        let outstanding = outstanding.min(all);
        Claim { outstanding, paid: all - outstanding }
    }

    /// What is left of the claim of the last sync, `c0 * P / (P0 * 2^(32 scales))`, rounded up, saturating.
    fn old_claim(&self, claims: &ClaimAccumulators, scales: u32) -> u128 {
        let (claim, before) = (self.claim.get(), self.outstanding_factor.get());
        let now = claims.outstanding_factor.get();
        if scales == 0 {
            return mul_div_ceil(claim, now, before).unwrap_or(u128::MAX);
        }
        // P is above P0 here, by less than the scales. Beyond three of them a word has no room: the rest is shifted first.
        let near = scales.min(3);
        let left = mul_shift_ceil(claim, now, FACTOR_BITS).unwrap_or(u128::MAX);
        let left = shr_ceil(left, (scales - near).saturating_mul(SCALE_BITS));
        mul_div_ceil(left, ONE >> (near * SCALE_BITS), before).unwrap_or(u128::MAX)
    }

    /// Books what happened since the last change of this lender's shares. Before each such change, or a loss would fall on
    /// shares that did not bear it.
    pub fn sync(&mut self, claims: &ClaimAccumulators) {
        // Every loss raises K.
        let is_synced = self.claim_per_share == claims.claim_per_share
            && self.outstanding_factor == claims.outstanding_factor
            && (self.epoch, self.scale) == (claims.epoch, claims.scale);
        if is_synced {
            return;
        }
        let Claim { outstanding, paid } = self.claim_at(claims);
        let recovered = paid.saturating_add(widen(self.recovered_rest));
        self.claim = Word128::new(outstanding);
        self.recovered_atoms = self.recovered_atoms.saturating_add(saturate(shr_floor(recovered, CLAIM_BITS)));
        self.recovered_rest = Word128::new(recovered % (1 << CLAIM_BITS)).lo;
        self.follow(claims);
    }

    /// The account as a sync would leave it.
    pub fn synced(mut self, claims: &ClaimAccumulators) -> Self {
        self.sync(claims);
        self
    }

    /// Claim at the last sync, rounded down, atoms.
    pub fn claim_atoms(&self) -> u64 {
        saturate(shr_floor(self.claim.get(), CLAIM_BITS))
    }

    /// Whether nothing is supplied, and less than an atom claimed or recovered, as of the last sync.
    pub fn is_empty(&self) -> bool {
        self.shares == Word128::ZERO && self.claim_atoms() == 0 && self.recovered_atoms == 0
    }
}

impl ReserveState {
    /// Takes at most `atoms_max` in for those who bore losses. Works in a closed reserve too.
    ///
    /// # Errors
    /// `ZeroAmount`, `NothingOutstanding`, `AmountTooLarge`.
    pub fn repay_recovery(&mut self, atoms_max: u64) -> Result<Recovery> {
        if atoms_max == 0 {
            return Err(EngineError::ZeroAmount);
        }
        let mut claims = self.claims;
        let atoms = claims.pay(atoms_max);
        if atoms == 0 {
            return Err(EngineError::NothingOutstanding);
        }
        let recovery = self.recovery_atoms.checked_add(atoms).ok_or(EngineError::AmountTooLarge)?;
        let due = claims.virtual_recovered_atoms().saturating_sub(self.recovery_insured_atoms).min(recovery);
        self.insurance_atoms = self.insurance_atoms.checked_add(due).ok_or(EngineError::AmountTooLarge)?;
        self.recovery_insured_atoms = self.recovery_insured_atoms.saturating_add(due);
        self.recovery_atoms = recovery - due;
        self.claims = claims;
        Ok(Recovery { atoms, insurance_atoms: due })
    }

    /// Takes what a lender has recovered out of the ledger. Returns how much, whole atoms; the rest stays for the next time.
    ///
    /// # Errors
    /// `NothingRecovered`.
    pub fn claim_recovery(&mut self, lender: &mut LenderState) -> Result<u64> {
        let mut after = lender.synced(&self.claims);
        let atoms = after.recovered_atoms.min(self.recovery_atoms);
        if atoms == 0 {
            return Err(EngineError::NothingRecovered);
        }
        after.recovered_atoms -= atoms;
        self.recovery_atoms -= atoms;
        *lender = after;
        Ok(atoms)
    }
}
