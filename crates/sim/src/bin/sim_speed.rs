//! How fast the simulator is on this machine: `cargo run --release -p plimsoll-sim --bin sim_speed`. Prints one JSON object. With
//! `small` as its argument it takes a hundredth of the time.

use plimsoll_sim::speed::{measure, Scale};

fn main() -> anyhow::Result<()> {
    let is_small = std::env::args().nth(1).is_some_and(|scale| scale == "small");
    println!("{:#}", measure(if is_small { Scale::SMALL } else { Scale::WHOLE })?);
    Ok(())
}
