//! The market of the tests: a constant-product pool of two mints, for what a liquidator seized; and `forward`, a caller
//! of any program, for what must not be called through another; and `transfers`, what a liquidation costs at the least.
//!
//! A pool has no account of its own. Its authority is the address of the seeds `["pool", mint, mint]`, the smaller mint
//! first, and its vaults are that address's associated token accounts: what lies in them is the pool. Anyone may give.

#[cfg(target_os = "solana")]
mod entry;

/// First seed of a pool's authority.
pub const POOL_SEED: &[u8] = b"pool";

/// Fee of a swap, of what comes in, bps.
pub const FEE_BPS: u64 = 30;

/// First byte of an instruction: swap. Then [`Swap`]'s data. Accounts: trader (signs), authority, trader's token account
/// that pays and the one that receives, the vault that receives and the one that pays, the mint that comes in and the one
/// that goes out, and the token program of each.
pub const SWAP: u8 = 0;
/// First byte of an instruction: call the first account, a program, with the rest of the accounts and of the data.
pub const FORWARD: u8 = 1;
/// First byte of an instruction: the floor of a liquidation. With the accounts of `liquidate` it moves an atom of each of
/// both tokens from the liquidator to the vault, and does nothing else.
pub const TRANSFERS: u8 = 2;

/// Refusals, as custom codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum PoolError {
    /// Data is no instruction.
    Malformed = 1_000,
    /// Fewer accounts than named, or more.
    WrongAccounts = 1_001,
    /// The trader did not sign.
    NotSigned = 1_002,
    /// A mint belongs to neither token program, or to another than the one given, or both are the same.
    WrongMint = 1_003,
    /// Not the pool's authority.
    WrongAuthority = 1_004,
    /// Not the pool's vault of this mint.
    WrongVault = 1_005,
    /// Nothing comes in or would go out.
    ZeroAmount = 1_006,
    /// Less would go out than asked for.
    BelowMinimum = 1_007,
}

/// Arguments of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swap {
    /// What comes in, atoms.
    pub amount_in: u64,
    /// Least to go out, atoms.
    pub amount_out_min: u64,
}

impl Swap {
    /// An instruction's data.
    pub fn encode(&self) -> Vec<u8> {
        [&[SWAP][..], &self.amount_in.to_le_bytes(), &self.amount_out_min.to_le_bytes()].concat()
    }

    /// The arguments in an instruction's data, after its first byte.
    pub fn decode(data: &[u8]) -> Option<Self> {
        let (amount_in, rest) = data.split_first_chunk::<8>()?;
        let amount_out_min = <[u8; 8]>::try_from(rest).ok()?;
        Some(Self { amount_in: u64::from_le_bytes(*amount_in), amount_out_min: u64::from_le_bytes(amount_out_min) })
    }
}

/// What goes out for what comes in, rounded down: `out * i / (in + i)` with `i` the amount less its fee.
pub fn amount_out(amount_in: u64, vault_in: u64, vault_out: u64) -> u64 {
    // Both products stay below 2^64 * 2^64; the quotient is below `vault_out`. In units of 1e-4 atoms the sums fit too.
    let kept = u128::from(amount_in) * u128::from(10_000 - FEE_BPS);
    let whole = u128::from(vault_in) * 10_000 + kept;
    // `out * kept` may need 142 bits: divide by the common unit first where it does, which rounds down.
    let out = match u128::from(vault_out).checked_mul(kept) {
        Some(product) => product.checked_div(whole).unwrap_or(0),
        None => u128::from(vault_out) * (kept / 10_000) / (whole.div_ceil(10_000)),
    };
    u64::try_from(out).unwrap_or(0)
}

/// The mints of a pool in the order of its seeds.
pub fn in_order<'a>(one: &'a [u8; 32], other: &'a [u8; 32]) -> [&'a [u8; 32]; 2] {
    if one < other {
        [one, other]
    } else {
        [other, one]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_swap_gets_the_price_less_the_fee() {
        // 1,000 tokens of 9 decimals against 150,000 of 6: an atom of a thousandth is worth 0.15 of the other.
        let (sol, usdc) = (1_000_000_000_000, 150_000_000_000);
        assert_eq!(amount_out(1_000_000, sol, usdc), 149_549);
        assert_eq!(amount_out(1_000, usdc, sol), 6_646);
    }

    #[test]
    fn a_swap_of_as_much_as_there_is_gets_almost_half() {
        assert_eq!(amount_out(1_000_000, 1_000_000, 1_000_000), 499_248);
        assert_eq!(amount_out(1_000_000, 1_000_000, 0), 0);
        assert_eq!(amount_out(0, 1_000_000, 1_000_000), 0);
        assert_eq!(amount_out(0, 0, 1_000_000), 0);
    }

    #[test]
    fn the_product_of_the_vaults_never_falls_and_the_pool_is_never_emptied() {
        let amounts = [1, 2, 3, 9_999, 10_000, 123_456_789, 1 << 40, 1 << 62, u64::MAX];
        for vault_in in amounts {
            for vault_out in amounts {
                for amount_in in amounts {
                    let out = amount_out(amount_in, vault_in, vault_out);
                    assert!(out < vault_out, "{amount_in} into {vault_in}, {vault_out}");
                    let left = u128::from(vault_out - out);
                    let grown = u128::from(vault_in) + u128::from(amount_in);
                    // grown * left >= vault_in * vault_out; grown has at most 65 bits.
                    let before = u128::from(vault_in) * u128::from(vault_out);
                    assert!(left.checked_mul(grown).is_none_or(|after| after >= before), "{amount_in} for {out}");
                }
            }
        }
    }

    #[test]
    fn more_in_is_never_less_out() {
        let mut last = 0;
        for shift in 0..64 {
            let out = amount_out(1 << shift, 1 << 50, 1 << 60);
            assert!(out >= last, "{out} after {last}");
            last = out;
        }
    }

    #[test]
    fn arguments_survive_their_encoding_and_nothing_else_is_taken_for_them() {
        let swap = Swap { amount_in: 7, amount_out_min: u64::MAX };
        let data = swap.encode();
        assert_eq!((data[0], Swap::decode(&data[1..])), (SWAP, Some(swap)));
        assert_eq!(Swap::decode(&data), None);
        assert_eq!(Swap::decode(&data[2..]), None);
    }

    #[test]
    fn both_orders_of_two_mints_are_one_pool() {
        assert_eq!(in_order(&[1; 32], &[2; 32]), in_order(&[2; 32], &[1; 32]));
    }
}
