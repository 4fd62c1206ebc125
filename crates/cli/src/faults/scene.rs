//! Market and people of the story, and how they act: many at the same time.

use std::collections::BTreeMap;

use anchor_lang::prelude::Pubkey;
use anyhow::{Context, Result};
use plimsoll_client::errors::explain;
use plimsoll_client::{address, instructions, Instruction};
use plimsoll_engine::state::ReserveConfig;
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::ledger::Ledger;
use crate::chain::{Chain, Order, Receipt, Refusal, UNITS};
use crate::demo::cast::{Borrower, Cast};
use crate::demo::market::{self, Listing};
use crate::demo::report::{Report, Step};
use crate::demo::tokens::Token;
use crate::prices::{Feed, Kind};
use plimsoll_client::compute_budget::unit_limit;

/// Number of the market.
const MARKET_ID: u16 = 1;
/// First price of SOL, cents.
const CENTS: u64 = 15_000;
/// Lamports everybody gets, for rent.
const LAMPORTS: u64 = 1_000_000_000;
/// What the treasury adds to insurance, whole USDC and whole USDT: enough for the default in one, not in the other.
const INSURED: [u64; 2] = [2_200, 40];
/// Lenders: the debt token they supply, and how much, whole tokens.
pub const LENDERS: [(&str, usize, u64); 3] =
    [("lender 1", 0, 30_000), ("lender 2", 0, 10_000), ("lender 3", 1, 20_000)];
/// Borrowers: SOL deposited, and whole tokens borrowed of each debt. One to three fall below one when SOL falls by a quarter,
/// six when it falls by two thirds, four and five never.
pub const BORROWERS: [(&str, u64, [u64; 2]); 6] = [
    ("borrower 1", 100, [9_000, 0]),
    ("borrower 2", 90, [8_100, 0]),
    ("borrower 3", 60, [0, 5_400]),
    ("borrower 4", 50, [1_500, 0]),
    ("borrower 5", 30, [0, 900]),
    ("borrower 6", 40, [2_600, 300]),
];
/// What people have beside what they supply and deposit, whole tokens.
pub const SPARE: u64 = 1_000;
const SPARE_SOL: u64 = 50;
/// What each liquidator has of each debt token, whole tokens.
const WAR_CHEST: u64 = 50_000;

/// A lender.
pub struct Lender {
    /// Name in the story.
    pub name: &'static str,
    /// Key.
    pub key: Keypair,
    /// Which debt token.
    pub debt: usize,
}

/// Everybody and everything.
pub struct Scene<'a> {
    /// The market, its prices, and the first liquidator.
    pub cast: Cast<'a>,
    /// The second liquidator.
    pub rival: Keypair,
    /// Lenders.
    pub lenders: Vec<Lender>,
    /// Borrowers.
    pub borrowers: Vec<Borrower>,
}

/// Something somebody wants done, in words.
pub struct Deed<'a> {
    /// What, for messages.
    pub words: String,
    /// The same for the chain.
    pub order: Order<'a>,
}

/// What came of it.
pub struct Done {
    /// What was wanted.
    pub words: String,
    /// It landed, or was refused.
    pub result: std::result::Result<Receipt, Refusal>,
}

impl<'a> Deed<'a> {
    /// One instruction, signed by one person.
    pub fn new(words: impl Into<String>, instruction: Instruction, signer: &'a Keypair) -> Self {
        Self::of(words, vec![instruction], signer)
    }

    /// Several.
    pub fn of(words: impl Into<String>, instructions: Vec<Instruction>, signer: &'a Keypair) -> Self {
        let all = std::iter::once(unit_limit(UNITS)).chain(instructions).collect();
        Self { words: words.into(), order: Order::new(all, &[signer]) }
    }

    /// Reads what came of it, and books it.
    pub fn done(self, chain: &Chain, ledger: &mut Ledger) -> Result<Done> {
        let result = match self.order.refusal() {
            Some(refusal) => Err(refusal.clone()),
            None => Ok(chain.receipt_of(&self.order).with_context(|| self.words.clone())?),
        };
        if let Ok(receipt) = &result {
            ledger.book(receipt);
        }
        Ok(Done { words: self.words, result })
    }
}

impl Done {
    /// Whether it landed.
    pub fn landed(&self) -> bool {
        self.result.is_ok()
    }

    /// Name of the refusal; the validator's words where the program does not know it.
    pub fn refusal(&self) -> String {
        match &self.result {
            Ok(_) => "landed".into(),
            Err(refusal) => refusal.code.and_then(explain).map_or(refusal.text.clone(), |known| known.name.to_owned()),
        }
    }
}

/// Carries out deeds at the same time and reports what came of them.
pub fn together(
    chain: &Chain,
    report: &mut Report,
    ledger: &mut Ledger,
    title: &str,
    deeds: Vec<Deed>,
) -> Result<Vec<Done>> {
    let before = chain.effort();
    let (words, mut orders): (Vec<String>, Vec<Order>) = deeds.into_iter().map(|deed| (deed.words, deed.order)).unzip();
    chain.carry_out(&mut orders).with_context(|| title.to_owned())?;
    let deeds = words.into_iter().zip(orders).map(|(words, order)| Deed { words, order });
    let done = deeds.map(|deed| deed.done(chain, ledger)).collect::<Result<Vec<_>>>()?;
    let mut refusals = BTreeMap::<String, usize>::new();
    for refused in done.iter().filter(|done| !done.landed()) {
        *refusals.entry(refused.refusal()).or_default() += 1;
    }
    let refusals: Vec<String> = refusals.iter().map(|(name, many)| format!("{many} {name}")).collect();
    let after = chain.effort();
    let mut step = Step::new(title)
        .fact("transactions", done.len())
        .fact("sent", after.sent - before.sent)
        .fact("signed anew", after.lost - before.lost);
    if !refusals.is_empty() {
        step = step.fact("refused", refusals.join(", "));
    }
    report.step(step);
    Ok(done)
}

/// [`together`], where all must land.
pub fn all_land(
    chain: &Chain,
    report: &mut Report,
    ledger: &mut Ledger,
    title: &str,
    deeds: Vec<Deed>,
) -> Result<Vec<Done>> {
    let done = together(chain, report, ledger, title, deeds)?;
    let refused = done.iter().filter(|done| !done.landed());
    let refused: Vec<String> = refused.map(|done| format!("{}: {}", done.words, done.refusal())).collect();
    let got = if refused.is_empty() { "all".to_owned() } else { refused.join("; ") };
    report.check(format!("{title}: every one lands"), "all", got, refused.is_empty());
    Ok(done)
}

/// What is listed: symbol, decimals, token program, kind of price account, price in cents, and whether it is the collateral.
pub const LISTED: [(&str, u8, Pubkey, Kind, u64, bool); 3] = [
    ("SOL", 9, anchor_spl::token::ID, Kind::Pull, CENTS, true),
    ("USDC", 6, anchor_spl::token_2022::ID, Kind::Push, 100, false),
    ("USDT", 6, anchor_spl::token::ID, Kind::Pull, 100, false),
];

/// Opens market and reserves at prices that it publishes, and gives people what they need.
pub fn set<'a>(chain: &'a Chain, report: &mut Report, ledger: &mut Ledger) -> Result<Scene<'a>> {
    let feeds = LISTED.map(|(_, _, _, kind, cents, _)| (Feed::new(kind), cents));
    for (feed, cents) in &feeds {
        feed.publish(chain, *cents)?;
    }
    set_under(chain, report, ledger, feeds.map(|(feed, _)| feed), |terms| terms)
}

/// The same under prices that there are, with terms that `adapt` makes of the demo's.
pub fn set_under<'a>(
    chain: &'a Chain,
    report: &mut Report,
    ledger: &mut Ledger,
    feeds: [Feed; 3],
    adapt: impl Fn(ReserveConfig) -> ReserveConfig,
) -> Result<Scene<'a>> {
    report.heading("A market, and everybody with tokens");
    let admin = chain.payer().pubkey();
    let (market, _) = market::create(chain, MARKET_ID)?;
    let mut listings = Vec::new();
    for ((symbol, decimals, program, _, _, is_volatile), feed) in LISTED.into_iter().zip(feeds) {
        let token = Token::create(chain, symbol, decimals, program)?;
        let terms = if is_volatile { market::volatile } else { market::stable };
        listings.push(Listing::of(chain, &market, token, feed, |token, feed| adapt(terms(token, feed)))?.0);
    }
    let debts = listings.split_off(1);
    let sol = listings.pop().context("the collateral")?;
    let cast = Cast { chain, market, sol, debts, liquidator: Keypair::new(), cents: CENTS };
    let lenders = LENDERS.iter().map(|(name, debt, _)| Lender { name, key: Keypair::new(), debt: *debt }).collect();
    let borrowers = BORROWERS.iter().map(|(name, ..)| {
        let key = Keypair::new();
        let position = address::position(&market, &key.pubkey(), 0);
        Borrower { name, key, position }
    });
    let borrowers = borrowers.collect();
    let scene = Scene { cast, rival: Keypair::new(), lenders, borrowers };

    let mut gifts = Vec::new();
    for (listing, tokens) in scene.cast.debts.iter().zip(INSURED) {
        gifts.push((admin, listing, listing.token.whole(tokens)));
    }
    gifts.push((admin, &scene.cast.sol, 0));
    for (lender, (_, debt, tokens)) in scene.lenders.iter().zip(LENDERS) {
        let token = &scene.cast.debts[debt].token;
        gifts.push((lender.key.pubkey(), &scene.cast.debts[debt], token.whole(tokens + SPARE)));
    }
    for (borrower, (_, sol, debts)) in scene.borrowers.iter().zip(BORROWERS) {
        gifts.push((borrower.key.pubkey(), &scene.cast.sol, scene.cast.sol.token.whole(sol + SPARE_SOL)));
        for (listing, _) in scene.cast.debts.iter().zip(debts).filter(|(_, tokens)| *tokens > 0) {
            gifts.push((borrower.key.pubkey(), listing, listing.token.whole(SPARE)));
        }
    }
    for liquidator in [scene.cast.liquidator.pubkey(), scene.rival.pubkey()] {
        gifts.push((liquidator, &scene.cast.sol, 0));
        let chests = scene.cast.debts.iter().map(|listing| (liquidator, listing, listing.token.whole(WAR_CHEST)));
        gifts.extend(chests);
    }
    give(chain, report, ledger, &gifts)?;

    let mut deeds = Vec::new();
    for (listing, tokens) in scene.cast.debts.iter().zip(INSURED) {
        let (reserve, amount_atoms) = (listing.state(chain)?, listing.token.whole(tokens));
        let fund = instructions::FundInsurance { payer: admin, reserve: &reserve, payer_liquidity: None, amount_atoms };
        deeds.push(Deed::new(format!("insurance of {}", listing.token.symbol), fund.instruction(), chain.payer()));
        ledger.add(admin, listing.reserve, -i128::from(amount_atoms));
    }
    all_land(chain, report, ledger, "The treasury funds insurance", deeds)?;
    Ok(scene)
}

/// Mints tokens for people, and gives them lamports.
fn give(chain: &Chain, report: &mut Report, ledger: &mut Ledger, gifts: &[(Pubkey, &Listing, u64)]) -> Result<()> {
    let payer = chain.payer();
    let mut deeds = Vec::new();
    for (owner, listing, atoms) in gifts {
        let mut instructions = listing.token.gift(&payer.pubkey(), owner, *atoms)?;
        instructions.push(solana_system_interface::instruction::transfer(&payer.pubkey(), owner, LAMPORTS));
        deeds.push(Deed::of(format!("{} for {owner}", listing.token.symbol), instructions, payer));
        ledger.give(*owner, listing.reserve, *atoms);
    }
    all_land(chain, report, ledger, "Everybody is given tokens", deeds)?;
    Ok(())
}

impl Scene<'_> {
    /// All listings.
    pub fn listings(&self) -> Vec<&Listing> {
        self.cast.listings().collect()
    }

    /// The debt token that a borrower owes, the first where there are two.
    pub fn debt_of(&self, borrower: usize) -> &Listing {
        let is_usdc = BORROWERS[borrower].2[0] > 0;
        &self.cast.debts[usize::from(!is_usdc)]
    }

    /// Both liquidators.
    pub fn liquidators(&self) -> [&Keypair; 2] {
        [&self.cast.liquidator, &self.rival]
    }

    /// Supplies for a lender.
    pub fn supply(&self, lender: &Lender, tokens: u64) -> Result<Instruction> {
        let listing = &self.cast.debts[lender.debt];
        let reserve = listing.state(self.cast.chain)?;
        let supply = instructions::Supply {
            owner: lender.key.pubkey(),
            reserve: &reserve,
            owner_liquidity: None,
            amount_atoms: listing.token.whole(tokens),
            shares_min: 1,
        };
        Ok(supply.instruction())
    }

    /// Redeems shares of a lender.
    pub fn redeem(&self, lender: &Lender, shares: u128) -> Result<Instruction> {
        let (owner, reserve) = (lender.key.pubkey(), self.cast.debts[lender.debt].state(self.cast.chain)?);
        let redeem =
            instructions::Redeem { owner, reserve: &reserve, owner_liquidity: None, shares, assets_min_atoms: 1 };
        Ok(redeem.instruction())
    }

    /// Shares of a lender.
    pub fn shares(&self, lender: &Lender) -> Result<u128> {
        let address = address::lender(&self.cast.debts[lender.debt].reserve, &lender.key.pubkey());
        Ok(market::lender(self.cast.chain, &address)?.state.shares.get())
    }

    /// Deposits SOL for a borrower.
    pub fn deposit(&self, borrower: &Borrower, tokens: u64) -> Result<Instruction> {
        let reserve = self.cast.sol.state(self.cast.chain)?;
        let deposit = instructions::DepositCollateral {
            depositor: borrower.key.pubkey(),
            position: borrower.position,
            reserve: &reserve,
            depositor_collateral: None,
            amount_atoms: self.cast.sol.token.whole(tokens),
        };
        Ok(deposit.instruction())
    }

    /// Borrows for a borrower.
    pub fn borrow(&self, borrower: &Borrower, listing: &Listing, tokens: u64) -> Result<Instruction> {
        let mut offers = self.cast.offers(borrower)?;
        offers.retain(|offer| offer.reserve != listing.reserve);
        offers.push(listing.feed.offer(&listing.reserve));
        let position = market::position(self.cast.chain, &borrower.position)?;
        let reserve = listing.state(self.cast.chain)?;
        let borrow = instructions::Borrow {
            position: &position,
            reserve: &reserve,
            owner_liquidity: None,
            amount_atoms: listing.token.whole(tokens),
            offers: &offers,
        };
        Ok(borrow.instruction()?)
    }

    /// Repays for a borrower, at most so much.
    pub fn repay(&self, borrower: &Borrower, listing: &Listing, amount_atoms_max: u64) -> Result<Instruction> {
        let reserve = listing.state(self.cast.chain)?;
        let (payer, position) = (borrower.key.pubkey(), borrower.position);
        let repay = instructions::Repay { payer, position, reserve: &reserve, payer_liquidity: None, amount_atoms_max };
        Ok(repay.instruction())
    }

    /// Withdraws SOL of a borrower.
    pub fn withdraw(&self, borrower: &Borrower, amount_atoms: u64) -> Result<Instruction> {
        let position = market::position(self.cast.chain, &borrower.position)?;
        let (reserve, offers) = (self.cast.sol.state(self.cast.chain)?, self.cast.offers(borrower)?);
        let withdraw = instructions::WithdrawCollateral {
            position: &position,
            reserve: &reserve,
            owner_collateral: None,
            amount_atoms,
            offers: &offers,
        };
        Ok(withdraw.instruction()?)
    }

    /// SOL in a position, atoms.
    pub fn collateral_atoms(&self, borrower: &Borrower) -> Result<u64> {
        let position = market::position(self.cast.chain, &borrower.position)?;
        Ok(position.state.collaterals().first().map_or(0, |slot| slot.atoms))
    }

    /// What a position owes of its first debt, atoms.
    pub fn owed_atoms(&self, borrower: &Borrower) -> Result<u64> {
        Ok(self.cast.quote(borrower)?.debts[0].owed_atoms)
    }
}
