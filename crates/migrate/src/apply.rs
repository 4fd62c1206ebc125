//! Carries a plan out, and looks whether it is done.

use anyhow::{bail, Context, Result};

use crate::chain::Chain;
use crate::file::File;
use crate::plan::{plan, Call, Plan, Step};

/// Sends every step in order, tells of each, and expects that nothing is left to do. Returns the plan that is left: what
/// waits.
///
/// A run that breaks off leaves nothing half done but what it did: the next run goes on from there.
///
/// # Errors
/// The first refusal, with its step; or what is left to do where something is.
pub fn apply<C: Chain>(file: &File, chain: &mut C, steps: &Plan, mut told: impl FnMut(&Step, &str)) -> Result<Plan> {
    for (index, step) in steps.steps.iter().enumerate() {
        let sent = match &step.call {
            Call::Deploy { so, keypair } => {
                let program = std::fs::read(so).with_context(|| format!("cannot read {so}"))?;
                chain.deploy(&program, keypair.as_ref())
            }
            Call::Send(instruction) => chain.send(instruction),
        };
        let (number, of) = (index + 1, steps.steps.len());
        let sent = sent.with_context(|| {
            format!(
                "step {number} of {of}, {} {}; the steps before it are done, and the next run goes on from here",
                step.action, step.subject
            )
        })?;
        told(step, &sent);
    }
    let left = plan(file, chain)?;
    if !left.steps.is_empty() {
        bail!("everything was sent, and the chain still differs from the file:\n{}", left.lines().join("\n"));
    }
    Ok(left)
}
