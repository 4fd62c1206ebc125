//! From accepted instructions to the books. An event says which accounts and which whole amounts; what was asked for comes from
//! the instruction itself, and every amount is first compared with what the books make of it.

use plimsoll_client::events::*;
use plimsoll_client::{Instruction, Pubkey, PROGRAM_ID};
use plimsoll_engine::governance::Parameter;
use plimsoll_engine::state::{MarketPolicy, ReserveState};

use crate::asked::{account, require_named, Asked};
use crate::pool::Terms;
use crate::range::Range;
use crate::reserve::{Flash, Growth, Reserve, SHARE_BITS};
use crate::{exactly, expect, Accepted, Debt, Model, Position, Wrong};

/// What a loss that lenders bore is counted as.
const HAIRCUT: &str = "haircut";
const BPS: u64 = 10_000;
/// A marker is paid at most this part of what is provided for, bps.
const TIP_BPS: u64 = 100;
/// Parameters that interest depends on.
const RATES: [Parameter; 6] = [
    Parameter::BaseRate,
    Parameter::KinkUtilisation,
    Parameter::KinkRate,
    Parameter::MaxRate,
    Parameter::InsuranceShare,
    Parameter::InterestFeeShare,
];
/// Scales from which on a pool takes no deposits.
const SCALE_LAST: u32 = 7;

/// What a settlement did to one debt.
struct Loss {
    reserve: Pubkey,
    written_off: u64,
    insurance: u64,
    haircut: u64,
}

fn found<'a, T>(what: &str, of: Option<&'a T>) -> Result<&'a T, Wrong> {
    of.ok_or_else(|| format!("an event speaks of a {what} that is not there"))
}

impl Accepted {
    fn reserve(&self, key: &Pubkey) -> Result<&ReserveState, Wrong> {
        found("reserve", self.after.reserves.iter().find(|it| it.address == *key).map(|it| &it.state))
    }

    fn policy(&self, reserve: &Pubkey) -> Result<&MarketPolicy, Wrong> {
        let market = self.reserve(reserve)?.market;
        let market = self.after.markets.iter().find(|it| it.address.to_bytes() == market);
        found("market", market.map(|it| &it.state.policy))
    }

    fn terms(&self, pool: &Pubkey) -> Result<Terms, Wrong> {
        let pool = &found("pool", self.after.pools.iter().find(|it| it.address == *pool))?.state;
        Ok(Terms { policy: pool.policy, is_open: pool.scale < SCALE_LAST, unix: self.unix })
    }
}

impl Model {
    /// Follows a transaction.
    ///
    /// # Errors
    /// What it did that the books do not allow, with the numbers.
    pub fn follow(&mut self, accepted: &Accepted) -> Result<(), Wrong> {
        let mut events = accepted.events.iter();
        for call in accepted.instructions.iter().filter(|call| call.program_id == PROGRAM_ID) {
            let asked = Asked::of(&call.data)?;
            if asked == Asked::View {
                continue;
            }
            let event = events.next().ok_or("an instruction left no event")?;
            self.apply(accepted, call, asked, event).map_err(|wrong| format!("{}: {wrong}", event.name()))?;
            *self.followed.entry(event.name()).or_default() += 1;
        }
        for reserve in &accepted.after.reserves {
            self.reserve_mut(&reserve.address)?.rates = reserve.state.rates;
        }
        match events.next() {
            Some(event) => Err(format!("{} is nobody's event", event.name())),
            None => Ok(()),
        }
    }

    fn apply(&mut self, tx: &Accepted, call: &Instruction, asked: Asked, event: &Event) -> Result<(), Wrong> {
        match event {
            Event::ReserveCreated(it) => {
                self.reserves.insert(it.reserve, Reserve::new(tx.unix, tx.reserve(&it.reserve)?.rates));
                Ok(())
            }
            Event::BackstopCreated(it) => {
                self.pools.entry(it.backstop).or_default().reserve = it.reserve;
                Ok(())
            }
            Event::ReservesRefreshed(it) => {
                require_named(call, &it.reserves.iter().collect::<Vec<_>>())?;
                it.reserves.iter().try_for_each(|reserve| self.accrue(tx, reserve))
            }
            Event::SupplyChanged(it) => self.supply(tx, call, asked, it),
            Event::CollateralChanged(it) => self.collateral(call, asked, it),
            Event::DebtChanged(it) => self.debt(tx, call, asked, it),
            Event::InsuranceFunded(it) => {
                require_named(call, &[&it.reserve])?;
                asked.require_atoms("insurance funded", it.atoms)?;
                let reserve = self.reserve_mut(&it.reserve)?;
                reserve.insurance = &reserve.insurance + &Range::whole(it.atoms);
                Ok(())
            }
            Event::RecoveryRepaid(it) => {
                require_named(call, &[&it.reserve])?;
                let reserve = self.reserve_mut(&it.reserve)?;
                exactly("recovery taken", reserve.recovery(asked.at_most("recovery")?), it.atoms)?;
                reserve.recover(it.atoms, it.insurance_atoms)
            }
            Event::RecoveryClaimed(it) => self.claim(call, it),
            Event::FeesCollected(it) => {
                require_named(call, &[&it.reserve])?;
                self.accrue(tx, &it.reserve)?;
                let reserve = self.reserve_mut(&it.reserve)?;
                expect("fees collected", &reserve.fee, it.atoms)?;
                reserve.fee = Range::default();
                Ok(())
            }
            Event::FlashBorrowed(it) => {
                asked.require_atoms("flash loan", it.principal_atoms)?;
                self.accrue(tx, &it.reserve)?;
                let bps = tx.policy(&it.reserve)?.flash_fee_bps;
                let fee = Range::whole(it.principal_atoms).part(&bps.into(), &BPS.into()).ceil();
                expect("fee of a flash loan", &fee, it.fee_atoms)?;
                let reserve = self.reserve_mut(&it.reserve)?;
                reserve.realise();
                reserve.cash = (&reserve.cash - &Range::whole(it.principal_atoms)).positive();
                reserve.flash = Flash { principal: it.principal_atoms, fee: it.fee_atoms };
                Ok(())
            }
            Event::FlashRepaid(it) => {
                let reserve = self.reserve_mut(&it.reserve)?;
                let loan = std::mem::take(&mut reserve.flash);
                exactly("principal of a flash loan", loan.principal, it.principal_atoms)?;
                exactly("fee of a flash loan", loan.fee, it.fee_atoms)?;
                reserve.cash = &reserve.cash + &Range::whole(loan.principal);
                reserve.insurance = &reserve.insurance + &Range::whole(loan.fee);
                Ok(())
            }
            Event::PositionLiquidated(it) => self.liquidated(tx, call, asked, it),
            Event::PositionAbsorbed(it) => self.absorbed(tx, call, asked, it),
            Event::DefaultMarked(it) => self.marked(tx, it),
            Event::DefaultSettled(it) => self.settled(tx, it),
            Event::BackstopDepositChanged(it) => self.pool_deposit(tx, call, asked, it),
            Event::BackstopGainClaimed(it) => {
                require_named(call, &[&it.backstop, &it.provider, &it.collateral_reserve])?;
                let terms = tx.terms(&it.backstop)?;
                let pool = self.pools.entry(it.backstop).or_default();
                pool.claim(&it.provider, &it.collateral_reserve, it.atoms, &terms)?;
                let reserve = self.reserve_mut(&it.collateral_reserve)?;
                reserve.backstop_collateral = left("gains held", reserve.backstop_collateral, it.atoms)?;
                Ok(())
            }
            Event::AccountChanged(it) => {
                if !it.opened {
                    self.close(&it.account);
                }
                Ok(())
            }
            Event::ParameterChanged(it) => {
                // Time that has passed is paid for at the rates that were in force.
                let is_rate = Parameter::of(it.parameter).is_ok_and(|parameter| RATES.contains(&parameter));
                if is_rate {
                    self.accrue(tx, &it.target)?;
                }
                Ok(())
            }
            // Nobody's money moves.
            Event::MarketCreated(_)
            | Event::ActionPaused(_)
            | Event::StalePriceNoticed(_)
            | Event::MarginCalled(_)
            | Event::PositionFlagged(_)
            | Event::FlagCleared(_)
            | Event::ProtectionOrderSet(_)
            | Event::BackstopCollateralSet(_)
            | Event::ParameterProposed(_)
            | Event::DepthConfirmed(_)
            | Event::ProposalCancelled(_)
            | Event::RoleAccepted(_)
            | Event::MarketLaunched(_) => Ok(()),
        }
    }

    fn close(&mut self, account: &Pubkey) {
        self.positions.remove(account);
        self.reserves.values_mut().for_each(|reserve| drop(reserve.lenders.remove(account)));
        self.pools.values_mut().for_each(|pool| drop(pool.providers.remove(account)));
    }

    pub(crate) fn reserve_mut(&mut self, key: &Pubkey) -> Result<&mut Reserve, Wrong> {
        self.reserves.get_mut(key).ok_or_else(|| format!("there is no reserve {key}"))
    }

    /// All debt of a reserve, and all that is provided for, atoms.
    pub(crate) fn debts_of(&self, reserve: &Pubkey) -> (Range, Range) {
        let of = || self.positions.values().flat_map(|it| &it.debts).filter(|debt| debt.reserve == *reserve);
        (of().map(|debt| &debt.owed).sum(), of().map(|debt| &debt.provided).sum())
    }

    /// Interest up to now.
    fn accrue(&mut self, tx: &Accepted, key: &Pubkey) -> Result<(), Wrong> {
        let (debt, _) = self.debts_of(key);
        let Growth(growth) = self.reserve_mut(key)?.accrue(&debt, tx.unix);
        for debt in self.positions.values_mut().flat_map(|it| &mut it.debts).filter(|debt| debt.reserve == *key) {
            debt.owed = &debt.owed * &growth;
            debt.provided = &debt.provided * &growth;
        }
        Ok(())
    }

    fn supply(&mut self, tx: &Accepted, call: &Instruction, asked: Asked, it: &SupplyChanged) -> Result<(), Wrong> {
        exactly("lender", account(call, 0)?, it.lender)?;
        exactly("reserve", account(call, 2)?, it.reserve)?;
        let lender = account(call, 3)?;
        self.accrue(tx, &it.reserve)?;
        let (debt, provided) = self.debts_of(&it.reserve);
        let reserve = self.reserve_mut(&it.reserve)?;
        let atoms = Range::whole(it.atoms);
        if it.supplied {
            asked.require_atoms("supply", it.atoms)?;
            let minted = reserve.minted(it.atoms, &debt);
            if !minted.holds(&Range::whole(it.shares)) {
                return Err(format!("shares minted: {}, and exactly {minted}", it.shares));
            }
            let stake = reserve.lender(&lender);
            stake.sync();
            stake.shares += it.shares;
            reserve.cash = &reserve.cash + &atoms;
        } else {
            let Asked::Shares(shares, atoms_min) = asked else { return Err(format!("redeemed, and asked {asked:?}")) };
            exactly("shares redeemed", shares, it.shares)?;
            expect("redeemed", &reserve.redeemable(shares, &debt, &provided), it.atoms)?;
            if it.atoms < atoms_min {
                return Err(format!("redeemed {} atoms, and asked at least {atoms_min}", it.atoms));
            }
            let stake = reserve.lender(&lender);
            stake.sync();
            stake.shares = stake.shares.checked_sub(shares).ok_or("more shares are redeemed than were held")?;
            reserve.cash = &reserve.cash - &atoms;
        }
        Ok(())
    }

    fn claim(&mut self, call: &Instruction, it: &RecoveryClaimed) -> Result<(), Wrong> {
        exactly("reserve", account(call, 2)?, it.reserve)?;
        let lender = account(call, 3)?;
        let reserve = self.reserve_mut(&it.reserve)?;
        let stake = reserve.lender(&lender);
        stake.sync();
        expect("recovery taken", &stake.recovered().floor(), it.atoms)?;
        stake.take(it.atoms);
        reserve.recovery = left("recovery held", reserve.recovery, it.atoms)?;
        Ok(())
    }

    fn collateral(&mut self, call: &Instruction, asked: Asked, it: &CollateralChanged) -> Result<(), Wrong> {
        require_named(call, &[&it.position, &it.reserve])?;
        if asked == Asked::Nothing {
            // Only that it no longer counts.
            return exactly("collateral moved", 0, it.atoms);
        }
        asked.require_atoms("collateral", it.atoms)?;
        let position = self.positions.entry(it.position).or_default();
        let reserve = self.reserves.get_mut(&it.reserve).ok_or("no reserve")?;
        if it.deposited {
            match position.collaterals.iter_mut().find(|(key, _)| *key == it.reserve) {
                Some((_, atoms)) => *atoms += it.atoms,
                None => position.collaterals.push((it.reserve, it.atoms)),
            }
            reserve.collateral += it.atoms;
        } else {
            position.take(&it.reserve, it.atoms)?;
            reserve.collateral = left("collateral", reserve.collateral, it.atoms)?;
        }
        Ok(())
    }

    fn debt(&mut self, tx: &Accepted, call: &Instruction, asked: Asked, it: &DebtChanged) -> Result<(), Wrong> {
        require_named(call, &[&it.position, &it.reserve])?;
        self.accrue(tx, &it.reserve)?;
        let reserve = self.reserves.get_mut(&it.reserve).ok_or("no reserve")?;
        let position = self.positions.entry(it.position).or_default();
        let atoms = Range::whole(it.atoms);
        if it.borrowed {
            asked.require_atoms("borrow", it.atoms)?;
            // Shares are rounded up.
            let owed = atoms.more(&share_unit(reserve));
            match position.debts.iter_mut().find(|debt| debt.reserve == it.reserve) {
                Some(debt) => debt.owed = &debt.owed + &owed,
                None => position.debts.push(Debt { reserve: it.reserve, owed, provided: Range::default() }),
            }
            reserve.cash = &reserve.cash - &atoms;
            return Ok(());
        }
        let most = asked.at_most("repayment")?;
        let is_all = it.position_shares == 0;
        let owed = position.owed(&it.reserve)?.ceil();
        let due = if is_all { owed.clone() } else { owed.min(&Range::whole(most)) };
        expect("repaid", &due, it.atoms)?;
        if it.atoms > most {
            return Err(format!("repaid {} atoms, and asked at most {most}", it.atoms));
        }
        position.repay(&it.reserve, it.atoms, is_all, For::Nothing, &share_unit(reserve))?;
        reserve.cash = &reserve.cash + &atoms;
        reserve.realise();
        Ok(())
    }

    /// What a liquidation does to position and reserves, whoever buys; a rest of the debt is written off with the last collateral.
    fn traded(&mut self, tx: &Accepted, trade: &Trade) -> Result<(), Wrong> {
        self.accrue(tx, &trade.repaid)?;
        let position = self.positions.get_mut(&trade.position).ok_or("no position")?;
        let reserve = self.reserves.get_mut(&trade.repaid).ok_or("no reserve")?;
        let owed = position.owed(&trade.repaid)?.ceil();
        let paid = Range::whole(trade.repay);
        if owed.is_below(&paid) {
            return Err(format!("repaid {} atoms of {owed}", trade.repay));
        }
        let is_all = if paid.is_below(&owed) {
            false
        } else if owed.width() == 0 {
            true
        } else {
            // Whether this atom was the last depends on rounding: the program may say so.
            trade.loss.written_off == 0 && !tx.owes(&trade.position, &trade.repaid)
        };
        position.repay(&trade.repaid, trade.repay, is_all, For::Collateral, &share_unit(reserve))?;
        reserve.cash = &reserve.cash + &paid;
        reserve.realise();
        reserve.insurance = &reserve.insurance + &Range::whole(trade.fee);
        position.take(&trade.seized, trade.seize)?;
        let seized = self.reserve_mut(&trade.seized)?;
        seized.collateral = left("collateral", seized.collateral, trade.seize)?;
        self.write_off_rest(&trade.position, &trade.loss)
    }

    /// A rest that was written off with the last collateral.
    fn write_off_rest(&mut self, position: &Pubkey, loss: &Loss) -> Result<(), Wrong> {
        if loss.written_off == 0 {
            return exactly("borne without a loss", 0, loss.insurance + loss.haircut);
        }
        let held = found("position", self.positions.get(position))?;
        if !held.collaterals.is_empty() || held.debts.len() != 1 {
            return Err("a debt is written off although there is collateral or another debt".into());
        }
        self.write_off(position, loss)
    }

    fn liquidated(
        &mut self,
        tx: &Accepted,
        call: &Instruction,
        asked: Asked,
        it: &PositionLiquidated,
    ) -> Result<(), Wrong> {
        require_named(call, &[&it.position, &it.seized_reserve, &it.repaid_reserve])?;
        let Asked::Trade(repay_max, seize_min) = asked else { return Err(format!("asked {asked:?}")) };
        if it.repay_atoms > repay_max || it.seize_atoms < seize_min {
            let (repay, seize) = (it.repay_atoms, it.seize_atoms);
            return Err(format!("repaid {repay} of at most {repay_max}, seized {seize} of at least {seize_min}"));
        }
        let (seized, repaid) = (tx.reserve(&it.seized_reserve)?, tx.reserve(&it.repaid_reserve)?);
        self.fee(tx, it)?;
        fair_trade(
            &Side::of(seized, &it.seized_price, it.seize_atoms),
            &Side::of(repaid, &it.repaid_price, it.repay_atoms),
            it.gross_factor_e9,
        )?;
        self.traded(
            tx,
            &Trade {
                position: it.position,
                seized: it.seized_reserve,
                repaid: it.repaid_reserve,
                seize: it.seize_atoms,
                repay: it.repay_atoms,
                fee: it.fee_atoms,
                loss: Loss {
                    reserve: it.repaid_reserve,
                    written_off: it.written_off_atoms,
                    insurance: it.insurance_atoms,
                    haircut: it.haircut_atoms,
                },
            },
        )
    }

    /// The fee is insurance's share of the bonus, of what is repaid, rounded down: of the default bonus in the terminal state,
    /// else of the factor, of which an event shows 1e-9. The program keeps factors to 2^-40, rounded down.
    fn fee(&self, tx: &Accepted, it: &PositionLiquidated) -> Result<(), Wrong> {
        let unit = Range::unit(40);
        let bonus = if it.is_terminal {
            Range::ratio(tx.policy(&it.seized_reserve)?.bonus_default_bps, BPS).less(&unit)
        } else {
            let e9 = |factor_e9: u64| Range::ratio(factor_e9.saturating_sub(1_000_000_000), 1_000_000_000u64);
            Range::from_to(&e9(it.gross_factor_e9), &e9(it.gross_factor_e9.saturating_add(1)))
        };
        let share = Range::ratio(tx.reserve(&it.seized_reserve)?.bonus.fee_share_bps, BPS);
        let rate = (&share * &bonus.positive()).less(&unit).positive();
        expect("fee", &(&rate * &Range::whole(it.repay_atoms)).floor(), it.fee_atoms)
    }

    fn absorbed(
        &mut self,
        tx: &Accepted,
        call: &Instruction,
        asked: Asked,
        it: &PositionAbsorbed,
    ) -> Result<(), Wrong> {
        require_named(call, &[&it.position, &it.backstop, &it.seized_reserve, &it.repaid_reserve])?;
        let Asked::Tip(tip_min) = asked else { return Err(format!("asked {asked:?}")) };
        if it.tip_atoms < tip_min {
            return Err(format!("tip {}, and asked at least {tip_min}", it.tip_atoms));
        }
        let (seized, repaid) = (tx.reserve(&it.seized_reserve)?, tx.reserve(&it.repaid_reserve)?);
        let seize = it.gain_atoms + it.tip_atoms;
        fair_trade(
            &Side::of(seized, &it.seized_price, seize),
            &Side::of(repaid, &it.repaid_price, it.repay_atoms),
            it.gross_factor_e9,
        )?;
        let terms = tx.terms(&it.backstop)?;
        let pool = self.pools.entry(it.backstop).or_default();
        pool.buy(&it.seized_reserve, it.repay_atoms, it.gain_atoms, terms.is_open)?;
        let reserve = self.reserve_mut(&it.repaid_reserve)?;
        reserve.backstop = left("backstop deposits", reserve.backstop, it.repay_atoms)?;
        self.reserve_mut(&it.seized_reserve)?.backstop_collateral += it.gain_atoms;
        self.traded(
            tx,
            &Trade {
                position: it.position,
                seized: it.seized_reserve,
                repaid: it.repaid_reserve,
                seize,
                repay: it.repay_atoms,
                fee: 0,
                loss: Loss {
                    reserve: it.repaid_reserve,
                    written_off: it.written_off_atoms,
                    insurance: it.insurance_atoms,
                    haircut: it.haircut_atoms,
                },
            },
        )
    }

    /// Writes a debt of a position off: insurance pays what it has, lenders bear the rest, at most all they own. Interest is
    /// booked.
    fn write_off(&mut self, position: &Pubkey, loss: &Loss) -> Result<(), Wrong> {
        let (debt, _) = self.debts_of(&loss.reserve);
        let held = self.positions.get_mut(position).ok_or("no position")?;
        let reserve = self.reserves.get_mut(&loss.reserve).ok_or("no reserve")?;
        expect("written off", &held.owed(&loss.reserve)?.ceil(), loss.written_off)?;
        let insured = &reserve.insurance + &reserve.insurance_accrued;
        expect("paid by insurance", &insured.min(&Range::whole(loss.written_off)), loss.insurance)?;
        let rest = left("loss", loss.written_off, loss.insurance)?;
        expect("borne by lenders", &reserve.assets(&debt).min(&Range::whole(rest)), loss.haircut)?;
        reserve.pay_from_insurance(loss.insurance, rest > 0);
        held.debts.retain(|debt| debt.reserve != loss.reserve);
        reserve.lose(loss.haircut);
        *self.followed.entry(HAIRCUT).or_default() += u64::from(loss.haircut > 0);
        let (debt, _) = self.debts_of(&loss.reserve);
        let reserve = self.reserve_mut(&loss.reserve)?;
        // Where that depends on rounding it is not asked.
        reserve.is_closed |= reserve.is_lost(&debt) == Some(true);
        Ok(())
    }

    fn settled(&mut self, tx: &Accepted, it: &DefaultSettled) -> Result<(), Wrong> {
        let position = found("position", self.positions.get(&it.position))?.clone();
        exactly("debts settled", position.debts.len(), it.losses.len())?;
        exactly("collaterals forfeited", position.collaterals.len(), it.forfeited_atoms.len())?;
        for (debt, loss) in position.debts.iter().zip(&it.losses) {
            exactly("reserve of a loss", debt.reserve, loss.reserve)?;
            self.accrue(tx, &loss.reserve)?;
            let shared = Loss {
                reserve: loss.reserve,
                written_off: loss.written_off_atoms,
                insurance: loss.insurance_atoms,
                haircut: loss.haircut_atoms,
            };
            self.write_off(&it.position, &shared)?;
            let (debt, _) = self.debts_of(&loss.reserve);
            let assets = self.reserve_mut(&loss.reserve)?.assets(&debt);
            expect("lenders' assets after a loss", &assets, loss.total_assets_atoms)?;
        }
        for ((key, atoms), forfeited) in position.collaterals.iter().zip(&it.forfeited_atoms) {
            exactly("forfeited", atoms, forfeited)?;
            let reserve = self.reserve_mut(key)?;
            reserve.collateral = left("collateral", reserve.collateral, *atoms)?;
            reserve.insurance_collateral += atoms;
        }
        let position = self.positions.entry(it.position).or_default();
        (position.collaterals, position.debts) = Default::default();
        Ok(())
    }

    fn marked(&mut self, tx: &Accepted, it: &DefaultMarked) -> Result<(), Wrong> {
        let position = found("position", self.positions.get(&it.position))?.clone();
        exactly("debts provided for", position.debts.len(), it.provisions.len())?;
        for (index, (debt, provision)) in position.debts.iter().zip(&it.provisions).enumerate() {
            let key = debt.reserve;
            exactly("reserve of a provision", key, provision.reserve)?;
            self.accrue(tx, &key)?;
            let policy = tx.policy(&key)?;
            let reserve = self.reserves.get_mut(&key).ok_or("no reserve")?;
            let unit = share_unit(reserve);
            let held = self.positions.get_mut(&it.position).ok_or("no position")?;
            let debt = held.debts.iter_mut().find(|debt| debt.reserve == key).ok_or("no debt")?;
            // Up at once to what is expected to be lost while the mark stands; down at a bounded speed; never above the debt.
            let expected = Range::whole(if it.defaulted_at == 0 { 0 } else { provision.loss_atoms });
            let elapsed = u64::try_from(tx.unix.saturating_sub(position.provisioned_at)).unwrap_or(0);
            let speed = u128::from(policy.provision_release_bps_per_hour) * u128::from(elapsed);
            let let_go = debt.owed.part(&speed.into(), &(u128::from(BPS) * 3_600).into());
            let kept = (&debt.provided - &let_go).positive();
            let least = expected.max(&kept).min(&debt.owed).low();
            let most = expected.max(&debt.provided).more(&unit).min(&debt.owed).high();
            expect("provided for", &Range::from_to(&least, &most).ceil(), provision.provided_atoms)?;
            // It is known to an atom only: what is expected comes from prices, which are not the model's business.
            let provided = Range::whole(provision.provided_atoms).less(&Range::whole(1u8)).positive();
            debt.provided = provided.and(&Range::from_to(&least, &most));
            let (owed, provided) = self.debts_of(&key);
            expect("provided for in the reserve", &provided.ceil(), provision.total_atoms)?;
            let reserve = self.reserve_mut(&key)?;
            if index == 0 && it.tip_atoms > 0 {
                let most = provision.provided_atoms / (BPS / TIP_BPS);
                if it.tip_atoms > most {
                    return Err(format!("tip {}, and at most {most}", it.tip_atoms));
                }
                reserve.insurance = &reserve.insurance - &Range::whole(it.tip_atoms);
            }
            expect("not covered by insurance", &reserve.uninsured(&provided, &owed), provision.uninsured_atoms)?;
        }
        self.positions.entry(it.position).or_default().provisioned_at = tx.unix;
        Ok(())
    }

    fn pool_deposit(
        &mut self,
        tx: &Accepted,
        call: &Instruction,
        asked: Asked,
        it: &BackstopDepositChanged,
    ) -> Result<(), Wrong> {
        require_named(call, &[&it.backstop, &it.provider])?;
        let terms = tx.terms(&it.backstop)?;
        let pool = self.pools.entry(it.backstop).or_default();
        let reserve = self.reserves.get_mut(&pool.reserve).ok_or("no reserve")?;
        match it.change {
            DepositChange::Deposited => {
                asked.require_atoms("deposit", it.atoms)?;
                pool.deposit(&it.provider, it.atoms, &terms);
                reserve.backstop += it.atoms;
            }
            DepositChange::Joined | DepositChange::Restarted => pool.look(&it.provider, &terms),
            DepositChange::Requested => {
                asked.require_atoms("request", it.atoms)?;
                pool.request(&it.provider, it.atoms, &terms);
            }
            DepositChange::Cancelled => {
                pool.cancel(&it.provider, it.atoms, &terms)?;
                reserve.backstop = left("backstop deposits", reserve.backstop, it.atoms)?;
            }
            DepositChange::Withdrawn => {
                pool.withdraw(&it.provider, it.atoms, &terms)?;
                reserve.backstop = left("backstop deposits", reserve.backstop, it.atoms)?;
            }
        }
        Ok(())
    }
}

/// A liquidation as far as the books go.
struct Trade {
    position: Pubkey,
    seized: Pubkey,
    repaid: Pubkey,
    seize: u64,
    repay: u64,
    fee: u64,
    loss: Loss,
}

impl Accepted {
    /// Whether a position owes anything to a reserve afterwards.
    fn owes(&self, position: &Pubkey, reserve: &Pubkey) -> bool {
        let position = self.after.positions.iter().find(|it| it.address == *position);
        position.is_some_and(|it| it.state.debt_index(reserve.as_array()).is_some())
    }
}

/// Atoms at a price.
struct Side<'a> {
    decimals: u8,
    price: &'a PriceUsed,
    atoms: u64,
}

impl<'a> Side<'a> {
    fn of(reserve: &ReserveState, price: &'a PriceUsed, atoms: u64) -> Self {
        Self { decimals: reserve.decimals, price, atoms }
    }

    /// Value, USD, without any rounding but the 2^-192 of a quotient.
    fn value(&self) -> Range {
        let exponent = self.price.exponent - i32::from(self.decimals);
        let power = num_bigint::BigInt::from(10).pow(exponent.unsigned_abs());
        let number = num_bigint::BigInt::from(self.price.price) * self.atoms;
        if exponent < 0 {
            Range::ratio(number, power)
        } else {
            Range::whole(number * power)
        }
    }
}

/// What is seized is worth no more than the factor says, at the prices that were used. Values are kept to a nano-dollar, prices
/// to 62 bits, the factor to 1e-9; where an uncertain price was moved, it was for the borrower.
fn fair_trade(seized: &Side, repaid: &Side, factor_e9: u64) -> Result<(), Wrong> {
    let factor = Range::ratio(u128::from(factor_e9) + 1, 1_000_000_000u64);
    let nano = Range::ratio(1u8, 1_000_000_000u64);
    let allowed = &repaid.value() * &factor;
    let allowed = &(&allowed + &(&allowed * &Range::unit(60))) + &(&(&nano + &nano) * &(&factor + &Range::whole(1u8)));
    if allowed.is_below(&seized.value()) {
        return Err(format!("seized {} USD, and at most {allowed}", seized.value()));
    }
    Ok(())
}

/// What a debt shrinks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Nothing,
    Collateral,
}

fn left(what: &str, of: u64, atoms: u64) -> Result<u64, Wrong> {
    of.checked_sub(atoms).ok_or_else(|| format!("{what}: {atoms} atoms are taken out of {of}"))
}

/// What one debt share is worth, at most.
fn share_unit(reserve: &Reserve) -> Range {
    (&reserve.index * &Range::unit(SHARE_BITS)).high()
}

impl Position {
    fn owed(&self, reserve: &Pubkey) -> Result<&Range, Wrong> {
        let debt = self.debts.iter().find(|debt| debt.reserve == *reserve);
        debt.map(|debt| &debt.owed).ok_or_else(|| "a debt that is not there shrinks".into())
    }

    fn take(&mut self, reserve: &Pubkey, atoms: u64) -> Result<(), Wrong> {
        let slot = self.collaterals.iter().position(|(key, _)| key == reserve);
        let slot = slot.ok_or("collateral that is not there is taken")?;
        let held = &mut self.collaterals[slot].1;
        *held = left("collateral", *held, atoms)?;
        if *held == 0 {
            self.collaterals.remove(slot);
        }
        Ok(())
    }

    /// A debt shrinks by `atoms`; shares are rounded down, so by less than `unit` less.
    fn repay(&mut self, reserve: &Pubkey, atoms: u64, is_all: bool, what_for: For, unit: &Range) -> Result<(), Wrong> {
        let slot = self.debts.iter().position(|debt| debt.reserve == *reserve);
        let slot = slot.ok_or("a debt that is not there is repaid")?;
        if is_all {
            self.debts.remove(slot);
            return Ok(());
        }
        let debt = &mut self.debts[slot];
        let paid = Range::whole(atoms);
        debt.owed = (&debt.owed - &paid).more(unit).positive();
        let provided = match what_for {
            For::Nothing => (&debt.provided - &paid).more(unit).positive(),
            For::Collateral => debt.provided.clone(),
        };
        debt.provided = provided.min(&debt.owed);
        Ok(())
    }
}
