//! The engine on states no transition would reach: every decision of a liquidation, a default and a quote.
//!
//! Input: time, collateral, debt, limits, amount, market, position, reserves (repeated where the position has more legs).

use plimsoll_engine::health::Exposure;
use plimsoll_engine::liquidation::{plan_liquidation, LiquidationPlan, LiquidationRequest};
use plimsoll_engine::pause::Pausable;
use plimsoll_engine::quote::{quote_liquidation, quote_position, InitialCollateral, InitialExposure, LendingRoom};
use plimsoll_engine::settlement::{require_default, require_known_prices};
use plimsoll_engine::state::{LenderState, MarketState, PositionState, ReserveState, MAX_COLLATERALS, MAX_DEBTS};
use plimsoll_engine::transitions::{apply_liquidation, count, uncount};
use plimsoll_engine::Now;

use crate::input::Input;

/// Most reserves of one input.
const RESERVES_MAX: usize = 4;

struct Scene {
    now: Now,
    request: LiquidationRequest,
    amount: u64,
    market: MarketState,
    position: PositionState,
    reserves: Vec<ReserveState>,
}

impl Scene {
    fn read(bytes: &[u8]) -> Self {
        let mut input = Input::new(bytes);
        let now = input.now();
        let (collateral, debt) = (usize::from(input.pod::<u8>()), usize::from(input.pod::<u8>()));
        let (repay_max_atoms, seize_min_atoms, amount) = (input.pod(), input.pod(), input.pod());
        let (market, position) = (input.pod(), input.pod());
        let mut reserves = vec![input.pod()];
        while !input.is_empty() && reserves.len() < RESERVES_MAX {
            reserves.push(input.pod());
        }
        let request = LiquidationRequest { collateral, debt, repay_max_atoms, seize_min_atoms };
        Self { now, request, amount, market, position, reserves }
    }

    /// Reserve of a leg, collaterals first.
    fn reserve(&self, leg: usize) -> &ReserveState {
        &self.reserves[leg % self.reserves.len()]
    }

    fn debt_reserve(&self, debt: usize) -> &ReserveState {
        self.reserve(self.position.collaterals().len() + debt)
    }

    /// Exposure, by one way of counting a price.
    fn exposure(&self, favourable: bool) -> Exposure {
        let mut exposure = Exposure::default();
        for (index, slot) in self.position.collaterals().iter().enumerate() {
            let reserve = self.reserve(index);
            let leg = if favourable {
                reserve.collateral_leg_favourable(slot.atoms, &reserve.reading, &self.now)
            } else {
                reserve.collateral_leg(slot.atoms, &reserve.reading, &self.now)
            };
            exposure.push_collateral(leg).expect("as many legs as there are slots");
        }
        for (index, slot) in self.position.debts().iter().enumerate() {
            let reserve = self.debt_reserve(index);
            let leg = if favourable {
                reserve.debt_leg_favourable(slot.shares.get(), &reserve.reading, &self.now)
            } else {
                reserve.debt_leg(slot.shares.get(), &reserve.reading, &self.now)
            };
            exposure.push_debt(leg).expect("as many legs as there are slots");
        }
        exposure
    }
}

pub fn run(bytes: &[u8]) -> bool {
    let scene = Scene::read(bytes);
    let exposure = scene.exposure(false);
    let planned = plan(&scene, &exposure);
    quotes(&scene, &exposure);
    defaults(&scene, &exposure);
    reserves(&scene);
    planned
}

fn plan(scene: &Scene, exposure: &Exposure) -> bool {
    let Scene { now, request, market, position, .. } = scene;
    let pair = (request.collateral, request.debt);
    let sale = scene.reserve(request.collateral).sale_terms(now);
    let standing = position.standing(pair, &market.policy, now, Ok(())).in_market(market, now);
    let plan = plan_liquidation(exposure, &sale, &market.policy, &standing, request, now);
    let _ = quote_liquidation(exposure, &plan, &sale, &standing, now);
    let _ = { *position }.see(exposure, &plan, Ok(()), &market.policy, now);
    let Ok(plan) = plan else { return false };
    within_limits(scene, exposure, &plan);
    let (mut seized, mut repaid) = (*scene.reserve(request.collateral), *scene.debt_reserve(request.debt));
    let _ = apply_liquidation(&plan, &mut { *position }, pair, (&mut seized, &mut repaid), &market.policy, now);
    true
}

/// No plan takes more than there is, nor more than the buyer allowed.
fn within_limits(scene: &Scene, exposure: &Exposure, plan: &LiquidationPlan) {
    let request = &scene.request;
    let (collateral, debt) = (&exposure.collaterals()[request.collateral], &exposure.debts()[request.debt]);
    assert!(
        plan.repay_atoms <= request.repay_max_atoms,
        "repays {} of at most {}",
        plan.repay_atoms,
        request.repay_max_atoms
    );
    assert!(plan.repay_atoms <= debt.owed_atoms, "repays {} of {} owed", plan.repay_atoms, debt.owed_atoms);
    assert!(plan.seize_atoms <= collateral.atoms, "seizes {} of {}", plan.seize_atoms, collateral.atoms);
    assert!(plan.seize_atoms >= request.seize_min_atoms && plan.seize_atoms > 0, "seizes {}", plan.seize_atoms);
}

fn quotes(scene: &Scene, exposure: &Exposure) {
    let Scene { now, amount, market, position, .. } = scene;
    let mut initial = InitialExposure::default();
    let (mut refusal, mut decimals) = (None, [0; MAX_COLLATERALS]);
    for (index, slot) in position.collaterals().iter().enumerate() {
        let reserve = scene.reserve(index);
        let others_atoms = reserve.counted_by_others(slot.counted_atoms);
        decimals[index] = reserve.decimals;
        match reserve.initial_collateral_leg(slot.atoms, others_atoms, &reserve.reading, now) {
            Ok(leg) => {
                let curve = reserve.initial_curve(leg.price, &reserve.reading, now);
                initial.collaterals[index] = InitialCollateral { leg, curve, others_atoms };
            }
            Err(error) => refusal = Some(error),
        }
    }
    let mut rooms = [LendingRoom::default(); MAX_DEBTS];
    for (index, room) in rooms.iter_mut().enumerate().take(position.debts().len()) {
        let reserve = scene.debt_reserve(index);
        *room = reserve.lending_room(now);
        match reserve.initial_debt_leg(*amount, &reserve.reading, now) {
            Ok(leg) => initial.debts[index] = leg,
            Err(error) => refusal = Some(error),
        }
    }
    for initial in [Ok(initial), Err(refusal.unwrap_or(plimsoll_engine::EngineError::StalePrice))] {
        let _ = quote_position(exposure, &initial, &rooms, &decimals, (position, &market.policy), now);
    }
}

fn defaults(scene: &Scene, exposure: &Exposure) {
    let Scene { now, market, position, .. } = scene;
    let favourable = scene.exposure(true);
    let _ = (require_default(exposure, &market.policy), require_known_prices(exposure));
    let mut marked = *position;
    let _ = marked.mark(&favourable, exposure, &market.policy, now);
    let _ = (marked.is_marked(&market.policy, now), marked.recovery_sale((0, 0), &market.policy, now));
    for index in 0..position.debts().len() {
        let _ = marked.expect_loss(&favourable, exposure, index);
        let _ = exposure.expected_loss_atoms(index);
    }
    marked.see_exposure(exposure, &market.policy);
    marked.cool_off(&market.policy, now);
}

fn reserves(scene: &Scene) {
    let Scene { now, amount, market, position, request, .. } = scene;
    for reserve in &scene.reserves {
        let each = |change: &dyn Fn(&mut ReserveState)| change(&mut { *reserve });
        let shares = u128::from(*amount) << (request.seize_min_atoms % 64);
        each(&|reserve| reserve.accrue(now.unix));
        each(&|reserve| {
            let _ = reserve.supply(*amount, 0);
        });
        each(&|reserve| {
            let _ = reserve.redeem(shares, 0);
        });
        each(&|reserve| {
            let _ = reserve.lend(*amount);
        });
        each(&|reserve| {
            let _ = reserve.plan_repayment(shares, *amount).map(|plan| reserve.receive_repayment(&plan));
        });
        each(&|reserve| {
            let _ = reserve.take_collateral(*amount, true, amount % 2 == 0);
        });
        each(&|reserve| {
            let _ = reserve.give_collateral(*amount, *amount);
        });
        each(&|reserve| {
            let _ = reserve.write_off(shares);
        });
        each(&|reserve| {
            let _ = reserve.flash_borrow(*amount, &market.policy).map(|_| reserve.flash_repay());
        });
        each(&|reserve| {
            let _ = reserve.repay_recovery(*amount);
        });
        each(&|reserve| {
            let _ = reserve.keep_reading(Some(&scene.reserves[0].reading), now);
        });
        each(&|reserve| {
            let _ = reserve.observe(now);
        });
        each(&|reserve| {
            let mut lender: LenderState = bytemuck::Zeroable::zeroed();
            lender.shares = reserve.supply_shares;
            lender.sync(&reserve.claims);
            let _ = reserve.claim_recovery(&mut lender);
        });
        each(&|reserve| {
            let _ = count(&mut { *position }, request.collateral, reserve);
        });
        each(&|reserve| {
            let _ = uncount(&mut { *position }, request.collateral, reserve);
        });
    }
    for action in (0..=u8::MAX).map_while(Pausable::of) {
        let mut market = *market;
        let _ = (market.pause(action, *amount, now), market.require_running(action, now), market.unpause(action, now));
    }
}
