//! The second factor, the places where somebody is signed in, and consoles that do nothing.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use media::{Clock as _, SimulatedClock};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::auth::TotpSecret;

use crate::support::{Client, ENGINES, Engine, PASSWORD, TestApp};

/// 30 November 2026, 09:00 in Asia/Shanghai.
const MORNING_MS: i64 = 1_796_000_400_000;
/// One code to the next.
const STEP: Duration = Duration::from_secs(30);

struct World {
    app: TestApp,
    clock: Arc<SimulatedClock>,
}

impl World {
    async fn start(engine: Engine) -> Self {
        let clock = Arc::new(SimulatedClock::new(MORNING_MS));
        Self { app: TestApp::start_at(engine, clock.clone()).await, clock }
    }

    /// Turns the second factor of whoever is signed in on; gives the secret and the recovery codes.
    async fn turn_on(&self, client: &Client) -> (TotpSecret, Vec<String>) {
        let (status, begun) = client.post("/auth/second-factor", &json!({"current_password": PASSWORD})).await;
        assert_eq!(status, StatusCode::OK, "{begun}");
        assert!(begun["qr_svg"].as_str().unwrap().starts_with("<svg") && begun["address"].as_str().unwrap().starts_with("otpauth://totp/"));
        let secret = secret_of(begun["secret"].as_str().unwrap());
        let (status, wrong) = client.post("/auth/second-factor/confirm", &json!({"code": "12345"})).await;
        assert_eq!((status, &wrong["errors"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("/code")), "{wrong}");
        let code = secret.code_at(self.clock.wall_ms());
        let (status, on) = client.post("/auth/second-factor/confirm", &json!({"code": format!("{} {}", &code[..3], &code[3..])})).await;
        assert_eq!(status, StatusCode::OK, "{on}");
        (secret, texts(&on["recovery_codes"]))
    }

    /// The challenge that a right password leads to.
    async fn challenge(&self, username: &str) -> String {
        let (status, problem) = self.password(username).await;
        assert_eq!((status, problem["type"].as_str()), (StatusCode::UNAUTHORIZED, Some("code_required")), "{problem}");
        problem["challenge"].as_str().unwrap().to_owned()
    }

    async fn password(&self, username: &str) -> (StatusCode, Value) {
        self.app.nobody().post("/auth/login", &json!({"username": username, "password": PASSWORD})).await
    }

    async fn code(&self, challenge: &str, code: &str) -> (StatusCode, Value) {
        self.app.nobody().post("/auth/login/code", &json!({"challenge": challenge, "code": code})).await
    }

    fn client(&self, tokens: &Value) -> Client {
        let mut client = self.app.nobody();
        client.token = tokens["access_token"].as_str().map(str::to_owned);
        client.refresh_token = tokens["refresh_token"].as_str().map(str::to_owned);
        client
    }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// As an app reads what was typed: base32.
fn secret_of(text: &str) -> TotpSecret {
    let bits: Vec<u8> = text
        .bytes()
        .flat_map(|letter| {
            let value = if letter.is_ascii_digit() { letter - b'2' + 26 } else { letter - b'A' };
            (0..5).rev().map(move |place| value >> place & 1)
        })
        .collect();
    let bytes: Vec<u8> = bits.chunks_exact(8).map(|eight| eight.iter().fold(0, |byte, bit| byte << 1 | bit)).collect();
    TotpSecret::from_bytes(&bytes).unwrap()
}

#[actix_web::test]
async fn each_code_opens_the_door_once() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        world.app.add_person("wang", &[("administrator", &world.app.city)], false).await;
        let client = world.app.sign_in("wang").await;
        let off = json!({"on": false, "since": null, "recovery_codes_left": 0, "required": false});
        assert_eq!(client.get("/auth/second-factor").await, (StatusCode::OK, off));
        assert_eq!(client.post("/auth/second-factor/confirm", &json!({"code": "123456"})).await.0, StatusCode::CONFLICT);
        let (secret, recovery) = world.turn_on(&client).await;
        assert_eq!(recovery.len(), 10);

        // The code that turned it on is spent, and so is each other one when it was taken.
        let challenge = world.challenge("wang").await;
        let first = secret.code_at(world.clock.wall_ms());
        assert_eq!(world.code(&challenge, &first).await.1["type"], "wrong_code");
        world.clock.advance(STEP);
        let second = secret.code_at(world.clock.wall_ms());
        let (status, tokens) = world.code(&challenge, &second).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        assert_eq!(world.client(&tokens).get("/me").await.0, StatusCode::OK);
        assert_eq!(world.code(&challenge, &recovery[0]).await.1["type"], "unauthenticated", "a challenge is good once");
        let challenge = world.challenge("wang").await;
        assert_eq!(world.code(&challenge, &second).await.1["type"], "wrong_code", "taken before");

        // A phone that is a step ahead; one that is behind what was taken; one too far off.
        let now_ms = world.clock.wall_ms();
        assert_eq!(world.code(&challenge, &secret.code_at(now_ms + 60_000)).await.1["type"], "wrong_code");
        assert_eq!(world.code(&challenge, &secret.code_at(now_ms + 30_000)).await.0, StatusCode::OK);
        let challenge = world.challenge("wang").await;
        assert_eq!(world.code(&challenge, &secret.code_at(now_ms)).await.1["type"], "wrong_code");

        // A recovery code as people type it, once.
        let (status, tokens) = world.code(&challenge, &recovery[0].to_uppercase().replace('-', " ")).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        let client = world.client(&tokens);
        assert_eq!(client.get("/auth/second-factor").await.1["recovery_codes_left"], 9);
        let challenge = world.challenge("wang").await;
        assert_eq!(world.code(&challenge, &recovery[0]).await.1["type"], "wrong_code");
        let (status, made) = client.post("/auth/second-factor/recovery-codes", &json!({"current_password": PASSWORD})).await;
        assert_eq!(status, StatusCode::OK, "{made}");
        assert_eq!(world.code(&challenge, &recovery[1]).await.1["type"], "wrong_code", "those before are good for nothing");
        assert_eq!(world.code(&challenge, &texts(&made["recovery_codes"])[9]).await.0, StatusCode::OK);

        // A sign-in waits for five minutes.
        let challenge = world.challenge("wang").await;
        world.clock.advance(Duration::from_secs(301));
        assert_eq!(world.code(&challenge, &secret.code_at(world.clock.wall_ms())).await.1["type"], "unauthenticated");

        // Nothing of it stands in the log or the database as it is.
        let client = world.client(&tokens);
        let (_, log) = client.get("/audit?limit=200").await;
        let log = log.to_string();
        for secret in recovery.iter().chain([&first, &second, &secret.text()]) {
            assert!(!log.contains(&format!("\"{secret}\"")), "{secret} is in the log");
        }
        for action in ["second_factor_on", "recovery_codes", "login_failed"] {
            assert!(log.contains(&format!("\"{action}\"")), "{action}: {log}");
        }
        assert_eq!(
            client.post("/auth/second-factor/off", &json!({"current_password": "wrong-wrong"})).await.0,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        assert_eq!(client.post("/auth/second-factor/off", &json!({"current_password": PASSWORD})).await.0, StatusCode::NO_CONTENT);
        assert_eq!(client.post("/auth/second-factor/recovery-codes", &json!({"current_password": PASSWORD})).await.0, StatusCode::CONFLICT);
        assert_eq!(world.password("wang").await.0, StatusCode::OK);
    }
}

#[actix_web::test]
async fn wrong_codes_lock_the_name_as_wrong_passwords_do() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        world.app.add_person("wang", &[("officer", &world.app.office)], false).await;
        let (secret, recovery) = world.turn_on(&world.app.sign_in("wang").await).await;
        world.clock.advance(STEP);
        let (challenge, other) = (world.challenge("wang").await, world.challenge("wang").await);
        // A right password in between forgives nothing.
        let mut said = Vec::new();
        for _ in 0..2 {
            said.push(world.code(&challenge, "000000").await.1["type"].clone());
        }
        let (status, _) = world.app.nobody().post("/auth/login", &json!({"username": "wang", "password": "wrong-wrong"})).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        let third = world.challenge("wang").await;
        for challenge in [&third, &other] {
            said.push(world.code(challenge, "no-such-code").await.1["type"].clone());
        }
        assert_eq!(said, ["wrong_code", "wrong_code", "wrong_code", "locked"]);
        // Who is locked learns nothing: neither of the password, nor of the code.
        let right = secret.code_at(world.clock.wall_ms());
        for code in [&right, &recovery[0]] {
            assert_eq!(world.code(&challenge, code).await.1["type"], "locked");
        }
        for password in [PASSWORD, "wrong-wrong"] {
            let (status, problem) = world.app.nobody().post("/auth/login", &json!({"username": "wang", "password": password})).await;
            assert_eq!(
                (status, problem["type"].as_str(), &problem["challenge"]),
                (StatusCode::TOO_MANY_REQUESTS, Some("locked"), &json!(null))
            );
        }
        world.clock.advance(Duration::from_secs(61));
        let challenge = world.challenge("wang").await;
        assert_eq!(world.code(&challenge, &secret.code_at(world.clock.wall_ms())).await.0, StatusCode::OK);
        // Many guesses at the same moment are all counted.
        let challenge = world.challenge("wang").await;
        let guesses = (0..12).map(|number| {
            let (client, body) = (world.app.nobody(), json!({"challenge": challenge, "code": format!("00000{}", number % 10)}));
            async move { client.post("/auth/login/code", &body).await.1["type"].clone() }
        });
        let said = futures::future::join_all(guesses).await;
        let wrong = said.iter().filter(|said| **said == "wrong_code").count();
        assert_eq!((wrong, said.len()), (4, 12), "{said:?}");
    }
}

#[actix_web::test]
async fn a_role_may_ask_for_a_second_factor() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        world.app.add_person("root", &[("administrator", &world.app.city)], false).await;
        world.app.add_person("desk", &[("supervisor", &world.app.office)], false).await;
        let (root, desk) = (world.app.sign_in("root").await, world.app.sign_in("desk").await);
        let nothing = json!({"second_factor_roles": [], "idle_minutes": null, "may_change": true});
        assert_eq!(root.get("/settings/sign_in").await, (StatusCode::OK, nothing));
        for (asked, pointer) in [
            (json!({"second_factor_roles": ["emperor"], "idle_minutes": null}), "/second_factor_roles/0"),
            (json!({"second_factor_roles": [], "idle_minutes": 4}), "/idle_minutes"),
        ] {
            let (status, problem) = root.put("/settings/sign_in", &asked).await;
            assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(pointer)), "{problem}");
        }
        let asked = json!({"second_factor_roles": ["administrator", "supervisor"], "idle_minutes": null});
        assert_eq!(desk.put("/settings/sign_in", &asked).await.0, StatusCode::FORBIDDEN, "changed at the top");
        assert_eq!(root.put("/settings/sign_in", &asked).await.0, StatusCode::OK);
        for client in [&root, &desk] {
            let (status, problem) = client.get("/premises").await;
            assert_eq!((status, problem["type"].as_str()), (StatusCode::FORBIDDEN, Some("second_factor_required")));
            let (status, me) = client.get("/me").await;
            assert_eq!((status, &me["second_factor_required"]), (StatusCode::OK, &json!(true)));
            assert_eq!(client.get("/auth/second-factor").await.1["required"], true);
        }
        let officer = world.app.person("officer", &world.app.office).await;
        assert_eq!(officer.get("/premises").await.0, StatusCode::OK, "of an officer nobody asks it");
        world.turn_on(&root).await;
        let (_, recovery) = world.turn_on(&desk).await;
        assert_eq!(root.get("/premises").await.0, StatusCode::OK);
        assert_eq!(desk.get("/me").await.1["second_factor_required"], false);

        // A lost phone: an administrator takes it away, and the person is told.
        let people = root.get("/users?q=desk").await.1;
        let row = &people["items"][0];
        assert_eq!((row["username"].as_str(), &row["second_factor"]), (Some("desk"), &json!(true)));
        let path = format!("/users/{}/second-factor", row["id"].as_str().unwrap());
        let delete = async |client: &Client, path: &str| client.send(Method::DELETE, path, None).await.0;
        assert_eq!(delete(&officer, &path).await, StatusCode::FORBIDDEN);
        let own = format!("/users/{}/second-factor", root.get("/me").await.1["id"].as_str().unwrap());
        assert_eq!(delete(&root, &own).await, StatusCode::FORBIDDEN, "one's own is turned off with the password");
        let challenge = world.challenge("desk").await;
        assert_eq!(delete(&root, &path).await, StatusCode::NO_CONTENT);
        assert_eq!(delete(&root, &path).await, StatusCode::NO_CONTENT, "again");
        assert_eq!(world.code(&challenge, &recovery[0]).await.1["type"], "unauthenticated", "its recovery codes went too");
        assert_eq!(desk.get("/premises").await.1["type"], "second_factor_required");
        world.turn_on(&desk).await;
        let (_, notices) = desk.get("/notices?unread=true").await;
        assert_eq!((&notices["total"], &notices["items"][0]["kind"]), (&json!(1), &json!("second_factor_reset")), "{notices}");
        let (_, log) = root.get("/audit?action=second_factor_reset").await;
        assert_eq!(log["items"].as_array().unwrap().len(), 1, "{log}");
    }
}

#[actix_web::test]
async fn a_changed_password_and_a_renewed_login_go_on() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        world.app.add_person("wang", &[("officer", &world.app.office)], false).await;
        let client = world.app.sign_in("wang").await;
        let (secret, _) = world.turn_on(&client).await;
        let (status, tokens) = client.post("/auth/refresh", &json!({"refresh_token": client.refresh_token})).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        let waiting = world.challenge("wang").await;
        let body = json!({"current_password": PASSWORD, "new_password": "spring-river-lantern"});
        let (status, tokens) = world.client(&tokens).post("/auth/password", &body).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        assert_eq!(world.client(&tokens).get("/premises").await.0, StatusCode::OK);
        world.clock.advance(STEP);
        let code = secret.code_at(world.clock.wall_ms());
        assert_eq!(world.code(&waiting, &code).await.1["type"], "unauthenticated", "it knew the old password");
        let (status, problem) =
            world.app.nobody().post("/auth/login", &json!({"username": "wang", "password": "spring-river-lantern"})).await;
        assert_eq!((status, &problem["type"]), (StatusCode::UNAUTHORIZED, &json!("code_required")));
        assert_eq!(world.code(problem["challenge"].as_str().unwrap(), &code).await.0, StatusCode::OK);
    }
}

#[actix_web::test]
async fn people_see_where_they_are_signed_in_and_sign_out_there() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        let id = world.app.add_person("wang", &[("supervisor", &world.app.office)], false).await;
        let root = world.app.person("administrator", &world.app.city).await;
        let here = world.app.sign_in("wang").await;
        world.clock.advance(Duration::from_secs(60));
        let login = world
            .app
            .nobody()
            .request(Method::POST, "/auth/login", Some(&json!({"username": "wang", "password": PASSWORD, "device_id": "phone-1"})))
            .header("user-agent", "Mozilla/5.0 (Linux; Android 14) Chrome/131.0")
            .header("bright-kitchen-client", "phone/6")
            .send()
            .await
            .unwrap();
        let phone = world.client(&login.json::<Value>().await.unwrap());
        world.clock.advance(Duration::from_secs(60));
        let (status, list) = here.get("/auth/sessions").await;
        assert_eq!((status, list["items"].as_array().map(Vec::len)), (StatusCode::OK, Some(2)), "{list}");
        let (first, second) = (&list["items"][0], &list["items"][1]);
        assert_eq!((&first["current"], &first["client"], &first["ip"]), (&json!(true), &json!("console"), &json!("127.0.0.1")));
        assert_eq!((&second["current"], &second["client"]), (&json!(false), &json!("phone")));
        assert!(second["agent"].as_str().unwrap().contains("Android 14"));
        assert_ne!(first["since"], first["last_used_at"], "it was used just now");

        // What is open there ends with it.
        let stream = phone.request(Method::GET, "/events", None).send().await.unwrap();
        let mut body = Box::pin(stream.bytes_stream());
        let path = format!("/auth/sessions/{}", second["id"].as_str().unwrap());
        assert_eq!(root.send(Method::DELETE, &path, None).await.0, StatusCode::NOT_FOUND, "somebody else's");
        assert_eq!(here.send(Method::DELETE, &path, None).await.0, StatusCode::NO_CONTENT);
        assert_eq!(here.send(Method::DELETE, &path, None).await.0, StatusCode::NOT_FOUND);
        let mut heard = String::new();
        while let Some(Ok(chunk)) = tokio::time::timeout(Duration::from_secs(60), body.next()).await.expect("the stream ends") {
            heard.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        assert!(heard.contains("signed_out"), "{heard}");
        assert_eq!(phone.get("/me").await.0, StatusCode::UNAUTHORIZED);

        let (second, third) = (world.app.sign_in("wang").await, world.app.sign_in("wang").await);
        assert_eq!(second.send(Method::DELETE, "/auth/sessions", None).await.0, StatusCode::NO_CONTENT);
        assert_eq!((here.get("/me").await.0, third.get("/me").await.0), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
        assert_eq!(second.get("/auth/sessions").await.1["items"].as_array().unwrap().len(), 1);

        // Whoever manages all places of a person sees and ends theirs.
        let path = format!("/users/{id}/sessions");
        let elsewhere = world.app.person("administrator", &world.app.other_office).await;
        assert_eq!(elsewhere.get(&path).await.0, StatusCode::NOT_FOUND);
        assert_eq!(root.get(&path).await.1["items"][0]["current"], false);
        assert_eq!(root.send(Method::DELETE, &path, None).await.0, StatusCode::NO_CONTENT);
        assert_eq!(second.get("/me").await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(root.get(&path).await.1["items"], json!([]));
        let own = format!("/users/{}/sessions", root.get("/me").await.1["id"].as_str().unwrap());
        assert_eq!(root.send(Method::DELETE, &own, None).await.0, StatusCode::NO_CONTENT);
        assert_eq!(root.get("/me").await.0, StatusCode::OK, "who ends their own stays");
        // A login that was not renewed for a month is over, and is not shown.
        world.app.sign_in("wang").await;
        world.clock.advance(Duration::from_secs(31 * 24 * 3_600));
        assert_eq!(world.app.sign_in("wang").await.get("/auth/sessions").await.1["items"].as_array().unwrap().len(), 1);
    }
}

#[actix_web::test]
async fn a_console_that_does_nothing_is_signed_out() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        world.app.add_person("root", &[("administrator", &world.app.city)], false).await;
        world.app.add_person("screen", &[("wall", &world.app.office)], false).await;
        let root = world.app.sign_in("root").await;
        let renew = async |tokens: &Value, phone: bool, idle_s: i64| {
            let body = json!({"refresh_token": tokens["refresh_token"], "idle_s": idle_s});
            let mut request = world.app.nobody().request(Method::POST, "/auth/refresh", Some(&body));
            if phone {
                request = request.header("bright-kitchen-client", "phone/6");
            }
            let answer = request.send().await.unwrap();
            (answer.status(), answer.json::<Value>().await.unwrap())
        };
        let tokens = world.password("root").await.1;
        let (status, tokens) = renew(&tokens, false, 90_000).await;
        assert_eq!(status, StatusCode::OK, "nobody asked for it: {tokens}");
        assert_eq!(root.put("/settings/sign_in", &json!({"second_factor_roles": [], "idle_minutes": 10})).await.0, StatusCode::OK);
        // Asking by itself is no sign of life where the page says that nobody is there.
        let (status, tokens) = renew(&tokens, false, 590).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        let (status, problem) = renew(&tokens, false, 610).await;
        assert_eq!((status, &problem["session"]), (StatusCode::UNAUTHORIZED, &json!("idle")), "{problem}");
        assert_eq!(renew(&tokens, false, 0).await.0, StatusCode::UNAUTHORIZED, "it is over");
        assert_eq!(world.client(&tokens).get("/me").await.0, StatusCode::UNAUTHORIZED);
        // A browser that was closed says nothing at all.
        let used = world.password("root").await.1;
        let closed = world.password("root").await.1;
        let (phone, screen) = (world.password("root").await.1, world.password("screen").await.1);
        world.clock.advance(Duration::from_secs(590));
        assert_eq!(world.client(&used).get("/me").await.0, StatusCode::OK);
        world.clock.advance(Duration::from_secs(20));
        assert_eq!(renew(&used, false, 0).await.0, StatusCode::OK, "used twenty seconds ago");
        assert_eq!(renew(&closed, false, 0).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(renew(&phone, true, 0).await.0, StatusCode::OK, "phones work without a network for days");
        assert_eq!(renew(&screen, false, 90_000).await.0, StatusCode::OK, "nobody touches a wall");
        assert_eq!(renew(&screen, false, -1).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
}
