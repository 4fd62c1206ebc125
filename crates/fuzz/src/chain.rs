//! Accounts as the runtime hands them to the program.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::Once;

use anchor_lang::prelude::{AccountInfo, Clock, Pubkey};
use plimsoll::constants::PYTH_PUSH_PROGRAM;
use plimsoll_engine::Now;
use solana_sysvar::program_stubs::{set_syscall_stubs, SyscallStubs};

use crate::input::Input;

/// Most accounts of one instruction here: what fits a transaction, and some.
const ACCOUNTS_MAX: usize = 40;

/// Programs an account may belong to; a number beyond these means a stranger.
const OWNERS: [Pubkey; 4] =
    [plimsoll::ID, pyth_solana_receiver_sdk::ID, PYTH_PUSH_PROGRAM, anchor_lang::system_program::ID];
const STRANGER: Pubkey = Pubkey::new_from_array([0xee; 32]);

/// Number of a program in an input.
pub fn owner_number(owner: &Pubkey) -> u8 {
    let number = OWNERS.iter().position(|known| known == owner).unwrap_or(OWNERS.len());
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// An account, its data in words: the runtime aligns data to eight bytes.
pub struct Stored {
    pub key: Pubkey,
    pub owner: Pubkey,
    lamports: u64,
    words: Vec<u64>,
    length: usize,
    is_signer: bool,
    is_writable: bool,
}

impl Stored {
    pub fn new(key: Pubkey, owner: Pubkey, data: &[u8]) -> Self {
        let mut words = vec![0; data.len().div_ceil(8)];
        bytemuck::cast_slice_mut(&mut words)[..data.len()].copy_from_slice(data);
        Self { key, owner, lamports: 1_000_000_000, words, length: data.len(), is_signer: false, is_writable: false }
    }

    pub fn read(input: &mut Input) -> Self {
        let (key, owner, flags) = (input.key(), input.pod::<u8>(), input.pod::<u8>());
        let owner = OWNERS.get(usize::from(owner)).copied().unwrap_or(STRANGER);
        let stored = Self::new(key, owner, input.counted());
        Self { is_signer: flags & 1 > 0, is_writable: flags & 2 > 0, ..stored }
    }

    /// All that are left in an input.
    pub fn read_all(input: &mut Input) -> Vec<Self> {
        let mut all = Vec::new();
        while !input.is_empty() && all.len() < ACCOUNTS_MAX {
            all.push(Self::read(input));
        }
        all
    }

    pub fn info(&mut self) -> AccountInfo<'_> {
        let data = &mut bytemuck::cast_slice_mut(&mut self.words)[..self.length];
        AccountInfo::new(&self.key, self.is_signer, self.is_writable, &mut self.lamports, data, &self.owner, false)
    }
}

/// What the program asks a validator for: the time, and nothing else. Calls of other programs succeed and do nothing.
struct Validator {
    unix: AtomicI64,
    slot: AtomicU64,
}

static VALIDATOR: Validator = Validator { unix: AtomicI64::new(0), slot: AtomicU64::new(0) };

/// Stands for [`VALIDATOR`] where the program's libraries look for one.
struct Stubs;

impl SyscallStubs for Stubs {
    fn sol_log(&self, _: &str) {}

    fn sol_log_data(&self, _: &[&[u8]]) {}

    fn sol_get_clock_sysvar(&self, clock: *mut u8) -> u64 {
        let now = (VALIDATOR.unix.load(Ordering::Relaxed), VALIDATOR.slot.load(Ordering::Relaxed));
        // SAFETY: the only caller, `Clock::get`, passes the place of a clock.
        unsafe { clock.cast::<Clock>().write(Clock { unix_timestamp: now.0, slot: now.1, ..Clock::default() }) };
        0
    }

    fn sol_get_stack_height(&self) -> u64 {
        1
    }
}

/// Makes it this time, for the program.
pub fn set_clock(now: &Now) {
    static STUBS: Once = Once::new();
    STUBS.call_once(|| drop(set_syscall_stubs(Box::new(Stubs))));
    VALIDATOR.unix.store(now.unix, Ordering::Relaxed);
    VALIDATOR.slot.store(now.slot, Ordering::Relaxed);
}
