//! Mints that are none, and token accounts that are not what they are given for. (Mints with extensions: `extensions`.)

use super::common::*;
use super::extensions::mint_with;
use anchor_lang::error::ErrorCode;
use anchor_spl::token_2022::spl_token_2022::instruction as token_instruction;
use plimsoll_testkit::Price;

const TOKEN_2022: Pubkey = anchor_spl::token_2022::ID;

#[test]
fn what_is_no_mint_makes_no_reserve() {
    let mut scene = Scene::new();
    let (token, config) = scene.unborn(Spec::volatile("NEW", "10"));
    let wallet = scene.world.wallet(&scene.stranger.clone(), &scene.usdc.clone());
    let (foreign, empty, short) = (Pubkey::new_unique(), Pubkey::new_unique(), Pubkey::new_unique());
    let mint = scene.world.svm.get_account(&token.mint).expect("a mint").data;
    scene.world.put_account(foreign, Pubkey::new_from_array([1; 32]), mint.clone());
    scene.world.put_account(empty, Kind::Spl.program(), vec![0; 82]);
    scene.world.put_account(short, Kind::Spl.program(), mint[..81].to_vec());
    let cases: [(&str, Pubkey, Refusal); 6] = [
        ("a mint of another program", foreign, ErrorCode::AccountOwnedByWrongProgram.into()),
        ("a mint that is not initialised", empty, InstructionError::UninitializedAccount.into()),
        ("a mint cut short", short, InstructionError::InvalidAccountData.into()),
        ("a token account", wallet, InstructionError::InvalidAccountData.into()),
        ("a person", scene.stranger.address(), ErrorCode::AccountOwnedByWrongProgram.into()),
        ("nothing", Pubkey::new_unique(), ErrorCode::AccountNotInitialized.into()),
    ];
    for (case, mint, error) in cases {
        let token = Token { mint, reserve: address::reserve(&scene.world.market, &mint), ..token.clone() };
        scene.refuses_case(case, error, |scene| scene.world.create_reserve(&token, config));
    }
}

#[test]
fn a_mint_and_the_other_token_program_make_no_reserve() {
    for (kind, other) in [(Kind::Spl, Kind::Token2022), (Kind::Token2022, Kind::Spl)] {
        let mut scene = Scene::new();
        let spec = Spec::volatile("NEW", "10");
        let (token, config) = scene.unborn(if kind == Kind::Spl { spec } else { spec.token_2022() });
        let wrong = Token { kind: other, ..token };
        scene.refuses(InstructionError::IncorrectProgramId, |scene| scene.world.create_reserve(&wrong, config));
    }
}

#[test]
fn a_token_account_that_is_none_is_refused_by_the_token_program() {
    let mut scene = Scene::new();
    let (nothing, stranger) = (Pubkey::new_unique(), scene.stranger.address());
    let reserve = scene.sol.reserve;
    let own = scene.world.reserve(&scene.sol).token_account(&scene.borrower.address());
    let cases: [(&str, Pubkey, Refusal); 3] = [
        ("nothing", nothing, InstructionError::InvalidAccountData.into()),
        ("a person", stranger, InstructionError::InvalidAccountData.into()),
        ("a reserve", reserve, InstructionError::InvalidAccountData.into()),
    ];
    for (case, other, error) in cases {
        let (sol, borrower) = (scene.sol.clone(), scene.borrower.clone());
        let swap = move |instruction: &mut Instruction| {
            instruction.accounts.iter_mut().filter(|meta| meta.pubkey == own).for_each(|meta| meta.pubkey = other);
        };
        scene.refuses_case(case, error, |scene| scene.world.tampering(swap, |world| world.deposit(&borrower, &sol, 1)));
    }
}

#[test]
fn a_frozen_wallet_is_refused_by_the_token_program() {
    const TOKEN_ACCOUNT_FROZEN: u32 = 17;
    let mut scene = Scene::new();
    let (token, config) = mint_with(&mut scene, &[]);
    scene.world.create_reserve(&token, config).expect("a reserve");
    scene.open_wallets(&token);
    let (admin, borrower) = (scene.world.admin(), scene.borrower.clone());
    let wallet = scene.world.wallet(&borrower, &token);
    scene.world.deposit(&borrower, &token, 10).expect("a deposit");
    let freeze =
        token_instruction::freeze_account(&TOKEN_2022, &wallet, &token.mint, &admin.address(), &[]).expect("valid");
    scene.world.send(&[freeze], &[&admin]).expect("frozen");
    scene.refuses(TOKEN_ACCOUNT_FROZEN, |scene| scene.world.deposit(&borrower, &token, 1));
    scene.refuses(TOKEN_ACCOUNT_FROZEN, |scene| scene.world.withdraw(&borrower, &token, 1));
}

#[test]
fn a_price_that_moves_between_two_tokens_stays_with_its_feed() {
    // Two reserves may share a feed; each keeps its own reading.
    let mut scene = Scene::new();
    let (twin, mut config) = scene.unborn(Spec::volatile("TWIN", "150"));
    config.oracle = scene.sol.oracle;
    let twin = Token { price: scene.sol.price, oracle: scene.sol.oracle, ..twin };
    scene.world.create_reserve(&twin, config).expect("a shared feed");
    let price: Price = scene.world.price(&scene.sol);
    assert_eq!(scene.world.reserve(&twin).state.reading.price, price.spot.unsigned_abs());
}
