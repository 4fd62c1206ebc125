//! Liquidation, settlement, quotes.

use super::super::common::*;
use super::places::*;
use PlimsollError::*;

pub fn liquidation_cases() -> Vec<Case> {
    vec![
        Case {
            name: "liquidate",
            created: &[],
            build: |s| {
                let (world, position) = (&s.scene.world, &s.scene.world.position(&s.scene.borrower));
                let liquidate = ix::Liquidate {
                    liquidator: s.scene.liquidator.address(),
                    position,
                    seized: &world.reserve(&s.scene.sol),
                    repaid: &world.reserve(&s.scene.usdc),
                    liquidator_liquidity: None,
                    liquidator_collateral: None,
                    repay_max_atoms: u64::MAX,
                    seize_min_atoms: 0,
                    offers: &offers(s),
                };
                liquidate.instruction().expect("offers fit")
            },
            accounts: join(vec![
                vec![at("liquidator", vec![no("a stranger", stranger, TOKEN_OWNER_MISMATCH)]), market()],
                pair(),
                transfer(
                    ["liquidator_liquidity", "liquidity_vault", "liquidity_mint", "liquidity_token_program"],
                    true,
                    true,
                ),
                transfer(
                    ["liquidator_collateral", "collateral_vault", "collateral_mint", "collateral_token_program"],
                    false,
                    false,
                ),
                event(),
            ]),
        },
        Case {
            name: "flag_position",
            created: &[],
            build: |s| {
                let position = &s.scene.world.position(&s.scene.borrower);
                let (collateral, debt) = (s.scene.sol.reserve, s.scene.usdc.reserve);
                ix::FlagPosition { position, collateral, debt, offers: &offers(s) }.instruction().expect("offers fit")
            },
            accounts: join(vec![
                vec![
                    market(),
                    unhealthy_position(),
                    at(
                        "collateral_reserve",
                        vec![
                            no("another reserve", |s| s.eth.reserve, SlotNotOpen),
                            no("another market's reserve", |s| s.foreign_sol.reserve, SlotNotOpen),
                            no("the debt's reserve", |s| s.scene.usdc.reserve, SlotNotOpen),
                        ],
                    ),
                    at(
                        "debt_reserve",
                        vec![
                            no("another reserve", |s| s.usdt.reserve, SlotNotOpen),
                            no("another market's reserve", |s| s.foreign_usdc.reserve, SlotNotOpen),
                            no("the collateral's reserve", |s| s.scene.sol.reserve, SlotNotOpen),
                        ],
                    ),
                ],
                event(),
            ]),
        },
        Case {
            name: "mark_default",
            created: &[],
            build: |s| {
                let (world, usdc) = (&s.scene.world, &s.scene.usdc);
                let (position, reserve) = (&world.position(&s.scene.borrower), &world.reserve(usdc));
                let tip = Some((reserve, s.wallet(&s.scene.liquidator, usdc)));
                ix::MarkDefault { position, tip, offers: &offers(s) }.instruction().expect("offers fit")
            },
            accounts: join(vec![
                vec![
                    market(),
                    at(
                        "position",
                        vec![
                            no("a healthy position", other_position, NotTerminal),
                            no("a position of another market", foreign_position, WrongMarket),
                            no("an empty position", |s| s.scene.world.position_address(&s.empty), OfferMismatch),
                        ],
                    ),
                ],
                transfer(["tip_account", "liquidity_vault", "mint", "token_program"], true, false),
                event(),
            ]),
        },
        Case {
            name: "settle_default",
            created: &[],
            build: |s| {
                let position = &s.scene.world.position(&s.scene.borrower);
                ix::SettleDefault { position, offers: &offers(s) }.instruction().expect("offers fit")
            },
            accounts: join(vec![
                vec![
                    market(),
                    at(
                        "position",
                        vec![
                            no("a healthy position", other_position, NotInDefault),
                            no("a position of another market", foreign_position, WrongMarket),
                            no("an empty position", |s| s.scene.world.position_address(&s.empty), OfferMismatch),
                        ],
                    ),
                ],
                event(),
            ]),
        },
        Case {
            name: "quote_position",
            created: &[],
            build: |s| {
                let position = &s.scene.world.position(&s.scene.borrower);
                ix::QuotePosition { position, offers: &offers(s) }.instruction().expect("offers fit")
            },
            accounts: vec![market(), quoted_position()],
        },
        Case {
            name: "quote_liquidation",
            created: &[],
            build: |s| {
                let position = &s.scene.world.position(&s.scene.borrower);
                let (repay_max_atoms, offers) = (u64::MAX, &offers(s));
                let quote =
                    ix::QuoteLiquidation { position, collateral_slot: 0, debt_slot: 0, repay_max_atoms, offers };
                quote.instruction().expect("offers fit")
            },
            accounts: vec![market(), quoted_position()],
        },
    ]
}

fn quoted_position() -> Place {
    at(
        "position",
        vec![
            yes("somebody else's position", other_position),
            no("a position of another market", foreign_position, PlimsollError::WrongMarket),
        ],
    )
}

/// The position of what works on an unhealthy one alone.
fn unhealthy_position() -> Place {
    at(
        "position",
        vec![
            no("a healthy position", other_position, Healthy),
            no("a position of another market", foreign_position, WrongMarket),
            no("a position without debt", |s| s.scene.world.position_address(&s.free), SlotNotOpen),
            no("an empty position", |s| s.scene.world.position_address(&s.empty), SlotNotOpen),
        ],
    )
}

/// The position and the pair of a liquidation, by whomever.
pub fn pair() -> Vec<Place> {
    vec![
        unhealthy_position(),
        at(
            "seized_reserve",
            vec![
                no("another reserve", |s| s.eth.reserve, SlotNotOpen),
                no("another market's reserve", |s| s.foreign_sol.reserve, SlotNotOpen),
                no("the repaid reserve", |s| s.scene.usdc.reserve, SameAccount),
            ],
        ),
        at(
            "repaid_reserve",
            vec![
                no("another reserve", |s| s.usdt.reserve, SlotNotOpen),
                no("another market's reserve", |s| s.foreign_usdc.reserve, SlotNotOpen),
                no("the seized reserve", |s| s.scene.sol.reserve, SameAccount),
            ],
        ),
    ]
}
