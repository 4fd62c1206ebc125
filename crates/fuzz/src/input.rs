//! Bytes as a target reads them, and as a seed is written: little-endian, no padding. Past the end everything is zero, so
//! every input means something.

use anchor_lang::prelude::Pubkey;
use bytemuck::Pod;
use plimsoll_engine::Now;

/// What is left of an input.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// At most so many bytes.
    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Bytes behind their number.
    pub fn counted(&mut self) -> &'a [u8] {
        let length = self.pod::<u16>();
        self.take(length.into())
    }

    pub fn pod<T: Pod>(&mut self) -> T {
        let mut value = T::zeroed();
        let bytes = self.take(size_of::<T>());
        bytemuck::bytes_of_mut(&mut value)[..bytes.len()].copy_from_slice(bytes);
        value
    }

    pub fn key(&mut self) -> Pubkey {
        Pubkey::new_from_array(self.pod())
    }

    pub fn now(&mut self) -> Now {
        Now { unix: self.pod(), slot: self.pod() }
    }
}

/// Writes what a target reads.
#[derive(Clone, Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Bytes as they are.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A number or a state.
    pub fn pod<T: Pod>(self, value: &T) -> Self {
        self.raw(bytemuck::bytes_of(value))
    }

    /// The time.
    pub fn now(self, now: &Now) -> Self {
        self.pod(&now.unix).pod(&now.slot)
    }

    /// Bytes behind their number.
    ///
    /// # Panics
    /// With more than 65,535 of them: no account of the program is that long.
    pub fn counted(self, bytes: &[u8]) -> Self {
        let length = u16::try_from(bytes.len()).expect("fewer than 65,536 bytes");
        self.pod(&length).raw(bytes)
    }

    /// An account among those that an instruction gets.
    pub fn account(self, key: &Pubkey, owner: &Pubkey, is_signer: bool, is_writable: bool, data: &[u8]) -> Self {
        let owner = crate::chain::owner_number(owner);
        let flags = u8::from(is_signer) | u8::from(is_writable) << 1;
        self.raw(key.as_ref()).pod(&owner).pod(&flags).counted(data)
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}
