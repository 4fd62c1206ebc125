//! Liquidations by number of legs.

use plimsoll_testkit::prelude::*;

use super::Played;
use crate::sheet::Sheet;

/// An indebted position and everybody around it.
pub struct Stage {
    pub world: World,
    pub borrower: Borrower,
    pub liquidator: Liquidator,
    pub collaterals: Vec<Token>,
    pub debts: Vec<Token>,
}

impl Stage {
    /// A position of ten whole tokens at 150 each and 700 of each debt, all wallets open, and a liquidator.
    pub fn new(sheet: &Sheet, collaterals: usize, debts: usize, kind: Kind) -> Result<Self, Box<Refused>> {
        let mut world = sheet.world();
        let of_kind = |spec: Spec| match kind {
            Kind::Spl => spec,
            Kind::Token2022 => spec.token_2022(),
        };
        let collaterals: Vec<Token> =
            (0..collaterals).map(|index| world.add(of_kind(Spec::volatile(&format!("C{index}"), "150")))).collect();
        let debts: Vec<Token> =
            (0..debts).map(|index| world.add(of_kind(Spec::stable(&format!("D{index}"), "1")))).collect();
        let (lender, liquidator) = (world.lender(), world.liquidator());
        for debt in &debts {
            world.supply(&lender, debt, debt.atoms("100000"))?;
        }
        let borrower = world.borrower();
        for token in collaterals.iter().chain(&debts) {
            world.wallet(&liquidator, token);
            world.wallet(&borrower, token);
        }
        for collateral in &collaterals {
            world.deposit(&borrower, collateral, collateral.atoms("10"))?;
        }
        world.advance_with_prices(400);
        Ok(Self { world, borrower, liquidator, collaterals, debts })
    }

    /// Borrows so much in all, in equal parts, with kept readings where all offers would not fit.
    pub fn indebted(mut self, dollars_each: &str) -> Result<Self, Box<Refused>> {
        let tokens: Vec<Token> = self.collaterals.iter().chain(&self.debts).cloned().collect();
        for pair in tokens.chunks(2) {
            let borrower = self.liquidator.clone();
            self.world.refresh_reserves(&borrower, &pair.iter().collect::<Vec<_>>())?;
        }
        for debt in self.debts.clone() {
            let borrower = self.borrower.clone();
            self.world.offering(&[], |world| world.borrow(&borrower, &debt, debt.atoms(dollars_each)))?;
        }
        self.world.pass_cool_off();
        Ok(self)
    }
}

/// Liquidates the first pair after a fall of every collateral; `offered` are the tokens whose prices come along.
fn liquidate(stage: &mut Stage, price: &str, is_sampled: bool, offers_all: bool) -> Outcome {
    let world = &mut stage.world;
    world.advance(if is_sampled { 400 } else { 10 });
    for token in &stage.collaterals {
        world.set_price(token, price);
    }
    world.refresh_prices();
    let (seized, repaid) = (stage.collaterals[0].clone(), stage.debts[0].clone());
    let (borrower, liquidator) = (stage.borrower.clone(), stage.liquidator.clone());
    if offers_all {
        return world.liquidate(&liquidator, &borrower, &seized, &repaid, Limits::NONE);
    }
    let tokens: Vec<Token> = world.tokens().to_vec();
    for pair in tokens.chunks(2) {
        world.refresh_reserves(&liquidator, &pair.iter().collect::<Vec<_>>())?;
    }
    world.advance_with_prices(2);
    world.offering(&[&seized, &repaid], |world| world.liquidate(&liquidator, &borrower, &seized, &repaid, Limits::NONE))
}

pub fn play(sheet: &mut Sheet) -> Played {
    for (name, collaterals, debts, dollars, is_sampled) in [
        ("liquidate_1_1", 1, 1, "1000", false),
        ("liquidate_1_1_sampled", 1, 1, "1000", true),
        ("liquidate_2_1", 2, 1, "2000", false),
        ("liquidate_4_2", 4, 2, "2000", false),
        ("liquidate_8_1", 8, 1, "8000", false),
        ("liquidate_8_1_sampled", 8, 1, "8000", true),
        ("liquidate_8_4", 8, 4, "2000", false),
    ] {
        let mut stage = Stage::new(sheet, collaterals, debts, Kind::Spl)?.indebted(dollars)?;
        let receipt = liquidate(&mut stage, "122", is_sampled, debts < 4)?;
        sheet.note(name, &receipt);
    }
    let mut stage = Stage::new(sheet, 1, 1, Kind::Token2022)?.indebted("1000")?;
    let receipt = liquidate(&mut stage, "122", false, true)?;
    sheet.note("liquidate_1_1_token_2022", &receipt);
    Ok(())
}
