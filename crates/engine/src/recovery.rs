//! The recovery sale: what is left of a marked default goes at a price that falls until somebody takes it (protocol,
//! section 5.3).
//!
//! ```text
//! price of q = (1 - t) * A(q) + t * (G(Q) - G(Q - q))           Q = what this position has left of the collateral
//! A(q) = spot*q / (1 + b_default)      G(u) = min(A(u), ALV(u) * (1 - margin))
//! t = time since the mark / auction time, at most 1
//! ```
//!
//! It begins where every terminal position is liquidated, and ends at what a forced sale would bring, less a margin. Both
//! parts telescope: at one moment many small purchases pay what one large one pays, so nobody gains by slicing. G is concave
//! (the smaller of two concave functions through zero), so the price is convex in q and lies below its chord.
//!
//! With several debts each may take its share of each collateral, by value as fixed at the mark: otherwise whoever is first
//! would be paid with everybody's collateral.

use crate::fixed::{mul_div_floor, saturate, widen, Factor, Value, FACTOR_BITS};
use crate::health::{CollateralLeg, DebtLeg, Exposure};
use crate::state::{MarketPolicy, PositionState, MAX_DEBTS};
use crate::Now;

/// The terms of a marked position's sale, for one pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoverySale {
    /// t: how far the price has fallen since the mark; none without a standing mark: the price of any terminal liquidation.
    pub fallen: Option<Factor>,
    /// How much of this collateral this debt may still take, atoms.
    pub entitled_atoms: u64,
}

impl Exposure {
    /// Each debt's part of the debt value, Q40, rounded down, at least one unit.
    pub(crate) fn debt_shares_q40(&self) -> [u64; MAX_DEBTS] {
        let (whole, mut shares) = (self.debt_value(), [0; MAX_DEBTS]);
        for (share, leg) in shares.iter_mut().zip(self.debts()) {
            *share = leg.plain.of_floor(whole).0.max(1);
        }
        shares
    }
}

impl RecoverySale {
    /// The sale of a pair of a position that is in none yet: a debt may take its share of the collateral.
    pub(crate) fn first(debt_shares_q40: &[u64; MAX_DEBTS], debt: usize, collateral_atoms: u64) -> Self {
        let all = debt_shares_q40.iter().fold(0u128, |sum, share| sum + widen(*share));
        let own = widen(debt_shares_q40.get(debt).copied().unwrap_or(0));
        let entitled_atoms = mul_div_floor(widen(collateral_atoms), own, all).map_or(0, saturate);
        Self { fallen: None, entitled_atoms }
    }
}

/// How far the price of a sale that began at `unix` has fallen.
pub(crate) fn fallen(unix: i64, market: &MarketPolicy, now: &Now) -> Factor {
    let elapsed_secs = u64::try_from(now.unix.saturating_sub(unix)).unwrap_or(0);
    Factor::ratio_floor(widen(elapsed_secs), widen(market.auction_secs.max(1))).min(Factor::ONE)
}

impl PositionState {
    /// Whether the mark stands: it lapses two auction times after it was last booked, or a mark forgotten after one fall
    /// would sell at the end of its sale in the next.
    pub fn is_marked(&self, market: &MarketPolicy, now: &Now) -> bool {
        let silent_secs = u64::try_from(now.unix.saturating_sub(self.provisioned_at)).unwrap_or(0);
        self.defaulted_at != 0 && silent_secs <= market.auction_secs.saturating_mul(2)
    }

    /// The sale of a pair, where one has begun.
    pub fn recovery_sale(
        &self,
        (collateral, debt): (usize, usize),
        market: &MarketPolicy,
        now: &Now,
    ) -> Option<RecoverySale> {
        if !self.has_sale() {
            return None;
        }
        let fallen = self.is_marked(market, now).then(|| fallen(self.defaulted_at, market, now));
        Some(RecoverySale { fallen, entitled_atoms: self.entitled_atoms(collateral, debt) })
    }

    /// A debt's share of all that there was of a collateral since the mark, less what it has taken. Shares of debts that
    /// are gone fall to those that are left. Rounded down.
    fn entitled_atoms(&self, collateral: usize, debt: usize) -> u64 {
        let taken = |row: usize| self.taken_atoms.get(row).and_then(|row| row.get(collateral)).copied().unwrap_or(0);
        let left = self.collaterals().get(collateral).map_or(0, |slot| slot.atoms);
        let (mut all, mut shares) = (widen(left), 0u128);
        for (row, slot) in self.debts().iter().enumerate() {
            all = all.saturating_add(widen(taken(row)));
            shares = shares.saturating_add(widen(slot.share_at_default_q40));
        }
        let share = self.debts().get(debt).map_or(0, |slot| widen(slot.share_at_default_q40));
        let whole = mul_div_floor(all, share, shares).map_or(0, saturate);
        whole.saturating_sub(taken(debt)).min(left)
    }

    /// Whether the shares of a sale are fixed.
    pub(crate) fn has_sale(&self) -> bool {
        self.debts().iter().any(|slot| slot.share_at_default_q40 != 0)
    }

    /// Fixes each debt's share of the collateral: at the mark or at the first terminal sale, whichever comes first, and not
    /// again before the sale ends. (Fixed anew by what is left, a debt that took its share would have a share of the rest.)
    pub(crate) fn begin_sale(&mut self, shares_q40: &[u64; MAX_DEBTS]) {
        if self.has_sale() {
            return;
        }
        let debts = usize::from(self.debt_count);
        for (slot, share) in self.debts.iter_mut().take(debts).zip(shares_q40) {
            slot.share_at_default_q40 = *share;
        }
    }

    /// Ends the sale: the position was seen to pay its debt and the default bonus.
    pub(crate) fn end_sale(&mut self) {
        self.defaulted_at = 0;
        self.debts.iter_mut().for_each(|slot| slot.share_at_default_q40 = 0);
        self.taken_atoms = bytemuck::Zeroable::zeroed();
    }

    /// What a forced sale of the collateral a debt may still take would bring: its part of each ALV. Rounded down.
    pub(crate) fn entitled_value(&self, exposure: &Exposure, debt: usize) -> Value {
        let part = |(index, leg): (usize, &CollateralLeg)| {
            let part = mul_div_floor(leg.alv.0, widen(self.entitled_atoms(index, debt)), widen(leg.atoms));
            Value(part.unwrap_or(0))
        };
        exposure.collaterals().iter().enumerate().map(part).fold(Value::ZERO, Value::plus)
    }

    /// Books what a debt took of a collateral in a sale.
    pub(crate) fn book_taken(&mut self, (collateral, debt): (usize, usize), atoms: u64) {
        if let Some(taken) = self.taken_atoms.get_mut(debt).and_then(|row| row.get_mut(collateral)) {
            *taken = taken.saturating_add(atoms);
        }
    }
}

/// The price of one collateral of a marked position.
pub(crate) struct SalePrice<'a> {
    collateral: &'a CollateralLeg,
    fallen: Factor,
    /// `1 + b_default`.
    default_factor: Factor,
    /// `1 - margin`.
    kept: Factor,
}

/// Chord steps of [`SalePrice::size`]; each leaves a smaller part of the bound unused.
const CHORDS: u32 = 3;
/// What a price is above its formula at most: a unit for the value, for its part of the default bonus, and for each of the two
/// that it falls from and to.
const PRICE_ROUNDINGS: Value = Value(4);

impl<'a> SalePrice<'a> {
    pub(crate) fn new(collateral: &'a CollateralLeg, fallen: Factor, market: &MarketPolicy) -> Self {
        Self {
            collateral,
            fallen,
            default_factor: Factor::ONE.plus(Factor::from_bps_floor(market.bonus_default_bps)),
            kept: Factor::ONE.minus(Factor::from_bps_floor(market.recovery_margin_bps)),
        }
    }

    /// A(q), rounded up.
    fn first(&self, atoms: u64) -> Value {
        self.collateral.price.value_ceil(atoms).over_ceil(self.default_factor)
    }

    /// G(u), within a few units.
    fn last(&self, atoms: u64) -> Value {
        self.collateral.curve.value(atoms).times_ceil(self.kept).min(self.first(atoms))
    }

    /// Price of `atoms`, rounded up.
    pub(crate) fn of(&self, atoms: u64) -> Value {
        let all = self.collateral.atoms;
        let last = self.last(all).minus(self.last(all.saturating_sub(atoms)));
        self.first(atoms).times_ceil(Factor::ONE.minus(self.fallen)).plus(last.times_ceil(self.fallen))
    }

    /// `(repayment, seized)` for at most `most_atoms`, and at most `repay_max_atoms` repaid: all of it where that pays for
    /// it; else by chords, which ask for no more than the bound, because the price is convex. Where roundings take a chord
    /// beyond it, the next ones spare as much as roundings can be. (Not so the curve's own: a bound of some 2^-30 of the
    /// whole may still be too small to buy anything.)
    pub(crate) fn size(&self, debt: &DebtLeg, most_atoms: u64, repay_max_atoms: u64) -> (u64, u64) {
        let repay = |atoms: u64| if atoms == 0 { 0 } else { debt.price.atoms_ceil(self.of(atoms)).max(1) };
        let whole = repay(most_atoms);
        if whole <= repay_max_atoms {
            return (whole, most_atoms);
        }
        let (mut atoms, mut asked, mut spared) = (0, 0, 0);
        for _ in 0..CHORDS {
            let unused = repay_max_atoms.saturating_sub(asked).saturating_sub(spared);
            let (span, gap) = (widen(most_atoms - atoms), widen(unused));
            let more = mul_div_floor(span, gap, widen(whole.saturating_sub(asked))).map_or(0, saturate);
            let next = atoms.saturating_add(more).min(most_atoms);
            let price = repay(next);
            if price <= repay_max_atoms {
                (atoms, asked) = (next, price);
            } else {
                spared = debt.price.atoms_ceil(PRICE_ROUNDINGS).saturating_add(1);
            }
        }
        (asked, atoms)
    }

    /// What is seized for one unit repaid, by value, rounded down.
    pub(crate) fn factor(&self, debt: &DebtLeg, (repay_atoms, atoms): (u64, u64)) -> Factor {
        let paid = debt.price.value_ceil(repay_atoms);
        let seized = self.collateral.price.value_floor(atoms);
        Factor(mul_div_floor(seized.0, 1 << FACTOR_BITS, paid.0.max(1)).map_or(u64::MAX, saturate))
    }
}
