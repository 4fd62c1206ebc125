//! What lenders do.

use super::super::common::*;
use super::places::*;
use anchor_lang::error::ErrorCode;
use PlimsollError::*;

pub fn lending_cases() -> Vec<Case> {
    vec![
        Case {
            name: "supply",
            created: &[],
            build: |s| {
                let (owner, reserve) = (s.scene.lender.address(), &s.scene.world.reserve(&s.scene.usdc));
                ix::Supply { owner, reserve, owner_liquidity: None, amount_atoms: 1, shares_min: 0 }.instruction()
            },
            accounts: join(vec![
                change_supply(),
                transfer(["owner_liquidity", "liquidity_vault", "mint", "token_program"], true, true),
                event(),
            ]),
        },
        Case {
            name: "redeem",
            created: &[],
            build: |s| {
                let (owner, reserve) = (s.scene.lender.address(), &s.scene.world.reserve(&s.scene.usdc));
                ix::Redeem { owner, reserve, owner_liquidity: None, shares: 1 << 30, assets_min_atoms: 0 }.instruction()
            },
            accounts: join(vec![
                change_supply(),
                transfer(["owner_liquidity", "liquidity_vault", "mint", "token_program"], true, false),
                event(),
            ]),
        },
        Case {
            name: "claim_recovery",
            created: &[],
            build: |s| {
                let (owner, reserve) = (s.scene.lender.address(), &s.scene.world.reserve(&s.scene.usdc));
                ix::ClaimRecovery { owner, reserve, owner_liquidity: None }.instruction()
            },
            accounts: join(vec![
                change_supply(),
                transfer(["owner_liquidity", "liquidity_vault", "mint", "token_program"], true, false),
                event(),
            ]),
        },
        Case {
            name: "quote_lender",
            created: &[],
            build: |s| ix::QuoteLender { owner: s.scene.lender.address(), reserve: s.scene.usdc.reserve }.instruction(),
            accounts: vec![
                at("reserve", vec![no("another reserve", |s| s.usdt.reserve, WrongReserve)]),
                at(
                    "lender",
                    vec![
                        no(
                            "the lender's account in another reserve",
                            |s| address::lender(&s.usdt.reserve, &s.scene.lender.address()),
                            WrongReserve,
                        ),
                        yes("somebody else's lender account", |s| {
                            address::lender(&s.scene.usdc.reserve, &s.other.address())
                        }),
                    ],
                ),
            ],
        },
        Case {
            name: "open_lender",
            created: &["lender"],
            build: |s| {
                ix::OpenLender { owner: s.scene.stranger.address(), reserve: s.scene.usdc.reserve }.instruction()
            },
            accounts: join(vec![
                vec![
                    at("owner", vec![no("somebody else", |s| s.scene.borrower.address(), ErrorCode::ConstraintSeeds)]),
                    at("reserve", vec![no("another reserve", |s| s.usdt.reserve, ErrorCode::ConstraintSeeds)]),
                    at(
                        "lender",
                        vec![no(
                            "somebody else's lender account",
                            |s| address::lender(&s.scene.usdc.reserve, &s.other.address()),
                            ErrorCode::ConstraintSeeds,
                        )],
                    ),
                ],
                system_program(),
                event(),
            ]),
        },
        Case {
            name: "close_lender",
            created: &[],
            build: |s| ix::CloseLender { owner: s.scene.lender.address(), reserve: s.scene.sol.reserve }.instruction(),
            accounts: join(vec![
                vec![
                    at("owner", vec![no("a stranger", stranger, NotOwner)]),
                    at(
                        "lender",
                        vec![
                            no(
                                "somebody else's lender account",
                                |s| address::lender(&s.usdt.reserve, &s.other.address()),
                                NotOwner,
                            ),
                            no(
                                "one with shares",
                                |s| address::lender(&s.scene.usdc.reserve, &s.scene.lender.address()),
                                LenderNotEmpty,
                            ),
                        ],
                    ),
                ],
                event(),
            ]),
        },
    ]
}

fn change_supply() -> Vec<Place> {
    use PlimsollError::*;
    vec![
        at("owner", vec![no("a stranger", stranger, NotOwner)]),
        market(),
        at(
            "reserve",
            vec![
                no("another reserve", |s| s.usdt.reserve, WrongReserve),
                no("another market's reserve", |s| s.foreign_usdc.reserve, WrongMarket),
            ],
        ),
        at(
            "lender",
            vec![
                no(
                    "somebody else's lender account",
                    |s| address::lender(&s.scene.usdc.reserve, &s.other.address()),
                    NotOwner,
                ),
                no(
                    "the lender's account in another reserve",
                    |s| address::lender(&s.usdt.reserve, &s.scene.lender.address()),
                    WrongReserve,
                ),
            ],
        ),
    ]
}
