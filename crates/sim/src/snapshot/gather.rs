//! From accounts' bytes to a snapshot, one account at a time, so that nobody needs all the bytes at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{bail, ensure, Context, Result};
use plimsoll_client::accounts::{AccountState, Backstop, Market, Position, Reserve};
use plimsoll_client::{Pubkey as Address, PROGRAM_ID};
use plimsoll_engine::state::{BackstopState, MarketState, PositionState, Pubkey, ReserveState};
use plimsoll_engine::Now;

use super::Snapshot;

/// Tokens that a simulated market has at most: as many as a path has streams of random numbers.
pub const RESERVES_MAX: usize = 64;

/// Whether an account's bytes are of a kind that a snapshot is made of. Lenders and providers are not: one stands for all.
pub fn is_part(data: &[u8]) -> bool {
    is_kind::<MarketState>(data)
        || is_kind::<ReserveState>(data)
        || is_kind::<PositionState>(data)
        || is_kind::<BackstopState>(data)
}

fn is_kind<T: AccountState>(data: &[u8]) -> bool {
    data.starts_with(T::DISCRIMINATOR)
}

/// A market's accounts so far.
#[derive(Debug, Default)]
pub struct Gathered {
    markets: Vec<Market>,
    reserves: Vec<Reserve>,
    positions: Vec<PositionState>,
    addresses: Vec<Address>,
    pools: Vec<Backstop>,
}

impl Gathered {
    /// Adds an account that the program owns.
    ///
    /// # Errors
    /// Where its bytes are none that a snapshot is made of.
    pub fn add(&mut self, address: Address, data: &[u8]) -> Result<()> {
        if is_kind::<PositionState>(data) {
            let position = Position::decode_checked(address, &PROGRAM_ID, data)?;
            self.positions.push(position.state);
            self.addresses.push(address);
        } else if is_kind::<ReserveState>(data) {
            self.reserves.push(Reserve::decode(address, data)?);
        } else if is_kind::<BackstopState>(data) {
            self.pools.push(Backstop::decode(address, data)?);
        } else if is_kind::<MarketState>(data) {
            self.markets.push(Market::decode(address, data)?);
        } else {
            bail!("{address} is no market, reserve, position or backstop pool: its first eight bytes are another account's");
        }
        Ok(())
    }

    /// The snapshot of a market at a time, once all its accounts are there.
    ///
    /// # Errors
    /// What is missing, there twice, of another market, or of a later time.
    pub fn finish(self, market: Address, now: Now) -> Result<Snapshot> {
        let [of_market] = self.markets.as_slice() else {
            bail!("expected one market among the accounts, {market}, got {}", self.markets.len());
        };
        ensure!(of_market.address == market, "expected the market {market}, got the market {}", of_market.address);
        let count = self.reserves.len();
        ensure!((1..=RESERVES_MAX).contains(&count), "expected 1 to {RESERVES_MAX} reserves of {market}, got {count}");
        self.all_of(market)?;
        self.all_once()?;
        self.all_known()?;
        self.all_by(&now)?;
        let pools = self.newest_pools()?;
        let state = of_market.state;
        Ok(Snapshot {
            address: market,
            now,
            market: state,
            reserves: self.reserves.iter().map(|reserve| (reserve.address.to_bytes(), reserve.state)).collect(),
            positions: Arc::new(self.positions),
            addresses: Arc::new(self.addresses),
            pools,
        })
    }

    /// All belong to the market.
    fn all_of(&self, market: Address) -> Result<()> {
        let reserves = self.reserves.iter().map(|it| (it.address, it.state.market));
        let pools = self.pools.iter().map(|it| (it.address, it.state.market));
        let positions = self.addresses.iter().zip(&self.positions).map(|(address, state)| (*address, state.market));
        let mut others = reserves.chain(pools).chain(positions).filter(|(_, of)| *of != market.to_bytes());
        match others.next() {
            Some((address, of)) => {
                bail!("expected accounts of the market {market}, got {address} of {}", Address::from(of))
            }
            None => Ok(()),
        }
    }

    /// None is there twice.
    fn all_once(&self) -> Result<()> {
        let others = self.reserves.iter().map(|it| it.address).chain(self.pools.iter().map(|it| it.address));
        let mut all: Vec<Address> = self.addresses.iter().copied().chain(others).collect();
        all.sort_unstable();
        let twice = all.windows(2).find_map(|pair| if let [a, b] = pair { (a == b).then_some(*a) } else { None });
        twice.map_or(Ok(()), |address| bail!("expected each account once, got {address} twice"))
    }

    /// Positions and pools hold tokens of its reserves only.
    fn all_known(&self) -> Result<()> {
        let known: BTreeSet<Pubkey> = self.reserves.iter().map(|reserve| reserve.address.to_bytes()).collect();
        let check = |holder: &Address, reserve: &Pubkey| {
            let reserve_address = Address::from(*reserve);
            let among =
                || format!("{holder} holds tokens of the reserve {reserve_address}, which is not among the accounts");
            known.contains(reserve).then_some(()).with_context(among)
        };
        for (address, position) in self.addresses.iter().zip(&self.positions) {
            position.collaterals().iter().try_for_each(|slot| check(address, &slot.reserve))?;
            position.debts().iter().try_for_each(|slot| check(address, &slot.reserve))?;
        }
        for pool in &self.pools {
            check(&pool.address, &pool.state.reserve)?;
            pool.state.collaterals().iter().try_for_each(|slot| check(&pool.address, &slot.reserve))?;
        }
        Ok(())
    }

    /// Nothing was booked after the snapshot's time.
    fn all_by(&self, now: &Now) -> Result<()> {
        for Reserve { address, state } in &self.reserves {
            let (booked, slot) = (state.accrued_at, state.reading.slot);
            ensure!(
                booked <= now.unix && slot <= now.slot,
                "expected accounts no younger than the time {} and slot {}, got the reserve {address} of time {booked} and slot \
                 {slot}",
                now.unix,
                now.slot
            );
        }
        Ok(())
    }

    /// Of each token the pool of the newest generation: older ones take no more deposits, and must hold nothing.
    fn newest_pools(&self) -> Result<Vec<BackstopState>> {
        let mut newest: Vec<&Backstop> = self.pools.iter().collect();
        newest.sort_by_key(|pool| (pool.state.reserve, pool.state.generation));
        for pair in newest.windows(2) {
            let [older, newer] = pair else { continue };
            let state = &older.state;
            let holds = state.deposit_atoms > 0 || state.warming_atoms > 0;
            let holds = holds || state.collaterals().iter().any(|slot| slot.atoms > 0);
            ensure!(
                state.reserve != newer.state.reserve || !holds,
                "expected one backstop pool of the reserve {}, got {} and the newer {}, and the older holds tokens: a simulated \
                 market has one pool of a token",
                Address::from(state.reserve),
                older.address,
                newer.address
            );
        }
        Ok(newest.into_iter().map(|pool| pool.state).collect())
    }
}
