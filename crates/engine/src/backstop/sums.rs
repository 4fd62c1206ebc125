//! Product-sum accounting with scale: every provider's part of every purchase, in O(1) whatever their number.
//!
//! A purchase spends x of the pool's D atoms and brings g atoms of one collateral. Each deposit d shrinks to `d*(D - x)/D`
//! and earns `g*d/D`. So a deposit that was d0 when it was last looked at is
//!
//! ```text
//! P *= (D - x)/D        S += g*P/D  (P before)        deposit = d0 * P/P0        gain = d0 * (S - S0)/P0
//! ```
//!
//! with P, S for all and P0, S0 as they were then. The pool never spends its last atom, so P never is zero.
//!
//! **Formats.** P starts at 2^127 and, before it would fall below 2^95, is multiplied by 2^32 as often as needed (twice at
//! most, as `(D - x)/D > 2^-64`); `scale` counts how often. S counts 2^47 units of P and is kept for each scale, so
//! that one step of S is worth 2^-48 atoms at most to a deposit of one atom. A provider k scales behind has the deposit
//! `d0*P / (P0*2^32k)` and the gain `d0/P0 * (S[s0] - S0 + S[s0+1]/2^32 + ... + S[s0+k]/2^32k)`. All scales are stored,
//! so no gain is lost however long a provider sleeps.
//!
//! **Range.** While the scale lasts, S grows by `g*P/(D*2^47) = (g/x) * (P*x/D)/2^47`, and `P*x/D` is at most what P
//! falls by. So S stays below `2^80 * r`, r the most collateral atoms that one debt atom bought, however many
//! purchases: any r up to 2^47 fits (a millionth of a dollar buys 2^47 atoms of a token that costs
//! 7e-12 dollars and has nine decimals). What does not fit is refused as `GainTooLarge`, and nothing was bought then.
//!
//! **The last scale.** With 8 scales stored a pool can shrink by 2^256 in all. Entering the last it closes to deposits, so
//! that from then on `D/P` does not rise: P needs no more multiplying, and what is in the pool still absorbs, earns and
//! leaves as before. The next generation opens beside it.
//!
//! **Dust.** P and S are rounded down, deposits and gains too, so the sum of what providers have never exceeds the pool's
//! ledgers. What they may have less, against exact fractions:
//!
//! ```text
//! deposit:  1 atom for each look (sync) of its provider + 2^-31 atom for each purchase
//! gain:     1 atom and 2 steps for each look + 1 step for each purchase + what the deposit's dust would have earned
//! step:     2^-48 of the deposit at the last look (in the last scale: of the pool's largest size)
//! ```
//!
//! A purchase loses less than one unit of P, and P is at least 2^95: less than 2^-95 of the deposit, 2^-31 atoms. In the last
//! scale P may be smaller, but `D/P < 2^-31` was true on entering, does not rise, and bounds the same loss. What was
//! lost shrinks with every later purchase, so nothing adds up faster. It stays in the pool and belongs to nobody.

use crate::error::{EngineError, Result};
use crate::fixed::{mul_div_floor, saturate, widen, Word128};
use crate::state::*;

/// P of a new pool.
pub const PRODUCT_ONE: u128 = 1 << 127;
/// P does not stay below this but in the last scale.
const PRODUCT_MIN: u128 = 1 << 95;
/// Digits by which P is lifted with every scale.
const SCALE_BITS: u32 = 32;
/// Most scales one purchase passes.
const SCALES_A_PURCHASE: u32 = 2;
/// S counts this many digits of P as one.
const SUM_BITS: u32 = 47;
/// S stays below this, so that S of all scales can be added.
const SUM_LIMIT: u128 = 1 << 127;
/// The last scale.
const SCALE_LAST: u32 = 7;
const _: () = assert!(BACKSTOP_SCALES == 8);

/// The accumulators after a purchase.
struct Offset {
    sum: u128,
    product: u128,
    scale: u32,
}

impl BackstopState {
    /// Whether the pool takes deposits: it has not entered its last scale.
    pub fn is_open(&self) -> bool {
        self.scale < SCALE_LAST
    }

    /// What the pool may spend, atoms: deposits but for the last atom.
    pub fn spendable_atoms(&self) -> u64 {
        self.deposit_atoms.saturating_sub(1)
    }

    /// S of a collateral in a scale.
    fn sum(&self, index: usize, scale: u32) -> u128 {
        let slot = self.collaterals().get(index);
        let scale = usize::try_from(scale).unwrap_or(usize::MAX);
        slot.and_then(|slot| slot.sums.get(scale)).map_or(0, |sum| sum.get())
    }

    fn plan_offset(&self, index: usize, spent_atoms: u64, gain_atoms: u64) -> Result<Offset> {
        let left = match self.deposit_atoms.checked_sub(spent_atoms) {
            Some(left) if left > 0 => widen(left),
            _ => return Err(EngineError::BackstopEmpty),
        };
        let (deposits, product) = (widen(self.deposit_atoms), self.product.get());
        let risen = mul_div_floor(widen(gain_atoms), product, deposits << SUM_BITS);
        let sum = risen.and_then(|risen| self.sum(index, self.scale).checked_add(risen));
        let sum = sum.filter(|sum| *sum < SUM_LIMIT).ok_or(EngineError::GainTooLarge)?;
        let most = SCALES_A_PURCHASE.min(SCALE_LAST.saturating_sub(self.scale));
        let lifted = |lifts: u32| mul_div_floor(product, left << (SCALE_BITS * lifts), deposits).unwrap_or(0);
        let lifts = (0..most).find(|lifts| lifted(*lifts) >= PRODUCT_MIN).unwrap_or(most);
        Ok(Offset { sum, product: lifted(lifts), scale: self.scale.saturating_add(lifts) })
    }

    /// Whether a purchase can be accounted for: see [`Self::offset`].
    ///
    /// # Errors
    /// Those of [`Self::offset`].
    pub fn require_offset(&self, index: usize, spent_atoms: u64, gain_atoms: u64) -> Result<()> {
        let held = self.collaterals().get(index).ok_or(EngineError::CollateralNotOptedIn)?.atoms;
        held.checked_add(gain_atoms).ok_or(EngineError::AmountTooLarge)?;
        self.plan_offset(index, spent_atoms, gain_atoms).map(|_| ())
    }

    /// Books a purchase: every deposit gives its part of `spent_atoms` and earns its part of `gain_atoms`.
    ///
    /// # Errors
    /// `CollateralNotOptedIn`, `AmountTooLarge`, `BackstopEmpty` (it would spend the last atom), `GainTooLarge`.
    pub fn offset(&mut self, index: usize, spent_atoms: u64, gain_atoms: u64) -> Result<()> {
        self.require_offset(index, spent_atoms, gain_atoms)?;
        let Offset { sum, product, scale } = self.plan_offset(index, spent_atoms, gain_atoms)?;
        let at = usize::try_from(self.scale).unwrap_or(usize::MAX);
        let slot = self.open_collateral(index)?;
        slot.atoms = slot.atoms.saturating_add(gain_atoms);
        if let Some(kept) = slot.sums.get_mut(at) {
            *kept = Word128::new(sum);
        }
        (self.product, self.scale) = (Word128::new(product), scale);
        self.deposit_atoms -= spent_atoms;
        Ok(())
    }

    /// A provider's deposit in the pool now, rounded down, atoms.
    pub fn deposit_of(&self, provider: &BackstopProviderState) -> u64 {
        let left = mul_div_floor(widen(provider.deposit_atoms), self.product.get(), provider.product.get());
        let behind = self.scale.saturating_sub(provider.scale).min(SCALE_LAST);
        let left = left.unwrap_or(0).checked_shr(SCALE_BITS * behind).unwrap_or(0);
        saturate(left).min(provider.deposit_atoms)
    }

    /// What a provider has gained of one collateral and not yet claimed, rounded down, atoms.
    pub fn gain_of(&self, provider: &BackstopProviderState, index: usize) -> u64 {
        let kept = provider.gain_atoms.get(index).copied().unwrap_or(0);
        kept.saturating_add(self.gain_since_sync(provider, index))
    }

    fn gain_since_sync(&self, provider: &BackstopProviderState, index: usize) -> u64 {
        if provider.deposit_atoms == 0 {
            return 0;
        }
        // From the newest scale to the provider's own; each is worth 2^-32 of the one before it.
        let newer = (provider.scale.saturating_add(1)..=self.scale.min(SCALE_LAST)).rev();
        let newer = newer.fold(0u128, |sum, scale| (sum >> SCALE_BITS).saturating_add(self.sum(index, scale)));
        let before = provider.sums.get(index).map_or(0, |sum| sum.get());
        let own = self.sum(index, provider.scale).saturating_sub(before);
        let earned = own.saturating_add(newer >> SCALE_BITS);
        let deposit = widen(provider.deposit_atoms) << SUM_BITS;
        mul_div_floor(deposit, earned, provider.product.get()).map_or(0, saturate)
    }

    /// Looks at a provider: books deposit and gains up to now. Before anything that changes its deposit.
    pub fn sync(&self, provider: &mut BackstopProviderState) {
        for index in 0..self.collaterals().len() {
            let (gain, sum) = (self.gain_of(provider, index), self.sum(index, self.scale));
            if let (Some(kept), Some(before)) = (provider.gain_atoms.get_mut(index), provider.sums.get_mut(index)) {
                (*kept, *before) = (gain, Word128::new(sum));
            }
        }
        provider.deposit_atoms = self.deposit_of(provider);
        (provider.product, provider.scale) = (self.product, self.scale);
    }
}
