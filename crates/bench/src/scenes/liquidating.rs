//! Liquidations, by number of legs.

use plimsoll_client::instructions::QuoteLiquidation;
use plimsoll_client::quotes::liquidation_quote;
use plimsoll_testkit::prelude::*;

use super::Played;
use crate::sheet::Sheet;

/// A price at which collateral bought at 150 is unhealthy, and one at which it does not pay the debt.
const UNHEALTHY: &str = "122";
const TERMINAL: &str = "60";
/// Less than the time between two volatility samples, and more, seconds.
const SOON: i64 = 10;
const LATER: i64 = 400;

/// An indebted position and everybody around it.
#[derive(Clone)]
pub struct Stage {
    pub world: World,
    pub borrower: Borrower,
    pub liquidator: Liquidator,
    pub collaterals: Vec<Token>,
    pub debts: Vec<Token>,
}

impl Stage {
    /// A position with ten whole tokens of each collateral at 150, all wallets open, and a liquidator. A volatility sample
    /// was just kept of every price.
    pub fn new(sheet: &Sheet, collaterals: usize, debts: usize, kind: Kind) -> Result<Self, Box<Refused>> {
        let mut world = sheet.world();
        let of_kind = |spec: Spec| match kind {
            Kind::Spl => spec,
            Kind::Token2022 => spec.token_2022(),
        };
        let mut add = |spec: Spec| super::add(&mut world, of_kind(spec)).0;
        let collaterals: Vec<Token> =
            (0..collaterals).map(|index| add(Spec::volatile(&format!("C{index}"), "150"))).collect();
        let debts: Vec<Token> = (0..debts).map(|index| add(Spec::stable(&format!("D{index}"), "1"))).collect();
        let (lender, liquidator) = (world.lender(), world.liquidator());
        for debt in &debts {
            world.supply(&lender, debt, debt.atoms("100000"))?;
        }
        let borrower = super::borrower(&mut world);
        for token in collaterals.iter().chain(&debts) {
            world.wallet(&liquidator, token);
            world.wallet(&borrower, token);
        }
        for collateral in &collaterals {
            world.deposit(&borrower, collateral, collateral.atoms("10"))?;
        }
        let mut stage = Self { world, borrower, liquidator, collaterals, debts };
        stage.world.advance_with_prices(LATER);
        stage.keep_prices()?;
        Ok(stage)
    }

    /// Hands every price to its reserve.
    pub fn keep_prices(&mut self) -> Played {
        let tokens = self.world.tokens().to_vec();
        for pair in tokens.chunks(2) {
            self.world.refresh_reserves(&self.liquidator, &pair.iter().collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// Borrows so many dollars of each debt.
    pub fn indebted(mut self, dollars: &str) -> Result<Self, Box<Refused>> {
        let borrower = self.borrower.clone();
        for debt in self.debts.clone() {
            self.world.offering(&[], |world| world.borrow(&borrower, &debt, debt.atoms(dollars)))?;
        }
        self.world.pass_cool_off();
        Ok(self)
    }

    /// Lets time pass and every collateral fall.
    pub fn fall(&mut self, secs: i64, price: &str) {
        self.world.advance(secs);
        for token in &self.collaterals {
            self.world.set_price(token, price);
        }
        self.world.refresh_prices();
    }

    /// What a plan of this liquidation is made from: clock, policy, position, and reserves in slot order, as in memory.
    pub fn states(&self) -> Vec<u8> {
        let now = self.world.now();
        let mut states = [now.unix.to_le_bytes(), now.slot.to_le_bytes()].concat();
        states.extend_from_slice(bytemuck::bytes_of(&self.world.market_account().state.policy));
        states.extend_from_slice(bytemuck::bytes_of(&self.world.position(&self.borrower).state));
        for token in self.collaterals.iter().chain(&self.debts) {
            states.extend_from_slice(bytemuck::bytes_of(&self.world.reserve(token).state));
        }
        states
    }

    /// Liquidates the first pair, with every price offered.
    pub fn liquidate(&mut self) -> Outcome {
        let (seized, repaid) = (self.collaterals[0].clone(), self.debts[0].clone());
        self.world.liquidate(&self.liquidator, &self.borrower, &seized, &repaid, Limits::NONE)
    }

    /// The same with the prices of that pair alone; the others are kept ones.
    pub fn liquidate_with_two_prices(&mut self) -> Outcome {
        let pair = [self.collaterals[0].clone(), self.debts[0].clone()];
        let (liquidator, borrower) = (self.liquidator.clone(), self.borrower.clone());
        let act = |world: &mut World| world.liquidate(&liquidator, &borrower, &pair[0], &pair[1], Limits::NONE);
        self.world.offering(&[&pair[0], &pair[1]], act)
    }
}

pub fn play(sheet: &mut Sheet) -> Played {
    for (names, floor_name, collaterals, debts, dollars) in [
        (["liquidate_1_1", "liquidate_1_1_sampled"], "floor_liquidate_1_1", 1, 1, "1000"),
        (["liquidate_2_1", "liquidate_2_1_sampled"], "floor_liquidate_2_1", 2, 1, "2000"),
        (["liquidate_4_2", "liquidate_4_2_sampled"], "floor_liquidate_4_2", 4, 2, "2000"),
        (["liquidate_8_1", "liquidate_8_1_sampled"], "floor_liquidate_8_1", 8, 1, "8000"),
    ] {
        let stage = Stage::new(sheet, collaterals, debts, Kind::Spl)?.indebted(dollars)?;
        for (name, secs) in names.into_iter().zip([SOON, LATER]) {
            let mut stage = stage.clone();
            stage.fall(secs, UNHEALTHY);
            if secs == SOON {
                floor(sheet, &mut stage.clone(), floor_name)?;
            }
            let receipt = stage.liquidate()?;
            sheet.note(name, &receipt);
        }
    }

    // All twelve prices do not fit: the pair's own, and ten that were kept a moment before.
    let mut stage = Stage::new(sheet, 8, 4, Kind::Spl)?.indebted("2000")?;
    stage.fall(SOON, UNHEALTHY);
    stage.keep_prices()?;
    stage.world.advance_with_prices(SOON);
    sheet.note("liquidate_8_4", &stage.clone().liquidate_with_two_prices()?);
    sheet.states.insert("8_4", stage.states());
    quote(sheet, &mut stage, "quote_liquidation_8_4", false)?;
    stage.world.advance(LATER - 100);
    stage.world.refresh_prices();
    stage.keep_prices()?;
    let receipt = flag(&mut stage)?;
    sheet.note("flag_position_8_4", &receipt);

    let mut stage = Stage::new(sheet, 1, 1, Kind::Token2022)?.indebted("1000")?;
    stage.fall(SOON, UNHEALTHY);
    sheet.note("liquidate_1_1_token_2022", &stage.liquidate()?);

    let mut stage = Stage::new(sheet, 1, 1, Kind::Spl)?.indebted("1000")?;
    let mut kept = stage.clone();
    kept.fall(SOON, UNHEALTHY);
    kept.keep_prices()?;
    sheet.states.insert("1_1", kept.states());
    stage.world.fund_insurance(&stage.liquidator, &stage.debts[0], 1_000_000)?;
    stage.fall(SOON, TERMINAL);
    sheet.note("liquidate_1_1_settled", &stage.clone().liquidate()?);
    stage.fall(SOON, UNHEALTHY);
    quote(sheet, &mut stage, "quote_liquidation_1_1", true)?;
    sheet.note("flag_position", &flag(&mut stage.clone())?);
    stage.world.set_order(&stage.borrower, 10_400, 50).map(|receipt| sheet.note("set_protection_order", &receipt))?;
    flash(sheet, &mut stage)
}

/// What a liquidation of the first pair would do, by the prices offered or kept.
fn quote(sheet: &mut Sheet, stage: &mut Stage, name: &'static str, is_offered: bool) -> Played {
    let position = &stage.world.position(&stage.borrower);
    let offers = if is_offered { stage.world.offers(position, None) } else { Vec::new() };
    let (repay_max_atoms, offers) = (u64::MAX, &offers);
    let quote = QuoteLiquidation { position, collateral_slot: 0, debt_slot: 0, repay_max_atoms, offers };
    let receipt = stage.world.ask(quote.instruction().expect("offers fit"))?;
    let quote = liquidation_quote(&receipt.return_data).expect("a liquidation quote");
    assert_eq!(quote.refusal, 0, "a quote of a refusal costs less");
    sheet.note(name, &receipt);
    Ok(())
}

/// The least a liquidation could cost: its accounts and its transfers, in a program that does nothing else.
fn floor(sheet: &mut Sheet, stage: &mut Stage, name: &'static str) -> Played {
    stage.world.add_pool_program();
    let (seized, repaid) = (stage.collaterals[0].clone(), stage.debts[0].clone());
    let liquidate = stage.world.liquidation(&stage.liquidator, &stage.borrower, &seized, &repaid, Limits::NONE);
    let transfers = Instruction { program_id: POOL_PROGRAM, data: vec![TRANSFERS], ..liquidate };
    let receipt = stage.world.send(&[transfers], &[&stage.liquidator])?;
    sheet.note_other(name, &receipt);
    Ok(())
}

/// Somebody looks at the position, judged by its first pair, offering nothing.
fn flag(stage: &mut Stage) -> Outcome {
    stage.keep_prices()?;
    let (collateral, debt) = (stage.collaterals[0].clone(), stage.debts[0].clone());
    let (liquidator, borrower) = (stage.liquidator.clone(), stage.borrower.clone());
    stage.world.offering(&[], |world| world.flag(&liquidator, &borrower, &collateral, &debt))
}

/// A liquidation with borrowed tokens, which the seized ones pay back in a pool.
fn flash(sheet: &mut Sheet, stage: &mut Stage) -> Played {
    let (sol, usdc) = (stage.collaterals[0].clone(), stage.debts[0].clone());
    let world = &mut stage.world;
    let loan = world.flash(&stage.liquidator, &usdc, usdc.atoms("100"), &[])?;
    sheet.note_call("flash_borrow", &loan, 0);
    sheet.note_call("flash_repay", &loan, 1);

    let pool = world.add_pool([(&sol, sol.atoms("10000")), (&usdc, usdc.atoms("1220000"))]);
    let quote = world.quote_liquidation(&stage.borrower, &sol, &usdc, u64::MAX);
    let swap = Swap { amount_in: quote.seize_atoms, amount_out_min: 1 };
    let between = [
        world.liquidation(&stage.liquidator, &stage.borrower, &sol, &usdc, Limits::NONE),
        pool.swap(&stage.liquidator, (&sol, &usdc), swap),
    ];
    let receipt = world.flash(&stage.liquidator, &usdc, quote.repay_atoms + quote.fee_atoms, &between)?;
    sheet.note_call("flash_liquidation_1_1", &receipt, 1);
    Ok(())
}
