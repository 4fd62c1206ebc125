//! Recording what a transaction executes.

use std::sync::{Arc, Mutex};

use litesvm::{InvocationInspectCallback, LiteSVM};
use solana_program_runtime::invoke_context::{Executable, InvokeContext};
use solana_program_runtime::solana_sbpf::ebpf::{self, get_insn_unchecked};
use solana_transaction::sanitized::SanitizedTransaction;

/// One executed instruction of the virtual machine.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Number of the instruction in the program's text.
    pub pc: usize,
    /// What it does to the flow.
    pub flow: Flow,
}

/// What an instruction does to the flow.
#[derive(Clone, Copy, Debug)]
pub enum Flow {
    /// The next instruction, or a jump within the function.
    On,
    /// Calls a function of the program.
    Call,
    /// Returns from one.
    Return,
    /// Calls the runtime: hash of the name, and the third argument, a length where the call takes one.
    System(u32, u64),
}

/// One invocation of a program.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Which program.
    pub program: [u8; 32],
    /// Number among all invocations of the transaction, built-in programs included.
    pub index: usize,
    /// What was executed.
    pub steps: Vec<Step>,
}

/// Everything a transaction executed.
pub type Trace = Vec<Invocation>;

/// Keeps the trace of the last transaction of a chain.
#[derive(Clone, Default)]
pub struct Tracer(Arc<Mutex<Trace>>);

impl Tracer {
    /// A chain whose transactions are traced.
    pub fn chain(&self) -> LiteSVM {
        let mut svm = LiteSVM::new_debuggable(true);
        svm.set_invocation_inspect_callback(self.clone());
        svm
    }

    /// Trace of the last transaction, or simulation.
    pub fn take(&self) -> Trace {
        self.0.lock().map(|mut trace| std::mem::take(&mut *trace)).unwrap_or_default()
    }
}

/// A program's file with an empty table of sections behind it. The linker writes none, the chain needs none, but the loader
/// of a chain that is traced looks for one.
pub fn with_sections(program: &[u8]) -> Vec<u8> {
    // Places in an ELF header, and the size of a section's entry.
    const TABLE_OFFSET: usize = 40;
    const TABLE_LENGTH: usize = 60;
    const ENTRY: usize = 64;
    let mut file = program.to_vec();
    file.resize(file.len().next_multiple_of(8), 0);
    let table = file.len();
    // Two entries of zeros: the one every table begins with, and the names, of which there are none but the empty one.
    file.resize(table + 2 * ENTRY, 0);
    let names = table + ENTRY;
    file[names + 4] = 3;
    file[names + 24..names + 32].copy_from_slice(&(table as u64).to_le_bytes());
    file[names + 32] = 1;
    file[TABLE_OFFSET..TABLE_OFFSET + 8].copy_from_slice(&(table as u64).to_le_bytes());
    // Number of entries, and which holds the names.
    file[TABLE_LENGTH..TABLE_LENGTH + 4].copy_from_slice(&[2, 0, 1, 0]);
    file
}

fn step(text: &[u8], registers: &[u64; 12]) -> Step {
    let pc = registers[11] as usize;
    let instruction = get_insn_unchecked(text, pc);
    let flow = match instruction.opc {
        ebpf::CALL_IMM if instruction.src == 0 => Flow::System(instruction.imm as u32, registers[3]),
        ebpf::CALL_IMM | ebpf::CALL_REG => Flow::Call,
        ebpf::EXIT => Flow::Return,
        _ => Flow::On,
    };
    Step { pc, flow }
}

impl InvocationInspectCallback for Tracer {
    fn before_invocation(&self, _: &LiteSVM, _: &SanitizedTransaction, _: &[u16], _: &mut InvokeContext, _: bool) {}

    fn after_invocation(
        &self,
        _: &LiteSVM,
        _: &SanitizedTransaction,
        _: &[u16],
        context: &InvokeContext,
        is_traced: bool,
    ) {
        if !is_traced {
            return;
        }
        let trace = Mutex::new(Trace::new());
        context.iterate_vm_traces(&|invocation, executable: &Executable, registers| {
            let (_, text) = executable.get_text_bytes();
            let Ok(program) = invocation.get_program_key() else { return };
            let steps = registers.iter().map(|registers| step(text, registers)).collect();
            let invocation = Invocation { program: program.to_bytes(), index: invocation.get_index_in_trace(), steps };
            if let Ok(mut trace) = trace.lock() {
                trace.push(invocation);
            }
        });
        if let (Ok(mut kept), Ok(trace)) = (self.0.lock(), trace.into_inner()) {
            *kept = trace;
        }
    }
}
