//! From a trace to a table: units by phase, by file, by function.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use anyhow::{ensure, Context, Result};
use plimsoll_client::PROGRAM_ID;

use super::symbols::{Function, Symbols};
use super::syscalls;
use super::trace::{Flow, Invocation, Step, Trace};

/// A part of an instruction's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Entry and accounts: the runtime's parameters, Anchor's checks, loading, and the legs.
    Accounts,
    /// Reading Pyth accounts.
    Oracle,
    /// Every decision and formula.
    Engine,
    /// Transfers.
    Tokens,
    /// The event.
    Events,
    /// The instruction's own file: what holds the others together.
    Handler,
}

impl Phase {
    /// Every phase, in the order of the work.
    pub const ALL: [Self; 6] = [Self::Accounts, Self::Oracle, Self::Engine, Self::Tokens, Self::Events, Self::Handler];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accounts => "account loading",
            Self::Oracle => "oracle",
            Self::Engine => "engine",
            Self::Tokens => "tokens",
            Self::Events => "events",
            Self::Handler => "handler",
        }
    }

    /// Phase of a function; none where its caller's counts, as for the standard library.
    fn of(function: &Function) -> Option<Self> {
        let in_file = |part: &str| function.file.contains(part);
        if in_file("crates/engine/src") {
            Some(Self::Engine)
        } else if in_file("programs/plimsoll/src/oracle") {
            Some(Self::Oracle)
        } else if in_file("programs/plimsoll/src/tokens") {
            Some(Self::Tokens)
        } else if in_file("programs/plimsoll/src/events") {
            Some(Self::Events)
        } else if in_file("programs/plimsoll/src/legs") || in_file("programs/plimsoll/src/state") {
            Some(Self::Accounts)
        } else if in_file("programs/plimsoll/src/") {
            // Anchor's derived code stands in the file of what it was derived for.
            let is_derived = ["try_accounts", "AccountsExit", "__private", "entrypoint", "ToAccount"];
            let is_derived = is_derived.iter().any(|part| function.name.contains(part));
            Some(if is_derived { Self::Accounts } else { Self::Handler })
        } else if in_file("/anchor-lang-") && in_file("/accounts/") || in_file("solana-program-entrypoint") {
            Some(Self::Accounts)
        } else {
            None
        }
    }
}

/// Units of something, by itself and with everything it called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Units {
    /// By itself.
    pub exclusive: u64,
    /// With everything it called.
    pub inclusive: u64,
}

/// Where one transaction's units went.
#[derive(Debug, Default)]
pub struct Profile {
    /// Units of the program's own instructions, from the logs.
    pub total: u64,
    /// Units by phase.
    pub phases: BTreeMap<Phase, u64>,
    /// Units by the file of the project they were spent for.
    pub files: BTreeMap<Rc<str>, u64>,
    /// Units by function.
    pub functions: BTreeMap<Rc<str>, Units>,
    /// System calls: how many, and their units.
    pub system: BTreeMap<&'static str, (u64, u64)>,
    /// Units that neither instructions nor prices explain.
    pub unexplained: i64,
}

/// One invocation in the logs.
struct Logged {
    depth: usize,
    units: u64,
}

/// Invocations in order, built-in programs included.
fn logged(logs: &[String]) -> Vec<Logged> {
    let mut all: Vec<Logged> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for line in logs {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["Program", _, "invoke", _] => {
                open.push(all.len());
                all.push(Logged { depth: open.len(), units: 0 });
            }
            ["Program", _, "consumed", number, ..] => {
                if let (Some(last), Ok(units)) = (open.last(), number.parse()) {
                    all[*last].units = units;
                }
            }
            ["Program", _, "success"] => drop(open.pop()),
            _ => {}
        }
    }
    all
}

impl Profile {
    /// Attributes what a transaction executed.
    ///
    /// # Errors
    /// When symbols and trace are not of one program, or the logs were cut.
    pub fn new(trace: &Trace, logs: &[String], symbols: &Symbols) -> Result<Self> {
        let logged = logged(logs);
        let mut profile = Self::default();
        let mut known = BTreeMap::new();
        let own = trace.iter().filter(|invocation| invocation.program == PROGRAM_ID.to_bytes());
        for invocation in own {
            let here = logged.get(invocation.index).context("an invocation that the logs do not have")?;
            if here.depth > 1 {
                // The program calls itself for its event alone; the caller's frame has it as a call.
                continue;
            }
            let rest = logged.iter().enumerate().skip(invocation.index + 1).take_while(|(_, inner)| inner.depth > 1);
            let called: Vec<u64> = rest.filter(|(_, inner)| inner.depth == 2).map(|(_, inner)| inner.units).collect();
            profile.total += here.units;
            profile.add(invocation, here.units, &called, symbols, &mut known)?;
        }
        ensure!(profile.total > 0, "the transaction does not call the program");
        Ok(profile)
    }

    fn add(
        &mut self,
        invocation: &Invocation,
        total: u64,
        called: &[u64],
        symbols: &Symbols,
        known: &mut BTreeMap<usize, Rc<[Function]>>,
    ) -> Result<()> {
        let mut explained = 0;
        let mut at = |step: &Step| -> Result<Rc<[Function]>> {
            if let Some(functions) = known.get(&step.pc) {
                return Ok(functions.clone());
            }
            let functions: Rc<[Function]> = symbols.functions(step.pc)?.into();
            known.insert(step.pc, functions.clone());
            Ok(functions)
        };
        // Frames of callers, outermost first.
        let mut callers: Vec<Rc<[Function]>> = Vec::new();
        // Calls priced by what is left, with their frames.
        let mut open: Vec<(&'static str, Vec<Function>)> = Vec::new();
        for step in &invocation.steps {
            let here = at(step)?;
            let stack: Vec<&Function> =
                here.iter().chain(callers.iter().rev().flat_map(|frame| frame.iter())).collect();
            let mut units = 1;
            if let Flow::System(hash, length) = step.flow {
                let priced = syscalls::price(hash, length);
                match priced.units {
                    Some(price) => {
                        units += price;
                        let (count, sum) = self.system.entry(priced.name).or_default();
                        (*count, *sum) = (*count + 1, *sum + price);
                    }
                    None => open.push((priced.name, stack.iter().map(|function| (*function).clone()).collect())),
                }
            }
            explained += units;
            self.spend(&stack, units);
            match step.flow {
                Flow::Call => callers.push(here),
                Flow::Return => drop(callers.pop()),
                Flow::On | Flow::System(..) => {}
            }
        }
        // Calls of other programs come in the order of their log lines; the rest is the price of calling.
        let inner: u64 = called.iter().sum();
        let rest = total.checked_sub(explained + inner).with_context(|| {
            format!("{explained} units of instructions and system calls and {inner} of calls are more than {total}")
        })?;
        let count = open.len() as u64;
        let mut called = called.iter();
        for (index, (name, stack)) in open.iter().enumerate() {
            let share = rest / count + u64::from((index as u64) < rest % count);
            let inner = if name.starts_with("sol_invoke") { called.next().copied().unwrap_or_default() } else { 0 };
            let (count, sum) = self.system.entry(name).or_default();
            (*count, *sum) = (*count + 1, *sum + share + inner);
            self.spend(&stack.iter().collect::<Vec<_>>(), share + inner);
        }
        if count == 0 {
            self.unexplained += rest as i64;
        }
        Ok(())
    }

    /// Books units spent in the innermost of these functions.
    fn spend(&mut self, stack: &[&Function], units: u64) {
        let mine = stack.iter().find_map(|function| Some((Phase::of(function)?, function)));
        let (phase, file) = mine.map_or((Phase::Accounts, "entry".into()), |(phase, of)| (phase, of.file.clone()));
        *self.phases.entry(phase).or_default() += units;
        *self.files.entry(file).or_default() += units;
        if let Some(innermost) = stack.first() {
            self.functions.entry(innermost.name.clone()).or_default().exclusive += units;
        }
        // A function that calls itself counts once.
        for name in stack.iter().map(|function| &function.name).collect::<BTreeSet<_>>() {
            self.functions.entry(name.clone()).or_default().inclusive += units;
        }
    }
}
