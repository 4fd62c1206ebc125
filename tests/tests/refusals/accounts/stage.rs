//! A scene beside everything that could be mistaken for a part of it.

use super::super::common::*;
use super::super::legs::foreign;
use anchor_lang::Discriminator;
use plimsoll::instruction::{FlashBorrow, FlashRepay};
use plimsoll_engine::state::BackstopPolicy;
use plimsoll_testkit::backstop_policy;

/// How long a deposit in the pools warms up.
pub const WARM_UP_SECS: i64 = 14_400;

/// The scene, unhealthy, beside everything that could be mistaken for a part of it.
pub struct Stage {
    pub scene: Scene,
    /// Other tokens of the market.
    pub eth: Token,
    pub usdt: Token,
    /// The scene's tokens in another market.
    pub foreign_sol: Token,
    pub foreign_usdc: Token,
    pub foreign_market: Pubkey,
    /// Somebody else with a position like the borrower's, healthy, and with lender accounts in USDC and USDT.
    pub other: Borrower,
    /// The borrower's position in the other market.
    pub foreign_position: Pubkey,
    /// A position of the borrower's without debt, with SOL counted from the time of its debt.
    pub free: Borrower,
    /// An empty position of the borrower's.
    pub empty: Borrower,
    /// A token without a reserve.
    pub unborn: (Token, plimsoll_engine::state::ReserveConfig),
    /// Pays for transactions, and signs nothing else.
    pub payer: Person,
}

impl Stage {
    pub fn new() -> Self {
        let mut scene = Scene::new();
        let (eth, usdt) = (scene.add(Spec::volatile("ETH", "3000")), scene.add(Spec::stable("USDT", "1")));
        let (sol, usdc, lender, borrower) =
            (scene.sol.clone(), scene.usdc.clone(), scene.lender.clone(), scene.borrower.clone());
        let world = &mut scene.world;
        world.supply(&lender, &usdt, usdt.atoms("1000")).expect("a supply");
        // Without shares.
        world.open_lender(&lender, &sol).expect("a lender account");
        let other = world.borrower();
        world.deposit(&other, &sol, sol.atoms("100")).expect("a deposit");
        world.borrow(&other, &usdc, usdc.atoms("100")).expect("a borrow");
        for token in [&usdc, &usdt] {
            world.open_lender(&other, token).expect("a lender account");
        }
        let (free, empty) = (borrower.numbered(1), borrower.numbered(2));
        world.open_position(&free).expect("a position");
        world.deposit(&free, &sol, sol.atoms("100")).expect("a deposit");
        world.borrow(&free, &usdc, usdc.atoms("100")).expect("a borrow");
        world.repay(&free, &usdc, u64::MAX).expect("a repayment");
        world.open_position(&empty).expect("a position");
        // So that nothing fails for want of tokens alone.
        world.donate(&lender, &sol, Vault::Liquidity, sol.atoms("1000"));
        world.donate(&borrower, &usdc, Vault::Collateral, usdc.atoms("10000"));
        // Interest, and with it fees to collect.
        world.advance_with_prices(86_400);
        world.repay(&borrower, &usdc, usdc.atoms("1")).expect("a repayment");
        let own = world.market;
        let unborn = scene.unborn(Spec::volatile("NEW", "10"));
        let (foreign_sol, foreign_usdc) = (foreign(&mut scene, &sol), foreign(&mut scene, &usdc));
        let foreign_market = address::market(2);
        scene.world.market = foreign_market;
        scene.world.open_position(&borrower).expect("a position");
        scene.world.market = own;
        let foreign_position = address::position(&foreign_market, &borrower.address(), 0);
        let payer = scene.world.person("payer");
        scene.price_sol("110");
        Self {
            scene,
            eth,
            usdt,
            foreign_sol,
            foreign_usdc,
            foreign_market,
            other,
            foreign_position,
            free,
            empty,
            unborn,
            payer,
        }
    }

    /// Costs the lender a haircut: the unhealthy position is sold at a price that does not pay its debt.
    pub fn lose(&mut self) {
        self.scene.price_sol("40");
        self.scene.liquidate(Limits::NONE).expect("a liquidation");
    }

    /// Opens backstop pools: of USDC, which buys SOL from the unhealthy position on, 10,000 USDC of the lender's in it and
    /// empty provider accounts beside; of USDT, with an empty one of the lender's; and of USDC in the other market.
    pub fn open_pools(&mut self) {
        let (sol, usdc, usdt, lender) =
            (self.scene.sol.clone(), self.scene.usdc.clone(), self.usdt.clone(), self.scene.lender.clone());
        let world = &mut self.scene.world;
        let policy = BackstopPolicy { trigger_health_bps: 9_900, ..backstop_policy() };
        for token in [&usdc, &usdt, &self.foreign_usdc] {
            world.create_backstop(token, policy).expect("a pool");
        }
        world.opt_in(&usdc, &sol, sol.atoms("1000")).expect("a collateral");
        world.open_backstop_provider(&self.other, &usdc).expect("a provider account");
        world.open_backstop_provider(&self.scene.liquidator, &usdc).expect("a provider account");
        world.open_backstop_provider(&lender, &usdt).expect("a provider account");
        self.warm_up(WARM_UP_SECS);
        self.scene.world.join_backstop(&lender, &lender, &usdc).expect("a warm deposit");
    }

    /// Deposits 10,000 USDC of the lender's, and lets it warm up for so long.
    pub fn warm_up(&mut self, secs: i64) {
        let (usdc, world) = (&self.scene.usdc, &mut self.scene.world);
        world.deposit_backstop(&self.scene.lender, usdc, usdc.atoms("10000")).expect("a deposit");
        world.advance_with_prices(secs);
    }

    /// Requests a withdrawal of the lender's, and lets it mature.
    pub fn request_withdrawal(&mut self) {
        let (usdc, world) = (&self.scene.usdc, &mut self.scene.world);
        world.request_backstop_withdrawal(&self.scene.lender, usdc, 1_000).expect("a request");
        world.advance_with_prices(WARM_UP_SECS);
    }

    /// Lets the pool buy of the unhealthy position.
    pub fn gain(&mut self) {
        let scene = &mut self.scene;
        let (liquidator, borrower) = (&scene.liquidator, &scene.borrower);
        scene.world.backstop_liquidate(liquidator, borrower, &scene.sol, &scene.usdc, 1).expect("a purchase");
    }

    /// Brings the pool of USDT to its last scale, which no test reaches by purchases.
    pub fn use_up_usdt_pool(&mut self) {
        let pool = address::backstop(&self.usdt.reserve, 0);
        self.scene.edit_backstop(&pool, |pool| pool.scale = LAST_SCALE);
    }

    pub fn wallet(&self, role: &dyn Role, token: &Token) -> Pubkey {
        address::token_account(&role.address(), &token.mint, &token.kind.program())
    }

    /// Sends an instruction signed by whom it names, at the payer's expense. Beside half of a flash loan stands the other.
    pub fn send(&mut self, instruction: &Instruction) -> Outcome {
        let (all, _) = self.complete(instruction);
        self.send_all(&all)
    }

    /// An instruction with what has to stand beside it, and its index there.
    fn complete(&self, instruction: &Instruction) -> (Vec<Instruction>, u8) {
        let (world, usdc, stranger) = (&self.scene.world, &self.scene.usdc, &self.scene.stranger);
        if instruction.data.starts_with(FlashBorrow::DISCRIMINATOR) {
            (vec![instruction.clone(), world.flash_repayment(stranger, usdc)], 0)
        } else if instruction.data.starts_with(FlashRepay::DISCRIMINATOR) {
            (vec![world.flash_borrowing(stranger, usdc, 1_000), instruction.clone()], 1)
        } else {
            (vec![instruction.clone()], 0)
        }
    }

    /// Sends instructions signed by whom they name, at the payer's expense.
    pub fn send_all(&mut self, instructions: &[Instruction]) -> Outcome {
        let scene = &self.scene;
        let (lender, borrower, liquidator) = (scene.lender.clone(), scene.borrower.clone(), scene.liquidator.clone());
        let (stranger, admin, payer) = (scene.stranger.clone(), scene.world.admin(), self.payer.clone());
        let people: [&dyn Role; 5] = [&lender, &borrower, &liquidator, &stranger, &admin];
        let mut signers: Vec<&dyn Role> = vec![&payer];
        let metas = || instructions.iter().flat_map(|instruction| &instruction.accounts);
        let signs = |role: &&dyn Role| metas().any(|meta| meta.is_signer && meta.pubkey == role.address());
        signers.extend(people.into_iter().filter(signs));
        self.scene.world.send(instructions, &signers)
    }

    #[track_caller]
    pub fn refuses(&mut self, case: &str, expected: impl Into<Refusal>, instruction: &Instruction) {
        let (expected, (all, index)) = (expected.into(), self.complete(instruction));
        // That the other half is missing is for the first to say.
        let is_missing = expected == PlimsollError::FlashRepayMissing.into();
        self.refuses_at(case, if is_missing { 0 } else { index }, expected, &all);
    }

    /// Like [`Self::refuses`], with nothing beside it: for what is refused before an instruction looks around. (Accounts
    /// are signers and writable for a whole transaction, so another instruction's flags would count for this one.)
    #[track_caller]
    pub fn refuses_alone(&mut self, case: &str, expected: impl Into<Refusal>, instruction: &Instruction) {
        self.refuses_at(case, 0, expected, std::slice::from_ref(instruction));
    }

    /// Asserts that the instruction of this index among those sent is refused with exactly this error, and that nothing
    /// changed.
    #[track_caller]
    pub fn refuses_at(&mut self, case: &str, index: u8, expected: impl Into<Refusal>, instructions: &[Instruction]) {
        let before = self.scene.world.snapshot();
        let outcome = self.send_all(instructions);
        if let Some(difference) = differs_at(index, &outcome, &expected.into()) {
            panic!("{case}: {difference}");
        }
        before.assert_unchanged(&self.scene.world);
    }
}
