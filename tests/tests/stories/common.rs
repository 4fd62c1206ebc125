//! What the stories share.

pub use plimsoll_client::quotes::LiquidationQuote;
pub use plimsoll_testkit::prelude::*;

pub type Told = Result<(), Box<Refused>>;

/// One in the units of quoted healths.
pub const ONE_E9: u64 = 1_000_000_000;
/// Target health of the test market, and what a liquidation may miss it by.
pub const TARGET_E9: u64 = 1_050_000_000;
pub const TARGET_SLACK_E9: u64 = 500_000;
/// A dollar in the units of quoted values.
pub const DOLLAR: u64 = 1_000_000_000;
/// Everything that is owed.
pub const ALL: u64 = u64::MAX;

/// Liquidates, and asserts that it was exactly what the quote said.
#[track_caller]
pub fn liquidate_as_quoted(
    world: &mut World,
    liquidator: &Liquidator,
    borrower: &Borrower,
    (seized, repaid): (&Token, &Token),
    limits: Limits,
) -> Result<LiquidationQuote, Box<Refused>> {
    let before = (world.purse(liquidator, repaid), world.purse(liquidator, seized));
    let quote = world.quote_liquidation(borrower, seized, repaid, limits.repay_max_atoms);
    assert_eq!(quote.refusal, 0, "{quote:?}");

    let receipt = world.liquidate(liquidator, borrower, seized, repaid, limits)?;

    let after = (world.purse(liquidator, repaid), world.purse(liquidator, seized));
    assert_eq!(before.0 - after.0, quote.repay_atoms + quote.fee_atoms, "the liquidator pays what was quoted");
    assert_eq!(after.1 - before.1, quote.seize_atoms, "and receives what was quoted");
    let Event::PositionLiquidated(event) = receipt.event() else { panic!("not a liquidation: {receipt:?}") };
    let told = (event.repay_atoms, event.fee_atoms, event.seize_atoms, event.gross_factor_e9);
    assert_eq!(
        told,
        (quote.repay_atoms, quote.fee_atoms, quote.seize_atoms, quote.gross_factor_e9),
        "the event says the same"
    );
    let healths = (event.health_before_e9, event.health_after_e9);
    assert_eq!(healths, (quote.health_before_e9, quote.health_after_e9), "of health too");
    world.check_invariants();
    Ok(quote)
}

/// A market with SOL as collateral, USDC to borrow, and 1,000,000 USDC supplied.
pub struct Setting {
    pub world: World,
    pub sol: Token,
    pub usdc: Token,
    pub lender: Lender,
    pub liquidator: Liquidator,
}

/// A chain with a market, of which every invariant must hold when its story ends.
pub fn market() -> World {
    let mut world = World::with_market();
    world.check_invariants_at_end(true);
    world
}

pub fn setting() -> Setting {
    setting_in(market())
}

pub fn setting_in(world: World) -> Setting {
    setting_of(world, Spec::volatile("SOL", "150"), Spec::stable("USDC", "1"))
}

/// The same, with other tokens in the parts of SOL and USDC.
pub fn setting_of(mut world: World, sol: Spec, usdc: Spec) -> Setting {
    let (sol, usdc) = (world.add(sol), world.add(usdc));
    let (lender, liquidator) = (world.lender(), world.liquidator());
    world.supply(&lender, &usdc, usdc.atoms("1000000")).expect("a supply");
    Setting { world, sol, usdc, lender, liquidator }
}

impl Setting {
    /// A borrower with so much SOL and so much debt in USDC, the cool-off over.
    pub fn borrower(&mut self, sol: &str, usdc: &str) -> Borrower {
        let borrower = self.world.borrower();
        self.world.deposit(&borrower, &self.sol, self.sol.atoms(sol)).expect("a deposit");
        self.world.borrow(&borrower, &self.usdc, self.usdc.atoms(usdc)).expect("a borrow");
        self.world.pass_cool_off();
        borrower
    }
}
