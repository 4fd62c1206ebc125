//! What is on its way: its subject held, looked at in every round, written down when it is decided. Also what an earlier
//! process left on its way, which the journal remembers.

use std::time::Instant;

use plimsoll_client::Pubkey;

use super::job::{worth_nano_usd, Job};
use super::{Attempt, Keeper, Outcome, Result};
use crate::act::Locks;
use crate::decide::Purse;
use crate::follow::Underway;
use crate::journal::Journal;
use crate::watch::Source;

/// An action that was sent, and is open.
pub(super) struct Pending {
    /// Its row in the journal.
    pub(super) row: i64,
    /// What it is about.
    pub(super) subject: Pubkey,
    /// The transaction.
    pub(super) underway: Underway,
    /// What it came from.
    pub(super) origin: Origin,
}

/// Where an action came from.
pub(super) enum Origin {
    /// This process.
    Job(Box<Job>),
    /// An earlier one: what its journal says.
    Journal(Attempt),
}

/// What an earlier process left on its way. Its subjects are held.
pub(super) fn left_behind(journal: &Journal, locks: &mut Locks) -> Result<Vec<Pending>> {
    let mut all = Vec::new();
    for open in journal.open_attempts()? {
        let Ok(subject) = open.attempt.subject.parse::<Pubkey>() else { continue };
        locks.hold(subject, None);
        tracing::info!(%subject, signature = open.signature, "an earlier process sent this; asking what became of it");
        let underway = Underway::found(&open);
        all.push(Pending { row: open.id, subject, underway, origin: Origin::Journal(open.attempt) });
    }
    Ok(all)
}

impl<S: Source> Keeper<S> {
    /// Looks at all that is on its way. Adds what is decided to `done`.
    pub(super) fn look_at_pending(&mut self, done: &mut Vec<(Pubkey, &'static str, Outcome)>) -> Result<()> {
        let mut written = Ok(());
        for mut pending in std::mem::take(&mut self.pending) {
            let actor = self.actor();
            let looked = match &pending.origin {
                Origin::Job(job) => actor.look(&mut pending.underway, || job.is_changed(actor.chain)),
                // Its simulation succeeded before it was sent: what failed then met another state.
                Origin::Journal(_) => actor.look(&mut pending.underway, || true),
            };
            let Some(outcome) = looked else {
                self.pending.push(pending);
                continue;
            };
            self.locks.release(pending.subject, &outcome, Instant::now());
            written = written.and(match pending.origin {
                Origin::Job(job) => {
                    let written = self.write_down(&job, &outcome, Some(pending.row));
                    done.push((pending.subject, job.action.what.name(), outcome));
                    written
                }
                Origin::Journal(attempt) => self.write_down_found(attempt, &outcome, pending.row),
            });
        }
        written
    }

    /// What came of an attempt of an earlier process. Its decision's prices are not known any more: it counts at today's.
    fn write_down_found(&self, attempt: Attempt, outcome: &Outcome, row: i64) -> Result<()> {
        let realised = match outcome {
            Outcome::Landed(landed) => Some(worth_nano_usd(landed, self.book.reserves(), self.sol_nano_usd)),
            _ => None,
        };
        tracing::info!(
            subject = attempt.subject,
            what = attempt.what,
            outcome = outcome.name(),
            detail = outcome.detail(),
            "found what became of it"
        );
        self.journal.decide(row, &attempt.decided(outcome, realised, None))
    }

    /// What is on its way may spend its money any moment.
    pub(super) fn set_aside(&self, purse: &mut Purse) {
        for pending in &self.pending {
            if let Origin::Job(job) = &pending.origin {
                job.spend(purse);
            }
        }
    }
}
