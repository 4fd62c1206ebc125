//! What this client and the one in `sdk/` must have in common is written from here: `PLIMSOLL_WRITE=1 cargo test --package
//! plimsoll-client --test typescript` writes, without it the test compares.

use std::fmt::Write;
use std::path::Path;

use plimsoll_client::errors::every_refusal;

/// A sentence as a TypeScript literal.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn sentences() -> String {
    let mut text = String::from(
        "// Written by crates/client/tests/typescript.rs from the program's and the framework's errors; do not edit.\n\n\
         /** Every refusal: its code, its name, and what it says about the world. */\n\
         export const SENTENCES: readonly (readonly [code: number, name: string, sentence: string])[] = [\n",
    );
    for refusal in every_refusal() {
        let (code, name, sentence) = (refusal.code, literal(refusal.name), literal(&refusal.sentence));
        writeln!(text, "    [{code}, {name}, {sentence}],").expect("a string takes text");
    }
    text + "];\n"
}

#[test]
fn the_typescript_client_says_the_same_sentences() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/src/sentences.ts");
    let wanted = sentences();
    if std::env::var_os("PLIMSOLL_WRITE").is_some() {
        std::fs::write(&path, &wanted).expect("sdk/src/sentences.ts can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "sdk/src/sentences.ts is not what the errors say; write it as this file's head tells");
}
