//! Debug information for the instructions of the program.
//!
//! The linker turns an object file into the program's text: it leaves out functions nobody calls, adds a zero extension
//! after some 32-bit operations, and keeps no debug information. So the object is read, its functions are laid beside the
//! program's text, and every instruction of the text gets the address it had in the object.

use std::{borrow::Cow, collections::BTreeMap, fs, path::Path, rc::Rc};

use addr2line::Context as LineContext;
use anyhow::{bail, ensure, Context, Result};
use gimli::{EndianRcSlice, LittleEndian};
use object::{elf, read::elf::ElfFile64, Object, ObjectSection, ObjectSymbol, RelocationTarget, SymbolSection};

type Slice = EndianRcSlice<LittleEndian>;
type ObjectFile<'data> = ElfFile64<'data, object::LittleEndian>;
const BYTES: usize = 8;

/// A function, inlined or not, at an instruction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Function {
    /// Its path.
    pub name: Rc<str>,
    /// The file it is in, as the compiler saw it.
    pub file: Rc<str>,
}

/// Names for the program's instructions.
pub struct Symbols {
    context: LineContext<Slice>,
    /// Address in the object of each instruction of the text.
    addresses: Vec<u64>,
}

impl Symbols {
    /// Reads the object a program was made of.
    ///
    /// # Errors
    /// When a file cannot be read, and when the object is not that of the program.
    pub fn load(object: &Path, program: &Path) -> Result<Self> {
        let read = |path: &Path| fs::read(path).with_context(|| format!("reading {}", path.display()));
        let (object_bytes, program_bytes) = (read(object)?, read(program)?);
        let file = ObjectFile::parse(&*object_bytes).context("the object")?;
        let text = program_text(&program_bytes)?;
        let bases = text_bases(&file)?;
        let addresses = lay_beside(&file, &bases, text)
            .with_context(|| format!("{} is not what {} was made of", object.display(), program.display()))?;
        let section = |id: gimli::SectionId| -> Result<Slice> {
            Ok(EndianRcSlice::new(relocated(&file, &bases, id.name())?.into(), LittleEndian))
        };
        let context = LineContext::from_dwarf(gimli::Dwarf::load(section)?)?;
        Ok(Self { context, addresses })
    }

    /// Functions at an instruction, innermost first: the inlined ones, then the one they were inlined into.
    pub fn functions(&self, pc: usize) -> Result<Vec<Function>> {
        let address = *self.addresses.get(pc).context("an instruction beyond the text")?;
        let mut frames = self.context.find_frames(address).skip_all_loads()?;
        let mut functions = Vec::new();
        while let Some(frame) = frames.next()? {
            let name = frame.function.as_ref().and_then(|function| function.raw_name().ok());
            let name = format!("{:#}", rustc_demangle::demangle(&name.unwrap_or(Cow::Borrowed("?"))));
            let file = frame.location.and_then(|location| location.file).unwrap_or("?");
            functions.push(Function { name: name.into(), file: file.into() });
        }
        Ok(functions)
    }
}

/// The executable segment of the program.
fn program_text(bytes: &[u8]) -> Result<&[u8]> {
    use object::read::elf::{FileHeader, ProgramHeader};
    let header = elf::FileHeader64::<object::LittleEndian>::parse(bytes).context("the program")?;
    let segments = header.program_headers(object::LittleEndian, bytes)?;
    let executable = segments.iter().find(|segment| segment.p_flags(object::LittleEndian) & elf::PF_X != 0);
    let data = executable.context("a program has an executable segment")?.data(object::LittleEndian, bytes);
    data.ok().context("the executable segment lies in the file")
}

/// Where each text section of the object begins when they follow one another.
fn text_bases(file: &ObjectFile) -> Result<BTreeMap<usize, u64>> {
    let mut bases = BTreeMap::new();
    let mut end = 0;
    for section in file.sections() {
        if section.name()?.starts_with(".text") {
            bases.insert(section.index().0, end);
            end += section.size();
        }
    }
    Ok(bases)
}

/// Addresses in the object of the instructions of the text.
fn lay_beside(file: &ObjectFile, bases: &BTreeMap<usize, u64>, text: &[u8]) -> Result<Vec<u64>> {
    let mut code = Vec::new();
    for index in bases.keys() {
        code.extend_from_slice(file.section_by_index(object::SectionIndex(*index))?.data()?);
    }
    let base = |section| match section {
        SymbolSection::Section(index) => bases.get(&index.0).copied(),
        _ => None,
    };
    let named = file.symbols().filter(|symbol| symbol.name().is_ok_and(|name| !name.is_empty()));
    let starts = named.filter_map(|symbol| Some((base(symbol.section())? + symbol.address()) as usize / BYTES));
    let mut starts: Vec<usize> = starts.collect();
    starts.sort_unstable();
    starts.dedup();
    let (code, _) = code.as_chunks::<BYTES>();
    let (text, _) = text.as_chunks::<BYTES>();
    let ends = starts.iter().skip(1).copied().chain([code.len()]);
    let mut addresses: Vec<u64> = Vec::with_capacity(text.len());
    for (start, end) in starts.iter().copied().zip(ends) {
        // A function that does not fit here was left out by the linker.
        if let Some(found) = lay_function(&code[start..end], &text[addresses.len()..]) {
            addresses.extend(found.into_iter().map(|within| ((start + within) * BYTES) as u64));
        }
    }
    ensure!(addresses.len() == text.len(), "{} of {} instructions have an origin", addresses.len(), text.len());
    Ok(addresses)
}

/// For each instruction of the text made from a function, its number in the function; none where it is another's.
fn lay_function(function: &[[u8; BYTES]], text: &[[u8; BYTES]]) -> Option<Vec<usize>> {
    let mut origins: Vec<usize> = Vec::with_capacity(function.len());
    for (index, instruction) in function.iter().enumerate() {
        while !is_made_from(text.get(origins.len())?, instruction) {
            // What a zero extension follows, it belongs to.
            if index == 0 || !is_zero_extension(text.get(origins.len())?) {
                return None;
            }
            origins.push(index - 1);
        }
        origins.push(index);
    }
    Some(origins)
}

fn is_made_from(made: &[u8; BYTES], from: &[u8; BYTES]) -> bool {
    const CALL: u8 = 0x85;
    let is_arithmetic = |operation: u8| matches!(operation & 7, 4 | 7);
    // A 32-bit operation may become one of 64 bits and the other way round.
    let same_operation =
        made[0] == from[0] || is_arithmetic(made[0]) && is_arithmetic(from[0]) && made[0] >> 3 == from[0] >> 3;
    // Register 11 stands for arguments on the stack; calls have been resolved.
    let is_stack = from[1] & 15 == 11 || from[1] >> 4 == 11;
    same_operation && (made[1] == from[1] || from[0] == CALL || is_stack)
}

/// A 32-bit move of a register to itself.
fn is_zero_extension(instruction: &[u8; BYTES]) -> bool {
    const MOVE_32: u8 = 0xbc;
    instruction[0] == MOVE_32 && instruction[1] & 15 == instruction[1] >> 4
}

/// Bytes of a debug section, with addresses of instructions as if the text sections followed one another.
fn relocated(file: &ObjectFile, bases: &BTreeMap<usize, u64>, name: &str) -> Result<Vec<u8>> {
    let Some(section) = file.section_by_name(name) else { return Ok(Vec::new()) };
    let mut bytes = section.data()?.to_vec();
    for (offset, relocation) in section.relocations() {
        let RelocationTarget::Symbol(symbol) = relocation.target() else { continue };
        let symbol = file.symbol_by_index(symbol)?;
        let Some(base) = symbol.section_index().and_then(|index| bases.get(&index.0)) else { continue };
        let place = bytes.get_mut(offset as usize..).and_then(|rest| rest.first_chunk_mut::<8>());
        let Some(place) = place else { bail!("a relocation beyond {name}") };
        *place = (u64::from_le_bytes(*place) + base + symbol.address()).to_le_bytes();
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn instruction(operation: u8, registers: u8) -> [u8; BYTES] {
        [operation, registers, 0, 0, 0, 0, 0, 0]
    }

    const MOVE: [u8; BYTES] = instruction(0xbf, 0x16);
    const ADD_32: [u8; BYTES] = instruction(0x0c, 0x26);
    const ADD_64: [u8; BYTES] = instruction(0x0f, 0x26);
    const EXTEND: [u8; BYTES] = instruction(0xbc, 0x66);
    const EXIT: [u8; BYTES] = instruction(0x95, 0);
    const FUNCTION: [[u8; BYTES]; 3] = [MOVE, ADD_32, EXIT];

    #[test]
    fn a_function_is_found_in_what_the_linker_made_of_it() {
        assert_eq!(lay_function(&FUNCTION, &[MOVE, ADD_32, EXIT, MOVE]), Some(vec![0, 1, 2]));
        assert_eq!(lay_function(&FUNCTION, &[MOVE, ADD_64, EXIT]), Some(vec![0, 1, 2]));
        assert_eq!(
            lay_function(&FUNCTION, &[MOVE, ADD_32, EXTEND, EXIT]),
            Some(vec![0, 1, 1, 2]),
            "an extension belongs"
        );
    }

    #[test]
    fn another_function_is_not_taken_for_it() {
        for text in [&[EXTEND, MOVE, ADD_32, EXIT][..], &[MOVE, EXIT], &[MOVE, ADD_32], &[MOVE, MOVE, EXIT]] {
            assert_eq!(lay_function(&FUNCTION, text), None, "{text:?}");
        }
    }
}
