//! Remaining accounts: the position's reserves in slot order and the offered prices, nothing missing, repeated, reordered,
//! added, foreign or forged.

use super::common::*;

/// A position with two collaterals and two debts. SOL and USDC are what instructions name.
struct Wide {
    scene: Scene,
    eth: Token,
    usdt: Token,
    /// A token of the market that is no leg.
    extra: Token,
    /// ETH's reserve in another market.
    foreign: Token,
}

impl Wide {
    fn new() -> Self {
        let mut scene = Scene::new();
        let (eth, usdt) = (scene.add(Spec::volatile("ETH", "3000")), scene.add(Spec::stable("USDT", "1").pull()));
        let extra = scene.add(Spec::volatile("EXTRA", "10"));
        let (lender, borrower) = (scene.lender.clone(), scene.borrower.clone());
        scene.world.supply(&lender, &usdt, usdt.atoms("100000")).expect("a supply");
        scene.world.deposit(&borrower, &eth, eth.atoms("1")).expect("a deposit");
        scene.world.borrow(&borrower, &usdt, usdt.atoms("1000")).expect("a borrow");
        scene.world.pass_cool_off();
        let foreign = foreign(&mut scene, &eth);
        scene.open_pool(plimsoll_testkit::backstop_policy());
        Self { scene, eth, usdt, extra, foreign }
    }
}

/// A reserve of the same token and feed in another market.
pub fn foreign(scene: &mut Scene, token: &Token) -> Token {
    let own = scene.world.market;
    if scene.world.exists(&address::market(2)) {
        scene.world.market = address::market(2);
    } else {
        scene.world.create_market(2, plimsoll_testkit::policy()).expect("a market");
    }
    let mut config = plimsoll_testkit::volatile(token.decimals);
    (config.oracle_kind, config.oracle) = (u64::from(token.oracle_kind), token.oracle);
    config.caps.collateral_atoms = 0;
    let reserve = address::reserve(&scene.world.market, &token.mint);
    let foreign = Token { reserve, name: format!("foreign {}", token.name).into(), ..token.clone() };
    scene.world.create_reserve(&foreign, config).expect("a reserve");
    scene.world.market = own;
    foreign
}

type Edit = fn(&mut Rest, &Wide);

/// What stands behind the named accounts, and the mask.
struct Rest {
    accounts: Vec<AccountMeta>,
    offered: u16,
}

impl Rest {
    fn leg(&mut self, token: &Token) -> &mut AccountMeta {
        self.accounts.iter_mut().find(|meta| meta.pubkey == token.reserve).expect("a leg")
    }

    fn index(&self, key: Pubkey) -> usize {
        self.accounts.iter().position(|meta| meta.pubkey == key).expect("it is there")
    }

    fn swap(&mut self, one: Pubkey, other: Pubkey) {
        let (one, other) = (self.index(one), self.index(other));
        self.accounts.swap(one, other);
    }

    fn remove(&mut self, key: Pubkey) {
        let index = self.index(key);
        self.accounts.remove(index);
    }

    fn push(&mut self, key: Pubkey) {
        self.accounts.push(AccountMeta::new(key, false));
    }
}

/// Builds an instruction, and says what refuses it as it stands, if it does not work.
type Build = fn(&Wide) -> (Instruction, Option<PlimsollError>);

/// Instructions with legs: how many accounts stand before the remaining ones, and how to build them.
const WITH_LEGS: [(&str, usize, Build); 7] = [
    ("borrow", 10, |wide| {
        let scene = &wide.scene;
        let (position, reserve) = (&scene.world.position(&scene.borrower), &scene.world.reserve(&scene.usdc));
        let offers = &scene.world.offers(position, None);
        let borrow = ix::Borrow { position, reserve, owner_liquidity: None, amount_atoms: 1, offers };
        (borrow.instruction().expect("offers fit"), None)
    }),
    ("withdraw", 10, |wide| {
        let scene = &wide.scene;
        let (position, reserve) = (&scene.world.position(&scene.borrower), &scene.world.reserve(&scene.sol));
        let offers = &scene.world.offers(position, None);
        let withdraw = ix::WithdrawCollateral { position, reserve, owner_collateral: None, amount_atoms: 1, offers };
        (withdraw.instruction().expect("offers fit"), None)
    }),
    ("liquidate", 15, |wide| {
        let scene = &wide.scene;
        let position = &scene.world.position(&scene.borrower);
        let liquidate = ix::Liquidate {
            liquidator: scene.liquidator.address(),
            position,
            seized: &scene.world.reserve(&scene.sol),
            repaid: &scene.world.reserve(&scene.usdc),
            liquidator_liquidity: None,
            liquidator_collateral: None,
            repay_max_atoms: u64::MAX,
            seize_min_atoms: 0,
            offers: &scene.world.offers(position, None),
        };
        (liquidate.instruction().expect("offers fit"), None)
    }),
    ("backstop", 11, |wide| {
        let scene = &wide.scene;
        let absorb = scene.world.absorption(&scene.stranger, &scene.borrower, &scene.sol, &scene.usdc, 0);
        (absorb, Some(PlimsollError::BackstopNotTriggered))
    }),
    ("settle", 4, |wide| {
        let position = &wide.scene.world.position(&wide.scene.borrower);
        let offers = &wide.scene.world.offers(position, None);
        (ix::SettleDefault { position, offers }.instruction().expect("offers fit"), Some(PlimsollError::NotInDefault))
    }),
    ("quote position", 2, |wide| {
        let position = &wide.scene.world.position(&wide.scene.borrower);
        let offers = &wide.scene.world.offers(position, None);
        (ix::QuotePosition { position, offers }.instruction().expect("offers fit"), None)
    }),
    ("quote liquidation", 2, |wide| {
        let position = &wide.scene.world.position(&wide.scene.borrower);
        let offers = &wide.scene.world.offers(position, None);
        let quote =
            ix::QuoteLiquidation { position, collateral_slot: 0, debt_slot: 0, repay_max_atoms: u64::MAX, offers };
        (quote.instruction().expect("offers fit"), None)
    }),
];

/// Sends an instruction with edited remaining accounts, signed by whom it needs, at the stranger's expense.
fn send(wide: &mut Wide, (named, instruction): (usize, &Instruction), edit: impl FnOnce(&mut Rest, &Wide)) -> Outcome {
    let mut instruction = instruction.clone();
    let split = instruction.data.len() - 2;
    let offered = u16::from_le_bytes([instruction.data[split], instruction.data[split + 1]]);
    let mut rest = Rest { accounts: instruction.accounts.split_off(named), offered };
    edit(&mut rest, wide);
    instruction.accounts.extend(rest.accounts);
    instruction.data.truncate(split);
    instruction.data.extend_from_slice(&rest.offered.to_le_bytes());
    let scene = &mut wide.scene;
    let (stranger, borrower, liquidator) = (scene.stranger.clone(), scene.borrower.clone(), scene.liquidator.clone());
    let mut signers: Vec<&dyn Role> = vec![&stranger];
    let people: [&dyn Role; 2] = [&borrower, &liquidator];
    signers.extend(
        people
            .into_iter()
            .filter(|role| instruction.accounts.iter().any(|meta| meta.is_signer && meta.pubkey == role.address())),
    );
    scene.world.send(&[instruction], &signers)
}

/// Asserts a refusal by every instruction with legs.
fn refused_by_all(wide: &mut Wide, cases: &[(&str, PlimsollError, Edit)]) {
    wide.scene.world.advance(1);
    wide.scene.world.refresh_prices();
    for (action, named, build) in WITH_LEGS {
        let (instruction, _) = build(wide);
        for (case, error, edit) in cases {
            let before = wide.scene.world.snapshot();
            let outcome = send(wide, (named, &instruction), edit);
            if let Some(difference) = differs(&outcome, &(*error).into()) {
                panic!("{action} with {case}: {difference}");
            }
            before.assert_unchanged(&wide.scene.world);
        }
    }
}

/// Where USDT is named by no instruction here, ETH too; SOL or USDC are remaining accounts of some.
const LEGS: &[(&str, PlimsollError, Edit)] = {
    use PlimsollError::*;
    &[
        ("nothing", LegMissing, |rest, _| {
            rest.accounts.clear();
            rest.offered = 0;
        }),
        ("the last reserve missing", LegMissing, |rest, wide| {
            rest.accounts.truncate(rest.index(wide.usdt.reserve));
            rest.offered = 0;
        }),
        ("the last reserve missing before the prices", LegOutOfOrder, |rest, wide| rest.remove(wide.usdt.reserve)),
        ("a collateral missing", LegOutOfOrder, |rest, wide| rest.remove(wide.eth.reserve)),
        ("a collateral in the place of a debt", LegOutOfOrder, |rest, wide| {
            rest.leg(&wide.usdt).pubkey = wide.eth.reserve
        }),
        ("a debt in the place of a collateral", LegOutOfOrder, |rest, wide| {
            rest.leg(&wide.eth).pubkey = wide.usdt.reserve
        }),
        ("two legs swapped", LegOutOfOrder, |rest, wide| rest.swap(wide.eth.reserve, wide.usdt.reserve)),
        ("a leg and a price swapped", LegOutOfOrder, |rest, wide| rest.swap(wide.usdt.reserve, wide.eth.price)),
        ("a leg repeated in front", LegOutOfOrder, |rest, wide| {
            let again = rest.leg(&wide.usdt).clone();
            rest.accounts.insert(0, again);
        }),
        ("a leg repeated behind", ExtraAccount, |rest, wide| {
            let again = rest.leg(&wide.usdt).clone();
            rest.accounts.push(again);
        }),
        ("a reserve of the market that is no leg, behind", ExtraAccount, |rest, wide| rest.push(wide.extra.reserve)),
        ("a reserve of the market that is no leg, in a leg's place", LegOutOfOrder, |rest, wide| {
            rest.leg(&wide.eth).pubkey = wide.extra.reserve;
        }),
        ("another market's reserve of the same token", LegOutOfOrder, |rest, wide| {
            rest.leg(&wide.eth).pubkey = wide.foreign.reserve
        }),
        ("another market's reserve behind", ExtraAccount, |rest, wide| rest.push(wide.foreign.reserve)),
        ("a mint in a leg's place", LegOutOfOrder, |rest, wide| rest.leg(&wide.eth).pubkey = wide.eth.mint),
        ("a market in a leg's place", LegOutOfOrder, |rest, wide| rest.leg(&wide.eth).pubkey = wide.scene.world.market),
        ("an account that does not exist in a leg's place", LegOutOfOrder, |rest, wide| {
            rest.leg(&wide.eth).pubkey = Pubkey::new_from_array([7; 32]);
        }),
        ("a price too many", ExtraAccount, |rest, wide| rest.push(wide.eth.price)),
        ("a price that no bit announces", ExtraAccount, |rest, _| rest.offered &= !0b1000),
        ("prices that no bit announces", ExtraAccount, |rest, _| rest.offered = 0),
        ("a bit beyond the legs", OfferMismatch, |rest, _| rest.offered |= 1 << 4),
        ("the last bit", OfferMismatch, |rest, _| rest.offered |= 1 << 15),
        ("a bit beyond the legs, with a price for it", OfferMismatch, |rest, wide| {
            rest.offered |= 1 << 4;
            rest.push(wide.extra.price);
        }),
        ("every bit", OfferMismatch, |rest, _| rest.offered = u16::MAX),
        ("the last price missing", OfferMismatch, |rest, wide| rest.remove(wide.usdt.price)),
        ("all prices missing", OfferMismatch, |rest, wide| {
            rest.accounts.truncate(rest.index(wide.usdt.reserve) + 1);
        }),
        // SOL's price is a pull update, and so is ETH's.
        ("two prices swapped", WrongFeed, |rest, wide| rest.swap(wide.scene.sol.price, wide.eth.price)),
        ("a price missing and its bit set", WrongFeed, |rest, wide| {
            rest.remove(wide.scene.sol.price);
            rest.push(wide.eth.price);
        }),
        ("a reserve for a price", WrongPriceOwner, |rest, wide| {
            let index = rest.index(wide.eth.price);
            rest.accounts[index].pubkey = wide.eth.reserve;
        }),
    ]
};

#[test]
fn remaining_accounts_are_exactly_the_legs_and_the_offered_prices() {
    let mut wide = Wide::new();
    refused_by_all(&mut wide, LEGS);
}

#[test]
fn what_is_tampered_with_here_works_untampered() {
    for (action, named, build) in WITH_LEGS {
        let mut wide = Wide::new();
        wide.scene
            .world
            .set_price(&wide.scene.sol.clone(), if matches!(action, "liquidate" | "backstop") { "95" } else { "150" });
        wide.scene.world.refresh_prices();
        let (instruction, refusal) = build(&wide);
        let outcome = send(&mut wide, (named, &instruction), |_, _| ());
        match refusal {
            Some(error) => refused(outcome, error),
            None => {
                outcome.unwrap_or_else(|refused| panic!("{action}: {refused:?}"));
            }
        }
    }
}

#[test]
fn a_named_reserve_is_not_repeated_among_the_legs() {
    let mut wide = Wide::new();
    for (action, named, build) in WITH_LEGS.into_iter().take(4) {
        let (instruction, _) = build(&wide);
        let own = if action == "borrow" { wide.scene.usdc.reserve } else { wide.scene.sol.reserve };
        type Repeat = fn(&mut Rest, Pubkey);
        let cases: [(PlimsollError, Repeat); 2] = [
            (PlimsollError::LegOutOfOrder, |rest, own| rest.accounts.insert(0, AccountMeta::new(own, false))),
            (PlimsollError::ExtraAccount, |rest, own| rest.accounts.push(AccountMeta::new(own, false))),
        ];
        for (error, edit) in cases {
            let before = wide.scene.world.snapshot();
            let outcome = send(&mut wide, (named, &instruction), |rest, _| edit(rest, own));
            refused(outcome, error);
            before.assert_unchanged(&wide.scene.world);
        }
    }
}

#[test]
fn a_leg_with_the_right_bytes_that_another_program_owns_is_no_reserve() {
    type Forge = fn(&mut Vec<u8>, &mut Pubkey);
    let forgeries: [(&str, Forge); 6] = [
        ("owned by the system program", |_, owner| *owner = Pubkey::default()),
        ("owned by another program", |_, owner| *owner = Pubkey::new_from_array([9; 32])),
        ("without its discriminator", |data, _| data[..8].fill(0)),
        ("with a position's discriminator", |data, _| {
            data[..8].copy_from_slice(<plimsoll::state::Position as anchor_lang::Discriminator>::DISCRIMINATOR);
        }),
        ("too short", |data, _| data.truncate(2_047)),
        ("too long", |data, _| data.push(0)),
    ];
    for (case, forge) in forgeries {
        let mut wide = Wide::new();
        let eth = wide.eth.clone();
        wide.scene.edit_account(&eth.reserve, forge);
        refused_by_all(&mut wide, &[(case, PlimsollError::NotAReserve, |_, _| ())]);
    }
}

#[test]
fn a_leg_that_says_it_is_of_another_market_is_refused() {
    let mut wide = Wide::new();
    let eth = wide.eth.clone();
    wide.scene.edit_reserve(&eth, |reserve| reserve.market[0] ^= 1);
    refused_by_all(&mut wide, &[("a leg of another market", PlimsollError::WrongMarket, |_, _| ())]);
}

#[test]
fn a_forged_copy_of_a_reserve_at_another_address_is_out_of_order() {
    let mut wide = Wide::new();
    let original = wide.scene.world.svm.get_account(&wide.eth.reserve).expect("a reserve");
    wide.scene.world.put_account(Pubkey::new_from_array([8; 32]), plimsoll_client::PROGRAM_ID, original.data.clone());
    wide.scene.world.put_account(Pubkey::new_from_array([9; 32]), Pubkey::new_from_array([1; 32]), original.data);
    refused_by_all(
        &mut wide,
        &[
            ("a copy", PlimsollError::LegOutOfOrder, |rest, wide| {
                rest.leg(&wide.eth).pubkey = Pubkey::new_from_array([8; 32])
            }),
            ("a copy of another owner", PlimsollError::LegOutOfOrder, |rest, wide| {
                rest.leg(&wide.eth).pubkey = Pubkey::new_from_array([9; 32]);
            }),
        ],
    );
}

#[test]
fn collateral_not_counted_yet_must_be_writable_in_a_borrow() {
    let mut scene = Scene::new();
    let (sol, usdc) = (scene.sol.clone(), scene.usdc.clone());
    let borrower = scene.world.borrower();
    scene.world.wallet(&borrower, &usdc);
    scene.world.deposit(&borrower, &sol, sol.atoms("10")).expect("a deposit");
    let borrow = |scene: &mut Scene| scene.world.borrow(&borrower, &usdc, usdc.atoms("100"));
    scene.refuses(PlimsollError::LegNotWritable, |scene| {
        let key = sol.reserve;
        let protect = move |instruction: &mut Instruction| {
            instruction.accounts.iter_mut().filter(|meta| meta.pubkey == key).for_each(|meta| meta.is_writable = false);
        };
        scene.world.tampering(protect, |world| world.borrow(&borrower, &usdc, usdc.atoms("100")))
    });
    borrow(&mut scene).expect("writable");
    // Counted now: read-only is enough, and what the client asks for.
    borrow(&mut scene).expect("counted");
}

#[test]
fn reserves_of_a_default_must_be_writable() {
    for index in [0, 1] {
        let mut scene = Scene::new();
        super::health::leave_a_rest(&mut scene, "0.5");
        let key = [scene.sol.reserve, scene.usdc.reserve][index];
        let protect = move |instruction: &mut Instruction| {
            instruction.accounts.iter_mut().filter(|meta| meta.pubkey == key).for_each(|meta| meta.is_writable = false);
        };
        let (liquidator, borrower) = (scene.liquidator.clone(), scene.borrower.clone());
        scene.refuses(PlimsollError::LegNotWritable, |scene| {
            scene.world.tampering(protect, |world| world.settle_default(&liquidator, &borrower))
        });
        scene.settle().expect("writable");
    }
}

#[test]
fn a_debt_free_withdrawal_takes_no_remaining_accounts() {
    let mut scene = Scene::new();
    scene.repay(u64::MAX).expect("a repayment");
    let sol = scene.sol.clone();
    type Add = fn(&mut Instruction, &Token);
    let cases: [(&str, Add); 3] = [
        ("a reserve", |instruction, sol| instruction.accounts.push(AccountMeta::new_readonly(sol.reserve, false))),
        ("a price", |instruction, sol| instruction.accounts.push(AccountMeta::new_readonly(sol.price, false))),
        ("an offer", |instruction, _| *instruction.data.iter_mut().nth_back(1).expect("a mask") = 1),
    ];
    for (case, edit) in cases {
        let sol = sol.clone();
        let borrower = scene.borrower.clone();
        scene.refuses_case(case, PlimsollError::ExtraAccount, |scene| {
            let token = sol.clone();
            scene
                .world
                .tampering(move |instruction| edit(instruction, &sol), |world| world.withdraw(&borrower, &token, 1))
        });
    }
}

#[test]
fn a_refresh_takes_pairs_of_a_writable_reserve_and_its_price() {
    use PlimsollError::*;
    type Pairs = fn(&Wide) -> Vec<AccountMeta>;
    fn w(key: Pubkey) -> AccountMeta {
        AccountMeta::new(key, false)
    }
    fn r(key: Pubkey) -> AccountMeta {
        AccountMeta::new_readonly(key, false)
    }
    let cases: &[(&str, PlimsollError, Pairs)] = &[
        ("nothing", LegMissing, |_| vec![]),
        ("a reserve alone", LegMissing, |wide| vec![w(wide.eth.reserve)]),
        ("a price missing", OfferMismatch, |wide| vec![w(wide.eth.reserve), r(wide.eth.price), w(wide.usdt.reserve)]),
        ("price and reserve swapped", NotAReserve, |wide| vec![w(wide.eth.price), r(wide.eth.reserve)]),
        ("a mint", NotAReserve, |wide| vec![w(wide.eth.mint), r(wide.eth.price)]),
        ("a market", NotAReserve, |wide| vec![w(wide.scene.world.market), r(wide.eth.price)]),
        ("a position", NotAReserve, |wide| {
            vec![w(wide.scene.world.position_address(&wide.scene.borrower)), r(wide.eth.price)]
        }),
        ("an account that does not exist", NotAReserve, |wide| {
            vec![w(Pubkey::new_from_array([7; 32])), r(wide.eth.price)]
        }),
        ("a copy of another owner", NotAReserve, |wide| vec![w(Pubkey::new_from_array([9; 32])), r(wide.eth.price)]),
        ("a read-only reserve", LegNotWritable, |wide| vec![r(wide.eth.reserve), r(wide.eth.price)]),
        ("another feed's price", WrongFeed, |wide| vec![w(wide.eth.reserve), r(wide.usdt.price)]),
        ("another oracle's price", WrongPriceOwner, |wide| vec![w(wide.eth.reserve), r(wide.scene.usdc.price)]),
        ("the reserve for its price", WrongPriceOwner, |wide| vec![w(wide.eth.reserve), w(wide.eth.reserve)]),
        ("a bad pair behind a good one", WrongFeed, |wide| {
            vec![w(wide.usdt.reserve), r(wide.usdt.price), w(wide.eth.reserve), r(wide.usdt.price)]
        }),
    ];
    let mut wide = Wide::new();
    wide.scene.world.advance(1);
    wide.scene.world.refresh_prices();
    let original = wide.scene.world.svm.get_account(&wide.eth.reserve).expect("a reserve");
    wide.scene.world.put_account(Pubkey::new_from_array([9; 32]), Pubkey::new_from_array([1; 32]), original.data);
    for (case, error, pairs) in cases {
        let mut instruction = ix::RefreshReserves { offers: &[] }.instruction();
        instruction.accounts.extend(pairs(&wide));
        let stranger = wide.scene.stranger.clone();
        wide.scene.refuses_case(case, *error, |scene| scene.world.send(&[instruction], &[&stranger]));
    }
}

#[test]
fn a_repeated_pair_in_a_refresh_changes_nothing_more() {
    let mut wide = Wide::new();
    wide.scene.world.advance(1);
    wide.scene.world.refresh_prices();
    let eth = wide.eth.clone();
    wide.scene.refresh(&[&eth, &eth]).expect("harmless");
    wide.scene.world.check_invariants();
}
