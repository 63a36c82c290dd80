//! A first TCP connection to a source, because only our own connection says plainly why there is none.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;

use super::SourceError;
use crate::camera::StateReason;

/// Connects to the first of `addresses` that answers.
///
/// # Errors
/// [`StateReason::Refused`], [`StateReason::NoRoute`] or [`StateReason::Timeout`], as the last address failed.
pub async fn dial(addresses: &[SocketAddr], limit: Duration) -> Result<TcpStream, SourceError> {
    let mut error = SourceError::new(StateReason::NoRoute, "the host has no address");
    for &address in addresses {
        error = match tokio::time::timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => SourceError::new(reason_of(error.kind()), format!("{address}: {error}")),
            Err(_) => SourceError::new(StateReason::Timeout, format!("{address} does not answer")),
        };
    }
    Err(error)
}

/// The reason that a failed connection stands for.
#[must_use]
pub fn reason_of(kind: ErrorKind) -> StateReason {
    match kind {
        ErrorKind::ConnectionRefused => StateReason::Refused,
        ErrorKind::TimedOut => StateReason::Timeout,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => StateReason::Closed,
        _ => StateReason::NoRoute,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_closed_port_refuses_and_a_second_address_is_tried() {
        let open = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (open_at, closed_at) = (open.local_addr().expect("bound"), closed.local_addr().expect("bound"));
        drop(closed);
        let limit = Duration::from_secs(5);
        assert_eq!(dial(&[closed_at], limit).await.expect_err("closed").reason, StateReason::Refused);
        assert!(dial(&[closed_at, open_at], limit).await.is_ok());
        assert_eq!(dial(&[], limit).await.expect_err("none").reason, StateReason::NoRoute);
    }
}
