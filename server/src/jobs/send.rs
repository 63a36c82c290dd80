//! Sends notices out: mail, text messages and pushes, tried again with growing pauses, always under the same message id.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use serde_json::json;
use tracing::{info, warn};

use super::back_off_ms;
use crate::App;
use crate::channels::mail::{self, Mail};
use crate::channels::{Failed, Refusal, push, sms};
use crate::domain::notice_words::{line, local, path};
use crate::domain::telling::{Channel, Language, Preferences, Topic};
use crate::store::deliveries::{self, Sending};
use crate::store::{StoreError, notice_ways};

/// Messages under way at once.
const CONCURRENT_MAX: usize = 8;
/// Nobody else tries a message that was taken for this long; longer than any try may take.
const LEASE_MS: i64 = 120_000;
const RETRY_FIRST_MS: i64 = 5_000;
const RETRY_MOST_MS: i64 = 3_600_000;
/// Tries before a message is given up: with the pauses above a little over a day.
const ATTEMPTS_MAX: i64 = 34;
/// Characters that a locked screen shows of one message.
const PUSHED_CHARS_MAX: usize = 300;
/// Lines of one message; the console has the others.
const LINES_MAX: usize = 50;

/// Sends what is due now; how many messages were tried.
pub(super) async fn round(app: &App) -> Result<usize, StoreError> {
    let now_ms = app.clock.wall_ms();
    if deliveries::next_at(&mut app.db.read().await?.conn()).await?.is_none_or(|next| next > now_ms) {
        return Ok(0);
    }
    let limit = i64::try_from(CONCURRENT_MAX).unwrap_or(1);
    let taken = app
        .db
        .write_apart(move |tx| {
            Box::pin(async move {
                deliveries::gather(tx, now_ms).await?;
                deliveries::claim(tx, now_ms, LEASE_MS, limit).await
            })
        })
        .await?;
    let mut messages: BTreeMap<String, Vec<Sending>> = BTreeMap::new();
    for row in taken {
        messages.entry(row.message_id.clone()).or_default().push(row);
    }
    let count = messages.len();
    let mut tries = futures::stream::iter(messages.into_values().map(|rows| one(app.clone(), rows))).buffer_unordered(CONCURRENT_MAX);
    while let Some(ended) = tries.next().await {
        ended?;
    }
    Ok(count)
}

async fn one(app: App, rows: Vec<Sending>) -> Result<(), StoreError> {
    let Some(first) = rows.first() else { return Ok(()) };
    let (id, channel, attempts) = (first.message_id.clone(), first.channel.clone(), first.attempts);
    let sent = send(&app, first, &rows).await;
    let now_ms = app.clock.wall_ms();
    match sent {
        Ok(()) => {
            info!(channel, id, attempts, notices = rows.len(), "notice sent");
            app.db.write_apart(move |tx| Box::pin(async move { deliveries::sent(tx, &id, now_ms).await })).await
        }
        Err(failed) => {
            let again = attempts < ATTEMPTS_MAX && failed.refusal != Refusal::Gone;
            let next_at = again.then(|| now_ms + back_off_ms(attempts, RETRY_FIRST_MS, RETRY_MOST_MS));
            warn!(channel, id, attempts, error = failed.detail, given_up = next_at.is_none(), "notice not sent");
            // A push service that knows a browser no more will not know it again.
            let gone = (channel == Channel::Push.as_str() && failed.refusal == Refusal::Gone).then(|| first.address.clone());
            let user = first.user_id.clone();
            app.db
                .write_apart(move |tx| {
                    Box::pin(async move {
                        if let Some(subscription) = gone {
                            notice_ways::unsubscribe(tx, &user, &subscription).await?;
                        }
                        deliveries::not_sent(tx, &id, &failed.detail, next_at, now_ms).await
                    })
                })
                .await
        }
    }
}

async fn send(app: &App, first: &Sending, rows: &[Sending]) -> Result<(), Failed> {
    if first.is_disabled {
        return Err(Failed::of(Refusal::Gone, "the account has ended"));
    }
    let chosen: Preferences = serde_json::from_str(&first.preferences).unwrap_or_default();
    let language = chosen.language;
    match Channel::named(&first.channel) {
        Some(Channel::Mail) => {
            let text = mail_text(app, rows, language);
            let subject = subject(rows, language);
            mail::send(app, &Mail { id: &first.message_id, to: &first.address, subject: &subject, text: &text }).await
        }
        Some(Channel::Sms) => sms::send(app, &first.message_id, &first.address, &subject(rows, language)).await,
        Some(Channel::Push) => wake(app, first, rows, language).await,
        None => Err(Failed::of(Refusal::Gone, "no way is called so")),
    }
}

/// What a browser shows on a locked screen, with the page that it leads to and what it proves by that it came.
async fn wake(app: &App, first: &Sending, rows: &[Sending], language: Language) -> Result<(), Failed> {
    let urgent = rows.iter().any(|row| Topic::of(&row.kind, &detail(row)).breaks_quiet());
    let text: String = match rows {
        [only] => says(only, language),
        _ => subject(rows, language),
    };
    let payload = json!({
        "id": first.message_id, "proof": push::proof(&app.sealer, &first.message_id), "title": language.of("明厨", "Bright Kitchen"),
        "text": text.chars().take(PUSHED_CHARS_MAX).collect::<String>(), "urgent": urgent,
        "path": if let [only] = rows { page(only) } else { "/notices".to_owned() },
    });
    push::send(app, &first.message_id, &first.address, urgent, &payload).await
}

fn says(row: &Sending, language: Language) -> String {
    line(&row.kind, &detail(row), language)
}

fn detail(row: &Sending) -> serde_json::Value {
    serde_json::from_str(&row.detail).unwrap_or_default()
}

/// What one says of itself, or how many there are.
fn subject(rows: &[Sending], language: Language) -> String {
    let product = language.of("明厨", "Bright Kitchen");
    match rows {
        [only] => format!("{product}{}{}", language.of("：", ": "), says(only, language)),
        _ => language.of("明厨：{} 条通知", "Bright Kitchen: {} notices").replace("{}", &rows.len().to_string()),
    }
}

/// Each notice with its time and the address of its page.
fn mail_text(app: &App, rows: &[Sending], language: Language) -> String {
    let mut text = String::new();
    for row in rows.iter().take(LINES_MAX) {
        text.push_str(&format!("{}  {}\n", local(row.told_at), says(row, language)));
        if !app.url.is_empty() {
            text.push_str(&format!("{}\n", link(app, row)));
        }
        text.push('\n');
    }
    if rows.len() > LINES_MAX {
        let more = (rows.len() - LINES_MAX).to_string();
        text.push_str(&language.of("另有 {} 条，请在系统中查看。", "{} more are in the console.").replace("{}", &more));
        text.push_str("\n\n");
    }
    text.push_str(language.of("收到哪些通知、何时收到，可在“我的账户”中设置。", "What comes, and when, you choose under “My account”."));
    text.push('\n');
    text
}

fn link(app: &App, row: &Sending) -> String {
    format!("{}{}", app.url, page(row))
}

/// The page that a notice is about; whoever opens it has read the notice.
fn page(row: &Sending) -> String {
    format!("{}?notice={}", path(&row.kind, row.work_id.as_deref(), &detail(row)), row.notice_id)
}
