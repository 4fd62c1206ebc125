//! Sequences that once failed, as they shrank: played with every run. Each has a name that says what went wrong.

use super::run::play;
use super::scene::Scene;
use super::steps::Step;

/// Name and steps.
const REGRESSIONS: &[(&str, &[Step])] = &[(
    "a quote of a price from the future ends as its action does, with the error of the price account",
    &[
        Step { verb: "doubt", who: 0, what: 0, other: 0, amount: 2, spoil: 0 },
        Step { verb: "liquidate", who: 1, what: 0, other: 0, amount: 1, spoil: 0 },
    ],
)];

#[test]
fn what_failed_once_holds() {
    let template = Scene::new();
    for (name, steps) in REGRESSIONS {
        let played = play(&mut template.clone(), steps);
        assert_eq!(played, Ok(()), "{name}");
    }
}
