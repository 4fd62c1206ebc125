//! What a transaction may use, and pays for it: instructions of the compute-budget program.

use anchor_lang::prelude::pubkey;

use crate::{Instruction, Pubkey};

/// The compute-budget program.
const PROGRAM: Pubkey = pubkey!("ComputeBudget111111111111111111111111111111");

fn call(tag: u8, number: &[u8]) -> Instruction {
    Instruction { program_id: PROGRAM, accounts: Vec::new(), data: [&[tag], number].concat() }
}

/// Most compute units that the transaction may use. Without it, 200,000 an instruction.
pub fn unit_limit(units: u32) -> Instruction {
    call(2, &units.to_le_bytes())
}

/// What is paid for a unit above the base fee, micro-lamports.
pub fn unit_price(micro_lamports: u64) -> Instruction {
    call(3, &micro_lamports.to_le_bytes())
}
