//! The auditor on the validator: the invariants of accounts that every story asserts, as they are on the chain. (Those of
//! transactions need the accounts before each.)

use anyhow::{Context, Result};
use plimsoll_audit::{Books, Tokens};
use plimsoll_client::PROGRAM_ID;

use super::report::Report;
use crate::chain::Chain;

/// Checks every invariant of the accounts, and names those that do not hold.
pub fn check(chain: &Chain, report: &mut Report, when: &str) -> Result<()> {
    let accounts = chain.rpc().get_program_accounts(&PROGRAM_ID).context("reading the program's accounts")?;
    let books = Books::of(accounts.iter().map(|(address, account)| (*address, account.data.as_slice())));
    let mut tokens = Tokens::default();
    for program in [anchor_spl::token::ID, anchor_spl::token_2022::ID] {
        for (address, account) in chain.rpc().get_program_accounts(&program).context("reading the token accounts")? {
            tokens.add(address, &account.data);
        }
    }
    let violations = books.violations(&tokens);
    let counted = format!("{} reserves and {} positions", books.reserves.len(), books.positions.len());
    report.check(
        format!("{when}: every invariant of accounts holds, of {counted}"),
        "none broken",
        if violations.is_empty() { "none broken".to_owned() } else { violations.join("; ") },
        violations.is_empty() && !books.reserves.is_empty() && !tokens.supplies.is_empty(),
    );
    Ok(())
}
