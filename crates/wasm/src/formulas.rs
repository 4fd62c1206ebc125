//! Two formulas by themselves, which the golden vectors ask for.

use bytemuck::bytes_of;
use plimsoll_engine::fixed::{Factor, Value, Word128};
use plimsoll_engine::liquidation::{self, repayment_step, solvent_bonus};

use crate::bytes::{Input, Output};
use crate::Mistake;

/// Bonus of the moment, capped by solvency: a factor, Q40. Health comes as a factor, values in nano-dollars.
pub(crate) fn bonus(input: &mut Input, output: &mut Output) -> Result<(), Mistake> {
    let terms = input.pod()?;
    let [health, liquidatable_secs, auction_secs]: [u64; 3] = input.pod()?;
    let [collateral, debt]: [Word128; 2] = input.pod()?;
    input.end()?;
    let earned = liquidation::bonus(&terms, Factor(health), liquidatable_secs, auction_secs);
    output.put(bytes_of(&solvent_bonus(earned, Value(collateral.get()), Value(debt.get())).0))
}

/// Smallest repayment that reaches the target where weights are linear: weighted debt and collateral in nano-dollars; target,
/// debt weight, gross factor and collateral factor, Q40. 1 and the value in nano-dollars; two zeros where no repayment does.
pub(crate) fn repay_to_target(input: &mut Input, output: &mut Output) -> Result<(), Mistake> {
    let [debt, collateral]: [Word128; 2] = input.pod()?;
    let [target, weight, gross, maintenance]: [u64; 4] = input.pod()?;
    input.end()?;
    let (target, goal) = (Factor(target), Value(debt.get()).times_ceil(Factor(target)));
    let shortfall = goal.minus(Value(collateral.get()));
    let (wanted, seized) = (target.times_floor(Factor(weight)), Factor(gross).times_floor(Factor(maintenance)));
    let step = repayment_step(shortfall, wanted, seized);
    output.put(bytes_of(&u64::from(step.is_some())))?;
    output.put(bytes_of(&Word128::new(step.unwrap_or(Value::ZERO).0)))
}
