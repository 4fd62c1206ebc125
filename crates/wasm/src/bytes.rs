//! Reading a question and writing an answer.

use bytemuck::{AnyBitPattern, Pod};
use plimsoll_engine::state::{
    BackstopProviderState, BackstopState, LenderState, MarketState, PositionState, ReserveState, LAYOUT_VERSION,
    MAX_COLLATERALS, MAX_DEBTS,
};
use plimsoll_engine::Now;

use crate::Mistake;

/// Bytes of an account's discriminator. The host has compared it: it knows which is whose.
const DISCRIMINATOR_BYTES: usize = 8;

/// What is left of a question.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// All of a question.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Mistake> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Mistake::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next value.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn pod<T: AnyBitPattern>(&mut self) -> Result<T, Mistake> {
        bytemuck::try_pod_read_unaligned(self.take(size_of::<T>())?).map_err(|_| Mistake::Malformed)
    }

    /// The next number, of a slot or a count.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn index(&mut self) -> Result<usize, Mistake> {
        usize::try_from(self.pod::<u64>()?).map_err(|_| Mistake::Malformed)
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn end(&self) -> Result<(), Mistake> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Mistake::Malformed)
        }
    }

    /// Unix time and slot.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn now(&mut self) -> Result<Now, Mistake> {
        Ok(Now { unix: self.pod()?, slot: self.pod()? })
    }

    fn account<T: Pod>(&mut self, version: impl Fn(&T) -> u8) -> Result<T, Mistake> {
        self.take(DISCRIMINATOR_BYTES)?;
        let state: T = self.pod()?;
        if version(&state) == LAYOUT_VERSION {
            Ok(state)
        } else {
            Err(Mistake::UnknownVersion)
        }
    }

    /// A market account.
    ///
    /// # Errors
    /// `Malformed`, `UnknownVersion`; so do the next ones.
    pub fn market(&mut self) -> Result<MarketState, Mistake> {
        self.account(|state: &MarketState| state.version)
    }

    /// A reserve account.
    ///
    /// # Errors
    /// Those of [`Self::market`].
    pub fn reserve(&mut self) -> Result<ReserveState, Mistake> {
        self.account(|state: &ReserveState| state.version)
    }

    /// A position account.
    ///
    /// # Errors
    /// Those of [`Self::market`]; `Malformed` also where it claims more slots than there are.
    pub fn position(&mut self) -> Result<PositionState, Mistake> {
        let state = self.account(|state: &PositionState| state.version)?;
        let (collaterals, debts) = (usize::from(state.collateral_count), usize::from(state.debt_count));
        if collaterals > MAX_COLLATERALS || debts > MAX_DEBTS {
            return Err(Mistake::Malformed);
        }
        Ok(state)
    }

    /// A lender account.
    ///
    /// # Errors
    /// Those of [`Self::market`].
    pub fn lender(&mut self) -> Result<LenderState, Mistake> {
        self.account(|state: &LenderState| state.version)
    }

    /// A backstop pool's account.
    ///
    /// # Errors
    /// Those of [`Self::market`].
    pub fn backstop(&mut self) -> Result<BackstopState, Mistake> {
        self.account(|state: &BackstopState| state.version)
    }

    /// A provider account.
    ///
    /// # Errors
    /// Those of [`Self::market`].
    pub fn provider(&mut self) -> Result<BackstopProviderState, Mistake> {
        self.account(|state: &BackstopProviderState| state.version)
    }
}

/// What of an answer is written.
pub struct Output<'a> {
    bytes: &'a mut [u8],
    len: usize,
}

impl<'a> Output<'a> {
    /// An empty answer.
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, len: 0 }
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// `TooLong`.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Mistake> {
        let end = self.len.checked_add(bytes.len()).ok_or(Mistake::TooLong)?;
        self.bytes.get_mut(self.len..end).ok_or(Mistake::TooLong)?.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    /// Bytes written.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
