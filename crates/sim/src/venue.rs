//! The market in which seized collateral is sold, and debt is bought: depth that shrinks with volatility, a price that gives
//! way to what is traded, and that comes back as others refill it.
//!
//! Outside the protocol, and so a model in floats: nothing of it decides what the program does. With X what was sold and has
//! not been absorbed yet, a sale of q brings `p * (F(X + q) - F(X))`, `F(u) = u/(1 + a*sqrt(u/L) + u/L)`: the engine's curve,
//! with the market's own depth. Buying is its mirror, `G(u) = u*(1 + a*sqrt(u/L) + u/L)`. Spot is the slope.

/// How a token's market behaves.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VenueTerms {
    /// Depth on a calm day, as a part of the depth that the reserve was configured with.
    pub depth_ratio: f64,
    /// Time in which half of what was sold is absorbed, about, seconds.
    pub refill_secs: f64,
    /// Part of a sale's impact that never comes back.
    pub permanent: f64,
    /// A unit of account: neither sold nor bought, always worth its price.
    pub is_cash: bool,
}

impl Default for VenueTerms {
    fn default() -> Self {
        Self { depth_ratio: 1.0, refill_secs: 1_800.0, permanent: 0.0, is_cash: false }
    }
}

/// A token's market now.
#[derive(Clone, Debug)]
pub struct Venue {
    terms: VenueTerms,
    /// Atoms of a whole token.
    unit: f64,
    depth: f64,
    depth_floor: f64,
    sigma_ref: f64,
    half_spread: f64,
    impact: f64,
    /// Price without forced sales, USD for a whole token.
    fundamental: f64,
    /// What permanent impact has left of it.
    scar: f64,
    /// Daily volatility.
    sigma: f64,
    /// What part of the depth a scenario leaves.
    thin: f64,
    /// Sold and not absorbed, whole tokens; bought where below zero.
    stock: f64,
}

impl Venue {
    /// The market of a token, in the shape of its reserve's risk terms.
    pub fn new(
        terms: VenueTerms,
        risk: &plimsoll_engine::state::RiskTerms,
        decimals: u8,
        price: f64,
        sigma: f64,
    ) -> Self {
        let unit = 10f64.powi(i32::from(decimals));
        let depth = risk.depth_atoms as f64 / unit * terms.depth_ratio;
        Self {
            terms,
            unit,
            depth,
            depth_floor: (risk.depth_floor_atoms as f64 / unit).min(depth),
            sigma_ref: risk.sigma_ref_bps as f64 / 1e4,
            half_spread: risk.spread_bps as f64 / 2e4,
            impact: risk.impact_sqrt_bps as f64 / 1e4,
            fundamental: price,
            scar: 1.0,
            sigma,
            thin: 1.0,
            stock: 0.0,
        }
    }

    /// Time goes on: others absorb what was sold, the price moves, the depth follows volatility.
    pub fn go_on(&mut self, secs: f64, fundamental: f64, sigma: f64, thin: f64) {
        self.stock *= self.terms.refill_secs / (self.terms.refill_secs + secs);
        self.fundamental = fundamental;
        self.sigma = sigma;
        self.thin = thin;
    }

    /// Depth now, whole tokens.
    pub fn depth(&self) -> f64 {
        let calm = (self.sigma_ref / self.sigma.max(1e-9)).min(1.0);
        // What a scenario leaves is all that is left, whatever volatility would have left.
        (self.depth * calm).max(self.depth_floor).min(self.depth * self.thin).max(1e-9)
    }

    fn price(&self) -> f64 {
        self.fundamental * self.scar
    }

    /// What the first u of a sale bring at a price of one; below zero what is paid for buying as much.
    fn brought(&self, u: f64) -> f64 {
        let x = u.abs() / self.depth();
        let shape = 1.0 + self.impact * x.sqrt() + x;
        if u >= 0.0 {
            u / shape
        } else {
            u * shape
        }
    }

    /// Spot as a part of the price without trades.
    fn slope(&self, u: f64) -> f64 {
        let x = u.abs() / self.depth();
        let root = self.impact * x.sqrt();
        if u >= 0.0 {
            (1.0 + root / 2.0) / (1.0 + root + x).powi(2)
        } else {
            1.0 + 1.5 * root + 2.0 * x
        }
    }

    /// Spot, USD for a whole token.
    pub fn spot(&self) -> f64 {
        if self.terms.is_cash {
            return self.fundamental;
        }
        self.price() * self.slope(self.stock)
    }

    /// How far spot lies below the price without trades, as a part of it; below zero where it lies above.
    pub fn dislocation(&self) -> f64 {
        if self.terms.is_cash {
            return 0.0;
        }
        1.0 - self.scar * self.slope(self.stock)
    }

    /// Atoms at spot, USD: more than a sale brings and less than a purchase costs.
    pub fn at_spot(&self, atoms: u64) -> f64 {
        atoms as f64 / self.unit * self.spot()
    }

    /// What a sale of atoms would bring, USD.
    pub fn quote_sale(&self, atoms: u64) -> f64 {
        let tokens = atoms as f64 / self.unit;
        if self.terms.is_cash {
            return tokens * self.fundamental;
        }
        let brought = self.brought(self.stock + tokens) - self.brought(self.stock);
        brought * self.price() * (1.0 - self.half_spread)
    }

    /// What atoms would cost, USD.
    pub fn quote_purchase(&self, atoms: u64) -> f64 {
        let tokens = atoms as f64 / self.unit;
        if self.terms.is_cash {
            return tokens * self.fundamental;
        }
        let paid = self.brought(self.stock) - self.brought(self.stock - tokens);
        paid * self.price() * (1.0 + self.half_spread)
    }

    /// Sells atoms. Returns what they brought, USD.
    pub fn sell(&mut self, atoms: u64) -> f64 {
        let brought = self.quote_sale(atoms);
        self.trade(atoms as f64 / self.unit);
        brought
    }

    /// Buys atoms. Returns what they cost, USD.
    pub fn buy(&mut self, atoms: u64) -> f64 {
        let paid = self.quote_purchase(atoms);
        self.trade(-(atoms as f64) / self.unit);
        paid
    }

    fn trade(&mut self, sold: f64) {
        if self.terms.is_cash {
            return;
        }
        let before = self.slope(self.stock);
        self.stock += sold;
        self.scar *= 1.0 + self.terms.permanent * (self.slope(self.stock) / before - 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn venue() -> Venue {
        let risk = crate::terms::volatile(9, 100.0).risk;
        let terms = VenueTerms { permanent: 0.25, ..VenueTerms::default() };
        Venue::new(terms, &risk, 9, 100.0, 0.03)
    }

    #[test]
    fn a_sale_in_slices_brings_what_one_brings_and_never_more_than_spot() {
        let (mut whole, mut sliced) = (venue(), venue());
        (whole.terms.permanent, sliced.terms.permanent) = (0.0, 0.0);
        let atoms = 10_000_000_000_000;
        let at_spot = atoms as f64 / 1e9 * whole.spot();
        let brought = whole.sell(atoms);
        let pieces: f64 = (0..10).map(|_| sliced.sell(atoms / 10)).sum();
        assert!((brought - pieces).abs() < 1e-6 * brought, "{brought} at once, {pieces} in slices");
        assert!(brought < at_spot && whole.spot() < 100.0);
    }

    #[test]
    fn what_was_sold_is_absorbed_but_for_the_permanent_part() {
        let mut market = venue();
        market.sell(30_000_000_000_000);
        let fallen = market.spot();
        (0..1_000).for_each(|_| market.go_on(1_800.0, 100.0, 0.03, 1.0));
        let refilled = market.spot();
        assert!(fallen < refilled && refilled < 100.0, "{fallen}, then {refilled}");
        let kept = (100.0 - refilled) / (100.0 - fallen);
        assert!((0.2..0.3).contains(&kept), "a quarter stays, got {kept}");
    }

    #[test]
    fn buying_back_what_was_sold_costs_more_than_it_brought() {
        let mut market = venue();
        market.terms.permanent = 0.0;
        let brought = market.sell(5_000_000_000_000);
        let paid = market.buy(5_000_000_000_000);
        assert!(paid > brought && (market.spot() - 100.0).abs() < 1e-9);
        market.buy(5_000_000_000_000);
        assert!(market.spot() > 100.0, "buying more raises it");
    }
}
