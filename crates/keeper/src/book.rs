//! A market in memory: reserves, readings, positions, pools, each with the slot it was seen in.
//!
//! Accounts come in any order and more than once; what is older is ignored: by the account's own sequence, and by slot where
//! that is the same or there is none. On a price only the positions
//! that hold its token are thought of, and of those only the ones near a threshold are looked at:
//!
//! - Each token has a [`Lens`] of now. Each [page](page) of a thousand positions keeps the **reference** lenses by which it
//!   worked out the weighted values of its legs, and its positions lie in rings by their distance to the threshold.
//! - As long as no token has drifted far from a page's reference, only the rings that the drift reaches are looked at: no
//!   other position can have come that far. They are not touched at all. Nor are those deep below their threshold, as long
//!   as none can have come back up: they are due, and in a crash they are many.
//! - A page that a token has drifted too far from works out the legs of that token anew, all pages at once where they must,
//!   and in turn where they need not yet. Pages share nothing, so all cores do.
//!
//! So nothing is missed (a property of `tests/book.rs` compares with the engine), whatever moves: prices, interest,
//! volatility, terms, the fading of old prices.

pub mod page;

use std::collections::{BTreeMap, HashMap, HashSet};

use plimsoll_client::accounts::{Account, Backstop, BackstopProvider, DecodeError, Market, Position, Reserve};
use plimsoll_client::instructions::Offer;
use plimsoll_client::Pubkey;
use plimsoll_engine::fixed::Factor;
use plimsoll_engine::price::Reading;
use plimsoll_engine::state::{
    BackstopProviderState, BackstopState, MarketState, PositionState, ReserveState, MAX_COLLATERALS, MAX_DEBTS,
};
use plimsoll_engine::Now;
use plimsoll_watch::{Lens, Weighing};
use rayon::prelude::*;

use crate::scene::{Leg as SceneLeg, Scene};
use page::{Entry, Leg, Page};

/// A page has its turn once in so many looks.
const TURNS: usize = 8;

/// A state with a lower sequence is believed when it is that many slots younger: the account was closed and opened again, or
/// the chain went back. Less may be an endpoint that counts slots otherwise than another.
const SLOTS_BACK: u64 = 32;

/// Number of a token in a book.
pub type AssetId = u16;

/// State, and the slot it was seen in.
#[derive(Clone, Debug)]
struct Seen<T> {
    slot: u64,
    state: T,
}

/// A price that an oracle account offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// What it says.
    pub reading: Reading,
    /// The account.
    pub price: Pubkey,
}

/// One token of the market.
#[derive(Clone, Debug)]
struct Asset {
    address: Pubkey,
    reserve: Option<Seen<Box<ReserveState>>>,
    offered: Option<Offered>,
    current: Option<Lens>,
}

impl Asset {
    /// The lens now, by the newer of the offered and the kept reading.
    fn look(&self, now: &Now) -> Option<Lens> {
        let reserve = &self.reserve.as_ref()?.state;
        let reading = reserve.reading.newer(self.offered.map(|offered| offered.reading));
        Some(Lens::new(reserve, &reading, Weighing::Sale, now))
    }
}

/// What a book has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Positions.
    pub positions: usize,
    /// Of those, near enough to a threshold to be looked at.
    pub near: usize,
    /// Reserves.
    pub reserves: usize,
}

/// What an account turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Older than what the book has.
    Older,
    /// Not of this market, or of no kind that matters.
    Foreign,
    /// The market.
    Market,
    /// A reserve.
    Reserve,
    /// A position.
    Position,
    /// A backstop pool.
    Backstop,
    /// Somebody's deposit in one.
    Provider,
}

/// A market in memory.
#[derive(Clone, Debug)]
pub struct Book {
    address: Pubkey,
    market: Option<Seen<MarketState>>,
    assets: Vec<Asset>,
    asset_ids: HashMap<Pubkey, AssetId>,
    pages: Vec<Page>,
    /// Whose turn it is.
    turn: usize,
    places: HashMap<Pubkey, (usize, usize)>,
    free: Vec<(usize, usize)>,
    /// Positions that were closed, with the slot of that.
    gone: HashMap<Pubkey, u64>,
    pools: HashMap<Pubkey, Seen<Box<BackstopState>>>,
    providers: HashMap<Pubkey, Seen<Box<BackstopProviderState>>>,
}

/// An account as it came.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    /// Slot.
    pub slot: u64,
    /// Address.
    pub address: Pubkey,
    /// Owner.
    pub owner: Pubkey,
    /// Data; none where the account is gone.
    pub data: &'a [u8],
}

impl Book {
    /// An empty book of a market.
    pub fn new(market: Pubkey) -> Self {
        Self {
            address: market,
            market: None,
            assets: Vec::new(),
            asset_ids: HashMap::new(),
            pages: Vec::new(),
            turn: 0,
            places: HashMap::new(),
            free: Vec::new(),
            gone: HashMap::new(),
            pools: HashMap::new(),
            providers: HashMap::new(),
        }
    }

    /// Takes an account of the program. Legs are priced by the lenses of the last [`Self::tick`] or [`Self::price`].
    ///
    /// # Errors
    /// What makes an account of the program unreadable.
    pub fn take(&mut self, update: &Update, now: &Now) -> Result<Taken, DecodeError> {
        let Update { slot, address, owner, data } = *update;
        if data.is_empty() {
            return Ok(self.forget(address, slot));
        }
        if owner != plimsoll_client::PROGRAM_ID {
            return Ok(Taken::Foreign);
        }
        if is_kind::<PositionState>(data) {
            let position = Position::decode_checked(address, &owner, data)?;
            return Ok(self.position(&position, slot));
        }
        if is_kind::<ReserveState>(data) {
            let reserve = Reserve::decode(address, data)?;
            return Ok(self.reserve(&reserve, slot, now));
        }
        if is_kind::<MarketState>(data) {
            let market = Market::decode(address, data)?;
            return Ok(self.market(&market, slot));
        }
        if is_kind::<BackstopState>(data) {
            let pool = Backstop::decode(address, data)?;
            let is_own = pool.state.market == self.address.to_bytes();
            return Ok(if is_own { keep(&mut self.pools, pool, slot, Taken::Backstop) } else { Taken::Foreign });
        }
        if is_kind::<BackstopProviderState>(data) {
            let provider = BackstopProvider::decode(address, data)?;
            return Ok(keep(&mut self.providers, provider, slot, Taken::Provider));
        }
        Ok(Taken::Foreign)
    }

    /// Takes the market.
    pub fn market(&mut self, market: &Market, slot: u64) -> Taken {
        if market.address != self.address {
            return Taken::Foreign;
        }
        if self.market.as_ref().is_some_and(|seen| seen.slot > slot) {
            return Taken::Older;
        }
        // Thresholds follow from the call level.
        let levels = |state: &MarketState| (state.policy.call_level_bps, state.policy.target_health_bps);
        let is_changed = self.market.as_ref().is_none_or(|seen| levels(&seen.state) != levels(&market.state));
        self.market = Some(Seen { slot, state: market.state });
        if is_changed {
            for position in self.all_positions() {
                self.put(&position.0, position.1);
            }
        }
        Taken::Market
    }

    /// Takes a reserve.
    pub fn reserve(&mut self, reserve: &Reserve, slot: u64, now: &Now) -> Taken {
        if reserve.state.market != self.address.to_bytes() {
            return Taken::Foreign;
        }
        let Some(id) = self.asset_id(&reserve.address) else { return Taken::Foreign };
        let Some(asset) = self.assets.get_mut(usize::from(id)) else { return Taken::Foreign };
        let known = asset.reserve.as_ref().map(|seen| (seen.slot, seen.state.sequence));
        if is_older(known, (slot, reserve.state.sequence)) {
            return Taken::Older;
        }
        asset.reserve = Some(Seen { slot: slot.max(known.map_or(0, |known| known.0)), state: Box::new(reserve.state) });
        self.look(now);
        Taken::Reserve
    }

    /// Takes a position.
    pub fn position(&mut self, position: &Position, slot: u64) -> Taken {
        if position.state.market != self.address.to_bytes() {
            return Taken::Foreign;
        }
        let known = self.entry(&position.address).map(|entry| (entry.slot, entry.state().sequence));
        let is_gone = self.gone.get(&position.address).is_some_and(|gone| *gone > slot);
        if is_gone || is_older(known, (slot, position.state.sequence)) {
            return Taken::Older;
        }
        self.gone.remove(&position.address);
        self.put(position, slot.max(known.map_or(0, |known| known.0)));
        Taken::Position
    }

    fn put(&mut self, position: &Position, slot: u64) {
        let state = &position.state;
        let mut legs = Vec::with_capacity(state.collaterals().len() + state.debts().len());
        for collateral in state.collaterals() {
            let Some(id) = self.asset_id(&Pubkey::new_from_array(collateral.reserve)) else { continue };
            legs.push(Leg::collateral(id, collateral.atoms));
        }
        for debt in state.debts() {
            let Some(id) = self.asset_id(&Pubkey::new_from_array(debt.reserve)) else { continue };
            legs.push(Leg::debt(id, debt.shares.get()));
        }
        let entry = Entry::new(position.address, slot, state, legs, self.threshold(state));
        let place = match self.places.get(&position.address) {
            Some(place) => *place,
            None => self.free.pop().unwrap_or_else(|| self.next_place()),
        };
        self.places.insert(position.address, place);
        let assets = &self.assets;
        if let Some(page) = self.pages.get_mut(place.0) {
            page.put(place.1, entry, |id| assets.get(usize::from(id))?.current.as_ref());
        }
    }

    /// A place behind all others.
    fn next_place(&mut self) -> (usize, usize) {
        if self.pages.last().is_none_or(Page::is_full) {
            self.pages.push(Page::default());
        }
        let page = self.pages.len().saturating_sub(1);
        (page, self.pages.last().map_or(0, Page::next_place))
    }

    /// Health below which there is something to do about a position: to liquidate it, at its owner's order too, or to call
    /// its owner.
    fn threshold(&self, state: &PositionState) -> Factor {
        let call_level_bps = self.market.as_ref().map_or(0, |seen| seen.state.policy.call_level_bps);
        let call = if state.called_at == 0 { Factor::from_bps_ceil(call_level_bps) } else { Factor::ONE };
        Factor::ONE.max(call).max(Factor::from_bps_ceil(state.protection_trigger_bps))
    }

    fn forget(&mut self, address: Pubkey, slot: u64) -> Taken {
        if let Some((page, at)) = self.places.get(&address).copied() {
            if self.entry(&address).is_some_and(|entry| entry.slot > slot) {
                return Taken::Older;
            }
            self.places.remove(&address);
            if let Some(page) = self.pages.get_mut(page) {
                page.take(at);
            }
            self.free.push((page, at));
            self.gone.insert(address, slot);
            return Taken::Position;
        }
        if self.providers.get(&address).is_some_and(|seen| seen.slot <= slot) {
            self.providers.remove(&address);
            return Taken::Provider;
        }
        Taken::Foreign
    }

    /// Forgets every position that is not among what a snapshot found, unless it was seen after that.
    pub fn forget_missing(&mut self, present: &HashSet<Pubkey>, slot: u64) {
        let missing: Vec<Pubkey> = self.places.keys().filter(|position| !present.contains(position)).copied().collect();
        for position in missing {
            self.forget(position, slot);
        }
    }

    /// Takes what an oracle account says of a reserve's token. Returns the positions to look at: holders of that token about
    /// which there may be something to do.
    pub fn price(&mut self, reserve: &Pubkey, offered: Offered, now: &Now) -> Vec<Pubkey> {
        let Some(id) = self.asset_ids.get(reserve).copied() else { return Vec::new() };
        let Some(asset) = self.assets.get_mut(usize::from(id)) else { return Vec::new() };
        // The program takes the newer of offered and kept; of two offers the newer one is worth offering.
        let is_newer = |known: Offered| offered.reading.publish_time > known.reading.publish_time;
        if !asset.offered.is_none_or(is_newer) {
            return Vec::new();
        }
        asset.offered = Some(offered);
        self.look(now);
        self.due_of(Some(id))
    }

    /// Lets time pass: interest, volatility, terms and old prices move without an account changing. Returns the positions to
    /// look at, whatever they hold.
    pub fn tick(&mut self, now: &Now) -> Vec<Pubkey> {
        self.look(now);
        self.due_of(None)
    }

    /// Moves the lenses to now, and has every page follow.
    fn look(&mut self, now: &Now) {
        for asset in &mut self.assets {
            asset.current = asset.look(now);
        }
        self.turn = (self.turn + 1) % TURNS;
        let (assets, turn) = (&self.assets, self.turn);
        let current = |id: AssetId| assets.get(usize::from(id))?.current.as_ref();
        self.pages.par_iter_mut().enumerate().for_each(|(number, page)| page.follow(number % TURNS == turn, current));
    }

    /// How many positions [`Self::tick`] would return at the lenses of the last look, found by looking at everybody. For
    /// measurements: what the rings spare.
    pub fn due_of_everybody(&self) -> usize {
        let current = |id: AssetId| self.assets.get(usize::from(id))?.current.as_ref();
        self.pages.par_iter().map(|page| page.due_of_everybody(current)).sum()
    }

    fn due_of(&self, asset: Option<AssetId>) -> Vec<Pubkey> {
        let current = |id: AssetId| self.assets.get(usize::from(id))?.current.as_ref();
        self.pages.par_iter().flat_map_iter(|page| page.due(asset, current)).collect()
    }

    fn asset_id(&mut self, reserve: &Pubkey) -> Option<AssetId> {
        if let Some(id) = self.asset_ids.get(reserve) {
            return Some(*id);
        }
        let id = AssetId::try_from(self.assets.len()).ok()?;
        let asset = Asset { address: *reserve, reserve: None, offered: None, current: None };
        self.assets.push(asset);
        self.asset_ids.insert(*reserve, id);
        Some(id)
    }

    fn entry(&self, position: &Pubkey) -> Option<&Entry> {
        let (page, at) = self.places.get(position)?;
        self.pages.get(*page)?.get(*at)
    }

    fn all_positions(&self) -> Vec<(Position, u64)> {
        let entries = self.pages.iter().flat_map(Page::entries);
        entries.map(|entry| (Account { address: entry.address, state: entry.state() }, entry.slot)).collect()
    }

    /// Health of a position by the lenses of the last look, to the unit the engine's. None where it or a token of it is
    /// unknown.
    pub fn health(&self, position: &Pubkey) -> Option<Factor> {
        self.entry(position)?.health(|id| self.assets.get(usize::from(id))?.current.as_ref())
    }

    /// How much there is.
    pub fn counts(&self) -> Counts {
        Counts {
            positions: self.places.len(),
            near: self.pages.iter().map(Page::near_count).sum(),
            reserves: self.assets.iter().filter(|asset| asset.reserve.is_some()).count(),
        }
    }

    /// How many positions near a threshold hold each pair of a collateral and a debt, by their reserves.
    pub fn near_pairs(&self) -> BTreeMap<(Pubkey, Pubkey), usize> {
        let address = |leg: &Leg| self.assets.get(usize::from(leg.asset)).map(|asset| asset.address);
        let mut pairs = BTreeMap::new();
        for entry in self.pages.iter().flat_map(Page::near) {
            let (debts, collaterals): (Vec<&Leg>, Vec<&Leg>) = entry.legs().iter().partition(|leg| leg.is_debt);
            for (collateral, debt) in collaterals.iter().flat_map(|one| debts.iter().map(move |other| (*one, *other))) {
                if let (Some(collateral), Some(debt)) = (address(collateral), address(debt)) {
                    *pairs.entry((collateral, debt)).or_default() += 1;
                }
            }
        }
        pairs
    }

    /// The market, once it was seen.
    pub fn market_state(&self) -> Option<Market> {
        self.market.as_ref().map(|seen| Account { address: self.address, state: seen.state })
    }

    /// All reserves, with what is offered for each.
    pub fn reserves(&self) -> impl Iterator<Item = SceneLeg> + '_ {
        self.assets.iter().filter_map(Self::leg)
    }

    fn leg(asset: &Asset) -> Option<SceneLeg> {
        let state = *asset.reserve.as_ref()?.state;
        let offered = asset.offered.filter(|offered| offered.reading.publish_time > state.reading.publish_time);
        Some(SceneLeg { reserve: Account { address: asset.address, state }, offered })
    }

    /// All backstop pools.
    pub fn pools(&self) -> impl Iterator<Item = Backstop> + '_ {
        self.pools.iter().map(|(address, seen)| Account { address: *address, state: *seen.state })
    }

    /// All providers in backstop pools of this market.
    pub fn providers(&self) -> impl Iterator<Item = BackstopProvider> + '_ {
        let own =
            |provider: &BackstopProviderState| self.pools.contains_key(&Pubkey::new_from_array(provider.backstop));
        let providers = self.providers.iter().filter(move |(_, seen)| own(&seen.state));
        providers.map(|(address, seen)| Account { address: *address, state: *seen.state })
    }

    /// All that decides about a position. None where the book does not know the market or a token of it.
    pub fn scene(&self, position: &Pubkey, now: Now) -> Option<Scene> {
        let entry = self.entry(position)?;
        let state = entry.state();
        let mut legs = Vec::with_capacity(MAX_COLLATERALS + MAX_DEBTS);
        for leg in entry.legs() {
            legs.push(Self::leg(self.assets.get(usize::from(leg.asset))?)?);
        }
        let is_complete = legs.len() == state.collaterals().len() + state.debts().len();
        let owes = |pool: &Backstop| state.debt_index(&pool.state.reserve).is_some();
        is_complete.then_some(Scene {
            market: self.market_state()?,
            position: Account { address: *position, state },
            legs,
            pools: self.pools().filter(owes).collect(),
            now,
        })
    }

    /// Slot in which a position was last seen.
    pub fn position_slot(&self, position: &Pubkey) -> Option<u64> {
        self.entry(position).map(|entry| entry.slot)
    }

    /// Sequence of a position as it was last seen.
    pub fn position_sequence(&self, position: &Pubkey) -> Option<u64> {
        self.entry(position).map(|entry| entry.state().sequence)
    }

    /// What to offer for a reserve, where something newer than it keeps is known.
    pub fn offer(&self, reserve: &Pubkey) -> Option<Offer> {
        let id = self.asset_ids.get(reserve)?;
        let leg = Self::leg(self.assets.get(usize::from(*id))?)?;
        leg.offered.map(|offered| Offer { reserve: *reserve, price: offered.price })
    }
}

/// Whether data begin as this kind's.
fn is_kind<T: plimsoll_client::accounts::AccountState>(data: &[u8]) -> bool {
    data.starts_with(T::DISCRIMINATOR)
}

/// Whether an account is older than what is known of it, each by slot and by the sequence that the program counts.
fn is_older(known: Option<(u64, u64)>, found: (u64, u64)) -> bool {
    let Some((slot, sequence)) = known else { return false };
    match found.1.cmp(&sequence) {
        std::cmp::Ordering::Greater => false,
        std::cmp::Ordering::Equal => found.0 < slot,
        std::cmp::Ordering::Less => found.0 <= slot.saturating_add(SLOTS_BACK),
    }
}

/// Keeps an account unless a newer state of it is known.
fn keep<T>(all: &mut HashMap<Pubkey, Seen<Box<T>>>, account: Account<T>, slot: u64, taken: Taken) -> Taken {
    if all.get(&account.address).is_some_and(|seen| seen.slot > slot) {
        return Taken::Older;
    }
    all.insert(account.address, Seen { slot, state: Box::new(account.state) });
    taken
}
