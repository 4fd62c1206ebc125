//! Settings and states within their ranges.

use plimsoll_engine::error::EngineError;
use plimsoll_engine::price::DECIMALS_MAX;
use plimsoll_engine::state::{
    BACKSTOP_SCALES, MAX_BACKSTOP_COLLATERALS, MAX_COLLATERALS, MAX_DEBTS, ORACLE_PYTH_PUSH, RESERVE_CLOSED, TOKEN_2022,
};

use crate::books::Books;
use crate::expect;

/// Bits of a market's flags that mean something.
const FLAGS: u32 = 0b11;

impl Books {
    /// I23.
    pub(crate) fn in_range(&self, violations: &mut Vec<String>) {
        for market in &self.markets {
            let is_valid = market.state.policy.validate().is_ok() && market.state.flags & !FLAGS == 0;
            expect(violations, is_valid, || format!("I23: settings of {}", self.name(&market.address)));
        }
        for reserve in &self.reserves {
            let state = &reserve.state;
            let kinds = state.status <= RESERVE_CLOSED
                && state.oracle_kind <= ORACLE_PYTH_PUSH
                && state.token_kind <= TOKEN_2022
                && state.decimals <= DECIMALS_MAX;
            expect(violations, kinds, || format!("I23: kinds of {}", self.name(&reserve.address)));
            let market = self.markets.iter().find(|market| market.address == reserve.market());
            let valid = market
                .map(|market| state.config().validate(&market.state.policy, state.decimals, &state.reading))
                .unwrap_or(Err(EngineError::InvalidMarketPolicy));
            // What is judged at the price of the moment may cease to hold when the price moves.
            let holds = matches!(valid, Ok(()) | Err(EngineError::DustTooSmall | EngineError::InvalidThrottle));
            expect(violations, holds, || format!("I23: settings of {}: {valid:?}", self.name(&reserve.address)));
        }
        for position in &self.positions {
            let state = &position.state;
            let counts =
                usize::from(state.collateral_count) <= MAX_COLLATERALS && usize::from(state.debt_count) <= MAX_DEBTS;
            let provided = state.debts().iter().all(|slot| slot.provision_shares.get() <= slot.shares.get());
            expect(violations, counts && provided, || format!("I23: slots of {}", self.name(&position.address)));
        }
        for pool in &self.pools {
            let state = &pool.state;
            let is_valid = usize::from(state.collateral_count) <= MAX_BACKSTOP_COLLATERALS
                && usize::try_from(state.scale).is_ok_and(|scale| scale < BACKSTOP_SCALES);
            expect(violations, is_valid, || format!("I23: slots of {}", self.name(&pool.address)));
        }
        for proposal in &self.proposals {
            let state = &proposal.state;
            let is_ordered = state.written_at < state.ripe_at && state.ripe_at < state.expires_at;
            expect(violations, is_ordered, || format!("I23: times of {}", self.name(&proposal.address)));
        }
    }
}
