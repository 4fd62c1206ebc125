//! Between healthy and liquidated: the margin call, the flag with its auction clock, the protection order (protocol,
//! section 4).
//!
//! The clock of an auction counts only time in which the position could really be liquidated, and the program sees a
//! position only when somebody touches it. So time is counted by **sightings**: a transaction that saw, at usable prices,
//! a liquidation that would have gone through. Each vouches for at most `sighting_secs` after it, and only where the next
//! look finds the position still liquidatable. Pauses, cool-off, an empty throttle, a dead feed and hours in which
//! nobody looked count nothing, without a record of any of them.

use crate::error::{EngineError, Result};
use crate::fixed::Factor;
use crate::health::Exposure;
use crate::liquidation::LiquidationPlan;
use crate::pause::Pausable;
use crate::recovery::{fallen, RecoverySale};
use crate::state::{MarketPolicy, MarketState, PositionState};
use crate::Now;

/// A protection order's trigger stays this far below the target, bps: what keepers restore must be worth a transaction.
pub const PROTECTION_GAP_BPS: u64 = 100;

/// What of a position, beyond its legs, a liquidation looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Not liquidatable up to and including this slot.
    pub cooling_until_slot: u64,
    /// Liquidatable time counted since the flag, seconds.
    pub auction_secs: u64,
    /// The borrower's protection order.
    pub order: Option<ProtectionOrder>,
    /// The sale of this pair, where the position is marked in default.
    pub recovery: Option<RecoverySale>,
    /// Until when liquidations are paused, unix time; 0 where they are not.
    pub paused_until: i64,
}

/// A borrower's leave to deleverage early, at a small bonus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtectionOrder {
    /// Health below which keepers may act. Above one.
    pub trigger: Factor,
    /// Bonus, in place of the collateral's.
    pub bonus: Factor,
    /// Why a price of the position is not good enough for it, if one is not.
    pub refusal: Option<EngineError>,
}

impl Standing {
    /// The same under the pauses of the market. The price of a recovery sale falls only while it can be bought at, so it
    /// begins anew with the end of a pause. (Else a pause would be a way to buy at the end of the sale.)
    pub fn in_market(mut self, market: &MarketState, now: &Now) -> Self {
        self.paused_until = market.paused_until(Pausable::Liquidate, now);
        if let Some(sale) = &mut self.recovery {
            sale.fallen = sale.fallen.min(fallen(market.liquidation_resumed_at(), &market.policy, now));
        }
        self
    }
}

/// What a look at a position found, and changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// Liquidatable: flagged, or the flag's clock went on.
    Flagged {
        /// Liquidatable time counted since the flag, seconds.
        auction_secs: u64,
    },
    /// Healthy, but below the call level, and neither called nor flagged before.
    Called,
    /// Healthy: the flag is gone; the call too, at or above the call level.
    Cleared,
}

impl PositionState {
    /// What a liquidation of a pair of slots looks at beyond the legs, but for the market's pauses: those are added by
    /// [`Standing::in_market`]. `prices`: whether each price of the position may open risk; it matters
    /// only where an order stands ([`Self::has_order`]).
    pub fn standing(&self, pair: (usize, usize), market: &MarketPolicy, now: &Now, prices: Result<()>) -> Standing {
        let order = self.has_order().then(|| ProtectionOrder {
            trigger: Factor::from_bps_floor(self.protection_trigger_bps),
            bonus: Factor::from_bps_floor(self.protection_bonus_bps),
            refusal: prices.err(),
        });
        let (cooling_until_slot, auction_secs) = (self.cooling_until_slot, self.auction_secs_at(market, now));
        let recovery = self.recovery_sale(pair, market, now);
        Standing { cooling_until_slot, auction_secs, order, recovery, paused_until: 0 }
    }

    /// Liquidatable time counted since the flag, up to now, if it is still liquidatable now. Zero without a flag, and
    /// after two auction times: that flag is dead.
    pub fn auction_secs_at(&self, market: &MarketPolicy, now: &Now) -> u64 {
        self.auction_secs_alive(market, now).unwrap_or(0)
    }

    fn auction_secs_alive(&self, market: &MarketPolicy, now: &Now) -> Option<u64> {
        let since = u64::try_from(now.unix.saturating_sub(self.auction_counted_at)).unwrap_or(0);
        let counted = self.auction_secs.saturating_add(since.min(market.sighting_secs));
        let is_alive = self.flagged_at != 0 && counted < market.auction_secs.saturating_mul(2);
        is_alive.then_some(counted)
    }

    /// Whether it is flagged, by a flag still alive.
    pub fn is_flagged(&self, market: &MarketPolicy, now: &Now) -> bool {
        self.auction_secs_alive(market, now).is_some()
    }

    /// Whether there is a protection order.
    pub fn has_order(&self) -> bool {
        self.protection_trigger_bps != 0
    }

    /// Sets the protection order; two zeros remove it.
    ///
    /// # Errors
    /// `InvalidProtectionOrder` unless `1 < trigger <= T - 0.01` and the bonus is at most the market's default bonus.
    pub fn set_order(&mut self, trigger_bps: u64, bonus_bps: u64, market: &MarketPolicy) -> Result<()> {
        let highest = market.target_health_bps.saturating_sub(PROTECTION_GAP_BPS);
        let is_order =
            (crate::fixed::BPS + 1..=highest).contains(&trigger_bps) && bonus_bps <= market.bonus_default_bps;
        if !is_order && (trigger_bps, bonus_bps) != (0, 0) {
            return Err(EngineError::InvalidProtectionOrder);
        }
        self.protection_trigger_bps = trigger_bps;
        self.protection_bonus_bps = bonus_bps;
        Ok(())
    }

    /// Removes the flag: health of at least one was seen.
    pub fn clear_flag(&mut self) {
        self.flagged_at = 0;
        self.auction_secs = 0;
        self.auction_counted_at = 0;
    }

    /// Removes what a health of at least one ends: the flag, and the call where it is at least the call level.
    pub fn see_healthy(&mut self, health: Factor, market: &MarketPolicy) {
        self.clear_flag();
        if health >= Factor::from_bps_ceil(market.call_level_bps) {
            self.called_at = 0;
        }
    }

    /// Ends flag and call where an action of the owner, which was let through as healthy, ends them.
    pub fn see_exposure(&mut self, healthy: &Exposure, market: &MarketPolicy) {
        self.defaulted_at = 0;
        // Whoever is flagged was called.
        if self.called_at != 0 {
            self.see_healthy(healthy.health(), market);
        }
    }

    /// Records what a look at the position found. `plan`: what a liquidation of one of its pairs would do, without limits.
    /// `prices`: whether each price of the position may open risk; health is believed to be back only at such prices, or
    /// one old reading would reset an auction.
    ///
    /// # Errors
    /// The plan's, where the position is unhealthy but could not be liquidated; `Throttled` also where less than half of
    /// its share is left (a trickle is no sale); that of `prices`; `Healthy` where there is nothing to record.
    pub fn see(
        &mut self,
        exposure: &Exposure,
        plan: &Result<LiquidationPlan>,
        prices: Result<()>,
        market: &MarketPolicy,
        now: &Now,
    ) -> Result<Sighting> {
        let health = exposure.health();
        if health < Factor::ONE {
            return self.see_liquidatable((*plan)?, market, now);
        }
        let was_flagged = self.flagged_at != 0;
        let is_called = health < Factor::from_bps_ceil(market.call_level_bps);
        if !was_flagged && is_called == (self.called_at != 0) {
            return Err(EngineError::Healthy);
        }
        prices?;
        self.defaulted_at = 0;
        self.see_healthy(health, market);
        if is_called && self.called_at == 0 {
            self.called_at = now.unix;
            return Ok(Sighting::Called);
        }
        Ok(Sighting::Cleared)
    }

    fn see_liquidatable(&mut self, plan: LiquidationPlan, market: &MarketPolicy, now: &Now) -> Result<Sighting> {
        if !plan.could_sell() {
            return Err(EngineError::Throttled);
        }
        if self.called_at == 0 {
            self.called_at = now.unix;
        }
        let alive = self.auction_secs_alive(market, now);
        if alive.is_none() {
            self.flagged_at = now.unix;
        }
        self.auction_secs = alive.unwrap_or(0);
        self.auction_counted_at = now.unix;
        Ok(Sighting::Flagged { auction_secs: self.auction_secs })
    }

    /// What a liquidation leaves of call, flag, clock and mark.
    pub fn see_liquidation(&mut self, plan: &LiquidationPlan, market: &MarketPolicy, now: &Now) {
        if !plan.is_terminal {
            self.defaulted_at = 0;
        }
        if plan.health_after >= Factor::ONE {
            self.see_healthy(plan.health_after, market);
        } else if let Some(counted) = self.auction_secs_alive(market, now).filter(|_| plan.could_sell()) {
            self.auction_secs = counted;
            self.auction_counted_at = now.unix;
        }
    }
}
