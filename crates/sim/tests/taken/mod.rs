//! A market that never was, as if it had been on a chain: its accounts' bytes, to be written, spoiled and read.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use plimsoll_client::accounts::AccountState;
use plimsoll_client::Pubkey as Address;
use plimsoll_engine::state::{DebtSlot, MarketState, PositionState, ReserveState};
use plimsoll_sim::chain::Chain;
use plimsoll_sim::generate::Setup;
use plimsoll_sim::scenario::Scenario;
use plimsoll_sim::snapshot::file::{self, Header};

pub const QUIET: &(dyn Fn(u64) + Sync) = &|_| {};
/// Length of a reserve's account.
pub const RESERVE_BYTES: usize = 8 + size_of::<ReserveState>();

/// Addresses by kind (0 market, 1 reserve, 2 position, 3 pool) and number.
pub fn address(kind: u8, number: usize) -> Address {
    let mut key = [kind + 1; 32];
    key[1..9].copy_from_slice(&(number as u64).to_be_bytes());
    Address::from(key)
}

pub fn account<T: AccountState>(address: Address, state: &T) -> (Address, Vec<u8>) {
    (address, [T::DISCRIMINATOR, bytemuck::bytes_of(state)].concat())
}

pub fn market(address: Address, state: &MarketState) -> (Address, Vec<u8>) {
    account(address, state)
}

/// An empty folder of a test.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("snapshot").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A market's accounts.
pub struct Taken {
    pub header: Header,
    pub accounts: Vec<(Address, Vec<u8>)>,
    /// What they are.
    pub chain: Chain,
    /// What they were made of.
    pub made: Setup,
}

impl Taken {
    /// SOL and a second collateral, two stable debts of which the first has a backstop, and so many positions.
    pub fn new(positions: usize) -> Self {
        let text = format!(
            r#"
name = "a market to take"
step_secs = 60
steps = 1

[[token]]
name = "SOL"
price = 150.0
depth = 400_000.0

[[token]]
name = "JUP"
price = 2.0
depth = 8_000_000.0

[[token]]
name = "USDC"
class = "stable"
decimals = 6
price = 1.0
depth = 500_000_000.0
insurance = 0.001
backstop = 0.02

[[token]]
name = "USDT"
class = "stable"
decimals = 6
price = 1.0
depth = 500_000_000.0

[book]
positions = {positions}
collaterals = {{ SOL = 0.7, JUP = 0.3 }}
debts = {{ USDC = 0.8, USDT = 0.2 }}
total = 6e6
size_max = 0.02
"#
        );
        let made = Setup::new(&Scenario::parse(&text).unwrap()).unwrap();
        let of = address(0, 0).to_bytes();
        let mut chain = made.chain.clone();
        let keys: Vec<[u8; 32]> = (0..4).map(|index| address(1, index).to_bytes()).collect();
        let was = std::mem::replace(&mut chain.keys, keys);
        let renamed = |key: &mut [u8; 32]| *key = chain.keys[was.iter().position(|other| other == key).unwrap()];
        let mut accounts = vec![market(address(0, 0), &chain.market)];
        for (index, reserve) in chain.reserves.iter_mut().enumerate() {
            reserve.market = of;
            reserve.mint = [u8::try_from(index).unwrap() + 40; 32];
            accounts.push(account(address(1, index), reserve));
        }
        for (index, pool) in chain.pools.iter_mut().enumerate() {
            let Some(pool) = pool else { continue };
            (pool.market, pool.version) = (of, 1);
            renamed(&mut pool.reserve);
            pool.collaterals.iter_mut().take(3).for_each(|slot| renamed(&mut slot.reserve));
            accounts.push(account(address(3, index), pool));
        }
        for id in chain.book.ids() {
            let mut state = chain.book.state(id, &chain.keys);
            state.market = of;
            chain.book.put(id, &state, &chain.keys);
            accounts.push(account(address(2, id as usize), &state));
        }
        let header = Header {
            market: address(0, 0),
            commitment: "confirmed".into(),
            read_slots: (chain.now.slot - 1, chain.now.slot),
            now: chain.now,
        };
        Self { header, accounts, chain, made }
    }

    pub fn reserves(&self) -> Vec<Address> {
        (0..4).map(|index| address(1, index)).collect()
    }

    pub fn pools(&self) -> impl Iterator<Item = Address> + '_ {
        (0..4).filter(|index| self.chain.pools[*index].is_some()).map(|index| address(3, index))
    }

    /// Changes the bytes of an account.
    pub fn change_at<T: AccountState>(&mut self, address: Address, change: impl Fn(&mut T)) {
        let (_, data) = self.accounts.iter_mut().find(|(other, _)| *other == address).unwrap();
        let mut state: T = bytemuck::pod_read_unaligned(&data[8..]);
        change(&mut state);
        data[8..].copy_from_slice(bytemuck::bytes_of(&state));
    }

    /// Changes those of a position.
    pub fn change(&mut self, id: usize, change: impl Fn(&mut PositionState)) {
        self.change_at(address(2, id), change);
    }

    /// Takes a debt out of its reserve's ledger.
    pub fn take_debt(&mut self, debt: &DebtSlot) {
        self.change_at(Address::from(debt.reserve), |state: &mut ReserveState| {
            state.debt_shares = plimsoll_engine::fixed::Word128::new(state.debt_shares.get() - debt.shares.get());
        });
    }

    pub fn try_write(&self, path: &Path) -> Result<()> {
        file::write(path, &self.header, self.accounts.iter().map(|(address, data)| (*address, data.as_slice())))
    }

    pub fn write(&self, path: &Path) {
        self.try_write(path).unwrap();
    }

    /// Tokens of a scenario in which the first two fall.
    pub fn crash(&self) -> String {
        let fall = "{ kind = \"crash\", at_secs = 600, fall = 0.5, fall_secs = 7200, sigma = 0.02 }";
        ["SOL", "JUP"]
            .iter()
            .enumerate()
            .map(|(index, name)| {
                format!("[[token]]\nname = \"{name}\"\nreserve = \"{}\"\npath = {fall}\n", address(1, index))
            })
            .collect()
    }
}

/// A scenario over these accounts, with what is to be said of its tokens.
pub fn scenario_over(taken: &Taken, name: &str, more: &str) -> Result<Scenario> {
    let folder = folder(&format!("over_{name}"));
    taken.write(&folder.join("market.json"));
    let head = "name = \"over a snapshot\"\nsnapshot = \"market.json\"\nstep_secs = 60\nsteps = 240\n";
    fs::write(folder.join("scenario.toml"), format!("{head}{more}")).unwrap();
    Scenario::read(&folder.join("scenario.toml"))
}
