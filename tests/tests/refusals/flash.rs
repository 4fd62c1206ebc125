//! Flash loans: halves that do not match, what may not be done while one is open, and calls through another program.

use super::accounts::{cases, stage_for};
use super::common::*;
use anchor_lang::error::ErrorCode;
use plimsoll::constants::INSTRUCTIONS_SYSVAR;
use plimsoll_engine::state::RESERVE_CLOSED;
use PlimsollError::*;

/// A scene with a second token to lend.
struct Halves {
    scene: Scene,
    usdt: Token,
}

impl Halves {
    fn new() -> Self {
        let mut scene = Scene::new();
        let usdt = scene.add(Spec::stable("USDT", "1"));
        let lender = scene.lender.clone();
        scene.world.supply(&lender, &usdt, usdt.atoms("1000")).expect("a supply");
        Self { scene, usdt }
    }

    fn borrow(&self, amount_atoms: u64) -> Instruction {
        self.scene.world.flash_borrowing(&self.scene.stranger, &self.scene.usdc, amount_atoms)
    }

    fn repay(&self) -> Instruction {
        self.scene.world.flash_repayment(&self.scene.stranger, &self.scene.usdc)
    }

    fn borrow_other(&self) -> Instruction {
        self.scene.world.flash_borrowing(&self.scene.stranger, &self.usdt, 5)
    }

    fn repay_other(&self) -> Instruction {
        self.scene.world.flash_repayment(&self.scene.stranger, &self.usdt)
    }

    fn send(&mut self, instructions: &[Instruction]) -> Outcome {
        let stranger = self.scene.stranger.clone();
        self.scene.world.send(instructions, &[&stranger])
    }

    /// Asserts that the instruction of this index is refused with exactly this error, and that nothing changed.
    #[track_caller]
    fn refuses(&mut self, case: &str, index: u8, expected: impl Into<Refusal>, instructions: &[Instruction]) {
        let before = self.scene.world.snapshot();
        let outcome = self.send(instructions);
        if let Some(difference) = differs_at(index, &outcome, &expected.into()) {
            panic!("{case}: {difference}");
        }
        before.assert_unchanged(&self.scene.world);
    }
}

#[test]
fn every_half_needs_the_other_in_its_place() {
    let mut halves = Halves::new();
    let [borrow, repay] = [halves.borrow(1_000), halves.repay()];
    let [borrow_other, repay_other] = [halves.borrow_other(), halves.repay_other()];
    // The same call, of a program that does not exist here: never reached.
    let foreign = Instruction { program_id: Kind::Spl.program(), ..repay.clone() };
    let cases: [(&str, &[&Instruction], u8, PlimsollError); 12] = [
        ("a loan alone", &[&borrow], 0, FlashRepayMissing),
        ("a return alone", &[&repay], 0, FlashBorrowMissing),
        ("the return before the loan", &[&repay, &borrow], 0, FlashBorrowMissing),
        ("the return of another reserve", &[&borrow, &repay_other], 0, FlashRepayMissing),
        ("the return of another program", &[&borrow, &foreign], 0, FlashRepayMissing),
        ("two loans", &[&borrow, &borrow, &repay], 0, FlashRepayMissing),
        ("two loans, two returns", &[&borrow, &borrow, &repay, &repay], 0, FlashRepayMissing),
        ("a loan after its return", &[&borrow, &repay, &borrow], 2, FlashRepayMissing),
        ("a second return", &[&borrow, &repay, &repay], 2, FlashBorrowMissing),
        ("a return of what was not lent", &[&borrow, &repay, &repay_other], 2, FlashBorrowMissing),
        ("one of two not returned", &[&borrow, &borrow_other, &repay], 1, FlashRepayMissing),
        ("one of two not lent", &[&borrow, &repay_other, &repay], 1, FlashBorrowMissing),
    ];
    for (case, instructions, index, error) in cases {
        let instructions: Vec<Instruction> = instructions.iter().map(|&instruction| instruction.clone()).collect();
        halves.refuses(case, index, error, &instructions);
    }
    for instructions in [
        vec![borrow.clone(), repay.clone(), borrow.clone(), repay.clone()],
        vec![borrow.clone(), borrow_other.clone(), repay.clone(), repay_other.clone()],
        vec![borrow, borrow_other, repay_other, repay],
    ] {
        halves.send(&instructions).expect("halves that match");
        halves.scene.world.check_invariants();
    }
}

#[test]
fn amounts_that_cannot_be_lent_are_refused() {
    let mut halves = Halves::new();
    let (usdc, stranger) = (halves.scene.usdc.clone(), halves.scene.stranger.clone());
    halves.scene.world.accrue_interest(&stranger, &usdc).expect("interest");
    halves.scene.fund(1_000).expect("insurance");
    let cash = halves.scene.world.reserve(&usdc).state.cash_atoms;
    for (case, atoms, error) in [
        ("nothing", 0, ZeroAmount),
        ("an atom more than there is", cash + 1, InsufficientLiquidity),
        ("the largest number", u64::MAX, InsufficientLiquidity),
    ] {
        let pair = [halves.borrow(atoms), halves.repay()];
        halves.refuses(case, 0, error, &pair);
    }
    // Insurance and fees lie in the same vault, and are not lent.
    assert_eq!(halves.scene.world.atoms_in(&usdc.vault(Vault::Liquidity)), cash + 1_000);
    let pair = [halves.borrow(cash), halves.repay()];
    halves.send(&pair).expect("all there is");
    halves.scene.world.check_invariants();
}

#[test]
fn a_return_is_for_all_or_nothing() {
    let mut halves = Halves::new();
    let usdc = halves.scene.usdc.clone();
    // An atom short of the fee: 5 bps of 10,000.
    for (atoms, error) in [(4, Some(TOKEN_INSUFFICIENT_FUNDS)), (5, None)] {
        let poor = halves.scene.world.person("poor");
        let poor = halves.scene.with_wallet(poor, &usdc, atoms);
        let before = halves.scene.world.snapshot();
        let outcome = halves.scene.world.flash(&poor, &usdc, 10_000, &[]);
        match error {
            Some(error) => {
                assert_eq!(differs_at(1, &outcome, &error.into()), None);
                before.assert_unchanged(&halves.scene.world);
            }
            None => {
                outcome.expect("a return with its fee");
                assert_eq!(halves.scene.world.balance(&poor, &usdc), 0);
            }
        }
    }
    // Whose tokens they are, the token program asks.
    let poor = halves.scene.world.person("poor");
    let mut theft = halves.scene.world.flash_repayment(&poor, &usdc);
    theft.accounts[2].pubkey = halves.repay().accounts[2].pubkey;
    let stranger = halves.scene.stranger.clone();
    let pair = [halves.borrow(1_000), theft];
    let before = halves.scene.world.snapshot();
    let outcome = halves.scene.world.send(&pair, &[&stranger, &poor]);
    assert_eq!(differs_at(1, &outcome, &TOKEN_OWNER_MISMATCH.into()), None);
    before.assert_unchanged(&halves.scene.world);
}

#[test]
fn a_closed_reserve_and_one_that_lends_already_lend_nothing() {
    let mut halves = Halves::new();
    let usdc = halves.scene.usdc.clone();
    let pair = [halves.borrow(1_000), halves.repay()];
    // Neither state is met at the start of a loan by any way there is.
    halves.scene.edit_reserve(&usdc, |reserve| reserve.flash.principal_atoms = 1);
    halves.refuses("a loan is open", 0, FlashOpen, &pair);
    halves.scene.edit_reserve(&usdc, |reserve| {
        (reserve.flash.principal_atoms, reserve.status) = (0, RESERVE_CLOSED);
    });
    halves.refuses("closed", 0, ReserveClosed, &pair);
}

#[test]
fn instructions_are_read_from_the_runtimes_account_alone() {
    let mut halves = Halves::new();
    // What the runtime would write, by somebody else.
    let forged = Pubkey::new_from_array([0x5a; 32]);
    halves.scene.world.put_account(forged, anchor_lang::system_program::ID, vec![0; 600]);
    for (case, index) in [("a loan", 0), ("a return", 1)] {
        let mut pair = [halves.borrow(1_000), halves.repay()];
        let metas = &mut pair[usize::from(index)].accounts;
        metas.iter_mut().filter(|meta| meta.pubkey == INSTRUCTIONS_SYSVAR).for_each(|meta| meta.pubkey = forged);
        halves.refuses(case, index, ErrorCode::ConstraintAddress, &pair);
    }
}

#[test]
fn neither_half_is_called_through_another_program_with_the_pool() {
    let mut halves = Halves::new();
    halves.scene.world.add_pool_program();
    let [borrow, repay] = [halves.borrow(1_000), halves.repay()];
    let through = World::forwarded;
    let refused: [(&str, &[Instruction], u8, PlimsollError); 5] = [
        ("a loan", &[through(&borrow), repay.clone()], 0, NotTopLevel),
        ("both", &[through(&borrow), through(&repay)], 0, NotTopLevel),
        ("a return that nobody can look for", &[borrow.clone(), through(&repay)], 0, FlashRepayMissing),
        ("a return before the return", &[borrow.clone(), through(&repay), repay.clone()], 1, NotTopLevel),
        ("a loan inside a loan", &[borrow.clone(), through(&borrow), repay.clone()], 1, NotTopLevel),
    ];
    for (case, instructions, index, error) in refused {
        halves.refuses(case, index, error, instructions);
    }
    // The caller itself is no obstacle: what may be called through a program can be.
    let (usdc, stranger) = (halves.scene.usdc.clone(), halves.scene.stranger.clone());
    let reserve = &halves.scene.world.reserve(&usdc);
    let fund = ix::FundInsurance { payer: stranger.address(), reserve, payer_liquidity: None, amount_atoms: 1 };
    halves.send(&[through(&fund.instruction())]).expect("a call through a program");
    halves.scene.world.check_invariants();
}

/// Which token's reserve an instruction of the cases writes.
type Writes = fn(&Scene) -> Token;

fn usdc(scene: &Scene) -> Token {
    scene.usdc.clone()
}

fn sol(scene: &Scene) -> Token {
    scene.sol.clone()
}

/// Refused while a loan of that reserve is open.
const REFUSED: &[(&str, Writes)] = &[
    ("borrow", usdc),
    ("deposit_collateral", sol),
    ("withdraw_collateral", sol),
    ("supply", usdc),
    ("redeem", usdc),
    ("refresh_reserves", sol),
    ("notice_stale_price", |scene| scene.world.tokens()[2].clone()),
    ("accrue_interest", usdc),
    ("uncount_position", sol),
    ("fund_insurance", usdc),
    ("repay_recovery", usdc),
    ("claim_recovery", usdc),
    ("collect_fees", usdc),
    ("flag_position", usdc),
    ("mark_default", usdc),
    ("deposit_backstop", usdc),
    ("cancel_backstop_deposit", usdc),
    ("withdraw_backstop", usdc),
    ("claim_backstop_gain", sol),
];

/// Accepted while a loan of any reserve it writes is open.
const ACCEPTED: &[(&str, Writes)] = &[
    ("liquidate", usdc),
    ("liquidate", sol),
    ("repay", usdc),
    ("backstop_liquidate", usdc),
    ("backstop_liquidate", sol),
    ("settle_default", usdc),
    ("settle_default", sol),
    // It reads the reserve of its collateral, which is counted already.
    ("borrow", sol),
    // Settings, which know nothing of balances.
    ("tighten_parameter", sol),
    ("propose_parameter", sol),
    ("execute_proposal", sol),
    ("cancel_proposal", sol),
    ("confirm_depth", sol),
];

/// Write no reserve that exists before them, or are the loan.
const APART: &[&str] = &[
    "flash_borrow",
    "flash_repay",
    "open_position",
    "close_position",
    "open_lender",
    "close_lender",
    "create_market",
    "create_reserve",
    "pause",
    "unpause",
    "quote_position",
    "quote_liquidation",
    "quote_lender",
    "quote_lender_exposure",
    "set_protection_order",
    "create_backstop",
    "set_backstop_collateral",
    "open_backstop_provider",
    "close_backstop_provider",
    "join_backstop",
    "request_backstop_withdrawal",
    "quote_backstop_provider",
    "accept_role",
    "launch_market",
];

#[test]
fn of_every_instruction_it_is_said_what_it_may_do_while_a_loan_is_open() {
    let mut said: Vec<&str> =
        REFUSED.iter().chain(ACCEPTED).map(|(name, _)| *name).chain(APART.iter().copied()).collect();
    let mut all: Vec<&str> = cases().iter().map(|case| case.name).collect();
    said.sort_unstable();
    said.dedup();
    all.sort_unstable();
    assert_eq!(said, all);
}

/// The stage of an instruction that works alone, and the instruction within a loan of the reserve.
fn within_a_loan(name: &str, writes: Writes) -> (super::accounts::Stage, Vec<Instruction>) {
    let case = cases().into_iter().find(|case| case.name == name).expect("a case");
    let mut stage = stage_for(name);
    let (token, supplier) = (writes(&stage.scene), stage.scene.world.lender());
    stage.scene.world.supply(&supplier, &token, token.atoms("10")).expect("something to lend");
    let instruction = (case.build)(&stage);
    let world = stage.scene.world.clone();
    stage.send(&instruction).unwrap_or_else(|refused| panic!("{name} alone: {refused:?}"));
    stage.scene.world = world;
    let (world, stranger) = (&stage.scene.world, &stage.scene.stranger);
    let (borrow, repay) = (world.flash_borrowing(stranger, &token, 1_000), world.flash_repayment(stranger, &token));
    (stage, vec![borrow, instruction, repay])
}

#[test]
fn while_a_loan_is_open_its_reserve_takes_part_in_nothing_but_liquidation_repayment_backstop_settlement_and_settings() {
    for (name, writes) in REFUSED {
        let (mut stage, within) = within_a_loan(name, *writes);
        stage.refuses_at(name, 1, FlashOpen, &within);
    }
    for (name, writes) in ACCEPTED {
        let (mut stage, within) = within_a_loan(name, *writes);
        stage.send_all(&within).unwrap_or_else(|refused| panic!("{name}: {refused:?}"));
        stage.scene.world.check_invariants();
    }
}

#[test]
fn a_borrow_counts_no_collateral_whose_reserve_lends() {
    let mut scene = Scene::new();
    let (sol, usdc, lender, stranger) =
        (scene.sol.clone(), scene.usdc.clone(), scene.lender.clone(), scene.stranger.clone());
    scene.world.supply(&lender, &sol, sol.atoms("10")).expect("something to lend");
    let borrower = scene.world.borrower();
    scene.world.deposit(&borrower, &sol, sol.atoms("10")).expect("a deposit");
    scene.world.wallet(&borrower, &usdc);
    let world = &scene.world;
    let position = &world.position(&borrower);
    let (reserve, offers) = (&world.reserve(&usdc), &world.offers(position, Some(usdc.reserve)));
    let borrow = ix::Borrow { position, reserve, owner_liquidity: None, amount_atoms: usdc.atoms("10"), offers };
    let borrow = borrow.instruction().expect("offers fit");
    let all = [world.flash_borrowing(&stranger, &sol, 1_000), borrow.clone(), world.flash_repayment(&stranger, &sol)];
    let before = scene.world.snapshot();
    let outcome = scene.world.send(&all, &[&stranger, &borrower]);
    assert_eq!(differs_at(1, &outcome, &FlashOpen.into()), None);
    before.assert_unchanged(&scene.world);
    scene.world.send(&[borrow], &[&borrower]).expect("without a loan");
}
