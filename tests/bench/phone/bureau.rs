//! The real program with officers, a checklist and places to inspect.

use std::time::{Duration, Instant};

use e2e::{Client, PASSWORD, Program};
use mobile_api::template::TemplateBody;
use serde_json::json;

use super::http::{self, Line};
use super::made::{Frame, Made, Photo, checklist};

/// What an administrator gives; it is changed at once.
const GIVEN: &str = "given-by-the-administrator-1";

/// A running program and who works with it.
pub(crate) struct Bureau {
    pub(crate) program: Program,
    pub(crate) root: Client,
    pub(crate) office: String,
    pub(crate) premises: Vec<String>,
    pub(crate) template_id: String,
    pub(crate) template: TemplateBody,
    pub(crate) officers: Vec<Officer>,
}

/// One of those who inspect.
pub(crate) struct Officer {
    pub(crate) id: String,
    /// `Bearer …`.
    pub(crate) token: String,
    pub(crate) name: String,
}

impl Bureau {
    /// Starts on an empty folder with so many officers and places, on SQLite or the database named.
    pub(crate) async fn start(database_url: Option<String>, officers: usize, premises: usize) -> Self {
        let program = Program::start(database_url, &[("TRUSTED_PROXIES", "127.0.0.1/32")]).await;
        let root = program.sign_in("root").await;
        let (office, first) = root.plant().await;
        let mut places = vec![first];
        for number in 1..premises {
            let place = json!({"name": format!("第{number}小学食堂"), "kind": "school_canteen", "organization_id": office, "address": format!("明湖区东岸路{number}号"),
                "risk_grade": "B", "diners": 300});
            places.push(root.made("/premises", &place).await);
        }
        let draft = root.post("/template-drafts", &json!({"file": checklist()})).await.1;
        let path = format!("/template-drafts/{}/publish", draft["id"].as_str().unwrap());
        let (status, template) = root.post(&path, &json!({"version": draft["version"]})).await;
        assert_eq!(status, 201, "{template}");
        let template_id = template["id"].as_str().unwrap().to_owned();
        let (_, template) = root.get(&format!("/templates/{template_id}")).await;
        let template = serde_json::from_value(template["body"].clone()).unwrap();
        let mut bureau = Self { program, root, office, premises: places, template_id, template, officers: Vec::new() };
        for number in 0..officers {
            let name = format!("officer-{number}");
            let grants = json!([{"role": "officer", "node_id": bureau.office}]);
            let person = json!({"username": name, "display_name": name, "password": GIVEN, "grants": grants});
            let id = bureau.root.made("/users", &person).await;
            let token = bureau.sign_in(number, &name, GIVEN).await;
            let chosen = json!({"current_password": GIVEN, "new_password": PASSWORD});
            let mut line = Line::open(&bureau.program.address).await;
            let tokens = line.send(&http::json("POST", "/api/v1/auth/password", Some(&token), &chosen)).await.expect("a password");
            bureau.officers.push(Officer { id, token: bearer(&tokens.json()), name });
        }
        bureau
    }

    /// Each from an address of its own, as a proxy tells it: one address signs in so often and no more.
    async fn sign_in(&self, number: usize, name: &str, password: &str) -> String {
        let from = format!("10.0.{}.{}", number / 250, number % 250 + 1);
        let headers = [("content-type", "application/json"), ("x-forwarded-for", from.as_str())];
        let body = json!({"username": name, "password": password}).to_string();
        let request = http::request("POST", "/api/v1/auth/login", None, &headers, body.as_bytes());
        bearer(&Line::open(&self.program.address).await.send(&request).await.expect("a login").json())
    }

    /// Signs everybody in again: a login lasts a quarter of an hour.
    pub(crate) async fn renew(&mut self) {
        self.root = self.program.sign_in("root").await;
        for number in 0..self.officers.len() {
            self.officers[number].token = self.sign_in(number, &self.officers[number].name, PASSWORD).await;
        }
    }

    /// An inspection of an officer with some photos.
    pub(crate) fn made(&self, officer: usize, photos: &[Photo]) -> Made {
        let place = usize::try_from(uuid::Uuid::now_v7().as_u128() % self.premises.len() as u128).unwrap();
        self.made_at(officer, &self.premises[place], photos)
    }

    /// The same at a place.
    pub(crate) fn made_at(&self, officer: usize, premises_id: &str, photos: &[Photo]) -> Made {
        let officer = &self.officers[officer % self.officers.len()];
        let frame =
            Frame { premises_id, template_id: &self.template_id, template: &self.template, officer_id: &officer.id, token: &officer.token };
        Made::new(&frame, photos)
    }

    /// Memory that the program holds now, bytes.
    pub(crate) fn memory_bytes(&self) -> u64 {
        crate::usage::pss_bytes(self.program.id()).unwrap_or(0)
    }
}

fn bearer(tokens: &serde_json::Value) -> String {
    format!("Bearer {}", tokens["access_token"].as_str().unwrap_or_else(|| panic!("a token in {tokens}")))
}

/// How many pieces of work of each client were done within a window, a second. Each piece is requests one after the other; all must
/// be accepted. What is left over when the window ends is not sent.
pub(crate) async fn rate(address: &str, work: Vec<Vec<Vec<Vec<u8>>>>, window: Duration) -> f64 {
    let began = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for pieces in work {
        let address = address.to_owned();
        running.spawn(async move {
            let mut line = Line::open(&address).await;
            let mut done = 0_usize;
            for requests in &pieces {
                if began.elapsed() >= window {
                    return (done, began.elapsed());
                }
                for request in requests {
                    let _accepted = line.send(request).await.expect("accepted");
                }
                done += 1;
            }
            (done, began.elapsed())
        });
    }
    let ended = running.join_all().await;
    let done: usize = ended.iter().map(|(done, _)| done).sum();
    let last = ended.iter().map(|(_, ended)| *ended).max().unwrap_or(window);
    done as f64 / last.as_secs_f64()
}
