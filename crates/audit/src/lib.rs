//! What must hold of a market's accounts, and of what a transaction did to them: the invariants of `docs/invariants.md`.
//!
//! Knows accounts as bytes and nothing of where they come from, so that one checker serves tests on LiteSVM, the demo on a
//! validator, and whoever wants to audit a market that runs: gather [`Books`], ask for [`Books::violations`]; gather them
//! again after a transaction, and ask for [`changes`].
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod backstop;
mod books;
mod changes;
mod ledgers;
mod ranges;
mod roles;

pub use books::{Books, Tokens};
pub use changes::{changes, Transaction};
pub use ledgers::owned;

/// Catalogue of invariants: id and sentence. An id is used the same way in documents, tests and reports, and never again for
/// another.
pub const INVARIANTS: &[(&str, &str)] = &[
    ("I1", "Tokens are conserved: all token accounts of a mint together hold its supply"),
    ("I2", "A liquidity vault holds its ledgers (cash, insurance, fees, backstop, recovery) and what was donated, to the atom"),
    ("I3", "A collateral vault holds its ledgers (positions, insurance, backstop) and what was donated, to the atom"),
    ("I4", "A reserve's collateral is the sum of its positions' collateral"),
    ("I5", "A reserve's debt shares are the sum of its positions' debt shares"),
    ("I6", "A reserve's supply shares are the sum of its lenders' shares"),
    ("I7", "A reserve counts last-in at least what its positions' slots count, and all collateral of positions with debt"),
    ("I8", "A position's used slots are full, distinct and first; the others are zero; no reserve is collateral and debt"),
    ("I9", "The price of a supply share never falls, but by a haircut, and then by no more than it"),
    ("I10", "A debt index never falls and time of interest and reading never go back"),
    ("I11", "No flash loan is open between transactions"),
    ("I12", "A reserve's recovery ledger covers what all its lenders may take of it"),
    ("I13", "A reserve's lenders claim no more than what is outstanding"),
    ("I14", "A reserve's provisions are the sum of its debts'"),
    ("I15", "A reserve's backstop deposits are the sum of its pools', warming up or not"),
    ("I16", "A reserve's backstop collateral is the sum of what the pools hold of it"),
    ("I17", "A pool's providers have no more deposits and gains than it holds, and as much warming up as it says"),
    ("I18", "Outside the terminal state no liquidation lowers health"),
    ("I19", "What is written off is what insurance and lenders bear, to the atom, unless it exceeds all they have"),
    ("I20", "Nobody but its owner takes from a position, a lender account or a provider account; a position also gives to who repays its debt, or to insurance when it is settled"),
    ("I21", "What a role alone may do, its holder signed; a parameter changes by a tightening or by a ripe proposal, the terms in force by a step"),
    ("I22", "What comes in stays within the caps, and what is paused does not happen"),
    ("I23", "Every setting is within its range, every state one that there is"),
];

/// Adds what is wrong, unless it holds.
fn expect(violations: &mut Vec<String>, holds: bool, message: impl FnOnce() -> String) {
    if !holds {
        violations.push(message());
    }
}

#[cfg(test)]
mod tests {
    use super::INVARIANTS;

    #[test]
    fn the_document_lists_every_invariant_as_it_stands_here() {
        let document = include_str!("../../../docs/invariants.md");
        let row = |(id, sentence): &(&str, &str)| format!("| {id} | {sentence} |");
        let missing: Vec<String> = INVARIANTS.iter().map(row).filter(|row| !document.contains(row)).collect();
        assert!(missing.is_empty(), "docs/invariants.md lacks\n{}", missing.join("\n"));
    }
}
