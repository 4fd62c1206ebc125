//! Does the compiler for the chain compute right? The functions of `tests/programs/soundness` run here on the host and in
//! LiteSVM as sBPF, on the same random operands; every result must be equal. And every kind of panic must fail its
//! transaction. (That a frame of more than 4 KB is refused by the build: `cargo xtask test bigframe`.)

use std::{fs, path::Path, sync::OnceLock};

use litesvm::{
    types::{FailedTransactionMetadata, TransactionMetadata},
    LiteSVM,
};
use rand::{rngs::StdRng, Rng, SeedableRng};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::Message;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_transaction::Transaction;
use soundness::{encode, evaluate, Family, Panic, FAMILIES, PANIC, PANICS};

const PROGRAM: Pubkey = Pubkey::new_from_array([7; 32]);
/// Reproducible: the same operands in every run.
const SEED: u64 = 0x706c_696d_736f_6c6c;
/// The most a transaction may ask for.
const COMPUTE_UNITS: u32 = 1_400_000;

/// LiteSVM with the program in it, and somebody who pays.
struct Chain {
    svm: LiteSVM,
    payer: Keypair,
}

impl Chain {
    fn new() -> Self {
        static PROGRAM_FILE: OnceLock<Vec<u8>> = OnceLock::new();
        let program = PROGRAM_FILE.get_or_init(|| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/deploy/soundness.so");
            fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask build`", path.display()))
        });
        let (mut svm, payer) = (LiteSVM::new(), Keypair::new());
        svm.add_program(PROGRAM, program).expect("the program loads");
        svm.airdrop(&payer.pubkey(), 1_000_000_000_000).expect("airdrop");
        Self { svm, payer }
    }

    fn send(&mut self, data: Vec<u8>) -> Result<TransactionMetadata, Box<FailedTransactionMetadata>> {
        self.svm.expire_blockhash();
        let mut limit = vec![2];
        limit.extend_from_slice(&COMPUTE_UNITS.to_le_bytes());
        let compute_budget = "ComputeBudget111111111111111111111111111111".parse().expect("an address");
        let instructions = [
            Instruction { program_id: compute_budget, accounts: vec![], data: limit },
            Instruction { program_id: PROGRAM, accounts: vec![], data },
        ];
        let message = Message::new(&instructions, Some(&self.payer.pubkey()));
        let transaction = Transaction::new(&[&self.payer], message, self.svm.latest_blockhash());
        self.svm.send_transaction(transaction).map_err(Box::new)
    }
}

/// Operands of all sizes, with those at which carries, signs and widths turn over.
fn operand(rng: &mut StdRng) -> u128 {
    match rng.gen_range(0..14) {
        0 => 0,
        1 => 1,
        2 => u128::MAX,
        3 => 1 << 127,
        4 => (1 << 127) - 1,
        5 => u128::from(u64::MAX),
        6 => 1 << 64,
        7 => u128::from(rng.gen::<u64>()),
        8 => u128::from(rng.gen::<u32>()),
        9 => rng.gen::<u128>() >> rng.gen_range(0..127),
        10 => !u128::from(rng.gen::<u64>()),
        11 => 1 << rng.gen_range(0..128),
        12 => u128::from(rng.gen::<u8>()),
        _ => rng.gen(),
    }
}

/// Runs a family on `pairs` operands in each of `rounds` transactions.
fn compare(name: &str, pairs: usize, rounds: usize) {
    let (index, family) = FAMILIES.iter().enumerate().find(|(_, family)| family.name == name).expect("a family");
    let mut chain = Chain::new();
    let mut rng = StdRng::seed_from_u64(SEED ^ index as u64);
    let (mut differences, mut most_units) = (vec![], 0);
    for _ in 0..rounds {
        let operands: Vec<(u128, u128)> = (0..pairs).map(|_| (operand(&mut rng), operand(&mut rng))).collect();
        match chain.send(encode(index as u8, &operands)) {
            Ok(meta) => {
                most_units = most_units.max(meta.compute_units_consumed);
                differences.extend(differing(family, &operands, &meta.return_data.data));
            }
            Err(failed) => panic!("{name}: {:?}\noperands {operands:x?}\n{:#?}", failed.err, failed.meta.logs),
        }
    }
    println!(
        "{name}: {} operations on {} operand sets, at most {most_units} compute units a transaction",
        family.operations.len(),
        pairs * rounds
    );
    assert!(
        differences.is_empty(),
        "{} differences, the first: {:#?}",
        differences.len(),
        &differences[..differences.len().min(5)]
    );
}

/// What the chain computed differently from the host.
fn differing(family: &Family, operands: &[(u128, u128)], answer: &[u8]) -> Vec<String> {
    // The network cuts zeros off the end of return data.
    let mut padded = answer.to_vec();
    padded.resize(family.operations.len() * 8, 0);
    let chain = padded.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")));
    let host = evaluate(family, operands);
    let all = family.operations.iter().zip(host.into_iter().zip(chain));
    let wrong = all.filter(|(_, (host, chain))| host != chain);
    wrong
        .map(|((name, _), (host, chain))| format!("{name}: host {host:x}, chain {chain:x}, for {operands:x?}"))
        .collect()
}

#[test]
fn soundness_unsigned_128() {
    compare("unsigned", 30, 500);
}

#[test]
fn soundness_signed_128() {
    compare("signed", 30, 500);
}

#[test]
fn soundness_narrow() {
    compare("narrow", 30, 500);
}

#[test]
fn soundness_float() {
    compare("float", 30, 100);
}

#[test]
fn soundness_memory() {
    compare("memory", 3, 500);
}

#[test]
fn soundness_collections() {
    compare("collections", 2, 500);
}

#[test]
fn soundness_calls() {
    compare("calls", 24, 300);
}

#[test]
fn soundness_panics_fail_the_transaction() {
    let mut chain = Chain::new();
    for (index, Panic { name, fatal, harmless, .. }) in PANICS.iter().enumerate() {
        let data = |operand: u64| [&[PANIC, index as u8][..], &operand.to_le_bytes()].concat();
        // Without its cause the same code passes: so it is the panic that fails the transaction.
        if let Err(failed) = chain.send(data(*harmless)) {
            panic!("{name} with {harmless} must pass: {:?}\n{:#?}", failed.err, failed.meta.logs);
        }
        match chain.send(data(*fatal)) {
            Ok(_) => panic!("{name} with {fatal} must fail the transaction; it passed"),
            Err(failed) => {
                let last = failed.meta.logs.iter().rev().find(|line| line.contains("failed")).cloned();
                println!("{name}: {}", last.unwrap_or_default());
            }
        }
    }
}
