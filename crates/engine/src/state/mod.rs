//! Plain-old-data state of every account, as it lies in account memory behind the 8-byte discriminator.
//!
//! Three rules keep one layout for program, host and indexers:
//! no `u128` (its alignment differs between targets: [`Word128`](crate::fixed::Word128) stands in),
//! 8-byte fields first, and a zeroed `reserved` block at the end. Sizes are asserted below each struct.

mod backstop;
mod config;
mod lender;
mod market;
mod position;
mod proposal;
mod reserve;

pub use backstop::*;
pub use config::*;
pub use lender::*;
pub use market::*;
pub use position::*;
pub use proposal::*;
pub use reserve::*;

/// A 32-byte account address. Shown as `pubkey` in the IDL.
pub type Pubkey = [u8; 32];

/// Version of every layout in this module; a reader refuses what it does not know.
pub const LAYOUT_VERSION: u8 = 1;

/// Derives what every state struct needs: a plain-old-data layout, and its shape in the IDL.
macro_rules! state {
    ($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* }) => {
        $(#[$meta])*
        #[cfg_attr(feature = "idl", derive(anchor_lang::AnchorSerialize))]
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
        pub struct $name { $($body)* }
    };
}
pub(crate) use state;

/// Like [`state!`], and also an instruction argument or return value: borsh-encoded at the border.
macro_rules! wire {
    ($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* }) => {
        $(#[$meta])*
        #[cfg_attr(feature = "idl", derive(anchor_lang::AnchorSerialize, anchor_lang::AnchorDeserialize))]
        #[cfg_attr(all(feature = "borsh", not(feature = "idl")), derive(borsh::BorshSerialize, borsh::BorshDeserialize))]
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
        pub struct $name { $($body)* }
    };
}
pub(crate) use wire;

/// Asserts size (without the 8-byte discriminator) and alignment of an account at compile time.
macro_rules! assert_account {
    ($name:ident, $total:expr) => {
        const _: () = assert!(core::mem::size_of::<$name>() + 8 == $total);
        const _: () = assert!(core::mem::align_of::<$name>() == 8);
    };
}
pub(crate) use assert_account;
