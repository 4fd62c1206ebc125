//! A snapshot's file: JSON with a header and one account a line, its bytes in base64; gzip where the name ends in `.gz`.
//!
//! ```json
//! {"format":"plimsoll-snapshot","version":1,"program":"…","market":"…","commitment":"confirmed","read_slots":[7,8],
//! "slot":8,"unix":1800000000,"accounts":[
//! {"address":"…","data":"…"}
//! ]}
//! ```
//!
//! It is written and read as a stream: whoever does so needs one account's text at a time, however many there are.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use flate2::Compression;
use plimsoll_client::{Pubkey as Address, PROGRAM_ID};
use plimsoll_engine::Now;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::gather::Gathered;
use super::Snapshot;

/// What the file says it is.
const FORMAT: &str = "plimsoll-snapshot";
/// Version of the format.
const VERSION: u32 = 1;
/// First bytes of what gzip wrote.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What a file says besides the accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Market.
    pub market: Address,
    /// Commitment at which the accounts were read.
    pub commitment: String,
    /// The oldest and the youngest slot of the answers that they are from.
    pub read_slots: (u64, u64),
    /// The chain's clock, read with the youngest.
    pub now: Now,
}

#[derive(Serialize)]
struct Head<'a> {
    format: &'a str,
    version: u32,
    program: String,
    market: String,
    commitment: &'a str,
    read_slots: (u64, u64),
    slot: u64,
    unix: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(rename = "format", deserialize_with = "format")]
    _format: (),
    #[serde(rename = "version", deserialize_with = "version")]
    _version: (),
    program: String,
    market: String,
    commitment: String,
    read_slots: (u64, u64),
    slot: u64,
    unix: i64,
    accounts: Accounts,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    address: String,
    data: String,
}

fn format<'de, D: Deserializer<'de>>(from: D) -> Result<(), D::Error> {
    let found = String::deserialize(from)?;
    if found == FORMAT {
        return Ok(());
    }
    Err(D::Error::custom(format!("expected the format {FORMAT}, got {found}")))
}

fn version<'de, D: Deserializer<'de>>(from: D) -> Result<(), D::Error> {
    let found = u32::deserialize(from)?;
    if found == VERSION {
        return Ok(());
    }
    Err(D::Error::custom(format!(
        "expected version {VERSION} of the format, got {found}; take the snapshot with the same version of plimsoll"
    )))
}

/// All accounts, decoded as they come.
struct Accounts(Gathered);

impl<'de> Deserialize<'de> for Accounts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Accounts;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a list of accounts")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Accounts, A::Error> {
                let mut gathered = Gathered::default();
                while let Some(entry) = all.next_element::<Entry>()? {
                    add(&mut gathered, &entry).map_err(|error| A::Error::custom(format!("{error:#}")))?;
                }
                Ok(Accounts(gathered))
            }
        }
        from.deserialize_seq(Each)
    }
}

fn add(gathered: &mut Gathered, entry: &Entry) -> Result<()> {
    let address = address(&entry.address)?;
    let data = STANDARD.decode(&entry.data).with_context(|| format!("data of {address}"))?;
    gathered.add(address, &data)
}

fn address(text: &str) -> Result<Address> {
    text.parse().ok().with_context(|| format!("expected an address, got {text}"))
}

/// Writes a file, or leaves what was there: it is written beside it and takes its place once it is complete.
///
/// # Errors
/// Where it cannot be written.
pub fn write<'a>(path: &Path, header: &Header, accounts: impl IntoIterator<Item = (Address, &'a [u8])>) -> Result<()> {
    let mut name = path.file_name().with_context(|| format!("{} names no file", path.display()))?.to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let is_packed = path.extension().is_some_and(|extension| extension == "gz");
    let written = pour(&part, is_packed, header, accounts).and_then(|()| Ok(std::fs::rename(&part, path)?));
    if written.is_err() {
        // What is left of it is of no use; that it cannot be removed either changes nothing.
        let _ = std::fs::remove_file(&part);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn pour<'a>(
    path: &PathBuf,
    is_packed: bool,
    header: &Header,
    accounts: impl IntoIterator<Item = (Address, &'a [u8])>,
) -> Result<()> {
    let file = BufWriter::new(File::create_new(path)?);
    let file = if is_packed {
        let mut packer = GzEncoder::new(file, Compression::default());
        tell(&mut packer, header, accounts)?;
        packer.finish()?
    } else {
        let mut file = file;
        tell(&mut file, header, accounts)?;
        file
    };
    // Its name is to stand for the whole of it, whatever happens to the machine.
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(())
}

fn tell<'a>(
    to: &mut impl Write,
    header: &Header,
    accounts: impl IntoIterator<Item = (Address, &'a [u8])>,
) -> Result<()> {
    let head = serde_json::to_string(&Head {
        format: FORMAT,
        version: VERSION,
        program: PROGRAM_ID.to_string(),
        market: header.market.to_string(),
        commitment: &header.commitment,
        read_slots: header.read_slots,
        slot: header.now.slot,
        unix: header.now.unix,
    })?;
    // The list goes where the object ends.
    write!(to, "{},\n\"accounts\":[", head.strip_suffix('}').unwrap_or(&head))?;
    for (index, (address, data)) in accounts.into_iter().enumerate() {
        to.write_all(if index == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *to, &Entry { address: address.to_string(), data: STANDARD.encode(data) })?;
    }
    to.write_all(b"\n]}\n")?;
    Ok(())
}

/// Reads a file.
///
/// # Errors
/// What is wrong with it.
pub fn read(path: &Path) -> Result<(Header, Snapshot)> {
    let file = File::open(path).with_context(|| format!("cannot read the snapshot {}", path.display()))?;
    let mut file = BufReader::new(file);
    let is_packed = file.fill_buf().is_ok_and(|start| start.starts_with(&GZIP));
    let found = if is_packed { parse(BufReader::new(GzDecoder::new(file))) } else { parse(file) };
    found.with_context(|| format!("{} is no snapshot of a market", path.display()))
}

fn parse(from: impl Read) -> Result<(Header, Snapshot)> {
    // To the end, where the check of what gzip wrote is.
    let body: Body = serde_json::from_reader(from)?;
    let program = PROGRAM_ID.to_string();
    ensure!(body.program == program, "expected accounts of the program {program}, got those of {}", body.program);
    let header = Header {
        market: address(&body.market)?,
        commitment: body.commitment,
        read_slots: body.read_slots,
        now: Now { unix: body.unix, slot: body.slot },
    };
    let snapshot = body.accounts.0.finish(header.market, header.now)?;
    Ok((header, snapshot))
}
