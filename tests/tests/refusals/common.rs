//! What the refusals share: a scene of people with something to lose, and assertions of one exact error without effect.

use std::fmt;

use anchor_lang::error::ErrorCode;
pub use plimsoll_client::address;
use plimsoll_client::errors::explain;
pub use plimsoll_client::instructions as ix;
pub use plimsoll_testkit::prelude::*;
use plimsoll_testkit::GENESIS_UNIX;
pub use solana_instruction_error::InstructionError;
use solana_transaction_error::TransactionError;

/// Refusals of both token programs.
pub const TOKEN_INSUFFICIENT_FUNDS: u32 = 1;
pub const TOKEN_MINT_MISMATCH: u32 = 3;
pub const TOKEN_OWNER_MISMATCH: u32 = 4;
/// Refusal of the system program: the account to create exists.
pub const SYSTEM_ACCOUNT_IN_USE: u32 = 0;
/// Every transaction of the kit begins with two compute-budget instructions.
const FIRST_INSTRUCTION: u8 = 2;

/// The scale in which a backstop pool takes no more deposits.
pub const LAST_SCALE: u32 = 7;

/// One exact error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(InstructionError);

impl From<PlimsollError> for Refusal {
    fn from(error: PlimsollError) -> Self {
        Self(InstructionError::Custom(error.into()))
    }
}

impl From<ErrorCode> for Refusal {
    fn from(error: ErrorCode) -> Self {
        Self(InstructionError::Custom(error.into()))
    }
}

impl From<u32> for Refusal {
    fn from(code: u32) -> Self {
        Self(InstructionError::Custom(code))
    }
}

impl From<InstructionError> for Refusal {
    fn from(error: InstructionError) -> Self {
        Self(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            InstructionError::Custom(code) => match explain(*code) {
                Some(refusal) => write!(formatter, "{}", refusal.name),
                None => write!(formatter, "token or system error {code}"),
            },
            error => write!(formatter, "{error}"),
        }
    }
}

/// Why an outcome is not this refusal, if it is not.
pub fn differs(outcome: &Outcome, expected: &Refusal) -> Option<String> {
    differs_at(0, outcome, expected)
}

/// Why an outcome is not this refusal of the instruction with this index among those sent, if it is not.
pub fn differs_at(index: u8, outcome: &Outcome, expected: &Refusal) -> Option<String> {
    match outcome {
        Ok(receipt) => Some(format!("expected {expected}, but it succeeded: {:?}", receipt.events)),
        Err(refused) => {
            let exact = TransactionError::InstructionError(FIRST_INSTRUCTION + index, expected.0.clone());
            (refused.error != exact).then(|| format!("expected {expected}, but: {refused:?}"))
        }
    }
}

/// SOL as collateral and USDC to borrow, both sides in use: the lender supplied 900,000 USDC, the borrower owes 9,000
/// of it on 100 SOL at 150 USD, and the cool-off is over. Everybody has a wallet of both tokens.
pub struct Scene {
    pub world: World,
    pub sol: Token,
    pub usdc: Token,
    pub lender: Lender,
    pub borrower: Borrower,
    pub liquidator: Liquidator,
    pub stranger: Person,
}

/// What a scene is asked to do.
pub type Action = fn(&mut Scene) -> Outcome;

impl Scene {
    pub fn new() -> Self {
        Self::with(Spec::volatile("SOL", "150"), Spec::stable("USDC", "1"))
    }

    /// With other tokens in the parts of SOL and USDC.
    pub fn with(sol: Spec, usdc: Spec) -> Self {
        let mut world = World::with_market();
        let (sol, usdc) = (world.add(sol), world.add(usdc));
        let (lender, borrower, liquidator) = (world.lender(), world.borrower(), world.liquidator());
        let stranger = world.person("stranger");
        world.supply(&lender, &usdc, usdc.atoms("900000")).expect("a supply");
        world.deposit(&borrower, &sol, sol.atoms("100")).expect("a deposit");
        world.borrow(&borrower, &usdc, usdc.atoms("9000")).expect("a borrow");
        world.pass_cool_off();
        let mut scene = Self { world, sol, usdc, lender, borrower, liquidator, stranger };
        for token in [scene.sol.clone(), scene.usdc.clone()] {
            scene.open_wallets(&token);
        }
        scene
    }

    /// The same, with SOL at 110 USD: health 0.97, worth more than debt and default bonus.
    pub fn unhealthy() -> Self {
        let mut scene = Self::new();
        scene.price_sol("110");
        scene
    }

    /// The same, with another token in the market. Everybody has a wallet of it.
    pub fn add(&mut self, spec: Spec) -> Token {
        let token = self.world.add(spec);
        self.open_wallets(&token);
        token
    }

    /// Opens everybody's wallet of a token.
    pub fn open_wallets(&mut self, token: &Token) {
        let (lender, borrower) = (self.lender.clone(), self.borrower.clone());
        let (liquidator, stranger, treasury) =
            (self.liquidator.clone(), self.stranger.clone(), self.world.treasury.clone());
        let roles: [&dyn Role; 5] = [&lender, &borrower, &liquidator, &stranger, &treasury];
        for role in roles {
            self.world.wallet(role, token);
        }
    }

    /// Publishes a price of SOL now, and all others with it.
    pub fn price_sol(&mut self, number: &str) {
        let sol = self.sol.clone();
        self.world.set_price(&sol, number);
        self.world.refresh_prices();
    }

    /// Asserts that an action is refused with exactly this error, and that nothing changed.
    #[track_caller]
    pub fn refuses(&mut self, expected: impl Into<Refusal>, action: impl FnOnce(&mut Self) -> Outcome) {
        self.refuses_case("", expected, action);
    }

    /// Like [`Self::refuses`], for one of many cases.
    #[track_caller]
    pub fn refuses_case(
        &mut self,
        case: &str,
        expected: impl Into<Refusal>,
        action: impl FnOnce(&mut Self) -> Outcome,
    ) {
        let before = self.world.snapshot();
        let outcome = action(self);
        if let Some(difference) = differs(&outcome, &expected.into()) {
            panic!("{case}: {difference}");
        }
        before.assert_unchanged(&self.world);
    }

    pub fn supply(&mut self, atoms: u64) -> Outcome {
        self.world.supply(&self.lender, &self.usdc, atoms)
    }

    pub fn redeem(&mut self, shares: u128) -> Outcome {
        self.world.redeem(&self.lender, &self.usdc, shares)
    }

    pub fn deposit(&mut self, atoms: u64) -> Outcome {
        self.world.deposit(&self.borrower, &self.sol, atoms)
    }

    pub fn withdraw(&mut self, atoms: u64) -> Outcome {
        self.world.withdraw(&self.borrower, &self.sol, atoms)
    }

    pub fn borrow(&mut self, atoms: u64) -> Outcome {
        self.world.borrow(&self.borrower, &self.usdc, atoms)
    }

    pub fn repay(&mut self, atoms_max: u64) -> Outcome {
        self.world.repay(&self.borrower, &self.usdc, atoms_max)
    }

    pub fn liquidate(&mut self, limits: Limits) -> Outcome {
        self.world.liquidate(&self.liquidator, &self.borrower, &self.sol, &self.usdc, limits)
    }

    /// Opens a backstop pool of USDC that buys SOL, without a deposit.
    pub fn open_pool(&mut self, policy: plimsoll_engine::state::BackstopPolicy) {
        let (sol, usdc) = (self.sol.clone(), self.usdc.clone());
        self.world.create_backstop(&usdc, policy).expect("a pool");
        self.world.opt_in(&usdc, &sol, sol.atoms("1000")).expect("a collateral");
    }

    /// The stranger lets that pool buy.
    pub fn absorb(&mut self, tip_min_atoms: u64) -> Outcome {
        self.world.backstop_liquidate(&self.stranger, &self.borrower, &self.sol, &self.usdc, tip_min_atoms)
    }

    pub fn settle(&mut self) -> Outcome {
        self.world.settle_default(&self.liquidator, &self.borrower)
    }

    pub fn fund(&mut self, atoms: u64) -> Outcome {
        self.world.fund_insurance(&self.stranger, &self.usdc, atoms)
    }

    pub fn refresh(&mut self, tokens: &[&Token]) -> Outcome {
        self.world.refresh_reserves(&self.stranger, tokens)
    }

    /// Quotes where the position stands; a quote may be refused for its accounts.
    pub fn quote_position(&mut self) -> Outcome {
        let position = &self.world.position(&self.borrower);
        let offers = &self.world.offers(position, None);
        self.world.ask(ix::QuotePosition { position, offers }.instruction().expect("offers fit"))
    }

    /// Quotes a liquidation of the first pair of slots.
    pub fn quote_liquidation(&mut self) -> Outcome {
        self.quote_liquidation_of(0, 0)
    }

    /// Quotes a liquidation of a pair of slots.
    pub fn quote_liquidation_of(&mut self, collateral_slot: u8, debt_slot: u8) -> Outcome {
        let position = &self.world.position(&self.borrower);
        let offers = &self.world.offers(position, None);
        let quote = ix::QuoteLiquidation { position, collateral_slot, debt_slot, repay_max_atoms: u64::MAX, offers };
        self.world.ask(quote.instruction().expect("offers fit"))
    }

    /// Atoms owed by the borrower in USDC now.
    pub fn owed(&mut self) -> u64 {
        self.world.quote_position(&self.borrower).debts[0].owed_atoms
    }

    /// Somebody new, whose wallet of a token holds so much.
    pub fn with_wallet<R: Role>(&mut self, role: R, token: &Token, atoms: u64) -> R {
        let wallet = self.world.open_wallet(&role.address(), token);
        if atoms > 0 {
            self.world.mint(&wallet, token, atoms);
        }
        role
    }

    /// Runs an action of the scene with its instruction edited just before it is sent.
    pub fn tampering(&mut self, edit: impl Fn(&mut Instruction) + Send + Sync + 'static, action: Action) -> Outcome {
        // The kit lends its world to the action; the scene gets it back for that time.
        let mut world = std::mem::take(&mut self.world);
        let outcome = world.tampering(edit, |world| {
            std::mem::swap(&mut self.world, world);
            let outcome = action(self);
            std::mem::swap(&mut self.world, world);
            outcome
        });
        self.world = world;
        outcome
    }

    /// A token with mint and feed whose reserve does not exist yet, and a configuration that would make it.
    pub fn unborn(&mut self, spec: Spec) -> (Token, plimsoll_engine::state::ReserveConfig) {
        let (token, outcome) = self.world.try_add(spec.with(|config| config.sigma_bps = 0));
        refused(outcome, PlimsollError::InvalidVolatility);
        let mut config = plimsoll_testkit::volatile(token.decimals);
        (config.oracle_kind, config.oracle) = (u64::from(token.oracle_kind), token.oracle);
        (token, config)
    }

    /// Edits the raw state of a reserve: a state that instructions do not reach, to see what guards it.
    pub fn edit_reserve(&mut self, token: &Token, edit: impl FnOnce(&mut plimsoll_engine::state::ReserveState)) {
        let mut account = self.world.svm.get_account(&token.reserve).expect("a reserve");
        edit(bytemuck::from_bytes_mut(&mut account.data[8..]));
        self.world.svm.set_account(token.reserve, account).expect("an account");
    }

    /// Edits the raw state of a backstop pool.
    pub fn edit_backstop(&mut self, pool: &Pubkey, edit: impl FnOnce(&mut plimsoll_engine::state::BackstopState)) {
        self.edit_account(pool, |data, _| edit(bytemuck::from_bytes_mut(&mut data[8..])));
    }

    /// Edits an account's raw bytes or owner.
    pub fn edit_account(&mut self, address: &Pubkey, edit: impl FnOnce(&mut Vec<u8>, &mut Pubkey)) {
        let mut account = self.world.svm.get_account(address).expect("an account");
        edit(&mut account.data, &mut account.owner);
        self.world.svm.set_account(*address, account).expect("an account");
    }
}

#[test]
fn the_scene_is_healthy_and_every_action_of_it_works() {
    assert!(Scene::new().world.unix() >= GENESIS_UNIX);
    let works: [(&str, Action); 9] = [
        ("supply", |scene| scene.supply(1)),
        ("redeem", |scene| scene.redeem(1 << 20)),
        ("deposit", |scene| scene.deposit(1)),
        ("withdraw", |scene| scene.withdraw(1)),
        ("borrow", |scene| scene.borrow(1)),
        ("repay", |scene| scene.repay(1)),
        ("fund", |scene| scene.fund(1)),
        ("quote position", Scene::quote_position),
        ("quote liquidation", Scene::quote_liquidation),
    ];
    for (name, action) in works {
        let mut scene = Scene::new();
        action(&mut scene).unwrap_or_else(|refused| panic!("{name}: {refused:?}"));
        scene.world.check_invariants();
    }
    Scene::unhealthy().liquidate(Limits::NONE).expect("a liquidation");
}

#[test]
#[should_panic(expected = "but it succeeded")]
fn an_action_that_succeeds_is_not_taken_for_refused() {
    Scene::new().refuses(PlimsollError::ZeroAmount, |scene| scene.deposit(1));
}

#[test]
#[should_panic(expected = "expected AmountTooLarge, but")]
fn another_error_is_not_taken_for_the_expected_one() {
    Scene::new().refuses(PlimsollError::AmountTooLarge, |scene| scene.deposit(0));
}

#[test]
#[should_panic(expected = "expected ZeroAmount, but")]
fn an_error_of_another_instruction_is_not_taken_for_this_ones() {
    let mut scene = Scene::new();
    let (borrower, depositor) = (scene.borrower.clone(), scene.borrower.address());
    let reserve = &scene.world.reserve(&scene.sol);
    let position = scene.world.position_address(&borrower);
    let deposit = |amount_atoms| {
        ix::DepositCollateral { depositor, position, reserve, depositor_collateral: None, amount_atoms }.instruction()
    };
    let both = [deposit(1), deposit(0)];
    scene.refuses(u32::from(PlimsollError::ZeroAmount), |scene| scene.world.send(&both, &[&borrower]));
}

#[test]
#[should_panic(expected = "changed by what should change nothing")]
fn a_change_beside_a_refusal_is_seen() {
    Scene::new().refuses(PlimsollError::ZeroAmount, |scene| {
        scene.deposit(1).expect("a deposit");
        scene.deposit(0)
    });
}
