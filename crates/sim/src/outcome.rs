//! What a run came to.

/// Sums of a run, USD unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Sums {
    /// Debt repaid by liquidators and the backstop.
    pub repaid: f64,
    /// Collateral seized for it, at the oracle's price.
    pub seized: f64,
    /// The same at the price the market had without forced sales.
    pub seized_at_market: f64,
    /// Fees to insurance.
    pub fees: f64,
    /// Liquidators' profit, after what their sales did to the price.
    pub liquidator_profit: f64,
    /// Spent by the backstop.
    pub absorbed: f64,
    /// Debt written off.
    pub written_off: f64,
    /// Of it paid by insurance.
    pub insured: f64,
    /// Of it borne by lenders.
    pub haircut: f64,
    /// Debt of positions that are worth less than it at the end, beyond what they are worth, at market prices.
    pub uncovered: f64,
    /// Repaid by borrowers who answered.
    pub answered: f64,
    /// Sold on the market.
    pub sold: f64,
    /// What forced trades moved the price by at the worst moment, as a part of it, of the worst token.
    pub impact_max: f64,
    /// Largest debt of unhealthy positions at one time.
    pub unhealthy_max: f64,
    /// Liquidations, number.
    pub liquidations: u64,
    /// Positions that were liquidated at least once, number.
    pub liquidated_positions: u64,
    /// Purchases by the backstop, number.
    pub absorptions: u64,
    /// Defaults marked, number.
    pub marks: u64,
    /// Positions written off, number.
    pub settlements: u64,
    /// Providers of the backstop: what they hold in collateral at market prices, less what was spent.
    pub backstop_result: f64,
}

impl Sums {
    /// Debt nobody will pay: written off, or not covered at the end.
    pub fn bad_debt(&self) -> f64 {
        self.written_off + self.uncovered
    }

    /// What borrowers lost by being liquidated: collateral taken beyond what was repaid, at market prices.
    pub fn borrower_loss(&self) -> f64 {
        self.seized_at_market - self.repaid
    }
}

/// The market at the end of a step.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Moment {
    /// Seconds of the run.
    pub secs: u64,
    /// Market price without forced sales, by token, USD.
    pub fundamental: Vec<f64>,
    /// Market price, by token, USD.
    pub spot: Vec<f64>,
    /// The oracle's price, by token, USD.
    pub oracle: Vec<f64>,
    /// Unhealthy positions, number.
    pub unhealthy: u64,
    /// Their debt, USD.
    pub unhealthy_debt: f64,
    /// Sums up to here.
    pub sums: Sums,
}
