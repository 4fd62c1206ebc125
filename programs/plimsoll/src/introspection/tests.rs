use super::*;
use anchor_lang::solana_program::instruction::Instruction;
use anchor_lang::solana_program::sysvar::instructions::{
    construct_instructions_data, BorrowedAccountMeta, BorrowedInstruction,
};
use anchor_lang::{InstructionData, ToAccountMetas};

fn key(n: u8) -> Pubkey {
    Pubkey::new_from_array([n; 32])
}

/// As a client builds it: so the places above are those of the accounts' structs.
fn borrow(reserve: u8) -> Instruction {
    let accounts = crate::accounts::FlashBorrow {
        borrower: key(101),
        market: key(102),
        reserve: key(reserve),
        borrower_liquidity: key(103),
        liquidity_vault: key(104),
        mint: key(105),
        token_program: key(106),
        instructions: key(107),
        event_authority: key(108),
        program: crate::ID,
    };
    let data = crate::instruction::FlashBorrow { amount_atoms: 7 }.data();
    Instruction { program_id: crate::ID, accounts: accounts.to_account_metas(None), data }
}

fn repay(reserve: u8) -> Instruction {
    let accounts = crate::accounts::FlashRepay {
        payer: key(101),
        reserve: key(reserve),
        payer_liquidity: key(103),
        liquidity_vault: key(104),
        mint: key(105),
        token_program: key(106),
        instructions: key(107),
        event_authority: key(108),
        program: crate::ID,
    };
    let data = crate::instruction::FlashRepay {}.data();
    Instruction { program_id: crate::ID, accounts: accounts.to_account_metas(None), data }
}

fn other() -> Instruction {
    let data = crate::instruction::AccrueInterest {}.data();
    Instruction { program_id: crate::ID, accounts: vec![AccountMeta::new(key(1), false)], data }
}

/// The same call, of another program.
fn foreign(instruction: Instruction) -> Instruction {
    Instruction { program_id: key(9), ..instruction }
}

/// The sysvar's data, as the runtime writes it.
fn sysvar(instructions: &[Instruction], current: u16) -> Vec<u8> {
    let borrowed: Vec<BorrowedInstruction> = instructions
        .iter()
        .map(|instruction| BorrowedInstruction {
            program_id: &instruction.program_id,
            accounts: instruction.accounts.iter().map(borrowed_meta).collect(),
            data: &instruction.data,
        })
        .collect();
    let mut data = construct_instructions_data(&borrowed);
    let end = data.len() - WORD;
    data[end..].copy_from_slice(&current.to_le_bytes());
    data
}

fn borrowed_meta(meta: &AccountMeta) -> BorrowedAccountMeta<'_> {
    BorrowedAccountMeta { pubkey: &meta.pubkey, is_signer: meta.is_signer, is_writable: meta.is_writable }
}

/// Whether the loan of reserve 1 taken by instruction `current` is returned, and whether it returns one.
fn verdicts(data: &mut [u8]) -> (bool, bool) {
    let (address, owner, mut lamports) = (key(200), key(201), 1);
    let account = AccountInfo::new(&address, false, false, &mut lamports, data, &owner, false);
    let reserve = key(1);
    (require_flash_repay_ahead(&account, &reserve).is_ok(), require_flash_borrow_behind(&account, &reserve).is_ok())
}

fn has_repay_ahead(instructions: &[Instruction], current: u16) -> bool {
    verdicts(&mut sysvar(instructions, current)).0
}

fn has_borrow_behind(instructions: &[Instruction], current: u16) -> bool {
    verdicts(&mut sysvar(instructions, current)).1
}

#[test]
fn a_loan_is_returned_by_the_next_half_of_the_same_reserve() {
    assert!(has_repay_ahead(&[borrow(1), repay(1)], 0));
    assert!(has_repay_ahead(&[other(), borrow(1), other(), foreign(other()), repay(1), other()], 1));
    assert!(has_repay_ahead(&[borrow(1), borrow(2), repay(1), repay(2)], 0), "loans of two reserves may cross");
    assert!(has_repay_ahead(&[borrow(1), repay(1), borrow(1), repay(1)], 2), "one loan after the other");
    for (what, instructions, current) in [
        ("alone", vec![borrow(1)], 0),
        ("returned before", vec![repay(1), borrow(1)], 1),
        ("of another reserve", vec![borrow(1), repay(2)], 0),
        ("another one first", vec![borrow(1), borrow(1), repay(1), repay(1)], 0),
        ("of another program", vec![borrow(1), foreign(repay(1))], 0),
        ("returned already", vec![borrow(1), repay(1), borrow(1)], 2),
    ] {
        assert!(!has_repay_ahead(&instructions, current), "{what}");
    }
}

#[test]
fn a_return_has_its_loan_as_the_last_half_of_the_same_reserve() {
    assert!(has_borrow_behind(&[borrow(1), repay(1)], 1));
    assert!(has_borrow_behind(&[other(), borrow(1), other(), repay(2), repay(1)], 4));
    assert!(has_borrow_behind(&[borrow(1), repay(1), borrow(1), repay(1)], 3));
    for (what, instructions, current) in [
        ("alone", vec![repay(1)], 0),
        ("taken after", vec![repay(1), borrow(1)], 0),
        ("of another reserve", vec![borrow(2), repay(1)], 1),
        ("returned already", vec![borrow(1), repay(1), repay(1)], 2),
        ("of another program", vec![foreign(borrow(1)), repay(1)], 1),
    ] {
        assert!(!has_borrow_behind(&instructions, current), "{what}");
    }
}

#[test]
fn a_call_too_short_to_name_a_reserve_is_no_half() {
    let mut short = repay(1);
    short.accounts.truncate(REPAY_RESERVE);
    assert!(!has_repay_ahead(&[borrow(1), short], 0));
    let mut cut = repay(1);
    cut.data.pop();
    assert!(!has_repay_ahead(&[borrow(1), cut], 0));
    let mut moved = repay(1);
    moved.accounts.swap(REPAY_RESERVE, REPAY_RESERVE + 1);
    assert!(!has_repay_ahead(&[borrow(1), moved], 0), "named in another place");
}

#[test]
fn no_bytes_whatever_make_it_panic_or_find_what_is_not_there() {
    let whole = sysvar(&[borrow(1), other(), repay(1)], 0);
    for length in 0..whole.len() {
        let mut cut = whole[..length].to_vec();
        let _ = verdicts(&mut cut);
        // With the index of the first instruction where the rest was cut off: the return is not complete any more.
        cut.extend_from_slice(&[0, 0]);
        assert!(length + WORD >= whole.len() || !verdicts(&mut cut).0, "{length} bytes of {}", whole.len());
    }
    for index in 0..whole.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[index] = value;
            let _ = verdicts(&mut changed);
        }
    }
    assert_eq!(verdicts(&mut [0xff; 64]), (false, false));
}
