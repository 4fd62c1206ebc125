//! Keeps an aggregator's samples fresh, no faster than it lets.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::jupiter::Jupiter;

/// A keeper that begins waits no longer than this for its first samples.
const FIRST: Duration = Duration::from_secs(5);
/// Between two looks whether there is something to sample.
const IDLE: Duration = Duration::from_millis(100);

/// Samples from a thread of its own, until nobody else holds the client.
pub(super) fn start(client: &Arc<Jupiter>) {
    let (client, pause) = (Arc::downgrade(client), pause(client));
    thread::spawn(move || {
        while let Some(took) = step(&client) {
            thread::sleep(if took { pause } else { IDLE });
        }
    });
}

/// Between two samples.
fn pause(client: &Jupiter) -> Duration {
    Duration::from_millis(60_000 / client.settings().samples_per_minute.max(1))
}

/// Takes a sample where one is due. None where nobody else holds the client.
fn step(client: &Weak<Jupiter>) -> Option<bool> {
    let client = client.upgrade()?;
    let Some(wanted) = client.next_sample(Instant::now()) else { return Some(false) };
    if let Err(error) = client.sample(&wanted) {
        tracing::warn!(sold = %wanted.mints.0, bought = %wanted.mints.1, %error, "no sample of the venue");
    }
    Some(true)
}

/// Takes the first samples at once.
pub(super) fn fill(client: &Jupiter) {
    let until = Instant::now() + FIRST;
    while let Some(wanted) = client.next_sample(Instant::now()).filter(|_| Instant::now() < until) {
        if let Err(error) = client.sample(&wanted) {
            tracing::warn!(sold = %wanted.mints.0, bought = %wanted.mints.1, %error, "no first sample of the venue");
            return;
        }
        thread::sleep(IDLE);
    }
}
