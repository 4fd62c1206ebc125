//! An action with all that its transaction is made of, from its decision to the row it leaves in the journal.

use anyhow::Result;
use plimsoll_client::accounts::Position;
use plimsoll_client::Pubkey;
use plimsoll_engine::fixed::Value;
use solana_signer::Signer;

use crate::act::{Actor, Landed, Outcome, Progress};
use crate::build::{self, Built};
use crate::chain::Chain;
use crate::decide::{Action, Funding, Purse, What};
use crate::journal::{Attempt, Journal};
use crate::scene::{Leg, Scene};
use crate::venue::Venue;

/// Within the range of the journal's numbers.
fn clamp(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

/// An action with all that its transaction is made of.
pub(super) struct Job {
    pub(super) action: Action,
    pub(super) scene: Option<Scene>,
    /// Tokens that it moves.
    pub(super) legs: Vec<Leg>,
    /// The instructions, of what needs no venue's answer.
    pub(super) built: Option<Built>,
    /// Of the subject when it was decided: none of what has none, of the keeper's own tokens the slot they were counted at.
    pub(super) sequence: Option<u64>,
    pub(super) at_ms: i64,
}

impl Attempt {
    /// This, with what came of it.
    pub(super) fn decided(self, outcome: &Outcome, realised_nano_usd: Option<i64>, latency_ms: Option<i64>) -> Self {
        let fee_lamports = match outcome {
            Outcome::Landed(landed) => i64::try_from(landed.fee_lamports).unwrap_or(i64::MAX),
            _ => 0,
        };
        let (outcome, detail) = (outcome.name().to_owned(), outcome.detail().to_owned());
        Self { outcome, detail, realised_nano_usd, fee_lamports, latency_ms, ..self }
    }
}

impl Job {
    /// As the journal has it before anything came of it.
    pub(super) fn attempt(&self) -> Attempt {
        Attempt {
            at_ms: self.at_ms,
            subject: self.action.subject.to_string(),
            what: self.action.what.name().to_owned(),
            outcome: String::new(),
            detail: String::new(),
            expected_nano_usd: clamp(self.action.profit_nano_usd),
            realised_nano_usd: None,
            fee_lamports: 0,
            latency_ms: None,
        }
    }

    /// Takes what it may spend out of a purse.
    pub(super) fn spend(&self, purse: &mut Purse) {
        let (What::Liquidate(trade), Some((_, debt)), Some(scene)) = (&self.action.what, self.action.pair, &self.scene)
        else {
            return;
        };
        if let (Funding::Own, Some(leg)) = (trade.funding, scene.debts().get(debt)) {
            let held = purse.atoms.entry(leg.reserve.mint()).or_default();
            *held = held.saturating_sub(trade.repay_max_atoms.saturating_add(trade.plan.fee_atoms));
        }
    }

    /// Builds it and sends it. What is signed goes into the journal first. The number of its row, where there is one.
    pub(super) fn carry_out(&self, actor: &Actor, venue: &dyn Venue, journal: &Journal) -> (Progress, Option<i64>) {
        let built = match self.build(&actor.key.pubkey(), venue) {
            Ok(built) => built,
            Err(build::Unbuildable::NoRoute(reason)) => {
                let text = reason.to_string();
                return (Progress::Done(Outcome::NoRoute(reason, text)), None);
            }
            Err(error) => return (Progress::Done(Outcome::Refused(error.to_string())), None),
        };
        let mut row = None;
        let progress = actor.carry_out(
            &built,
            || self.is_changed(actor.chain),
            |signature, last_height| {
                row = Some(journal.begin_sending(&self.attempt(), signature, last_height)?);
                Ok(())
            },
        );
        (progress, row)
    }

    fn build(&self, keeper: &Pubkey, venue: &dyn Venue) -> Result<Built, build::Unbuildable> {
        match (&self.built, &self.scene, &self.action.what, &self.legs[..]) {
            (Some(built), ..) => Ok(built.clone()),
            (None, Some(scene), ..) => build::instructions(&self.action, scene, keeper, venue),
            (None, None, What::Rebalance(exchange), [from, to]) => {
                build::exchange_instructions(exchange, &from.reserve, &to.reserve, keeper, venue)
            }
            _ => Err(build::Unbuildable::Misfit),
        }
    }

    /// Whether the position is another since the decision; not where it cannot be told.
    pub(super) fn is_changed(&self, chain: &Chain) -> bool {
        let Some(scene) = &self.scene else { return false };
        let Ok(found) = chain.accounts(&[scene.position.address]) else { return false };
        found.first().is_some_and(|seen| {
            let position = Position::decode_checked(seen.address, &seen.owner, &seen.data);
            position.map_or(seen.data.is_empty(), |position| position.state.sequence != scene.position.state.sequence)
        })
    }

    /// From the publish time of the newest price it was decided on until a moment, milliseconds: by the chain's clock up to the
    /// decision, by this machine's from there, because the two differ.
    pub(super) fn latency_ms(&self, until_ms: i64) -> Option<i64> {
        let scene = self.scene.as_ref()?;
        let legs = scene.legs.iter();
        let published = legs
            .map(|leg| leg.reserve.state.reading.newer(leg.offered.map(|offered| offered.reading)).publish_time)
            .max()?;
        let before_ms = scene.now.unix.saturating_sub(published).max(0).saturating_mul(1_000);
        Some(before_ms.saturating_add(until_ms.saturating_sub(self.at_ms)))
    }

    /// What the keeper's tokens gained, at the prices of the decision, less the fee, nano-dollars.
    pub(super) fn realised_nano_usd(&self, landed: &Landed, sol_nano_usd: u64) -> i64 {
        worth_nano_usd(landed, self.legs.iter().cloned(), sol_nano_usd)
    }
}

/// What the keeper's tokens gained, at the prices of these legs, less the fee, nano-dollars. What is kept counts at its plain
/// price.
pub(super) fn worth_nano_usd(landed: &Landed, legs: impl Iterator<Item = Leg>, sol_nano_usd: u64) -> i64 {
    let signed = |value: Value| i128::try_from(value.0).unwrap_or(i128::MAX);
    let mut sum = 0i128;
    for leg in legs {
        let state = &leg.reserve.state;
        let reading = state.reading.newer(leg.offered.map(|offered| offered.reading));
        let price = reading.price_of(reading.price, state.decimals);
        let mint = leg.reserve.mint();
        for (_, atoms) in landed.changes.iter().filter(|(changed, _)| *changed == mint) {
            let many = u64::try_from(atoms.unsigned_abs()).unwrap_or(u64::MAX);
            sum += if *atoms < 0 { -signed(price.value_ceil(many)) } else { signed(price.value_floor(many)) };
        }
    }
    let fee = u128::from(landed.fee_lamports) * u128::from(sol_nano_usd);
    clamp(sum - i128::try_from(fee.div_ceil(1_000_000_000)).unwrap_or(i128::MAX))
}
