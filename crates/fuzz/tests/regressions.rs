//! Inputs that once broke something, and none of them does any more. `cargo xtask fuzz` names the file to put here.

use std::fs;
use std::path::Path;

use plimsoll_fuzz::{ARGUMENTS, TARGETS};

#[test]
fn inputs_that_once_broke_something_do_not_any_more() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    for target in TARGETS {
        let Ok(files) = fs::read_dir(folder.join(target.name)) else { continue };
        for file in files.map(|file| file.expect("a file").path()) {
            println!("{}", file.display());
            (target.run)(&fs::read(&file).expect("a readable file"));
        }
    }
}

/// A folder that no target owns would never be run.
#[test]
fn every_folder_of_regressions_is_a_targets() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let name = entry.expect("an entry").file_name();
        assert!(TARGETS.iter().any(|target| name == target.name), "no target is called {}", name.display());
    }
}

/// The shapes of bytes that break parsers: none, few, many; all zero, all ones, a ramp.
#[test]
fn targets_take_bytes_of_any_length() {
    for target in TARGETS {
        for length in [0, 1, 2, 7, 8, 9, 31, 40, 133, 134, 300, 1_600, 3_400, 20_000] {
            for step in [0, 1, 85] {
                let ramp: Vec<u8> = (0..length).map(|i: usize| (i.wrapping_mul(step) % 256) as u8).collect();
                (target.run)(&ramp);
                (target.run)(&vec![0xff; length]);
            }
        }
    }
}

#[test]
fn no_instruction_is_left_out() {
    let idl: serde_json::Value = serde_json::from_str(include_str!("../../../idl/plimsoll.json")).expect("an IDL");
    let instructions = idl["instructions"].as_array().expect("instructions");
    assert_eq!(ARGUMENTS.len(), instructions.len());
    for instruction in instructions {
        let bytes = instruction["discriminator"].as_array().expect("a discriminator");
        let data: Vec<u8> = bytes.iter().map(|byte| byte.as_u64().expect("a byte") as u8).collect();
        let known = ARGUMENTS.iter().filter(|(_, decode)| decode(&data).is_some()).count();
        assert_eq!(known, 1, "{} is decoded {known} times", instruction["name"]);
    }
}
