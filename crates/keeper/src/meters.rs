//! The metrics a keeper has: what `/metrics` can say. A test demands that the code counts nothing else, and that alerts,
//! dashboard and guide ask for nothing else.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram};

use crate::act::OUTCOMES;
use crate::decide::WHATS;

/// How a metric counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Into buckets.
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    /// Name.
    pub name: &'static str,
    /// How it counts.
    pub kind: Kind,
    /// What.
    pub help: &'static str,
}

const fn meter(name: &'static str, kind: Kind, help: &'static str) -> Meter {
    Meter { name, kind, help }
}

/// All of them.
pub const METERS: [Meter; 13] = [
    meter("keeper_actions_total", Kind::Counter, "Attempts, by what was done and what came of it"),
    meter("keeper_positions", Kind::Gauge, "Positions in memory"),
    meter("keeper_positions_due", Kind::Gauge, "Positions about which there is something to do"),
    meter("keeper_positions_near", Kind::Gauge, "Positions near enough to a threshold to be looked at"),
    meter("keeper_realised_profit_usd", Kind::Gauge, "What was earned since the start, fees paid"),
    meter("keeper_reserves", Kind::Gauge, "Reserves in memory"),
    meter("keeper_rpc_errors_total", Kind::Counter, "Calls that an endpoint did not answer, by call"),
    meter(
        "keeper_skipped_total",
        Kind::Counter,
        "What was left alone, by what could have been done and why it was not",
    ),
    meter("keeper_slot", Kind::Gauge, "The newest slot seen"),
    meter("keeper_sol_price_fallback", Kind::Gauge, "1 while the price of SOL is the file's, not the account's"),
    meter("keeper_trigger_latency_seconds", Kind::Histogram, "From the publish time of the price to the landing"),
    meter("keeper_venue_requests_total", Kind::Counter, "Questions to the venue, by call and what came of it"),
    meter("keeper_websocket_up", Kind::Gauge, "1 while the websocket brings changes, 0 while it is down"),
];

/// Describes all of them, and begins the attempts at zero: of a counter that appears with its first attempt nobody sees that
/// it grew.
pub fn begin() {
    for Meter { name, kind, help } in METERS {
        match kind {
            Kind::Counter => describe_counter!(name, help),
            Kind::Gauge => describe_gauge!(name, help),
            Kind::Histogram => describe_histogram!(name, help),
        }
    }
    for what in WHATS {
        for outcome in OUTCOMES {
            counter!("keeper_actions_total", "what" => what, "outcome" => outcome).absolute(0);
        }
    }
}
