//! The program's entry point.

use solana_account_info::AccountInfo;
use solana_program_entrypoint::{entrypoint, ProgramResult};
use solana_program_error::ProgramError;
use solana_pubkey::Pubkey;

use crate::{decode, evaluate, FAMILIES, PANIC, PANICS};

entrypoint!(process);

fn process(_program: &Pubkey, _accounts: &[AccountInfo], data: &[u8]) -> ProgramResult {
    let bad = || ProgramError::InvalidInstructionData;
    let (&first, rest) = data.split_first().ok_or_else(bad)?;
    if first == PANIC {
        let (&index, operand) = rest.split_first().ok_or_else(bad)?;
        let operand = u64::from_le_bytes(operand.try_into().map_err(|_| bad())?);
        let panic = PANICS.get(usize::from(index)).ok_or_else(bad)?;
        (panic.provoke)(operand);
        return Ok(());
    }
    let family = FAMILIES.get(usize::from(first)).ok_or_else(bad)?;
    let digests = evaluate(family, &decode(rest));
    let answer: Vec<u8> = digests.iter().flat_map(|digest| digest.to_le_bytes()).collect();
    solana_cpi::set_return_data(&answer);
    Ok(())
}

#[cfg(feature = "bigframe")]
mod too_big {
    use core::hint::black_box;

    /// 6 KB of locals, where the chain gives a function 4 KB.
    #[no_mangle]
    #[inline(never)]
    pub extern "C" fn big_frame(index: u64) -> u64 {
        let mut words = [index; 768];
        black_box(&mut words)[(index % 768) as usize] = 1;
        black_box(&words).iter().fold(0, |sum, word| sum ^ word)
    }
}
