//! A chain as a migration sees it: accounts, a clock, and a way to send.

use std::path::Path;

use anchor_lang::prelude::Pubkey;
use anyhow::Result;
use plimsoll_client::Instruction;
use plimsoll_engine::Now;

/// An account's bytes and owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Program that owns it.
    pub owner: Pubkey,
    /// Data.
    pub data: Vec<u8>,
}

/// What a migration asks of a chain.
pub trait Chain {
    /// Who signs and pays.
    fn signer(&self) -> Pubkey;

    /// The chain's clock.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn now(&self) -> Result<Now>;

    /// Accounts, nothing where there is none, in the order asked for.
    ///
    /// # Errors
    /// Where they cannot be read.
    fn accounts(&self, addresses: &[Pubkey]) -> Result<Vec<Option<Account>>>;

    /// Sends one instruction in a transaction of its own, and waits until it is confirmed. Returns what names the
    /// transaction.
    ///
    /// # Errors
    /// The refusal.
    fn send(&mut self, instruction: &Instruction) -> Result<String>;

    /// Deploys a program file to the address of a key. Returns what there is to say of it.
    ///
    /// # Errors
    /// Where it does not succeed.
    fn deploy(&mut self, program: &[u8], keypair: &Path) -> Result<String>;

    /// One account.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn account(&self, address: &Pubkey) -> Result<Option<Account>> {
        Ok(self.accounts(&[*address])?.pop().flatten())
    }
}
