//! A chain's accounts, taken from one validator and put into another: Surfpool keeps no ledger that it could start from again.

use std::collections::BTreeMap;

use anchor_lang::prelude::{Clock, Pubkey};
use anyhow::{bail, Context, Result};
use plimsoll_client::PROGRAM_ID;
use solana_account::Account;
use solana_loader_v3_interface::state::UpgradeableLoaderState;

use crate::chain::Chain;

/// The loader of upgradeable programs.
const LOADER: Pubkey = anchor_lang::prelude::pubkey!("BPFLoaderUpgradeab1e11111111111111111111111");
/// How far the new clock is set beyond the old one, seconds: some slots pass with it, and slots must not go back either.
const AHEAD_SECS: i64 = 60;
/// How often it is set further ahead.
const TRIES: usize = 20;

/// Accounts, and the time they are of.
pub struct Dump {
    accounts: BTreeMap<Pubkey, Account>,
    clock: Clock,
}

/// The accounts of a deployed program that nobody may upgrade.
pub fn program(bytes: &[u8]) -> Result<BTreeMap<Pubkey, Account>> {
    let programdata = programdata();
    let header = UpgradeableLoaderState::ProgramData { slot: 0, upgrade_authority_address: None };
    let mut data = bincode::serialize(&header)?;
    data.resize(UpgradeableLoaderState::size_of_programdata_metadata(), 0);
    data.extend_from_slice(bytes);
    let points_at_it = bincode::serialize(&UpgradeableLoaderState::Program { programdata_address: programdata })?;
    let account = |data: Vec<u8>, executable| Account {
        // Rent of 128 bytes more than there are, as the cluster asks for it: 6,960 lamports a byte.
        lamports: (data.len() as u64 + 128) * 6_960,
        data,
        owner: LOADER,
        executable,
        rent_epoch: u64::MAX,
    };
    // The program last: it is read when it is put.
    Ok(BTreeMap::from([(programdata, account(data, false)), (PROGRAM_ID, account(points_at_it, true))]))
}

/// Where the program's bytes are.
fn programdata() -> Pubkey {
    Pubkey::find_program_address(&[PROGRAM_ID.as_ref()], &LOADER).0
}

/// Puts a program on a validator.
pub fn place(chain: &Chain, accounts: &BTreeMap<Pubkey, Account>) -> Result<()> {
    for address in [programdata(), PROGRAM_ID] {
        let account = accounts.get(&address).context("expected the program's accounts")?;
        chain.put_account(&address, account).with_context(|| format!("placing {address}"))?;
    }
    Ok(())
}

impl Dump {
    /// Takes all accounts of the program, of both token programs, of both oracles and of people, and the program itself.
    pub fn take(chain: &Chain) -> Result<Self> {
        let owners = [
            PROGRAM_ID,
            anchor_spl::token::ID,
            anchor_spl::token_2022::ID,
            pyth_solana_receiver_sdk::ID,
            plimsoll::constants::PYTH_PUSH_PROGRAM,
            anchor_lang::system_program::ID,
        ];
        let mut accounts = BTreeMap::new();
        for owner in owners {
            let owned = chain.rpc().get_program_accounts(&owner);
            accounts.extend(owned.with_context(|| format!("reading the accounts of {owner}"))?);
        }
        for address in [programdata(), PROGRAM_ID] {
            accounts.insert(address, chain.rpc().get_account(&address).context("reading the program")?);
        }
        accounts.retain(|_, account| account.lamports > 0);
        Ok(Self { accounts, clock: chain.clock()? })
    }

    /// How many accounts.
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Unix seconds and slot it is of.
    pub fn time(&self) -> (i64, u64) {
        (self.clock.unix_timestamp, self.clock.slot)
    }

    /// Puts everything into a new validator, and sets its clock beyond that of the old one: times on the chain are absolute.
    pub fn restore(&self, chain: &Chain) -> Result<()> {
        place(chain, &self.accounts)?;
        let others = self.accounts.iter().filter(|(address, _)| **address != PROGRAM_ID && **address != programdata());
        for (address, account) in others {
            chain.put_account(address, account).with_context(|| format!("putting {address} back"))?;
        }
        for _ in 0..TRIES {
            let clock = chain.clock()?;
            if clock.unix_timestamp >= self.clock.unix_timestamp && clock.slot >= self.clock.slot {
                return Ok(());
            }
            let behind_secs = self.clock.unix_timestamp.saturating_sub(clock.unix_timestamp).max(0);
            chain.pass_time(behind_secs + AHEAD_SECS)?;
        }
        bail!("expected the new clock to reach slot {} of {}", self.clock.slot, self.clock.unix_timestamp)
    }

    /// Accounts of this that are not the same in another, or not there.
    pub fn differing(&self, other: &Self) -> Vec<Pubkey> {
        let is_same = |address: &Pubkey, account: &Account| {
            other.accounts.get(address).is_some_and(|found| {
                (found.lamports, &found.data, found.owner, found.executable)
                    == (account.lamports, &account.data, account.owner, account.executable)
            })
        };
        let differing = self.accounts.iter().filter(|(address, account)| !is_same(address, account));
        differing.map(|(address, _)| *address).collect()
    }
}
