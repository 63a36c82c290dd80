//! Delivers the outbox to webhooks: signed, tried again with growing pauses, always under the same event id. A robot of a chat group
//! says it in words.

use futures::StreamExt as _;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use tracing::{info, warn};

use super::back_off_ms;
use crate::App;
use crate::channels::robot::{self, Robot};
use crate::http::webhook_purpose;
use crate::outward::Policy;
use crate::store::StoreError;
use crate::store::webhooks::{self, Delivery};

/// Carries `t=SECONDS,v1=HEX`.
pub const SIGNATURE_HEADER: &str = "bright-kitchen-signature";
/// Deliveries under way at once.
const CONCURRENT_MAX: usize = 8;
/// Nobody else tries a delivery that was taken for this long; longer than any try may take.
const LEASE_MS: i64 = 60_000;
const RETRY_FIRST_MS: i64 = 1_000;
const RETRY_MOST_MS: i64 = 3_600_000;
/// Tries before an event is given up: with the pauses above a little over a day.
const ATTEMPTS_MAX: i64 = 36;

/// Delivers what is due now; how many were tried.
pub(super) async fn round(app: &App) -> Result<usize, StoreError> {
    let now_ms = app.clock.wall_ms();
    if webhooks::next_at(&mut app.db.read().await?.conn()).await?.is_none_or(|next| next > now_ms) {
        return Ok(0);
    }
    let limit = i64::try_from(CONCURRENT_MAX).unwrap_or(1);
    let taken = app.db.write_apart(move |tx| Box::pin(async move { webhooks::claim(tx, now_ms, LEASE_MS, limit).await })).await?;
    let count = taken.len();
    let mut tries = futures::stream::iter(taken.into_iter().map(|delivery| one(app.clone(), delivery))).buffer_unordered(CONCURRENT_MAX);
    while let Some(ended) = tries.next().await {
        ended?;
    }
    Ok(count)
}

async fn one(app: App, delivery: Delivery) -> Result<(), StoreError> {
    let sent = send(&app, &delivery).await;
    let (id, attempts, now_ms) = (delivery.id, delivery.attempts, app.clock.wall_ms());
    match sent {
        Ok(status) if (200..300).contains(&status) => {
            info!(event = delivery.event, id, attempts, "webhook delivered");
            app.db.write_apart(move |tx| Box::pin(async move { webhooks::delivered(tx, &id, i64::from(status), now_ms).await })).await
        }
        other => {
            let (status, error) = match other {
                Ok(status) => (Some(i64::from(status)), format!("answered {status}")),
                Err(error) => (None, error),
            };
            let next_at = (attempts < ATTEMPTS_MAX).then(|| now_ms + back_off_ms(attempts, RETRY_FIRST_MS, RETRY_MOST_MS));
            warn!(event = delivery.event, id, attempts, error, given_up = next_at.is_none(), "webhook not delivered");
            app.db
                .write_apart(move |tx| Box::pin(async move { webhooks::not_delivered(tx, &id, status, &error, next_at, now_ms).await }))
                .await
        }
    }
}

async fn send(app: &App, delivery: &Delivery) -> Result<u16, String> {
    let url = Policy::parse(&delivery.url).map_err(|error| error.to_string())?;
    let secret =
        app.sealer.open_sealed(&webhook_purpose(&delivery.webhook_id), &delivery.secret_sealed).map_err(|error| error.to_string())?;
    if let Some(robot) = Robot::named(&delivery.format) {
        return robot::say(app, robot, &url, &secret, &delivery.body).await.map_err(|failed| failed.detail);
    }
    let client = app.webhook_policy.client(&url).await.map_err(|error| error.to_string())?;
    let at_s = app.clock.wall_ms() / 1_000;
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header("user-agent", concat!("bright-kitchen/", env!("CARGO_PKG_VERSION")))
        .header("bright-kitchen-event-id", &delivery.id)
        .header("bright-kitchen-event", &delivery.event)
        .header(SIGNATURE_HEADER, format!("t={at_s},v1={}", signature(&secret, at_s, &delivery.body)))
        .body(delivery.body.clone());
    // What the receiver says beside the status is not read.
    request.send().await.map(|response| response.status().as_u16()).map_err(|error| plain(&error))
}

/// HMAC-SHA256 of `SECONDS.BODY`, hex: what a receiver compares with.
pub fn signature(secret: &[u8], at_s: i64, body: &str) -> String {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(format!("{at_s}.{body}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// Without the address, which may hold a token.
fn plain(error: &reqwest::Error) -> String {
    let text = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the request failed"
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::signature;

    #[test]
    fn the_signature_is_the_plain_hmac_of_time_and_body() {
        // What `openssl dgst -sha256 -hmac whsec_test` says of the same bytes.
        let expected = "38877139021993b830af32feea6e18a8da83eb2f6e49ee50bd9e4cf4ca4d3789";
        assert_eq!(signature(b"whsec_test", 1_700_000_000, r#"{"a":1}"#), expected);
    }
}
