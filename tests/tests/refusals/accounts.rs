//! Every account of every instruction: replaced by another valid one, by one of another kind or owner, unsigned, read-only.

use super::common::*;
use anchor_lang::error::ErrorCode;
use places::*;
use plimsoll_client::PROGRAM_ID;
pub use stage::Stage;
use stage::WARM_UP_SECS;

mod backstop;
mod flash;
mod generated;
mod governing;
mod lending;
mod liquidating;
mod parameters;
mod places;
mod positions;
mod stage;

const OTHER_OWNER: Pubkey = Pubkey::new_from_array([1; 32]);

/// Every instruction of the program.
pub fn cases() -> Vec<Case> {
    let groups = [
        liquidating::liquidation_cases(),
        positions::position_cases(),
        lending::lending_cases(),
        flash::flash_cases(),
        governing::governing_cases(),
        backstop::backstop_cases(),
        parameters::parameter_cases(),
    ];
    groups.into_iter().flatten().collect()
}

/// The stage on which an instruction works; a few need what others do not.
pub fn stage_for(case: &str) -> Stage {
    let mut stage = Stage::new();
    if case.contains("backstop") {
        stage.open_pools();
    }
    match case {
        "notice_stale_price" => stage.scene.world.advance(86_400),
        // The unhealthy position, all but a rest of it sold.
        "settle_default" => {
            super::health::leave_a_rest(&mut stage.scene, "0.5");
        }
        "mark_default" => {
            let (scene, insured) = (&mut stage.scene, stage.usdt.atoms("100"));
            scene.world.fund_insurance(&scene.stranger, &scene.usdc, insured).expect("insurance");
            scene.price_sol("50");
        }
        "repay_recovery" => stage.lose(),
        "claim_recovery" => {
            stage.lose();
            let (scene, atoms) = (&mut stage.scene, 1_000_000);
            scene.world.repay_recovery(&scene.stranger, &scene.usdc, atoms).expect("a recovery");
        }
        "create_backstop" => stage.use_up_usdt_pool(),
        "cancel_backstop_deposit" => stage.warm_up(0),
        "join_backstop" => stage.warm_up(WARM_UP_SECS),
        "withdraw_backstop" => stage.request_withdrawal(),
        "claim_backstop_gain" => stage.gain(),
        "execute_proposal" | "cancel_proposal" => parameters::ripen(&mut stage),
        "accept_role" => parameters::promise(&mut stage),
        "unpause" => {
            stage.scene.world.pause(Pausable::Supply, 60).expect("a pause");
        }
        _ => {}
    }
    stage
}

/// Does something to every named account of every instruction.
fn for_every_account(mut check: impl FnMut(&Case, &mut Stage, &Instruction, usize)) {
    for case in cases() {
        let mut stage = stage_for(case.name);
        let instruction = (case.build)(&stage);
        for index in 0..case.accounts.len() {
            check(&case, &mut stage, &instruction, index);
        }
    }
}

#[test]
fn every_instruction_works_as_it_stands_and_every_account_of_it_is_looked_at() {
    for case in cases() {
        let mut stage = stage_for(case.name);
        let instruction = (case.build)(&stage);
        let remaining = match case.name {
            "liquidate" | "backstop_liquidate" | "flag_position" | "mark_default" | "quote_position"
            | "quote_liquidation" | "settle_default" => instruction.accounts.len() - case.accounts.len(),
            "borrow" => 3,
            "refresh_reserves" => 2,
            _ => 0,
        };
        assert_eq!(instruction.accounts.len(), case.accounts.len() + remaining, "{}", case.name);
        stage.send(&instruction).unwrap_or_else(|refused| panic!("{}: {refused:?}", case.name));
        stage.scene.world.check_invariants();
    }
}

#[test]
fn every_instruction_of_the_program_has_its_case() {
    let source = include_str!("../../../programs/plimsoll/src/lib.rs");
    let in_program = source.split("    pub fn ").skip(1).map(|rest| rest.split(['<', '(']).next().expect("a name"));
    let mut instructions: Vec<&str> = in_program.collect();
    let mut covered: Vec<&str> = cases().iter().map(|case| case.name).collect();
    instructions.sort_unstable();
    covered.sort_unstable();
    assert_eq!(covered, instructions);
}

#[test]
fn another_valid_account_in_the_place_of_any_is_refused() {
    for_every_account(|case, stage, instruction, index| {
        let (account, replacements) = &case.accounts[index];
        assert!(!replacements.is_empty(), "{}: nothing tried in the place of {account}", case.name);
        for replacement in replacements {
            let mut swapped = instruction.clone();
            match replacement {
                Replaced::Refused(with, key, error) => {
                    swapped.accounts[index].pubkey = key(stage);
                    stage.refuses(&format!("{} with {with} for {account}", case.name), error.clone(), &swapped);
                }
                Replaced::Accepted(with, key) => {
                    swapped.accounts[index].pubkey = key(stage);
                    let world = stage.scene.world.clone();
                    let outcome = stage.send(&swapped);
                    outcome.unwrap_or_else(|refused| panic!("{} with {with} for {account}: {refused:?}", case.name));
                    stage.scene.world.check_invariants();
                    stage.scene.world = world;
                }
            }
        }
    });
}

#[test]
fn an_account_of_the_program_is_of_its_kind_and_the_programs() {
    for_every_account(|case, stage, instruction, index| {
        let (account, _) = &case.accounts[index];
        let is_state = [
            "market",
            "position",
            "reserve",
            "seized_reserve",
            "repaid_reserve",
            "collateral_reserve",
            "debt_reserve",
            "lender",
            "backstop",
            "previous",
            "provider",
            "proposal",
        ]
        .contains(account);
        if !is_state || case.created.contains(account) {
            return;
        }
        let mut swapped = instruction.clone();
        let original = stage.scene.world.svm.get_account(&instruction.accounts[index].pubkey).expect("an account");
        // At its own address: where others derive from it, another address would not get as far.
        let key = instruction.accounts[index].pubkey;
        let mut forge = |what: &str, error: ErrorCode, owner: Pubkey, data: Vec<u8>| {
            let world = stage.scene.world.clone();
            stage.scene.world.put_account(key, owner, data);
            stage.refuses_alone(&format!("{} with {account} {what}", case.name), error, instruction);
            stage.scene.world = world;
        };
        let mut other_kind = original.data.clone();
        other_kind[7] ^= 1;
        let mut none = original.data.clone();
        none[..8].fill(0);
        forge(
            "of another program, with the right bytes",
            ErrorCode::AccountOwnedByWrongProgram,
            OTHER_OWNER,
            original.data.clone(),
        );
        forge("of another kind", ErrorCode::AccountDiscriminatorMismatch, PROGRAM_ID, other_kind);
        forge("without its first bytes", ErrorCode::AccountDiscriminatorMismatch, PROGRAM_ID, none);
        forge("cut to nothing", ErrorCode::AccountDiscriminatorNotFound, PROGRAM_ID, vec![]);
        // An account of another kind that exists.
        let alien = if account == &"market" { stage.scene.sol.reserve } else { stage.scene.world.market };
        swapped.accounts[index].pubkey = alien;
        let what = format!("{} with another kind of account for {account}", case.name);
        stage.refuses_alone(&what, ErrorCode::AccountDiscriminatorMismatch, &swapped);
    });
}

#[test]
fn every_signature_is_needed() {
    let mut signers = 0;
    for_every_account(|case, stage, instruction, index| {
        if !instruction.accounts[index].is_signer {
            return;
        }
        signers += 1;
        let mut unsigned = instruction.clone();
        unsigned.accounts[index].is_signer = false;
        let what = format!("{} without the signature of {}", case.name, case.accounts[index].0);
        stage.refuses_alone(&what, ErrorCode::AccountNotSigner, &unsigned);
    });
    assert!(signers >= 33, "{signers}");
}

#[test]
fn every_writable_account_must_be_writable() {
    let mut writable = 0;
    for_every_account(|case, stage, instruction, index| {
        if !instruction.accounts[index].is_writable {
            return;
        }
        writable += 1;
        let account = case.accounts[index].0;
        let mut protected = instruction.clone();
        protected.accounts[index].is_writable = false;
        let what = format!("{} with {account} read-only", case.name);
        // The framework creates accounts before it looks at flags; so the runtime refuses, for payer and account.
        if case.created.contains(&account) || (index == 0 && !case.created.is_empty()) {
            stage.refuses(&what, InstructionError::PrivilegeEscalation, &protected);
        } else {
            stage.refuses_alone(&what, ErrorCode::ConstraintMut, &protected);
        }
    });
    assert!(writable >= 126, "{writable}");
}

#[test]
fn every_named_account_must_be_there() {
    for case in cases() {
        let mut stage = stage_for(case.name);
        let instruction = (case.build)(&stage);
        for count in 0..case.accounts.len() {
            let mut short = instruction.clone();
            short.accounts.truncate(count);
            // What comes before the missing one is checked first, and is right.
            let what = format!("{} with {count} accounts", case.name);
            stage.refuses_alone(&what, ErrorCode::AccountNotEnoughKeys, &short);
        }
    }
}

#[test]
fn cut_arguments_and_unknown_instructions_are_refused() {
    for case in cases() {
        let mut stage = stage_for(case.name);
        let instruction = (case.build)(&stage);
        if instruction.data.len() > 8 {
            let mut cut = instruction.clone();
            cut.data.pop();
            stage.refuses(case.name, ErrorCode::InstructionDidNotDeserialize, &cut);
        }
        let mut unknown = instruction.clone();
        unknown.data[0] ^= 0xff;
        stage.refuses(case.name, ErrorCode::InstructionFallbackNotFound, &unknown);
    }
}

#[test]
fn one_lenders_signature_does_not_redeem_anothers_shares() {
    let mut stage = Stage::new();
    let (usdc, stranger) = (stage.scene.usdc.clone(), stage.scene.stranger.clone());
    let reserve = stage.scene.world.reserve(&usdc);
    let lenders = address::lender(&usdc.reserve, &stage.scene.lender.address());
    let redeem = ix::Redeem {
        owner: stranger.address(),
        reserve: &reserve,
        owner_liquidity: None,
        shares: 1 << 30,
        assets_min_atoms: 0,
    };
    let mut instruction = redeem.instruction();
    let own = address::lender(&usdc.reserve, &stranger.address());
    stage.refuses("without an own account", ErrorCode::AccountOwnedByWrongProgram, &instruction);
    instruction.accounts.iter_mut().filter(|meta| meta.pubkey == own).for_each(|meta| meta.pubkey = lenders);
    stage.refuses("with another's account", PlimsollError::NotOwner, &instruction);
}

#[test]
fn an_owner_without_a_signature_moves_nothing_even_if_a_stranger_signs_beside() {
    for name in [
        "borrow",
        "withdraw_collateral",
        "redeem",
        "supply",
        "close_position",
        "close_lender",
        "deposit_backstop",
        "cancel_backstop_deposit",
        "request_backstop_withdrawal",
        "withdraw_backstop",
        "claim_backstop_gain",
        "close_backstop_provider",
    ] {
        let mut stage = stage_for(name);
        let case = cases().into_iter().find(|case| case.name == name).expect("a case");
        let mut instruction = (case.build)(&stage);
        instruction.accounts[0].is_signer = false;
        let stranger = AccountMeta::new_readonly(stage.scene.stranger.address(), true);
        instruction.accounts.push(stranger);
        stage.refuses(name, ErrorCode::AccountNotSigner, &instruction);
    }
}

#[test]
fn an_event_cannot_be_forged() {
    let mut scene = Scene::new();
    let stranger = scene.stranger.clone();
    let data = [anchor_lang::event::EVENT_IX_TAG_LE, &[0; 40][..]].concat();
    let forge =
        |authority: AccountMeta| Instruction { program_id: PROGRAM_ID, accounts: vec![authority], data: data.clone() };
    let own = forge(AccountMeta::new_readonly(stranger.address(), true));
    scene.refuses(ErrorCode::ConstraintSeeds, |scene| scene.world.send(&[own], &[&stranger]));
    let unsigned = forge(AccountMeta::new_readonly(address::EVENT_AUTHORITY, false));
    scene.refuses(ErrorCode::ConstraintSigner, |scene| scene.world.send(&[unsigned], &[&stranger]));
}

#[test]
fn data_that_is_no_instruction_is_refused() {
    let mut scene = Scene::new();
    let stranger = scene.stranger.clone();
    for data in [vec![], vec![9; 7], vec![9; 8], vec![0xff; 64]] {
        let bare = Instruction { program_id: PROGRAM_ID, accounts: vec![], data };
        scene.refuses(ErrorCode::InstructionFallbackNotFound, |scene| scene.world.send(&[bare], &[&stranger]));
    }
}
