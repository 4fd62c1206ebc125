//! What lenders and backstop providers have at stake, from the functions that act.

use crate::fixed::{mul_div_ceil, saturate, widen};
use crate::interest::owed_ceil;
use crate::outflow::Outflow;
use crate::shares::VIRTUAL_SHARES;
use crate::state::{
    wire, BackstopProviderState, BackstopState, LenderState, PositionState, ReserveState, MAX_BACKSTOP_COLLATERALS,
};
use crate::{after, Now};

wire! {
    /// Where a lender stands.
    #[derive(Default)]
    pub struct LenderQuote {
        /// What the shares are worth now, interest included, atoms, rounded down.
        pub assets_atoms: u64,
        /// What redeeming them all would pay now: less, where provisions stand. The reserve may have less cash than that.
        pub redeem_atoms: u64,
        /// Most that may be redeemed now, by cash and outflow limit, atoms.
        pub redeem_max_atoms: u64,
        /// Still owed of the losses borne, atoms, rounded down.
        pub outstanding_atoms: u64,
        /// Recovered of them and not yet claimed, atoms: what `claim_recovery` pays.
        pub recovered_atoms: u64,
    }
}

wire! {
    /// What a lender has at stake in one position.
    #[derive(Default)]
    pub struct LenderExposureQuote {
        /// When the position was marked as a default, unix time; 0 when it is not.
        pub defaulted_at: i64,
        /// What the position owes to the reserve, atoms, rounded up.
        pub owed_atoms: u64,
        /// What of that is provided for as lost, atoms, rounded up.
        pub provided_atoms: u64,
        /// The lender's part of the debt, by shares, atoms, rounded up.
        pub own_owed_atoms: u64,
        /// The lender's part of what is provided for, atoms, rounded up. Before insurance, which pays first.
        pub own_provided_atoms: u64,
        /// Insurance of the reserve, atoms.
        pub insurance_atoms: u64,
    }
}

wire! {
    /// Where a backstop provider stands.
    #[derive(Default)]
    pub struct BackstopProviderQuote {
        /// Deposit in the pool, after what it absorbed, atoms, rounded down.
        pub deposit_atoms: u64,
        /// Deposit that is warming up, outside the pool, atoms.
        pub warming_atoms: u64,
        /// From when on that may join the pool, unix time; 0 when nothing is warming up.
        pub warm_at: i64,
        /// Until when it may; its warm-up starts over then. 0 when nothing is warming up.
        pub join_until: i64,
        /// What a requested withdrawal would pay, atoms: no more than is left of the deposit. 0 when none is requested, or
        /// the request has lapsed.
        pub withdrawal_atoms: u64,
        /// From when on it may be taken, unix time; 0 without a request.
        pub matures_at: i64,
        /// When it lapses, unix time; 0 without a request.
        pub lapses_at: i64,
        /// Gained and not yet claimed, per collateral slot of the pool, atoms, rounded down.
        pub gain_atoms: [u64; MAX_BACKSTOP_COLLATERALS],
        /// All deposits in the pool, atoms.
        pub pool_deposit_atoms: u64,
    }
}

/// Where a lender stands.
pub fn quote_lender(reserve: &ReserveState, lender: &LenderState, now: &Now) -> LenderQuote {
    let synced = lender.synced(&reserve.claims);
    let redeem_atoms = reserve.projected_redeemable_atoms(lender.shares.get(), now.unix);
    let (_, cash) = reserve.projected_debt_and_cash(now.unix);
    let limit = reserve.outflow_left_atoms(Outflow::Redemption, now.unix);
    LenderQuote {
        assets_atoms: reserve.projected_supply_atoms(lender.shares.get(), now.unix),
        redeem_atoms,
        redeem_max_atoms: redeem_atoms.min(cash).min(limit),
        outstanding_atoms: synced.claim_atoms(),
        recovered_atoms: synced.recovered_atoms.min(reserve.recovery_atoms),
    }
}

/// What a lender has at stake in a debt of a position. Zeros where the position has no such debt.
pub fn quote_lender_exposure(
    reserve: &ReserveState,
    lender: &LenderState,
    position: &PositionState,
    debt: usize,
    now: &Now,
) -> LenderExposureQuote {
    let Some(slot) = position.debts().get(debt) else { return LenderExposureQuote::default() };
    let index = reserve.projected_index(now.unix);
    let owed_atoms = owed_ceil(slot.shares.get(), index);
    let provided_atoms = owed_ceil(slot.provision_shares.get(), index);
    let all = reserve.supply_shares.get().saturating_add(VIRTUAL_SHARES);
    let own = |atoms: u64| mul_div_ceil(widen(atoms), lender.shares.get(), all).map_or(atoms, saturate);
    LenderExposureQuote {
        defaulted_at: position.defaulted_at,
        owed_atoms,
        provided_atoms,
        own_owed_atoms: own(owed_atoms),
        own_provided_atoms: own(provided_atoms),
        insurance_atoms: reserve.insurance_atoms,
    }
}

/// Where a backstop provider stands.
pub fn quote_backstop_provider(
    pool: &BackstopState,
    provider: &BackstopProviderState,
    now: &Now,
) -> BackstopProviderQuote {
    let deposit_atoms = pool.deposit_of(provider);
    let until = |from: i64| if from == 0 { 0 } else { after(from, pool.policy.window_secs) };
    let lapses_at = until(provider.matures_at);
    let mut quote = BackstopProviderQuote {
        deposit_atoms,
        warming_atoms: provider.warming_atoms,
        warm_at: provider.warm_at,
        join_until: until(provider.warm_at),
        withdrawal_atoms: if now.unix < lapses_at { provider.requested_atoms.min(deposit_atoms) } else { 0 },
        matures_at: provider.matures_at,
        lapses_at,
        gain_atoms: [0; MAX_BACKSTOP_COLLATERALS],
        pool_deposit_atoms: pool.deposit_atoms,
    };
    for (index, gain) in quote.gain_atoms.iter_mut().enumerate() {
        *gain = pool.gain_of(provider, index);
    }
    quote
}
