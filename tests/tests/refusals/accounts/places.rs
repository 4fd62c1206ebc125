//! What stands in an account's place, and what comes of it.

use super::super::common::*;
use super::stage::Stage;
use anchor_lang::error::ErrorCode;

/// What becomes of an instruction with another account in one's place.
pub enum Replaced {
    /// Refused with this error.
    Refused(&'static str, fn(&Stage) -> Pubkey, Refusal),
    /// Accepted: any such account will do.
    Accepted(&'static str, fn(&Stage) -> Pubkey),
}

/// A named account, and what is tried in its place.
pub type Place = (&'static str, Vec<Replaced>);

pub fn no(name: &'static str, with: fn(&Stage) -> Pubkey, error: impl Into<Refusal>) -> Replaced {
    Replaced::Refused(name, with, error.into())
}

pub fn yes(name: &'static str, with: fn(&Stage) -> Pubkey) -> Replaced {
    Replaced::Accepted(name, with)
}

pub struct Case {
    pub name: &'static str,
    /// The instruction, which works as it stands.
    pub build: fn(&Stage) -> Instruction,
    /// Accounts that come to be.
    pub created: &'static [&'static str],
    /// Named accounts, in order, with what may be put in their place.
    pub accounts: Vec<Place>,
}

/// An account by its name, with what may stand in its place.
pub fn at(account: &'static str, replacements: Vec<Replaced>) -> Place {
    (account, replacements)
}

pub fn stranger(stage: &Stage) -> Pubkey {
    stage.scene.stranger.address()
}

pub fn spl_2022(_: &Stage) -> Pubkey {
    Kind::Token2022.program()
}

pub fn system(_: &Stage) -> Pubkey {
    anchor_lang::system_program::ID
}

pub fn foreign_market(stage: &Stage) -> Pubkey {
    stage.foreign_market
}

pub fn foreign_position(stage: &Stage) -> Pubkey {
    stage.foreign_position
}

pub fn other_position(stage: &Stage) -> Pubkey {
    stage.scene.world.position_address(&stage.other)
}

/// Accounts of a transfer between a user and a vault of SOL or USDC.
pub fn transfer([wallet, vault, mint, program]: [&'static str; 4], is_liquidity: bool, pays: bool) -> Vec<Place> {
    let own_vault: fn(&Stage) -> Pubkey =
        if is_liquidity { |s| s.scene.usdc.vault(Vault::Liquidity) } else { |s| s.scene.sol.vault(Vault::Collateral) };
    let mut wallets = vec![
        no("a wallet of another token", |s| s.wallet(&s.scene.borrower, &s.eth), TOKEN_MINT_MISMATCH),
        no("the vault itself", own_vault, PlimsollError::SameAccount),
    ];
    let strangers: fn(&Stage) -> Pubkey = if is_liquidity {
        |s| s.wallet(&s.scene.stranger, &s.scene.usdc)
    } else {
        |s| s.wallet(&s.scene.stranger, &s.scene.sol)
    };
    if pays {
        let other_vault: fn(&Stage) -> Pubkey = if is_liquidity {
            |s| s.scene.usdc.vault(Vault::Collateral)
        } else {
            |s| s.scene.sol.vault(Vault::Liquidity)
        };
        wallets.push(no("the reserve's other vault", other_vault, TOKEN_OWNER_MISMATCH));
        wallets.push(no("a stranger's wallet", strangers, TOKEN_OWNER_MISMATCH));
    } else {
        wallets.push(yes("a stranger's wallet, to receive", strangers));
    }
    let vaults = if is_liquidity {
        vec![
            no("the collateral vault", |s| s.scene.usdc.vault(Vault::Collateral), PlimsollError::WrongVault),
            no("another reserve's vault", |s| s.usdt.vault(Vault::Liquidity), PlimsollError::WrongVault),
            no("another market's vault", |s| s.foreign_usdc.vault(Vault::Liquidity), PlimsollError::WrongVault),
            no("a stranger's wallet", |s| s.wallet(&s.scene.stranger, &s.scene.usdc), PlimsollError::WrongVault),
        ]
    } else {
        vec![
            no("the liquidity vault", |s| s.scene.sol.vault(Vault::Liquidity), PlimsollError::WrongVault),
            no("another reserve's vault", |s| s.eth.vault(Vault::Collateral), PlimsollError::WrongVault),
            no("another market's vault", |s| s.foreign_sol.vault(Vault::Collateral), PlimsollError::WrongVault),
            no("a stranger's wallet", |s| s.wallet(&s.scene.stranger, &s.scene.sol), PlimsollError::WrongVault),
        ]
    };
    vec![
        (wallet, wallets),
        (vault, vaults),
        at(mint, vec![no("another mint", |s| s.eth.mint, PlimsollError::WrongMint)]),
        at(
            program,
            vec![
                no("the other token program", spl_2022, PlimsollError::WrongTokenProgram),
                no("no token program", system, PlimsollError::WrongTokenProgram),
            ],
        ),
    ]
}

/// What every instruction with an event ends with.
pub fn event() -> Vec<Place> {
    vec![
        at("event_authority", vec![no("a stranger", stranger, ErrorCode::ConstraintAddress)]),
        at("program", vec![no("another program", spl_2022, InstructionError::MissingAccount)]),
    ]
}

pub fn system_program() -> Vec<Place> {
    vec![at("system_program", vec![no("another program", spl_2022, ErrorCode::InvalidProgramId)])]
}

/// Another market in a market's place.
pub fn market() -> Place {
    at("market", vec![no("another market", foreign_market, PlimsollError::WrongMarket)])
}

/// All accounts in order.
pub fn join(parts: Vec<Vec<Place>>) -> Vec<Place> {
    parts.into_iter().flatten().collect()
}

/// The prices of SOL and USDC: of all legs of a position here, and of one that is about to borrow.
pub fn offers(stage: &Stage) -> Vec<ix::Offer> {
    let tokens = [&stage.scene.sol, &stage.scene.usdc];
    tokens.into_iter().map(|token| ix::Offer { reserve: token.reserve, price: token.price }).collect()
}
