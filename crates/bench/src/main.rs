//! `cargo xtask bench`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use plimsoll_bench::profile::{attribution::Phase, Profile, Symbols};
use plimsoll_bench::scenes;
use plimsoll_bench::sheet::Sheet;

#[derive(Parser)]
#[command(name = "plimsoll-bench")]
struct Cli {
    /// Where the units of one measure go, instead of all measures
    #[arg(long, value_name = "MEASURE", requires = "symbols")]
    profile: Option<String>,
    /// The object the program was linked from, with debug information
    #[arg(long, value_name = "FILE")]
    symbols: Option<PathBuf>,
    /// The program
    #[arg(long, value_name = "FILE", default_value = "target/deploy/plimsoll.so")]
    program: PathBuf,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    if let (Some(name), Some(symbols)) = (&cli.profile, &cli.symbols) {
        let symbols = Symbols::load(symbols, &cli.program)?;
        let mut sheet = Sheet::tracing(name);
        scenes::play(&mut sheet)?;
        let traced = sheet.traced.with_context(|| format!("no measure is called {name}"))?;
        let profile = Profile::new(&traced.trace, &traced.logs, &symbols)?;
        print_profile(name, &profile);
        return Ok(());
    }
    let mut sheet = Sheet::default();
    scenes::play(&mut sheet)?;
    for (name, measure) in &sheet.measures {
        println!(
            "{name:<40} {:>8} {:>8} {:>6} {:>4}",
            measure.compute_units, measure.transaction_units, measure.bytes, measure.keys
        );
    }
    Ok(())
}

fn print_profile(name: &str, profile: &Profile) {
    println!("{name}: {} compute units\n", profile.total);
    for phase in Phase::ALL {
        println!("{:>8}  {}", profile.phases.get(&phase).copied().unwrap_or_default(), phase.name());
    }
    println!("\nBy file of the project (what it calls elsewhere included)\n");
    let mut files: Vec<_> = profile.files.iter().collect();
    files.sort_by_key(|(_, units)| std::cmp::Reverse(**units));
    for (file, units) in files {
        println!("{units:>8}  {file}");
    }
    println!("\nSystem calls\n\n   units  calls");
    for (name, (count, units)) in &profile.system {
        println!("{units:>8}  {count:>5}  {name}");
    }
    println!("\nBy function: by itself, with everything it calls\n");
    let mut functions: Vec<_> = profile.functions.iter().collect();
    functions.sort_by_key(|(_, units)| std::cmp::Reverse(units.inclusive));
    for (name, units) in functions.iter().filter(|(_, units)| units.inclusive * 200 >= profile.total) {
        println!("{:>8} {:>8}  {name}", units.exclusive, units.inclusive);
    }
    println!("\nunexplained: {}", profile.unexplained);
}
