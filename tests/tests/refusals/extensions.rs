//! Token-2022 mints of every kind, made by the real token program: refused by name, or taken and used in full.

use super::common::*;
use anchor_spl::token_2022::spl_token_2022::extension::*;
use anchor_spl::token_2022::spl_token_2022::instruction as token_instruction;
use anchor_spl::token_2022::spl_token_2022::state::{AccountState, Mint};
use plimsoll_engine::state::ReserveConfig;

const TOKEN_2022: Pubkey = anchor_spl::token_2022::ID;
/// The token program's refusal to initialise what is initialised.
const TOKEN_ALREADY_IN_USE: u32 = 6;

/// Makes the instruction that initialises an extension of a mint, with an authority.
type Initialise = fn(&Pubkey, &Pubkey) -> Instruction;
type Extension = (ExtensionType, Initialise);

const TRANSFER_FEE: Extension = (ExtensionType::TransferFeeConfig, |mint, authority| {
    transfer_fee::instruction::initialize_transfer_fee_config(
        &TOKEN_2022,
        mint,
        Some(authority),
        Some(authority),
        100,
        1_000,
    )
    .expect("valid")
});

const CONFIDENTIAL_TRANSFER: Extension = (ExtensionType::ConfidentialTransferMint, |mint, authority| {
    confidential_transfer::instruction::initialize_mint(&TOKEN_2022, mint, Some(*authority), true, None).expect("valid")
});

const METADATA_POINTER: Extension = (ExtensionType::MetadataPointer, |mint, authority| {
    metadata_pointer::instruction::initialize(&TOKEN_2022, mint, Some(*authority), Some(*mint)).expect("valid")
});

const GROUP_POINTER: Extension = (ExtensionType::GroupPointer, |mint, authority| {
    group_pointer::instruction::initialize(&TOKEN_2022, mint, Some(*authority), Some(*mint)).expect("valid")
});

const MEMBER_POINTER: Extension = (ExtensionType::GroupMemberPointer, |mint, authority| {
    group_member_pointer::instruction::initialize(&TOKEN_2022, mint, Some(*authority), Some(*mint)).expect("valid")
});

/// Mints that are refused: why, and their extensions, the refused one first.
const REFUSED: &[(PlimsollError, &[Extension])] = {
    use PlimsollError::*;
    &[
        (TransferFeeRefused, &[TRANSFER_FEE]),
        // A fee of zero can be raised later.
        (
            TransferFeeRefused,
            &[(ExtensionType::TransferFeeConfig, |mint, authority| {
                transfer_fee::instruction::initialize_transfer_fee_config(
                    &TOKEN_2022,
                    mint,
                    Some(authority),
                    None,
                    0,
                    0,
                )
                .expect("valid")
            })],
        ),
        (
            TransferHookRefused,
            &[(ExtensionType::TransferHook, |mint, authority| {
                let hook = Some(plimsoll_client::PROGRAM_ID);
                transfer_hook::instruction::initialize(&TOKEN_2022, mint, Some(*authority), hook).expect("valid")
            })],
        ),
        // A hook that is not set can be set later.
        (
            TransferHookRefused,
            &[(ExtensionType::TransferHook, |mint, authority| {
                transfer_hook::instruction::initialize(&TOKEN_2022, mint, Some(*authority), None).expect("valid")
            })],
        ),
        (ConfidentialTransferRefused, &[CONFIDENTIAL_TRANSFER]),
        (
            ConfidentialTransferRefused,
            &[
                (ExtensionType::ConfidentialTransferFeeConfig, |mint, authority| {
                    confidential_transfer_fee::instruction::initialize_confidential_transfer_fee_config(
                        &TOKEN_2022,
                        mint,
                        Some(*authority),
                        &Default::default(),
                    )
                    .expect("valid")
                }),
                TRANSFER_FEE,
                CONFIDENTIAL_TRANSFER,
            ],
        ),
        (
            ConfidentialTransferRefused,
            &[
                (ExtensionType::ConfidentialMintBurn, |mint, _| {
                    confidential_mint_burn::instruction::initialize_mint(
                        &TOKEN_2022,
                        mint,
                        &Default::default(),
                        &Default::default(),
                    )
                    .expect("valid")
                }),
                CONFIDENTIAL_TRANSFER,
            ],
        ),
        (
            NonTransferableRefused,
            &[(ExtensionType::NonTransferable, |mint, _| {
                token_instruction::initialize_non_transferable_mint(&TOKEN_2022, mint).expect("valid")
            })],
        ),
        (
            PermanentDelegateRefused,
            &[(ExtensionType::PermanentDelegate, |mint, authority| {
                token_instruction::initialize_permanent_delegate(&TOKEN_2022, mint, authority).expect("valid")
            })],
        ),
        (
            PausableRefused,
            &[(ExtensionType::Pausable, |mint, authority| {
                pausable::instruction::initialize(&TOKEN_2022, mint, authority).expect("valid")
            })],
        ),
        (
            CloseAuthorityRefused,
            &[(ExtensionType::MintCloseAuthority, |mint, authority| {
                token_instruction::initialize_mint_close_authority(&TOKEN_2022, mint, Some(authority)).expect("valid")
            })],
        ),
        (
            DefaultFrozenRefused,
            &[(ExtensionType::DefaultAccountState, |mint, _| default_state(mint, &AccountState::Frozen))],
        ),
        // What is not frozen by default can become so later.
        (
            DefaultFrozenRefused,
            &[(ExtensionType::DefaultAccountState, |mint, _| default_state(mint, &AccountState::Initialized))],
        ),
        // Known to the token program, and to this one by no name.
        (
            ExtensionRefused,
            &[(ExtensionType::InterestBearingConfig, |mint, authority| {
                interest_bearing_mint::instruction::initialize(&TOKEN_2022, mint, Some(*authority), 100).expect("valid")
            })],
        ),
        (
            ExtensionRefused,
            &[(ExtensionType::ScaledUiAmount, |mint, authority| {
                scaled_ui_amount::instruction::initialize(&TOKEN_2022, mint, Some(*authority), 1.5).expect("valid")
            })],
        ),
    ]
};

const ACCEPTED: &[Extension] = &[METADATA_POINTER, GROUP_POINTER, MEMBER_POINTER];

fn default_state(mint: &Pubkey, state: &AccountState) -> Instruction {
    default_account_state::instruction::initialize_default_account_state(&TOKEN_2022, mint, state).expect("valid")
}

/// Makes a Token-2022 mint with extensions, and what else a reserve of it needs.
pub fn mint_with(scene: &mut Scene, extensions: &[Extension]) -> (Token, ReserveConfig) {
    let types: Vec<ExtensionType> = extensions.iter().map(|(extension, _)| *extension).collect();
    let bytes = ExtensionType::try_calculate_account_len::<Mint>(&types).expect("a length");
    let initialises: Vec<Initialise> = extensions.iter().map(|(_, initialise)| *initialise).collect();
    mint_of(scene, bytes, &initialises)
}

fn mint_of(scene: &mut Scene, bytes: usize, initialises: &[Initialise]) -> (Token, ReserveConfig) {
    let (plain, config) = scene.unborn(Spec::volatile("EXT", "10"));
    let (admin, mint) = (scene.world.admin(), Pubkey::new_unique());
    scene.world.put_account(mint, TOKEN_2022, vec![0; bytes]);
    let authority = admin.address();
    let mut instructions: Vec<Instruction> =
        initialises.iter().map(|initialise| initialise(&mint, &authority)).collect();
    let initialise =
        token_instruction::initialize_mint2(&TOKEN_2022, &mint, &authority, Some(&authority), plain.decimals);
    instructions.push(initialise.expect("valid"));
    scene.world.send(&instructions, &[&admin]).expect("a mint of the real token program");
    let reserve = address::reserve(&scene.world.market, &mint);
    (Token { mint, kind: Kind::Token2022, reserve, ..plain }, config)
}

#[test]
fn a_mint_with_a_dangerous_extension_is_refused_by_name() {
    let mut failures = Vec::new();
    for (error, extensions) in REFUSED {
        let mut scene = Scene::new();
        let (token, config) = mint_with(&mut scene, extensions);
        let before = scene.world.snapshot();
        let outcome = scene.world.create_reserve(&token, config);
        if let Some(difference) = differs(&outcome, &(*error).into()) {
            failures.push(format!("{:?}: {difference}", extensions[0].0));
        }
        before.assert_unchanged(&scene.world);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_dangerous_extension_is_found_behind_a_harmless_one() {
    for (error, extensions) in REFUSED {
        let mut scene = Scene::new();
        let (token, config) = mint_with(&mut scene, &[&[METADATA_POINTER], *extensions].concat());
        let case = format!("{:?}", extensions[0].0);
        scene.refuses_case(&case, *error, |scene| scene.world.create_reserve(&token, config));
    }
}

/// Tag of `PermissionedBurnExtension`: the token program of this test knows it, the interface of ours does not.
const NEWER_INSTRUCTION: u8 = 46;
/// Mint, padding to a token account, account type, one entry of a key.
const NEWER_MINT_BYTES: usize = 165 + 1 + 4 + 32;

#[test]
fn an_extension_newer_than_this_program_is_refused() {
    let newer: Initialise = |mint, authority| Instruction {
        program_id: TOKEN_2022,
        accounts: vec![anchor_lang::prelude::AccountMeta::new(*mint, false)],
        data: [&[NEWER_INSTRUCTION, 0], authority.as_ref()].concat(),
    };
    let mut scene = Scene::new();
    let (token, config) = mint_of(&mut scene, NEWER_MINT_BYTES, &[newer]);
    let mint = scene.world.svm.get_account(&token.mint).expect("a mint");
    let kind = u16::from_le_bytes([mint.data[166], mint.data[167]]);
    assert!(ExtensionType::try_from(kind).is_err(), "{kind} has a name by now: find a newer one");
    scene.refuses(PlimsollError::ExtensionRefused, |scene| scene.world.create_reserve(&token, config));
}

#[test]
fn no_refused_extension_can_be_added_to_a_mint_that_exists() {
    let mut scene = Scene::new();
    let (token, config) = mint_with(&mut scene, ACCEPTED);
    scene.world.create_reserve(&token, config).expect("harmless extensions");
    let admin = scene.world.admin();
    let mint = scene.world.svm.get_account(&token.mint).expect("a mint").data;
    for (_, extensions) in REFUSED {
        let (kind, initialise) = extensions[0];
        let add = initialise(&token.mint, &admin.address());
        let case = format!("{kind:?}");
        scene.refuses_case(&case, TOKEN_ALREADY_IN_USE, |scene| scene.world.send(&[add], &[&admin]));
        assert_eq!(scene.world.svm.get_account(&token.mint).expect("a mint").data, mint, "{case}");
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

/// Writes metadata into a mint, which grows by it.
fn describe(scene: &mut Scene, token: &Token) {
    let admin = scene.world.admin();
    let mut account = scene.world.svm.get_account(&token.mint).expect("a mint");
    account.lamports = scene.world.svm.minimum_balance_for_rent_exemption(2 * account.data.len());
    scene.world.svm.set_account(token.mint, account).expect("an account");
    let (name, symbol, uri) = ("A token with metadata".into(), "META".into(), "https://example.org/token.json".into());
    let (mint, key) = (&token.mint, &admin.address());
    let write =
        spl_token_metadata_interface::instruction::initialize(&TOKEN_2022, mint, key, mint, key, name, symbol, uri);
    scene.world.send(&[write], &[&admin]).expect("metadata");
}

fn extensions_of(scene: &Scene, token: &Token) -> Vec<ExtensionType> {
    let mint = scene.world.svm.get_account(&token.mint).expect("a mint").data;
    StateWithExtensions::<Mint>::unpack(&mint).expect("a mint").get_extension_types().expect("extensions")
}

/// A token with metadata that is a group, and one with metadata that is its member.
fn group_and_member(scene: &mut Scene) -> [(Token, ReserveConfig); 2] {
    let group = mint_with(scene, ACCEPTED);
    let member = mint_with(scene, ACCEPTED);
    let admin = scene.world.admin();
    let (key, group_mint, member_mint) = (&admin.address(), &group.0.mint, &member.0.mint);
    for token in [&group.0, &member.0] {
        describe(scene, token);
    }
    use spl_token_group_interface::instruction::{initialize_group, initialize_member};
    let gather = [
        initialize_group(&TOKEN_2022, group_mint, group_mint, key, Some(*key), 3),
        initialize_member(&TOKEN_2022, member_mint, member_mint, key, group_mint, key),
    ];
    scene.world.send(&gather, &[&admin]).expect("a group and its member");
    [group, member]
}

#[test]
fn tokens_with_metadata_groups_and_members_go_through_a_full_circle() {
    let mut scene = Scene::new();
    let made = group_and_member(&mut scene);
    for (token, config) in &made {
        scene.world.create_reserve(token, *config).expect("harmless extensions");
    }
    let [(collateral, _), (debt, _)] = made;
    let written = |scene: &Scene, token| extensions_of(scene, token).split_off(ACCEPTED.len());
    assert_eq!(written(&scene, &collateral), [ExtensionType::TokenMetadata, ExtensionType::TokenGroup]);
    assert_eq!(written(&scene, &debt), [ExtensionType::TokenMetadata, ExtensionType::TokenGroupMember]);

    let (lender, liquidator) = (scene.lender.clone(), scene.liquidator.clone());
    let world = &mut scene.world;
    let borrower = world.borrower();
    let lent = world.purse(&lender, &debt);
    world.supply(&lender, &debt, debt.atoms("5000")).expect("a supply");
    world.deposit(&borrower, &collateral, collateral.atoms("1000")).expect("a deposit");
    world.borrow(&borrower, &debt, debt.atoms("600")).expect("a borrow");
    world.pass_cool_off();
    world.set_price(&collateral, "7.5");
    world.refresh_prices();
    let before = [world.purse(&liquidator, &collateral), world.purse(&liquidator, &debt)];
    world.liquidate(&liquidator, &borrower, &collateral, &debt, Limits::NONE).expect("a liquidation");
    assert!(world.purse(&liquidator, &collateral) > before[0] && world.purse(&liquidator, &debt) < before[1]);
    world.check_invariants();

    world.repay(&borrower, &debt, u64::MAX).expect("a repayment");
    let rest = world.position(&borrower).state.collaterals()[0].atoms;
    world.withdraw(&borrower, &collateral, rest).expect("a withdrawal");
    let shares = world.lender_account(&lender, &debt).state.shares.get();
    world.redeem(&lender, &debt, shares).expect("a redemption");
    assert!(world.purse(&lender, &debt) >= lent, "nothing was lost");
    world.check_invariants();
}
