//! Backstop pools: providers, and who calls the pool. Every pool here is of generation 0.

use plimsoll_client::accounts::{Backstop, BackstopProvider};
use plimsoll_client::address;
use plimsoll_client::instructions::{BackstopLiquidate, BackstopProviding, CreateBackstop, SetBackstopCollateral};
use plimsoll_client::quotes::{backstop_provider_quote, BackstopProviderQuote};
use plimsoll_client::Instruction;
use plimsoll_engine::state::BackstopPolicy;

use crate::outcome::Outcome;
use crate::{Borrower, Role, Token, World};

impl World {
    /// The admin opens the pool of a token under a policy.
    pub fn create_backstop(&mut self, token: &Token, policy: BackstopPolicy) -> Outcome {
        let admin = self.admin();
        self.name(address::backstop(&token.reserve, 0), &format!("{} backstop", token.name));
        let reserve = &self.reserve(token);
        self.act(CreateBackstop { admin: admin.address(), reserve, generation: 0, policy }.instruction(), &admin)
    }

    /// The admin opts the pool of a token in to a collateral.
    pub fn opt_in(&mut self, token: &Token, collateral: &Token, cap_atoms: u64) -> Outcome {
        let (admin, backstop) = (self.admin(), &self.backstop(token));
        let (address, collateral) = (admin.address(), collateral.reserve);
        self.act(SetBackstopCollateral { admin: address, backstop, collateral, cap_atoms }.instruction(), &admin)
    }

    /// Opens a provider account.
    pub fn open_backstop_provider(&mut self, role: &impl Role, token: &Token) -> Outcome {
        let open = self.provided(role, token, |providing| (providing.provider(), providing.open()));
        self.name(open.0, &format!("{} provider account", token.name));
        self.act(open.1, role)
    }

    /// Closes an empty provider account.
    pub fn close_backstop_provider(&mut self, role: &impl Role, token: &Token) -> Outcome {
        let close = self.provided(role, token, |providing| providing.close());
        self.act(close, role)
    }

    /// Somebody deposits. A provider account is opened first where there is none.
    pub fn deposit_backstop(&mut self, role: &impl Role, token: &Token, amount_atoms: u64) -> Outcome {
        self.wallet(role, token);
        if !self.exists(&self.provided(role, token, |providing| providing.provider())) {
            let tamper = self.tamper.take();
            self.open_backstop_provider(role, token)?;
            self.tamper = tamper;
        }
        let deposit = self.provided(role, token, |providing| providing.deposit(None, amount_atoms));
        self.act(deposit, role)
    }

    /// Anyone lets somebody's warm deposit join.
    pub fn join_backstop(&mut self, role: &impl Role, provider: &impl Role, token: &Token) -> Outcome {
        let join = self.provided(provider, token, |providing| providing.join());
        self.act(join, role)
    }

    /// A provider takes back what is warming up.
    pub fn cancel_backstop_deposit(&mut self, role: &impl Role, token: &Token) -> Outcome {
        let cancel = self.provided(role, token, |providing| providing.cancel(None));
        self.act(cancel, role)
    }

    /// A provider requests a withdrawal.
    pub fn request_backstop_withdrawal(&mut self, role: &impl Role, token: &Token, amount_atoms: u64) -> Outcome {
        let request = self.provided(role, token, |providing| providing.request(amount_atoms));
        self.act(request, role)
    }

    /// A provider takes a matured withdrawal.
    pub fn withdraw_backstop(&mut self, role: &impl Role, token: &Token) -> Outcome {
        let withdraw = self.provided(role, token, |providing| providing.withdraw(None));
        self.act(withdraw, role)
    }

    /// A provider takes what it gained of a collateral.
    pub fn claim_backstop_gain(&mut self, role: &impl Role, token: &Token, collateral: &Token) -> Outcome {
        self.wallet(role, collateral);
        let reserve = self.reserve(collateral);
        let claim = self.provided(role, token, |providing| providing.claim(&reserve, None));
        self.act(claim, role)
    }

    /// Where a provider stands.
    #[track_caller]
    pub fn quote_backstop_provider(&mut self, role: &impl Role, token: &Token) -> BackstopProviderQuote {
        let quote = self.provided(role, token, |providing| providing.quote());
        let receipt = self.ask(quote).expect("a provider account");
        backstop_provider_quote(&receipt.return_data).expect("a provider quote")
    }

    /// Anyone lets the pool of a debt buy a collateral, for at least so much of a tip.
    pub fn backstop_liquidate(
        &mut self,
        role: &impl Role,
        borrower: &Borrower,
        seized: &Token,
        repaid: &Token,
        tip_min_atoms: u64,
    ) -> Outcome {
        self.wallet(role, seized);
        let absorb = self.absorption(role, borrower, seized, repaid, tip_min_atoms);
        self.act(absorb, role)
    }

    /// The instruction of [`Self::backstop_liquidate`].
    #[track_caller]
    pub fn absorption(
        &self,
        role: &(impl Role + ?Sized),
        borrower: &Borrower,
        seized: &Token,
        repaid: &Token,
        tip_min_atoms: u64,
    ) -> Instruction {
        let (position, seized) = (&self.position(borrower), &self.reserve(seized));
        let absorb = BackstopLiquidate {
            position,
            seized,
            repaid: repaid.reserve,
            generation: 0,
            tip_account: seized.token_account(&role.address()),
            tip_min_atoms,
            offers: &self.offers(position, None),
        };
        absorb.instruction().expect("offers fit")
    }

    /// The pool of a token.
    #[track_caller]
    pub fn backstop(&self, token: &Token) -> Backstop {
        self.fetch(address::backstop(&token.reserve, 0), Backstop::decode_owned)
    }

    /// Somebody's provider account in the pool of a token.
    #[track_caller]
    pub fn backstop_provider(&self, role: &impl Role, token: &Token) -> BackstopProvider {
        let address = self.provided(role, token, |providing| providing.provider());
        self.fetch(address, BackstopProvider::decode_owned)
    }

    fn provided<T>(&self, role: &impl Role, token: &Token, what: impl FnOnce(&BackstopProviding) -> T) -> T {
        let reserve = &self.reserve(token);
        what(&BackstopProviding { owner: role.address(), reserve, generation: 0 })
    }
}
