//! Price accounts that are not what they are given for: another owner's, another feed's, forged, cut, not verified, not
//! trading.

use super::common::*;
use super::prices::{both_kinds, READERS};

type Forgery = fn(&mut Scene, &Token);

fn edit(scene: &mut Scene, token: &Token, edit: impl FnOnce(&mut Vec<u8>, &mut Pubkey)) {
    scene.edit_account(&token.price, edit);
}

const FORGED_PULL: &[(&str, PlimsollError, Forgery)] = {
    use PlimsollError::*;
    &[
        ("owned by the system program", WrongPriceOwner, |s, t| edit(s, t, |_, owner| *owner = Pubkey::default())),
        ("owned by the push oracle", WrongPriceOwner, |s, t| {
            edit(s, t, |_, owner| *owner = plimsoll::constants::PYTH_PUSH_PROGRAM)
        }),
        ("owned by this program", WrongPriceOwner, |s, t| edit(s, t, |_, owner| *owner = plimsoll_client::PROGRAM_ID)),
        ("empty", MalformedPrice, |s, t| edit(s, t, |data, _| data.clear())),
        ("truncated by a byte too many", MalformedPrice, |s, t| edit(s, t, |data, _| data.truncate(132))),
        ("truncated to its discriminator", MalformedPrice, |s, t| edit(s, t, |data, _| data.truncate(8))),
        ("of another discriminator", MalformedPrice, |s, t| edit(s, t, |data, _| data[0] ^= 1)),
        ("of no discriminator", MalformedPrice, |s, t| edit(s, t, |data, _| data[..8].fill(0))),
        ("partly verified", PriceUnverified, |s, t| edit(s, t, |data, _| make_partial(data, 12))),
        ("partly verified by a great many", PriceUnverified, |s, t| edit(s, t, |data, _| make_partial(data, 255))),
        ("partly verified, laid out as if fully", PriceUnverified, |s, t| edit(s, t, |data, _| data[40] = 0)),
        ("verified to an unknown level", PriceUnverified, |s, t| edit(s, t, |data, _| data[40] = 2)),
        ("of another feed", WrongFeed, |s, t| edit(s, t, |data, _| data[41] ^= 1)),
        ("of another feed in the last byte", WrongFeed, |s, t| edit(s, t, |data, _| data[72] ^= 1)),
    ]
};

/// Turns a fully verified update into a partly verified one: the level takes one byte more and moves what follows.
fn make_partial(data: &mut Vec<u8>, signatures: u8) {
    data[40] = 0;
    data.insert(41, signatures);
}

/// Offsets in a push price account, for what follows here alone.
const PUSH_STATUS: usize = std::mem::offset_of!(pyth_sdk_solana::state::SolanaPriceAccount, agg)
    + std::mem::offset_of!(pyth_sdk_solana::state::PriceInfo, status);

const FORGED_PUSH: &[(&str, PlimsollError, Forgery)] = {
    use PlimsollError::*;
    &[
        ("owned by the system program", WrongPriceOwner, |s, t| edit(s, t, |_, owner| *owner = Pubkey::default())),
        ("owned by the pull oracle", WrongPriceOwner, |s, t| {
            edit(s, t, |_, owner| *owner = pyth_solana_receiver_sdk::ID)
        }),
        ("empty", MalformedPrice, |s, t| edit(s, t, |data, _| data.clear())),
        ("truncated by a byte", MalformedPrice, |s, t| {
            edit(s, t, |data, _| {
                data.truncate(size_of::<pyth_sdk_solana::state::SolanaPriceAccount>() - 1);
            })
        }),
        ("truncated to its header", MalformedPrice, |s, t| edit(s, t, |data, _| data.truncate(16))),
        ("of another magic", MalformedPrice, |s, t| edit(s, t, |data, _| data[0] ^= 1)),
        ("of another version", MalformedPrice, |s, t| edit(s, t, |data, _| data[4] = 1)),
        ("a mapping account", MalformedPrice, |s, t| edit(s, t, |data, _| data[8] = 1)),
        ("a product account", MalformedPrice, |s, t| edit(s, t, |data, _| data[8] = 2)),
        ("of unknown status", PriceNotTrading, |s, t| edit(s, t, |data, _| data[PUSH_STATUS] = 0)),
        ("halted", PriceNotTrading, |s, t| edit(s, t, |data, _| data[PUSH_STATUS] = 2)),
        ("in auction", PriceNotTrading, |s, t| edit(s, t, |data, _| data[PUSH_STATUS] = 3)),
        ("to be ignored", PriceNotTrading, |s, t| edit(s, t, |data, _| data[PUSH_STATUS] = 4)),
    ]
};

#[test]
fn a_forged_or_broken_price_account_is_refused_by_every_action_that_reads_it() {
    for mut scene in both_kinds() {
        scene.world.advance(1);
        scene.world.refresh_prices();
        for token in [scene.sol.clone(), scene.usdc.clone()] {
            let good = scene.world.svm.get_account(&token.price).expect("a price account");
            for (name, error, forge) in if token.is_pull() { FORGED_PULL } else { FORGED_PUSH } {
                forge(&mut scene, &token);
                for (action, act) in READERS {
                    let case = format!("{action} with a price account of {} that is {name}", token.name);
                    scene.refuses_case(&case, *error, act);
                }
                scene.world.svm.set_account(token.price, good.clone()).expect("an account");
            }
        }
    }
}

#[test]
fn a_reserve_is_not_created_with_a_forged_or_broken_price_account() {
    for (kind, forgeries) in [(Spec::pull as fn(Spec) -> Spec, FORGED_PULL), (Spec::push, FORGED_PUSH)] {
        for (name, error, forge) in forgeries {
            let mut scene = Scene::new();
            let (token, config) = scene.unborn(kind(Spec::volatile("NEW", "10")));
            forge(&mut scene, &token);
            scene.refuses_case(name, *error, |scene| scene.world.create_reserve(&token, config));
        }
    }
}

#[test]
fn another_tokens_price_account_is_refused_for_both_kinds() {
    for (kind, alien, error) in [
        (Spec::pull as fn(Spec) -> Spec, Spec::pull as fn(Spec) -> Spec, PlimsollError::WrongFeed),
        (Spec::push, Spec::push, PlimsollError::WrongFeed),
        (Spec::pull, Spec::push, PlimsollError::WrongPriceOwner),
        (Spec::push, Spec::pull, PlimsollError::WrongPriceOwner),
    ] {
        let mut scene = Scene::with(kind(Spec::volatile("SOL", "150")), Spec::stable("USDC", "1"));
        scene.open_pool(plimsoll_testkit::backstop_policy());
        let alien = scene.add(alien(Spec::volatile("ALIEN", "150")));
        let (own, other) = (scene.sol.price, alien.price);
        for (action, act) in READERS {
            let swap = move |instruction: &mut Instruction| {
                instruction.accounts.iter_mut().filter(|meta| meta.pubkey == own).for_each(|meta| meta.pubkey = other);
            };
            scene.refuses_case(action, error, |scene| scene.tampering(swap, act));
        }
    }
}

#[test]
fn an_account_that_does_not_exist_is_no_price() {
    let mut scene = Scene::new();
    scene.open_pool(plimsoll_testkit::backstop_policy());
    let sol = scene.sol.clone();
    scene.world.svm.set_account(sol.price, solana_account::Account::default()).expect("an account");
    for (action, act) in READERS {
        scene.refuses_case(action, PlimsollError::WrongPriceOwner, act);
    }
}
