//! Kind `product_sum`: a backstop pool with one collateral.

use anyhow::{Context, Result};
use bytemuck::Zeroable;
use num_bigint::BigInt;
use num_rational::BigRational;
use plimsoll_engine::backstop::sums::PRODUCT_ONE;
use plimsoll_engine::fixed::Word128;
use plimsoll_engine::state::{BackstopPolicy, BackstopProviderState, BackstopState};
use plimsoll_engine::Now;

use super::decimal;
use super::fields::Fields;
use super::judged::Judged;
use super::kinds::refused;

/// Atoms of a whole token, of either kind: nine decimals, so that dust is far below the least tolerance.
const ATOMS: u64 = 1_000_000_000;

/// Warming and cooling take no time here: the kind has no clock.
const AT_ONCE: BackstopPolicy = BackstopPolicy {
    trigger_health_bps: 0,
    trigger_secs: 0,
    tip_share_bps: 0,
    warm_up_secs: 0,
    cooldown_secs: 0,
    window_secs: 1,
    reserved: [0; 2],
};
const NOW: Now = Now { unix: 1_000_000_000, slot: 1_000 };

/// Most providers of a case: more is a typing error.
const PROVIDERS_MAX: u64 = 10_000;

/// Plays the events on a pool and compares what every provider has at the end.
pub fn judge(case: &mut Judged) -> Result<()> {
    let count = case.input.integer("providers")?;
    if count > PROVIDERS_MAX {
        return Err(case.input.wrong("providers", &format!("at most {PROVIDERS_MAX}")));
    }
    let mut pool = BackstopState { product: Word128::new(PRODUCT_ONE), policy: AT_ONCE, ..BackstopState::zeroed() };
    pool.opt_in(&[1; 32], u64::MAX, &Zeroable::zeroed(), &NOW).map_err(|error| refused("opt_in", error))?;
    let mut providers = vec![BackstopProviderState::zeroed(); usize::try_from(count)?];
    for event in case.input.objects("events")? {
        play(&mut pool, &mut providers, &event)?;
    }
    let deposits: Vec<_> = providers.iter().map(|provider| tokens(pool.deposit_of(provider))).collect();
    let gains: Vec<_> = providers.iter().map(|provider| tokens(pool.gain_of(provider, 0))).collect();
    case.reals("deposits", &deposits)?;
    case.reals("gains", &gains)
}

fn play(pool: &mut BackstopState, providers: &mut [BackstopProviderState], event: &Fields) -> Result<()> {
    let verb = event.names().next().with_context(|| format!("{} names no event", event.place()))?.as_str();
    let fields = event.object(verb)?;
    match verb {
        "deposit" => {
            let (who, atoms) = (provider(providers, &fields)?, atoms(&fields, "amount")?);
            pool.deposit(who, atoms, &NOW).map_err(|error| refused(fields.place(), error))?;
            pool.join(who, &NOW).map(|_| ()).map_err(|error| refused(fields.place(), error))
        }
        "withdraw" => {
            let (who, atoms) = (provider(providers, &fields)?, atoms(&fields, "amount")?);
            pool.request_withdrawal(who, atoms, &NOW).map_err(|error| refused(fields.place(), error))?;
            pool.withdraw(who, &NOW).map(|_| ()).map_err(|error| refused(fields.place(), error))
        }
        "offset" => {
            let (debt, collateral) = (atoms(&fields, "debt")?, atoms(&fields, "collateral")?);
            pool.offset(0, debt, collateral).map_err(|error| refused(fields.place(), error))
        }
        _ => Err(anyhow::anyhow!("{} should be a deposit, a withdraw or an offset", event.place())),
    }
}

fn provider<'a>(providers: &'a mut [BackstopProviderState], fields: &Fields) -> Result<&'a mut BackstopProviderState> {
    let who = usize::try_from(fields.integer("who")?)?;
    providers.get_mut(who).ok_or_else(|| fields.wrong("who", "one of the providers"))
}

fn atoms(fields: &Fields, name: &str) -> Result<u64> {
    let number = fields.number(name)? * BigRational::from_integer(BigInt::from(ATOMS));
    decimal::whole_of(&number).ok_or_else(|| fields.wrong(name, "an amount of tokens with at most nine decimals"))
}

fn tokens(atoms: u64) -> BigRational {
    BigRational::new(BigInt::from(atoms), BigInt::from(ATOMS))
}
