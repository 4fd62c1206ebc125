//! A real loader-v3 deployment: buffer, writes, deploy.

use anyhow::{bail, Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use solana_keypair::Keypair;
use solana_loader_v3_interface::instruction;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_signer::Signer;

use crate::chain::{Chain, Order};

/// What of the program fits in one write transaction.
const CHUNK: usize = 1_000;
/// Writes sent before waiting for them.
const IN_FLIGHT: usize = 64;

/// Deploys `program` to the address of `keypair`, upgradeable by the payer. Returns the number of transactions.
pub fn deploy(chain: &Chain, program: &[u8], keypair: &Keypair, show_progress: bool) -> Result<usize> {
    let payer = chain.payer();
    let authority = payer.pubkey();
    let buffer = Keypair::new();
    let rent = |space: usize| chain.rpc().get_minimum_balance_for_rent_exemption(space);
    let lamports = rent(UpgradeableLoaderState::size_of_buffer(program.len()))?;
    let create = instruction::create_buffer(&authority, &buffer.pubkey(), &authority, lamports, program.len())?;
    chain.send(&create, &[&buffer]).context("creating the buffer")?;

    let bar = if show_progress { ProgressBar::new(program.len() as u64) } else { ProgressBar::hidden() };
    bar.set_style(ProgressStyle::with_template("  deploying {bar:30} {bytes}/{total_bytes} {eta}")?);
    let chunks: Vec<&[u8]> = program.chunks(CHUNK).collect();
    for (batch_index, batch) in chunks.chunks(IN_FLIGHT).enumerate() {
        let mut orders = Vec::with_capacity(batch.len());
        for (index, chunk) in batch.iter().enumerate() {
            let offset = u32::try_from((batch_index * IN_FLIGHT + index) * CHUNK)?;
            let write = instruction::write(&buffer.pubkey(), &authority, offset, chunk.to_vec());
            orders.push(Order::new(vec![write], &[]));
        }
        chain.carry_out(&mut orders)?;
        if let Some(refusal) = orders.iter().find_map(Order::refusal) {
            bail!("a write to the program buffer was refused: {}", refusal.text);
        }
        bar.inc(batch.iter().map(|chunk| chunk.len() as u64).sum());
    }
    bar.finish_and_clear();
    let written = chain.data(&buffer.pubkey())?;
    if written.get(UpgradeableLoaderState::size_of_buffer_metadata()..) != Some(program) {
        bail!("expected the buffer to hold the program; its bytes differ. Run this again");
    }

    let lamports = rent(UpgradeableLoaderState::size_of_program())?;
    #[allow(deprecated)] // Its successor differs in one account that older validators do not know.
    let deploy = instruction::deploy_with_max_program_len(
        &authority,
        &keypair.pubkey(),
        &buffer.pubkey(),
        &authority,
        lamports,
        program.len(),
    )?;
    chain.send(&deploy, &[keypair]).context("deploying from the buffer")?;
    Ok(chunks.len() + 2)
}
