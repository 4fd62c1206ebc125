//! Parameters, proposals and roles.

use super::super::common::*;
use super::places::*;
use super::Stage;
use anchor_lang::error::ErrorCode;
use ix::ParameterOf;
use plimsoll_engine::governance::proposals::Role as MarketRole;
use plimsoll_engine::governance::{Parameter, ParameterValue};
use PlimsollError::*;

/// A parameter of a reserve that loosens neither way.
const WAITS: Parameter = Parameter::BorrowAge;
/// Depth of SOL in the test market, atoms.
const SOLS_DEPTH: u64 = 1_000_000_000_000_000;
/// How long proposals wait in the test market, seconds.
const DELAY_SECS: i64 = 172_800;

/// Proposals of the admin, ripe: for SOL, another parameter of SOL, ETH, and SOL in the other market.
pub fn ripen(stage: &mut Stage) {
    for of in [of_sol(stage), other_of_sol(stage), of_eth(stage), of_foreign_sol(stage)] {
        let admin = stage.scene.world.admin();
        stage.scene.world.propose(&admin, &of, 61).expect("a proposal");
    }
    stage.scene.world.advance_with_prices(DELAY_SECS);
}

/// Promises the guardian's role to the stranger.
pub fn promise(stage: &mut Stage) {
    let (world, stranger) = (&mut stage.scene.world, stage.scene.stranger.address());
    let (admin, of) = (world.admin(), world.parameter(None, Parameter::Guardian));
    world.propose_value(&admin, &of, ParameterValue(stranger.to_bytes())).expect("a proposal");
    world.advance_with_prices(DELAY_SECS);
    world.execute(&admin, &of).expect("a promise");
}

fn of_sol(stage: &Stage) -> ParameterOf {
    stage.scene.world.parameter(Some(&stage.scene.sol), WAITS)
}

fn other_of_sol(stage: &Stage) -> ParameterOf {
    stage.scene.world.parameter(Some(&stage.scene.sol), Parameter::BonusFeeShare)
}

fn of_eth(stage: &Stage) -> ParameterOf {
    stage.scene.world.parameter(Some(&stage.eth), WAITS)
}

fn of_foreign_sol(stage: &Stage) -> ParameterOf {
    ParameterOf { market: stage.foreign_market, reserve: Some(stage.foreign_sol.reserve), parameter: WAITS }
}

/// What stands in the place of an optional account that is left out.
fn none(_: &Stage) -> Pubkey {
    plimsoll_client::PROGRAM_ID
}

/// The reserve that a parameter of SOL's belongs to.
fn sols_reserve() -> Place {
    at(
        "reserve",
        vec![
            no("another reserve", |s| s.eth.reserve, WrongProposal),
            no("another market's reserve", |s| s.foreign_sol.reserve, WrongProposal),
            no("none", none, WrongProposal),
        ],
    )
}

/// Market, reserve, proposal and proposer of a proposal that stands.
fn standing() -> Vec<Place> {
    vec![
        market(),
        sols_reserve(),
        at(
            "proposal",
            vec![
                yes("the proposal of another parameter", |s| other_of_sol(s).proposal()),
                no("another reserve's proposal", |s| of_eth(s).proposal(), WrongProposal),
                no("another market's proposal", |s| of_foreign_sol(s).proposal(), WrongProposal),
                no("an account of the system's", stranger, ErrorCode::AccountOwnedByWrongProgram),
            ],
        ),
        at("proposer", vec![no("a stranger", stranger, WrongProposal)]),
    ]
}

pub fn parameter_cases() -> Vec<Case> {
    vec![
        Case {
            name: "tighten_parameter",
            created: &[],
            build: |s| {
                let of = s.scene.world.parameter(Some(&s.scene.sol), Parameter::SupplyCap);
                of.tighten(s.scene.world.admin().address(), ParameterValue::number(1))
            },
            accounts: join(vec![
                vec![
                    at("authority", vec![no("a stranger", stranger, NotCouncil)]),
                    market(),
                    at(
                        "reserve",
                        vec![
                            yes("another reserve", |s| s.eth.reserve),
                            no("another market's reserve", |s| s.foreign_sol.reserve, WrongMarket),
                            no("none", none, InvalidParameter),
                        ],
                    ),
                ],
                event(),
            ]),
        },
        Case {
            name: "propose_parameter",
            created: &["proposal"],
            build: |s| of_sol(s).propose(s.scene.world.admin().address(), ParameterValue::number(61)),
            accounts: join(vec![
                vec![
                    at("proposer", vec![no("a stranger", stranger, NotCouncil)]),
                    market(),
                    sols_reserve(),
                    at(
                        "target",
                        vec![
                            no("another reserve", |s| s.eth.reserve, ErrorCode::ConstraintSeeds),
                            no("the market", |s| s.scene.world.market, ErrorCode::ConstraintSeeds),
                        ],
                    ),
                    at(
                        "proposal",
                        vec![
                            no("another reserve's proposal", |s| of_eth(s).proposal(), ErrorCode::ConstraintSeeds),
                            no(
                                "another parameter's proposal",
                                |s| other_of_sol(s).proposal(),
                                ErrorCode::ConstraintSeeds,
                            ),
                        ],
                    ),
                ],
                system_program(),
                event(),
            ]),
        },
        Case {
            name: "execute_proposal",
            created: &[],
            build: |s| of_sol(s).execute(s.scene.world.admin().address()),
            accounts: join(vec![standing(), event()]),
        },
        Case {
            name: "cancel_proposal",
            created: &[],
            build: |s| {
                let admin = s.scene.world.admin().address();
                of_sol(s).cancel(admin, admin)
            },
            accounts: join(vec![
                vec![at("authority", vec![no("a stranger", stranger, MayNotCancel)])],
                standing(),
                event(),
            ]),
        },
        Case {
            name: "accept_role",
            created: &[],
            build: |s| {
                let (holder, market) = (s.scene.stranger.address(), s.scene.world.market);
                ix::AcceptRole { holder, market, role: MarketRole::Guardian }.instruction()
            },
            accounts: join(vec![
                vec![
                    at(
                        "holder",
                        vec![
                            no("somebody else", |s| s.scene.borrower.address(), NotPending),
                            no("the admin", |s| s.scene.world.admin().address(), NotPending),
                        ],
                    ),
                    at("market", vec![no("another market", foreign_market, NotPending)]),
                ],
                event(),
            ]),
        },
        Case {
            name: "confirm_depth",
            created: &[],
            build: |s| {
                let (authority, market) = (s.scene.world.admin().address(), s.scene.world.market);
                ix::ConfirmDepth { authority, market, reserve: s.scene.sol.reserve, depth_atoms: SOLS_DEPTH }
                    .instruction()
            },
            accounts: join(vec![
                vec![
                    at("authority", vec![no("a stranger", stranger, NotCouncil)]),
                    at("market", vec![no("another market of the admin's", foreign_market, WrongMarket)]),
                    at(
                        "reserve",
                        vec![
                            no("a reserve of less depth", |s| s.scene.usdc.reserve, NotTighter),
                            no("another market's reserve", |s| s.foreign_sol.reserve, WrongMarket),
                        ],
                    ),
                ],
                event(),
            ]),
        },
        Case {
            name: "launch_market",
            created: &[],
            build: |s| {
                ix::LaunchMarket { admin: s.scene.world.admin().address(), market: s.scene.world.market }.instruction()
            },
            accounts: join(vec![
                vec![
                    at("admin", vec![no("a stranger", stranger, NotAdmin)]),
                    at("market", vec![yes("another market of the admin's", foreign_market)]),
                ],
                event(),
            ]),
        },
    ]
}
