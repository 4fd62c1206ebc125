//! The demo's market: one volatile collateral, two stable debts, and terms that pass every invariant.

use anchor_lang::prelude::Pubkey;
use anyhow::Result;
use plimsoll_client::accounts::{Lender, Position, Reserve};
use plimsoll_client::{address, instructions, PROGRAM_ID};
use plimsoll_engine::state::{
    BonusTerms, Caps, InitialTerms, MarketPolicy, OraclePolicy, RateCurve, ReserveConfig, RiskTerms,
};
use solana_signer::Signer;

use super::tokens::Token;
use crate::chain::{Chain, Receipt};
use crate::prices::{Feed, Kind};

/// Policy of the demo's market.
pub fn policy() -> MarketPolicy {
    MarketPolicy {
        target_health_bps: 10_500,
        call_level_bps: 10_500,
        dust_value: 10_000_000_000,
        cool_off_slots: 5,
        bonus_default_bps: 500,
        auction_secs: 600,
        sighting_secs: 60,
        recovery_margin_bps: 1_000,
        loosen_delay_secs: 172_800,
        proposal_life_secs: 259_200,
        pause_max_secs: 86_400,
        liquidation_pause_max_secs: 3_600,
        provision_release_bps_per_hour: 1_000,
        flash_fee_bps: 5,
        mark_tip_value: 5_000_000_000,
        reserved: [0; 1],
    }
}

/// Creates a market under the demo's policy; the payer has every role.
pub fn create(chain: &Chain, id: u16) -> Result<(Pubkey, Receipt)> {
    let admin = chain.payer().pubkey();
    let create = instructions::CreateMarket { admin, id, policy: policy(), treasury: admin, immutable: false };
    Ok((address::market(id), chain.send(&[create.instruction()], &[])?))
}

/// A reserve of the demo, with its token and feed.
pub struct Listing {
    /// Token.
    pub token: Token,
    /// Price feed.
    pub feed: Feed,
    /// Reserve address.
    pub reserve: Pubkey,
}

impl Listing {
    /// Creates mint, feed and reserve.
    pub fn create(
        chain: &Chain,
        market: &Pubkey,
        token: Token,
        kind: Kind,
        cents: u64,
        terms: impl Fn(&Token, &Feed) -> ReserveConfig,
    ) -> Result<(Self, Receipt)> {
        let feed = Feed::new(kind);
        feed.publish(chain, cents)?;
        Self::of(chain, market, token, feed, terms)
    }

    /// Creates the reserve of a token, under the price that its feed says.
    pub fn of(
        chain: &Chain,
        market: &Pubkey,
        token: Token,
        feed: Feed,
        terms: impl Fn(&Token, &Feed) -> ReserveConfig,
    ) -> Result<(Self, Receipt)> {
        let create = instructions::CreateReserve {
            admin: chain.payer().pubkey(),
            market: *market,
            mint: token.mint,
            token_program: token.program,
            price: feed.account,
            config: terms(&token, &feed),
        };
        let receipt = chain.send(&[plimsoll_client::compute_budget::unit_limit(400_000), create.instruction()], &[])?;
        let reserve = address::reserve(market, &token.mint);
        Ok((Self { token, feed, reserve }, receipt))
    }

    /// The reserve as it is now.
    pub fn state(&self, chain: &Chain) -> Result<Reserve> {
        Ok(Reserve::decode_owned(self.reserve, &PROGRAM_ID, &chain.data(&self.reserve)?)?)
    }
}

/// A position as it is now.
pub fn position(chain: &Chain, address: &Pubkey) -> Result<Position> {
    Ok(Position::decode_checked(*address, &PROGRAM_ID, &chain.data(address)?)?)
}

/// A lender account as it is now.
pub fn lender(chain: &Chain, address: &Pubkey) -> Result<Lender> {
    Ok(Lender::decode_owned(*address, &PROGRAM_ID, &chain.data(address)?)?)
}

fn oracle_policy() -> OraclePolicy {
    OraclePolicy {
        borrow_age_secs: 60,
        liquidate_age_secs: 120,
        confidence_soft_bps: 100,
        confidence_hard_bps: 500,
        ema_band_bps: 1_000,
        stale_secs: 3_600,
        dead_secs: 21_600,
        sample_secs: 300,
        reserved: [0; 2],
    }
}

/// Terms of a volatile token: daily volatility 4%, depth of a large market.
pub fn volatile(token: &Token, feed: &Feed) -> ReserveConfig {
    ReserveConfig {
        oracle_kind: feed.oracle_kind(),
        oracle: feed.oracle(),
        risk: RiskTerms {
            maintenance_bps: 8_000,
            debt_weight_bps: 11_000,
            z_x100: 233,
            horizon_secs: 600,
            spread_bps: 10,
            impact_sqrt_bps: 1_000,
            depth_atoms: token.whole(1_000_000),
            depth_floor_atoms: token.whole(100_000),
            sigma_floor_bps: 200,
            sigma_cap_bps: 1_500,
            sigma_ref_bps: 400,
            sigma_rise_bps_per_hour: 50,
        },
        initial: InitialTerms { initial_bps: 7_000, debt_weight_bps: 12_000, reserved: [0; 6] },
        bonus: BonusTerms {
            bonus_min_bps: 100,
            bonus_max_bps: 1_000,
            health_max_bonus_bps: 9_000,
            fee_share_bps: 1_000,
            throttle_share_bps: 500,
            throttle_window_secs: 3_600,
            reserved: [0; 2],
        },
        oracle_policy: oracle_policy(),
        rates: rates(),
        caps: Caps {
            supply_atoms: token.whole(100_000),
            borrow_atoms: token.whole(50_000),
            collateral_atoms: token.whole(10_000),
            rescue_allowance_bps: 1_000,
            outflow_atoms: u64::MAX,
            outflow_secs: 86_400,
        },
        sigma_bps: 400,
        depth_valid_secs: 30 * 86_400,
    }
}

/// Terms of a stable token.
pub fn stable(token: &Token, feed: &Feed) -> ReserveConfig {
    ReserveConfig {
        risk: RiskTerms {
            maintenance_bps: 9_000,
            debt_weight_bps: 10_000,
            depth_atoms: token.whole(50_000_000),
            depth_floor_atoms: token.whole(5_000_000),
            sigma_floor_bps: 10,
            sigma_cap_bps: 500,
            sigma_ref_bps: 50,
            sigma_rise_bps_per_hour: 10,
            impact_sqrt_bps: 100,
            ..volatile(token, feed).risk
        },
        initial: InitialTerms { initial_bps: 8_500, debt_weight_bps: 10_000, reserved: [0; 6] },
        bonus: BonusTerms { bonus_max_bps: 500, health_max_bonus_bps: 9_500, ..volatile(token, feed).bonus },
        caps: Caps {
            supply_atoms: token.whole(1_000_000),
            borrow_atoms: token.whole(900_000),
            collateral_atoms: token.whole(100_000),
            rescue_allowance_bps: 1_000,
            outflow_atoms: u64::MAX,
            outflow_secs: 86_400,
        },
        sigma_bps: 20,
        ..volatile(token, feed)
    }
}

fn rates() -> RateCurve {
    RateCurve {
        base_rate_bps: 0,
        kink_utilisation_bps: 8_000,
        kink_rate_bps: 600,
        max_rate_bps: 10_000,
        insurance_share_bps: 1_000,
        fee_share_bps: 500,
    }
}
