//! Mints that this program does not take, made by the real token programs, and token accounts that are not what they are
//! given for.

use super::common::*;
use anchor_lang::error::ErrorCode;
use anchor_spl::token_2022::spl_token_2022::extension::*;
use anchor_spl::token_2022::spl_token_2022::instruction as token_instruction;
use anchor_spl::token_2022::spl_token_2022::state::{AccountState, Mint};
use plimsoll_testkit::Price;

const TOKEN_2022: Pubkey = anchor_spl::token_2022::ID;

/// Makes the instruction that initialises an extension of a mint, with an authority.
type Initialise = fn(&Pubkey, &Pubkey) -> Instruction;

const REFUSED: &[(ExtensionType, Initialise)] = &[
    (ExtensionType::TransferFeeConfig, |mint, authority| {
        transfer_fee::instruction::initialize_transfer_fee_config(
            &TOKEN_2022,
            mint,
            Some(authority),
            Some(authority),
            100,
            1_000,
        )
        .expect("valid")
    }),
    // A fee of zero can be raised later.
    (ExtensionType::TransferFeeConfig, |mint, authority| {
        transfer_fee::instruction::initialize_transfer_fee_config(&TOKEN_2022, mint, Some(authority), None, 0, 0)
            .expect("valid")
    }),
    (ExtensionType::TransferHook, |mint, authority| {
        transfer_hook::instruction::initialize(&TOKEN_2022, mint, Some(*authority), Some(plimsoll_client::PROGRAM_ID))
            .expect("valid")
    }),
    // A hook that is not set can be set later.
    (ExtensionType::TransferHook, |mint, authority| {
        transfer_hook::instruction::initialize(&TOKEN_2022, mint, Some(*authority), None).expect("valid")
    }),
    (ExtensionType::PermanentDelegate, |mint, authority| {
        token_instruction::initialize_permanent_delegate(&TOKEN_2022, mint, authority).expect("valid")
    }),
    (ExtensionType::NonTransferable, |mint, _| {
        token_instruction::initialize_non_transferable_mint(&TOKEN_2022, mint).expect("valid")
    }),
    (ExtensionType::MintCloseAuthority, |mint, authority| {
        token_instruction::initialize_mint_close_authority(&TOKEN_2022, mint, Some(authority)).expect("valid")
    }),
    (ExtensionType::DefaultAccountState, |mint, _| {
        default_account_state::instruction::initialize_default_account_state(&TOKEN_2022, mint, &AccountState::Frozen)
            .expect("valid")
    }),
    // What is not frozen by default can become so later.
    (ExtensionType::DefaultAccountState, |mint, _| {
        default_account_state::instruction::initialize_default_account_state(
            &TOKEN_2022,
            mint,
            &AccountState::Initialized,
        )
        .expect("valid")
    }),
    (ExtensionType::ConfidentialTransferMint, |mint, authority| {
        confidential_transfer::instruction::initialize_mint(&TOKEN_2022, mint, Some(*authority), true, None)
            .expect("valid")
    }),
    (ExtensionType::Pausable, |mint, authority| {
        pausable::instruction::initialize(&TOKEN_2022, mint, authority).expect("valid")
    }),
    (ExtensionType::InterestBearingConfig, |mint, authority| {
        interest_bearing_mint::instruction::initialize(&TOKEN_2022, mint, Some(*authority), 100).expect("valid")
    }),
    (ExtensionType::ScaledUiAmount, |mint, authority| {
        scaled_ui_amount::instruction::initialize(&TOKEN_2022, mint, Some(*authority), 1.5).expect("valid")
    }),
];

const ACCEPTED: &[(ExtensionType, Initialise)] = &[
    (ExtensionType::MetadataPointer, |mint, authority| {
        metadata_pointer::instruction::initialize(&TOKEN_2022, mint, Some(*authority), Some(*mint)).expect("valid")
    }),
    (ExtensionType::GroupPointer, |mint, authority| {
        group_pointer::instruction::initialize(&TOKEN_2022, mint, Some(*authority), Some(*mint)).expect("valid")
    }),
    (ExtensionType::GroupMemberPointer, |mint, authority| {
        group_member_pointer::instruction::initialize(&TOKEN_2022, mint, Some(*authority), Some(*mint)).expect("valid")
    }),
];

/// Makes a Token-2022 mint with extensions, and what else a reserve of it needs.
fn mint_with(
    scene: &mut Scene,
    extensions: &[(ExtensionType, Initialise)],
) -> (Token, plimsoll_engine::state::ReserveConfig) {
    let (plain, config) = scene.unborn(Spec::volatile("EXT", "10"));
    let types: Vec<ExtensionType> = extensions.iter().map(|(extension, _)| *extension).collect();
    let bytes = ExtensionType::try_calculate_account_len::<Mint>(&types).expect("a length");
    let (admin, mint) = (scene.world.admin(), Pubkey::new_unique());
    scene.world.put_account(mint, TOKEN_2022, vec![0; bytes]);
    let mut instructions: Vec<Instruction> =
        extensions.iter().map(|(_, initialise)| initialise(&mint, &admin.address())).collect();
    let freezer = admin.address();
    let initialise =
        token_instruction::initialize_mint2(&TOKEN_2022, &mint, &admin.address(), Some(&freezer), plain.decimals);
    instructions.push(initialise.expect("valid"));
    scene.world.send(&instructions, &[&admin]).expect("a mint of the real token program");
    let reserve = address::reserve(&scene.world.market, &mint);
    (Token { mint, kind: Kind::Token2022, reserve, ..plain }, config)
}

#[test]
fn a_mint_with_a_dangerous_extension_is_refused_by_name() {
    let mut failures = Vec::new();
    for extension in REFUSED {
        let mut scene = Scene::new();
        let (token, config) = mint_with(&mut scene, &[*extension]);
        let before = scene.world.snapshot();
        let outcome = scene.world.create_reserve(&token, config);
        if let Some(difference) = differs(&outcome, &PlimsollError::ExtensionRefused.into()) {
            failures.push(format!("{:?}: {difference}", extension.0));
        }
        before.assert_unchanged(&scene.world);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_dangerous_extension_is_found_behind_a_harmless_one() {
    for extension in REFUSED {
        let mut scene = Scene::new();
        let (token, config) = mint_with(&mut scene, &[ACCEPTED[0], *extension]);
        scene.refuses_case(&format!("{:?}", extension.0), PlimsollError::ExtensionRefused, |scene| {
            scene.world.create_reserve(&token, config)
        });
    }
}

#[test]
fn a_mint_whose_extensions_only_describe_it_is_accepted_and_works() {
    for extensions in [&ACCEPTED[..1], &ACCEPTED[1..2], &ACCEPTED[2..], ACCEPTED] {
        let mut scene = Scene::new();
        let (token, config) = mint_with(&mut scene, extensions);
        scene.world.create_reserve(&token, config).expect("harmless extensions");
        let (lender, borrower) = (scene.lender.clone(), scene.borrower.clone());
        scene.world.supply(&lender, &token, token.atoms("100")).expect("a supply");
        scene.world.deposit(&borrower, &token, token.atoms("1")).expect("a deposit");
        scene.world.withdraw(&borrower, &token, token.atoms("1")).expect("a withdrawal");
    }
}

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
