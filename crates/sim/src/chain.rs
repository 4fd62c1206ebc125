//! What the program would have on the chain, and what it would do: reserves, positions and pools in the engine's own states,
//! changed by the engine's functions in the program's order. An action that is refused changes nothing, as a failed
//! transaction does. A test plays the same story here and against the real program and compares every byte.

use std::borrow::Cow;

use plimsoll_engine::backstop::absorption::{
    apply_absorption, plan_absorption, AbsorptionPlan, AbsorptionRequest, Buyer,
};
use plimsoll_engine::health::Exposure;
use plimsoll_engine::liquidation::{plan_liquidation, LiquidationPlan, LiquidationRequest};
use plimsoll_engine::price::Reading;
use plimsoll_engine::settlement::{require_default, require_known_prices, WriteOff};
use plimsoll_engine::standing::{Sighting, Standing};
use plimsoll_engine::state::{BackstopState, LenderState, MarketState, PositionState, Pubkey, ReserveState};
use plimsoll_engine::transitions::{apply_liquidation, PaidFor};
use plimsoll_engine::{EngineError, Now, Result};
use plimsoll_watch::{Lens, Weighing};

use crate::book::{AssetId, Book, Id};
use crate::tokens::{Actor, Tokens, Vault};

/// Slots of a collateral and a debt in a position.
pub type Pair = (usize, usize);

/// Which prices count: as the program's `OldReadings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Old {
    /// Old readings fade: liquidation.
    Fade,
    /// They count in full: settlement.
    Keep,
    /// In full, at prices in the borrower's favour: the mark of a default.
    Favour,
    /// In full, at prices against the borrower: what a provision falls to.
    Against,
}

/// What was done, for whoever wants to do it again on a real chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Time went on to this unix time, and these readings were handed to the reserves.
    Refreshed {
        /// Unix time.
        unix: i64,
        /// By token; none where there was no newer one.
        readings: Vec<Option<Reading>>,
    },
    /// `notice_stale_price`.
    Noticed {
        /// Token.
        asset: AssetId,
    },
    /// `liquidate`.
    Liquidated {
        /// Position.
        id: Id,
        /// Tokens: seized, repaid.
        pair: (AssetId, AssetId),
        /// Bound on the repayment, atoms.
        repay_max_atoms: u64,
    },
    /// `backstop_liquidate`.
    Absorbed {
        /// Position.
        id: Id,
        /// Tokens: seized, repaid.
        pair: (AssetId, AssetId),
    },
    /// `flag_position`.
    Flagged {
        /// Position.
        id: Id,
        /// Tokens: collateral, debt.
        pair: (AssetId, AssetId),
    },
    /// `mark_default`, for a tip.
    Marked {
        /// Position.
        id: Id,
    },
    /// `settle_default`.
    Settled {
        /// Position.
        id: Id,
    },
    /// `repay` by the owner.
    Repaid {
        /// Position.
        id: Id,
        /// Token.
        asset: AssetId,
        /// At most so many atoms.
        atoms_max: u64,
    },
}

/// The program's accounts.
#[derive(Clone, Debug)]
pub struct Chain {
    /// Market.
    pub market: MarketState,
    /// Reserves, by token.
    pub reserves: Vec<ReserveState>,
    /// Their addresses.
    pub keys: Vec<Pubkey>,
    /// Positions.
    pub book: Book,
    /// Backstop pools, by the token of the debt.
    pub pools: Vec<Option<BackstopState>>,
    /// Lenders, by token: one stands for all.
    pub lenders: Vec<LenderState>,
    /// Where all tokens are.
    pub tokens: Tokens,
    /// Now.
    pub now: Now,
    /// What was done, where it is kept.
    pub journal: Option<Vec<Action>>,
}

/// A liquidation that happened.
#[derive(Clone, Copy, Debug)]
pub struct Liquidated {
    /// The engine's plan.
    pub plan: LiquidationPlan,
    /// What was written off with it.
    pub write_off: WriteOff,
}

/// A reserve that is not there is a mistake of the caller's.
const MISSING: EngineError = EngineError::LegMismatch;

impl Chain {
    /// Tokens of a position's pair of slots.
    ///
    /// # Errors
    /// `LegMismatch`.
    pub fn assets(&self, id: Id, pair: Pair) -> Result<(AssetId, AssetId)> {
        let (collaterals, debts) = self.book.legs(id);
        let (collateral, debt) = (collaterals.get(pair.0).ok_or(MISSING)?, debts.get(pair.1).ok_or(MISSING)?);
        Ok((collateral.asset, debt.asset))
    }

    /// A token's reserve.
    ///
    /// # Errors
    /// `LegMismatch`.
    pub fn reserve(&self, asset: AssetId) -> Result<&ReserveState> {
        self.reserves.get(usize::from(asset)).ok_or(MISSING)
    }

    fn reserve_mut(&mut self, asset: AssetId) -> Result<&mut ReserveState> {
        self.reserves.get_mut(usize::from(asset)).ok_or(MISSING)
    }

    fn pool(&self, debt: AssetId) -> Result<&BackstopState> {
        self.pools.get(usize::from(debt)).and_then(Option::as_ref).ok_or(EngineError::CollateralNotOptedIn)
    }

    /// A position's full state.
    pub fn position(&self, id: Id) -> PositionState {
        self.book.state(id, &self.keys)
    }

    /// The same to look at, without a copy where something happened to it before.
    fn seen(&self, id: Id) -> Cow<'_, PositionState> {
        match self.book.touched(id) {
            Some(state) => Cow::Borrowed(state),
            None => Cow::Owned(self.position(id)),
        }
    }

    /// How each token counts now, at the reading that is kept, by a weighing of each.
    pub fn lenses(&self, weighing: impl Fn(usize) -> Weighing) -> Vec<Lens> {
        let reserves = self.reserves.iter().enumerate();
        reserves.map(|(asset, reserve)| Lens::new(reserve, &reserve.reading, weighing(asset), &self.now)).collect()
    }

    fn note(&mut self, action: impl FnOnce() -> Action) {
        if let Some(journal) = &mut self.journal {
            journal.push(action());
        }
    }

    /// Time goes on, at five slots every two seconds, and every reserve is handed a reading where there is one, walks its
    /// terms and books its interest: what a keeper does with `refresh_reserves`.
    pub fn refresh(&mut self, secs: u64, readings: &[Option<Reading>]) {
        self.now.unix = self.now.unix.saturating_add(secs.try_into().unwrap_or(i64::MAX));
        self.now.slot = self.now.slot.saturating_add(secs * 5 / 2);
        let now = self.now;
        for (reserve, reading) in self.reserves.iter_mut().zip(readings) {
            // As the program takes it: in this slot.
            let taken = reading.map(|reading| Reading { slot: now.slot, ..reading });
            if taken.is_some() {
                reserve.keep_reading(taken.as_ref(), &now);
                reserve.accrue(now.unix);
                reserve.walk_terms(&now);
            }
        }
        self.note(|| Action::Refreshed { unix: now.unix, readings: readings.to_vec() });
    }

    /// Notices every price that has grown old: what a keeper does with `notice_stale_price`.
    pub fn notice_all(&mut self) {
        let now = self.now;
        for asset in 0..self.reserves.len() {
            let noticed = self.reserves.get_mut(asset).map(|reserve| (reserve.notice_stale(&now), reserve));
            if let Some((Ok(()), reserve)) = noticed {
                reserve.sequence = reserve.sequence.wrapping_add(1);
                self.note(|| Action::Noticed { asset: AssetId::try_from(asset).unwrap_or(AssetId::MAX) });
            }
        }
    }

    /// All legs of a position, at the readings that are kept.
    ///
    /// # Errors
    /// `LegMismatch`.
    pub fn exposure(&self, id: Id, old: Old) -> Result<Exposure> {
        let (mut exposure, now) = (Exposure::default(), &self.now);
        let (collaterals, debts) = self.book.legs(id);
        for leg in collaterals {
            let reserve = self.reserve(leg.asset)?;
            let (atoms, reading) = (leg.atoms(), &reserve.reading);
            exposure.push_collateral(match old {
                Old::Fade => reserve.collateral_leg(atoms, reading, now),
                Old::Keep => reserve.collateral_leg_undecayed(atoms, reading, now),
                Old::Favour => reserve.collateral_leg_favourable(atoms, reading, now),
                Old::Against => reserve.collateral_leg_adverse(atoms, reading, now),
            })?;
        }
        for leg in debts {
            let reserve = self.reserve(leg.asset)?;
            exposure.push_debt(match old {
                Old::Fade | Old::Keep => reserve.debt_leg(leg.amount, &reserve.reading, now),
                Old::Favour => reserve.debt_leg_favourable(leg.amount, &reserve.reading, now),
                Old::Against => reserve.debt_leg_adverse(leg.amount, &reserve.reading, now),
            })?;
        }
        Ok(exposure)
    }

    /// Whether every price of a position may open risk.
    ///
    /// # Errors
    /// The first that may not.
    pub fn prices(&self, id: Id) -> Result<()> {
        let (collaterals, debts) = self.book.legs(id);
        collaterals.iter().chain(debts).try_for_each(|leg| {
            let reserve = self.reserve(leg.asset)?;
            reserve.oracle_policy.permit_borrow(&reserve.reading, &self.now)
        })
    }

    fn standing(&self, position: &PositionState, id: Id, pair: Pair) -> Standing {
        let prices = if position.has_order() { self.prices(id) } else { Ok(()) };
        position.standing(pair, &self.market.policy, &self.now, prices).in_market(&self.market, &self.now)
    }

    /// What a liquidation of a pair would do.
    ///
    /// # Errors
    /// The engine's.
    pub fn plan(&self, id: Id, exposure: &Exposure, pair: Pair, repay_max_atoms: u64) -> Result<LiquidationPlan> {
        let sale = self.reserve(self.assets(id, pair)?.0)?.sale_terms(&self.now);
        let standing = self.standing(&self.seen(id), id, pair);
        let request = LiquidationRequest { collateral: pair.0, debt: pair.1, repay_max_atoms, seize_min_atoms: 0 };
        plan_liquidation(exposure, &sale, &self.market.policy, &standing, &request, &self.now)
    }

    /// `liquidate`.
    ///
    /// # Errors
    /// The engine's; nothing changed then.
    pub fn liquidate(&mut self, id: Id, pair: Pair, repay_max_atoms: u64) -> Result<Liquidated> {
        let plan = self.plan(id, &self.exposure(id, Old::Fade)?, pair, repay_max_atoms)?;
        let write_off = self.apply(id, pair, &plan, repay_max_atoms)?;
        Ok(Liquidated { plan, write_off })
    }

    /// Does what was planned a moment ago, for that bound on the repayment. Returns what was written off with it.
    ///
    /// # Errors
    /// The engine's; nothing changed then.
    pub fn apply(&mut self, id: Id, pair: Pair, plan: &LiquidationPlan, repay_max_atoms: u64) -> Result<WriteOff> {
        let (seized_asset, repaid_asset) = self.assets(id, pair)?;
        let (mut position, mut seized, mut repaid) =
            (self.position(id), *self.reserve(seized_asset)?, *self.reserve(repaid_asset)?);
        let paid_atoms = plan.repay_atoms.checked_add(plan.fee_atoms).ok_or(EngineError::AmountTooLarge)?;
        apply_liquidation(plan, &mut position, pair, (&mut seized, &mut repaid), &self.market.policy, &self.now)?;
        let write_off = write_off_if_empty(plan, &mut position, &self.keys, repaid_asset, &mut repaid)?;
        self.commit(id, &mut position, &mut [(seized_asset, seized), (repaid_asset, repaid)])?;
        self.tokens.take_in(repaid_asset, Vault::Liquidity, Actor::Liquidators, paid_atoms);
        self.tokens.pay_out(seized_asset, Vault::Collateral, Actor::Liquidators, plan.seize_atoms);
        self.note(|| Action::Liquidated { id, pair: (seized_asset, repaid_asset), repay_max_atoms });
        Ok(write_off)
    }

    /// Writes what an action changed.
    fn commit(&mut self, id: Id, position: &mut PositionState, reserves: &mut [(AssetId, ReserveState)]) -> Result<()> {
        position.sequence = position.sequence.wrapping_add(1);
        self.book.put(id, position, &self.keys);
        for (asset, state) in reserves {
            state.sequence = state.sequence.wrapping_add(1);
            *self.reserve_mut(*asset)? = *state;
        }
        Ok(())
    }

    /// What a purchase by the backstop would do.
    ///
    /// # Errors
    /// The engine's.
    pub fn plan_absorption(&self, id: Id, exposure: &Exposure, pair: Pair) -> Result<AbsorptionPlan> {
        let (seized_asset, repaid_asset) = self.assets(id, pair)?;
        let (seized, repaid) = (self.reserve(seized_asset)?, self.reserve(repaid_asset)?);
        let pool = self.pool(repaid_asset)?;
        let slot = pool.collateral_index(self.keys.get(usize::from(seized_asset)).ok_or(MISSING)?)?;
        let permit = |reserve: &ReserveState| reserve.oracle_policy.permit_absorption(&reserve.reading, &self.now);
        let buyer = Buyer { pool, slot, prices: permit(seized).and(permit(repaid)) };
        let request = AbsorptionRequest { collateral: pair.0, debt: pair.1, tip_min_atoms: 0 };
        // No protection order is asked for: the pool's business begins below one.
        let policy = &self.market.policy;
        let standing = self.seen(id).standing(pair, policy, &self.now, Ok(())).in_market(&self.market, &self.now);
        plan_absorption(&buyer, exposure, &seized.sale_terms(&self.now), policy, &standing, &request, &self.now)
    }

    /// `backstop_liquidate`.
    ///
    /// # Errors
    /// The engine's; nothing changed then.
    pub fn absorb(&mut self, id: Id, pair: Pair) -> Result<(AbsorptionPlan, WriteOff)> {
        let plan = self.plan_absorption(id, &self.exposure(id, Old::Fade)?, pair)?;
        let (seized_asset, repaid_asset) = self.assets(id, pair)?;
        let (mut position, mut seized, mut repaid, mut pool) =
            (self.position(id), *self.reserve(seized_asset)?, *self.reserve(repaid_asset)?, *self.pool(repaid_asset)?);
        let slot = pool.collateral_index(self.keys.get(usize::from(seized_asset)).ok_or(MISSING)?)?;
        let (policy, now) = (&self.market.policy, &self.now);
        let reserves = (&mut seized, &mut repaid);
        apply_absorption(&plan, &mut position, pair, reserves, (&mut pool, slot), policy, now)?;
        let write_off = write_off_if_empty(&plan.trade, &mut position, &self.keys, repaid_asset, &mut repaid)?;
        pool.sequence = pool.sequence.wrapping_add(1);
        self.commit(id, &mut position, &mut [(seized_asset, seized), (repaid_asset, repaid)])?;
        if let Some(place) = self.pools.get_mut(usize::from(repaid_asset)) {
            *place = Some(pool);
        }
        self.tokens.pay_out(seized_asset, Vault::Collateral, Actor::Callers, plan.tip_atoms);
        self.note(|| Action::Absorbed { id, pair: (seized_asset, repaid_asset) });
        Ok((plan, write_off))
    }

    /// `flag_position`, judged by one pair.
    ///
    /// # Errors
    /// The engine's; nothing changed then.
    pub fn flag(&mut self, id: Id, pair: Pair) -> Result<Sighting> {
        let exposure = self.exposure(id, Old::Fade)?;
        let plan = self.plan(id, &exposure, pair, u64::MAX);
        self.flag_seen(id, &exposure, pair, &plan)
    }

    /// The same, of a position whose legs were just projected and whose liquidation was just planned, without limits.
    ///
    /// # Errors
    /// As [`Self::flag`].
    pub fn flag_seen(
        &mut self,
        id: Id,
        exposure: &Exposure,
        pair: Pair,
        plan: &Result<LiquidationPlan>,
    ) -> Result<Sighting> {
        let (assets, prices) = (self.assets(id, pair)?, self.prices(id));
        let (policy, now) = (&self.market.policy, &self.now);
        let sighting = self.book.change(id, &self.keys, |position| {
            let sighting = position.see(exposure, plan, prices, policy, now)?;
            position.sequence = position.sequence.wrapping_add(1);
            Ok(sighting)
        })?;
        for (asset, reserve) in (0..).zip(&mut self.reserves) {
            if asset == assets.0 || asset == assets.1 {
                reserve.sequence = reserve.sequence.wrapping_add(1);
            }
        }
        self.note(|| Action::Flagged { id, pair: assets });
        Ok(sighting)
    }

    /// `mark_default`, with a tip to the caller in the first debt's token. Returns the tip, atoms.
    ///
    /// # Errors
    /// The engine's; nothing changed then.
    pub fn mark(&mut self, id: Id) -> Result<u64> {
        let favourable = self.exposure(id, Old::Favour)?;
        require_known_prices(&favourable)?;
        let (spot, against) = (self.exposure(id, Old::Keep)?, self.exposure(id, Old::Against)?);
        let (mut position, policy, now) = (self.position(id), self.market.policy, self.now);
        position.mark(&favourable, &spot, &policy, &now)?;
        let debts: Vec<AssetId> = self.book.legs(id).1.iter().map(|leg| leg.asset).collect();
        let (mut changed, mut tip_atoms) = (Vec::with_capacity(debts.len()), 0);
        for (index, asset) in debts.iter().enumerate() {
            let mut reserve = *self.reserve(*asset)?;
            reserve.accrue(now.unix);
            let loss = position.expect_loss(&favourable, &against, index);
            let provided_atoms = position.provide(index, loss, &mut reserve, &policy, &now)?;
            if let Some(leg) = spot.debts().first().filter(|_| index == 0) {
                tip_atoms = position.pay_marker(provided_atoms, leg.price, &mut reserve, &policy);
            }
            changed.push((*asset, reserve));
        }
        position.provisioned_at = now.unix;
        self.commit(id, &mut position, &mut changed)?;
        if let Some(first) = debts.first() {
            self.tokens.pay_out(*first, Vault::Liquidity, Actor::Callers, tip_atoms);
        }
        self.note(|| Action::Marked { id });
        Ok(tip_atoms)
    }

    /// Whether `mark` would begin a mark or book one anew that nobody booked for an auction time: as the keeper judges it.
    pub fn is_mark_due(&self, id: Id) -> Result<bool> {
        let (favourable, spot) = (self.exposure(id, Old::Favour)?, self.exposure(id, Old::Keep)?);
        require_known_prices(&favourable)?;
        let (before, policy, now) = (self.position(id), &self.market.policy, &self.now);
        let mut after = before;
        after.mark(&favourable, &spot, policy, now)?;
        let is_new = after.is_marked(policy, now) && !before.is_marked(policy, now);
        let silent_secs = u64::try_from(now.unix.saturating_sub(before.provisioned_at)).unwrap_or(0);
        Ok(is_new || silent_secs >= policy.auction_secs)
    }

    /// `settle_default`. Returns what was written off, by debt.
    ///
    /// # Errors
    /// The engine's; nothing changed then.
    pub fn settle(&mut self, id: Id) -> Result<Vec<(AssetId, WriteOff)>> {
        require_default(&self.exposure(id, Old::Keep)?, &self.market.policy)?;
        let losses = self.write_off(id)?;
        self.note(|| Action::Settled { id });
        Ok(losses)
    }

    /// Writes a position off, whatever it has left: what a settlement does once it is decided.
    ///
    /// # Errors
    /// `LegMismatch`.
    pub fn write_off(&mut self, id: Id) -> Result<Vec<(AssetId, WriteOff)>> {
        let mut position = self.position(id);
        let (collaterals, debts) = self.book.legs(id);
        let (collaterals, debts): (Vec<AssetId>, Vec<AssetId>) =
            (collaterals.iter().map(|leg| leg.asset).collect(), debts.iter().map(|leg| leg.asset).collect());
        let (mut changed, mut losses) = (Vec::new(), Vec::new());
        for (slot, asset) in position.debts().iter().zip(&debts) {
            let mut reserve = *self.reserve(*asset)?;
            reserve.accrue(self.now.unix);
            reserve.release_provision(slot.provision_shares.get());
            losses.push((*asset, reserve.write_off(slot.shares.get())));
            changed.push((*asset, reserve));
        }
        for (slot, asset) in position.collaterals().iter().zip(&collaterals) {
            let mut reserve = *self.reserve(*asset)?;
            reserve.forfeit_collateral(slot.atoms, slot.counted_atoms);
            changed.push((*asset, reserve));
        }
        position.clear();
        self.commit(id, &mut position, &mut changed)?;
        Ok(losses)
    }

    /// `repay` by the owner. Returns what was paid, atoms.
    ///
    /// # Errors
    /// The engine's; nothing changed then.
    pub fn repay(&mut self, id: Id, debt: usize, atoms_max: u64) -> Result<u64> {
        let asset = self.book.legs(id).1.get(debt).ok_or(MISSING)?.asset;
        let (mut position, mut reserve) = (self.position(id), *self.reserve(asset)?);
        reserve.accrue(self.now.unix);
        let shares = position.debts().get(debt).ok_or(MISSING)?.shares.get();
        let repayment = reserve.plan_repayment(shares, atoms_max)?;
        reserve.receive_repayment(&repayment)?;
        reserve.flow_in(repayment.atoms);
        reserve.release_provision(position.remove_debt(debt, repayment.shares, PaidFor::Nothing)?);
        self.commit(id, &mut position, &mut [(asset, reserve)])?;
        self.tokens.take_in(asset, Vault::Liquidity, Actor::Borrowers, repayment.atoms);
        self.note(|| Action::Repaid { id, asset, atoms_max });
        Ok(repayment.atoms)
    }

    /// A trade that another rule than the program's decided: so much repaid, so much seized, and a fee to insurance.
    ///
    /// # Errors
    /// Those of the ledgers; nothing changed then.
    pub fn trade(&mut self, id: Id, pair: Pair, repay_atoms: u64, seize_atoms: u64, fee_atoms: u64) -> Result<()> {
        let (seized_asset, repaid_asset) = self.assets(id, pair)?;
        let (mut position, mut seized, mut repaid) =
            (self.position(id), *self.reserve(seized_asset)?, *self.reserve(repaid_asset)?);
        let shares = position.debts().get(pair.1).ok_or(MISSING)?.shares.get();
        let repayment = repaid.plan_repayment(shares, repay_atoms)?;
        repaid.release_provision(position.remove_debt(pair.1, repayment.shares, PaidFor::Collateral)?);
        repaid.receive_repayment(&repayment)?;
        repaid.receive_insurance(fee_atoms)?;
        let counted = position.remove_collateral(pair.0, seize_atoms)?;
        seized.give_collateral(seize_atoms, counted)?;
        self.commit(id, &mut position, &mut [(seized_asset, seized), (repaid_asset, repaid)])?;
        let paid_atoms = repayment.atoms.saturating_add(fee_atoms);
        self.tokens.take_in(repaid_asset, Vault::Liquidity, Actor::Liquidators, paid_atoms);
        self.tokens.pay_out(seized_asset, Vault::Collateral, Actor::Liquidators, seize_atoms);
        Ok(())
    }
}

/// Settles where a liquidation took the last collateral and the repaid debt is the only one left, as the program does.
fn write_off_if_empty(
    plan: &LiquidationPlan,
    position: &mut PositionState,
    keys: &[Pubkey],
    repaid_asset: AssetId,
    repaid: &mut ReserveState,
) -> Result<WriteOff> {
    let key = keys.get(usize::from(repaid_asset)).ok_or(MISSING)?;
    let only_debt = position.debts().first().filter(|slot| position.debt_count == 1 && slot.reserve == *key);
    let Some(shares) = only_debt.filter(|_| plan.takes_last_collateral).map(|slot| slot.shares.get()) else {
        return Ok(WriteOff::default());
    };
    let write_off = repaid.write_off(shares);
    repaid.release_provision(position.remove_debt(0, shares, PaidFor::Collateral)?);
    Ok(write_off)
}
