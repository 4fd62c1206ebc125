//! The backstop on inputs nobody should send: no panic, whatever the bytes.

use plimsoll_engine::backstop::absorption::*;
use plimsoll_engine::backstop::configure_backstop;
use plimsoll_engine::fixed::Word128;
use plimsoll_engine::health::Exposure;
use plimsoll_engine::price::Reading;
use plimsoll_engine::standing::Standing;
use plimsoll_engine::state::*;
use plimsoll_engine::Now;
use proptest::prelude::*;

use crate::check;
use crate::extremes::{now, plan_of, state, word};

#[test]
fn backstops_do_not_panic() {
    let slot = prop_oneof![0usize..20, Just(usize::MAX)];
    let pool = (state::<BackstopState>(), 0u32..9, any::<bool>()).prop_map(|(pool, scale, usual)| {
        // Any bytes, and half the time a scale and a product as they may be.
        let product = Word128::new(pool.product.get() | 1 << 95);
        if usual {
            BackstopState { scale, product, collateral_count: pool.collateral_count % 18, ..pool }
        } else {
            pool
        }
    });
    check(
        10_000,
        (pool, state::<BackstopProviderState>(), state::<MarketPolicy>(), slot, (word(), word()), now()),
        |(pool, provider, market, slot, (atoms, gain), now)| {
            let _ = (pool.collaterals(), pool.is_open(), pool.spendable_atoms(), provider.is_empty());
            let _ = (
                pool.collateral_index(&provider.owner),
                { pool }.opt_in(
                    &provider.owner,
                    atoms,
                    &MarketState { policy: market, ..bytemuck::Zeroable::zeroed() },
                    &now,
                ),
            );
            let _ = (pool.policy.validate(&market), configure_backstop(&mut { pool }, &pool.policy, &market));
            let behind = BackstopProviderState { scale: pool.scale.wrapping_sub(provider.scale % 9), ..provider };
            for provider in [provider, behind] {
                let _ = (pool.deposit_of(&provider), pool.gain_of(&provider, slot));
                pool.sync(&mut { provider });
                let due = Now { unix: provider.warm_at, ..now };
                let matured = Now { unix: provider.matures_at, ..now };
                for now in [now, due, matured] {
                    let _ = { pool }.deposit(&mut { provider }, atoms, &now);
                    let _ = { pool }.join(&mut { provider }, &now);
                    let _ = { pool }.take_back(&mut { provider }, &now);
                    let _ = { pool }.request_withdrawal(&mut { provider }, atoms, &now);
                    let _ = { pool }.withdraw(&mut { provider }, &now);
                    let _ = { pool }.claim_gain(&mut { provider }, slot, &now);
                }
            }
            let part = atoms % pool.deposit_atoms.max(1);
            let _ = ({ pool }.offset(slot, atoms, gain), { pool }.offset(slot % 4, part, gain));
            let _ = pool.require_offset(slot, atoms, gain);
            Ok(())
        },
    );
}

#[test]
fn purchases_do_not_panic() {
    let leg = || (state::<ReserveState>(), state::<Reading>(), word());
    check(
        6_000,
        (leg(), leg(), state::<BackstopState>(), state::<MarketPolicy>(), state::<PositionState>(), word(), now()),
        |((seized, high, held), (repaid, low, owed), pool, market, position, w, now)| {
            let usable = |reading: Reading| Reading { publish_time: now.unix, confidence: 0, ..reading };
            let mut exposure = Exposure::default();
            exposure.push_collateral(seized.collateral_leg(held, &usable(high), &now)).unwrap();
            exposure.push_debt(repaid.debt_leg_of(owed, &usable(low), &now)).unwrap();
            let standing = Standing { auction_secs: w, ..Standing::default() };
            let mut pool = BackstopState { collateral_count: pool.collateral_count.max(1), ..pool };
            pool.policy.trigger_health_bps = pool.policy.trigger_health_bps.max(5_000);
            for (collateral, slot) in [(0, 0), (0, 99), (9, 0)] {
                let buyer = Buyer { pool: &pool, slot, prices: Ok(()) };
                let request = AbsorptionRequest { collateral, debt: 0, tip_min_atoms: 0 };
                let sale = seized.sale_terms(&now);
                let _ = plan_absorption(&buyer, &exposure, &sale, &market, &standing, &request, &now);
            }
            let plan = AbsorptionPlan { trade: plan_of(owed, w.into()), gain_atoms: w, tip_atoms: owed };
            let (both, of_pool) = ((&mut { seized }, &mut { repaid }), (&mut { pool }, 0));
            let _ = apply_absorption(&plan, &mut { position }, (0, 0), both, of_pool, &market, &now);
            let _ = ({ seized }.receive_backstop(w), { seized }.give_backstop(w));
            let _ = ({ seized }.receive_backstop_gain(w), { seized }.give_backstop_gain(w));
            Ok(())
        },
    );
}
