//! A mail server that speaks SMTP as others do, refuses what it is told to refuse, and keeps what it takes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A mail as it was taken.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Whom to.
    pub to: String,
    /// Head and body as sent.
    pub raw: String,
}

impl Taken {
    /// A line of the head, decoded.
    pub fn head(&self, name: &str) -> String {
        let head = self.raw.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap_or_default().to_owned();
        // Between two encoded words a blank does not count.
        let (line, mut out) = (line.replace("?= =?", "?==?"), String::new());
        let mut rest = line.as_str();
        while let Some((before, word)) = rest.split_once("=?") {
            let mut parts = word.splitn(3, '?');
            let (_, how, after) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
            let (text, left) = after.split_once("?=").unwrap();
            let bytes = if how.eq_ignore_ascii_case("b") { STANDARD.decode(text).unwrap() } else { unquoted(&text.replace('_', " ")) };
            out.push_str(before);
            out.push_str(&String::from_utf8(bytes).unwrap());
            rest = left;
        }
        out + rest
    }

    /// What it says.
    pub fn text(&self) -> String {
        let body = self.raw.split_once("\r\n\r\n").unwrap().1;
        let bytes = match self.head("Content-Transfer-Encoding").as_str() {
            "base64" => STANDARD.decode(body.split_whitespace().collect::<String>()).unwrap(),
            "quoted-printable" => unquoted(&body.replace("=\r\n", "")),
            _ => body.as_bytes().to_vec(),
        };
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    }
}

fn unquoted(text: &str) -> Vec<u8> {
    let (mut bytes, mut out) = (text.bytes(), Vec::new());
    while let Some(byte) = bytes.next() {
        if byte == b'=' {
            let pair = [bytes.next().unwrap(), bytes.next().unwrap()];
            out.push(u8::from_str_radix(std::str::from_utf8(&pair).unwrap(), 16).unwrap());
        } else {
            out.push(byte);
        }
    }
    out
}

#[derive(Default)]
struct Kept {
    taken: Vec<Taken>,
    /// What the next mails are answered with in the place of "taken".
    refusals: VecDeque<&'static str>,
}

/// The server. Dropping it leaves it to the end of the test.
#[derive(Clone)]
pub struct MailServer {
    pub port: u16,
    kept: Arc<Mutex<Kept>>,
}

impl MailServer {
    /// In clear, and asking nobody who they are.
    pub async fn start() -> Self {
        Self::start_with(None, None).await
    }

    /// Encrypted from the first byte; `password` is asked for.
    pub async fn start_with(tls: Option<ServerConfig>, password: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), kept: Arc::default() };
        let kept = server.kept.clone();
        let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        actix_web::rt::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, acceptor) = (kept.clone(), acceptor.clone());
                actix_web::rt::spawn(async move {
                    match acceptor {
                        // Whoever does not trust the certificate hangs up.
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => talk(stream, &kept, password).await,
                            Err(_) => Some(()),
                        },
                        None => talk::<TcpStream>(stream, &kept, password).await,
                    }
                });
            }
        });
        server
    }

    /// What it took so far.
    pub fn taken(&self) -> Vec<Taken> {
        self.kept.lock().unwrap().taken.clone()
    }

    /// Refuses nothing any more.
    pub fn clear(&self) {
        self.kept.lock().unwrap().refusals.clear();
    }

    /// The next mail is answered so.
    pub fn refuse(&self, answer: &'static str) {
        self.kept.lock().unwrap().refusals.push_back(answer);
    }
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(stream: S, kept: &Mutex<Kept>, password: Option<&str>) -> Option<()> {
    let (reader, mut writer) = tokio::io::split(stream);
    let mut lines = BufReader::new(reader).lines();
    let mut say = async |text: &str| writer.write_all(format!("{text}\r\n").as_bytes()).await.ok();
    say("220 mail.test ready").await?;
    let mut to = String::new();
    while let Some(line) = lines.next_line().await.ok()? {
        let word = line.split([' ', ':']).next().unwrap().to_uppercase();
        match word.as_str() {
            "EHLO" if password.is_some() => say("250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN").await?,
            "EHLO" => say("250-mail.test\r\n250 8BITMIME").await?,
            "AUTH" => {
                let given = STANDARD.decode(line.rsplit(' ').next().unwrap()).unwrap_or_default();
                let right = given.rsplit(|byte| *byte == 0).next() == password.map(str::as_bytes);
                say(if right { "235 welcome" } else { "535 5.7.8 wrong user name or password" }).await?;
            }
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap().to_owned();
                say(if to.starts_with("nobody@") { "550 5.1.1 no such mailbox" } else { "250 ok" }).await?;
            }
            "DATA" => {
                say("354 go on").await?;
                let mut raw = String::new();
                while let Some(line) = lines.next_line().await.ok()?.filter(|line| line != ".") {
                    raw.push_str(line.strip_prefix('.').unwrap_or(&line));
                    raw.push_str("\r\n");
                }
                let refusal = kept.lock().unwrap().refusals.pop_front();
                if refusal.is_none() {
                    kept.lock().unwrap().taken.push(Taken { to: to.clone(), raw });
                }
                say(refusal.unwrap_or("250 taken")).await?;
            }
            "QUIT" => {
                say("221 bye").await?;
                return Some(());
            }
            _ => say("250 ok").await?,
        }
    }
    Some(())
}
