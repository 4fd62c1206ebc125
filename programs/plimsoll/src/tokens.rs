//! The only code that moves tokens. CPIs are built by hand: two thirds of the cost of the generated ones.

use anchor_lang::prelude::*;
use anchor_lang::solana_program::instruction::{AccountMeta, Instruction};
use anchor_lang::solana_program::program::invoke_signed_unchecked;
use anchor_spl::token_2022::spl_token_2022::extension::{BaseStateWithExtensions, ExtensionType, StateWithExtensions};
use anchor_spl::token_2022::spl_token_2022::state::Mint;
use plimsoll_engine::state::{ReserveState, TOKEN_2022, TOKEN_SPL};

use crate::constants::RESERVE_SEED;
use crate::error::PlimsollError;
use crate::state::{view_reserve, Reserve};

/// `TransferChecked` of both token programs: tag, amount, decimals.
const TRANSFER_CHECKED: u8 = 12;

/// Which vault of a reserve.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Vault {
    /// Liquidity: lent, insured, fees.
    Liquidity,
    /// Collateral: never lent.
    Collateral,
}

/// The accounts of one transfer between a user and a vault. All but the signer's right are checked against the reserve;
/// the user's account is judged by the token program itself.
pub struct Transfer<'a, 'info> {
    /// User's token account.
    pub user_account: &'a AccountInfo<'info>,
    /// Mint.
    pub mint: &'a AccountInfo<'info>,
    /// Vault of the reserve.
    pub vault: &'a AccountInfo<'info>,
    /// Token program.
    pub token_program: &'a AccountInfo<'info>,
}

/// What a reserve signs with, copied: nothing of it may be borrowed during the call.
struct Seal {
    market: [u8; 32],
    mint: [u8; 32],
    bump: u8,
    decimals: u8,
}

impl Seal {
    fn of(reserve: &ReserveState) -> Self {
        Self { market: reserve.market, mint: reserve.mint, bump: reserve.bump, decimals: reserve.decimals }
    }
}

/// Address of a token program by its kind.
fn program_of(token_kind: u8) -> Pubkey {
    if token_kind == TOKEN_2022 {
        anchor_spl::token_2022::ID
    } else {
        anchor_spl::token::ID
    }
}

impl<'info> Transfer<'_, 'info> {
    /// Checks mint, vault and token program against the reserve, and that the user's account is not the vault.
    pub fn require(&self, reserve: &ReserveState, vault: Vault) -> Result<()> {
        let expected_vault = match vault {
            Vault::Liquidity => &reserve.liquidity_vault,
            Vault::Collateral => &reserve.collateral_vault,
        };
        require!(self.mint.key.as_ref() == reserve.mint, PlimsollError::WrongMint);
        require!(self.vault.key.as_ref() == expected_vault, PlimsollError::WrongVault);
        require!(*self.token_program.key == program_of(reserve.token_kind), PlimsollError::WrongTokenProgram);
        require!(self.user_account.key != self.vault.key, PlimsollError::SameAccount);
        Ok(())
    }

    /// Moves atoms from the user, who signs, to the vault.
    pub fn take_in(&self, user: &AccountInfo<'info>, atoms: u64, decimals: u8) -> Result<()> {
        self.transfer(self.user_account, self.vault, user, atoms, decimals, &[])
    }

    /// Moves atoms from the vault to the user. The reserve signs.
    pub fn pay_out(&self, reserve: &AccountLoader<'info, Reserve>, atoms: u64) -> Result<()> {
        let seal = Seal::of(&reserve.load()?.state);
        self.pay_sealed(reserve.as_ref(), &seal, atoms)
    }

    /// The same for a reserve among the remaining accounts.
    pub fn pay_out_of_leg(&self, reserve: &AccountInfo<'info>, atoms: u64) -> Result<()> {
        let seal = Seal::of(&*view_reserve(reserve)?);
        self.pay_sealed(reserve, &seal, atoms)
    }

    fn pay_sealed(&self, reserve: &AccountInfo<'info>, seal: &Seal, atoms: u64) -> Result<()> {
        let seeds: &[&[u8]] = &[RESERVE_SEED, &seal.market, &seal.mint, &[seal.bump]];
        self.transfer(self.vault, self.user_account, reserve, atoms, seal.decimals, &[seeds])
    }

    fn transfer(
        &self,
        from: &AccountInfo<'info>,
        to: &AccountInfo<'info>,
        authority: &AccountInfo<'info>,
        atoms: u64,
        decimals: u8,
        seeds: &[&[&[u8]]],
    ) -> Result<()> {
        let mut data = Vec::with_capacity(10);
        data.push(TRANSFER_CHECKED);
        data.extend_from_slice(&atoms.to_le_bytes());
        data.push(decimals);
        let accounts = vec![
            AccountMeta::new(*from.key, false),
            AccountMeta::new_readonly(*self.mint.key, false),
            AccountMeta::new(*to.key, false),
            AccountMeta::new_readonly(*authority.key, true),
        ];
        let instruction = Instruction { program_id: *self.token_program.key, accounts, data };
        // Unchecked: no account of this call is borrowed by us here, and the runtime checks privileges itself.
        invoke_signed_unchecked(
            &instruction,
            &[from.clone(), self.mint.clone(), to.clone(), authority.clone()],
            seeds,
        )?;
        Ok(())
    }
}

/// Why an extension of a mint is refused; nothing where it is accepted.
///
/// Accepted is what describes the token and touches neither amounts nor the right to move them. All else is refused, by
/// name where a name is known, so that a kind of extension that does not exist yet is refused too.
fn refusal(extension: ExtensionType) -> Option<PlimsollError> {
    use ExtensionType as Kind;
    match extension {
        Kind::MetadataPointer
        | Kind::TokenMetadata
        | Kind::GroupPointer
        | Kind::TokenGroup
        | Kind::GroupMemberPointer
        | Kind::TokenGroupMember => None,
        // A vault would receive less than was sent. Counting what arrives would be exact for one transfer, but a fee is
        // paid again on the way out, and may be raised by its authority: what a seizure pays, what a redemption is worth
        // and what health counts would all depend on it. A fee of zero is refused because it may rise.
        Kind::TransferFeeConfig => Some(PlimsollError::TransferFeeRefused),
        // Foreign code would run inside every transfer, and decide whether a liquidation may pay out.
        Kind::TransferHook => Some(PlimsollError::TransferHookRefused),
        // Amounts that nobody can read, or a supply that nobody can count.
        Kind::ConfidentialTransferMint | Kind::ConfidentialTransferFeeConfig | Kind::ConfidentialMintBurn => {
            Some(PlimsollError::ConfidentialTransferRefused)
        }
        // What cannot move can be neither seized nor redeemed.
        Kind::NonTransferable => Some(PlimsollError::NonTransferableRefused),
        // Somebody could take tokens out of a vault past the ledger.
        Kind::PermanentDelegate => Some(PlimsollError::PermanentDelegateRefused),
        // Somebody could stop every transfer at once, liquidations with it. (A freeze authority can stop a vault too: that
        // is accepted, and a trust, because the largest stable coins have one. `docs/tokens.md` says so.)
        Kind::Pausable => Some(PlimsollError::PausableRefused),
        // A closed mint can be made anew at the same address, with any extension of those above.
        Kind::MintCloseAuthority => Some(PlimsollError::CloseAuthorityRefused),
        // A liquidator's new account would be frozen. What is not frozen by default may become so.
        Kind::DefaultAccountState => Some(PlimsollError::DefaultFrozenRefused),
        // Left over are, of mints, interest-bearing and scaled amounts: what wallets and quotes of a price feed show is the
        // atoms times a multiplier that its authority moves, and a feed that means the shown amount would value an atom
        // wrongly by that multiplier.
        _ => Some(PlimsollError::ExtensionRefused),
    }
}

/// Kind of the token program that owns a mint, and a refusal of every extension that is not known to be harmless here.
///
/// Once is enough. Token-2022 initialises an extension only on a mint that is not initialised ("All extensions must be
/// initialized before calling this instruction", `TokenInstruction::InitializeMint` in `spl-token-2022-interface`; its
/// `unpack_uninitialized` fails with `AlreadyInUse` later). Only metadata, groups and members, accepted here, come after.
/// A test asks the real program: `no_refused_extension_can_be_added_to_a_mint_that_exists`.
///
/// The vaults need no look: this program creates them, and only a reserve, which signs transfers alone, could add an
/// extension to its own account.
pub fn accept_mint(mint: &AccountInfo) -> Result<u8> {
    if *mint.owner == anchor_spl::token::ID {
        return Ok(TOKEN_SPL);
    }
    require!(*mint.owner == anchor_spl::token_2022::ID, PlimsollError::NotAMint);
    let data = mint.try_borrow_data()?;
    let state = StateWithExtensions::<Mint>::unpack(&data).map_err(|_| error!(PlimsollError::NotAMint))?;
    // An extension newer than the interface this program is built with has no type here.
    for extension in state.get_extension_types().map_err(|_| error!(PlimsollError::ExtensionRefused))? {
        if let Some(refusal) = refusal(extension) {
            return Err(refusal.into());
        }
    }
    Ok(TOKEN_2022)
}
