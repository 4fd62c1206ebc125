//! Pauses, by the admin: it is the guardian of the markets it creates.

use plimsoll_client::instructions::ChangePause;
use plimsoll_engine::pause::Pausable;

use crate::outcome::Outcome;
use crate::{Role, World};

impl World {
    /// The guardian pauses an action.
    pub fn pause(&mut self, action: Pausable, secs: u64) -> Outcome {
        let (change, guardian) = (self.change_pause(action), self.admin());
        self.act(change.pause(secs), &guardian)
    }

    /// The guardian ends a pause early.
    pub fn unpause(&mut self, action: Pausable) -> Outcome {
        let (change, guardian) = (self.change_pause(action), self.admin());
        self.act(change.unpause(), &guardian)
    }

    fn change_pause(&self, action: Pausable) -> ChangePause {
        ChangePause { guardian: self.admin().address(), market: self.market, action }
    }
}
