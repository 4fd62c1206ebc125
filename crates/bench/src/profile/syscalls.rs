//! Price list of the runtime's system calls (`SVMTransactionExecutionCost` of the version LiteSVM runs).

use solana_program_runtime::solana_sbpf::ebpf::hash_symbol_name;

/// How a system call is priced.
#[derive(Clone, Copy)]
enum Price {
    /// A fixed price.
    Fixed(u64),
    /// Ten units, or one for each 250 bytes, whichever is more; the third argument is the length.
    Memory,
    /// What other calls and the instructions leave of the total: calls of other programs.
    Rest,
}

const PRICES: &[(&str, Price)] = &[
    ("sol_memcpy_", Price::Memory),
    ("sol_memmove_", Price::Memory),
    ("sol_memset_", Price::Memory),
    ("sol_memcmp_", Price::Memory),
    // A line of up to 100 bytes.
    ("sol_log_", Price::Fixed(100)),
    ("sol_log_64_", Price::Fixed(100)),
    ("sol_log_pubkey", Price::Fixed(100)),
    ("sol_get_stack_height", Price::Fixed(100)),
    // A hundred and the sysvar's bytes.
    ("sol_get_clock_sysvar", Price::Fixed(140)),
    ("sol_get_rent_sysvar", Price::Fixed(117)),
    ("sol_create_program_address", Price::Fixed(1_500)),
    ("sol_invoke_signed_rust", Price::Rest),
    ("sol_invoke_signed_c", Price::Rest),
    ("sol_try_find_program_address", Price::Rest),
    ("sol_set_return_data", Price::Rest),
    ("sol_get_sysvar", Price::Rest),
];

/// A system call as a profile shows it.
pub struct Priced {
    /// Its name, without the prefix.
    pub name: &'static str,
    /// Units, or none where the rest of the total pays for it.
    pub units: Option<u64>,
}

/// Price of a system call.
pub fn price(hash: u32, length: u64) -> Priced {
    let found = PRICES.iter().find(|(name, _)| hash_symbol_name(name.as_bytes()) == hash);
    let Some((name, price)) = found else { return Priced { name: "another system call", units: None } };
    let units = match price {
        Price::Fixed(units) => Some(*units),
        Price::Memory => Some((length / 250).max(10)),
        Price::Rest => None,
    };
    Priced { name, units }
}
