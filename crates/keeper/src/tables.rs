//! Lookup tables, and the messages made with them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure, Context, Result};
use plimsoll_client::{Instruction, Pubkey};
use solana_address_lookup_table_interface::program::ID as TABLE_PROGRAM;
use solana_address_lookup_table_interface::state::AddressLookupTable;
use solana_message::{v0, AddressLookupTableAccount, Hash, Message, VersionedMessage};

use crate::chain::{Chain, Seen};

/// Largest transaction, bytes.
pub const BYTES_MAX: usize = 1_232;
/// Most accounts that a transaction may lock.
pub const LOCKS_MAX: usize = 64;
/// Bytes of a transaction with one signature beside its message.
const SIGNATURE_BYTES: usize = 1 + 64;
/// A table is believed for so long: more may be added to it, and nothing is ever taken away while it can be used.
const LIFE: Duration = Duration::from_secs(300);

/// Tables that were read lately.
#[derive(Debug, Default)]
pub struct Tables(Mutex<HashMap<Pubkey, (Instant, AddressLookupTableAccount)>>);

impl Tables {
    /// Tables by address: from memory, or from an endpoint.
    ///
    /// # Errors
    /// Where no endpoint answers, or there is no such table in use.
    pub fn get(&self, chain: &Chain, addresses: &[Pubkey]) -> Result<Vec<AddressLookupTableAccount>> {
        let mut known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.retain(|_, (at, _)| at.elapsed() < LIFE);
        let missing: Vec<Pubkey> = addresses.iter().filter(|address| !known.contains_key(address)).copied().collect();
        if !missing.is_empty() {
            for seen in chain.accounts(&missing)? {
                known.insert(seen.address, (Instant::now(), read(&seen)?));
            }
        }
        let table = |address: &Pubkey| known.get(address).map(|(_, table)| table.clone()).context("a lookup table");
        addresses.iter().map(table).collect()
    }
}

/// A table from its account.
///
/// # Errors
/// Where it is none, or is being closed.
fn read(seen: &Seen) -> Result<AddressLookupTableAccount> {
    let key = seen.address;
    ensure!(seen.owner == TABLE_PROGRAM, "expected a lookup table at {key}");
    let table = AddressLookupTable::deserialize(&seen.data).map_err(|error| anyhow!("lookup table {key}: {error}"))?;
    ensure!(table.meta.deactivation_slot == u64::MAX, "the lookup table {key} is being closed");
    Ok(AddressLookupTableAccount { key, addresses: table.addresses.to_vec() })
}

/// How large a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// With its signature.
    pub bytes: usize,
    /// Accounts that it locks.
    pub locks: usize,
}

impl Size {
    /// Of a message that one key signs.
    pub fn of(message: &VersionedMessage) -> Self {
        let looked_up = message.address_table_lookups().into_iter().flatten();
        let from_tables: usize =
            looked_up.map(|lookup| lookup.writable_indexes.len() + lookup.readonly_indexes.len()).sum();
        Self {
            bytes: SIGNATURE_BYTES + message.serialize().len(),
            locks: message.static_account_keys().len() + from_tables,
        }
    }

    /// Whether the network takes it.
    pub fn fits(&self) -> bool {
        self.bytes <= BYTES_MAX && self.locks <= LOCKS_MAX
    }
}

/// The message of instructions: of the old kind where there are no tables.
///
/// # Errors
/// Where they name more accounts than a message can.
pub fn message(
    payer: &Pubkey,
    instructions: &[Instruction],
    tables: &[AddressLookupTableAccount],
    blockhash: Hash,
) -> Result<VersionedMessage> {
    if tables.is_empty() {
        return Ok(VersionedMessage::Legacy(Message::new_with_blockhash(instructions, Some(payer), &blockhash)));
    }
    let message = v0::Message::try_compile(payer, instructions, tables, blockhash);
    Ok(VersionedMessage::V0(message.context("compiling a message with lookup tables")?))
}

#[cfg(test)]
mod tests {
    use plimsoll_client::AccountMeta;
    use solana_address_lookup_table_interface::state::{LookupTableMeta, ProgramState};

    use super::*;

    fn keys(count: u8) -> Vec<Pubkey> {
        (1..=count).map(|number| Pubkey::new_from_array([number; 32])).collect()
    }

    fn account(deactivation_slot: u64, addresses: &[Pubkey]) -> Seen {
        let meta = LookupTableMeta { deactivation_slot, ..LookupTableMeta::default() };
        let mut data = bincode::serialize(&ProgramState::LookupTable(meta)).expect("a table");
        // Addresses begin there, whatever the state takes.
        data.resize(56, 0);
        addresses.iter().for_each(|address| data.extend(address.to_bytes()));
        Seen { slot: 1, address: Pubkey::new_from_array([99; 32]), owner: TABLE_PROGRAM, data }
    }

    fn instruction(accounts: &[Pubkey]) -> Instruction {
        let accounts = accounts.iter().map(|key| AccountMeta::new(*key, false)).collect();
        Instruction { program_id: Pubkey::new_from_array([77; 32]), accounts, data: vec![0; 8] }
    }

    #[test]
    fn accounts_of_a_table_take_a_byte_each_and_are_locked_all_the_same() {
        let (payer, accounts) = (Pubkey::new_from_array([88; 32]), keys(40));
        let instructions = [instruction(&accounts)];
        // 3 + 1 + 42 keys + blockhash + 1 + (1 + 1 + 40 + 1 + 8) and the signature; then two keys, and one table with 40 indexes.
        let plain = Size::of(&message(&payer, &instructions, &[], Hash::default()).expect("a message"));
        assert_eq!((plain.bytes, plain.locks, plain.fits()), (1_497, 42, false));

        let table = read(&account(u64::MAX, &accounts)).expect("a table");
        assert_eq!(table.addresses, accounts);
        let small = Size::of(&message(&payer, &instructions, &[table], Hash::default()).expect("a message"));
        assert_eq!((small.bytes, small.locks, small.fits()), (293, 42, true));
    }

    #[test]
    fn more_than_64_accounts_do_not_fit_however_small() {
        let accounts = keys(63);
        let table = read(&account(u64::MAX, &accounts)).expect("a table");
        let size = |count: usize| {
            let instructions = [instruction(&accounts[..count])];
            let payer = Pubkey::new_from_array([88; 32]);
            Size::of(&message(&payer, &instructions, std::slice::from_ref(&table), Hash::default()).expect("a message"))
        };
        assert_eq!((size(62).locks, size(62).fits()), (64, true));
        assert_eq!((size(63).locks, size(63).fits()), (65, false));
    }

    #[test]
    fn what_is_no_table_or_is_being_closed_is_refused() {
        let closing = read(&account(5, &keys(2))).expect_err("a table that is being closed").to_string();
        assert!(closing.ends_with("is being closed"), "{closing}");
        let foreign = Seen { owner: Pubkey::default(), ..account(u64::MAX, &keys(2)) };
        assert!(read(&foreign).expect_err("no table").to_string().starts_with("expected a lookup table at "));
    }
}
