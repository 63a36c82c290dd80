//! Notices that leave the console: by mail and text message, when somebody wants them, once, and with proof.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{App as Web, HttpRequest, HttpResponse, HttpServer, web};
use media::{Clock as _, SimulatedClock};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::channels::push::Services;
use server::jobs::run_due;
use server::store::alert_acts::{self, Seen, Sighting};
use server::store::{StoreError, deliveries, notice_ways};
use uuid::Uuid;

use crate::support::{Client, ENGINES, Engine, MailServer, Node, PushService, Taken, TestApp, add_camera, on_both};

/// Monday 23 November 2026, 10:00 in Shanghai.
const MORNING_MS: i64 = 1_795_399_200_000;
const HOUR: Duration = Duration::from_secs(3_600);
/// Under which people reach the system of these tests.
const URL: &str = "https://kitchen.test";

struct World {
    app: TestApp,
    clock: Arc<SimulatedClock>,
    mail: MailServer,
    camera: Uuid,
}

impl World {
    async fn start(engine: Engine) -> Self {
        let clock = Arc::new(SimulatedClock::new(MORNING_MS));
        let app = TestApp::start_with(engine, clock.clone(), |app, _| {
            app.url = URL.to_owned();
            app.push_services = Services::new(vec!["127.0.0.1".to_owned()], Vec::new());
        })
        .await;
        let (mail, camera) = (MailServer::start().await, add_camera(&app, &app.premises, "库房").await);
        let world = Self { app, clock, mail, camera };
        let root = world.app.person("administrator", &world.app.city).await;
        let (status, set) = root.put("/channels/mail", &world.server()).await;
        assert_eq!(status, StatusCode::OK, "{set}");
        world
    }

    fn server(&self) -> Value {
        json!({"server": {"host": "127.0.0.1", "port": self.mail.port, "tls": "none", "username": null, "sender": "alerts@bureau.test", "sender_name": "明厨", "certificate": null}})
    }

    /// Somebody who has proven an address; the mails of that are taken away.
    async fn with_mail(&self, name: &str, role: &str, node: &Node) -> Client {
        self.app.add_person(name, &[(role, node)], false).await;
        let client = self.app.sign_in(name).await;
        let (status, sent) = client.post("/me/notices/mail", &json!({"address": format!("{name}@bureau.test")})).await;
        assert_eq!((status, &sent["sent"]), (StatusCode::OK, &json!(true)), "{sent}");
        let mail = self.mail.taken().pop().unwrap();
        let code: String = mail.text().chars().filter(char::is_ascii_digit).take(6).collect();
        let (status, own) = client.post("/me/notices/mail/confirm", &json!({"code": code})).await;
        assert_eq!((status, &own["mail"]), (StatusCode::OK, &json!(format!("{name}@bureau.test"))), "{own}");
        client
    }

    /// Raises an alert, and lets everything that is due happen.
    async fn raise(&self, kind: &str, class: i64) -> String {
        let at = self.clock.wall_ms();
        let seen = Sighting {
            id: Uuid::now_v7().to_string(),
            kind: kind.to_owned(),
            class,
            camera_id: self.camera.to_string(),
            premises_id: self.app.premises.id.clone(),
            began_at: at,
            at,
            measure: 0.9,
            threshold: 0.5,
            rule: r#"{"name":"model@1"}"#.to_owned(),
            repeat_interval_ms: 60_000,
            still_file_id: None,
            clip: None,
            hold: None,
        };
        let raised = self.app.app.db.write(move |tx| {
            Box::pin(async move {
                let (Seen::Raised(id) | Seen::Joined(id)) = alert_acts::sighted(tx, &seen).await?;
                Ok::<_, StoreError>(id)
            })
        });
        let id = raised.await.unwrap();
        self.run().await;
        id
    }

    async fn run(&self) {
        run_due(&self.app.app).await.unwrap();
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.run().await;
    }

    /// Mails about notices: those with codes are left out.
    fn mails(&self) -> Vec<Taken> {
        self.mail.taken().into_iter().filter(|mail| !mail.head("Subject").contains("验证码")).collect()
    }
}

async fn id_of(client: &Client) -> String {
    client.get("/me").await.1["id"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn an_alert_comes_by_mail_once_and_is_proven_when_it_is_read() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        let li = world.with_mail("li", "supervisor", &world.app.office).await;
        world.app.add_person("wang", &[("supervisor", &world.app.office)], false).await;
        let alert = world.raise("rodent", 1).await;
        world.run().await;
        let mails = world.mails();
        let [mail] = &mails[..] else { panic!("one mail, for who has an address: {mails:?}") };
        assert_eq!(mail.to, "li@bureau.test");
        assert!(mail.head("Subject").starts_with("明厨：新预警，一类，鼠患，东岸小学食堂，库房"), "{}", mail.head("Subject"));
        assert!(mail.head("From").ends_with("<alerts@bureau.test>"), "{}", mail.head("From"));
        let told = li.get("/notices").await.1["items"][0].clone();
        let link = format!("{URL}/alerts/{alert}?notice={}", told["id"].as_str().unwrap());
        assert!(mail.text().contains(&link), "{}", mail.text());

        let root = world.app.person("administrator", &world.app.city).await;
        let (_, list) = root.get("/deliveries").await;
        let row = &list["items"][0];
        assert_eq!(
            (list["total"].as_i64(), &row["state"], &row["kind"], row["proven_at"].is_null()),
            (Some(1), &json!("sent"), &json!("alert_raised"), true)
        );
        assert_eq!(mail.head("Message-ID"), format!("<{}@bureau.test>", row["id"].as_str().unwrap()), "known by the delivery");
        let seen = li.post(&format!("/alerts/{alert}/seen"), &json!({})).await;
        assert_eq!(seen.0, StatusCode::NO_CONTENT);
        assert_eq!(li.get("/notices?unread=true").await.1["total"], 0);
        assert!(!root.get("/deliveries").await.1["items"][0]["proven_at"].is_null());
        let (_, figures) = root.get("/deliveries/figures").await;
        assert_eq!(figures["items"], json!([{"channel": "mail", "waiting": 0, "sent": 1, "proven": 1, "failed": 0, "needless": 0}]));
        world.pass(Duration::from_secs(600)).await;
        assert_eq!(world.mails().len(), 1, "and never again");
    }
}

#[actix_web::test]
async fn what_is_not_taken_comes_again_under_the_same_id_and_once() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        world.with_mail("li", "supervisor", &world.app.office).await;
        for _ in 0..2 {
            world.mail.refuse("451 4.3.0 try again later");
        }
        world.raise("rodent", 1).await;
        assert!(world.mails().is_empty());
        let root = world.app.person("administrator", &world.app.city).await;
        let waits = root.get("/deliveries?state=waiting").await.1["items"][0].clone();
        assert_eq!(waits["attempts"], 1);
        assert!(waits["last_error"].as_str().unwrap().contains("try again later"), "{waits}");
        world.pass(Duration::from_secs(6)).await;
        assert!(world.mails().is_empty());

        // The program dies after it took the message up: another takes it up when the lease is over.
        world.clock.advance(Duration::from_secs(11));
        let now_ms = world.clock.wall_ms();
        let taken =
            world.app.app.db.write(move |tx| Box::pin(async move { deliveries::claim(tx, now_ms, 120_000, 8).await })).await.unwrap();
        assert_eq!(taken.len(), 1);
        world.run().await;
        assert!(world.mails().is_empty(), "nobody else has it meanwhile");
        world.pass(Duration::from_secs(121)).await;
        let mails = world.mails();
        assert_eq!((mails.len(), mails[0].head("Message-ID")), (1, format!("<{}@bureau.test>", waits["id"].as_str().unwrap())));
        let sent = root.get("/deliveries").await.1["items"][0].clone();
        assert_eq!((&sent["state"], &sent["attempts"], &sent["last_error"]), (&json!("sent"), &json!(4), &Value::Null));
        assert_eq!(
            root.post(&format!("/deliveries/{}/retry", waits["id"].as_str().unwrap()), &json!({})).await.1["type"],
            "invalid_transition"
        );
    }
}

#[actix_web::test]
async fn what_is_never_taken_is_given_up_and_tried_again_by_hand() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        world.with_mail("li", "supervisor", &world.app.office).await;
        world.raise("smoking", 2).await;
        let delivered = world.mails().len();
        assert_eq!(delivered, 1);
        for _ in 0..400 {
            world.mail.refuse("552 5.2.2 the mailbox is full");
        }
        world.raise("intrusion", 2).await;
        for _ in 0..40 {
            world.pass(HOUR).await;
        }
        let root = world.app.person("administrator", &world.app.city).await;
        let (_, list) = root.get("/deliveries?state=failed&channel=mail").await;
        let row = list["items"].as_array().unwrap().iter().find(|row| row["kind"] == "alert_raised").unwrap_or_else(|| panic!("{list}"));
        assert_eq!((row["attempts"].as_i64(), row["failed_at"].is_null()), (Some(34), false), "{row}");
        assert!(row["last_error"].as_str().unwrap().contains("mailbox is full"), "{row}");
        let elsewhere = world.app.person("administrator", &world.app.other_office).await;
        let retry = format!("/deliveries/{}/retry", row["id"].as_str().unwrap());
        assert_eq!(elsewhere.get("/deliveries").await.1["total"], 0);
        assert_eq!(elsewhere.post(&retry, &json!({})).await.0, StatusCode::NOT_FOUND, "people of another office");
        world.mail.clear();
        assert_eq!(root.post(&retry, &json!({})).await.0, StatusCode::NO_CONTENT);
        world.run().await;
        assert!(world.mails().iter().any(|mail| mail.head("Subject").contains("人员闯入")));
        world.app.app.db.write(|tx| Box::pin(async move { deliveries::sweep(tx, i64::MAX).await.map(|_| ()) })).await.unwrap();
        let ended = async |state: &str| root.get(&format!("/deliveries?state={state}")).await.1["total"].as_i64().unwrap();
        assert_eq!([ended("sent").await, ended("failed").await], [0, 0], "what waits stays");
    }
}

#[actix_web::test]
async fn whose_account_has_ended_gets_nothing_any_more() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        let li = world.with_mail("li", "supervisor", &world.app.office).await;
        let own = id_of(&li).await;
        world.mail.refuse("451 4.3.0 try again later");
        world.raise("smoking", 2).await;
        let root = world.app.person("administrator", &world.app.city).await;
        let version = root.get(&format!("/users/{own}")).await.1["version"].clone();
        let (status, _) = root.patch(&format!("/users/{own}"), &json!({"disabled": true, "version": version})).await;
        assert_eq!(status, StatusCode::OK);
        world.pass(Duration::from_secs(60)).await;
        assert!(world.mails().is_empty());
        let (_, failed) = root.get("/deliveries?state=failed").await;
        assert_eq!((failed["total"].as_i64(), &failed["items"][0]["last_error"]), (Some(1), &json!("the account has ended")));
    }
}

#[actix_web::test]
async fn quiet_hours_hold_back_what_may_wait_and_a_digest_brings_it() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        let li = world.with_mail("li", "supervisor", &world.app.office).await;
        let choice = |quiet: Value, digest: Value, version: i64| {
            let lists = json!(["class_1", "class_2", "class_3"]);
            json!({"version": version, "preferences": {"mail": lists, "push": [], "sms": [], "quiet": quiet, "digest_at": digest, "language": "zh-CN"}})
        };
        let night = json!({"from": "22:00", "to": "07:00"});
        assert_eq!(li.put("/me/notices", &choice(night.clone(), json!("08:30"), 0)).await.0, StatusCode::OK);
        world.pass(HOUR * 13).await;
        // 23:00.
        world.raise("rodent", 1).await;
        assert_eq!(world.mails().len(), 1, "class 1 at any hour");
        let read = world.raise("smoking", 2).await;
        world.raise("intrusion", 2).await;
        world.raise("bin_open", 2).await;
        assert_eq!(world.mails().len(), 1, "what may wait waits");
        let li = world.app.sign_in("li").await;
        assert_eq!(li.get("/notices").await.1["total"], 4, "it is in the console at once");
        li.post(&format!("/alerts/{read}/seen"), &json!({})).await;
        world.pass(HOUR * 7 + Duration::from_secs(3_599)).await;
        let digests = || world.mails().into_iter().filter(|mail| mail.head("Subject").contains("条通知")).collect::<Vec<_>>();
        assert!(digests().is_empty(), "until 07:00");
        world.pass(Duration::from_secs(1)).await;
        let [digest] = &digests()[..] else { panic!("one mail for the night: {:?}", world.mails()) };
        assert_eq!(digest.head("Subject"), "明厨：2 条通知");
        let text = digest.text();
        assert!(
            text.contains("人员闯入") && text.contains("垃圾桶未盖") && !text.contains("吸烟"),
            "what was read meanwhile is not in it: {text}"
        );
        let root = world.app.person("administrator", &world.app.city).await;
        assert_eq!(root.get("/deliveries?state=needless").await.1["total"], 1);

        // Class 3 by day: at 08:30 of the next day, as one.
        world.pass(HOUR * 3).await;
        world.raise("no_mask", 3).await;
        world.raise("no_hat", 3).await;
        world.pass(HOUR * 22 + Duration::from_secs(1_799)).await;
        let daily = || world.mails().into_iter().filter(|mail| mail.text().contains("未戴口罩")).collect::<Vec<_>>();
        assert!(daily().is_empty(), "until 08:30 of the next day");
        world.pass(Duration::from_secs(1)).await;
        let [other] = &daily()[..] else { panic!("one mail a day: {:?}", daily()) };
        assert!(other.text().contains("未戴工帽"));
        assert_ne!(other.head("Message-ID"), digest.head("Message-ID"));

        let li = world.app.sign_in("li").await;
        let (status, stale) = li.put("/me/notices", &choice(Value::Null, Value::Null, 0)).await;
        assert_eq!((status, &stale["present"]["version"]), (StatusCode::CONFLICT, &json!(1)));
        assert_eq!(li.put("/me/notices", &choice(Value::Null, Value::Null, 1)).await.0, StatusCode::OK);
        world.raise("no_gloves", 3).await;
        assert_eq!(world.mails().iter().filter(|mail| mail.head("Subject").contains("未戴手套")).count(), 1, "nothing holds it back");
    }
}

on_both!(an_address_is_proven_by_the_code_that_was_sent_there, |app| {
    let mail = MailServer::start().await;
    let (root, canteen) = (app.person("administrator", &app.city).await, app.person("food_safety_officer", &app.premises).await);
    let (_, sent) = canteen.post("/me/notices/mail", &json!({"address": "chen@school.test"})).await;
    assert_eq!((&sent["sent"], &sent["refusal"]), (&json!(false), &json!("not_set_up")));
    let server = json!({"server": {"host": "127.0.0.1", "port": mail.port, "tls": "none", "username": null, "sender": "alerts@bureau.test", "sender_name": null, "certificate": null}});
    assert_eq!(canteen.put("/channels/mail", &server).await.0, StatusCode::FORBIDDEN);
    assert_eq!(
        app.person("administrator", &app.office).await.put("/channels/mail", &server).await.0,
        StatusCode::FORBIDDEN,
        "changed at the top"
    );
    assert_eq!(root.put("/channels/mail", &server).await.0, StatusCode::OK);
    for (wrong, pointer) in [("", "/address"), ("chen", "/address"), ("a@b\r\nBcc: c@d", "/address")] {
        let (status, problem) = canteen.post("/me/notices/mail", &json!({"address": wrong})).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(pointer)), "{wrong}");
    }
    assert_eq!(canteen.post("/me/notices/mail", &json!({"address": "chen@school.test"})).await.1["sent"], true);
    let (status, again) = canteen.post("/me/notices/mail", &json!({"address": "chen@school.test"})).await;
    assert_eq!((status, &again["type"]), (StatusCode::TOO_MANY_REQUESTS, &json!("rate_limited")));
    let code: String = mail.taken()[0].text().chars().filter(char::is_ascii_digit).take(6).collect();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let confirm = async |code: &str| canteen.post("/me/notices/mail/confirm", &json!({"code": code})).await;
    assert_eq!(confirm(wrong).await.1["errors"][0]["code"], "wrong");
    let own = canteen.get("/me/notices").await.1;
    assert_eq!(
        (&own["mail"], &own["pending_mail"], &own["channels"]),
        (&Value::Null, &json!("chen@school.test"), &json!(["mail", "push"]))
    );
    assert_eq!(confirm(&format!("{} {}", &code[..3], &code[3..])).await.1["mail"], "chen@school.test");
    assert_eq!(confirm(&code).await.0, StatusCode::UNPROCESSABLE_ENTITY, "a code is good once");
    assert_eq!(canteen.send(Method::DELETE, "/me/notices/mail", None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(canteen.get("/me/notices").await.1["mail"], Value::Null);

    // Five wrong ones, and the right one is good for nothing.
    let other = app.person("food_safety_officer", &app.premises).await;
    other.post("/me/notices/mail", &json!({"address": "lin@school.test"})).await;
    let code: String = mail.taken()[1].text().chars().filter(char::is_ascii_digit).take(6).collect();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for guess in [wrong; 5].into_iter().chain([code.as_str()]) {
        assert_eq!(other.post("/me/notices/mail/confirm", &json!({"code": guess})).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
    for (preferences, pointer) in [
        (json!({"from": "22:00", "to": "22:00"}), "/preferences/quiet/to"),
        (json!({"from": "25:00", "to": "07:00"}), "/preferences/quiet/from"),
    ] {
        let body = json!({"version": 0, "preferences": {"mail": [], "push": [], "sms": [], "quiet": preferences, "digest_at": null, "language": "en"}});
        assert_eq!(other.put("/me/notices", &body).await.1["errors"][0]["pointer"], pointer);
    }
    let (_, audit) = app.person("auditor", &app.city).await.get("/audit?action=update").await;
    assert!(audit["items"].as_array().unwrap().iter().any(|row| row["entity"] == "notice_ways"), "{audit}");
});

on_both!(a_test_mail_says_plainly_what_is_wrong, |app| {
    let folder = tempfile::tempdir().unwrap();
    let (tls, authority) = server::tls::self_signed(folder.path(), &[]).unwrap();
    let secured = MailServer::start_with(Some(tls), Some("kitchen-post")).await;
    let plain = MailServer::start().await;
    let root = app.person("administrator", &app.city).await;
    let test = async |host: &str, port: u16, tls: &str, username: Value, certificate: Value, password: Value, to: &str| {
        let mut body = json!({"server": {"host": host, "port": port, "tls": tls, "username": username, "sender": "alerts@bureau.test", "sender_name": null, "certificate": certificate}});
        if !password.is_null() {
            body["password"] = password;
        }
        let (status, set) = root.put("/channels/mail", &body).await;
        assert_eq!(status, StatusCode::OK, "{set}");
        let (_, sent) = root.post("/channels/mail/test", &json!({"to": to})).await;
        (sent["sent"].as_bool().unwrap(), sent["refusal"].as_str().unwrap_or_default().to_owned(), sent["detail"].to_string())
    };
    let (no, li) = (Value::Null, "li@bureau.test");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let said = test("127.0.0.1", closed, "none", no.clone(), no.clone(), no.clone(), li).await;
    assert_eq!((said.0, said.1.as_str()), (false, "connection"), "{said:?}");
    let said = test("8.8.8.8", 25, "none", no.clone(), no.clone(), no.clone(), li).await;
    assert_eq!((said.0, said.1.as_str()), (false, "address"), "outside the networks: {said:?}");
    let said = test("127.0.0.1", plain.port, "none", no.clone(), no.clone(), no.clone(), "nobody@bureau.test").await;
    assert_eq!((said.0, said.1.as_str()), (false, "refused"), "{said:?}");
    assert!(said.2.contains("no such mailbox"), "{said:?}");
    let said = test("127.0.0.1", plain.port, "start_tls", json!("alerts"), no.clone(), json!("x"), li).await;
    assert_eq!((said.0, said.1.as_str()), (false, "tls"), "it offers no STARTTLS: {said:?}");
    let said = test("127.0.0.1", secured.port, "tls", json!("alerts"), no.clone(), json!("kitchen-post"), li).await;
    assert_eq!((said.0, said.1.as_str()), (false, "tls"), "a certificate of their own: {said:?}");
    let own = json!(authority.pem);
    let said = test("127.0.0.1", secured.port, "tls", json!("alerts"), own.clone(), json!("wrong"), li).await;
    assert_eq!((said.0, said.1.as_str()), (false, "sign_in"), "{said:?}");
    let said = test("127.0.0.1", secured.port, "tls", json!("alerts"), own.clone(), json!("kitchen-post"), li).await;
    assert_eq!((said.0, secured.taken().len()), (true, 1), "{said:?}");
    let said = test("127.0.0.1", secured.port, "tls", json!("alerts"), own.clone(), no.clone(), li).await;
    assert!(said.0, "the password is kept where none is sent: {said:?}");
    let said = test("localhost", secured.port, "tls", json!("alerts"), own, no.clone(), li).await;
    assert_eq!((said.0, said.1.as_str()), (false, "sign_in"), "but goes to no other host: {said:?}");

    let (_, read) = root.get("/channels/mail").await;
    assert_eq!((&read["has_password"], &read["may_change"]), (&json!(false), &json!(true)));
    let (_, audit) = app.person("auditor", &app.city).await.get("/audit?limit=200").await;
    assert!(!audit.to_string().contains("kitchen-post") && audit.to_string().contains("notice_channel"));
    for (server, pointer) in [
        (
            json!({"host": "", "port": 25, "tls": "none", "username": null, "sender": "a@b.test", "sender_name": null, "certificate": null}),
            "/server/host",
        ),
        (
            json!({"host": "x/y", "port": 25, "tls": "none", "username": null, "sender": "a@b.test", "sender_name": null, "certificate": null}),
            "/server/host",
        ),
        (
            json!({"host": "x", "port": 0, "tls": "none", "username": null, "sender": "a@b.test", "sender_name": null, "certificate": null}),
            "/server/port",
        ),
        (
            json!({"host": "x", "port": 25, "tls": "none", "username": "u", "sender": "a@b.test", "sender_name": null, "certificate": null}),
            "/server/tls",
        ),
        (
            json!({"host": "x", "port": 25, "tls": "tls", "username": "u", "sender": "a", "sender_name": null, "certificate": null}),
            "/server/sender",
        ),
        (
            json!({"host": "x", "port": 25, "tls": "tls", "username": "u", "sender": "a@b.test", "sender_name": null, "certificate": "x"}),
            "/server/certificate",
        ),
    ] {
        let (status, problem) = root.put("/channels/mail", &json!({"server": server})).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(pointer)), "{server}");
    }
    assert_eq!(root.send(Method::DELETE, "/channels/mail", None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(root.send(Method::DELETE, "/channels/mail", None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(root.post("/channels/mail/test", &json!({"to": "li@bureau.test"})).await.1["refusal"], "not_set_up");
});

/// What a gateway got: its authorization, content type and body.
type Got = Arc<Mutex<Vec<(String, String, String)>>>;

/// A gateway of text messages; its address.
fn gateway(got: &Got, answer: &'static str) -> String {
    let got = got.clone();
    let server = HttpServer::new(move || {
        let got = got.clone();
        Web::new().default_service(web::to(move |request: HttpRequest, body: String| {
            let got = got.clone();
            async move {
                let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
                got.lock().unwrap().push((header("authorization"), header("content-type"), body));
                HttpResponse::Ok().body(answer)
            }
        }))
    });
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}/send", server.addrs()[0]);
    actix_web::rt::spawn(server.run());
    address
}

#[actix_web::test]
async fn text_messages_go_as_the_gateway_wants_them() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        let got = Got::default();
        let root = world.app.person("administrator", &world.app.city).await;
        let set = async |url: String, accepted: Value| {
            let body = json!({"gateway": {"url": url, "method": "POST", "content": "json", "body": r#"{"to": [{phone}], "content": {text}, "request_id": {id}}"#, "accepted": accepted},
                "headers": [{"name": "Authorization", "value": "Bearer gateway-key"}]});
            let (status, set) = root.put("/channels/sms", &body).await;
            assert_eq!(status, StatusCode::OK, "{set}");
            assert!(!set.to_string().contains("gateway-key"));
        };
        set(gateway(&got, r#"{"code": "E17"}"#), json!("\"OK\"")).await;
        let (_, sent) = root.post("/channels/sms/test", &json!({"phone": "13800000000"})).await;
        assert_eq!((&sent["sent"], &sent["refusal"]), (&json!(false), &json!("refused")), "{sent}");
        set(gateway(&got, r#"{"code": "OK"}"#), json!("\"OK\"")).await;
        assert_eq!(root.post("/channels/sms/test", &json!({"phone": "13800000000"})).await.1["sent"], true);
        assert_eq!(root.get("/channels/sms").await.1["has_headers"], true);

        world.app.add_person("li", &[("supervisor", &world.app.office)], false).await;
        let li = world.app.sign_in("li").await;
        let own = id_of(&li).await;
        let reach = async || root.get("/duty/reach").await.1;
        assert_eq!(reach().await["by_roster"], false);
        assert!(reach().await["people"].as_array().unwrap().iter().any(|one| one["user_id"] == own.as_str() && one["woken"] == false));
        let (status, _) = root.patch(&format!("/users/{own}"), &json!({"phone": "13911112222", "version": 1})).await;
        assert_eq!(status, StatusCode::OK);
        let choice = json!({"version": 0, "preferences": {"mail": [], "push": [], "sms": ["class_1"], "quiet": null, "digest_at": null, "language": "zh-CN"}});
        assert_eq!(li.put("/me/notices", &choice).await.0, StatusCode::OK);
        assert!(reach().await["people"].as_array().unwrap().iter().any(|one| one["user_id"] == own.as_str() && one["woken"] == true));
        let shift = json!({"organization_id": world.app.office.id, "user_id": own, "start": "P0D", "end": "PT12H"});
        let chief = world.app.person("head", &world.app.district).await;
        assert_eq!(chief.post("/duty", &shift).await.0, StatusCode::CREATED);
        assert_eq!(reach().await, json!({"by_roster": true, "people": [{"user_id": own, "display_name": "测试 li", "woken": true}]}));

        world.raise("smoking", 2).await;
        world.raise("rodent", 1).await;
        let got = got.lock().unwrap().clone();
        let (authorization, kind, body) = got.last().unwrap().clone();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (got.len(), authorization.as_str(), kind.as_str(), &body["to"]),
            (3, "Bearer gateway-key", "application/json", &json!(["13911112222"]))
        );
        assert!(body["content"].as_str().unwrap().contains("鼠患，东岸小学食堂"), "{body}");
        assert_eq!(root.get("/deliveries?channel=sms").await.1["items"][0]["id"], body["request_id"]);
        assert_eq!(root.send(Method::DELETE, "/channels/sms", None).await.0, StatusCode::NO_CONTENT);
    }
}

#[actix_web::test]
async fn an_alert_of_class_one_that_nobody_gets_is_told_to_the_next() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        let app = &world.app;
        for (name, role, node) in [
            ("first", "supervisor", &app.office),
            ("second", "supervisor", &app.office),
            ("chief", "supervisor", &app.district),
            ("top", "supervisor", &app.city),
            ("canteen", "food_safety_officer", &app.premises),
        ] {
            app.add_person(name, &[(role, node)], false).await;
        }
        let hears = async |name: &str| {
            let told = app.sign_in(name).await.get("/notices").await.1;
            let of_it = |one: &&Value| ["alert_raised", "alert_unproven"].iter().any(|kind| one["kind"] == *kind);
            told["items"].as_array().unwrap().iter().filter(of_it).count()
        };
        let all = async || [hears("first").await, hears("second").await, hears("chief").await, hears("top").await, hears("canteen").await];
        let chief = app.sign_in("chief").await;
        let on_duty =
            json!({"organization_id": app.office.id, "user_id": id_of(&app.sign_in("first").await).await, "start": "P0D", "end": "PT24H"});
        assert_eq!(chief.post("/duty", &on_duty).await.0, StatusCode::CREATED);

        world.raise("rodent", 1).await;
        assert_eq!(all().await, [1, 0, 0, 0, 1], "who is on duty");
        world.pass(Duration::from_secs(299)).await;
        assert_eq!(all().await, [1, 0, 0, 0, 1]);
        // What the canteen reads proves nothing of the bureau.
        let canteen = app.sign_in("canteen").await;
        let told = canteen.get("/notices").await.1["items"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(canteen.post(&format!("/notices/{told}/read"), &json!({})).await.0, StatusCode::NO_CONTENT);
        world.pass(Duration::from_secs(1)).await;
        assert_eq!(all().await, [1, 1, 0, 0, 1], "then whoever else decides there");
        let kind = app.sign_in("second").await.get("/notices").await.1["items"][0]["kind"].clone();
        assert_eq!(kind, "alert_unproven");
        world.pass(Duration::from_secs(300)).await;
        assert_eq!(all().await, [1, 1, 1, 0, 1], "then the authority above");
        world.pass(Duration::from_secs(300)).await;
        assert_eq!(all().await, [1, 1, 1, 1, 1], "then the one above that");
        world.pass(Duration::from_secs(900)).await;
        assert_eq!(all().await, [1, 1, 1, 1, 1], "each once");

        // Whoever has read it, or has it, ends that.
        let seen = world.raise("smoke_fire", 1).await;
        assert_eq!(app.sign_in("first").await.post(&format!("/alerts/{seen}/seen"), &json!({})).await.0, StatusCode::NO_CONTENT);
        let claimed = world.raise("fire_unattended", 1).await;
        let (status, _) = app.sign_in("second").await.post(&format!("/alerts/{claimed}/claim"), &json!({"version": 1})).await;
        assert_eq!(status, StatusCode::OK);
        world.pass(Duration::from_secs(301)).await;
        assert_eq!(all().await, [3, 1, 1, 1, 3]);
    }
}

#[actix_web::test]
async fn chat_groups_hear_from_robots_what_people_are_told() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        let (wecom, dingtalk) = (Robot::default(), Robot::default());
        let root = world.app.person("administrator", &world.app.city).await;
        let add = async |body: Value| {
            let (status, made) = root.post("/webhooks", &body).await;
            assert_eq!(status, StatusCode::CREATED, "{made}");
            made
        };
        let made = add(json!({"url": robot(&wecom), "format": "wecom", "classes": [1], "organization_id": world.app.office.id})).await;
        assert_eq!((&made["organization_name"], &made["secret"], &made["classes"]), (&json!("东岸市场监管所"), &Value::Null, &json!([1])));
        add(json!({"url": robot(&dingtalk), "format": "dingtalk", "secret": "SEC-of-the-group"})).await;
        let elsewhere = Robot::default();
        add(json!({"url": robot(&elsewhere), "format": "wecom", "organization_id": world.app.other_office.id})).await;
        for (body, pointer) in [
            (json!({"url": "http://127.0.0.1:9/", "format": "wecom", "secret": "x"}), "/secret"),
            (json!({"url": "http://127.0.0.1:9/", "classes": [1]}), "/classes"),
            (json!({"url": "http://127.0.0.1:9/", "format": "wecom", "classes": [4]}), "/classes/0"),
            (json!({"url": "http://127.0.0.1:9/", "organization_id": Uuid::now_v7()}), "/organization_id"),
        ] {
            assert_eq!(root.post("/webhooks", &body).await.1["errors"][0]["pointer"], pointer, "{body}");
        }

        wecom.lock().unwrap().answers.push(json!({"errcode": 45009, "errmsg": "api freq out of limit"}));
        let alert = world.raise("rodent", 1).await;
        assert_eq!((wecom.lock().unwrap().got.len(), dingtalk.lock().unwrap().got.len()), (1, 1));
        let path = format!("/webhooks/{}/deliveries", made["id"].as_str().unwrap());
        let told = root.get(&path).await.1["items"][0].clone();
        assert_eq!(
            (&told["event"], &told["state"], &told["last_error"]),
            (&json!("alert.told"), &json!("waiting"), &json!("45009: api freq out of limit"))
        );
        world.pass(Duration::from_secs(2)).await;
        assert_eq!(root.get(&path).await.1["items"][0]["state"], "delivered", "taken at the second try");
        world.raise("smoking", 2).await;
        world.pass(Duration::from_secs(300)).await;
        let said = |robot: &Robot| robot.lock().unwrap().got.iter().map(|one| one.1["markdown"].clone()).collect::<Vec<_>>();
        let first = said(&wecom)[0]["content"].as_str().unwrap().to_owned();
        assert!(
            first.starts_with("新预警，一类，鼠患，东岸小学食堂，库房") && first.ends_with(&format!("[查看]({URL}/alerts/{alert})")),
            "{first}"
        );
        assert!(said(&wecom).iter().all(|one| !one.to_string().contains("吸烟")), "class 1 alone");
        assert!(said(&dingtalk).iter().any(|one| one["title"].as_str().unwrap().contains("吸烟")));
        assert!(said(&elsewhere).is_empty(), "another office's group");
        let signed = dingtalk.lock().unwrap().got[0].0.clone();
        assert!(signed.contains(&format!("timestamp={MORNING_MS}&sign=")), "{signed}");
        // Other systems hear of events by their names as before, and of nothing that is said in groups.
        let other = add(json!({"url": "http://127.0.0.1:9/"})).await;
        world.raise("intrusion", 2).await;
        let events = root.get(&format!("/webhooks/{}/deliveries", other["id"].as_str().unwrap())).await.1;
        let names: Vec<_> = events["items"].as_array().unwrap().iter().map(|one| one["event"].as_str().unwrap().to_owned()).collect();
        assert_eq!(names, ["alert.raised"]);
    }
}

/// A chat group's robot: addresses and bodies that came, and what it answers next in the place of "ok".
#[derive(Default)]
struct Group {
    got: Vec<(String, Value)>,
    answers: Vec<Value>,
}

type Robot = Arc<Mutex<Group>>;

fn robot(group: &Robot) -> String {
    let group = group.clone();
    let server = HttpServer::new(move || {
        let group = group.clone();
        Web::new().default_service(web::to(move |request: HttpRequest, body: web::Json<Value>| {
            let group = group.clone();
            async move {
                let mut group = group.lock().unwrap();
                group.got.push((request.uri().to_string(), body.into_inner()));
                HttpResponse::Ok().json(group.answers.pop().unwrap_or_else(|| json!({"errcode": 0, "errmsg": "ok"})))
            }
        }))
    });
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}/send?key=k", server.addrs()[0]);
    actix_web::rt::spawn(server.run());
    address
}

#[actix_web::test]
async fn a_browser_is_woken_with_what_it_alone_can_read_and_proves_it() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        let service = PushService::start();
        world.app.add_person("li", &[("supervisor", &world.app.office)], false).await;
        let li = world.app.sign_in("li").await;
        let (_, own) = li.get("/me/notices").await;
        let key = own["push_key"].as_str().unwrap().to_owned();
        assert_eq!(own["browsers"], json!([]));
        for (body, pointer) in [
            (json!({"endpoint": "https://10.0.0.1/x", "p256dh": service.p256dh(), "auth": service.auth()}), "/endpoint"),
            (json!({"endpoint": service.endpoint("a"), "p256dh": "AAAA", "auth": service.auth()}), "/p256dh"),
        ] {
            let (status, problem) = li.post("/me/notices/push", &body).await;
            assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(pointer)), "{problem}");
        }
        let browser = |name: &str| json!({"endpoint": service.endpoint(name), "p256dh": service.p256dh(), "auth": service.auth()});
        for _ in 0..2 {
            let (status, own) = li.post("/me/notices/push", &browser("desk")).await;
            assert_eq!((status, own["browsers"].as_array().map(Vec::len)), (StatusCode::OK, Some(1)), "once: {own}");
        }
        let root = world.app.person("administrator", &world.app.city).await;
        let woken =
            |reach: &Value| reach["people"].as_array().unwrap().iter().any(|one| one["display_name"] == "测试 li" && one["woken"] == true);
        assert!(woken(&root.get("/duty/reach").await.1), "nobody is on the roster: those who decide");

        let alert = world.raise("rodent", 1).await;
        let pushed = service.taken();
        let [push] = &pushed[..] else { panic!("one: {pushed:?}") };
        assert_eq!(push.header("content-encoding"), "aes128gcm");
        assert_eq!((push.header("urgency"), push.header("ttl")), ("high", "86400"));
        push.is_signed_by(&key, &service.origin());
        let told = service.read(push);
        let notice = li.get("/notices").await.1["items"][0].clone();
        assert!(told["text"].as_str().unwrap().starts_with("新预警，一类，鼠患，东岸小学食堂"), "{told}");
        assert_eq!(told["path"], json!(format!("/alerts/{alert}?notice={}", notice["id"].as_str().unwrap())));
        let state = async || root.get("/deliveries?channel=push").await.1["items"][0].clone();
        assert_eq!((&state().await["state"], state().await["proven_at"].is_null()), (&json!("sent"), true));

        // The service worker says that it came: it has no sign-in, and whoever guesses hears nothing.
        let nobody = world.app.nobody();
        assert_eq!(nobody.post("/push/received", &json!({"id": told["id"], "proof": "00"})).await.0, StatusCode::NO_CONTENT);
        assert!(state().await["proven_at"].is_null());
        assert_eq!(nobody.post("/push/received", &json!({"id": told["id"], "proof": told["proof"]})).await.0, StatusCode::NO_CONTENT);
        assert!(!state().await["proven_at"].is_null());
        // A receipt is proof for the alert too: nobody else is told.
        let chief = world.app.person("supervisor", &world.app.district).await;
        world.pass(Duration::from_secs(301)).await;
        assert_eq!(chief.get("/notices").await.1["total"], 0);

        // A service that is busy is asked again under the same topic; a browser that is gone is forgotten.
        service.answer(503);
        world.raise("smoke_fire", 1).await;
        world.pass(Duration::from_secs(6)).await;
        let pushed = service.taken();
        assert_eq!((pushed.len(), pushed[1].header("topic")), (3, pushed[2].header("topic")));
        service.answer(410);
        world.raise("fire_unattended", 1).await;
        let gone = root.get("/deliveries?state=failed&channel=push").await.1;
        assert_eq!((gone["total"].as_i64(), &gone["items"][0]["last_error"]), (Some(1), &json!("answered 410")));
        let li = world.app.sign_in("li").await;
        assert_eq!(li.get("/me/notices").await.1["browsers"], json!([]));

        // Who signs out is woken there no more.
        assert_eq!(li.post("/me/notices/push", &browser("phone")).await.0, StatusCode::OK);
        let before = service.taken().len();
        assert_eq!(li.post("/auth/logout", &json!({"refresh_token": li.refresh_token})).await.0, StatusCode::NO_CONTENT);
        world.raise("rodent", 1).await;
        assert_eq!(service.taken().len(), before);
        assert!(!woken(&root.get("/duty/reach").await.1));
        let forgotten = world.app.app.db.write(|tx| Box::pin(async move { notice_ways::sweep(tx).await })).await.unwrap();
        assert_eq!(forgotten, 1);
        let li = world.app.sign_in("li").await;
        let (_, own) = li.post("/me/notices/push", &browser("desk")).await;
        let one = format!("/me/notices/push/{}", own["browsers"][0]["id"].as_str().unwrap());
        assert_eq!(li.send(Method::DELETE, &one, None).await.0, StatusCode::NO_CONTENT);
        assert_eq!(li.send(Method::DELETE, &one, None).await.0, StatusCode::NOT_FOUND);
    }
}
