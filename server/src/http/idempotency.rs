//! Requests that may come twice: a lost answer is asked for again with the same `Idempotency-Key`.
//!
//! What was answered is kept in the transaction of the act, for seven days; one that comes while the first is under way waits for
//! its answer. The same key with another request is a conflict.

use actix_web::{HttpRequest, HttpResponse};
use futures::future::BoxFuture;
use mobile_api::problem::ProblemType;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::Problem;
use crate::auth::Session;
use crate::store::{Db, Tx, logins};

/// Characters of a key.
const KEY_CHARS_MAX: usize = 128;

/// An answer that was given, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status
    pub status: u16,
    /// JSON
    pub body: String,
}

impl Answer {
    /// `value` as JSON.
    pub fn json(status: u16, value: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(value).map_err(|error| Problem::from(crate::store::StoreError::damaged(error)))?;
        Ok(Self { status, body })
    }
}

impl From<Answer> for HttpResponse {
    fn from(answer: Answer) -> Self {
        let status = actix_web::http::StatusCode::from_u16(answer.status).unwrap_or(actix_web::http::StatusCode::OK);
        Self::build(status).content_type("application/json").body(answer.body)
    }
}

/// A request, by its key where it has one.
#[derive(Debug, Clone)]
pub struct Repeatable {
    user_id: String,
    key: Option<String>,
    request_hash: String,
}

impl Repeatable {
    /// Reads the key; a request without one is never known again.
    pub fn of(request: &HttpRequest, session: &Session, body: &[u8]) -> Result<Self, Problem> {
        let key = match request.headers().get("idempotency-key") {
            None => None,
            Some(value) => {
                let key = value.to_str().unwrap_or_default().trim();
                if key.is_empty() || key.len() > KEY_CHARS_MAX {
                    return Err(
                        Problem::of(ProblemType::Malformed).because(format!("Idempotency-Key is 1 to {KEY_CHARS_MAX} visible characters"))
                    );
                }
                Some(key.to_owned())
            }
        };
        let mut hash = Sha256::new();
        for part in [request.method().as_str().as_bytes(), b"\n", request.path().as_bytes(), b"\n", body] {
            hash.update(part);
        }
        Ok(Self { user_id: session.user_id.to_string(), key, request_hash: hex::encode(hash.finalize()) })
    }

    /// What was answered to it before. Where nothing was, the key is this request's from here on: the same again waits.
    pub async fn answered(&self, tx: &mut Tx<'_>, at: i64) -> Result<Option<Answer>, Problem> {
        let Some(key) = &self.key else { return Ok(None) };
        if logins::claim_key(tx, &self.user_id, key, &self.request_hash, at).await? {
            return Ok(None);
        }
        match logins::idempotent_answer(tx, &self.user_id, key).await? {
            // Swept away at this moment: as old as that, it is another request.
            None => Ok(None),
            Some((hash, status, body)) if hash == self.request_hash => {
                Ok(Some(Answer { status: u16::try_from(status).unwrap_or(200), body }))
            }
            Some(_) => Err(Problem::of(ProblemType::Conflict).because("this Idempotency-Key was used for another request")),
        }
    }

    /// Does the act once: the answer it gives is kept in its transaction, and the same again gets that answer.
    pub async fn once<F>(self, db: &Db, at: i64, act: F) -> Result<HttpResponse, Problem>
    where
        F: for<'a, 't> FnOnce(&'a mut Tx<'t>) -> BoxFuture<'a, Result<Answer, Problem>> + Send + 'static,
    {
        let answer = db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(answer) = self.answered(tx, at).await? {
                        return Ok(answer);
                    }
                    let answer = act(tx).await?;
                    self.keep(tx, &answer).await?;
                    Ok::<_, Problem>(answer)
                })
            })
            .await?;
        Ok(answer.into())
    }

    /// Keeps the answer with the act.
    pub async fn keep(&self, tx: &mut Tx<'_>, answer: &Answer) -> Result<(), Problem> {
        if let Some(key) = &self.key {
            logins::keep_answer(tx, &self.user_id, key, i64::from(answer.status), &answer.body).await?;
        }
        Ok(())
    }
}
