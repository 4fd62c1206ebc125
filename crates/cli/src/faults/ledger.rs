//! What everybody must have: what they were given, and what the events of the transactions that landed say they paid and
//! received since. A transaction that counted twice, or that counted and was taken for lost, shows as a difference.

use std::collections::BTreeMap;

use anchor_lang::prelude::Pubkey;
use anyhow::{Context, Result};
use plimsoll_client::events::Event;
use solana_keypair::Signature;

use crate::chain::{Chain, Receipt};
use crate::demo::market::Listing;
use crate::demo::report::Report;

/// Sums of a reserve, atoms.
#[derive(Clone, Copy, Default)]
struct Flows {
    minted: u64,
    borrowed: i128,
    repaid: i128,
    written_off: i128,
    haircut: i128,
}

/// Everybody's account, by reserve.
#[derive(Default)]
pub struct Ledger {
    held: BTreeMap<(Pubkey, Pubkey), i128>,
    lent: BTreeMap<(Pubkey, Pubkey), [i128; 2]>,
    flows: BTreeMap<Pubkey, Flows>,
    /// Transactions seen to land.
    pub landed: Vec<Signature>,
    /// Liquidations seen.
    pub liquidations: usize,
}

impl Ledger {
    /// Notes tokens minted for somebody.
    pub fn give(&mut self, owner: Pubkey, reserve: Pubkey, atoms: u64) {
        self.add(owner, reserve, i128::from(atoms));
        self.flows.entry(reserve).or_default().minted += atoms;
    }

    /// Notes what somebody has more, or less.
    pub fn add(&mut self, owner: Pubkey, reserve: Pubkey, atoms: i128) {
        *self.held.entry((owner, reserve)).or_default() += atoms;
    }

    /// Notes what a transaction's events say.
    pub fn book(&mut self, receipt: &Receipt) {
        self.landed.push(receipt.signature);
        for event in receipt.inner_data.iter().filter_map(|data| Event::decode(data).ok()) {
            self.book_event(&event);
        }
    }

    /// Notes what an event says.
    pub fn book_event(&mut self, event: &Event) {
        match event {
            Event::SupplyChanged(it) => {
                let atoms = i128::from(it.atoms);
                self.add(it.lender, it.reserve, if it.supplied { -atoms } else { atoms });
                let [supplied, redeemed] = self.lent.entry((it.lender, it.reserve)).or_default();
                *(if it.supplied { supplied } else { redeemed }) += atoms;
            }
            Event::CollateralChanged(it) => {
                let atoms = i128::from(it.atoms);
                self.add(it.by, it.reserve, if it.deposited { -atoms } else { atoms });
            }
            Event::DebtChanged(it) => {
                let atoms = i128::from(it.atoms);
                self.add(it.by, it.reserve, if it.borrowed { atoms } else { -atoms });
                let flows = self.flows.entry(it.reserve).or_default();
                *(if it.borrowed { &mut flows.borrowed } else { &mut flows.repaid }) += atoms;
            }
            Event::PositionLiquidated(it) => {
                self.liquidations += 1;
                self.add(it.liquidator, it.seized_reserve, i128::from(it.seize_atoms));
                self.add(it.liquidator, it.repaid_reserve, -i128::from(it.repay_atoms) - i128::from(it.fee_atoms));
                let flows = self.flows.entry(it.repaid_reserve).or_default();
                flows.repaid += i128::from(it.repay_atoms);
                flows.written_off += i128::from(it.written_off_atoms);
                flows.haircut += i128::from(it.haircut_atoms);
            }
            Event::FlashBorrowed(it) => self.add(it.borrower, it.reserve, it.principal_atoms.into()),
            Event::FlashRepaid(it) => {
                self.add(it.payer, it.reserve, -i128::from(it.principal_atoms) - i128::from(it.fee_atoms));
            }
            Event::DefaultSettled(it) => {
                for loss in &it.losses {
                    let flows = self.flows.entry(loss.reserve).or_default();
                    flows.written_off += i128::from(loss.written_off_atoms);
                    flows.haircut += i128::from(loss.haircut_atoms);
                }
            }
            _ => {}
        }
    }

    /// Minted of a reserve's token, atoms.
    pub fn minted_atoms(&self, listing: &Listing) -> u64 {
        self.flows.get(&listing.reserve).map_or(0, |flows| flows.minted)
    }

    /// Whether somebody ever had an account of a token.
    pub fn has_account(&self, owner: &Pubkey, listing: &Listing) -> bool {
        self.held.contains_key(&(*owner, listing.reserve))
    }

    /// Checks what everybody has, to the atom.
    pub fn check(&self, chain: &Chain, report: &mut Report, listings: &[&Listing], when: &str) -> Result<()> {
        let mut differing = Vec::new();
        for ((owner, reserve), expected) in &self.held {
            let listing = listings.iter().find(|listing| listing.reserve == *reserve).context("a listed token")?;
            let atoms = chain.token_atoms(&listing.token.account(owner))?;
            if i128::from(atoms) != *expected {
                differing.push(format!("{owner} has {atoms} atoms of {} for {expected}", listing.token.symbol));
            }
        }
        let got = if differing.is_empty() { "none".to_owned() } else { differing.join("; ") };
        let name = format!("{when}: balances, of {}, that are not what the events say", self.held.len());
        report.check(name, "none", got, differing.is_empty() && !self.held.is_empty());
        Ok(())
    }

    /// Checks that every lender of a reserve who left took what was supplied, less the haircut, and no more than with all
    /// interest.
    pub fn check_lenders(&self, report: &mut Report, listing: &Listing) {
        let flows = self.flows.get(&listing.reserve).copied().unwrap_or_default();
        let interest = flows.repaid + flows.written_off - flows.borrowed;
        for ((_, reserve), [supplied, redeemed]) in &self.lent {
            if *reserve != listing.reserve {
                continue;
            }
            // Two atoms: supply and redemption round against the lender.
            let (least, most) = (supplied - flows.haircut - 2, supplied + interest);
            let name = format!("{}: a lender of {supplied} atoms leaves with what events allow", listing.token.symbol);
            report.check(name, format!("{least} to {most}"), redeemed, (least..=most).contains(redeemed));
        }
    }

    /// Haircut that lenders of a reserve bore, atoms.
    pub fn haircut_atoms(&self, listing: &Listing) -> i128 {
        self.flows.get(&listing.reserve).map_or(0, |flows| flows.haircut)
    }

    /// Written off in a reserve, atoms.
    pub fn written_off_atoms(&self, listing: &Listing) -> i128 {
        self.flows.get(&listing.reserve).map_or(0, |flows| flows.written_off)
    }
}
