//! An Agave validator with a ledger folder: how it is started, killed, and started again on the same ledger.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anchor_lang::prelude::Pubkey;
use anyhow::{bail, Context, Result};
use plimsoll_client::PROGRAM_ID;
use rand::Rng;
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client::rpc_client::RpcClient;

use super::genesis::Placed;

/// Ticks of a slot, a quarter of what is usual: a blockhash is too old after 15 seconds and not after a minute.
const TICKS: u32 = 16;
/// Ports the validator may choose from by itself; with fewer it does not start.
const RANGE: u16 = 30;
/// All ports of a validator: JSON-RPC, websocket, faucet, gossip, and those.
const PORTS: u16 = 4 + RANGE;
/// Where to look for them: below those that the system gives to whoever asks for any.
const LOOK_FROM: std::ops::Range<u16> = 12_000..32_000;
/// How often.
const TRIES: usize = 200;
/// Longest a start may take.
const STARTS_WITHIN: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(20);
/// Runs what follows it, kills it (SIGKILL) when standard input closes, and ends as it does. So it dies with us, however we do.
const GUARD: &str = r#"exec 3<&0
"$@" </dev/null 3<&- & validator=$!
{ read -r _ <&3; kill -9 "$validator"; } & reader=$!
wait "$validator"; status=$?
kill "$reader" 2>/dev/null
exit "$status""#;

/// Ports that were free, one after the other.
#[derive(Clone, Copy)]
struct Ports {
    first: u16,
}

impl Ports {
    /// Finds some, for TCP and UDP.
    fn free() -> Result<Self> {
        for _ in 0..TRIES {
            let first = rand::rng().random_range(LOOK_FROM);
            let is_free = |port: u16| {
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
                    && UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
            };
            if (first..first + PORTS).all(is_free) {
                return Ok(Self { first });
            }
        }
        bail!("expected {PORTS} free ports in a row in {LOOK_FROM:?}; found none in {TRIES} tries")
    }
}

/// Ledger folder, ports and genesis: what stays from one start to the next. The folder goes when this is dropped.
pub struct Site {
    binary: PathBuf,
    log: PathBuf,
    folder: PathBuf,
    ports: Ports,
    so: PathBuf,
    mint: Pubkey,
    genesis: Vec<Placed>,
}

/// A running validator; killed when dropped, and when this process dies.
pub struct Node {
    guard: Child,
    rpc: String,
}

impl Site {
    /// Makes the folder, and in it the accounts of the genesis. `mint` has the SOL.
    pub fn new(binary: &Path, log: &Path, so: &Path, mint: Pubkey, genesis: Vec<Placed>) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("plimsoll-agave-{}", std::process::id()));
        std::fs::create_dir(&folder).with_context(|| format!("making {}", folder.display()))?;
        let so = so.canonicalize().with_context(|| format!("the program at {}", so.display()))?;
        let (binary, log, ports) = (binary.to_owned(), log.to_owned(), Ports::free()?);
        let site = Self { binary, log, folder, ports, so, mint, genesis };
        for account in &site.genesis {
            let file = site.file(&account.address);
            std::fs::write(&file, account.json().to_string()).with_context(|| format!("writing {}", file.display()))?;
        }
        Ok(site)
    }

    /// Where it answers.
    pub fn rpc(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.first)
    }

    fn file(&self, address: &Pubkey) -> PathBuf {
        self.folder.join(format!("{address}.json"))
    }

    /// What the validator is started with; the second time it finds its ledger and takes nothing of the genesis.
    fn arguments(&self) -> Vec<OsString> {
        let first = self.ports.first;
        let mut arguments: Vec<OsString> = vec!["--ledger".into(), self.folder.join("ledger").into()];
        let mut option = |name: &str, value: String| arguments.extend([OsString::from(name), value.into()]);
        option("--bind-address", Ipv4Addr::LOCALHOST.to_string());
        option("--rpc-port", first.to_string());
        option("--faucet-port", (first + 2).to_string());
        option("--gossip-port", (first + 3).to_string());
        option("--dynamic-port-range", format!("{}-{}", first + 4, first + PORTS));
        option("--ticks-per-slot", TICKS.to_string());
        option("--mint", self.mint.to_string());
        arguments.extend(["--bpf-program".into(), PROGRAM_ID.to_string().into(), self.so.clone().into()]);
        for account in &self.genesis {
            let address = account.address;
            arguments.extend(["--account".into(), address.to_string().into(), self.file(&address).into()]);
        }
        arguments.push("--log".into());
        arguments
    }

    /// Starts it, on the ledger there is. It does not answer yet.
    pub fn start(&self) -> Result<Node> {
        let log = || {
            let file = OpenOptions::new().create(true).append(true).open(&self.log);
            file.with_context(|| format!("writing {}", self.log.display()))
        };
        let guard = Command::new("sh")
            .args(["-c", GUARD, "sh"])
            .arg(&self.binary)
            .args(self.arguments())
            .env("RUST_LOG", "warn")
            .stdin(Stdio::piped())
            .stdout(log()?)
            .stderr(log()?)
            .spawn()
            .context("starting the validator")?;
        Ok(Node { guard, rpc: self.rpc() })
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // What is left is a folder for temporary files, in the folder for those.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Node {
    /// Waits until the slot at a commitment is at least this one. Returns it.
    pub fn reach(&mut self, slot: u64, commitment: CommitmentConfig) -> Result<u64> {
        let rpc = RpcClient::new(self.rpc.clone());
        let started = Instant::now();
        while started.elapsed() < STARTS_WITHIN {
            if let Some(status) = self.guard.try_wait().context("looking at the validator")? {
                bail!("the validator ended by itself ({status}); see the log");
            }
            match rpc.get_slot_with_commitment(commitment) {
                Ok(found) if found >= slot => return Ok(found),
                _ => std::thread::sleep(POLL),
            }
        }
        bail!("expected slot {slot} within {STARTS_WITHIN:?}; see the validator's log")
    }

    /// Kills it as a crash would (SIGKILL): nothing is written, nothing is finished.
    pub fn kill(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        drop(self.guard.stdin.take());
        self.guard.wait().context("waiting for the validator's end")?;
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Already gone after `kill`.
        let _ = self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::super::genesis;
    use super::*;

    #[test]
    fn what_it_guards_dies_by_sigkill_when_standard_input_closes_and_ends_on_its_own_with_its_status() {
        let start = |script: &str| {
            let mut guard = Command::new("sh");
            guard.args(["-c", GUARD, "sh", "sh", "-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
            guard.stderr(Stdio::null()).spawn().expect("a shell")
        };
        // Deaf to every signal that it may be deaf to.
        let mut guard = start("trap '' TERM INT HUP; echo $$; exec sleep 60");
        let mut line = String::new();
        let mut stdout = std::io::BufReader::new(guard.stdout.take().expect("its output"));
        std::io::BufRead::read_line(&mut stdout, &mut line).expect("the number of its process");
        let process = Path::new("/proc").join(line.trim());
        assert!(process.exists());
        drop(guard.stdin.take());
        assert_eq!(guard.wait().expect("its end").code(), Some(128 + 9));
        assert!(!process.exists());

        let mut guard = start("exit 7");
        // Held open: waiting would close it.
        let held = guard.stdin.take();
        assert_eq!(guard.wait().expect("its end").code(), Some(7));
        drop(held);
    }

    #[test]
    fn it_is_started_on_loopback_with_ports_of_its_own_and_never_from_scratch() {
        let (_, genesis) = genesis::begin(1_000_000).expect("a genesis");
        let so = std::env::current_exe().expect("a file");
        let site =
            Site::new(Path::new("validator"), Path::new("log"), &so, PROGRAM_ID, genesis).expect("a folder for it");
        let arguments = site.arguments();
        let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
        let after = |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1).copied());
        let first = site.ports.first;
        assert_eq!(after("--bind-address"), Some("127.0.0.1"));
        assert_eq!(after("--rpc-port"), Some(&*first.to_string()));
        assert_eq!(after("--dynamic-port-range"), Some(&*format!("{}-{}", first + 4, first + 34)));
        assert_eq!(words.iter().filter(|word| **word == "--account").count(), site.genesis.len());
        assert!(!words.iter().any(|word| ["--reset", "-r", "--quiet"].contains(word)));

        let folder = site.folder.clone();
        assert!(site.genesis.iter().all(|account| site.file(&account.address).is_file()));
        drop(site);
        assert!(!folder.exists());
    }
}
