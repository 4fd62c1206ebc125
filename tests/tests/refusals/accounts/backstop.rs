//! Backstop pools: who provides, who calls, who governs. Beside them, what a lender has at stake in one position.

use super::super::common::*;
use super::liquidating::pair;
use super::places::*;
use super::stage::Stage;
use anchor_lang::error::ErrorCode;
use plimsoll_client::PROGRAM_ID;
use PlimsollError::*;

pub fn backstop_cases() -> Vec<Case> {
    [providing_cases(), depositing_cases(), governing_cases()].into_iter().flatten().collect()
}

/// What is asked of the pool, and what concerns a provider without a token moving.
fn providing_cases() -> Vec<Case> {
    vec![
        Case {
            name: "backstop_liquidate",
            created: &[],
            build: |s| {
                let (world, position) = (&s.scene.world, &s.scene.world.position(&s.scene.borrower));
                let absorb = ix::BackstopLiquidate {
                    position,
                    seized: &world.reserve(&s.scene.sol),
                    repaid: s.scene.usdc.reserve,
                    generation: 0,
                    tip_account: s.wallet(&s.scene.liquidator, &s.scene.sol),
                    tip_min_atoms: 1,
                    offers: &offers(s),
                };
                absorb.instruction().expect("offers fit")
            },
            accounts: join(vec![
                vec![market()],
                pair(),
                vec![backstop()],
                transfer(
                    ["tip_account", "collateral_vault", "collateral_mint", "collateral_token_program"],
                    false,
                    false,
                ),
                event(),
            ]),
        },
        Case {
            name: "join_backstop",
            created: &[],
            build: |s| lenders(s, |providing| providing.join()),
            accounts: join(vec![
                vec![
                    backstop(),
                    at(
                        "provider",
                        vec![
                            no("somebody else's, with nothing warming", others_provider, NothingWarming),
                            no("one in another pool", elsewhere, WrongBackstop),
                        ],
                    ),
                ],
                event(),
            ]),
        },
        Case {
            name: "request_backstop_withdrawal",
            created: &[],
            build: |s| lenders(s, |providing| providing.request(1)),
            accounts: join(vec![provider(), event()]),
        },
        Case {
            name: "open_backstop_provider",
            created: &["provider"],
            build: |s| providing(s, &s.scene.stranger, |providing| providing.open()),
            accounts: join(vec![
                vec![
                    at("owner", vec![no("somebody else", |s| s.scene.borrower.address(), ErrorCode::ConstraintSeeds)]),
                    at(
                        "backstop",
                        vec![
                            no("another pool", usdt_backstop, ErrorCode::ConstraintSeeds),
                            no("another market's pool", foreign_backstop, ErrorCode::ConstraintSeeds),
                        ],
                    ),
                    at(
                        "provider",
                        vec![
                            no("somebody else's provider account", others_provider, ErrorCode::ConstraintSeeds),
                            no("another new address", |_| Pubkey::new_from_array([5; 32]), ErrorCode::ConstraintSeeds),
                        ],
                    ),
                ],
                system_program(),
                event(),
            ]),
        },
        Case {
            name: "close_backstop_provider",
            created: &[],
            build: |s| providing(s, &s.scene.liquidator, |providing| providing.close()),
            accounts: join(vec![provider(), event()]),
        },
        Case {
            name: "quote_backstop_provider",
            created: &[],
            build: |s| lenders(s, |providing| providing.quote()),
            accounts: vec![
                backstop(),
                at(
                    "provider",
                    vec![
                        yes("somebody else's provider account", others_provider),
                        no("one in another pool", elsewhere, WrongBackstop),
                    ],
                ),
            ],
        },
        Case {
            name: "quote_lender_exposure",
            created: &[],
            build: |s| {
                let (owner, reserve) = (s.scene.lender.address(), s.scene.usdc.reserve);
                let position = s.scene.world.position_address(&s.scene.borrower);
                ix::QuoteLenderExposure { owner, reserve, position }.instruction()
            },
            accounts: vec![
                at(
                    "reserve",
                    vec![
                        no("another reserve", |s| s.usdt.reserve, WrongReserve),
                        no("another market's reserve", |s| s.foreign_usdc.reserve, WrongReserve),
                    ],
                ),
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
                at(
                    "position",
                    vec![
                        yes("another position with this debt", other_position),
                        no("a position of another market", foreign_position, SlotNotOpen),
                        no("a position without debt", |s| s.scene.world.position_address(&s.free), SlotNotOpen),
                    ],
                ),
            ],
        },
    ]
}

/// What moves tokens between a provider and a vault.
fn depositing_cases() -> Vec<Case> {
    let change = |pays: bool| {
        join(vec![
            vec![at("owner", vec![no("a stranger", stranger, NotOwner)])],
            vec![at(
                "reserve",
                vec![
                    no("another reserve", |s| s.usdt.reserve, WrongReserve),
                    no("another market's reserve", |s| s.foreign_usdc.reserve, WrongReserve),
                ],
            )],
            provider().into_iter().skip(1).collect(),
            transfer(["owner_liquidity", "liquidity_vault", "mint", "token_program"], true, pays),
            event(),
        ])
    };
    vec![
        Case {
            name: "deposit_backstop",
            created: &[],
            build: |s| lenders(s, |providing| providing.deposit(None, 1)),
            accounts: change(true),
        },
        Case {
            name: "cancel_backstop_deposit",
            created: &[],
            build: |s| lenders(s, |providing| providing.cancel(None)),
            accounts: change(false),
        },
        Case {
            name: "withdraw_backstop",
            created: &[],
            build: |s| lenders(s, |providing| providing.withdraw(None)),
            accounts: change(false),
        },
        Case {
            name: "claim_backstop_gain",
            created: &[],
            build: |s| {
                let sol = &s.scene.world.reserve(&s.scene.sol);
                lenders(s, |providing| providing.claim(sol, None))
            },
            accounts: join(vec![
                provider(),
                vec![at(
                    "collateral_reserve",
                    vec![
                        no("another reserve", |s| s.eth.reserve, WrongMint),
                        no("another market's reserve", |s| s.foreign_sol.reserve, WrongVault),
                    ],
                )],
                transfer(["owner_collateral", "collateral_vault", "mint", "token_program"], false, false),
                event(),
            ]),
        },
    ]
}

/// What the admin does.
fn governing_cases() -> Vec<Case> {
    vec![
        Case {
            name: "create_backstop",
            created: &["backstop"],
            build: |s| {
                // The generation before is closed.
                let (admin, reserve) = (s.scene.world.admin().address(), &s.scene.world.reserve(&s.usdt));
                ix::CreateBackstop { admin, reserve, generation: 1, policy: plimsoll_testkit::backstop_policy() }
                    .instruction()
            },
            accounts: join(vec![
                vec![
                    at("admin", vec![no("a stranger", stranger, NotAdmin)]),
                    market(),
                    at(
                        "reserve",
                        vec![
                            no("another reserve", |s| s.scene.usdc.reserve, ErrorCode::ConstraintSeeds),
                            no("another market's reserve", |s| s.foreign_usdc.reserve, ErrorCode::ConstraintSeeds),
                        ],
                    ),
                    at(
                        "backstop",
                        vec![
                            no("another pool", usdc_backstop, ErrorCode::ConstraintSeeds),
                            no(
                                "a later generation's address",
                                |s| address::backstop(&s.usdt.reserve, 2),
                                ErrorCode::ConstraintSeeds,
                            ),
                        ],
                    ),
                    at(
                        "previous",
                        vec![
                            no("another pool", usdc_backstop, ErrorCode::ConstraintSeeds),
                            no("another market's pool", foreign_backstop, ErrorCode::ConstraintSeeds),
                            no("nothing", |_| PROGRAM_ID, PreviousBackstopMissing),
                        ],
                    ),
                ],
                system_program(),
                event(),
            ]),
        },
        Case {
            name: "set_backstop_collateral",
            created: &[],
            build: |s| {
                let (admin, backstop) = (s.scene.world.admin().address(), &s.scene.world.backstop(&s.scene.usdc));
                ix::SetBackstopCollateral { admin, backstop, collateral: s.scene.sol.reserve, cap_atoms: 1 }
                    .instruction()
            },
            accounts: join(vec![
                vec![
                    at("admin", vec![no("a stranger", stranger, NotAdmin)]),
                    market(),
                    at(
                        "backstop",
                        vec![
                            yes("another pool of the market", usdt_backstop),
                            no("another market's pool", foreign_backstop, WrongMarket),
                        ],
                    ),
                    at(
                        "collateral_reserve",
                        vec![
                            yes("another reserve", |s| s.eth.reserve),
                            no("another market's reserve", |s| s.foreign_sol.reserve, WrongMarket),
                            no("the pool's own reserve", |s| s.scene.usdc.reserve, CollateralIsDebt),
                        ],
                    ),
                ],
                event(),
            ]),
        },
    ]
}

/// What somebody does as a provider of USDC.
fn providing(s: &Stage, role: &dyn Role, what: impl FnOnce(&ix::BackstopProviding) -> Instruction) -> Instruction {
    let reserve = &s.scene.world.reserve(&s.scene.usdc);
    what(&ix::BackstopProviding { owner: role.address(), reserve, generation: 0 })
}

/// What the lender does as a provider.
fn lenders(s: &Stage, what: impl FnOnce(&ix::BackstopProviding) -> Instruction) -> Instruction {
    providing(s, &s.scene.lender, what)
}

fn usdc_backstop(s: &Stage) -> Pubkey {
    address::backstop(&s.scene.usdc.reserve, 0)
}

fn usdt_backstop(s: &Stage) -> Pubkey {
    address::backstop(&s.usdt.reserve, 0)
}

fn foreign_backstop(s: &Stage) -> Pubkey {
    address::backstop(&s.foreign_usdc.reserve, 0)
}

fn others_provider(s: &Stage) -> Pubkey {
    address::backstop_provider(&usdc_backstop(s), &s.other.address())
}

/// The lender's provider account in the pool of USDT.
fn elsewhere(s: &Stage) -> Pubkey {
    address::backstop_provider(&usdt_backstop(s), &s.scene.lender.address())
}

/// Another pool in a pool's place.
fn backstop() -> Place {
    at(
        "backstop",
        vec![
            no("another pool", usdt_backstop, WrongBackstop),
            no("another market's pool", foreign_backstop, WrongBackstop),
        ],
    )
}

/// A provider, its pool and its account there.
fn provider() -> Vec<Place> {
    vec![
        at("owner", vec![no("a stranger", stranger, NotOwner)]),
        backstop(),
        at(
            "provider",
            vec![
                no("somebody else's provider account", others_provider, NotOwner),
                no("one in another pool", elsewhere, WrongBackstop),
            ],
        ),
    ]
}
