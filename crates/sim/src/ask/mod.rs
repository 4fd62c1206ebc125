//! The questions, one each: what happens in a scenario, what a shock would do, how much debt goes bad, which parameters lose
//! least, how far it is to a cascade, how likely a position is liquidated.

pub mod bad_debt;
pub mod cascade;
pub mod frontier;
pub mod position;
pub mod run;
pub mod series;
pub mod shock;

/// The mean of the worst part of numbers in order, and the number it begins at: expected shortfall and quantile.
pub fn tail(ordered: &[f64], level: f64) -> (f64, f64) {
    let start = ((ordered.len() as f64 * level).ceil() as usize).clamp(1, ordered.len().max(1)) - 1;
    let worst = ordered.get(start..).unwrap_or(&[]);
    let quantile = worst.first().copied().unwrap_or(0.0);
    let mean = if worst.is_empty() { 0.0 } else { worst.iter().sum::<f64>() / worst.len() as f64 };
    (quantile, mean)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_tail_begins_at_its_quantile() {
        let numbers: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(super::tail(&numbers, 0.95), (95.0, 97.5));
        assert_eq!(super::tail(&numbers, 0.99), (99.0, 99.5));
        assert_eq!(super::tail(&[7.0], 0.99), (7.0, 7.0));
        assert_eq!(super::tail(&[], 0.99), (0.0, 0.0));
    }
}
