//! The small district that the contract's examples speak of, with the ids that they name, and a camera that records.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use media::{CameraSpec, Clock, DiagnosisSettings, EngineConfig, SourceSpec, SystemClock, Transport};
use mobile_api::shipped;
use mobile_api::template::TemplateFile;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::App;
use server::auth::{TotpSecret, recovery_hash, secret_purpose};
use server::channels::mail::code_hash;
use server::domain::patrol::PatrolPlan;
use server::store::alert_acts::{Sighting, sighted};
use server::store::cameras::{self, CameraData};
use server::store::closings::{FactRow, NewClosing};
use server::store::files::{self, FileRow};
use server::store::lacks;
use server::store::late::{LateFileRow, NewLate};
use server::store::openrosa::{self, NewDevice};
use server::store::premises::{PremisesData, insert as insert_premises};
use server::store::role_requests::{self, NewRequest};
use server::store::uploads::{self, UploadRow};
use server::store::webhooks::{self, WebhookRow};
use server::store::{
    StoreError, Tx, alerts, closings, duty, logins, notice_ways, notices, operators, patrols, saved_views, second_factors, template_drafts,
    templates, users,
};
use uuid::Uuid;

use super::planned;
use crate::phone::{Phone, picture, sha256, text};
use crate::support::{Client, Engine, Node, STILL, TestApp, tamper, until};

/// `01928f6e-0000-7000-8000-000000000NNN`, as the examples count.
pub(super) fn id(number: u8) -> String {
    format!("01928f6e-0000-7000-8000-{number:012}")
}

/// The time of the examples: recordings are asked for from here on.
const BEGINS: &str = "2026-11-23T06:00:00Z";
/// The password of the examples.
pub(super) const PASSWORD: &str = "correct-horse-battery";
/// Alerts 71 to 79, each of a kind of its own so that none joins another.
/// Of the alerts that are claimed and handed over: 67 to 69.
const UNCLAIMED: [&str; 3] = ["signal_lost", "intrusion", "fire_unattended"];
const KINDS: [&str; 9] = ["black", "frozen", "over_exposed", "covered", "blurred", "moved", "low_contrast", "rodent", "smoke_fire"];

/// The machine's clock, set to the time of the examples.
#[derive(Debug)]
struct ExampleTime {
    begins_ms: i64,
    clock: SystemClock,
}

impl Clock for ExampleTime {
    fn wall_ms(&self) -> i64 {
        self.begins_ms + i64::try_from(self.clock.monotonic().as_millis()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.clock.sleep(duration)
    }
}

/// The application with the district and its people.
pub(super) struct Ground {
    pub(super) app: TestApp,
    /// Administrator and supervisor of the city.
    pub(super) root: Client,
    /// Officer 03, whose inspections, uploads and assignment the examples name.
    pub(super) officer: Client,
    /// Food-safety officer of premises 01.
    pub(super) canteen: Client,
}

/// The application at the time of the examples, with an engine that records.
pub(super) async fn start(engine: Engine) -> TestApp {
    let begins_ms = BEGINS.parse::<mobile_api::Moment>().unwrap().0;
    let clock: Arc<dyn Clock> = Arc::new(ExampleTime { begins_ms, clock: SystemClock::new() });
    TestApp::start_with(engine, clock.clone(), move |app: &mut App, data| {
        let mut config = EngineConfig::new(data.join("recordings"));
        // Stills are decoded by the program's own child.
        config.analysis.program = Some(env!("CARGO_BIN_EXE_bright-kitchen").into());
        let (recorder, events) = media::Engine::start(config, &app.supervisor, clock).unwrap();
        app.engine = Some(recorder);
        app.push_services = server::channels::push::Services::new(vec!["push.example".to_owned()], Vec::new());
        app.supervisor.once("media events", server::ingest::run(app.clone(), events, app.supervisor.hard()));
    })
    .await
}

/// Everything the examples name: premises 01, templates 02 and 08, drafts of templates 90 and 91, officer 03, office 04, operator 05, person 06, webhook 07,
/// inspections 10, 20 and 90, orders 91, 93, 98 and 99 with items 92 and 94, papers 95 and 96, number 97, uploads 30 and 31, a device 26, a draft's copy 36, assignment 40, shift 66,
/// draws 41 to 44, plans 45 and 47, premises 48, camera 50, hold 52, notice 60, delivery 130, browser 132, roles asked for 61 and 62, alerts 67 to 69 and 71 to 79, evidence 80, late arrivals 97 and 98, template 112,
/// paper 111 with evidence 113, person 91 with a second factor and sign-in 123.
pub(super) async fn plant(engine: Engine, document: &Value) -> Ground {
    let app = start(engine).await;
    tree(&app).await;
    people(&app).await;
    let premises = Node { id: id(1), path: format!("{}{}/", app.office.path, id(1)) };
    let officer = app.sign_in("example").await;
    app.add_person("canteen", &[("food_safety_officer", &premises)], false).await;
    let canteen = app.sign_in("canteen").await;
    let root = sign_in(&app, "supervisor").await;
    inspections(&app, &officer, document).await;
    assignment(&app, &root).await;
    planned::plant(&app, &root).await;
    left_by_phones(&app, &officer, document).await;
    camera(&app, &premises).await;
    held(&app, &root).await;
    told(&app, &root).await;
    alerts_in_all_states(&app, &root, &canteen).await;
    patrol(&app).await;
    on_duty(&app).await;
    closed(&app).await;
    proposals(&app).await;
    super::papers::plant(&app, &officer, &root, &canteen).await;
    second_door(&app).await;
    super::self_checks::plant(&app).await;
    super::incidents::plant(&app).await;
    server::jobs::score_premises(&app.app).await.unwrap();
    Ground { app, root, officer, canteen }
}

/// Plans of office 04 and of the premises' own office, and today's patrol of the latter with camera 50.
async fn patrol(app: &TestApp) {
    let (example, own) = (format!("{}{}/", app.district.path, id(4)), app.office.clone());
    write(app, move |tx| {
        Box::pin(async move {
            let plan = PatrolPlan { share: 100, by_risk: false };
            patrols::put_plan(tx, &id(4), &example, plan, 1).await?;
            patrols::put_plan(tx, &own.id, &own.path, plan, 1).await
        })
    })
    .await;
    server::jobs::draw_patrols(&app.app).await.unwrap();
}

/// Months 63 and 64 of office 04, closed by officer 03.
async fn closed(app: &TestApp) {
    let path = format!("{}{}/", app.district.path, id(4));
    write(app, move |tx| {
        Box::pin(async move {
            let fact = |figure: &str, thing: u8| FactRow {
                figure: figure.to_owned(),
                thing_id: id(thing),
                premises_id: id(1),
                office_id: id(4),
                kind: String::new(),
                part: 1,
                whole: 1,
            };
            let facts = [fact("coverage", 1), fact("connection", 50)];
            for (closing, first_on) in [(id(63), "2026-09-01"), (id(64), "2026-08-01")] {
                let (node_id, closed_by) = (id(4), id(3));
                let new = NewClosing {
                    id: &closing,
                    node_id: &node_id,
                    node_path: &path,
                    first_on,
                    revision: 1,
                    reason: None,
                    closed_by: &closed_by,
                };
                closings::insert(tx, &new, &facts, &[], 1).await?;
            }
            Ok(())
        })
    })
    .await;
}

/// Shift 66 of officer 03 at office 04, where person 06 may decide too.
async fn on_duty(app: &TestApp) {
    let (path, now_ms) = (format!("{}{}/", app.district.path, id(4)), app.app.clock.wall_ms());
    write(app, move |tx| {
        Box::pin(async move {
            users::grant(tx, &id(6), "supervisor", &id(4), &path, None).await?;
            duty::insert(tx, (&id(4), &path), &id(3), now_ms, now_ms + 3_600_000, now_ms).await.map(|_| ())
        })
    })
    .await;
    tamper(&app.app.db, "UPDATE duty_shifts SET id = '01928f6e-0000-7000-8000-000000000066'").await;
}

/// Proposals for rules of camera 50: 130 and 133 that nobody has tried, 131 to be tried, 132 tried.
async fn proposals(app: &TestApp) {
    for (id, kind) in [("130", "black"), ("131", "moved"), ("132", "covered"), ("133", "blurred")] {
        let sql = format!(
            "INSERT INTO rule_proposals (id, camera_id, kind, state, confirmed, dismissed, since_at, given, done, total, version, created_at) \
             VALUES ('01928f6e-0000-7000-8000-000000000{id}', '01928f6e-0000-7000-8000-000000000050', '{kind}', 'proposed', 2, 9, 1, false, 0, 0, 1, 1)"
        );
        tamper(&app.app.db, Box::leak(sql.into_boxed_str())).await;
    }
    let trial = json!({
        "at": BEGINS, "program": "0.1.0", "present": {"threshold": 0.6, "duration_s": 5.0}, "proposed": {"threshold": 0.72, "duration_s": 5.0},
        "known_sha256": "0".repeat(64), "clips": [], "considered": [], "sample": {"stretches": [], "recorded": 0, "left_out": 0},
    });
    let result = json!({"trial": trial, "settings": {}, "files": [], "chosen": 0, "busy_ms": 0});
    let sql = format!(
        "UPDATE rule_proposals SET state = 'tried', threshold = 0.72, duration_s = 5.0, version = 3, result = '{result}' \
         WHERE id = '01928f6e-0000-7000-8000-000000000132'"
    );
    tamper(&app.app.db, Box::leak(sql.into_boxed_str())).await;
}

/// A device 26 of officer 03, and what inspection 90 lacks.
async fn second_door(app: &TestApp) {
    let path = app.office.path.clone();
    write(app, move |tx| {
        Box::pin(async move {
            let device = NewDevice {
                id: id(26),
                user_id: id(3),
                name: "例示手机".to_owned(),
                login: "d-example".to_owned(),
                secret_sha256: sha256(b"example"),
                path,
                created_by: id(8),
            };
            openrosa::insert_device(tx, &device, 1).await?;
            lacks::note(tx, &id(90), "second_officer", "[]", 1).await
        })
    })
    .await;
}

/// Secrets, as numbers, whose code is the example's (123456) at every second step of 30 s from the time of the examples on: found by
/// trying, which takes too long here.
const SECRETS: [u64; 30] = [
    1_831_170, 385_843, 931_656, 91_312, 2_033_549, 473_202, 3_483_585, 324_737, 2_217_755, 1_044_668, 172_803, 219_644, 882_117,
    1_655_886, 664_959, 1_746_931, 3_936_712, 398_044, 331_568, 176_847, 984_164, 155_818, 598_249, 32_557, 1_641_104, 2_344_664, 11_082,
    914_566, 1_228_203, 570_530,
];

/// The secret whose code is the example's now and half a minute from now.
fn with_code(now_ms: i64) -> TotpSecret {
    let steps = (now_ms - BEGINS.parse::<mobile_api::Moment>().unwrap().0) / 30_000;
    let mut secret = [0_u8; 20];
    secret[..8].copy_from_slice(&SECRETS[usize::try_from((steps + 1) / 2).unwrap()].to_le_bytes());
    TotpSecret::from_bytes(&secret).unwrap()
}

/// Somebody with a second factor, or with one that is being set up, just as the example of this path asks for it.
pub(super) async fn twofold(app: &TestApp, path: &str, document: &Value) -> Client {
    let body =
        |path: &str| document["paths"][format!("/api/v1{path}")]["post"]["requestBody"]["content"]["application/json"]["example"].clone();
    let user = id(91);
    let gone = user.clone();
    write(app, move |tx| Box::pin(async move { second_factors::remove(tx, &gone).await.map(|_| ()) })).await;
    let client = sign_in(app, "twofold").await;
    let now_ms = app.app.clock.wall_ms();
    let secret = if path.ends_with("/confirm") { with_code(now_ms) } else { TotpSecret::random() };
    let sealed = app.app.sealer.seal(&secret_purpose(&user), secret.as_bytes()).unwrap();
    let (step, on, opens) = (body("/auth/login/code"), !path.ends_with("/confirm"), path == "/auth/sessions/{id}");
    let (challenge, recovery) = (sha256(text(&step["challenge"]).as_bytes()), recovery_hash(&app.app.sealer, &user, &text(&step["code"])));
    write(app, move |tx| {
        Box::pin(async move {
            second_factors::begin(tx, &user, &sealed).await?;
            if on {
                second_factors::confirm(tx, &user, 1, now_ms).await?;
                second_factors::put_recovery(tx, &user, &[recovery]).await?;
                second_factors::challenge(tx, &challenge, &user, now_ms + 60_000).await?;
            }
            if opens {
                logins::open_session(tx, &id(123), &user, logins::NewSession::default(), now_ms).await?;
            }
            Ok(())
        })
    })
    .await;
    client
}

/// Signs in with the password of the examples.
pub(super) async fn sign_in(app: &TestApp, username: &str) -> Client {
    let mut client = app.nobody();
    let (status, tokens) = client.post("/auth/login", &json!({"username": username, "password": PASSWORD})).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    client.token = tokens["access_token"].as_str().map(str::to_owned);
    client
}

pub(super) async fn write<F>(app: &TestApp, work: F)
where
    F: for<'a, 't> FnOnce(&'a mut Tx<'t>) -> BoxFuture<'a, Result<(), StoreError>> + Send + 'static,
{
    app.app.db.write(work).await.unwrap();
}

async fn tree(app: &TestApp) {
    // What makes its own ids elsewhere gets those of the examples here.
    let office = "INSERT INTO organizations (id, parent_id, level, name, name_key, path, version, created_at, updated_at) \
        SELECT '01928f6e-0000-7000-8000-000000000004', id, 'office', '例示所', 'ls', path || '01928f6e-0000-7000-8000-000000000004/', 1, 1, 1 \
        FROM organizations WHERE level = 'district'";
    tamper(&app.app.db, office).await;
    let operator = "INSERT INTO operators (id, name, name_key, version, created_at, updated_at) \
        VALUES ('01928f6e-0000-7000-8000-000000000005', '例示餐饮', 'lscy', 1, 1, 1)";
    tamper(&app.app.db, operator).await;
    let path = app.office.clone();
    write(app, move |tx| {
        Box::pin(async move {
            let data = PremisesData {
                organization_id: path.id.clone(),
                organization_path: path.path.clone(),
                kind: "school_canteen".to_owned(),
                name: "例示小学食堂".to_owned(),
                address: None,
                point: None,
                source_datum: None,
                school: None,
                diners: None,
                risk_grade: None,
                grid: None,
                code: None,
                service_hours: "[]".to_owned(),
                disabled: false,
            };
            insert_premises(tx, id(1).parse().unwrap(), &data, 1).await?;
            operators::link(tx, (&id(1), &format!("{}{}/", path.path, id(1))), &id(5), "own", (None, None), 1).await?;
            let mut file = shipped::templates().map_err(StoreError::damaged)?.remove(0);
            file.code = "example".to_owned();
            templates::publish(tx, id(2).parse().unwrap(), &file, true, 1).await?;
            templates::publish(tx, id(8).parse().unwrap(), &TemplateFile { code: "example_retired".to_owned(), ..file.clone() }, true, 1)
                .await?;
            let webhook = WebhookRow {
                id: id(7),
                url: "http://127.0.0.1:9/alerts".to_owned(),
                secret_sealed: String::new(),
                kinds: "[]".to_owned(),
                enabled: false,
                path: "/".to_owned(),
                format: "events".to_owned(),
                classes: "[]".to_owned(),
                organization_name: None,
                version: 1,
                created_at: 1,
                updated_at: 1,
            };
            webhooks::insert(tx, &webhook).await
        })
    })
    .await;
}

/// Officer 03, somebody to be changed, and who runs it all; somebody's refresh token, as the example has it.
async fn people(app: &TestApp) {
    let person = |number: u8, username: &str, password: &str| users::NewUser {
        id: id(number).parse().unwrap(),
        username: username.to_owned(),
        display_name: format!("例示 {number}"),
        phone: None,
        certificate_number: None,
        password_hash: server::auth::hash_password(password),
        must_change_password: false,
    };
    let everybody = [
        person(3, "example", crate::support::PASSWORD),
        person(6, "somebody", PASSWORD),
        person(90, "leaves", PASSWORD),
        person(91, "twofold", PASSWORD),
        person(8, "supervisor", PASSWORD),
    ];
    let (office, city, now_ms) = (app.office.clone(), app.city.clone(), app.app.clock.wall_ms());
    let token = server::http::openapi();
    let token = serde_json::to_value(token).unwrap()["paths"]["/api/v1/auth/refresh"]["post"]["requestBody"]["content"]["application/json"]
        ["example"]["refresh_token"]
        .clone();
    write(app, move |tx| {
        Box::pin(async move {
            for user in &everybody {
                users::insert(tx, user, 1).await?;
            }
            users::grant(tx, &id(3), "officer", &office.id, &office.path, None).await?;
            users::grant(tx, &id(6), "supervisor", &office.id, &office.path, None).await?;
            for role in ["administrator", "supervisor", "head", "parent"] {
                users::grant(tx, &id(8), role, &city.id, &city.path, None).await?;
            }
            for (number, role) in [(61, "intake"), (62, "legal_reviewer")] {
                let request = NewRequest {
                    id: id(number),
                    user_id: id(6),
                    role: role.to_owned(),
                    node_id: office.id.clone(),
                    node_path: office.path.clone(),
                    valid_until: None,
                    asked_by: id(3),
                };
                role_requests::insert(tx, &request, now_ms).await?;
            }
            logins::open_session(tx, &id(9), &id(3), logins::NewSession::default(), now_ms).await?;
            logins::insert_refresh_token(tx, &id(9), &sha256(text(&token).as_bytes()), now_ms, now_ms + 3_600_000).await
        })
    })
    .await;
}

async fn inspections(app: &TestApp, officer: &Client, document: &Value) {
    let phone = Phone { client: officer.clone(), user_id: id(3), device_id: "phone-1".to_owned() };
    let put = &document["paths"]["/api/v1/inspections/{id}"]["put"]["requestBody"]["content"]["application/json"]["example"];
    for (inspection, part) in [(10, 11), (20, 21)] {
        let mut body = put.clone();
        body["part"]["id"] = json!(id(part));
        let (status, answer) = officer.put(&format!("/inspections/{}", id(inspection)), &body).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
    assert_eq!(phone.upload(id(20).parse().unwrap(), &id(22), &picture(9)).await, StatusCode::NO_CONTENT);
    let png = unpacked(&document["paths"]["/api/v1/files"]["post"]["requestBody"]["content"]["image/png"]["example"]);
    let now_ms = app.app.clock.wall_ms();
    for (upload, evidence) in [(30, 13), (31, 14)] {
        let row = UploadRow {
            id: id(upload),
            user_id: id(3),
            inspection_id: id(10),
            evidence_id: id(evidence),
            sha256: sha256(&png),
            filetype: "image/png".to_owned(),
            length: i64::try_from(png.len()).unwrap(),
            received: 0,
            created_at: now_ms,
            expires_at: now_ms + 600_000,
            done_at: None,
        };
        write(app, move |tx| Box::pin(async move { uploads::insert(tx, &row).await })).await;
    }
}

/// A draft's copy, and two inspections in quarantine: one to be accepted, with its photo, and one to be rejected.
async fn left_by_phones(app: &TestApp, officer: &Client, document: &Value) {
    let copy = format!("/drafts/{0}?draft_id={0}&revision=1&device_id=phone-1", id(36));
    let kept =
        officer.request(Method::PUT, &copy, None).header("content-type", "application/octet-stream").body("sealed").send().await.unwrap();
    assert_eq!(kept.status(), StatusCode::OK);
    let put = &document["paths"]["/api/v1/inspections/{id}"]["put"]["requestBody"]["content"]["application/json"]["example"];
    let png = unpacked(&document["paths"]["/api/v1/files"]["post"]["requestBody"]["content"]["image/png"]["example"]);
    let hash = app.app.files.put_bytes(png.clone().into()).await.unwrap();
    let mut late = Vec::new();
    for (number, inspection, part) in [(97, 94, 92), (98, 93, 91)] {
        let mut put = put.clone();
        put["part"]["id"] = json!(id(part));
        let content = json!({"put": put, "submit": null});
        late.push(NewLate {
            id: id(number),
            inspection_id: id(inspection),
            user_id: id(3),
            sha256: mobile_api::canonical::sha256_hex(&content),
            content: content.to_string(),
            reason: "account_ended".to_owned(),
            premises_id: Some(id(1)),
        });
    }
    let file = FileRow {
        id: Uuid::now_v7().to_string(),
        sha256: hash.clone(),
        filetype: "image/png".to_owned(),
        bytes: i64::try_from(png.len()).unwrap(),
        width: None,
        height: None,
        user_id: Some(id(3)),
        created_at: 1,
    };
    let arrived = LateFileRow {
        evidence_id: id(99),
        user_id: id(3),
        sha256: hash,
        inspection_id: id(94),
        filetype: "image/png".to_owned(),
        bytes: file.bytes,
        file_id: file.id.clone(),
    };
    write(app, move |tx| {
        Box::pin(async move {
            for late in &late {
                server::store::late::insert(tx, late, 1).await?;
            }
            files::insert(tx, &file).await?;
            server::store::late::insert_file(tx, &arrived, 1).await?;
            Ok(())
        })
    })
    .await;
}

async fn assignment(app: &TestApp, root: &Client) {
    use server::domain::workflow::assignment::TABLE;
    use server::store::assignments::{NewRow, insert};
    use server::store::work::{Beginning, By, begin};
    let created_by: Uuid = text(&root.get("/me").await.1["id"]).parse().unwrap();
    write(app, move |tx| {
        Box::pin(async move {
            begin(
                tx,
                &Beginning { table: &TABLE, id: &id(40), premises_id: &id(1), by: By::System("test@1"), action: "plan", text: None },
                1,
            )
            .await?;
            let row = NewRow {
                id: id(40).parse().unwrap(),
                template_id: id(2).parse().unwrap(),
                kind: mobile_api::inspection::InspectionKind::Routine,
                due_on: "2026-11-30".to_owned(),
                approval_number: None,
                source: "by_hand".to_owned(),
                created_by,
                officers: vec![id(3).parse().unwrap()],
                alert_id: None,
                source_number: None,
                merged: Vec::new(),
                plan_id: None,
                draw_id: None,
            };
            insert(tx, &row).await
        })
    })
    .await;
}

/// Camera 50, which records a test picture.
async fn camera(app: &TestApp, premises: &Node) {
    let data = CameraData {
        id: id(50),
        premises_id: premises.id.clone(),
        path: premises.path.clone(),
        name: "烹饪区".to_owned(),
        source_url: "test:".to_owned(),
        sub_source_url: None,
        username: None,
        password_sealed: None,
        transport: "auto".to_owned(),
        zone: None,
        enabled: true,
    };
    write(app, move |tx| Box::pin(async move { cameras::insert(tx, &data, 1).await })).await;
    let source = SourceSpec { url: "test:".parse().unwrap(), username: None, password: None, transport: Transport::Auto };
    let spec = CameraSpec {
        id: id(50).parse().unwrap(),
        name: "烹饪区".to_owned(),
        source,
        sub: None,
        enabled: true,
        armed_hours: None,
        diagnosis: DiagnosisSettings::default(),
        retention_days: None,
    };
    app.app.engine.as_ref().unwrap().apply(spec).await;
}

/// Hold 52 of camera 50.
async fn held(app: &TestApp, root: &Client) {
    let body = json!({"start": BEGINS, "end": "2026-11-23T06:01:00Z", "reason": "例示"});
    let (status, answer) = root.post(&format!("/cameras/{}/holds", id(50)), &body).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    tamper(&app.app.db, "UPDATE recording_holds SET id = '01928f6e-0000-7000-8000-000000000052'").await;
}

/// Notice 60 of whoever runs it all.
async fn told(app: &TestApp, root: &Client) {
    let user = text(&root.get("/me").await.1["id"]);
    let writer = user.clone();
    write(app, move |tx| {
        Box::pin(async move {
            for number in [90, 91] {
                let mut file = shipped::templates().map_err(StoreError::damaged)?.remove(0);
                file.code = format!("draft_{number}");
                template_drafts::insert(tx, &id(number), &file, None, &writer, 1).await?;
            }
            Ok(())
        })
    })
    .await;
    let keeper = user.clone();
    write(app, move |tx| {
        Box::pin(async move { saved_views::put(tx, &keeper, "inspections", "本月", "state=complete", 1).await.map(|_| ()) })
    })
    .await;
    tamper(&app.app.db, "UPDATE saved_views SET id = '01928f6e-0000-7000-8000-0000000000c9'").await;
    write(app, move |tx| Box::pin(async move { notices::insert(tx, None, &[user], "assigned", &json!({}), 1).await })).await;
    tamper(&app.app.db, "UPDATE notices SET id = '01928f6e-0000-7000-8000-000000000060' WHERE work_id IS NULL").await;
    // An address that waits for the code of the examples, and a mail that was given up.
    let (user, at) = (text(&root.get("/me").await.1["id"]), app.app.clock.wall_ms() - 120_000);
    let hash = code_hash(&app.app.sealer, &user, "li@mail.example", "123456");
    write(app, move |tx| Box::pin(async move { notice_ways::begin_mail(tx, &user, "li@mail.example", &hash, at).await })).await;
    let given_up = "INSERT INTO deliveries (id, notice_id, user_id, channel, address, gathered, message_id, state, attempts, next_at, failed_at, last_error, created_at) \
        SELECT '01928f6e-0000-7000-8000-000000000130', n.id, n.user_id, 'mail', 'li@mail.example', FALSE, '01928f6e-0000-7000-8000-000000000130', 'failed', 34, 1, 2, 'no connection', 1 \
        FROM notices n WHERE n.id = '01928f6e-0000-7000-8000-000000000060'";
    tamper(&app.app.db, given_up).await;
    let logins = root.get("/auth/sessions").await.1;
    let current = logins["items"].as_array().unwrap().iter().find(|login| login["current"] == true).unwrap();
    let browser = notice_ways::SubscriptionRow {
        id: id(132),
        user_id: text(&root.get("/me").await.1["id"]),
        session_id: text(&current["id"]),
        endpoint: "https://push.example/send/another".to_owned(),
        p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4".to_owned(),
        auth_sealed: String::new(),
        created_at: app.app.clock.wall_ms(),
        agent: None,
        client: "console".to_owned(),
    };
    write(app, move |tx| Box::pin(async move { notice_ways::subscribe(tx, &browser).await })).await;
}

async fn alerts_in_all_states(app: &TestApp, root: &Client, canteen: &Client) {
    let now_ms = app.app.clock.wall_ms();
    let still = app.app.files.put_bytes(STILL.to_vec().into()).await.unwrap();
    let clip = app.app.files.put_bytes(b"stands for a clip".to_vec().into()).await.unwrap();
    let mine = text(&canteen.get("/me").await.1["id"]);
    let file = move |number: u8, sha256: &str, filetype: &str, bytes: usize, user_id: Option<String>| FileRow {
        id: id(number),
        sha256: sha256.to_owned(),
        filetype: filetype.to_owned(),
        bytes: i64::try_from(bytes).unwrap(),
        width: None,
        height: None,
        user_id,
        created_at: now_ms,
    };
    let kept = [file(80, &still, "image/jpeg", STILL.len(), Some(mine)), file(81, &clip, "video/mp4", 17, None)];
    write(app, move |tx| {
        Box::pin(async move {
            for row in &kept {
                files::insert(tx, row).await?;
            }
            for (number, kind) in (67..).zip(UNCLAIMED).chain((71..).zip(KINDS)) {
                let sighting = Sighting {
                    id: id(number),
                    kind: kind.to_owned(),
                    class: 0,
                    camera_id: id(50),
                    premises_id: id(1),
                    began_at: now_ms,
                    at: now_ms,
                    measure: 1.0,
                    threshold: 2.0,
                    rule: "{}".to_owned(),
                    repeat_interval_ms: 0,
                    still_file_id: Some(id(80)),
                    clip: Some((now_ms, now_ms)),
                    hold: None,
                };
                sighted(tx, &sighting).await?;
            }
            alerts::set_clip(tx, &id(71), &id(81), now_ms, now_ms).await
        })
    })
    .await;
    let first =
        "UPDATE alert_occurrences SET id = '01928f6e-0000-7000-8000-0000000000ca' WHERE alert_id = '01928f6e-0000-7000-8000-000000000071'";
    tamper(&app.app.db, first).await;
    let acts: &[(u8, &Client, &str, Value)] = &[
        (73, root, "dismiss", json!({"version": 1, "reason": "test"})),
        (74, root, "confirm", json!({"version": 1})),
        (75, root, "confirm", json!({"version": 1})),
        (75, root, "dispatch", json!({"version": 2, "deadline": "P1D"})),
        (76, root, "confirm", json!({"version": 1})),
        (76, root, "dispatch", json!({"version": 2, "deadline": "P1D"})),
        (76, canteen, "rectify", json!({"version": 3, "text": "已清洁", "evidence_ids": [id(80)]})),
        (77, root, "confirm", json!({"version": 1})),
        (79, root, "confirm", json!({"version": 1})),
        (69, root, "claim", json!({"version": 1})),
    ];
    for (number, who, act, body) in acts {
        let (status, answer) = who.post(&format!("/alerts/{}/{act}", id(*number)), body).await;
        assert_eq!(status, StatusCode::OK, "{act} {number}: {answer}");
    }
}

/// The bytes that an example holds in base64.
pub(super) fn unpacked(example: &Value) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(example.as_str().unwrap()).unwrap()
}

/// What a playlist names: nobody knows it before.
pub(super) struct Named {
    /// A file of the recording.
    segment: String,
    /// What begins the live stream.
    live: String,
}

impl Named {
    /// A path with what the playlist names; all else is as the example has it.
    pub(super) fn fill(&self, path: &str) -> String {
        path.replace("{segment}", &self.segment).replace("{name}", &self.live)
    }
}

impl Ground {
    /// Waits until camera 50 can be looked at, live and recorded.
    pub(super) async fn recorded(&self) -> Named {
        let camera = format!("/cameras/{}", id(50));
        let get = |path: String| async move {
            let response = self.root.request(Method::GET, &path, None).send().await.unwrap();
            (response.status() == StatusCode::OK).then_some(String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned())
        };
        let live = until("a live stream", || get(format!("{camera}/live/index.m3u8"))).await;
        let recorded = until("a recording", || get(format!("{camera}/recording.m3u8?start={BEGINS}&end=2026-11-23T06:01:00Z"))).await;
        until("a picture", || get(format!("{camera}/snapshot.jpg")).map(|picture| picture.map(drop))).await;
        let line = |playlist: &str, part: &str| {
            playlist.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{playlist}")).to_owned()
        };
        let segment = line(&recorded, ".m4s").split('/').rev().nth(1).unwrap().to_owned();
        let live = line(&live, "EXT-X-MAP").split('"').nth(1).unwrap().to_owned();
        Named { segment, live }
    }
}
