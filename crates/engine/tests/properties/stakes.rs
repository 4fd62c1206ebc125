//! Quotes of lenders and backstop providers: what the acting functions would give in the same moment.

use bytemuck::Zeroable;
use num_traits::ToPrimitive;
use plimsoll_engine::claims::CLAIM_BITS;
use plimsoll_engine::fixed::Word128;
use plimsoll_engine::interest::owed_ceil;
use plimsoll_engine::outflow::Outflow;
use plimsoll_engine::quote::{
    quote_backstop_provider, quote_lender, quote_lender_exposure, BackstopProviderQuote, LenderExposureQuote,
    LenderQuote,
};
use plimsoll_engine::state::*;
use plimsoll_engine::Now;
use proptest::prelude::*;

use crate::check;
use crate::oracle::*;
use crate::pools::{empty_pool, valid_backstop_policy};
use crate::worlds::*;

/// A reserve that has lent, and a lender of a part of it.
fn lent() -> impl Strategy<Value = (ReserveState, LenderState)> {
    (any::<[u32; 4]>(), 0..=1_000u128).prop_map(|([cash, lent, provided, insured], part)| {
        let mut reserve = ledger();
        reserve.rates = valid_config().rates;
        reserve.supply(u64::from(cash) + u64::from(lent) + 2, 0).unwrap();
        let debt = reserve.lend(u64::from(lent) + 1).unwrap();
        reserve.provision_shares = Word128::new(debt / 1_000 * u128::from(provided % 1_000));
        reserve.insurance_atoms = u64::from(insured >> 8);
        let mut lender = LenderState::zeroed();
        lender.follow(&reserve.claims);
        lender.shares = Word128::new(reserve.supply_shares.get() / 1_000 * part);
        (reserve, lender)
    })
}

#[test]
fn a_lender_is_quoted_what_redeeming_and_claiming_would_pay() {
    check(3_000, (lent(), any::<[u32; 3]>(), 0..100_000_000i64), |((mut reserve, mut lender), owed, unix)| {
        let [claim, recovered, recovery] = owed.map(u64::from);
        lender.claim = Word128::new(u128::from(claim) << CLAIM_BITS);
        (lender.recovered_atoms, reserve.recovery_atoms) = (recovered, recovery);
        let quote = quote_lender(&reserve, &lender, &Now { unix, slot: 1 });
        let limit = reserve.outflow_left_atoms(Outflow::Redemption, unix);
        let (cash, shares) = (reserve.projected_debt_and_cash(unix).1, lender.shares.get());
        reserve.accrue(unix);
        let redeem_atoms = reserve.redeemable_atoms_floor(shares);
        let expected = LenderQuote {
            assets_atoms: reserve.supply_atoms_floor(shares),
            redeem_atoms,
            redeem_max_atoms: redeem_atoms.min(cash).min(limit),
            outstanding_atoms: claim,
            recovered_atoms: recovered.min(recovery),
        };
        prop_assert_eq!(quote, expected);
        Ok(())
    });
}

#[test]
fn a_lender_is_told_its_part_of_a_debt_and_of_its_provision() {
    check(3_000, (lent(), any::<[u32; 2]>(), 0..100_000_000i64), |((reserve, lender), [part, provided], unix)| {
        let now = Now { unix, slot: 1 };
        let mut position = PositionState { defaulted_at: 77, ..Zeroable::zeroed() };
        for (slot, reserve) in [[1; 32], [2; 32]].iter().enumerate() {
            position.debt_slot(reserve).unwrap();
            position.add_debt(slot, u128::from(part) << 40).unwrap();
        }
        position.debts[1].provision_shares = Word128::new(u128::from(provided) << 38);
        let index = reserve.projected_index(unix);
        let (owed, provision) =
            (owed_ceil(u128::from(part) << 40, index), owed_ceil(u128::from(provided) << 38, index));
        let all = int(reserve.supply_shares.get() + (1 << 20));
        let own = |atoms: u64| (int(atoms) * int(lender.shares.get()) / &all).ceil().to_integer().to_u64().unwrap();
        let expected = LenderExposureQuote {
            defaulted_at: 77,
            owed_atoms: owed,
            provided_atoms: provision,
            own_owed_atoms: own(owed),
            own_provided_atoms: own(provision),
            insurance_atoms: reserve.insurance_atoms,
        };
        prop_assert_eq!(quote_lender_exposure(&reserve, &lender, &position, 1, &now), expected);
        prop_assert_eq!(
            quote_lender_exposure(&reserve, &lender, &position, 2, &now),
            Default::default(),
            "no such debt"
        );
        Ok(())
    });
}

#[test]
fn a_provider_is_quoted_what_is_left_and_when_what_waits_may_move() {
    let pool = BackstopState { deposit_atoms: 1_000, policy: valid_backstop_policy(), ..empty_pool(2) };
    let mut provider = BackstopProviderState {
        deposit_atoms: 100,
        product: pool.product,
        scale: pool.scale,
        warming_atoms: 7,
        ..Zeroable::zeroed()
    };
    (provider.gain_atoms[0], provider.gain_atoms[1]) = (3, 4);
    let at = |provider: &BackstopProviderState, unix| quote_backstop_provider(&pool, provider, &Now { unix, slot: 1 });
    let mut gain_atoms = [0; MAX_BACKSTOP_COLLATERALS];
    gain_atoms[..2].copy_from_slice(&[3, 4]);
    let at_rest = BackstopProviderQuote {
        deposit_atoms: 100,
        warming_atoms: 7,
        warm_at: 0,
        join_until: 0,
        withdrawal_atoms: 0,
        matures_at: 0,
        lapses_at: 0,
        gain_atoms,
        pool_deposit_atoms: 1_000,
    };
    assert_eq!(at(&provider, 0), at_rest);
    // The window of this policy is an hour.
    (provider.warm_at, provider.matures_at, provider.requested_atoms) = (10_000, 20_000, 60);
    let waiting =
        BackstopProviderQuote { warm_at: 10_000, join_until: 13_600, matures_at: 20_000, lapses_at: 23_600, ..at_rest };
    assert_eq!(at(&provider, 23_599), BackstopProviderQuote { withdrawal_atoms: 60, ..waiting });
    assert_eq!(at(&provider, 23_600), waiting);
    assert_eq!(at(&provider, 23_601), waiting);
    provider.requested_atoms = 160;
    assert_eq!(at(&provider, 0).withdrawal_atoms, 100, "no more than is left of the deposit");
}
