//! Differences of values, through governance: what tightens at once, what loosens as a proposal that waits.
//!
//! Everything is tried on a copy of the chain's state by the engine's own functions, in the order in which it would be
//! sent. So a plan never holds a step that the program would refuse, and what cannot be done yet is told with the engine's
//! reason.

use anchor_lang::prelude::Pubkey;
use anyhow::Result;
use bytemuck::Zeroable;
use plimsoll_client::instructions::{AcceptRole, ParameterOf};
use plimsoll_engine::error::EngineError;
use plimsoll_engine::governance::proposals::{tighten, Role};
use plimsoll_engine::governance::{Parameter, ParameterValue, Subject};
use plimsoll_engine::state::ProposalState;
use plimsoll_engine::Now;

use crate::chain::Chain;
use crate::invariants::sentence;
use crate::managed::{holder, holder_on_chain, role_of, Managed, ROLES};
use crate::plan::{change, decode, ripens, Change, Planner, Waiting};
use crate::source::Fault;

/// What became of a parameter.
enum Settled {
    /// It is as it should be, or on its way.
    Done,
    /// The engine refuses the next step as things are.
    Refused(Change, EngineError),
}

/// Brings all parameters of a subject to what the file says, as far as this run can.
///
/// One may have to come before another: a cap before the depth. So what is refused is tried again after the rest.
pub fn reconcile<C: Chain>(
    planner: &mut Planner<C>,
    name: &str,
    managed: &[Managed],
    subject: &mut Subject,
    decimals: u8,
) -> Result<()> {
    let reserve = match subject {
        Subject::Market(_) => None,
        Subject::Reserve(state, _) => Some(plimsoll_client::address::reserve(&planner.address, &state.mint.into())),
    };
    let of = |managed: &Managed| ParameterOf { market: planner.address, reserve, parameter: managed.parameter };
    let calls: Vec<ParameterOf> = managed.iter().map(of).collect();
    let addresses: Vec<Pubkey> = calls.iter().map(ParameterOf::proposal).collect();
    let found = planner.chain.accounts(&addresses)?;
    let mut open = Vec::new();
    for ((managed, of), account) in managed.iter().zip(calls).zip(found) {
        let standing = account.map(|account| decode::<ProposalState>(of.proposal(), &account)).transpose()?;
        open.push(Open { name, managed, of, standing, decimals });
    }
    loop {
        let (mut rest, mut refusals, before) = (Vec::new(), Vec::new(), open.len());
        for mut entry in open {
            if let Settled::Refused(change, error) = entry.settle(planner, subject) {
                rest.push(entry);
                refusals.push((change, error));
            }
        }
        if rest.is_empty() || rest.len() == before {
            for (entry, (change, error)) in rest.iter().zip(refusals) {
                if error == EngineError::ImmutableMarket {
                    let text = format!("{} of {name}: {}", change.key, sentence(error));
                    planner.faults.push(Fault::new(entry.managed.at, text));
                    continue;
                }
                let about = format!("refused as things are: {}", sentence(error));
                planner.plan.waiting.push(Waiting { subject: name.into(), change: Some(change), about, until: None });
            }
            return Ok(());
        }
        open = rest;
    }
}

/// A parameter on its way to the file's value.
struct Open<'a> {
    name: &'a str,
    managed: &'a Managed,
    of: ParameterOf,
    standing: Option<ProposalState>,
    decimals: u8,
}

impl Open<'_> {
    fn settle<C: Chain>(&mut self, planner: &mut Planner<C>, subject: &mut Subject) -> Settled {
        let Managed { parameter, want, .. } = self.managed;
        let current = match subject.read(*parameter) {
            Ok(current) => current,
            Err(error) => return self.refused(planner, &ParameterValue([0; 32]), want, error),
        };
        let goal = reachable(subject, *parameter, &current, want, planner);
        if let Some(standing) = self.standing {
            // Another cap below the file's is on the same way, as long as it is one that may still be executed.
            let is_on_the_way = *parameter == Parameter::CollateralCap
                && is_between(&standing.new, &current, want)
                && trial(subject, |copy| standing.execute(copy, &at(planner.now, standing.ripe_at))).is_ok();
            let is_wanted = standing.new == want.0 || is_on_the_way;
            if !is_wanted || standing.is_over(subject, &planner.now) {
                self.cancel(planner, &standing, &current);
            } else if planner.now.unix < standing.ripe_at {
                self.wait(planner, &standing, &current);
                return Settled::Done;
            } else if let Err(error) = standing.execute(subject, &planner.now) {
                return self.refused(planner, &current, &ParameterValue(standing.new), error);
            } else {
                self.execute(planner, &standing, &current);
                // What is left of the way is the next round's.
                return self.settle(planner, subject);
            }
        }
        if current == *want {
            return Settled::Done;
        }
        let change = self.change(planner, &current, &goal);
        if parameter.tightens(&current, &goal).unwrap_or(false) {
            if let Err(error) = tighten(subject, *parameter, &goal, &planner.now) {
                return Settled::Refused(change, error);
            }
            planner.need_council();
            self.push(planner, "tighten", change, "at once".into(), self.of.tighten(planner.signer, goal));
            return Settled::Done;
        }
        let mut proposal = ProposalState::zeroed();
        let policy = subject.market().policy;
        if let Err(error) = proposal.write(subject, *parameter, &goal, &policy, &planner.now) {
            return Settled::Refused(change, error);
        }
        planner.need_council();
        let rest = if goal == *want {
            String::new()
        } else {
            format!("as far as a cap may grow at once, of {}; ", self.managed.show(want, self.decimals))
        };
        let about = format!("{rest}{}", ripens(proposal.ripe_at, proposal.expires_at));
        self.push(planner, "propose", change, about, self.of.propose(planner.signer, goal));
        Settled::Done
    }

    fn cancel<C: Chain>(&mut self, planner: &mut Planner<C>, standing: &ProposalState, current: &ParameterValue) {
        let is_over = planner.now.unix >= standing.expires_at || standing.old != current.0;
        let why = if is_over { "its proposal can no longer be executed" } else { "its proposal is not the file's" };
        if !is_over {
            planner.need_council();
        }
        let change = self.change(planner, &ParameterValue(standing.old), &ParameterValue(standing.new));
        let cancel = self.of.cancel(planner.signer, standing.proposer.into());
        self.push(planner, "cancel", change, why.into(), cancel);
        self.standing = None;
    }

    fn execute<C: Chain>(&mut self, planner: &mut Planner<C>, standing: &ProposalState, current: &ParameterValue) {
        let change = self.change(planner, current, &ParameterValue(standing.new));
        self.push(planner, "execute", change, "ripe".into(), self.of.execute(standing.proposer.into()));
        self.standing = None;
    }

    fn wait<C: Chain>(&self, planner: &mut Planner<C>, standing: &ProposalState, current: &ParameterValue) {
        let change = Some(self.change(planner, current, &ParameterValue(standing.new)));
        let about = format!("proposed; {}", ripens(standing.ripe_at, standing.expires_at));
        planner.plan.waiting.push(Waiting { subject: self.name.into(), change, about, until: Some(standing.ripe_at) });
    }

    fn refused<C: Chain>(
        &self,
        planner: &Planner<C>,
        from: &ParameterValue,
        to: &ParameterValue,
        error: EngineError,
    ) -> Settled {
        Settled::Refused(self.change(planner, from, to), error)
    }

    fn change<C>(&self, planner: &Planner<C>, from: &ParameterValue, to: &ParameterValue) -> Change {
        let [from, to] = [from, to].map(|value| self.managed.show(value, self.decimals));
        change(planner.file, self.managed, &from, &to)
    }

    fn push<C: Chain>(
        &self,
        planner: &mut Planner<C>,
        action: &'static str,
        change: Change,
        about: String,
        instruction: plimsoll_client::Instruction,
    ) {
        planner.push(self.name, action, about, instruction);
        if let Some(step) = planner.plan.steps.last_mut() {
            step.change = Some(change);
        }
    }
}

fn at(now: Now, unix: i64) -> Now {
    Now { unix: unix.max(now.unix), ..now }
}

/// Does something to a copy.
fn trial<T>(subject: &Subject, act: impl FnOnce(&mut Subject) -> T) -> T {
    match subject {
        Subject::Market(market) => act(&mut Subject::Market(&mut { **market })),
        Subject::Reserve(reserve, market) => act(&mut Subject::Reserve(&mut { **reserve }, market)),
    }
}

fn is_between(value: &[u8; 32], low: &ParameterValue, high: &ParameterValue) -> bool {
    let number = |value: &ParameterValue| value.as_number().unwrap_or(0);
    let value = number(&ParameterValue(*value));
    number(low) < value && value <= number(high)
}

/// How far toward a value one proposal may go: all the way, but for a cap that grows. That is searched for by asking.
fn reachable<C>(
    subject: &Subject,
    parameter: Parameter,
    current: &ParameterValue,
    want: &ParameterValue,
    planner: &Planner<C>,
) -> ParameterValue {
    let (Parameter::CollateralCap, Ok(low), Ok(high)) = (parameter, current.as_number(), want.as_number()) else {
        return *want;
    };
    let policy = match subject {
        Subject::Market(market) => market.policy,
        Subject::Reserve(_, market) => market.policy,
    };
    let ripe = at(planner.now, planner.now.unix.saturating_add_unsigned(policy.loosen_delay_secs));
    let grows = |number| trial(subject, |copy| copy.write(parameter, &ParameterValue::number(number), &ripe));
    if high <= low || grows(high) != Err(EngineError::CapGrowsTooFast) {
        return *want;
    }
    let (mut good, mut bad) = (low, high);
    while bad.abs_diff(good) > 1 {
        let middle = good.midpoint(bad);
        if grows(middle) == Err(EngineError::CapGrowsTooFast) {
            bad = middle;
        } else {
            good = middle;
        }
    }
    // The first cap is measured in USD when it is executed: a tenth is left for the price to move until then.
    ParameterValue::number(if low == 0 { good - good / 10 } else { good })
}

/// Accepts roles that were promised to the signer, and tells of those promised to others.
pub fn hand_over<C: Chain>(planner: &mut Planner<C>, name: &str) {
    for (parameter, word) in ROLES {
        let (Some(role), Some(holder)) = (role_of(parameter), holder(planner.file, parameter).as_ref()) else {
            continue;
        };
        let pending = match role {
            Role::Admin => planner.market.pending_admin,
            Role::Guardian => planner.market.pending_guardian,
            Role::Council => planner.market.pending_council,
        };
        if pending != holder.value.to_bytes() || holder_on_chain(&planner.market, role) == pending {
            continue;
        }
        let key = format!("roles.{word}");
        if holder.value == planner.signer && planner.market.accept_role(role, &pending).is_ok() {
            let accept = AcceptRole { holder: holder.value, market: planner.address, role };
            planner.push(name, "accept", key, accept.instruction());
        } else {
            let about = format!("{key} was promised to {}; apply with its key accepts it", holder.value);
            planner.plan.waiting.push(Waiting { subject: name.into(), change: None, about, until: None });
        }
    }
}
