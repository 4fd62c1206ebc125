//! Who signed for what a transaction did.

use plimsoll_client::accounts::{Account, AccountState, Market, Position, Reserve};
use plimsoll_client::events::Event;
use plimsoll_client::Pubkey;
use plimsoll_engine::governance::proposals::Role;
use plimsoll_engine::governance::{Parameter, ParameterValue};
use plimsoll_engine::state::RiskTerms;

use crate::books::Books;
use crate::changes::Transaction;
use crate::expect;

/// A step of a walk moves a term by at most this part of it.
const STEP_PARTS: u64 = 1_000;

fn find<'a, T: AccountState>(accounts: &'a [Account<T>], address: &Pubkey) -> Option<&'a Account<T>> {
    accounts.iter().find(|account| account.address == *address)
}

/// I20: what left a position, a lender account or a provider account, left by its owner's signature, or as a liquidation, a
/// purchase by the backstop or a settlement.
pub(crate) fn takings(before: &Books, after: &Books, transaction: &Transaction, violations: &mut Vec<String>) {
    for was in &before.positions {
        let name = || before.name(&was.address);
        if transaction.is_signed_by(&was.state.owner) {
            continue;
        }
        let Some(is) = find(&after.positions, &was.address) else {
            violations.push(format!("I20: {} was closed by another than its owner", name()));
            continue;
        };
        expect(violations, is.state.owner == was.state.owner, || format!("I20: {} has another owner", name()));
        expect(violations, is_sold(&was.address, transaction) || !lost_collateral(was, is), || {
            format!("I20: collateral left {} without its owner, and unsold", name())
        });
        let owed = |position: &Position, reserve: &[u8; 32]| {
            let debts = position.state.debts().iter().filter(|slot| slot.reserve == *reserve);
            debts.fold(0u128, |owed, slot| owed.saturating_add(slot.shares.get()))
        };
        for slot in is.state.debts() {
            expect(violations, owed(is, &slot.reserve) <= owed(was, &slot.reserve), || {
                format!("I20: {} owes more without its owner", name())
            });
        }
    }
    for was in before.lenders.iter().filter(|was| !transaction.is_signed_by(&was.state.owner)) {
        let is = find(&after.lenders, &was.address).map(|is| (is.state.owner, is.state.shares.get()));
        let (owner, shares) = is.unwrap_or_default();
        expect(violations, owner == was.state.owner && shares >= was.state.shares.get(), || {
            format!("I20: shares left {} without its owner", before.name(&was.address))
        });
    }
    for was in before.providers.iter().filter(|was| !transaction.is_signed_by(&was.state.owner)) {
        let is_spent = transaction
            .events
            .iter()
            .any(|event| matches!(event, Event::PositionAbsorbed(it) if it.backstop.to_bytes() == was.state.backstop));
        let pool = Pubkey::new_from_array(was.state.backstop);
        let (pool_was, pool_is) = (find(&before.pools, &pool), find(&after.pools, &pool));
        let (Some(pool_was), Some(pool_is), Some(is)) = (pool_was, pool_is, find(&after.providers, &was.address))
        else {
            violations.push(format!("I20: {} is gone without its owner", before.name(&was.address)));
            continue;
        };
        let has = |pool: &plimsoll_engine::state::BackstopState, it: &plimsoll_engine::state::BackstopProviderState| {
            u128::from(pool.deposit_of(it)) + u128::from(it.warming_atoms)
        };
        // Joining rounds a deposit down by an atom at most.
        let kept = has(&pool_is.state, &is.state) + 1 >= has(&pool_was.state, &was.state);
        expect(violations, kept || is_spent, || {
            format!("I20: a deposit left {} without its owner, and unspent", before.name(&was.address))
        });
        for index in 0..pool_was.state.collaterals().len() {
            let (gained, gains) = (pool_was.state.gain_of(&was.state, index), pool_is.state.gain_of(&is.state, index));
            // A sync rounds a gain down by an atom at most.
            expect(violations, gains.saturating_add(1) >= gained, || {
                format!("I20: gains of {} fell from {gained} to {gains} without its owner", before.name(&was.address))
            });
        }
    }
}

/// Whether a transaction sold or settled a position's collateral.
fn is_sold(position: &Pubkey, transaction: &Transaction) -> bool {
    transaction.events.iter().any(|event| match event {
        Event::PositionLiquidated(it) => it.position == *position,
        Event::PositionAbsorbed(it) => it.position == *position,
        Event::DefaultSettled(it) => it.position == *position,
        _ => false,
    })
}

fn lost_collateral(was: &Position, is: &Position) -> bool {
    let held = |position: &Position, reserve: &[u8; 32]| {
        let slots = position.state.collaterals().iter();
        slots.filter(|slot| slot.reserve == *reserve).map(|slot| u128::from(slot.atoms)).sum::<u128>()
    };
    was.state.collaterals().iter().any(|slot| held(is, &slot.reserve) < held(was, &slot.reserve))
}

/// I21: roles, parameters, terms in force.
pub(crate) fn governed(before: &Books, after: &Books, transaction: &Transaction, violations: &mut Vec<String>) {
    for event in transaction.events {
        signed(before, after, transaction, event, violations);
    }
    let is_told = |target: &Pubkey| {
        transaction.events.iter().any(|event| match event {
            Event::ParameterChanged(it) => it.target == *target,
            Event::DepthConfirmed(it) => it.reserve == *target,
            Event::RoleAccepted(it) => it.market == *target,
            Event::MarketLaunched(it) => it.market == *target,
            _ => false,
        })
    };
    for (was, is) in pairs(&before.markets, &after.markets) {
        let settings = |market: &Market| {
            let state = market.state;
            let pending = [state.pending_admin, state.pending_guardian, state.pending_council];
            (state.policy, [state.admin, state.guardian, state.council, state.treasury], pending, state.flags)
        };
        expect(violations, settings(was) == settings(is) || is_told(&is.address), || {
            format!("I21: settings of {} changed, and no event says so", after.name(&is.address))
        });
    }
    for (was, is) in pairs(&before.reserves, &after.reserves) {
        let settings = |reserve: &Reserve| (reserve.state.config(), reserve.state.oracle);
        expect(violations, settings(was) == settings(is) || is_told(&is.address), || {
            format!("I21: settings of {} changed, and no event says so", after.name(&is.address))
        });
        let fields = |risk: &RiskTerms| bytemuck::cast::<_, [u64; size_of::<RiskTerms>() / 8]>(*risk);
        for (old, new) in fields(&was.state.risk).into_iter().zip(fields(&is.state.risk)) {
            expect(violations, old.abs_diff(new) <= (old / STEP_PARTS).max(1), || {
                format!("I21: a term in force of {} went from {old} to {new} at once", after.name(&is.address))
            });
        }
    }
}

fn pairs<'a, T: AccountState>(
    before: &'a [Account<T>],
    after: &'a [Account<T>],
) -> impl Iterator<Item = (&'a Account<T>, &'a Account<T>)> {
    after.iter().filter_map(|is| Some((find(before, &is.address)?, is)))
}

/// Whether those whose role it is signed what an event tells of.
fn signed(before: &Books, after: &Books, transaction: &Transaction, event: &Event, violations: &mut Vec<String>) {
    // A market that the transaction itself made has the roles it has afterwards.
    let market = |address: &Pubkey| find(&before.markets, address).or(find(&after.markets, address));
    let of_pool = |backstop: &Pubkey| {
        let pool = find(&after.pools, backstop)?;
        market(&Pubkey::new_from_array(pool.state.market))
    };
    let by = |market: Option<&Market>, roles: fn(&Market) -> Vec<[u8; 32]>| {
        market.is_some_and(|market| roles(market).iter().any(|role| transaction.is_signed_by(role)))
    };
    let admin = |market: &Market| vec![market.state.admin];
    let council = |market: &Market| vec![market.state.admin, market.state.council];
    let (may, what) = match event {
        Event::ParameterProposed(it) => (by(market(&it.market), council), "a proposal"),
        Event::ParameterChanged(it) => {
            let is_executed = before.proposals.iter().map(|proposal| &proposal.state).any(|proposal| {
                let is_it = proposal.target == it.target.to_bytes() && proposal.parameter == it.parameter;
                let is_ripe = (proposal.ripe_at..proposal.expires_at).contains(&transaction.now.unix);
                is_it && is_ripe && (proposal.old, proposal.new) == (it.old, it.new)
            });
            let (old, new) = (ParameterValue(it.old), ParameterValue(it.new));
            let tightens = Parameter::of(it.parameter).and_then(|parameter| parameter.tightens(&old, &new));
            (is_executed || (tightens == Ok(true) && by(market(&it.market), council)), "a change")
        }
        Event::DepthConfirmed(it) => (by(market(&it.market), council), "a confirmation"),
        Event::ActionPaused(it) => (by(market(&it.market), |market| vec![market.state.guardian]), "a pause"),
        Event::ReserveCreated(it) => (by(market(&it.market), admin), "a reserve"),
        Event::BackstopCreated(it) => (by(market(&it.market), admin), "a backstop"),
        Event::BackstopCollateralSet(it) => (by(of_pool(&it.backstop), admin), "a backstop's cap"),
        Event::MarketLaunched(it) => (by(market(&it.market), admin), "a launch"),
        Event::RoleAccepted(it) => {
            let promised = market(&it.market).zip(Role::of(it.role).ok()).map(|(market, role)| match role {
                Role::Admin => market.state.pending_admin,
                Role::Guardian => market.state.pending_guardian,
                Role::Council => market.state.pending_council,
            });
            let holder = it.holder.to_bytes();
            (promised == Some(holder) && transaction.is_signed_by(&holder), "a new holder of a role")
        }
        _ => return,
    };
    expect(violations, may, || format!("I21: {what} without whom it takes: {event:?}"));
}
