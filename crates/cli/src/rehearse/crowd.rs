//! A market with many positions, its prices, and where everybody stands.

use anchor_lang::prelude::Pubkey;
use anyhow::{bail, ensure, Context, Result};
use plimsoll_client::accounts::Position;
use plimsoll_client::instructions::{self, Offer};
use plimsoll_client::{address, quotes, Instruction, PROGRAM_ID};
use plimsoll_engine::fixed::Factor;
use plimsoll_engine::Now;
use plimsoll_keeper::book::{Book, Offered, Update};
use plimsoll_keeper::oracle;
use rand::seq::index::sample;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::chain::{Chain, Order};
use crate::demo::market::{self, Listing};
use crate::demo::tokens::Token;
use crate::prices::Kind;

/// Collaterals: symbol, decimals, first price in cents. One of them under Token-2022, and both kinds of oracle.
pub const COLLATERALS: [(&str, u8, u64); 3] = [("SOL", 9, 15_000), ("ETH", 8, 300_000), ("AVAX", 9, 10_000)];
/// What is borrowed.
const DEBTS: [&str; 2] = ["USDC", "USDT"];
/// What lenders supply of each, whole tokens.
const LENT: u64 = 1_000_000;
/// Transactions on their way at a time: what waits longer than it takes to be sent again only keeps the validator busy.
const AT_ONCE: usize = 16;
/// Collateral of a position, whole dollars: from, to.
const SIZES: (u64, u64) = (3_000, 12_000);
/// Debt in parts of the collateral's plain value, bps: from, to.
const LEVERAGE: (u64, u64) = (2_000, 6_500);

/// What a position begins with: which collaterals and which debts, each with its value in cents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    collaterals: Vec<(usize, u64)>,
    debts: Vec<(usize, u64)>,
}

/// Plans of so many positions: one to three collaterals, one or two debts, sizes and healths spread.
pub fn plans(count: usize, seed: u64) -> Vec<Plan> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut plan = || {
        let cents = random.random_range(SIZES.0..=SIZES.1) * 100;
        let leverage_bps = random.random_range(LEVERAGE.0..=LEVERAGE.1);
        let mut some = |most: usize, cents: u64| {
            let count = random.random_range(1..=most);
            let share = cents / count as u64;
            sample(&mut random, most, count).into_iter().map(|which| (which, share)).collect::<Vec<_>>()
        };
        let collaterals = some(COLLATERALS.len(), cents);
        Plan { collaterals, debts: some(DEBTS.len(), cents * leverage_bps / 10_000) }
    };
    (0..count).map(|_| plan()).collect()
}

/// A market, and everybody in it.
pub struct Crowd<'a> {
    /// Validator.
    pub chain: &'a Chain,
    /// Number of the market.
    pub id: u16,
    /// Market.
    pub market: Pubkey,
    /// Collaterals.
    pub collaterals: Vec<Listing>,
    /// Debts.
    pub debts: Vec<Listing>,
    /// Prices of the collaterals now, cents.
    pub cents: Vec<u64>,
    /// All positions; they have one owner.
    pub positions: Vec<Pubkey>,
}

impl<'a> Crowd<'a> {
    /// Opens a market with these positions.
    pub fn open(chain: &'a Chain, id: u16, plans: &[Plan]) -> Result<Self> {
        let (market, _) = market::create(chain, id)?;
        let token_programs = [anchor_spl::token::ID, anchor_spl::token_2022::ID];
        let mut collaterals = Vec::new();
        for (index, (symbol, decimals, cents)) in COLLATERALS.into_iter().enumerate() {
            let token = Token::create(chain, symbol, decimals, token_programs[index % 2])?;
            let kind = if index % 2 == 0 { Kind::Pull } else { Kind::Push };
            collaterals.push(Listing::create(chain, &market, token, kind, cents, market::volatile)?.0);
        }
        let mut debts = Vec::new();
        for (index, symbol) in DEBTS.into_iter().enumerate() {
            let token = Token::create(chain, symbol, 6, token_programs[index % 2])?;
            let kind = if index % 2 == 0 { Kind::Push } else { Kind::Pull };
            debts.push(Listing::create(chain, &market, token, kind, 100, market::stable)?.0);
        }
        let cents = COLLATERALS.iter().map(|(_, _, cents)| *cents).collect();
        let mut crowd = Self { chain, id, market, collaterals, debts, cents, positions: Vec::new() };
        crowd.lend()?;
        crowd.enter(plans)?;
        Ok(crowd)
    }

    /// All listings.
    pub fn listings(&self) -> impl Iterator<Item = &Listing> {
        self.collaterals.iter().chain(&self.debts)
    }

    fn lend(&self) -> Result<()> {
        let lender = Keypair::new();
        let owner = lender.pubkey();
        self.chain.airdrop(&owner, 1)?;
        for listing in &self.debts {
            let amount_atoms = listing.token.whole(LENT);
            listing.token.give(self.chain, &owner, amount_atoms)?;
            let reserve = listing.state(self.chain)?;
            let open = instructions::OpenLender { owner, reserve: reserve.address }.instruction();
            let supply =
                instructions::Supply { owner, reserve: &reserve, owner_liquidity: None, amount_atoms, shares_min: 1 };
            self.chain.send(&[open, supply.instruction()], &[&lender])?;
        }
        Ok(())
    }

    /// Opens all positions at the same time, then lets them borrow: every first debt, then every second.
    fn enter(&mut self, plans: &[Plan]) -> Result<()> {
        let (chain, key) = (self.chain, Keypair::new());
        let owner = key.pubkey();
        chain.airdrop(&owner, 100)?;
        for (index, listing) in self.collaterals.iter().enumerate() {
            let needed = plans.iter().flat_map(|plan| &plan.collaterals).filter(|(which, _)| *which == index);
            let needed: u64 = needed.map(|(_, cents)| self.atoms(listing, self.cents[index], *cents)).sum();
            listing.token.give(chain, &owner, needed)?;
        }
        self.debts.iter().try_for_each(|listing| listing.token.give(chain, &owner, 0))?;

        let reserves = self.collaterals.iter().map(|listing| listing.state(chain)).collect::<Result<Vec<_>>>()?;
        let mut openings = Vec::new();
        for (id, plan) in plans.iter().enumerate() {
            let id = u16::try_from(id)?;
            let position = address::position(&self.market, &owner, id);
            self.positions.push(position);
            let mut all = vec![instructions::OpenPosition { owner, market: self.market, id }.instruction()];
            for (which, cents) in &plan.collaterals {
                let amount_atoms = self.atoms(&self.collaterals[*which], self.cents[*which], *cents);
                let reserve = &reserves[*which];
                let deposit = instructions::DepositCollateral {
                    depositor: owner,
                    position,
                    reserve,
                    depositor_collateral: None,
                    amount_atoms,
                };
                all.push(deposit.instruction());
            }
            openings.push(all);
        }
        self.all_land("opening positions", openings, &key)?;
        for turn in 0..DEBTS.len() {
            self.borrow(plans, turn, &key)?;
        }
        Ok(())
    }

    fn borrow(&self, plans: &[Plan], turn: usize, key: &Keypair) -> Result<()> {
        self.publish()?;
        let found = self.found()?;
        let reserves = self.debts.iter().map(|listing| listing.state(self.chain)).collect::<Result<Vec<_>>>()?;
        let mut borrowings = Vec::new();
        for (position, plan) in found.iter().zip(plans) {
            let Some((which, cents)) = plan.debts.get(turn) else { continue };
            let listing = &self.debts[*which];
            let mut offers = self.offers(position);
            offers.push(listing.feed.offer(&listing.reserve));
            let amount_atoms = self.atoms(listing, 100, *cents);
            let reserve = &reserves[*which];
            let borrow =
                instructions::Borrow { position, reserve, owner_liquidity: None, amount_atoms, offers: &offers };
            borrowings.push(vec![borrow.instruction()?]);
        }
        self.all_land("borrowing", borrowings, key)
    }

    fn all_land(&self, what: &str, wishes: Vec<Vec<Instruction>>, key: &Keypair) -> Result<()> {
        // No budget is named: Surfpool profiles each instruction by running all before it once more.
        let mut orders: Vec<Order> = wishes.into_iter().map(|wish| Order::new(wish, &[key])).collect();
        for some in orders.chunks_mut(AT_ONCE) {
            self.chain.carry_out(some).with_context(|| what.to_owned())?;
        }
        match orders.iter().find_map(Order::refusal) {
            Some(refusal) => Err(crate::chain::refused(refusal)).with_context(|| what.to_owned()),
            None => Ok(()),
        }
    }

    /// So many cents' worth of a token at a price in cents, atoms.
    fn atoms(&self, listing: &Listing, price_cents: u64, cents: u64) -> u64 {
        let atoms = u128::from(listing.token.whole(1)) * u128::from(cents) / u128::from(price_cents);
        u64::try_from(atoms).unwrap_or(u64::MAX)
    }

    /// Publishes all prices anew.
    pub fn publish(&self) -> Result<()> {
        for (listing, cents) in self.collaterals.iter().zip(&self.cents) {
            listing.feed.publish(self.chain, *cents)?;
        }
        self.debts.iter().try_for_each(|listing| listing.feed.publish(self.chain, 100))
    }

    /// Moves the prices to so many bps of the first ones; they are published with the next [`Self::publish`].
    pub fn fall(&mut self, to_bps: &[u64]) -> Result<()> {
        // Of two prices of one second the program keeps the first.
        let before = self.chain.clock()?.unix_timestamp;
        while self.chain.clock()?.unix_timestamp <= before {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let first = COLLATERALS.iter().map(|(_, _, cents)| *cents);
        self.cents = first.zip(to_bps).map(|(cents, bps)| cents * bps / 10_000).collect();
        Ok(())
    }

    /// All positions as they are now, in order.
    pub fn found(&self) -> Result<Vec<Position>> {
        let found = self.chain.rpc().get_program_accounts(&PROGRAM_ID).context("reading the positions")?;
        let mut found: std::collections::HashMap<Pubkey, _> = found.into_iter().collect();
        let read = |address: &Pubkey| {
            let account = found.remove(address).with_context(|| format!("expected position {address}"))?;
            Ok(Position::decode_checked(*address, &account.owner, &account.data)?)
        };
        self.positions.iter().map(read).collect()
    }

    /// Prices of all legs of a position.
    fn offers(&self, position: &Position) -> Vec<Offer> {
        let listed = position.legs().filter_map(|leg| self.listings().find(|listing| listing.reserve == leg));
        listed.map(|listing| listing.feed.offer(&listing.reserve)).collect()
    }

    /// The accounts as a keeper would see them, at the prices there are.
    fn book(&self) -> Result<Book> {
        let clock = self.chain.clock()?;
        let now = Now { unix: clock.unix_timestamp, slot: clock.slot };
        let mut book = Book::new(self.market);
        for (address, account) in self.chain.rpc().get_program_accounts(&PROGRAM_ID)? {
            book.take(&Update { slot: now.slot, address, owner: account.owner, data: &account.data }, &now)?;
        }
        for listing in self.listings() {
            let account = self.chain.rpc().get_account(&listing.feed.account)?;
            let state = listing.state(self.chain)?.state;
            let read = oracle::read(&state, &listing.feed.account, &account.owner, &account.data, &now);
            let reading = match read {
                Ok(reading) => reading,
                Err(reason) => bail!("price of {}: {reason}", listing.token.symbol),
            };
            book.price(&listing.reserve, Offered { reading, price: listing.feed.account }, &now);
        }
        book.tick(&now);
        Ok(book)
    }

    /// Positions with debt whose health is below one.
    pub fn unhealthy(&self) -> Result<Vec<Pubkey>> {
        let book = self.book()?;
        let mut found = Vec::new();
        for position in &self.positions {
            let health = book.health(position).with_context(|| format!("expected position {position} in the book"))?;
            if health < Factor::ONE {
                found.push(*position);
            }
        }
        Ok(found)
    }

    /// The program's own word on every position, by its quote: how many have no debt any more, and who is below one.
    pub fn asked(&self) -> Result<(usize, Vec<Pubkey>)> {
        self.publish()?;
        let (mut free, mut below) = (0, Vec::new());
        let found = self.found()?;
        ensure!(!found.is_empty(), "expected positions");
        for position in &found {
            if !position.state.has_debt() {
                free += 1;
                continue;
            }
            let offers = self.offers(position);
            let quote = instructions::QuotePosition { position, offers: &offers }.instruction()?;
            let quote = quotes::position_quote(&self.chain.view(&quote)?)?;
            if quote.maintenance_health_e9 < 1_000_000_000 {
                below.push(position.address);
            }
        }
        Ok((free, below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_spread_and_a_seed_fixes_them() {
        let all = plans(300, 1);
        assert_eq!(all, plans(300, 1));
        assert_ne!(all, plans(300, 2));
        for count in 1..=COLLATERALS.len() {
            assert!(all.iter().filter(|plan| plan.collaterals.len() == count).count() > 50);
        }
        for count in 1..=DEBTS.len() {
            assert!(all.iter().filter(|plan| plan.debts.len() == count).count() > 50);
        }
        let sum = |legs: &[(usize, u64)]| legs.iter().map(|(_, cents)| cents).sum::<u64>();
        let leverage = |plan: &Plan| sum(&plan.debts) * 100 / sum(&plan.collaterals);
        assert!(all.iter().any(|plan| leverage(plan) < 25) && all.iter().any(|plan| leverage(plan) > 62));
    }
}
