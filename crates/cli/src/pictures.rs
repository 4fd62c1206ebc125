//! `plimsoll pictures`: draws the pictures of `docs/liquidation.md`. Every number in them is the engine's; floats place
//! points and nothing else.

mod alv;
mod bonus;
pub mod canvas;
mod crash;
mod csv;
mod path;
mod replay;
mod terms;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use path::Path;

/// Where to draw, and what the crash is.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the pictures; made where it is missing.
    #[arg(long, default_value = "docs/pictures")]
    out: PathBuf,
    /// Replay the largest fall of a day in this file, as `replay.svg`, instead of the synthetic `crash.svg`. CSV whose
    /// header names at least `time` (unix seconds) and `close` (USD).
    #[arg(long, value_name = "FILE.csv")]
    prices: Option<PathBuf>,
}

/// A picture and the file it goes to.
struct Picture {
    file: &'static str,
    svg: String,
}

/// Draws and writes all pictures. A replay has a file of its own: what is committed is drawn from the synthetic path, so
/// that everybody gets the same bytes.
pub fn run(args: &Args) -> Result<ExitCode> {
    let mut pictures = curves()?;
    pictures.push(match &args.prices {
        Some(file) => Picture { file: "replay.svg", svg: crash::draw(&csv::read(file)?)? },
        None => crash()?,
    });
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    for Picture { file, svg } in &pictures {
        let file = args.out.join(file);
        std::fs::write(&file, svg).with_context(|| format!("cannot write {}", file.display()))?;
        println!("{} ({} bytes)", file.display(), svg.len());
    }
    Ok(ExitCode::SUCCESS)
}

/// The pictures that need no prices.
fn curves() -> Result<Vec<Picture>> {
    Ok(vec![Picture { file: "alv.svg", svg: alv::draw()? }, Picture { file: "bonus.svg", svg: bonus::draw()? }])
}

/// The synthetic crash.
fn crash() -> Result<Picture> {
    Ok(Picture { file: "crash.svg", svg: crash::draw(&Path::synthetic())? })
}
