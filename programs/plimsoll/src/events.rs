//! Events, past tense, one per instruction, in the wire format of `emit_cpi!`: enough to replay the decision.
//!
//! `sequence` of the reserve or position orders them. Values are nano-dollars, healths 1e-9; prices are the oracle's
//! number with its exponent.

use anchor_lang::event::EVENT_IX_TAG_LE;
use anchor_lang::prelude::*;
use anchor_lang::solana_program::instruction::{AccountMeta, Instruction};
use anchor_lang::solana_program::program::invoke_signed_unchecked;
use plimsoll_engine::price::Reading;

mod backstop;
mod governance;

pub use backstop::*;
pub use governance::*;

/// Room for any event that does not hold a list, a liquidation's being the largest: a vector that grows copies itself.
const EVENT_BYTES: usize = 384;

/// Emits an event by a self-CPI built by hand (half the cost of `emit_cpi!`, the same bytes).
pub fn emit<'info, E: anchor_lang::Event>(event_authority: &AccountInfo<'info>, event: &E) -> Result<()> {
    let mut data = Vec::with_capacity(EVENT_BYTES);
    data.extend_from_slice(EVENT_IX_TAG_LE);
    data.extend_from_slice(E::DISCRIMINATOR);
    event.serialize(&mut data)?;
    let accounts = vec![AccountMeta::new_readonly(*event_authority.key, true)];
    let instruction = Instruction { program_id: crate::ID, accounts, data };
    let bump = [crate::EVENT_AUTHORITY_AND_BUMP.1];
    invoke_signed_unchecked(&instruction, std::slice::from_ref(event_authority), &[&[b"__event_authority", &bump]])?;
    Ok(())
}

/// A price as used.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceUsed {
    /// Number of the price.
    pub price: u64,
    /// Its exponent.
    pub exponent: i32,
    /// When it was published, unix seconds.
    pub publish_time: i64,
}

impl From<&Reading> for PriceUsed {
    fn from(reading: &Reading) -> Self {
        Self { price: reading.price, exponent: reading.exponent, publish_time: reading.publish_time }
    }
}

/// A market was created.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketCreated {
    /// Market.
    pub market: Pubkey,
    /// Its admin.
    pub admin: Pubkey,
    /// Whether its launch makes it immutable.
    pub immutable: bool,
    /// Slot.
    pub slot: u64,
}

/// An action was paused, or goes on.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionPaused {
    /// Market.
    pub market: Pubkey,
    /// Number of the action: 0 supply, 1 borrow, 2 withdraw with debt, 3 liquidate, 4 flash borrow.
    pub action: u8,
    /// Paused until before this unix time.
    pub paused_until: i64,
    /// No new pause of it may begin before this unix time.
    pub not_before: i64,
    /// Slot.
    pub slot: u64,
}

/// A reserve was created.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReserveCreated {
    /// Market.
    pub market: Pubkey,
    /// Reserve.
    pub reserve: Pubkey,
    /// Mint.
    pub mint: Pubkey,
    /// First price.
    pub price: PriceUsed,
    /// Slot.
    pub slot: u64,
}

/// Readings were kept and interest was booked.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservesRefreshed {
    /// Reserves.
    pub reserves: Vec<Pubkey>,
    /// Prices they keep now.
    pub prices: Vec<PriceUsed>,
    /// Slot.
    pub slot: u64,
}

/// It was noticed that a reserve's price has grown old; from now on it fades in liquidations of other collateral.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StalePriceNoticed {
    /// Reserve.
    pub reserve: Pubkey,
    /// The old price.
    pub price: PriceUsed,
    /// When it was noticed, unix seconds.
    pub noticed_at: i64,
    /// When it will count nothing, unix seconds.
    pub dead_at: i64,
    /// Sequence of the reserve.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// A lender supplied liquidity, or redeemed it.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupplyChanged {
    /// Reserve.
    pub reserve: Pubkey,
    /// Lender.
    pub lender: Pubkey,
    /// True for supply, false for redemption.
    pub supplied: bool,
    /// Liquidity moved, atoms.
    pub atoms: u64,
    /// Shares minted or burned.
    pub shares: u128,
    /// All shares after.
    pub total_shares: u128,
    /// All lenders' assets after, atoms.
    pub total_assets_atoms: u64,
    /// Sequence of the reserve.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// Insurance was topped up.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsuranceFunded {
    /// Reserve.
    pub reserve: Pubkey,
    /// Added, atoms.
    pub atoms: u64,
    /// Insurance after, atoms.
    pub insurance_atoms: u64,
    /// Sequence of the reserve.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// A loss of lenders was paid back, in part or in full.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryRepaid {
    /// Reserve.
    pub reserve: Pubkey,
    /// Who paid.
    pub payer: Pubkey,
    /// Taken, atoms.
    pub atoms: u64,
    /// Of which the part of the virtual shares, given to insurance, atoms.
    pub insurance_atoms: u64,
    /// Outstanding after, atoms.
    pub outstanding_atoms: u64,
    /// Paid in and not yet claimed after, atoms.
    pub recovery_atoms: u64,
    /// Sequence of the reserve.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// A lender took what was recovered of its losses.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryClaimed {
    /// Reserve.
    pub reserve: Pubkey,
    /// Lender.
    pub lender: Pubkey,
    /// Taken, atoms.
    pub atoms: u64,
    /// What this lender is still owed, rounded down, atoms.
    pub outstanding_atoms: u64,
    /// Paid in and not yet claimed after, of all lenders, atoms.
    pub recovery_atoms: u64,
    /// Sequence of the reserve.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// Liquidity was lent for the rest of a transaction.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlashBorrowed {
    /// Reserve.
    pub reserve: Pubkey,
    /// Who borrowed.
    pub borrower: Pubkey,
    /// Lent, atoms.
    pub principal_atoms: u64,
    /// Fee to pay on top, atoms.
    pub fee_atoms: u64,
    /// Cash after, atoms.
    pub cash_atoms: u64,
    /// Sequence of the reserve.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// A flash loan was returned.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlashRepaid {
    /// Reserve.
    pub reserve: Pubkey,
    /// Who paid.
    pub payer: Pubkey,
    /// Returned to cash, atoms.
    pub principal_atoms: u64,
    /// Paid to insurance on top, atoms.
    pub fee_atoms: u64,
    /// Cash after, atoms.
    pub cash_atoms: u64,
    /// Insurance after, atoms.
    pub insurance_atoms: u64,
    /// Sequence of the reserve.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// Protocol fees were paid to the treasury.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeesCollected {
    /// Reserve.
    pub reserve: Pubkey,
    /// Paid, atoms.
    pub atoms: u64,
    /// Sequence of the reserve.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// A position or lender account was opened or closed.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountChanged {
    /// Account.
    pub account: Pubkey,
    /// Owner.
    pub owner: Pubkey,
    /// True when opened, false when closed.
    pub opened: bool,
    /// Slot.
    pub slot: u64,
}

/// Collateral went into a position, or out of it by its owner.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollateralChanged {
    /// Position.
    pub position: Pubkey,
    /// Reserve.
    pub reserve: Pubkey,
    /// Who moved it.
    pub by: Pubkey,
    /// True for a deposit, false for a withdrawal.
    pub deposited: bool,
    /// Moved, atoms.
    pub atoms: u64,
    /// Collateral of the position after, atoms.
    pub position_atoms: u64,
    /// All collateral of the reserve after, atoms.
    pub total_atoms: u64,
    /// Sequence of the position.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// Debt was taken or repaid.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebtChanged {
    /// Position.
    pub position: Pubkey,
    /// Reserve.
    pub reserve: Pubkey,
    /// Who moved it.
    pub by: Pubkey,
    /// True for a borrow, false for a repayment.
    pub borrowed: bool,
    /// Moved, atoms.
    pub atoms: u64,
    /// Debt shares minted or burned.
    pub shares: u128,
    /// Debt shares of the position in this reserve after.
    pub position_shares: u128,
    /// Debt index, Q64.
    pub debt_index: u128,
    /// Sequence of the position.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// Health of a position fell below the call level; it is not liquidatable yet.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarginCalled {
    /// Position.
    pub position: Pubkey,
    /// Its owner.
    pub owner: Pubkey,
    /// Health, 1e-9.
    pub health_e9: u64,
    /// The call level, 1e-9.
    pub call_level_e9: u64,
    /// Sequence of the position.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// A position was seen liquidatable: flagged, or the clock of its flag went on.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionFlagged {
    /// Position.
    pub position: Pubkey,
    /// Its owner.
    pub owner: Pubkey,
    /// Health, 1e-9.
    pub health_e9: u64,
    /// Since when it is flagged, unix seconds.
    pub flagged_at: i64,
    /// Liquidatable time counted since then, seconds; the bonus is largest at the market's `auction_secs`.
    pub auction_secs: u64,
    /// Sequence of the position.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// Health of a position of at least one was seen: its flag is gone, and the call too at or above the call level.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagCleared {
    /// Position.
    pub position: Pubkey,
    /// Its owner.
    pub owner: Pubkey,
    /// Health, 1e-9.
    pub health_e9: u64,
    /// Sequence of the position.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// A borrower set or removed a protection order.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectionOrderSet {
    /// Position.
    pub position: Pubkey,
    /// Its owner.
    pub owner: Pubkey,
    /// Health below which keepers may deleverage, bps; 0: no order.
    pub trigger_bps: u64,
    /// Bonus they earn, bps.
    pub bonus_bps: u64,
    /// Sequence of the position.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// A position was liquidated.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionLiquidated {
    /// Position.
    pub position: Pubkey,
    /// Its owner.
    pub owner: Pubkey,
    /// Liquidator.
    pub liquidator: Pubkey,
    /// Reserve of the collateral seized.
    pub seized_reserve: Pubkey,
    /// Reserve of the debt repaid.
    pub repaid_reserve: Pubkey,
    /// Seized, collateral atoms.
    pub seize_atoms: u64,
    /// Repaid, debt atoms.
    pub repay_atoms: u64,
    /// Paid to insurance on top, debt atoms.
    pub fee_atoms: u64,
    /// Value seized for one unit repaid, 1e-9.
    pub gross_factor_e9: u64,
    /// Health before.
    pub health_before_e9: u64,
    /// Health after.
    pub health_after_e9: u64,
    /// Price of the collateral.
    pub seized_price: PriceUsed,
    /// Price of the debt.
    pub repaid_price: PriceUsed,
    /// The position could not be made healthy and was closed as far as it went.
    pub is_terminal: bool,
    /// The position was healthy, and its owner's protection order allowed it.
    pub is_protection: bool,
    /// The throttle left less than was wanted.
    pub is_throttled: bool,
    /// Liquidatable time counted since the flag, seconds.
    pub auction_secs: u64,
    /// When the collateral's throttle will be empty, unix seconds.
    pub throttle_empty_at: i64,
    /// Where that emptied the position: debt written off with it, atoms.
    pub written_off_atoms: u64,
    /// Of which paid by insurance, atoms.
    pub insurance_atoms: u64,
    /// Of which borne by lenders, atoms.
    pub haircut_atoms: u64,
    /// Sequence of the position.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// Loss on one debt of a settled position.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossShared {
    /// Reserve.
    pub reserve: Pubkey,
    /// Written off, atoms.
    pub written_off_atoms: u64,
    /// Paid by insurance, atoms.
    pub insurance_atoms: u64,
    /// Borne by lenders, atoms.
    pub haircut_atoms: u64,
    /// Lenders' assets after, atoms.
    pub total_assets_atoms: u64,
}

/// Expected loss on one debt of a marked position.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossProvided {
    /// Reserve.
    pub reserve: Pubkey,
    /// Expected at prices in the borrower's favour, debt atoms.
    pub loss_atoms: u64,
    /// Provided for on this debt, atoms; more than expected where it is still being let go.
    pub provided_atoms: u64,
    /// Provisions of the reserve, atoms.
    pub total_atoms: u64,
    /// What of these insurance does not cover, atoms: lenders redeem at assets less this.
    pub uninsured_atoms: u64,
}

/// A default was marked, its provisions were booked anew, or its mark ended.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultMarked {
    /// Position.
    pub position: Pubkey,
    /// Its owner.
    pub owner: Pubkey,
    /// Since when it is marked, unix seconds; 0 where the mark has ended.
    pub defaulted_at: i64,
    /// Per debt, in slot order.
    pub provisions: Vec<LossProvided>,
    /// Paid to the marker by the first debt's insurance, atoms.
    pub tip_atoms: u64,
    /// Sequence of the position.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// A default was settled.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultSettled {
    /// Position.
    pub position: Pubkey,
    /// Its owner.
    pub owner: Pubkey,
    /// Loss per debt, in slot order.
    pub losses: Vec<LossShared>,
    /// Left-over collateral given to insurance, per collateral in slot order, atoms.
    pub forfeited_atoms: Vec<u64>,
    /// Sequence of the position.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}
