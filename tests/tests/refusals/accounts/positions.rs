//! What borrowers, and others for their positions, do.

use super::super::common::*;
use super::places::*;
use anchor_lang::error::ErrorCode;
use PlimsollError::*;

pub fn position_cases() -> Vec<Case> {
    vec![
        Case {
            name: "borrow",
            created: &[],
            build: |s| {
                // The borrower is unhealthy; a free position borrows.
                let (world, position) = (&s.scene.world, &s.scene.world.position(&s.free));
                let (reserve, offers) = (&world.reserve(&s.scene.usdc), &offers(s));
                let borrow = ix::Borrow { position, reserve, owner_liquidity: None, amount_atoms: 10_000_000, offers };
                borrow.instruction().expect("offers fit")
            },
            accounts: join(vec![
                vec![
                    at("owner", vec![no("a stranger", stranger, NotOwner)]),
                    market(),
                    at(
                        "position",
                        vec![
                            no("somebody else's position", other_position, NotOwner),
                            no("a position of another market", foreign_position, WrongMarket),
                            no(
                                "an unhealthy position",
                                |s| s.scene.world.position_address(&s.scene.borrower),
                                InitialHealthTooLow,
                            ),
                            no("an empty position", |s| s.scene.world.position_address(&s.empty), OfferMismatch),
                        ],
                    ),
                    at(
                        "reserve",
                        vec![
                            no("another reserve", |s| s.usdt.reserve, WrongMint),
                            no("another market's reserve", |s| s.foreign_usdc.reserve, WrongMarket),
                        ],
                    ),
                ],
                transfer(["owner_liquidity", "liquidity_vault", "mint", "token_program"], true, false),
                event(),
            ]),
        },
        Case {
            name: "repay",
            created: &[],
            build: |s| {
                let (payer, position) = (s.scene.borrower.address(), s.scene.world.position_address(&s.scene.borrower));
                let reserve = &s.scene.world.reserve(&s.scene.usdc);
                ix::Repay { payer, position, reserve, payer_liquidity: None, amount_atoms_max: 1_000 }.instruction()
            },
            accounts: join(vec![
                vec![
                    at("payer", vec![no("a stranger", stranger, TOKEN_OWNER_MISMATCH)]),
                    at(
                        "position",
                        vec![
                            yes("somebody else's position", other_position),
                            no("a position of another market", foreign_position, WrongMarket),
                            no("a position without debt", |s| s.scene.world.position_address(&s.free), SlotNotOpen),
                        ],
                    ),
                    at(
                        "reserve",
                        vec![
                            no("another reserve", |s| s.usdt.reserve, WrongMint),
                            no("another market's reserve", |s| s.foreign_usdc.reserve, WrongMarket),
                        ],
                    ),
                ],
                transfer(["payer_liquidity", "liquidity_vault", "mint", "token_program"], true, true),
                event(),
            ]),
        },
        Case {
            name: "deposit_collateral",
            created: &[],
            build: |s| {
                let (depositor, position) =
                    (s.scene.borrower.address(), s.scene.world.position_address(&s.scene.borrower));
                let reserve = &s.scene.world.reserve(&s.scene.sol);
                ix::DepositCollateral { depositor, position, reserve, depositor_collateral: None, amount_atoms: 1 }
                    .instruction()
            },
            accounts: join(vec![
                vec![
                    at("depositor", vec![no("a stranger", stranger, TOKEN_OWNER_MISMATCH)]),
                    at(
                        "position",
                        vec![
                            yes("somebody else's position", other_position),
                            no("a position of another market", foreign_position, WrongMarket),
                        ],
                    ),
                    at(
                        "reserve",
                        vec![
                            no("another reserve", |s| s.eth.reserve, WrongMint),
                            no("another market's reserve", |s| s.foreign_sol.reserve, WrongMarket),
                        ],
                    ),
                ],
                transfer(["depositor_collateral", "collateral_vault", "mint", "token_program"], false, true),
                vec![at(
                    // Left out where the cap has room.
                    "optional_market",
                    vec![
                        yes("the market", |s| s.scene.world.market),
                        yes("another market, where the cap has room", |s| s.foreign_market),
                        no("a reserve", |s| s.scene.sol.reserve, ErrorCode::AccountDiscriminatorMismatch),
                    ],
                )],
                vec![
                    at("event_authority", vec![no("a stranger", stranger, ErrorCode::ConstraintAddress)]),
                    // The program stands in the place of the market too, so the event finds it.
                    at("program", vec![yes("another program", spl_2022)]),
                ],
            ]),
        },
        Case {
            name: "set_protection_order",
            created: &[],
            build: |s| {
                let position = &s.scene.world.position(&s.scene.borrower);
                ix::SetProtectionOrder { position, trigger_bps: 10_300, bonus_bps: 100 }.instruction()
            },
            accounts: join(vec![
                vec![
                    at("owner", vec![no("a stranger", stranger, NotOwner)]),
                    market(),
                    at(
                        "position",
                        vec![
                            no("somebody else's position", other_position, NotOwner),
                            no("a position of another market", foreign_position, WrongMarket),
                            yes("an empty position", |s| s.scene.world.position_address(&s.empty)),
                        ],
                    ),
                ],
                event(),
            ]),
        },
        Case {
            name: "withdraw_collateral",
            created: &[],
            build: |s| {
                let (world, position) = (&s.scene.world, &s.scene.world.position(&s.free));
                let reserve = &world.reserve(&s.scene.sol);
                let withdraw =
                    ix::WithdrawCollateral { position, reserve, owner_collateral: None, amount_atoms: 1, offers: &[] };
                withdraw.instruction().expect("no offers")
            },
            accounts: join(vec![
                vec![
                    at("owner", vec![no("a stranger", stranger, NotOwner)]),
                    market(),
                    at(
                        "position",
                        vec![
                            no("somebody else's position", other_position, NotOwner),
                            no("a position of another market", foreign_position, WrongMarket),
                            no("an empty position", |s| s.scene.world.position_address(&s.empty), SlotNotOpen),
                            no(
                                "a position with debt",
                                |s| s.scene.world.position_address(&s.scene.borrower),
                                LegMissing,
                            ),
                        ],
                    ),
                    at(
                        "reserve",
                        vec![
                            no("another reserve", |s| s.eth.reserve, WrongMint),
                            no("another market's reserve", |s| s.foreign_sol.reserve, WrongVault),
                        ],
                    ),
                ],
                transfer(["owner_collateral", "collateral_vault", "mint", "token_program"], false, false),
                event(),
            ]),
        },
        Case {
            name: "uncount_position",
            created: &[],
            build: |s| {
                let position = s.scene.world.position_address(&s.free);
                ix::UncountPosition { position, reserve: s.scene.sol.reserve }.instruction()
            },
            accounts: join(vec![
                vec![
                    at(
                        "position",
                        vec![
                            no("a position with debt", other_position, PositionHasDebt),
                            no("a position of another market", foreign_position, SlotNotOpen),
                            no("an empty position", |s| s.scene.world.position_address(&s.empty), SlotNotOpen),
                        ],
                    ),
                    at(
                        "reserve",
                        vec![
                            no("another reserve", |s| s.eth.reserve, SlotNotOpen),
                            no("another market's reserve", |s| s.foreign_sol.reserve, SlotNotOpen),
                        ],
                    ),
                ],
                event(),
            ]),
        },
        Case {
            name: "open_position",
            created: &["position"],
            build: |s| {
                ix::OpenPosition { owner: s.scene.borrower.address(), market: s.scene.world.market, id: 9 }
                    .instruction()
            },
            accounts: join(vec![
                vec![
                    at("owner", vec![no("a stranger", stranger, ErrorCode::ConstraintSeeds)]),
                    at("market", vec![no("another market", foreign_market, ErrorCode::ConstraintSeeds)]),
                    at(
                        "position",
                        vec![
                            no("somebody else's position", other_position, ErrorCode::ConstraintSeeds),
                            no("another new address", |_| Pubkey::new_from_array([5; 32]), ErrorCode::ConstraintSeeds),
                        ],
                    ),
                ],
                system_program(),
                event(),
            ]),
        },
        Case {
            name: "close_position",
            created: &[],
            build: |s| {
                let position = s.scene.world.position_address(&s.empty);
                ix::ClosePosition { owner: s.scene.borrower.address(), position }.instruction()
            },
            accounts: join(vec![
                vec![
                    at("owner", vec![no("a stranger", stranger, NotOwner)]),
                    at(
                        "position",
                        vec![
                            no("somebody else's position", other_position, NotOwner),
                            no(
                                "a position that holds something",
                                |s| s.scene.world.position_address(&s.free),
                                PositionNotEmpty,
                            ),
                        ],
                    ),
                ],
                event(),
            ]),
        },
    ]
}
