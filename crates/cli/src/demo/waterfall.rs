//! The waterfall: who paid a position's debt, layer by layer, and what they got for it.

use anyhow::Result;

use super::cast::{dollars, Borrower, Cast};
use super::report::Report;

/// Who paid a part of the debt.
struct Layer {
    name: &'static str,
    payer: &'static str,
    paid_atoms: u64,
    received: String,
}

/// Collects, and checks on the way that the debt falls by exactly what is paid.
pub struct Waterfall {
    borrowed_atoms: u64,
    interest_atoms: u64,
    owed_atoms: u64,
    sold_atoms: u64,
    fee_atoms: u64,
    layers: Vec<Layer>,
}

/// What lenders lost, and what became of it; atoms.
pub struct Lost {
    /// Borne by lenders at settlement.
    pub haircut_atoms: u64,
    /// Paid back later.
    pub recovered_atoms: u64,
    /// Still outstanding, by the reserve's ledger.
    pub outstanding_atoms: u64,
}

/// What an amount of SOL is worth at the price of now.
pub fn worth(cast: &Cast, sol_atoms: u64) -> String {
    let cents = u128::from(sol_atoms) * u128::from(cast.cents) / u128::from(cast.sol.token.whole(1));
    dollars(u64::try_from(cents).unwrap_or(u64::MAX))
}

impl Waterfall {
    /// Of a debt that was just borrowed.
    pub fn new(borrowed_atoms: u64) -> Self {
        let owed_atoms = borrowed_atoms;
        Self { borrowed_atoms, interest_atoms: 0, owed_atoms, sold_atoms: 0, fee_atoms: 0, layers: Vec::new() }
    }

    /// The position owed so much: what it grew by since the last payment is interest.
    pub fn owed(&mut self, owed_atoms: u64) {
        self.interest_atoms += owed_atoms.saturating_sub(self.owed_atoms);
        self.owed_atoms = owed_atoms;
    }

    /// Somebody repaid a part and received SOL for it, a keeper's tip included.
    pub fn bought(
        &mut self,
        cast: &Cast,
        (name, payer): (&'static str, &'static str),
        paid_atoms: u64,
        (sol_atoms, tip_atoms): (u64, u64),
    ) {
        let show = |atoms| format!("{} ({})", cast.sol.token.show(atoms), worth(cast, atoms));
        let mut received = show(sol_atoms);
        if tip_atoms > 0 {
            received += &format!(", keeper {}", show(tip_atoms));
        }
        self.sold_atoms += sol_atoms + tip_atoms;
        self.paid(name, payer, paid_atoms, received);
    }

    /// A buyer paid a fee to insurance on top.
    pub fn fee(&mut self, atoms: u64) {
        self.fee_atoms += atoms;
    }

    /// Insurance paid a part.
    pub fn insured(&mut self, cast: &Cast, atoms: u64) {
        let fees = format!("had got {} of it as the buyers' fees", cast.usdc().token.show(self.fee_atoms));
        self.paid("4 settlement", "insurance", atoms, fees);
    }

    /// Somebody bore a part and received no collateral.
    pub fn bore(&mut self, name: &'static str, payer: &'static str, atoms: u64, received: &str) {
        self.paid(name, payer, atoms, received.into());
    }

    fn paid(&mut self, name: &'static str, payer: &'static str, paid_atoms: u64, received: String) {
        self.owed_atoms = self.owed_atoms.saturating_sub(paid_atoms);
        self.layers.push(Layer { name, payer, paid_atoms, received });
    }

    /// Compares what should be owed by now with what the chain says.
    pub fn check_owed(&self, cast: &Cast, report: &mut Report, borrower: &Borrower) -> Result<()> {
        report.equal("the debt fell by exactly that", self.owed_atoms, cast.owed_atoms(borrower)?);
        Ok(())
    }

    /// Prints the table, and checks that nothing is missing in it.
    pub fn print(&self, cast: &Cast, report: &mut Report, borrower: &Borrower, lost: &Lost, sol_tokens: u64) {
        let usdc = &cast.usdc().token;
        let in_dollars = |atoms: u64| dollars((atoms + 5_000) / 10_000);
        let row = |name: &str, payer: &str, atoms: u64, rest: &str| {
            vec![name.to_owned(), payer.to_owned(), usdc.fixed(atoms), in_dollars(atoms), rest.to_owned()]
        };
        let paid_atoms = self.layers.iter().map(|layer| layer.paid_atoms).sum::<u64>();
        let owed_atoms = self.borrowed_atoms + self.interest_atoms;
        let mut rows: Vec<_> =
            self.layers.iter().map(|layer| row(layer.name, layer.payer, layer.paid_atoms, &layer.received)).collect();
        let interest = format!(
            "{} borrowed and {} of interest",
            usdc.number(self.borrowed_atoms),
            usdc.number(self.interest_atoms)
        );
        rows.push(row("sum, the whole debt", "", paid_atoms, &interest));
        rows.push(Vec::new());
        rows.push(row("lost by lenders", "", lost.haircut_atoms, ""));
        rows.push(row("recovered a week later", "", lost.recovered_atoms, ""));
        rows.push(row("still outstanding", "", lost.outstanding_atoms, ""));
        let title = format!("Who paid what {} owed (dollars rounded, SOL at the price then)", borrower.name);
        report.table(&title, &["layer", "paid by", "USDC", "dollars", "received"], &rows);
        report.equal("the layers paid the whole debt, to the atom", owed_atoms, paid_atoms);
        let sol_atoms = cast.sol.token.whole(sol_tokens);
        report.equal("the buyers got all its SOL, to the atom", sol_atoms, self.sold_atoms);
        let sum = lost.recovered_atoms + lost.outstanding_atoms;
        report.equal("recovered and outstanding are what lenders lost", lost.haircut_atoms, sum);
    }
}
