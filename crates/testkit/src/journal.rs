//! What was accepted, in order: for whoever keeps books of its own beside the program.

use plimsoll_audit::Books;
use plimsoll_client::events::Event;
use plimsoll_client::{Instruction, PROGRAM_ID};

use crate::outcome::Receipt;
use crate::World;

/// A transaction that was accepted and has an instruction of the program.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Unix time of it.
    pub unix: i64,
    /// Its instructions, as they were sent: after [`World::tampering`].
    pub instructions: Vec<Instruction>,
    /// Events of the program, in order.
    pub events: Vec<Event>,
    /// Every account of the program after it.
    pub books: Books,
}

impl World {
    /// Enters what is accepted in a journal from here on.
    pub fn keep_journal(&mut self) {
        self.journal.get_or_insert_default();
    }

    /// What was entered since this was last asked.
    pub fn take_journal(&mut self) -> Vec<Entry> {
        self.journal.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(crate) fn enter(&mut self, instructions: &[Instruction], receipt: &Receipt) {
        let unix = self.unix();
        let Some(journal) = &mut self.journal else { return };
        if instructions.iter().any(|it| it.program_id == PROGRAM_ID) {
            let (instructions, events) = (instructions.to_vec(), receipt.events.clone());
            journal.push(Entry { unix, instructions, events, books: self.history.books.clone() });
        }
    }
}
