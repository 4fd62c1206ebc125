//! Prices that no action takes, prices that some actions do not take, and the rule of the newest reading.

use super::common::*;
use plimsoll_testkit::Price;

type Change = fn(Price) -> Price;

/// What no action takes, whatever its age.
const IMPOSSIBLE: &[(&str, PlimsollError, Change)] = {
    use PlimsollError::*;
    &[
        ("zero", PriceNotPositive, |price| Price { spot: 0, ..price }),
        ("negative", PriceNotPositive, |price| Price { spot: -price.spot, ..price }),
        ("most negative", PriceNotPositive, |price| Price { spot: i64::MIN, ..price }),
        ("zero average", PriceNotPositive, |price| Price { average: 0, ..price }),
        ("negative average", PriceNotPositive, |price| Price { average: -1, ..price }),
        ("1e-13 USD", PriceOutOfRange, |price| Price { spot: 1, average: 1, exponent: -13, ..price }),
        ("1e-13 USD by a large exponent", PriceOutOfRange, |price| Price {
            spot: 99_999,
            average: 99_999,
            exponent: -18,
            ..price
        }),
        ("an average of 1e-13 USD", PriceOutOfRange, |price| Price {
            spot: 1_000_000,
            average: 1,
            exponent: -13,
            ..price
        }),
        ("1e10 USD", PriceOutOfRange, |price| Price { spot: 1_000_000, average: 1_000_000, exponent: 4, ..price }),
        ("an average of 1e10 USD", PriceOutOfRange, |price| Price {
            spot: 1,
            average: 1_000_000,
            exponent: 4,
            ..price
        }),
        ("just above 1e9 USD", PriceOutOfRange, |price| Price {
            spot: 1_000_000_001,
            average: 1,
            exponent: 0,
            ..price
        }),
        ("the largest number", PriceOutOfRange, |price| Price { spot: i64::MAX, average: i64::MAX, ..price }),
        ("exponent -19", PriceOutOfRange, |price| Price { spot: i64::MAX, average: i64::MAX, exponent: -19, ..price }),
        ("exponent 5", PriceOutOfRange, |price| Price { spot: 1, average: 1, exponent: 5, ..price }),
        ("the lowest exponent", PriceOutOfRange, |price| Price { exponent: i32::MIN, ..price }),
        ("the highest exponent", PriceOutOfRange, |price| Price { exponent: i32::MAX, ..price }),
        ("6 s ahead", PriceFromFuture, |price| Price { publish_time: price.publish_time + 6, ..price }),
        ("the end of time", PriceFromFuture, |price| Price { publish_time: i64::MAX, ..price }),
    ]
};

/// Both kinds of price account in both parts, with a backstop pool.
pub fn both_kinds() -> [Scene; 2] {
    let mut scenes = [
        Scene::with(Spec::volatile("SOL", "150").pull(), Spec::stable("USDC", "1").push()),
        Scene::with(Spec::volatile("SOL", "150").push(), Spec::stable("USDC", "1").pull()),
    ];
    for scene in &mut scenes {
        scene.open_pool(plimsoll_testkit::backstop_policy());
    }
    scenes
}

/// Every action that reads an offered price. One needs the scene to have a backstop pool.
pub const READERS: [(&str, Action); 8] = [
    ("borrow", |scene| scene.borrow(1)),
    ("withdraw", |scene| scene.withdraw(1)),
    ("liquidate", |scene| scene.liquidate(Limits::NONE)),
    ("backstop", |scene| scene.absorb(0)),
    ("settle", Scene::settle),
    ("refresh", |scene| {
        let (sol, usdc) = (scene.sol.clone(), scene.usdc.clone());
        scene.refresh(&[&sol, &usdc])
    }),
    ("quote position", Scene::quote_position),
    ("quote liquidation", Scene::quote_liquidation),
];

/// Publishes a token's price anew, changed.
fn publish(scene: &mut Scene, token: &Token, change: impl Fn(Price) -> Price) {
    let now = scene.world.unix();
    let last = scene.world.price(token);
    scene.world.publish(token, change(Price { publish_time: now, ..last }));
}

#[test]
fn an_impossible_price_is_refused_by_every_action_that_reads_it() {
    for mut scene in both_kinds() {
        scene.world.advance(1);
        for token in [scene.sol.clone(), scene.usdc.clone()] {
            let good = Price { publish_time: scene.world.unix(), ..scene.world.price(&token) };
            for (name, error, change) in IMPOSSIBLE {
                scene.world.publish(&token, change(good));
                for (action, act) in READERS {
                    let case = format!("{action} with {} at {name}, kind {}", token.name, token.oracle_kind);
                    scene.refuses_case(&case, *error, act);
                }
            }
            scene.world.publish(&token, good);
        }
    }
}

#[test]
fn a_reserve_is_not_created_with_an_impossible_price() {
    for kind in [Spec::pull as fn(Spec) -> Spec, Spec::push] {
        for (name, error, change) in IMPOSSIBLE {
            let mut scene = Scene::new();
            let (token, config) = scene.unborn(kind(Spec::volatile("NEW", "10")));
            publish(&mut scene, &token, change);
            scene.refuses_case(name, *error, |scene| scene.world.create_reserve(&token, config));
        }
    }
}

#[test]
fn prices_at_the_edges_of_range_and_time_are_taken() {
    let edges: [Change; 6] = [
        |price| Price { publish_time: price.publish_time + 5, ..price },
        |price| Price { spot: 1, average: 1, exponent: -12, ..price },
        |price| Price { spot: 1_000_000, average: 1_000_000, exponent: -18, ..price },
        |price| Price { spot: 1_000_000_000, average: 1_000_000_000, exponent: 0, ..price },
        |price| Price { spot: 100_000, average: 100_000, exponent: 4, ..price },
        |price| Price { confidence: u64::MAX, ..price },
    ];
    for change in edges {
        for mut scene in both_kinds() {
            scene.world.advance(1);
            let sol = scene.sol.clone();
            publish(&mut scene, &sol, change);
            scene.refresh(&[&sol]).expect("a price at the edge");
            let kept = scene.world.reserve(&sol).state.reading;
            let published = scene.world.price(&sol);
            assert_eq!((kept.price, kept.exponent), (published.spot.unsigned_abs(), published.exponent));
        }
    }
}

#[test]
fn extreme_prices_end_in_a_liquidation_or_a_named_refusal() {
    let edges: [(i64, i32); 8] =
        [(1, -12), (1_000_000, -18), (i64::MAX, -18), (1, -9), (1_000_000_000, 0), (100_000, 4), (1, 4), (1, -3)];
    for (number, exponent) in edges {
        for mut scene in both_kinds() {
            let token_pairs = [scene.sol.clone(), scene.usdc.clone()];
            for token in token_pairs {
                let world = scene.world.clone();
                scene.world.advance(1);
                scene.world.refresh_prices();
                publish(&mut scene, &token, |price| Price {
                    spot: number,
                    average: number,
                    confidence: 0,
                    exponent,
                    ..price
                });
                for (name, act) in READERS {
                    let untouched = scene.world.clone();
                    let before = scene.world.snapshot();
                    if let Err(refused) = act(&mut scene) {
                        let code = refused.code().unwrap_or_default();
                        assert!(
                            (6_000..7_000).contains(&code),
                            "{name} with {} at {number}e{exponent}: {refused:?}",
                            token.name
                        );
                        before.assert_unchanged(&scene.world);
                    }
                    scene.world.check_invariants();
                    scene.world = untouched;
                }
                scene.world = world;
            }
        }
    }
}

/// Grows the kept readings and the price accounts to an age; all of them, or all but one token's.
fn age(scene: &mut Scene, secs: i64, young: Option<&Token>) {
    scene.world.advance(1);
    scene.world.refresh_prices();
    let (sol, usdc) = (scene.sol.clone(), scene.usdc.clone());
    scene.refresh(&[&sol, &usdc]).expect("a refresh");
    scene.world.advance(secs);
    if let Some(token) = young {
        publish(scene, token, |price| price);
    }
}

#[test]
fn borrow_and_withdraw_need_every_price_fresh() {
    for old in ["SOL", "USDC"] {
        for (secs, is_fresh) in [(60, true), (61, false), (7 * 86_400, false)] {
            for mut scene in both_kinds() {
                let young = if old == "SOL" { scene.usdc.clone() } else { scene.sol.clone() };
                age(&mut scene, secs, Some(&young));
                if is_fresh {
                    scene.borrow(1).expect("fresh enough to borrow");
                    scene.withdraw(1).expect("fresh enough to withdraw");
                } else {
                    scene.refuses(PlimsollError::StalePrice, |scene| scene.borrow(1));
                    scene.refuses(PlimsollError::StalePrice, |scene| scene.withdraw(1));
                    // What needs no price goes on.
                    scene.deposit(1).expect("a deposit needs no price");
                    scene.repay(1).expect("a repayment needs no price");
                    scene.supply(1).expect("a supply needs no price");
                    scene.redeem(1 << 20).expect("a redemption needs no price");
                }
            }
        }
    }
}

#[test]
fn a_debt_free_withdrawal_needs_no_price() {
    let mut scene = Scene::new();
    scene.repay(u64::MAX).expect("a repayment");
    scene.world.advance(30 * 86_400);
    scene.withdraw(1).expect("no debt, no price");
}

#[test]
fn borrowing_needs_the_other_assets_fresh_too() {
    let mut scene = Scene::new();
    let grain = scene.add(Spec::volatile("GRAIN", "10"));
    let (sol, usdc, borrower) = (scene.sol.clone(), scene.usdc.clone(), scene.borrower.clone());
    scene.world.deposit(&borrower, &grain, 1).expect("a deposit");
    scene.world.advance(61);
    for token in [&sol, &usdc] {
        publish(&mut scene, token, |price| price);
    }
    scene.refuses(PlimsollError::StalePrice, |scene| scene.borrow(1));
    scene.refuses(PlimsollError::StalePrice, |scene| scene.withdraw(1));
    publish(&mut scene, &grain, |price| price);
    scene.borrow(1).expect("all fresh");
}

#[test]
fn liquidation_needs_the_prices_of_its_pair_young() {
    for old in ["SOL", "USDC"] {
        for (secs, is_young) in [(120, true), (121, false)] {
            for mut scene in both_kinds() {
                scene.price_sol("110");
                let young = if old == "SOL" { scene.usdc.clone() } else { scene.sol.clone() };
                age(&mut scene, secs, Some(&young));
                if is_young {
                    scene.liquidate(Limits::NONE).expect("young enough to liquidate");
                } else {
                    scene.refuses(PlimsollError::StalePrice, |scene| scene.liquidate(Limits::NONE));
                }
            }
        }
    }
}

#[test]
fn a_stale_price_comes_before_health() {
    let mut scene = Scene::new();
    scene.world.advance(3_600);
    scene.refuses(PlimsollError::StalePrice, |scene| scene.liquidate(Limits::NONE));
}

#[test]
fn a_liquidation_without_offers_counts_what_the_reserves_keep() {
    let mut scene = Scene::unhealthy();
    let (sol, usdc, liquidator, borrower) =
        (scene.sol.clone(), scene.usdc.clone(), scene.liquidator.clone(), scene.borrower.clone());
    let liquidate = |scene: &mut Scene| {
        scene.world.offering(&[], |world| world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE))
    };
    // The kept price is the one of the loan.
    scene.refuses(PlimsollError::Healthy, liquidate);
    scene.world.advance(121);
    scene.refuses(PlimsollError::StalePrice, liquidate);
    scene.world.refresh_prices();
    scene.refresh(&[&sol, &usdc]).expect("a refresh");
    liquidate(&mut scene).expect("kept and young");
}

/// Confidence as a part of the price in bps, and one unit more.
fn unsure(bps: u64, more: u64) -> impl Fn(Price) -> Price {
    move |price| Price { confidence: price.spot.unsigned_abs() * bps / 10_000 + more, ..price }
}

#[test]
fn a_confidence_beyond_the_soft_limit_opens_no_risk() {
    for mut scene in both_kinds() {
        for token in [scene.sol.clone(), scene.usdc.clone()] {
            for (more, is_sure) in [(0, true), (1, false), (u64::MAX / 2, false)] {
                scene.world.advance(1);
                scene.world.refresh_prices();
                publish(&mut scene, &token, unsure(100, more));
                if is_sure {
                    scene.borrow(1).expect("at the soft limit");
                    scene.withdraw(1).expect("at the soft limit");
                } else {
                    scene.refuses(PlimsollError::ConfidenceTooWide, |scene| scene.borrow(1));
                    scene.refuses(PlimsollError::ConfidenceTooWide, |scene| scene.withdraw(1));
                }
            }
            publish(&mut scene, &token, unsure(5, 0));
        }
    }
}

#[test]
fn a_confidence_beyond_the_hard_limit_liquidates_nobody() {
    for mut scene in both_kinds() {
        // Low enough to be unhealthy even where the excess of the confidence is given to the borrower.
        scene.price_sol("100");
        for token in [scene.sol.clone(), scene.usdc.clone()] {
            for more in [1, u64::MAX / 2] {
                scene.world.advance(1);
                scene.world.refresh_prices();
                publish(&mut scene, &token, unsure(500, more));
                scene.refuses(PlimsollError::ConfidenceTooWide, |scene| scene.liquidate(Limits::NONE));
            }
            publish(&mut scene, &token, unsure(5, 0));
        }
        scene.world.advance(1);
        scene.world.refresh_prices();
        for token in [scene.sol.clone(), scene.usdc.clone()] {
            publish(&mut scene, &token, unsure(500, 0));
        }
        scene.liquidate(Limits::NONE).expect("at the hard limit");
    }
}

#[test]
fn a_confidence_between_the_limits_moves_the_price_for_the_borrower() {
    let mut scene = Scene::new();
    // Health a little below one at the spot price; 4% more is healthy.
    scene.price_sol("113");
    scene.world.advance(1);
    scene.world.refresh_prices();
    let sol = scene.sol.clone();
    publish(&mut scene, &sol, unsure(500, 0));
    scene.refuses(PlimsollError::Healthy, |scene| scene.liquidate(Limits::NONE));
    scene.world.advance(1);
    scene.world.refresh_prices();
    publish(&mut scene, &sol, unsure(100, 0));
    scene.liquidate(Limits::NONE).expect("at the soft limit nothing is given");
}

#[test]
fn an_absurd_confidence_of_a_grain_of_other_collateral_does_not_stop_a_liquidation() {
    let mut scene = Scene::new();
    let grain = scene.add(Spec::volatile("GRAIN", "10"));
    let borrower = scene.borrower.clone();
    scene.world.deposit(&borrower, &grain, 10).expect("a deposit");
    scene.price_sol("110");
    scene.world.advance(1);
    scene.world.refresh_prices();
    publish(&mut scene, &grain, |price| Price { confidence: u64::MAX, ..price });
    scene.liquidate(Limits::NONE).expect("ten atoms worth 0.0000001 USD make nobody healthy");
}

#[test]
fn an_absurd_confidence_of_another_debt_does_not_stop_a_liquidation() {
    let mut scene = Scene::new();
    let other = scene.add(Spec::stable("OTHER", "1"));
    let (lender, borrower) = (scene.lender.clone(), scene.borrower.clone());
    scene.world.supply(&lender, &other, other.atoms("10000")).expect("a supply");
    scene.world.borrow(&borrower, &other, other.atoms("1500")).expect("a borrow");
    scene.world.pass_cool_off();
    scene.price_sol("125");
    scene.world.advance(1);
    scene.world.refresh_prices();
    publish(&mut scene, &other, |price| Price { confidence: u64::MAX, ..price });
    scene.liquidate(Limits::NONE).expect("a debt of 1,500 USD does not vanish behind a wide confidence");
}

#[test]
fn a_price_off_its_average_opens_no_risk_and_liquidates() {
    for mut scene in both_kinds() {
        for token in [scene.sol.clone(), scene.usdc.clone()] {
            for (percent, more, is_near) in [(110, 0, true), (110, 1, false), (90, 0, true), (90, -1, false)] {
                scene.world.advance(1);
                scene.world.refresh_prices();
                publish(&mut scene, &token, |price| Price {
                    spot: price.average / 100 * percent + more,
                    confidence: 0,
                    ..price
                });
                if is_near {
                    scene.borrow(1).expect("within the band");
                } else {
                    scene.refuses(PlimsollError::PriceOffAverage, |scene| scene.borrow(1));
                    scene.refuses(PlimsollError::PriceOffAverage, |scene| scene.withdraw(1));
                }
            }
            publish(&mut scene, &token, |price| Price { spot: price.average, ..price });
        }
        scene.world.advance(1);
        scene.world.refresh_prices();
        scene.world.pass_cool_off();
        let sol = scene.sol.clone();
        publish(&mut scene, &sol, |price| Price { spot: price.average / 100 * 75, ..price });
        scene.liquidate(Limits::NONE).expect("a fall far from the average liquidates");
    }
}

#[test]
fn a_liquidator_cannot_pick_an_older_price_that_suits_better() {
    for mut scene in both_kinds() {
        let sol = scene.sol.clone();
        scene.price_sol("110");
        let low = scene.world.price(&sol);
        scene.price_sol("150");
        scene.refresh(&[&sol]).expect("a keeper hands in the recovery");
        scene.world.publish(&sol, low);
        scene.refuses(PlimsollError::Healthy, |scene| scene.liquidate(Limits::NONE));
    }
}

#[test]
fn a_borrower_cannot_pick_an_older_price_that_suits_better() {
    for mut scene in both_kinds() {
        let sol = scene.sol.clone();
        scene.price_sol("200");
        let high = scene.world.price(&sol);
        scene.price_sol("150");
        scene.refresh(&[&sol]).expect("a keeper hands in the fall");
        scene.world.publish(&sol, high);
        let amount = scene.usdc.atoms("4000");
        scene.refuses(PlimsollError::InitialHealthTooLow, |scene| scene.borrow(amount));
        let amount = scene.sol.atoms("40");
        scene.refuses(PlimsollError::InitialHealthTooLow, |scene| scene.withdraw(amount));
    }
}

#[test]
fn a_price_of_the_same_second_does_not_replace_the_kept_one() {
    for mut scene in both_kinds() {
        let sol = scene.sol.clone();
        scene.price_sol("150");
        scene.refresh(&[&sol]).expect("a refresh");
        publish(&mut scene, &sol, |price| Price { spot: price.spot / 2, average: price.average / 2, ..price });
        scene.refuses(PlimsollError::Healthy, |scene| scene.liquidate(Limits::NONE));
    }
}

#[test]
fn an_older_offer_is_no_error_and_the_kept_newer_price_counts() {
    for mut scene in both_kinds() {
        let (sol, usdc) = (scene.sol.clone(), scene.usdc.clone());
        let old = [scene.world.price(&sol), scene.world.price(&usdc)];
        scene.world.advance(1_000);
        scene.price_sol("110");
        scene.refresh(&[&sol, &usdc]).expect("a refresh");
        let kept = scene.world.reserve(&sol).state.reading;
        scene.world.publish(&sol, old[0]);
        scene.world.publish(&usdc, old[1]);
        scene.refresh(&[&sol, &usdc]).expect("an older offer is no error");
        assert_eq!(scene.world.reserve(&sol).state.reading, kept, "and changes no reading");
        scene.liquidate(Limits::NONE).expect("nobody blocks others with an old account");
    }
}

#[test]
fn a_price_that_is_not_old_cannot_be_noticed_as_such() {
    let mut scene = Scene::new();
    let (sol, stranger) = (scene.sol.clone(), scene.stranger.clone());
    let notice = |scene: &mut Scene| {
        scene.world.send(&[ix::NoticeStalePrice { reserve: sol.reserve }.instruction()], &[&stranger])
    };
    scene.refuses(PlimsollError::PriceNotStale, notice);
    age(&mut scene, 3_600, None);
    scene.refuses(PlimsollError::PriceNotStale, notice);
    scene.world.advance(1);
    notice(&mut scene).expect("older than an hour");
    scene.refuses(PlimsollError::PriceNotStale, notice);
}
