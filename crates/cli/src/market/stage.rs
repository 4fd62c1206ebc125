//! What a file names and a bare local validator lacks: mints, prices, and a key with SOL.

use std::path::Path;

use anyhow::{anyhow, bail, Context, Result};
use plimsoll_engine::state::ORACLE_PYTH_PULL;
use plimsoll_migrate::file::{File, Reserve};
use solana_keypair::{write_keypair_file, Keypair};
use solana_signer::Signer;

use super::read_key;
use crate::chain::Chain;
use crate::prices::Feed;

/// Bytes of a mint without extensions, and where its decimals stand, before the mark that it is initialised.
const MINT_BYTES: usize = 82;
const DECIMALS_OFFSET: usize = 44;
/// What a key is given, SOL.
const FUNDS_SOL: u64 = 1_000;

/// Makes every mint that is missing, publishes every price as of now, and funds a key. By cheats of a local validator, which
/// no other network has.
pub fn stage(file: &File, url: &str, keypair: &Path) -> Result<()> {
    if !keypair.exists() {
        write_keypair_file(&Keypair::new(), keypair)
            .map_err(|error| anyhow!("cannot write a key to {}: {error}", keypair.display()))?;
    }
    let key = read_key(keypair)?;
    let address = key.pubkey();
    let chain = Chain::with_payer(url, key)?;
    chain.airdrop(&address, FUNDS_SOL)?;
    super::print(&format!("funded    {address} with {FUNDS_SOL} SOL"));
    for reserve in &file.reserves {
        make_mint(&chain, reserve)?;
        publish(&chain, reserve)?;
    }
    Ok(())
}

fn make_mint(chain: &Chain, reserve: &Reserve) -> Result<()> {
    let (name, mint) = (&reserve.name, reserve.mint.value);
    if chain.rpc().get_multiple_accounts(&[mint]).context("reading the mint")?.pop().flatten().is_some() {
        return Ok(());
    }
    let Some(decimals) = &reserve.decimals else { bail!("{name} needs `decimals` in the file for a mint to be made") };
    let mut data = [0; MINT_BYTES];
    (data[DECIMALS_OFFSET], data[DECIMALS_OFFSET + 1]) = (decimals.value, 1);
    chain.write_account(&mint, &anchor_spl::token::ID, &data)?;
    super::print(&format!("made      {name} mint {mint}"));
    Ok(())
}

fn publish(chain: &Chain, reserve: &Reserve) -> Result<()> {
    let (name, account) = (&reserve.name, reserve.price_account.value);
    let cents = reserve.price_usd.as_ref().and_then(|price| price.value.atoms(2));
    let Some(cents) = cents else {
        bail!("{name} needs `price_usd` in whole cents in the file for a price to be published")
    };
    let is_pull = reserve.oracle_kind.value == u64::from(ORACLE_PYTH_PULL);
    let feed = if is_pull { Feed::pull(account, reserve.oracle.value) } else { Feed::push(account) };
    feed.publish(chain, cents)?;
    super::print(&format!("published {name} price of {}.{:02} USD at {account}", cents / 100, cents % 100));
    Ok(())
}
