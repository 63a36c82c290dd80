//! Robots of chat groups: WeCom (企业微信) and DingTalk (钉钉). Each event is one message in words.
//!
//! Both take a POST of JSON at the robot's own address and answer 200 with an `errcode`, which is 0 where the message was taken. DingTalk
//! has a secret beside the address, by which each request is signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use url::Url;

use super::{Failed, Refusal, of_request};
use crate::App;
use crate::domain::notice_words::{line, path};
use crate::domain::telling::Language;

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 10_000;

/// A kind of robot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Robot {
    /// 企业微信群机器人
    Wecom,
    /// 钉钉群机器人
    DingTalk,
}

impl Robot {
    /// Of the stored word; `None` for events by their names.
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "wecom" => Some(Self::Wecom),
            "dingtalk" => Some(Self::DingTalk),
            _ => None,
        }
    }

    /// What a robot is to say of an event: a title, and a text with a link.
    pub fn message(self, base: &str, event: &Value) -> Value {
        let about = if event["incident"].is_object() { &event["incident"] } else { &event["alert"] };
        let kind = match event["event"].as_str() {
            Some("alert.overdue") => "overdue",
            Some("alert.unproven") => "alert_unproven",
            Some("incident.reported") => "incident_reported",
            _ => "alert_raised",
        };
        let title = line(kind, about, Language::Chinese);
        let mut detail = about.clone();
        let named = if kind == "incident_reported" { "incident_id" } else { "alert_id" };
        detail[named] = about["id"].clone();
        let page = path(kind, about["id"].as_str(), &detail);
        let text = if base.is_empty() { title.clone() } else { format!("{title}\n\n[查看]({base}{page})") };
        match self {
            Self::Wecom => json!({"msgtype": "markdown", "markdown": {"content": text}}),
            Self::DingTalk => json!({"msgtype": "markdown", "markdown": {"title": title, "text": text}}),
        }
    }

    /// The address of a request now: DingTalk's carries time and signature.
    pub fn signed(self, url: &Url, secret: &[u8], now_ms: i64) -> Url {
        let mut url = url.clone();
        if self == Self::DingTalk && !secret.is_empty() {
            url.query_pairs_mut().append_pair("timestamp", &now_ms.to_string()).append_pair("sign", &signature(secret, now_ms));
        }
        url
    }
}

/// Base64 of HMAC-SHA256 of `MILLISECONDS\nSECRET` with the secret.
fn signature(secret: &[u8], now_ms: i64) -> String {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(now_ms.to_string().as_bytes());
    mac.update(b"\n");
    mac.update(secret);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Lets a robot say something.
pub(crate) async fn say(app: &App, robot: Robot, url: &Url, secret: &[u8], event: &str) -> Result<u16, Failed> {
    let event: Value = serde_json::from_str(event).map_err(|error| Failed::of(Refusal::Gone, error.to_string()))?;
    let client = app.webhook_policy.client(url).await.map_err(|error| Failed::of(Refusal::Address, error.to_string()))?;
    let request = client.post(robot.signed(url, secret, app.clock.wall_ms())).json(&robot.message(&app.url, &event));
    let mut response = request.send().await.map_err(|error| of_request(&error))?;
    let status = response.status().as_u16();
    if !response.status().is_success() {
        return Err(Failed::of(Refusal::Refused, format!("answered {status}")));
    }
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| of_request(&error))? {
        answer.extend_from_slice(&chunk);
        if answer.len() >= ANSWER_BYTES_MAX {
            break;
        }
    }
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    match answer["errcode"].as_i64() {
        Some(0) => Ok(status),
        Some(code) => Err(Failed::of(Refusal::Refused, format!("{code}: {}", answer["errmsg"].as_str().unwrap_or_default()))),
        None => Err(Failed::of(Refusal::Refused, "the answer is none of a robot's")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_hmac_of_time_and_secret() {
        // What `printf '1700000000000\nSEC1' | openssl dgst -sha256 -hmac SEC1 -binary | base64` says.
        assert_eq!(signature(b"SEC1", 1_700_000_000_000), "ukR4+WoOOBTGaOauYqugxVrMSFyr92q4hPxJxuOkiio=");
        let url: Url = "https://robot.example/send?access_token=x".parse().unwrap();
        let signed = Robot::DingTalk.signed(&url, b"SEC1", 1_700_000_000_000);
        let sign = signed.query_pairs().find(|(name, _)| name == "sign").unwrap().1.into_owned();
        assert_eq!(sign, signature(b"SEC1", 1_700_000_000_000), "written for an address");
        assert!(signed.query().unwrap().starts_with("access_token=x&timestamp=1700000000000&sign="));
        assert_eq!(Robot::Wecom.signed(&url, b"", 1), url);
    }

    #[test]
    fn a_group_reads_what_happened_and_where_to_look() {
        let event = json!({"event": "alert.told", "alert": {"id": "a1", "kind": "rodent", "class": 1, "premises_name": "东岸小学食堂", "camera_name": "库房"}});
        let said = Robot::Wecom.message("https://kitchen.test", &event);
        let text = "新预警，一类，鼠患，东岸小学食堂，库房\n\n[查看](https://kitchen.test/alerts/a1)";
        assert_eq!(said, json!({"msgtype": "markdown", "markdown": {"content": text}}));
        let event = json!({"event": "incident.reported", "incident": {"id": "i1", "premises_name": "东岸小学食堂"}});
        let said = Robot::DingTalk.message("", &event);
        assert_eq!(said["markdown"], json!({"title": "疑似食物中毒，东岸小学食堂", "text": "疑似食物中毒，东岸小学食堂"}));
    }
}
