//! Accounts from bytes: address and state together, after discriminator, size and layout version were checked.

use anchor_lang::Discriminator;
use bytemuck::Pod;
use plimsoll_engine::state::{
    BackstopProviderState, BackstopState, LenderState, MarketState, PositionState, ProposalState, ReserveState,
    LAYOUT_VERSION, MAX_COLLATERALS, MAX_DEBTS, TOKEN_2022,
};

use crate::Pubkey;

/// Bytes of an account's discriminator.
const DISCRIMINATOR_BYTES: usize = 8;

/// Why bytes are not the account they were taken for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Another program owns the account.
    #[error("{address} belongs to program {owner}, not to Plimsoll; is this the right cluster and address?")]
    WrongOwner {
        /// Address of the account.
        address: Pubkey,
        /// Its owner.
        owner: Pubkey,
    },
    /// Wrong length.
    #[error("{address} has {found} bytes, a {kind} has {expected}")]
    WrongSize {
        /// Address of the account.
        address: Pubkey,
        /// What it was taken for.
        kind: &'static str,
        /// Its length.
        found: usize,
        /// Length of its kind.
        expected: usize,
    },
    /// Wrong discriminator.
    #[error("{address} is not a {kind}: its first eight bytes are another account's")]
    WrongKind {
        /// Address of the account.
        address: Pubkey,
        /// What it was taken for.
        kind: &'static str,
    },
    /// A layout this client does not know.
    #[error("{address} is a {kind} of layout version {found}; this client knows version {known}: update the client")]
    UnknownVersion {
        /// Address of the account.
        address: Pubkey,
        /// What it was taken for.
        kind: &'static str,
        /// Its layout version.
        found: u8,
        /// The version this client knows.
        known: u8,
    },
    /// Slot counts beyond the layout's.
    #[error("{address} claims {collaterals} collaterals and {debts} debts; a position has at most {MAX_COLLATERALS} and {MAX_DEBTS}")]
    TooManySlots {
        /// Address of the account.
        address: Pubkey,
        /// Collaterals it claims.
        collaterals: u8,
        /// Debts it claims.
        debts: u8,
    },
}

/// State that the program keeps in an account.
pub trait AccountState: Pod {
    /// What a person calls it.
    const KIND: &'static str;
    /// First bytes of the account.
    const DISCRIMINATOR: &'static [u8];
    /// Layout version it says it has.
    fn version(&self) -> u8;
}

macro_rules! account_states {
    ($($state:ty, $account:ident, $kind:literal);* $(;)?) => {
        $(impl AccountState for $state {
            const KIND: &'static str = $kind;
            const DISCRIMINATOR: &'static [u8] = plimsoll::state::$account::DISCRIMINATOR;
            fn version(&self) -> u8 {
                self.version
            }
        })*
    };
}

account_states!(
    MarketState, Market, "market";
    ReserveState, Reserve, "reserve";
    PositionState, Position, "position";
    LenderState, Lender, "lender account";
    BackstopState, Backstop, "backstop pool";
    BackstopProviderState, BackstopProvider, "provider account";
    ProposalState, Proposal, "proposal";
);

/// An account's address and state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account<T> {
    /// Its address.
    pub address: Pubkey,
    /// Its state.
    pub state: T,
}

/// A market.
pub type Market = Account<MarketState>;
/// A reserve.
pub type Reserve = Account<ReserveState>;
/// A position.
pub type Position = Account<PositionState>;
/// A lender account.
pub type Lender = Account<LenderState>;
/// A backstop pool.
pub type Backstop = Account<BackstopState>;
/// A proposal.
pub type Proposal = Account<ProposalState>;
/// A provider account in a backstop pool.
pub type BackstopProvider = Account<BackstopProviderState>;

impl<T: AccountState> Account<T> {
    /// Length of the account, bytes.
    pub const SIZE: usize = DISCRIMINATOR_BYTES + size_of::<T>();

    /// Decodes the data of an account the program owns.
    ///
    /// # Errors
    /// Where size, discriminator or layout version are not this kind's.
    pub fn decode(address: Pubkey, data: &[u8]) -> Result<Self, DecodeError> {
        let kind = T::KIND;
        if !data.starts_with(T::DISCRIMINATOR) {
            return Err(DecodeError::WrongKind { address, kind });
        }
        let size = DecodeError::WrongSize { address, kind, found: data.len(), expected: Self::SIZE };
        let body = data.get(DISCRIMINATOR_BYTES..).filter(|_| data.len() == Self::SIZE).ok_or(size.clone())?;
        let state: T = bytemuck::try_pod_read_unaligned(body).map_err(|_| size)?;
        if state.version() != LAYOUT_VERSION {
            return Err(DecodeError::UnknownVersion { address, kind, found: state.version(), known: LAYOUT_VERSION });
        }
        Ok(Self { address, state })
    }

    /// Like [`Self::decode`], after checking who owns the account.
    ///
    /// # Errors
    /// Also `WrongOwner`.
    pub fn decode_owned(address: Pubkey, owner: &Pubkey, data: &[u8]) -> Result<Self, DecodeError> {
        if *owner != crate::PROGRAM_ID {
            return Err(DecodeError::WrongOwner { address, owner: *owner });
        }
        Self::decode(address, data)
    }
}

impl Reserve {
    /// Its market.
    pub fn market(&self) -> Pubkey {
        Pubkey::new_from_array(self.state.market)
    }

    /// Its token's mint.
    pub fn mint(&self) -> Pubkey {
        Pubkey::new_from_array(self.state.mint)
    }

    /// Vault of supplied liquidity.
    pub fn liquidity_vault(&self) -> Pubkey {
        Pubkey::new_from_array(self.state.liquidity_vault)
    }

    /// Vault of collateral.
    pub fn collateral_vault(&self) -> Pubkey {
        Pubkey::new_from_array(self.state.collateral_vault)
    }

    /// Token program of its mint.
    pub fn token_program(&self) -> Pubkey {
        if self.state.token_kind == TOKEN_2022 {
            anchor_spl::token_2022::ID
        } else {
            anchor_spl::token::ID
        }
    }

    /// Associated token account of an owner for this token.
    pub fn token_account(&self, owner: &Pubkey) -> Pubkey {
        crate::address::token_account(owner, &self.mint(), &self.token_program())
    }
}

impl Position {
    /// Its market.
    pub fn market(&self) -> Pubkey {
        Pubkey::new_from_array(self.state.market)
    }

    /// Its owner.
    pub fn owner(&self) -> Pubkey {
        Pubkey::new_from_array(self.state.owner)
    }

    /// Reserves of all its legs: collaterals, then debts, in slot order.
    pub fn legs(&self) -> impl Iterator<Item = Pubkey> + '_ {
        let collaterals = self.state.collaterals().iter().map(|slot| slot.reserve);
        collaterals.chain(self.state.debts().iter().map(|slot| slot.reserve)).map(Pubkey::new_from_array)
    }

    /// Decodes a position, and checks its slot counts.
    ///
    /// # Errors
    /// Those of [`Account::decode_owned`]; `TooManySlots`.
    pub fn decode_checked(address: Pubkey, owner: &Pubkey, data: &[u8]) -> Result<Self, DecodeError> {
        let position = Self::decode_owned(address, owner, data)?;
        let (collaterals, debts) = (position.state.collateral_count, position.state.debt_count);
        if usize::from(collaterals) > MAX_COLLATERALS || usize::from(debts) > MAX_DEBTS {
            return Err(DecodeError::TooManySlots { address, collaterals, debts });
        }
        Ok(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes() -> Vec<u8> {
        let mut state: LenderState = bytemuck::Zeroable::zeroed();
        state.version = LAYOUT_VERSION;
        state.recovered_atoms = 7;
        [plimsoll::state::Lender::DISCRIMINATOR, bytemuck::bytes_of(&state)].concat()
    }

    #[test]
    fn an_account_decodes_from_its_own_bytes_wherever_they_lie() {
        let shifted = [&[0u8][..], &bytes()].concat();
        let lender = Lender::decode(Pubkey::default(), &shifted[1..]).expect("a lender account");
        assert_eq!(lender.state.recovered_atoms, 7);
    }

    #[test]
    fn another_kind_size_version_or_owner_is_refused_by_name() {
        let address = Pubkey::default();
        assert!(matches!(Reserve::decode(address, &bytes()), Err(DecodeError::WrongKind { .. })));
        assert!(matches!(Lender::decode(address, &[]), Err(DecodeError::WrongKind { .. })));
        assert!(matches!(Lender::decode(address, &bytes()[..20]), Err(DecodeError::WrongSize { found: 20, .. })));
        let mut newer = bytes();
        newer[8] = LAYOUT_VERSION + 1;
        assert!(matches!(Lender::decode(address, &newer), Err(DecodeError::UnknownVersion { .. })));
        let stranger = Pubkey::new_from_array([9; 32]);
        assert!(matches!(Lender::decode_owned(address, &stranger, &bytes()), Err(DecodeError::WrongOwner { .. })));
    }
}
