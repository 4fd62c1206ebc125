//! The invariants of `docs/invariants.md` that a simulated market can break, by the same ids, at the end of every run.

use anyhow::{ensure, Result};

use crate::book::AssetId;
use crate::chain::Chain;

/// What positions say of one token.
#[derive(Clone, Copy, Default)]
struct Held {
    collateral: u128,
    shares: u128,
    provisions: u128,
    counted: u128,
}

impl Chain {
    /// Checks that every atom is where the books say, and that the books agree with each other.
    ///
    /// # Errors
    /// The first invariant that does not hold, by its id, with the numbers.
    pub fn audit(&self) -> Result<()> {
        let held = self.held();
        for (index, (reserve, held)) in self.reserves.iter().zip(&held).enumerate() {
            let asset = AssetId::try_from(index)?;
            let places = self.tokens.of(asset);
            let same = |id: &str, what: &str, books: i128, counted: i128| {
                ensure!(books == counted, "{id}: token {index}: {what}: the books say {books}, counted {counted}");
                Ok(())
            };
            let signed = |number: u128| i128::try_from(number).unwrap_or(i128::MAX);
            let liquidity = [
                reserve.cash_atoms,
                reserve.insurance_atoms,
                reserve.fee_atoms,
                reserve.backstop_atoms,
                reserve.recovery_atoms,
            ];
            let collateral =
                [reserve.collateral_atoms, reserve.insurance_collateral_atoms, reserve.backstop_collateral_atoms];
            let sum = |ledgers: &[u64]| ledgers.iter().map(|atoms| i128::from(*atoms)).sum::<i128>();
            same("I1", "all tokens", 0, places.sum())?;
            same("I2", "the liquidity vault", sum(&liquidity), places.liquidity)?;
            same("I3", "the collateral vault", sum(&collateral), places.collateral)?;
            same("I4", "collateral of positions", reserve.collateral_atoms.into(), signed(held.collateral))?;
            same("I5", "debt shares of positions", signed(reserve.debt_shares.get()), signed(held.shares))?;
            let lent = self.lenders.get(index).map_or(0, |lender| lender.shares.get());
            same("I6", "supply shares of lenders", signed(reserve.supply_shares.get()), signed(lent))?;
            ensure!(
                u128::from(reserve.counted_atoms) >= held.counted,
                "I7: token {index}: counted {} last-in, positions count {}",
                reserve.counted_atoms,
                held.counted
            );
            same("I14", "provisions", signed(reserve.provision_shares.get()), signed(held.provisions))?;
            let pool = self.pools.get(index).and_then(Option::as_ref);
            let deposits = pool.map_or(0, |pool| u128::from(pool.deposit_atoms) + u128::from(pool.warming_atoms));
            same("I15", "backstop deposits", reserve.backstop_atoms.into(), signed(deposits))?;
            let key = self.keys.get(index).copied().unwrap_or_default();
            let gains = self.pools.iter().flatten().flat_map(|pool| pool.collaterals());
            let gains: u128 = gains.filter(|slot| slot.reserve == key).map(|slot| u128::from(slot.atoms)).sum();
            same("I16", "backstop collateral", reserve.backstop_collateral_atoms.into(), signed(gains))?;
        }
        Ok(())
    }

    fn held(&self) -> Vec<Held> {
        let mut held = vec![Held::default(); self.reserves.len()];
        for id in self.book.ids() {
            let (collaterals, debts) = self.book.legs(id);
            let touched = self.book.touched(id);
            for (slot, leg) in collaterals.iter().enumerate() {
                let Some(sums) = held.get_mut(usize::from(leg.asset)) else { continue };
                sums.collateral += leg.amount;
                let untouched = if debts.is_empty() { 0 } else { leg.amount };
                let counted = touched.and_then(|state| state.collaterals().get(slot));
                sums.counted += counted.map_or(untouched, |slot| slot.counted_atoms.into());
            }
            for (slot, leg) in debts.iter().enumerate() {
                let Some(sums) = held.get_mut(usize::from(leg.asset)) else { continue };
                sums.shares += leg.amount;
                let provided = touched.and_then(|state| state.debts().get(slot));
                sums.provisions += provided.map_or(0, |slot| slot.provision_shares.get());
            }
        }
        held
    }
}
