//! The program itself: whether it is on the chain, and whether it is the one in the file.

use anchor_lang::prelude::Pubkey;
use anyhow::Result;
use plimsoll_client::PROGRAM_ID;

use crate::chain::{Account, Chain};
use crate::file::{File, Program};
use crate::plan::{Call, Plan, Step};
use crate::source::Fault;

/// The upgradeable loader.
const LOADER: Pubkey = anchor_lang::prelude::pubkey!("BPFLoaderUpgradeab1e11111111111111111111111");
/// Its tag of a program account, before the address of the program's data.
const PROGRAM_TAG: [u8; 4] = [2, 0, 0, 0];
/// What stands before the program in that account: tag, slot, and who may upgrade it.
const DATA_HEADER: usize = 45;

/// Compares the program with the chain, and plans its deployment where it is missing.
pub fn look(file: &File, chain: &impl Chain, plan: &mut Plan, faults: &mut Vec<Fault>) -> Result<()> {
    let found = chain.account(&PROGRAM_ID)?;
    match (&file.program, found) {
        (None, Some(_)) => {}
        (None, None) => faults.push(Fault::new(
            0,
            format!("there is no program at {PROGRAM_ID} on this chain; name it in [program], with `so` and `keypair`"),
        )),
        (Some(program), None) => plan_deployment(program, plan, faults),
        (Some(program), Some(account)) => plan.notes.extend(difference(program, &account, chain)?),
    }
    Ok(())
}

fn plan_deployment(program: &Program, plan: &mut Plan, faults: &mut Vec<Fault>) {
    let bytes = match std::fs::read(&program.so.value) {
        Ok(bytes) => bytes,
        Err(error) => {
            let text = format!("cannot read {}: {error}; `cargo xtask build` makes it", program.so.value);
            return faults.push(Fault::new(program.so.at, text));
        }
    };
    let keypair = &program.keypair;
    let key = std::fs::read(&keypair.value).ok().and_then(|text| serde_json::from_slice::<Vec<u8>>(&text).ok());
    let address = key.and_then(|key| Some(Pubkey::new_from_array(key.get(32..64)?.try_into().ok()?)));
    if address != Some(PROGRAM_ID) {
        let text = format!(
            "expected the key of {PROGRAM_ID}, the program's declared address, in {}; it is not there",
            keypair.value
        );
        return faults.push(Fault::new(keypair.at, text));
    }
    plan.steps.push(Step::new(
        "program",
        "deploy",
        format!("{PROGRAM_ID}, {} bytes of {}, upgradeable by the signer", bytes.len(), program.so.value),
        Call::Deploy { so: program.so.value.clone(), keypair: keypair.value.clone() },
    ));
}

/// What there is to say where the program on the chain is not the file's.
fn difference(program: &Program, account: &Account, chain: &impl Chain) -> Result<Option<String>> {
    let Ok(expected) = std::fs::read(&program.so.value) else {
        return Ok(Some(format!(
            "{} cannot be read; the program on the chain was not compared with it",
            program.so.value
        )));
    };
    let code = match account.data.strip_prefix(&PROGRAM_TAG).filter(|_| account.owner == LOADER) {
        Some(address) => {
            let address = Pubkey::try_from(address).ok();
            let data = address.map(|address| chain.account(&address)).transpose()?.flatten();
            data.and_then(|data| data.data.get(DATA_HEADER..).map(<[u8]>::to_vec))
        }
        // Other loaders keep the program in its account.
        None => Some(account.data.clone()),
    };
    let is_same = code.is_some_and(|code| {
        // A loader may leave room behind it.
        code.strip_prefix(&expected[..]).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
    });
    let text = format!("the program on the chain differs from {}; it is left as it is", program.so.value);
    Ok((!is_same).then_some(text))
}
