//! `/healthz` and `/metrics`.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{anyhow, Context, Result};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tiny_http::{Response, Server};

use crate::meters;

/// Upper bounds of the buckets of latencies, seconds.
const LATENCY_SECS: [f64; 10] = [0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 15.0, 30.0, 60.0];

/// When the keeper last heard of its market.
#[derive(Debug, Default)]
pub struct Pulse(AtomicI64);

impl Pulse {
    /// It heard now.
    pub fn beat(&self) {
        self.0.store(unix_ms(), Ordering::Relaxed);
    }

    /// Milliseconds since; none before the first time.
    pub fn age_ms(&self) -> Option<i64> {
        let at = self.0.load(Ordering::Relaxed);
        (at != 0).then(|| unix_ms().saturating_sub(at))
    }
}

/// Unix time, milliseconds.
pub fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Collects metrics from here on.
///
/// # Errors
/// Where something else collects them already.
pub fn collect() -> Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(
            metrics_exporter_prometheus::Matcher::Full("keeper_trigger_latency_seconds".to_owned()),
            &LATENCY_SECS,
        )
        .map_err(|error| anyhow!("metrics: {error}"))?
        .install_recorder()
        .map_err(|error| anyhow!("metrics: {error}"))?;
    meters::begin();
    Ok(handle)
}

/// Serves both pages from a thread of its own. Healthy: heard of the market within `silence_ms`. Returns the address it
/// listens at.
///
/// # Errors
/// Where the address is taken.
pub fn serve(listen: SocketAddr, metrics: PrometheusHandle, pulse: Arc<Pulse>, silence_ms: i64) -> Result<SocketAddr> {
    let server = Server::http(listen).map_err(|error| anyhow!("listening at {listen}: {error}"))?;
    let address = server.server_addr().to_ip().context("an address of this machine")?;
    thread::spawn(move || {
        for request in server.incoming_requests() {
            let (code, text) = match request.url() {
                "/healthz" => match pulse.age_ms() {
                    Some(age_ms) if age_ms <= silence_ms => (200, format!("ok: heard of the market {age_ms} ms ago\n")),
                    Some(age_ms) => {
                        (503, format!("silent: heard of the market {age_ms} ms ago, expected {silence_ms}\n"))
                    }
                    None => (503, "starting: has not heard of the market yet\n".to_owned()),
                },
                "/metrics" => (200, metrics.render()),
                _ => (404, "there are /healthz and /metrics\n".to_owned()),
            };
            // Who went away needs no answer.
            let _ = request.respond(Response::from_string(text).with_status_code(code));
        }
    });
    Ok(address)
}
