//! Flash loans: each half beside the other, by a stranger.

use super::super::common::*;
use super::places::*;
use anchor_lang::error::ErrorCode;
use PlimsollError::*;

pub fn flash_cases() -> Vec<Case> {
    vec![
        Case {
            name: "flash_borrow",
            created: &[],
            build: |s| s.scene.world.flash_borrowing(&s.scene.lender, &s.scene.usdc, 1_000),
            accounts: join(vec![
                vec![
                    at("borrower", vec![yes("somebody else", |s| s.scene.liquidator.address())]),
                    market(),
                    at(
                        "reserve",
                        vec![
                            no("another reserve", |s| s.usdt.reserve, WrongMint),
                            no("another market's reserve", |s| s.foreign_usdc.reserve, WrongMarket),
                        ],
                    ),
                ],
                transfer(["borrower_liquidity", "liquidity_vault", "mint", "token_program"], true, false),
                instructions(),
                event(),
            ]),
        },
        Case {
            name: "flash_repay",
            created: &[],
            build: |s| s.scene.world.flash_repayment(&s.scene.lender, &s.scene.usdc),
            accounts: join(vec![
                vec![
                    at("payer", vec![no("a stranger", stranger, TOKEN_OWNER_MISMATCH)]),
                    at(
                        "reserve",
                        vec![
                            no("another reserve", |s| s.usdt.reserve, FlashRepayMissing),
                            no("another market's reserve", |s| s.foreign_usdc.reserve, FlashRepayMissing),
                        ],
                    ),
                ],
                transfer(["payer_liquidity", "liquidity_vault", "mint", "token_program"], true, true),
                instructions(),
                event(),
            ]),
        },
    ]
}

fn instructions() -> Vec<Place> {
    let clock = |_: &super::stage::Stage| "SysvarC1ock11111111111111111111111111111111".parse().expect("an address");
    let places = vec![
        no("another sysvar", clock, ErrorCode::ConstraintAddress),
        no("a stranger", stranger, ErrorCode::ConstraintAddress),
    ];
    vec![at("instructions", places)]
}
