//! One target under libFuzzer, whose own options follow on the command line. `cargo xtask fuzz` builds and starts it.
#![no_main]

use std::sync::OnceLock;

use plimsoll_fuzz::{target, Target};

/// Names the target; libFuzzer has the command line for itself.
const VARIABLE: &str = "PLIMSOLL_FUZZ_TARGET";

fn chosen() -> Target {
    static CHOSEN: OnceLock<Target> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let name = std::env::var(VARIABLE).unwrap_or_default();
        target(&name).unwrap_or_else(|| panic!("{VARIABLE} names no target: `{name}`"))
    })
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (chosen().run)(data);
});
