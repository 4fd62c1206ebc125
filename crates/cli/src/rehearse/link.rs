//! A line between a keeper and its endpoint that can be cut: every connection drops, and no new one comes through.

use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context, Result};

#[derive(Default)]
struct State {
    /// Host and port of the endpoint; none while the line is cut.
    upstream: Option<String>,
    /// Both ends of every connection.
    open: Vec<TcpStream>,
    /// Connections that came through since the line was mended last.
    through: usize,
}

/// The line, on a port of its own; it lives as long as this process.
pub struct Link {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Link {
    /// A line to the endpoint of a URL.
    pub fn to(url: &str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("a free port for a line")?;
        let link = Self { port: listener.local_addr()?.port(), state: Arc::default() };
        link.mend(url)?;
        let state = link.state.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(std::result::Result::ok) {
                // What cannot be connected is dropped, as on a line that is cut.
                let _ = join(&state, client);
            }
        });
        Ok(link)
    }

    /// Its address under a scheme, as `http`.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Drops every connection; none comes through until it is mended. Returns how many there were.
    pub fn cut(&self) -> usize {
        let mut state = locked(&self.state);
        state.upstream = None;
        let open = std::mem::take(&mut state.open);
        // One that is closed already is no longer there to be dropped. Of one that is, dropping the first end may close the
        // second before its turn.
        open.chunks(2).filter(|ends| ends.iter().filter(|end| end.shutdown(Shutdown::Both).is_ok()).count() > 0).count()
    }

    /// Lets connections through to the endpoint of a URL.
    pub fn mend(&self, url: &str) -> Result<()> {
        let host = url.split("://").nth(1).with_context(|| format!("expected an address, found {url}"))?;
        let mut state = locked(&self.state);
        (state.upstream, state.through) = (Some(host.trim_end_matches('/').to_owned()), 0);
        Ok(())
    }

    /// Connections that came through since it was mended.
    pub fn through(&self) -> usize {
        locked(&self.state).through
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Joins a connection to one of the endpoint's.
fn join(shared: &Mutex<State>, client: TcpStream) -> Result<()> {
    let mut state = locked(shared);
    let upstream = state.upstream.clone().context("the line is cut")?;
    let server = TcpStream::connect(upstream)?;
    for end in [&client, &server] {
        end.set_nodelay(true)?;
        state.open.push(end.try_clone()?);
    }
    state.through += 1;
    for (mut from, mut to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
        thread::spawn(move || {
            // However it ends, the other side is told.
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn what_is_said_comes_through_until_the_line_is_cut_and_again_when_it_is_mended() {
        let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let url = format!("http://{}", echo.local_addr().expect("an address"));
        thread::spawn(move || {
            for mut stream in echo.incoming().flatten() {
                thread::spawn(move || {
                    let mut other = stream.try_clone().expect("a clone");
                    let _ = std::io::copy(&mut stream, &mut other);
                });
            }
        });
        let link = Link::to(&url).expect("a line");
        let connect = || TcpStream::connect(("127.0.0.1", link.port)).expect("a connection");
        let says = |stream: &mut TcpStream| -> std::io::Result<u8> {
            stream.write_all(&[7])?;
            let mut byte = [0];
            stream.read_exact(&mut byte).map(|()| byte[0])
        };
        let mut before = connect();
        assert_eq!(says(&mut before).expect("an answer"), 7);
        assert_eq!(link.cut(), 1);
        assert!(says(&mut before).is_err(), "the connection is gone");
        assert!(says(&mut connect()).is_err(), "and no new one comes through");
        link.mend(&url).expect("an address");
        assert_eq!(says(&mut connect()).expect("an answer"), 7);
        assert_eq!(link.through(), 1);
    }
}
