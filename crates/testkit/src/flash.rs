//! Flash loans: both halves and what stands between them in one transaction.

use plimsoll_client::instructions::{FlashBorrow, FlashRepay, Liquidate};
use plimsoll_client::Instruction;

use crate::outcome::Outcome;
use crate::{Borrower, Limits, Role, Token, World};

impl World {
    /// The first half of a flash loan.
    #[track_caller]
    pub fn flash_borrowing(&self, role: &(impl Role + ?Sized), token: &Token, amount_atoms: u64) -> Instruction {
        let (borrower, reserve) = (role.address(), &self.reserve(token));
        FlashBorrow { borrower, reserve, borrower_liquidity: None, amount_atoms }.instruction()
    }

    /// The second half of a flash loan.
    #[track_caller]
    pub fn flash_repayment(&self, role: &(impl Role + ?Sized), token: &Token) -> Instruction {
        FlashRepay { payer: role.address(), reserve: &self.reserve(token), payer_liquidity: None }.instruction()
    }

    /// Somebody borrows, does something with it and repays, all in one transaction.
    #[track_caller]
    pub fn flash(&mut self, role: &impl Role, token: &Token, amount_atoms: u64, between: &[Instruction]) -> Outcome {
        let mut all = vec![self.flash_borrowing(role, token, amount_atoms)];
        all.extend_from_slice(between);
        all.push(self.flash_repayment(role, token));
        self.send(&all, &[role])
    }

    /// The instruction of [`Self::liquidate`].
    #[track_caller]
    pub fn liquidation(
        &self,
        role: &(impl Role + ?Sized),
        borrower: &Borrower,
        seized: &Token,
        repaid: &Token,
        limits: Limits,
    ) -> Instruction {
        let position = &self.position(borrower);
        let liquidate = Liquidate {
            liquidator: role.address(),
            position,
            seized: &self.reserve(seized),
            repaid: &self.reserve(repaid),
            liquidator_liquidity: None,
            liquidator_collateral: None,
            repay_max_atoms: limits.repay_max_atoms,
            seize_min_atoms: limits.seize_min_atoms,
            offers: &self.offers(position, None),
        };
        liquidate.instruction().expect("offers fit")
    }
}
