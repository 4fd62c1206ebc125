//! Plimsoll: a liquidation program. Collateral is worth what a forced sale of it would bring now.
//!
//! This crate says who may, which account, what moves and what is logged; it holds no formula. Decisions are made by
//! [`plimsoll_engine`], which clients, keeper and simulator call too.

// Anchor's derives expand to code that these lints dislike.
#![allow(clippy::result_large_err, clippy::diverging_sub_expression)]

use anchor_lang::prelude::*;
use plimsoll_engine::quote::{
    BackstopProviderQuote, LenderExposureQuote, LenderQuote, LiquidationQuote, PositionQuote,
};
use plimsoll_engine::state::{BackstopPolicy, MarketPolicy, ReserveConfig};

pub mod constants;
pub mod error;
pub mod events;
pub mod instructions;
pub mod introspection;
pub mod legs;
pub mod oracle;
pub mod state;
pub mod tokens;

use instructions::*;

declare_id!("82tJvt45R3sytKqdKPDgftZZxS6tw7YStg9qLAQ8ZHdf");

// Who finds the program on a chain finds in its file where to report a flaw. Not in programs that link this one.
#[cfg(not(feature = "no-entrypoint"))]
solana_security_txt::security_txt! {
    name: "Plimsoll",
    project_url: "not published",
    contacts: "other:a private security advisory on the host of the source repository",
    policy: "SECURITY.md in the source repository",
    preferred_languages: "en",
    auditors: "none"
}

/// Dispatch only. `liquidate` stands first: each instruction before it would cost it about 25 compute units.
///
/// `offered` is a bit mask over the position's legs (collaterals, then debts, in slot order): bit k set means that a
/// price account for leg k is given. Remaining accounts: the legs' reserves that are not named, in that order, then the
/// offered price accounts, in that order.
#[program]
pub mod plimsoll {
    use super::*;

    /// Repay an unhealthy position's debt and take collateral for it at a bonus. Anyone may.
    ///
    /// Repays what restores the target health, as far as the collateral's sales throttle allows, or all that debt and
    /// collateral allow in the terminal state; at most `repay_max_atoms` of debt (the fee comes on top). Fails unless at
    /// least `seize_min_atoms` of collateral are seized.
    pub fn liquidate<'info>(
        ctx: Context<'info, Liquidate<'info>>,
        repay_max_atoms: u64,
        seize_min_atoms: u64,
        offered: u16,
    ) -> Result<()> {
        liquidate::handle(ctx, repay_max_atoms, seize_min_atoms, offered)
    }

    /// Borrow `amount_atoms` against a position. Both healths must be at least 1 afterwards.
    pub fn borrow<'info>(ctx: Context<'info, Borrow<'info>>, amount_atoms: u64, offered: u16) -> Result<()> {
        borrow::handle(ctx, amount_atoms, offered)
    }

    /// Repay up to `amount_atoms_max` of a position's debt. Anyone may. Give the largest u64 to repay all.
    pub fn repay(ctx: Context<Repay>, amount_atoms_max: u64) -> Result<()> {
        repay::handle(ctx, amount_atoms_max)
    }

    /// Add `amount_atoms` of collateral to a position. Anyone may, to an open slot; only the owner opens one.
    ///
    /// Where the reserve's collateral cap has no room, a position below the call level may be rescued with more, up to the
    /// target health and the cap's rescue allowance: then give the market, the position's legs and prices.
    pub fn deposit_collateral<'info>(
        ctx: Context<'info, DepositCollateral<'info>>,
        amount_atoms: u64,
        offered: u16,
    ) -> Result<()> {
        deposit_collateral::handle(ctx, amount_atoms, offered)
    }

    /// Take `amount_atoms` of collateral out of a position. With debt, both healths must be at least 1 afterwards.
    pub fn withdraw_collateral<'info>(
        ctx: Context<'info, WithdrawCollateral<'info>>,
        amount_atoms: u64,
        offered: u16,
    ) -> Result<()> {
        withdraw_collateral::handle(ctx, amount_atoms, offered)
    }

    /// Supply `amount_atoms` of liquidity for shares, at least `shares_min` of them.
    pub fn supply(ctx: Context<ChangeSupply>, amount_atoms: u64, shares_min: u128) -> Result<()> {
        supply::handle(ctx, amount_atoms, shares_min)
    }

    /// Redeem `shares` for liquidity, at least `assets_min_atoms` of it.
    pub fn redeem(ctx: Context<ChangeSupply>, shares: u128, assets_min_atoms: u64) -> Result<()> {
        redeem::handle(ctx, shares, assets_min_atoms)
    }

    /// Look at a position and record what is seen, judged by one collateral and one debt of it. Anyone may.
    ///
    /// Liquidatable: it is flagged, and the clock that raises the bonus starts or goes on; the clock counts from look to
    /// look, at most the market's `sighting_secs` each. Healthy but below the call level: the borrower is called, once.
    /// Health of at least one removes the flag, at or above the call level the call too. Both need prices of every leg that may open risk. Fails with `Healthy`
    /// where there is nothing to record.
    pub fn flag_position<'info>(ctx: Context<'info, FlagPosition<'info>>, offered: u16) -> Result<()> {
        flag_position::handle(ctx, offered)
    }

    /// Let keepers liquidate this position while it is still healthy, once health is below `trigger_bps` (above 10,000, at
    /// most the target less 100), for a bonus of `bonus_bps`. Two zeros remove the order. The owner alone may.
    pub fn set_protection_order(ctx: Context<SetProtectionOrder>, trigger_bps: u64, bonus_bps: u64) -> Result<()> {
        set_protection_order::handle(ctx, trigger_bps, bonus_bps)
    }

    /// Borrow `amount_atoms` until a later top-level `flash_repay` of this transaction returns them with a fee. Anyone may.
    ///
    /// Neither may be called through another program. Until then the reserve takes part in `liquidate`, `repay` and
    /// `settle_default` only.
    pub fn flash_borrow(ctx: Context<FlashBorrow>, amount_atoms: u64) -> Result<()> {
        flash_borrow::handle(ctx, amount_atoms)
    }

    /// Return a reserve's flash loan, its principal and its fee. Anyone may.
    pub fn flash_repay(ctx: Context<FlashRepay>) -> Result<()> {
        flash_repay::handle(ctx)
    }

    /// Mark a position that cannot pay its debt and the default bonus even at prices in its favour, and book the loss that is
    /// expected of it: lenders redeem at assets less provisions from then on. Again, to book anew or to end it. Anyone may.
    pub fn mark_default<'info>(ctx: Context<'info, MarkDefault<'info>>, offered: u16) -> Result<()> {
        mark_default::handle(ctx, offered)
    }

    /// Settle a default: insurance pays the loss, lenders bear the rest in proportion. Anyone may. No token moves.
    pub fn settle_default<'info>(ctx: Context<'info, SettleDefault<'info>>, offered: u16) -> Result<()> {
        settle_default::handle(ctx, offered)
    }

    /// Hand newer prices to reserves and book their interest. Anyone may. Remaining accounts: (reserve, price) pairs.
    pub fn refresh_reserves<'info>(ctx: Context<'info, RefreshReserves<'info>>) -> Result<()> {
        refresh_reserves::handle(ctx)
    }

    /// Record that a reserve's price has grown old, from when on it fades in liquidations of other collateral. Anyone may.
    pub fn notice_stale_price(ctx: Context<NoticeStalePrice>) -> Result<()> {
        notice_stale_price::handle(ctx)
    }

    /// Book a reserve's interest up to now. Anyone may.
    pub fn accrue_interest(ctx: Context<AccrueInterest>) -> Result<()> {
        accrue_interest::handle(ctx)
    }

    /// Open an empty position with number `id`.
    pub fn open_position(ctx: Context<OpenPosition>, id: u16) -> Result<()> {
        open_position::handle(ctx, id)
    }

    /// Close an empty position; the rent goes back to its owner.
    pub fn close_position(ctx: Context<ClosePosition>) -> Result<()> {
        close_position::handle(ctx)
    }

    /// Open a lender account in a reserve, before the first supply.
    pub fn open_lender(ctx: Context<OpenLender>) -> Result<()> {
        open_lender::handle(ctx)
    }

    /// Close an empty lender account; the rent goes back to its owner.
    pub fn close_lender(ctx: Context<CloseLender>) -> Result<()> {
        close_lender::handle(ctx)
    }

    /// Stop counting a debt-free position's collateral against what others may borrow. Anyone may.
    pub fn uncount_position(ctx: Context<UncountPosition>) -> Result<()> {
        uncount_position::handle(ctx)
    }

    /// Pay back up to `amount_atoms_max` of what a reserve's lenders lost. Anyone may; takes at most what is outstanding, and
    /// leaves nothing of it or at least dust.
    pub fn repay_recovery(ctx: Context<FundInsurance>, amount_atoms_max: u64) -> Result<()> {
        repay_recovery::handle(ctx, amount_atoms_max)
    }

    /// Take what was paid back of one's losses. Shares stay as they are.
    pub fn claim_recovery(ctx: Context<ChangeSupply>) -> Result<()> {
        claim_recovery::handle(ctx)
    }

    /// Add `amount_atoms` to a reserve's insurance. Anyone may; it is not returned.
    pub fn fund_insurance(ctx: Context<FundInsurance>, amount_atoms: u64) -> Result<()> {
        fund_insurance::handle(ctx, amount_atoms)
    }

    /// Pay a reserve's protocol fees to the market's treasury. Anyone may.
    pub fn collect_fees(ctx: Context<CollectFees>) -> Result<()> {
        collect_fees::handle(ctx)
    }

    /// Create market number `id`. The signer becomes its admin, guardian and council. One that is `immutable` has none of them
    /// from its launch on, and nothing of it changes; the depth of its tokens stands at its floor from the start.
    pub fn create_market(
        ctx: Context<CreateMarket>,
        id: u16,
        policy: MarketPolicy,
        treasury: Pubkey,
        immutable: bool,
    ) -> Result<()> {
        create_market::handle(ctx, id, policy, treasury, immutable)
    }

    /// Add a token to a market. The admin alone may.
    pub fn create_reserve(ctx: Context<CreateReserve>, config: ReserveConfig) -> Result<()> {
        create_reserve::handle(ctx, &config)
    }

    /// Let a reserve's backstop pool repay an unhealthy position's debt and take the collateral. Anyone may, for a tip.
    ///
    /// From the pool's trigger on: health below `trigger_health`, or liquidatable for `trigger_secs` since the flag. Prices of
    /// the pair may be a quarter as old as for `liquidate`. Fails unless the tip is at least `tip_min_atoms` of the collateral.
    pub fn backstop_liquidate<'info>(
        ctx: Context<'info, BackstopLiquidate<'info>>,
        tip_min_atoms: u64,
        offered: u16,
    ) -> Result<()> {
        backstop_liquidate::handle(ctx, tip_min_atoms, offered)
    }

    /// Deposit `amount_atoms` into a backstop pool. It warms up first: until it joins it neither absorbs nor earns. A deposit
    /// added to one that is warming up starts the wait of both anew.
    pub fn deposit_backstop(ctx: Context<ChangeBackstopDeposit>, amount_atoms: u64) -> Result<()> {
        deposit_backstop::handle(ctx, amount_atoms)
    }

    /// Let a warm deposit join its pool, or start its warm-up over where its window is past. Anyone may.
    pub fn join_backstop(ctx: Context<JoinBackstop>) -> Result<()> {
        join_backstop::handle(ctx)
    }

    /// Take back a deposit that is still warming up. One that is warm joins instead.
    pub fn cancel_backstop_deposit(ctx: Context<ChangeBackstopDeposit>) -> Result<()> {
        cancel_backstop_deposit::handle(ctx)
    }

    /// Request a withdrawal of `amount_atoms`. It stays in the pool, and absorbs, until it is taken: after the cooldown, before
    /// its window ends. Replaces an earlier request.
    pub fn request_backstop_withdrawal(ctx: Context<RequestBackstopWithdrawal>, amount_atoms: u64) -> Result<()> {
        request_backstop_withdrawal::handle(ctx, amount_atoms)
    }

    /// Take what was requested, or what is left of it.
    pub fn withdraw_backstop(ctx: Context<ChangeBackstopDeposit>) -> Result<()> {
        withdraw_backstop::handle(ctx)
    }

    /// Take all that a provider gained of one collateral.
    pub fn claim_backstop_gain(ctx: Context<ClaimBackstopGain>) -> Result<()> {
        claim_backstop_gain::handle(ctx)
    }

    /// Open a provider account in a backstop pool, before the first deposit.
    pub fn open_backstop_provider(ctx: Context<OpenBackstopProvider>) -> Result<()> {
        open_backstop_provider::handle(ctx)
    }

    /// Close an empty provider account; the rent goes back to its owner.
    pub fn close_backstop_provider(ctx: Context<CloseBackstopProvider>) -> Result<()> {
        close_backstop_provider::handle(ctx)
    }

    /// Open generation number `generation` of a reserve's backstop pool: the first is 0, a later one wants the one before it
    /// closed to deposits. The admin alone may.
    pub fn create_backstop(ctx: Context<CreateBackstop>, policy: BackstopPolicy, generation: u8) -> Result<()> {
        create_backstop::handle(ctx, &policy, generation)
    }

    /// Opt a backstop pool in to a collateral, or change the cap on what it holds of it; a cap of zero opts out. A higher cap in
    /// a launched market waits out the delay of proposals. The admin alone may.
    pub fn set_backstop_collateral(ctx: Context<SetBackstopCollateral>, cap_atoms: u64) -> Result<()> {
        set_backstop_collateral::handle(ctx, cap_atoms)
    }

    /// Change parameter number `parameter` at once, where that tightens. Admin or council may. What enters maintenance health
    /// walks there, a step an hour: see `refresh_reserves`.
    pub fn tighten_parameter(ctx: Context<TightenParameter>, parameter: u16, value: [u8; 32]) -> Result<()> {
        tighten_parameter::handle(ctx, parameter, value)
    }

    /// Propose a change of parameter number `parameter` that loosens, or has no direction: it waits out the market's delay.
    /// Admin or council may.
    pub fn propose_parameter(ctx: Context<ProposeParameter>, parameter: u16, value: [u8; 32]) -> Result<()> {
        propose_parameter::handle(ctx, parameter, value)
    }

    /// Execute a ripe proposal. Anyone may.
    pub fn execute_proposal(ctx: Context<ExecuteProposal>) -> Result<()> {
        execute_proposal::handle(ctx)
    }

    /// Cancel a proposal. Admin or council may, and the guardian, but for its own replacement; anyone, once it can no longer be
    /// executed.
    pub fn cancel_proposal(ctx: Context<CancelProposal>) -> Result<()> {
        cancel_proposal::handle(ctx)
    }

    /// Accept role number `role` (0 admin, 1 guardian, 2 council), promised by an executed proposal.
    pub fn accept_role(ctx: Context<AcceptRole>, role: u8) -> Result<()> {
        accept_role::handle(ctx, role)
    }

    /// Confirm the depth of a token, as it is signed or lower: it expires otherwise, and initial health then counts half of it.
    /// Admin or council may.
    pub fn confirm_depth(ctx: Context<ConfirmDepth>, depth_atoms: u64) -> Result<()> {
        confirm_depth::handle(ctx, depth_atoms)
    }

    /// Launch a market, for good: from here on a new token starts without a collateral cap. Of an immutable one nothing changes
    /// any more, and nobody is its admin, guardian or council. The admin alone may.
    pub fn launch_market(ctx: Context<LaunchMarket>) -> Result<()> {
        launch_market::handle(ctx)
    }

    /// Pause action number `action` for `secs`: 0 supply, 1 borrow, 2 withdraw with debt, 3 liquidate, 4 flash borrow. Ends by
    /// itself; the next pause of it may not begin before it ran again for as long, or for a day after one of liquidations.
    /// The guardian alone may.
    pub fn pause(ctx: Context<ChangePause>, action: u8, secs: u64) -> Result<()> {
        pause::handle(ctx, action, Some(secs))
    }

    /// End a pause early. The guardian alone may.
    pub fn unpause(ctx: Context<ChangePause>, action: u8) -> Result<()> {
        pause::handle(ctx, action, None)
    }

    /// Where a position stands. Refusals are data; returns through return data.
    pub fn quote_position<'info>(ctx: Context<'info, Quote<'info>>, offered: u16) -> Result<PositionQuote> {
        quote_position::handle(ctx, offered)
    }

    /// What a liquidation of this pair of slots would do now. Refusals are data; returns through return data.
    pub fn quote_liquidation<'info>(
        ctx: Context<'info, Quote<'info>>,
        collateral_slot: u8,
        debt_slot: u8,
        repay_max_atoms: u64,
        offered: u16,
    ) -> Result<LiquidationQuote> {
        quote_liquidation::handle(ctx, collateral_slot, debt_slot, repay_max_atoms, offered)
    }

    /// Where a lender stands, losses and recoveries included. Returns through return data.
    pub fn quote_lender(ctx: Context<QuoteLender>) -> Result<LenderQuote> {
        quote_lender::handle(ctx)
    }

    /// What a lender has at stake in one position: its part of the debt, and of the loss provided for. Returns through
    /// return data.
    pub fn quote_lender_exposure(ctx: Context<QuoteLenderExposure>) -> Result<LenderExposureQuote> {
        quote_lender_exposure::handle(ctx)
    }

    /// Where a backstop provider stands: deposit, gains by collateral, what is coming and going. Returns through return data.
    pub fn quote_backstop_provider(ctx: Context<QuoteBackstopProvider>) -> Result<BackstopProviderQuote> {
        quote_backstop_provider::handle(ctx)
    }
}
