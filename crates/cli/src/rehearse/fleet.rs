//! Keepers: real processes of this very command, each with a key, a configuration and a journal of its own.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anchor_lang::prelude::Pubkey;
use anyhow::{anyhow, ensure, Context, Result};
use plimsoll_keeper::journal::Journal;
use solana_keypair::{write_keypair_file, Keypair};
use solana_signer::Signer;

use super::crowd::Crowd;

/// In which a keeper that is told to stop has stopped.
const STOPS_WITHIN: Duration = Duration::from_secs(30);

/// How a keeper differs from others.
pub struct Terms<'a> {
    /// What it is called.
    pub name: &'static str,
    /// Where its endpoint is.
    pub rpc: &'a str,
    /// Its websocket; without one it polls.
    pub websocket: Option<&'a str>,
    /// Between two polls, milliseconds.
    pub poll_ms: u64,
    /// Transactions at a time.
    pub parallel: usize,
    /// Whether it borrows what it lacks.
    pub flash: bool,
    /// Whether it does chores.
    pub chores: bool,
    /// Least profit, as the configuration has it.
    pub min_profit_usd: &'a str,
    /// Most for a compute unit, micro-lamports; a validator of the test market asks for nothing.
    pub unit_price_max: u64,
    /// What it has of each debt token, whole tokens.
    pub war_chest: u64,
    /// Whether it keeps what it seizes.
    pub keeps: bool,
    /// Program of the pools it sells at.
    pub pools: Option<Pubkey>,
}

/// A keeper.
pub struct Bot {
    /// What it is called.
    pub name: &'static str,
    /// Its address.
    pub address: Pubkey,
    /// What it began with of each debt token, whole tokens.
    pub war_chest: u64,
    config: PathBuf,
    journal: PathBuf,
    log: PathBuf,
    child: Option<Child>,
}

impl Bot {
    /// Gives a keeper a key, money, and a configuration in a folder.
    pub fn hire(crowd: &Crowd, folder: &Path, terms: &Terms) -> Result<Self> {
        let (key, chain) = (Keypair::new(), crowd.chain);
        let address = key.pubkey();
        chain.airdrop(&address, 100)?;
        for listing in &crowd.debts {
            listing.token.give(chain, &address, listing.token.whole(terms.war_chest))?;
        }
        let at = |ending: &str| folder.join(format!("{}-{}.{ending}", crowd.id, terms.name));
        write_keypair_file(&key, at("json")).map_err(|error| anyhow!("writing a key: {error}"))?;
        fs::write(at("toml"), configuration(crowd, terms))?;
        let bot = Self {
            name: terms.name,
            address,
            war_chest: terms.war_chest,
            config: at("toml"),
            journal: at("db"),
            log: at("log"),
            child: None,
        };
        Ok(bot)
    }

    /// Starts its process.
    pub fn start(&mut self) -> Result<()> {
        let log: File = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let child = Command::new(std::env::current_exe()?)
            .args(["keeper", "run", "--exit-with-stdin", "--config"])
            .arg(&self.config)
            .stdin(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting keeper {}", self.name))?;
        self.child = Some(child);
        Ok(())
    }

    /// Kills it as a crash would (SIGKILL).
    pub fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("expected a keeper at work")?;
        child.kill().context("killing a keeper")?;
        child.wait().context("waiting for a keeper's end")?;
        Ok(())
    }

    /// Tells it to stop (SIGTERM), and waits until it has finished what it was about.
    pub fn stop(&mut self) -> Result<()> {
        let mut child = self.child.take().context("expected a keeper at work")?;
        let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().context("starting kill")?;
        ensure!(told.success(), "expected to reach keeper {} by a signal; kill ended with {told}", self.name);
        let started = Instant::now();
        while started.elapsed() < STOPS_WITHIN {
            if let Some(status) = child.try_wait()? {
                ensure!(status.success(), "expected keeper {} to stop in order; it ended with {status}", self.name);
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        child.kill()?;
        child.wait()?;
        Err(anyhow!("keeper {} did not stop within {STOPS_WITHIN:?} of SIGTERM", self.name))
    }

    /// Its journal; it may be at work.
    pub fn journal(&self) -> Result<Journal> {
        Journal::open(&self.journal)
    }

    /// What it logged.
    pub fn logged(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn configuration(crowd: &Crowd, terms: &Terms) -> String {
    let Terms { name, rpc, poll_ms, parallel, flash, chores, min_profit_usd, unit_price_max, .. } = terms;
    let id = crowd.id;
    let websocket = terms.websocket.map(|url| format!("websocket = \"{url}\"\n")).unwrap_or_default();
    let mut text = format!(
        "market = {id}\njournal = \"{id}-{name}.db\"\n[network]\nrpc = \"{rpc}\"\n{websocket}poll_ms = {poll_ms}\n\
         [wallet]\nkey = \"{id}-{name}.json\"\n[act]\ndry_run = false\nmin_profit_usd = \"{min_profit_usd}\"\n\
         flash = {flash}\nchores = {chores}\nparallel = {parallel}\n\
         [fees]\nsol_usd = \"150\"\nunit_price_max_micro_lamports = {unit_price_max}\n",
    );
    for listing in crowd.collaterals.iter().filter(|_| terms.keeps) {
        let (mint, most) = (listing.token.mint, listing.token.whole(1_000_000));
        text += &format!("[[inventory]]\nmint = \"{mint}\"\nleast_atoms = 0\nmost_atoms = {most}\n");
    }
    if let Some(pools) = terms.pools {
        text += &format!("[venue]\npool_program = \"{pools}\"\n");
    }
    text
}
