//! The table of prices and actions, asked of the real program: each row, each token it names, each limit on both sides.

use super::common::*;
use plimsoll_engine::oracle_policy::{Action as Deed, Demand, Legs, Otherwise, Row, TABLE};
use plimsoll_engine::state::OraclePolicy;
use plimsoll_testkit::Price;

type Deeds = Box<dyn Fn(&mut Scene) -> Outcome>;
/// Brings a token's reading to a limit, or by one unit beyond it.
type Spoil = Box<dyn Fn(&mut Scene, &Token, bool)>;

/// A scene in which an action is due (also where the widest confidence favours the borrower), the action, and why it is refused at good prices, if it is.
struct Stage {
    scene: Scene,
    act: Deeds,
    /// A leg that is neither seized nor repaid.
    other: Option<Token>,
    later: Option<PlimsollError>,
}

impl Stage {
    fn at(sol: &str, act: impl Fn(&mut Scene) -> Outcome + 'static) -> Self {
        Self::in_scene(Scene::new(), sol, act)
    }

    fn in_scene(mut scene: Scene, sol: &str, act: impl Fn(&mut Scene) -> Outcome + 'static) -> Self {
        scene.price_sol(sol);
        Self { scene, act: Box::new(act), other: None, later: None }
    }
}

fn flag(scene: &mut Scene) -> Outcome {
    scene.world.flag(&scene.stranger, &scene.borrower, &scene.sol, &scene.usdc)
}

fn stage(deed: Deed) -> Stage {
    match deed {
        Deed::Unpriced => Stage::at("150", |scene| {
            scene.deposit(1)?;
            scene.repay(1)?;
            scene.supply(1)?;
            scene.redeem(1 << 20)
        }),
        Deed::Borrow => Stage::at("150", |scene| scene.borrow(1)),
        Deed::Withdraw => Stage::at("150", |scene| scene.withdraw(1)),
        Deed::List => {
            let mut scene = Scene::new();
            let (token, config) = scene.unborn(Spec::volatile("NEW", "10"));
            let born = token.clone();
            let mut stage = Stage::in_scene(scene, "150", move |scene| scene.world.create_reserve(&born, config));
            // Its own token is the only one that it may read.
            stage.scene.sol = token;
            stage
        }
        Deed::Protect => {
            let mut scene = Scene::new();
            let borrower = scene.borrower.clone();
            scene.world.set_order(&borrower, 10_400, 100).expect("an order");
            Stage::in_scene(scene, "116", |scene| scene.liquidate(Limits::NONE))
        }
        Deed::Rescue => {
            let mut scene = Scene::new();
            let sol = scene.sol.clone();
            let full = sol.atoms("100");
            scene.edit_reserve(&sol, |reserve| reserve.caps.collateral_atoms = full);
            Stage::in_scene(scene, "105", |scene| {
                scene.world.rescue(&scene.stranger.clone(), &scene.borrower, &scene.sol, 1_000)
            })
        }
        Deed::Call => Stage::at("116", flag),
        Deed::Flag => Stage::at("105", flag),
        Deed::Liquidate => {
            let mut scene = Scene::new();
            let (grain, borrower) = (scene.add(Spec::volatile("GRAIN", "10")), scene.borrower.clone());
            scene.world.deposit(&borrower, &grain, 10).expect("a deposit");
            Stage { other: Some(grain), ..Stage::in_scene(scene, "105", |scene| scene.liquidate(Limits::NONE)) }
        }
        Deed::Absorb => {
            let mut scene = Scene::new();
            scene.open_pool(plimsoll_testkit::backstop_policy());
            // Prices are judged before the pool is asked for its deposits, and it has none.
            let stage = Stage::in_scene(scene, "100", |scene| scene.absorb(0));
            Stage { later: Some(PlimsollError::BackstopEmpty), ..stage }
        }
        Deed::Mark => Stage::at("50", |scene| scene.world.mark_default(&scene.stranger, &scene.borrower)),
        Deed::Settle => Stage::at("0.005", Scene::settle),
    }
}

fn tokens(stage: &Stage, legs: Legs) -> Vec<Token> {
    let (sol, usdc) = (stage.scene.sol.clone(), stage.scene.usdc.clone());
    match legs {
        Legs::None => vec![],
        Legs::Own => vec![sol],
        Legs::All | Legs::Pair | Legs::Rests => vec![sol, usdc],
        Legs::Others => vec![stage.other.clone().expect("another leg")],
    }
}

/// Publishes a token's price now, changed; its account alone knows of it.
fn publish(scene: &mut Scene, token: &Token, change: impl Fn(Price) -> Price) {
    let last = scene.world.price(token);
    let publish_time = scene.world.unix();
    scene.world.publish(token, change(Price { publish_time, ..last }));
}

/// Everything fresh, but for one token, whose reading is so old.
fn age(scene: &mut Scene, token: &Token, secs: u64) {
    scene.world.advance(1);
    scene.world.refresh_prices();
    publish(scene, token, |price| price);
    let oldest = scene.world.price(token);
    scene.world.advance(i64::try_from(secs).expect("seconds"));
    scene.world.refresh_prices();
    scene.world.publish(token, oldest);
}

/// The largest spot whose distance from the average is still within a band, for the average that a price has.
fn widest_spot(average: i64, bps: u64) -> i64 {
    average + average * i64::try_from(bps).expect("bps") / 10_000
}

/// What spoils one token's reading, and the refusal it earns.
fn spoils(policy: &OraclePolicy, demand: Demand) -> Vec<(&'static str, PlimsollError, Spoil)> {
    let (secs, bps) = (policy.age_secs_max(demand.age), policy.confidence_bps_max(demand.confidence));
    let band = policy.ema_band_bps;
    let mut spoils: Vec<(_, _, Spoil)> = vec![
        (
            "age",
            PlimsollError::StalePrice,
            Box::new(move |scene, token, beyond| age(scene, token, secs + u64::from(beyond))),
        ),
        (
            "confidence",
            PlimsollError::ConfidenceTooWide,
            Box::new(move |scene, token, beyond| {
                age(scene, token, 0);
                publish(scene, token, |price| Price {
                    confidence: price.spot.unsigned_abs() * bps / 10_000 + u64::from(beyond),
                    ..price
                });
            }),
        ),
    ];
    let off = Box::new(move |scene: &mut Scene, token: &Token, beyond| {
        age(scene, token, 0);
        // The average moves and the spot stays, or health would.
        publish(scene, token, |price| {
            let spot = price.spot;
            let mut average = spot * 10_000 / (10_000 + i64::try_from(band).expect("bps"));
            while widest_spot(average, band) < spot {
                average += 1;
            }
            Price { average: average - i64::from(beyond), ..price }
        });
    });
    spoils.push(("distance from the average", PlimsollError::PriceOffAverage, off));
    spoils
}

/// Whether an outcome is what an action does at good prices.
fn goes_on(outcome: &Outcome, later: Option<PlimsollError>) -> bool {
    match later {
        None => outcome.is_ok(),
        Some(error) => differs(outcome, &error.into()).is_none(),
    }
}

fn ask(row: &Row) -> usize {
    let mut asked = 0;
    let Some(demand) = row.demand else {
        let mut stage = stage(row.action);
        stage.scene.world.advance(30 * 86_400);
        (stage.act)(&mut stage.scene).expect("no price is read");
        return 1;
    };
    let token_count = tokens(&stage(row.action), row.legs).len();
    for index in 0..token_count {
        for limit in 0..3 {
            for beyond in [false, true] {
                let mut stage = stage(row.action);
                let token = tokens(&stage, row.legs).swap_remove(index);
                let policy = plimsoll_testkit::volatile(9).oracle_policy;
                let (what, error, spoil) = spoils(&policy, demand).swap_remove(limit);
                spoil(&mut stage.scene, &token, beyond);
                let is_asked = what != "distance from the average" || demand.near_average;
                let case = format!("{:?} with the {what} of {} beyond: {beyond}", row.action, token.name);
                let act = &stage.act;
                if is_asked && beyond && row.otherwise != Otherwise::Counts {
                    stage.scene.refuses_case(&case, error, act);
                } else {
                    let outcome = act(&mut stage.scene);
                    assert!(goes_on(&outcome, stage.later), "{case}: {outcome:?}");
                }
                asked += 1;
            }
        }
    }
    asked
}

#[test]
fn every_row_of_the_oracle_table_holds_for_the_real_program() {
    let asked: usize = TABLE.iter().map(ask).sum();
    assert_eq!(asked, 1 + 6 * (10 * 2 + 2), "an unpriced row, ten of a pair, one of another leg and one of its own");
}
