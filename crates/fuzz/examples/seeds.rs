//! Inputs to start fuzzing from: accounts, prices and instructions of a small market after a day's work, on the program as it
//! is built. `cargo xtask fuzz` runs this; written anew every time, so they never lag behind the accounts' layout.
//!
//! `seeds FOLDER` writes `FOLDER/TARGET/NAME`, and fails where a target refuses what it should accept.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::{env, fs};

use anchor_lang::event::EVENT_IX_TAG_LE;
use anyhow::{ensure, Context, Result};
use plimsoll_client::PROGRAM_ID;
use plimsoll_fuzz::{target, Writer, ARGUMENTS};
use plimsoll_testkit::prelude::*;

/// Longest arguments and events, and some more.
const ZEROS: [u8; 1_024] = [0; 1_024];

fn main() -> Result<()> {
    let folder = PathBuf::from(env::args_os().nth(1).context("expected a folder for the seeds")?);
    let market = Market::open();
    let seeds = Seeds { folder };
    market.accounts(&seeds)?;
    market.prices(&seeds)?;
    market.legs(&seeds)?;
    market.instructions(&seeds)?;
    market.engine(&seeds)?;
    from_idl(&seeds)
}

struct Seeds {
    folder: PathBuf,
}

impl Seeds {
    /// Writes a seed that its target must accept.
    fn accepted(&self, name: &str, seed: &str, bytes: &[u8]) -> Result<()> {
        ensure!(self.any(name, seed, bytes)?, "target {name} refuses its seed {seed}");
        Ok(())
    }

    /// Writes a seed; returns whether its target accepts it.
    fn any(&self, name: &str, seed: &str, bytes: &[u8]) -> Result<bool> {
        let target = target(name).with_context(|| format!("no target is called {name}"))?;
        let folder: &Path = &self.folder.join(name);
        fs::create_dir_all(folder)?;
        fs::write(folder.join(seed), bytes)?;
        Ok((target.run)(bytes))
    }
}

/// A market with pull and push prices, both token programs, positions in every condition, and what was sent to get there.
struct Market {
    world: World,
    tokens: Vec<Token>,
    borrowers: Vec<Borrower>,
    sent: Vec<Instruction>,
}

impl Market {
    fn open() -> Self {
        let mut world = World::new();
        let sent: Arc<Mutex<Vec<Instruction>>> = Arc::default();
        let recorder = sent.clone();
        world.begin_tampering(move |instruction| recorder.lock().expect("one thread").push(instruction.clone()));
        world.create_market(1, plimsoll_testkit::policy()).expect("a valid policy makes a market");
        let tokens = vec![
            world.add(Spec::volatile("SOL", "150").pull()),
            world.add(Spec::volatile("GOLD", "2000").push().token_2022()),
            world.add(Spec::stable("USDC", "1").push()),
            world.add(Spec::stable("DAI", "1").pull()),
        ];
        let [sol, gold, usdc, dai] = &tokens[..] else { unreachable!() };
        let (lender, liquidator, provider) = (world.lender(), world.liquidator(), world.person("provider"));
        for debt in [usdc, dai] {
            world.supply(&lender, debt, debt.atoms("100000")).expect("a supply");
        }
        let (small, wide) = (world.borrower(), world.borrower());
        world.deposit(&small, sol, sol.atoms("10")).expect("a deposit");
        world.borrow(&small, usdc, usdc.atoms("700")).expect("a borrow");
        world.deposit(&wide, sol, sol.atoms("10")).expect("a deposit");
        world.deposit(&wide, gold, gold.atoms("1")).expect("a deposit");
        world.borrow(&wide, usdc, usdc.atoms("700")).expect("a borrow");
        world.borrow(&wide, dai, dai.atoms("700")).expect("a borrow");
        world.create_backstop(usdc, plimsoll_testkit::backstop_policy()).expect("a pool");
        world.opt_in(usdc, sol, sol.atoms("100")).expect("a collateral");
        world.deposit_backstop(&provider, usdc, usdc.atoms("500")).expect("a deposit");
        world.repay(&small, usdc, usdc.atoms("10")).expect("a repayment");
        world.pass_cool_off();
        world.advance_with_prices(60);
        world.set_price(sol, "85");
        world.liquidate(&liquidator, &small, sol, usdc, Limits::repay_max(usdc.atoms("100"))).expect("a liquidation");
        world.advance_with_prices(600);
        world.end_tampering();
        let sent = std::mem::take(&mut *sent.lock().expect("one thread"));
        Self { borrowers: vec![small, wide], world, tokens, sent }
    }

    /// Each account alone, and all of the program's together.
    fn accounts(&self, seeds: &Seeds) -> Result<()> {
        let mut all = Writer::default();
        for (index, (address, account)) in self.world.svm.get_program_accounts(&PROGRAM_ID).iter().enumerate() {
            let one = Writer::default().raw(address.as_ref()).counted(&account.data).finish();
            seeds.accepted("accounts", &format!("account-{index}"), &one)?;
            all = all.raw(&one);
        }
        seeds.accepted("accounts", "market", &all.finish())
    }

    fn prices(&self, seeds: &Seeds) -> Result<()> {
        for token in &self.tokens {
            let account = self.world.svm.get_account(&token.price).context("a price account")?;
            let seed = Writer::default().now(&self.world.now()).pod(&token.oracle_kind).raw(&token.oracle).account(
                &token.price,
                &account.owner,
                false,
                false,
                &account.data,
            );
            seeds.accepted("oracle", &token.name, &seed.finish())?;
        }
        Ok(())
    }

    /// Every position with all prices, with none, and with the first two reserves named.
    fn legs(&self, seeds: &Seeds) -> Result<()> {
        for (number, borrower) in self.borrowers.iter().enumerate() {
            let position = self.world.position(borrower);
            let reserves: Vec<&Token> =
                position.legs().filter_map(|leg| self.tokens.iter().find(|token| token.reserve == leg)).collect();
            let every = (1u16 << reserves.len()) - 1;
            for (offered, named) in [(every, 0u8), (0, 0), (every, 2), (1, 1)] {
                let mut seed = Writer::default().now(&self.world.now()).pod(&offered).pod(&named).pod(&position.state);
                let prices = reserves.iter().enumerate().filter(|(bit, _)| offered >> bit & 1 == 1);
                let keys = reserves.iter().map(|token| token.reserve).chain(prices.map(|(_, token)| token.price));
                for key in keys {
                    let account = self.world.svm.get_account(&key).context("a leg's account")?;
                    seed = seed.account(&key, &account.owner, false, true, &account.data);
                }
                seeds.accepted("legs", &format!("position-{number}-{offered}-{named}"), &seed.finish())?;
            }
        }
        Ok(())
    }

    /// What was sent, with its accounts as they are now.
    fn instructions(&self, seeds: &Seeds) -> Result<()> {
        for (index, instruction) in self.sent.iter().enumerate() {
            let mut seed = Writer::default().now(&self.world.now()).counted(&instruction.data);
            for meta in &instruction.accounts {
                let account = self.world.svm.get_account(&meta.pubkey).unwrap_or_default();
                let is_program = account.executable;
                let data = if is_program { &[][..] } else { &account.data };
                seed = seed.account(&meta.pubkey, &account.owner, meta.is_signer, meta.is_writable, data);
            }
            seeds.accepted("instructions", &format!("sent-{index}"), &seed.finish())?;
        }
        Ok(())
    }

    /// A liquidation of every position, at a price that allows it and at one that does not.
    fn engine(&self, seeds: &Seeds) -> Result<()> {
        for (number, borrower) in self.borrowers.iter().enumerate() {
            for (price, is_low) in [("150", false), ("60", true)] {
                let mut world = self.world.clone();
                world.set_price(&self.tokens[0], price);
                let position = world.position(borrower);
                let liquidator = world.liquidator();
                // The attempt refreshes what the reserves keep; it may fail.
                world.advance_with_prices(30);
                let _ = world.liquidate(
                    &liquidator,
                    borrower,
                    &self.tokens[0],
                    &self.tokens[2],
                    Limits::repay_max(1_000_000),
                );
                let mut seed = Writer::default()
                    .now(&world.now())
                    .pod(&[0u8; 2])
                    .pod(&[u64::MAX, 0, 1_000_000])
                    .pod(&world.market_account().state)
                    .pod(&position.state);
                for leg in position.legs() {
                    let token =
                        self.tokens.iter().find(|token| token.reserve == leg).context("a token of the market")?;
                    seed = seed.pod(&world.reserve(token).state);
                }
                let planned = seeds.any("engine", &format!("position-{number}-{price}"), &seed.finish())?;
                ensure!(planned || !is_low || number > 0, "position {number} at {price}: expected a plan");
            }
        }
        Ok(())
    }
}

/// An event and an instruction of every kind, all zero.
fn from_idl(seeds: &Seeds) -> Result<()> {
    let idl: serde_json::Value = serde_json::from_str(include_str!("../../../idl/plimsoll.json"))?;
    let entries = |kind: &str| -> Result<Vec<(String, Vec<u8>)>> {
        let entries = idl[kind].as_array().with_context(|| format!("{kind} in the IDL"))?;
        let parse = |entry: &serde_json::Value| {
            let bytes = serde_json::from_value(entry["discriminator"].clone())?;
            Ok((entry["name"].as_str().unwrap_or_default().to_owned(), bytes))
        };
        entries.iter().map(parse).collect()
    };
    for (name, discriminator) in entries("events")? {
        let data = |zeros: usize| [EVENT_IX_TAG_LE, &discriminator, &ZEROS[..zeros]].concat();
        let whole = (0..ZEROS.len()).map(data).find(|data| Event::decode(data).is_ok());
        let whole = whole.with_context(|| format!("event {name} decodes from no number of zeros"))?;
        let seed = Writer::default().raw(&[0; 32]).counted(&whole).finish();
        seeds.accepted("accounts", &format!("event-{name}"), &seed)?;
    }
    for (name, discriminator) in entries("instructions")? {
        let data = |zeros: usize| [&discriminator, &ZEROS[..zeros]].concat();
        let decodes = |data: &Vec<u8>| ARGUMENTS.iter().any(|(_, decode)| decode(data) == Some(true));
        let whole = (0..ZEROS.len()).map(data).find(decodes);
        let whole = whole.with_context(|| format!("instruction {name} decodes from no number of zeros"))?;
        seeds.accepted(
            "instructions",
            &format!("zero-{name}"),
            &Writer::default().raw(&[0; 16]).counted(&whole).finish(),
        )?;
    }
    Ok(())
}
