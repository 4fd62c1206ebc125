//! Recovery claims: losses that are paid back later, among lenders whose shares change (protocol, section 5.5).

use anyhow::{bail, Result};
use bytemuck::Zeroable;
use num_bigint::BigInt;
use num_rational::BigRational;
use plimsoll_engine::claims::CLAIM_BITS;
use plimsoll_engine::fixed::Word128;
use plimsoll_engine::state::{ClaimAccumulators, LenderState};

use super::fields::Fields;
use super::judged::Judged;

/// A token of a case has so many decimals here.
const DECIMALS: u32 = 9;
/// Shares of an atom, as in a new reserve.
const SHARE_SHIFT: u32 = 20;

/// Plays the events, in order, with the calls that the program makes.
pub fn judge(case: &mut Judged) -> Result<()> {
    let input = &case.input;
    let mut claims = ClaimAccumulators::NONE;
    let mut lender = LenderState::zeroed();
    lender.follow(&claims);
    let mut lenders = vec![lender; usize::try_from(input.integer("lenders")?)?];
    for event in input.objects("events")? {
        if event.has("shares") {
            let change = event.object("shares")?;
            let shares = u128::from(atoms(&change, "amount")?) << SHARE_SHIFT;
            let who = usize::try_from(change.integer("who")?)?;
            let lender = lenders.get_mut(who).ok_or_else(|| change.wrong("who", "the place of a lender"))?;
            lender.sync(&claims);
            lender.shares = Word128::new(shares);
        } else if event.has("loss") {
            let all = lenders.iter().map(|lender| lender.shares.get()).sum();
            if !claims.book_loss(atoms(&event, "loss")?, all) {
                bail!("{}", event.wrong("loss", "a loss that somebody bears, within the range of claims"));
            }
        } else {
            let wanted = atoms(&event, "recovery")?;
            if claims.pay(wanted) != wanted {
                bail!("{}", event.wrong("recovery", "at most what is outstanding, leaving nothing or at least dust"));
            }
        }
    }
    let (mut outstanding, mut paid) = (Vec::new(), Vec::new());
    for lender in &lenders {
        let lender = lender.synced(&claims);
        outstanding.push(tokens(lender.claim.get()));
        paid.push(tokens((u128::from(lender.recovered_atoms) << CLAIM_BITS) + u128::from(lender.recovered_rest)));
    }
    case.reals("outstanding", &outstanding)?;
    case.reals("paid", &paid)
}

fn atoms(fields: &Fields, name: &str) -> Result<u64> {
    let atoms = fields.decimal(name)?.number_at(-DECIMALS.cast_signed());
    atoms.ok_or_else(|| fields.wrong(name, "an amount of at most 9 decimals, below 1.8e10"))
}

/// Tokens, of a claim's fractions of an atom.
fn tokens(claim: u128) -> BigRational {
    BigRational::new(BigInt::from(claim), BigInt::from(10).pow(DECIMALS) << CLAIM_BITS)
}
