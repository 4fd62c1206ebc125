//! A real network, as a migration sees a chain.

use std::path::Path;

use anchor_lang::prelude::Pubkey;
use anyhow::{anyhow, Context, Result};
use plimsoll_client::accounts::Market;
use plimsoll_client::{address, Instruction, PROGRAM_ID};
use plimsoll_engine::Now;
use plimsoll_migrate::chain::{Account, Chain as Migrated};
use solana_keypair::{read_keypair_file, Keypair};
use solana_signer::Signer;

use crate::chain::Chain;
use crate::deploy::deploy;
use plimsoll_client::compute_budget::unit_limit;

/// Accounts that one request may ask for.
const ACCOUNTS_MAX: usize = 100;
/// What a transaction asks for: `create_reserve`, with its two vaults, is the largest.
const UNITS: u32 = 400_000;

/// A network and who signs.
pub struct Network {
    chain: Chain,
    signer: Pubkey,
}

impl Network {
    /// To look and to send.
    pub fn with_key(url: &str, payer: Keypair) -> Result<Self> {
        let signer = payer.pubkey();
        Ok(Self { chain: Chain::with_payer(url, payer)?, signer })
    }

    /// To look only, as the admin of a market sees it; as nobody in particular where there is no market yet.
    pub fn to_look(url: &str, id: u16) -> Result<Self> {
        let mut network = Self { chain: Chain::with_payer(url, Keypair::new())?, signer: Pubkey::default() };
        let market = address::market(id);
        if let Some(account) = network.account(&market)? {
            let state = Market::decode_owned(market, &account.owner, &account.data)?.state;
            network.signer = Pubkey::new_from_array(state.admin);
        }
        Ok(network)
    }
}

impl Migrated for Network {
    fn signer(&self) -> Pubkey {
        self.signer
    }

    fn now(&self) -> Result<Now> {
        let clock = self.chain.clock()?;
        Ok(Now { unix: clock.unix_timestamp, slot: clock.slot })
    }

    fn accounts(&self, addresses: &[Pubkey]) -> Result<Vec<Option<Account>>> {
        let mut accounts = Vec::with_capacity(addresses.len());
        for some in addresses.chunks(ACCOUNTS_MAX) {
            let found = self.chain.rpc().get_multiple_accounts(some).context("reading accounts")?;
            accounts.extend(
                found.into_iter().map(|account| account.map(|found| Account { owner: found.owner, data: found.data })),
            );
        }
        Ok(accounts)
    }

    fn send(&mut self, instruction: &Instruction) -> Result<String> {
        let receipt = self.chain.send(&[unit_limit(UNITS), instruction.clone()], &[])?;
        Ok(receipt.signature.to_string())
    }

    fn deploy(&mut self, program: &[u8], keypair: &Path) -> Result<String> {
        let key = read_keypair_file(keypair)
            .map_err(|error| anyhow!("expected the key of {PROGRAM_ID} at {}: {error}", keypair.display()))?;
        let transactions = deploy(&self.chain, program, &key, true)?;
        Ok(format!("{transactions} transactions"))
    }
}
