//! A network as a basement has it: a proxy that cuts requests and answers anywhere, falls silent, delays, doubles, and delivers
//! late what the sender has long sent again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Client;

/// The longest request that is read, bytes.
const REQUEST_BYTES_MAX: usize = 4 << 20;
/// Requests that are kept for a second delivery.
const KEPT_MAX: usize = 4_000;

/// What befalls one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Nothing,
    /// So many bytes of it arrive, then the connection ends.
    Cut(usize),
    /// So many bytes of it arrive, and the server hears nothing more, not even an end.
    Silent(usize),
    /// It arrives, and so many bytes of the answer come back.
    CutAnswer(usize),
    Delayed(Duration),
    /// It arrives twice at once.
    Doubled,
    /// The sender is cut off; it arrives later.
    Late(Duration),
}

impl Fault {
    /// Any of them, half of the time none.
    fn any(rng: &mut ChaCha8Rng, length: usize) -> Self {
        match rng.random_range(0..14) {
            0 | 1 => Self::Cut(rng.random_range(0..length)),
            2 => Self::Silent(rng.random_range(0..length)),
            3 | 4 => Self::CutAnswer(rng.random_range(0..400)),
            5 => Self::Delayed(Duration::from_millis(rng.random_range(0..60))),
            6 => Self::Doubled,
            7 => Self::Late(Duration::from_millis(rng.random_range(1..400))),
            _ => Self::Nothing,
        }
    }
}

type Choose = dyn Fn(usize) -> Fault + Send + Sync;

/// The proxy. It ends with this.
pub struct Network {
    address: String,
    shared: Arc<Shared>,
    accepting: tokio::task::JoinHandle<()>,
}

struct Shared {
    target: String,
    /// Given a request's length, what befalls it.
    choose: Box<Choose>,
    /// Whole requests as they were sent.
    kept: Mutex<Vec<Vec<u8>>>,
    late: Mutex<JoinSet<()>>,
    /// Connections on which the server hears nothing more.
    silent: Mutex<Vec<TcpStream>>,
}

impl Network {
    /// Before the server of `client`; `choose` says what befalls a request of so many bytes.
    pub async fn before(client: &Client, choose: impl Fn(usize) -> Fault + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let target = client.base.trim_start_matches("http://").to_owned();
        let shared =
            Arc::new(Shared { target, choose: Box::new(choose), kept: Mutex::default(), late: Mutex::default(), silent: Mutex::default() });
        let accepted = shared.clone();
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let shared = accepted.clone();
                connections.spawn(async move {
                    // A connection that breaks is what this is for.
                    let _broken = shared.carry(stream).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, shared, accepting }
    }

    /// The same with any fault at random, reproducibly but for the order in which requests come.
    pub async fn bad(client: &Client, seed: u64) -> Self {
        let rng = Mutex::new(ChaCha8Rng::seed_from_u64(seed));
        Self::before(client, move |length| Fault::any(&mut rng.lock().unwrap(), length)).await
    }

    /// Somebody behind it. A connection a request, so that each has a fate of its own.
    pub fn client(&self, client: &Client) -> Client {
        let mut headers = reqwest::header::HeaderMap::new();
        headers.insert("connection", reqwest::header::HeaderValue::from_static("close"));
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).default_headers(headers).timeout(Duration::from_secs(20));
        Client { base: self.address.clone(), http: http.build().unwrap(), ..client.clone() }
    }

    /// Waits for what is late, then delivers everything that was ever sent once more, the newest first. Gives how many.
    pub async fn deliver_again(&self) -> usize {
        let mut late = std::mem::take(&mut *self.shared.late.lock().unwrap());
        while late.join_next().await.is_some() {}
        self.shared.silent.lock().unwrap().clear();
        let kept = std::mem::take(&mut *self.shared.kept.lock().unwrap());
        let count = kept.len();
        let mut running = JoinSet::new();
        for request in kept.into_iter().rev() {
            while running.len() >= 8 {
                running.join_next().await;
            }
            let shared = self.shared.clone();
            running.spawn(async move { shared.deliver(&request).await.map(|_| ()) });
        }
        while running.join_next().await.is_some() {}
        count
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    async fn carry(self: Arc<Self>, mut sender: TcpStream) -> std::io::Result<()> {
        let Some(request) = whole_request(&mut sender).await? else { return Ok(()) };
        let fault = (self.choose)(request.len());
        {
            let mut kept = self.kept.lock().unwrap();
            if kept.len() < KEPT_MAX {
                kept.push(request.clone());
            }
        }
        match fault {
            Fault::Nothing => answer(&mut sender, &self.deliver(&request).await?).await,
            Fault::Delayed(pause) => {
                tokio::time::sleep(pause).await;
                answer(&mut sender, &self.deliver(&request).await?).await
            }
            Fault::Cut(bytes) => {
                let mut server = TcpStream::connect(&self.target).await?;
                server.write_all(&request[..bytes.min(request.len() - 1)]).await
            }
            Fault::Silent(bytes) => {
                let mut server = TcpStream::connect(&self.target).await?;
                server.write_all(&request[..bytes.min(request.len() - 1)]).await?;
                self.silent.lock().unwrap().push(server);
                Ok(())
            }
            Fault::CutAnswer(bytes) => {
                let all = self.deliver(&request).await?;
                answer(&mut sender, &all[..bytes.min(all.len().saturating_sub(1))]).await
            }
            Fault::Doubled => {
                let (one, two) = tokio::join!(self.deliver(&request), self.deliver(&request));
                answer(&mut sender, &one.or(two)?).await
            }
            Fault::Late(pause) => {
                let shared = self.clone();
                self.late.lock().unwrap().spawn(async move {
                    tokio::time::sleep(pause).await;
                    let _answered = shared.deliver(&request).await;
                });
                Ok(())
            }
        }
    }

    /// Sends a request whole and gives the whole answer.
    async fn deliver(&self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(&self.target).await?;
        server.write_all(request).await?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).await?;
        Ok(answer)
    }
}

async fn answer(sender: &mut TcpStream, answer: &[u8]) -> std::io::Result<()> {
    sender.write_all(answer).await?;
    sender.shutdown().await
}

/// One request with its body; `None` where the sender went before.
async fn whole_request(sender: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut request = Vec::new();
    let mut wanted = None;
    loop {
        if wanted.is_none()
            && let Some(head) = request.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
            let body = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
            wanted = Some(head + 4 + body.unwrap_or(0));
        }
        if wanted.is_some_and(|wanted| request.len() >= wanted) {
            return Ok(Some(request));
        }
        assert!(request.len() < REQUEST_BYTES_MAX, "a request without an end");
        if sender.read_buf(&mut request).await? == 0 {
            return Ok(None);
        }
    }
}
