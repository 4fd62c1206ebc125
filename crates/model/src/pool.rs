//! A backstop pool: each provider's deposit and gains as plain numbers.

use std::collections::BTreeMap;

use plimsoll_client::Pubkey;
use plimsoll_engine::state::BackstopPolicy;

use crate::range::Range;
use crate::{exactly, expect, Wrong};

/// Bits of a deposit that one purchase may cost by rounding, at most: 2^-31 atom.
const PURCHASE_BITS: u32 = 31;
/// Bits of the deposit at the last look that one step of the sums is worth, atoms of collateral.
const STEP_BITS: u32 = 48;

/// What a provider gained of one collateral.
#[derive(Clone, Debug, Default)]
struct Gain {
    /// Up to the last look, whole atoms.
    kept: Range,
    /// Since.
    since: Range,
}

/// A provider.
#[derive(Clone, Debug, Default)]
pub struct Provider {
    /// In the pool, atoms.
    deposit: Range,
    /// The same at the last look, at most, atoms.
    base: Range,
    gains: BTreeMap<Pubkey, Gain>,
    pub warming: u64,
    pub warm_at: i64,
    pub requested: u64,
    pub matures_at: i64,
}

/// A pool.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// Reserve of the debt token.
    pub reserve: Pubkey,
    /// Deposits that absorb, atoms: what was paid in less what was spent or taken out.
    pub deposits: u64,
    /// The most that was in it.
    largest: u64,
    /// Collateral held, atoms, by reserve.
    pub held: BTreeMap<Pubkey, u64>,
    /// By provider account.
    pub providers: BTreeMap<Pubkey, Provider>,
}

/// What of a pool's configuration and clock a look needs.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub policy: BackstopPolicy,
    /// Whether it takes deposits: it is not in its last scale.
    pub is_open: bool,
    pub unix: i64,
}

fn after(unix: i64, secs: u64) -> i64 {
    unix.saturating_add(i64::try_from(secs).unwrap_or(i64::MAX))
}

impl Provider {
    /// Deposit in the pool as the program may say it, rounded down.
    pub fn deposit(&self) -> Range {
        self.deposit.positive().floor()
    }

    /// What it gained and did not take, as the program may say it, rounded down.
    pub fn gained(&self, collateral: &Pubkey, step: &Range) -> Range {
        let Some(gain) = self.gains.get(collateral) else { return Range::default() };
        // Two steps where sums of several scales are put together.
        let since = gain.since.less(&(step + step)).positive().floor();
        &gain.kept + &since
    }

    /// The program brings it up to date: what it rounds down stays so.
    fn sync(&mut self, step: &Range) {
        let collaterals: Vec<Pubkey> = self.gains.keys().copied().collect();
        for collateral in collaterals {
            let kept = self.gained(&collateral, step);
            self.gains.insert(collateral, Gain { kept, since: Range::default() });
        }
        self.deposit = self.deposit();
        self.base = self.deposit.high();
    }
}

impl Pool {
    /// What one step of the sums is worth to a provider, atoms of collateral.
    pub fn step(&self, provider: &Provider, is_open: bool) -> Range {
        let of = if is_open { provider.base.clone() } else { Range::whole(self.largest) };
        &of * &Range::unit(STEP_BITS)
    }

    /// A purchase: each deposit gives its part of `spent`, and receives its part of `gain`.
    pub fn buy(&mut self, collateral: &Pubkey, spent: u64, gain: u64, is_open: bool) -> Result<(), Wrong> {
        if spent >= self.deposits {
            return Err(format!("the pool spends {spent} of {} atoms", self.deposits));
        }
        let all = self.deposits.into();
        let steps: Vec<Range> = self.providers.values().map(|provider| self.step(provider, is_open)).collect();
        for (provider, step) in self.providers.values_mut().zip(steps) {
            let part = provider.deposit.part(&gain.into(), &all).less(&step);
            let own = provider.gains.entry(*collateral).or_default();
            own.since = &own.since + &part;
            let left = provider.deposit.part(&(self.deposits - spent).into(), &all);
            provider.deposit = left.less(&Range::unit(PURCHASE_BITS)).positive();
        }
        self.deposits -= spent;
        *self.held.entry(*collateral).or_default() += gain;
        Ok(())
    }

    fn provider(&mut self, account: &Pubkey) -> &mut Provider {
        self.providers.entry(*account).or_default()
    }

    fn sync(&mut self, account: &Pubkey, terms: &Terms) {
        let provider = self.providers.entry(*account).or_default().clone();
        let step = self.step(&provider, terms.is_open);
        self.provider(account).sync(&step);
    }

    /// A look: what is warm joins, or starts over where nobody let it join in time.
    pub fn look(&mut self, account: &Pubkey, terms: &Terms) {
        self.sync(account, terms);
        let provider = self.provider(account);
        if provider.warming == 0 || !terms.is_open || terms.unix < provider.warm_at {
            return;
        }
        if terms.unix >= after(provider.warm_at, terms.policy.window_secs) {
            provider.warm_at = after(terms.unix, terms.policy.warm_up_secs);
            return;
        }
        let joining = std::mem::take(&mut provider.warming);
        provider.warm_at = 0;
        provider.deposit = &provider.deposit + &Range::whole(joining);
        provider.base = provider.deposit.high();
        self.deposits += joining;
        self.largest = self.largest.max(self.deposits);
    }

    pub fn deposit(&mut self, account: &Pubkey, atoms: u64, terms: &Terms) {
        self.look(account, terms);
        let provider = self.provider(account);
        provider.warming += atoms;
        provider.warm_at = after(terms.unix, terms.policy.warm_up_secs);
    }

    /// Takes back all that is warming up.
    pub fn cancel(&mut self, account: &Pubkey, atoms: u64, terms: &Terms) -> Result<(), Wrong> {
        self.look(account, terms);
        let provider = self.provider(account);
        exactly("deposit taken back", provider.warming, atoms)?;
        (provider.warming, provider.warm_at) = (0, 0);
        Ok(())
    }

    pub fn request(&mut self, account: &Pubkey, atoms: u64, terms: &Terms) {
        self.look(account, terms);
        let provider = self.provider(account);
        provider.requested = atoms;
        provider.matures_at = after(terms.unix, terms.policy.cooldown_secs);
    }

    /// Takes what was requested, or what is left of it.
    pub fn withdraw(&mut self, account: &Pubkey, atoms: u64, terms: &Terms) -> Result<(), Wrong> {
        self.sync(account, terms);
        let provider = self.provider(account);
        if terms.unix < provider.matures_at || terms.unix >= after(provider.matures_at, terms.policy.window_secs) {
            return Err(format!("a withdrawal that matures at {} is taken", provider.matures_at));
        }
        let due = provider.deposit.min(&Range::whole(provider.requested));
        expect("withdrawal from the pool", &due, atoms)?;
        provider.deposit = (&provider.deposit - &Range::whole(atoms)).positive();
        provider.base = provider.deposit.high();
        (provider.requested, provider.matures_at) = (0, 0);
        self.deposits = self.deposits.checked_sub(atoms).ok_or("the pool gives more than it has")?;
        self.look(account, terms);
        Ok(())
    }

    /// Takes all that was gained of one collateral.
    pub fn claim(&mut self, account: &Pubkey, collateral: &Pubkey, atoms: u64, terms: &Terms) -> Result<(), Wrong> {
        self.look(account, terms);
        let provider = self.provider(account);
        let kept = provider.gains.remove(collateral).unwrap_or_default().kept;
        expect("gain taken", &kept, atoms)?;
        let held = self.held.entry(*collateral).or_default();
        *held = held.checked_sub(atoms).ok_or("more gain is taken than is held")?;
        Ok(())
    }

    /// All that is warming up.
    pub fn warming(&self) -> u64 {
        self.providers.values().map(|provider| provider.warming).sum()
    }
}
