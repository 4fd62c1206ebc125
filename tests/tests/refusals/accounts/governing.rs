//! What is created, and what anyone may do for a reserve.

use super::super::common::*;
use super::places::*;
use anchor_lang::error::ErrorCode;
use PlimsollError::*;

pub fn governing_cases() -> Vec<Case> {
    vec![
        Case {
            name: "create_market",
            created: &["market"],
            build: |s| {
                let (admin, treasury) = (s.scene.stranger.address(), s.scene.stranger.address());
                ix::CreateMarket { admin, id: 3, policy: plimsoll_testkit::policy(), treasury, immutable: false }
                    .instruction()
            },
            accounts: join(vec![
                vec![
                    at("admin", vec![yes("somebody else", |s| s.scene.borrower.address())]),
                    at(
                        "market",
                        vec![
                            no("another market", foreign_market, ErrorCode::ConstraintSeeds),
                            no("another number's address", |_| address::market(4), ErrorCode::ConstraintSeeds),
                        ],
                    ),
                ],
                system_program(),
                event(),
            ]),
        },
        Case {
            name: "create_reserve",
            created: &["reserve", "liquidity_vault", "collateral_vault"],
            build: |s| {
                let (token, config) = (&s.unborn.0, s.unborn.1);
                let create = ix::CreateReserve {
                    admin: s.scene.world.admin().address(),
                    market: s.scene.world.market,
                    mint: token.mint,
                    token_program: token.kind.program(),
                    price: token.price,
                    config,
                };
                create.instruction()
            },
            accounts: join(vec![
                vec![
                    at("admin", vec![no("a stranger", stranger, NotAdmin)]),
                    at("market", vec![no("another market", foreign_market, ErrorCode::ConstraintSeeds)]),
                    at("reserve", vec![no("another reserve", |s| s.eth.reserve, ErrorCode::ConstraintSeeds)]),
                    at("mint", vec![no("another mint", |s| s.eth.mint, ErrorCode::ConstraintSeeds)]),
                    at(
                        "liquidity_vault",
                        vec![
                            no("the other vault", |s| s.unborn.0.vault(Vault::Collateral), ErrorCode::ConstraintSeeds),
                            no(
                                "another reserve's vault",
                                |s| s.eth.vault(Vault::Liquidity),
                                ErrorCode::ConstraintSeeds,
                            ),
                        ],
                    ),
                    at(
                        "collateral_vault",
                        vec![
                            no("the other vault", |s| s.unborn.0.vault(Vault::Liquidity), ErrorCode::ConstraintSeeds),
                            no(
                                "another reserve's vault",
                                |s| s.eth.vault(Vault::Collateral),
                                ErrorCode::ConstraintSeeds,
                            ),
                        ],
                    ),
                    at(
                        "price",
                        vec![
                            no("another token's price", |s| s.eth.price, WrongFeed),
                            no("another oracle's price", |s| s.usdt.price, WrongPriceOwner),
                        ],
                    ),
                    at(
                        "token_program",
                        vec![
                            no("the other token program", spl_2022, InstructionError::IncorrectProgramId),
                            no("no token program", system, ErrorCode::InvalidProgramId),
                        ],
                    ),
                ],
                system_program(),
                event(),
            ]),
        },
        Case {
            name: "pause",
            created: &[],
            build: |s| pause_of(s, s.scene.world.market).pause(60),
            accounts: join(vec![
                vec![
                    at("guardian", vec![no("a stranger", stranger, NotGuardian)]),
                    at("market", vec![yes("another market of the guardian's", foreign_market)]),
                ],
                event(),
            ]),
        },
        Case {
            name: "unpause",
            created: &[],
            build: |s| pause_of(s, s.scene.world.market).unpause(),
            accounts: join(vec![
                vec![
                    at("guardian", vec![no("a stranger", stranger, NotGuardian)]),
                    at("market", vec![no("another market, where it runs", foreign_market, InvalidPause)]),
                ],
                event(),
            ]),
        },
        Case {
            name: "refresh_reserves",
            created: &[],
            build: |s| {
                let token = &s.scene.sol;
                ix::RefreshReserves { offers: &[ix::Offer { reserve: token.reserve, price: token.price }] }
                    .instruction()
            },
            accounts: event(),
        },
        Case {
            name: "notice_stale_price",
            created: &[],
            build: |s| ix::NoticeStalePrice { reserve: s.eth.reserve }.instruction(),
            accounts: join(vec![vec![at("reserve", vec![yes("another reserve", |s| s.usdt.reserve)])], event()]),
        },
        Case {
            name: "accrue_interest",
            created: &[],
            build: |s| ix::AccrueInterest { reserve: s.scene.usdc.reserve }.instruction(),
            accounts: join(vec![vec![at("reserve", vec![yes("another reserve", |s| s.usdt.reserve)])], event()]),
        },
        Case {
            name: "fund_insurance",
            created: &[],
            build: |s| {
                let (payer, reserve) = (s.scene.lender.address(), &s.scene.world.reserve(&s.scene.usdc));
                ix::FundInsurance { payer, reserve, payer_liquidity: None, amount_atoms: 1 }.instruction()
            },
            accounts: paying_in(),
        },
        Case {
            name: "repay_recovery",
            created: &[],
            build: |s| {
                let (payer, reserve) = (s.scene.lender.address(), &s.scene.world.reserve(&s.scene.usdc));
                ix::RepayRecovery { payer, reserve, payer_liquidity: None, amount_atoms_max: 1 }.instruction()
            },
            accounts: paying_in(),
        },
        Case {
            name: "collect_fees",
            created: &[],
            build: |s| {
                let treasury_liquidity = s.wallet(&s.scene.world.treasury, &s.scene.usdc);
                ix::CollectFees { reserve: &s.scene.world.reserve(&s.scene.usdc), treasury_liquidity }.instruction()
            },
            accounts: join(vec![
                vec![
                    market(),
                    at(
                        "reserve",
                        vec![
                            no("another reserve", |s| s.usdt.reserve, WrongMint),
                            no("another market's reserve", |s| s.foreign_usdc.reserve, WrongMarket),
                        ],
                    ),
                    at(
                        "treasury_liquidity",
                        vec![
                            no("a stranger's wallet", |s| s.wallet(&s.scene.stranger, &s.scene.usdc), NotTreasury),
                            no(
                                "the admin's address",
                                |s| s.scene.world.admin().address(),
                                ErrorCode::AccountOwnedByWrongProgram,
                            ),
                            no("the vault itself", |s| s.scene.usdc.vault(Vault::Liquidity), NotTreasury),
                            no(
                                "the treasury's wallet of another token",
                                |s| s.wallet(&s.scene.world.treasury, &s.eth),
                                TOKEN_MINT_MISMATCH,
                            ),
                            no("a mint", |s| s.scene.usdc.mint, InstructionError::InvalidAccountData),
                        ],
                    ),
                ],
                transfer(["", "liquidity_vault", "mint", "token_program"], true, false).into_iter().skip(1).collect(),
                event(),
            ]),
        },
    ]
}

/// A pause of supplying in a market.
fn pause_of(stage: &super::stage::Stage, market: Pubkey) -> ix::ChangePause {
    ix::ChangePause { guardian: stage.scene.world.admin().address(), market, action: Pausable::Supply }
}

/// Accounts of what anyone may pay into a reserve.
fn paying_in() -> Vec<Place> {
    join(vec![
        vec![
            at("payer", vec![no("a stranger", stranger, TOKEN_OWNER_MISMATCH)]),
            at(
                "reserve",
                vec![
                    no("another reserve", |s| s.usdt.reserve, WrongMint),
                    no("another market's reserve", |s| s.foreign_usdc.reserve, WrongVault),
                ],
            ),
        ],
        transfer(["payer_liquidity", "liquidity_vault", "mint", "token_program"], true, true),
        event(),
    ])
}
