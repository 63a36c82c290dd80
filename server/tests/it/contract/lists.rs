//! Lists keep what they promise, on both engines: page after page gives every row once, in the order of the whole and in each order
//! that can be asked for; what narrows a list gives just the rows that it names; and a time parts it into before and after.

use std::collections::BTreeSet;

use mobile_api::canonical;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::examples::{document, operations, who};
use super::ground::{Ground, id, plant};
use crate::phone::text;
use crate::support::{Client, Engine, settled, tamper};

/// Rows that are asked for at once, where the whole is wanted.
const WHOLE: &str = "200";
/// Lists that have no second row here: days that are counted, and what was delivered.
const SHORT: &[&str] = &["/statistics", "/webhooks/{id}/deliveries"];

/// A list of the contract as somebody who may read it asks for it.
struct List {
    client: Client,
    path: String,
    /// What has to be asked for each time.
    always: Vec<(String, String)>,
}

impl List {
    async fn page(&self, query: &[(&str, &str)]) -> Value {
        let answer = self.client.request(Method::GET, &self.path, None).query(&self.always).query(query).send().await.unwrap();
        let (status, page) = (answer.status(), answer.json::<Value>().await.unwrap());
        assert_eq!(status, StatusCode::OK, "{} {query:?}: {page}", self.path);
        page
    }

    async fn rows(&self, query: &[(&str, &str)]) -> Vec<Value> {
        let page = self.page(&[query, &[("limit", WHOLE)]].concat()).await;
        assert!(page["next"].is_null(), "{} has more than {WHOLE} rows here", self.path);
        page["items"].as_array().unwrap_or_else(|| panic!("{}: {page}", self.path)).clone()
    }

    /// The same rows, one a page.
    async fn one_by_one(&self, query: &[(&str, &str)], most: usize) -> Vec<Value> {
        let (mut rows, mut cursor) = (Vec::new(), None::<String>);
        while rows.len() <= most {
            let after = cursor.as_deref().map(|cursor| ("cursor", cursor));
            let asked: Vec<_> = query.iter().copied().chain([("limit", "1")]).chain(after).collect();
            let page = self.page(&asked).await;
            rows.extend(page["items"].as_array().unwrap().iter().cloned());
            match &page["next"] {
                Value::Null => break,
                next => cursor = Some(text(next)),
            }
        }
        rows
    }
}

/// What a row is known by.
fn key(row: &Value) -> String {
    let names = ["id", "seq", "camera_id", "user_id", "code", "premises_id"];
    names.iter().find_map(|name| said(&row[*name])).unwrap_or_else(|| row.to_string())
}

fn keys(rows: &[Value]) -> Vec<String> {
    rows.iter().map(key).collect()
}

/// As it is asked for in an address.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// A second row where the examples need only one.
async fn more(ground: &Ground) {
    let root = &ground.root;
    let made = async |path: &str, body: Value| {
        let (status, answer) = root.post(path, &body).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
    };
    made("/operators", json!({"name": "二号餐饮管理有限公司"})).await;
    made("/webhooks", json!({"url": "http://127.0.0.1:9/second", "kinds": ["black"], "enabled": false})).await;
    made("/openrosa/devices", json!({"name": "第二部手机", "user_id": id(3)})).await;
    made(
        &format!("/cameras/{}/holds", id(50)),
        json!({"start": "2026-11-23T06:00:00Z", "end": "2026-11-23T06:02:00Z", "reason": "第二段"}),
    )
    .await;
    made("/cameras", json!({"name": "二号", "premises_id": id(48), "source_url": "rtsp://127.0.0.1:9/none", "zone": "cooking"})).await;
    made("/cameras", json!({"name": "三号", "premises_id": id(48), "source_url": "rtsp://127.0.0.1:9/none"})).await;
    made(
        "/assignments",
        json!({"premises_id": id(1), "template_id": id(2), "kind": "routine", "due_on": "2026-11-28", "officer_ids": [id(3)]}),
    )
    .await;
    let patrolled = "INSERT INTO patrol_looks (day, camera_id, premises_id, office_id, node_id, position) \
        SELECT l.day, c.id, c.premises_id, l.office_id, l.node_id, 9 FROM patrol_looks l JOIN cameras c ON c.name = '二号' \
        WHERE l.camera_id = '01928f6e-0000-7000-8000-000000000050'";
    tamper(&ground.app.app.db, patrolled).await;
    let by_phone = "INSERT INTO deliveries (id, notice_id, user_id, channel, address, gathered, message_id, state, attempts, next_at, sent_at, created_at) \
        SELECT '01928f6e-0000-7000-8000-000000000131', n.id, n.user_id, 'sms', '13800000000', FALSE, '01928f6e-0000-7000-8000-000000000131', 'sent', 1, 1, 2, 1 \
        FROM notices n WHERE n.id = '01928f6e-0000-7000-8000-000000000060'";
    tamper(&ground.app.app.db, by_phone).await;
    let caused = "UPDATE alerts SET cause_id = id WHERE id = '01928f6e-0000-7000-8000-000000000071'";
    tamper(&ground.app.app.db, caused).await;
    let decided = "UPDATE alerts SET decided_by = '01928f6e-0000-7000-8000-000000000003' WHERE verdict = 'test'";
    tamper(&ground.app.app.db, decided).await;
    // The engine says so after a minute of trying.
    tamper(&ground.app.app.db, "UPDATE cameras SET state = 'offline', state_since = 1 WHERE name = '二号'").await;
    tamper(&ground.app.app.db, "UPDATE cameras SET state = 'offline', state_since = 2 WHERE name = '三号'").await;
    let document = document();
    for (path, own) in [("/incidents/", &ground.officer), ("/self-checks/", &ground.canteen)] {
        let example = &document["paths"][format!("/api/v1{path}{{id}}")]["put"]["requestBody"]["content"]["application/json"]["example"];
        let mut content = example["content"].clone();
        if path == "/incidents/" {
            content["premises_id"] = json!(ground.app.premises.id);
        }
        let body = json!({"content": content, "content_sha256": canonical::sha256_hex(&content)});
        let (status, answer) = own.put(&format!("{path}{}", uuid::Uuid::now_v7()), &body).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
    }
}

/// Values to narrow by where no row says one.
fn tries(ground: &Ground, document: &Value, name: &str, parameter: &Value) -> Vec<String> {
    let mut schema = parameter["schema"].clone();
    while let Some(reference) = schema["$ref"].as_str().or_else(|| schema["oneOf"].as_array()?.iter().find_map(|one| one["$ref"].as_str()))
    {
        schema = document["components"]["schemas"][reference.rsplit('/').next().unwrap()].clone();
    }
    let example = said(&parameter["example"]);
    let listed: Vec<String> = schema["enum"].as_array().into_iter().flatten().filter_map(said).collect();
    let known: Vec<String> = match name {
        "q" => vec!["例".to_owned(), "ls".to_owned()],
        "organization_id" => vec![ground.app.city.id.clone(), id(4)],
        "premises_id" => vec![id(1)],
        "camera_id" => vec![id(50)],
        "officer_id" | "actor_id" | "user_id" | "decided_by" => vec![id(3)],
        "node_id" => vec![ground.app.office.id.clone()],
        "inspection_id" => vec![id(90)],
        "order_id" => vec![id(91)],
        "plan_id" => vec![id(45)],
        "draw_id" => vec![id(42)],
        "role" => vec!["officer".to_owned()],
        "verdict" => vec!["test".to_owned()],
        "cause_id" => vec![id(71)],
        "template_code" => vec!["example".to_owned()],
        "failed_item" => vec!["8.1".to_owned()],
        "since" | "until" | "raised_since" => vec!["2026-11-23T06:00:02.000Z".to_owned()],
        "from" | "to" | "due_from" | "due_until" => vec!["2026-11-23".to_owned()],
        "level" => vec!["1".to_owned()],
        _ if is_switch(parameter) => vec!["true".to_owned(), "false".to_owned()],
        _ => Vec::new(),
    };
    let all: Vec<String> = example.into_iter().chain(listed).chain(known).collect();
    assert!(!all.is_empty(), "nothing is known to narrow by {name}: {parameter}");
    all
}

/// Whether it is asked for with yes or no.
fn is_switch(parameter: &Value) -> bool {
    let kind = &parameter["schema"]["type"];
    kind == "boolean" || kind[0] == "boolean"
}

async fn lists(engine: Engine) {
    let document = document();
    let ground = plant(engine, &document).await;
    more(&ground).await;
    ground.recorded().await;
    settled(&ground.app).await;
    ground.root.get("/audit?limit=1").await;
    let (mut wrong, mut short, mut looked) = (Vec::new(), Vec::new(), 0);
    for (path, method, operation) in operations(&document) {
        let asked: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "query").collect();
        if method != "get" || path.starts_with("/exports") || !asked.iter().any(|one| one["name"] == "cursor") {
            continue;
        }
        looked += 1;
        let required = asked.iter().filter(|one| one["required"] == true);
        let list = List {
            client: who(&ground, &path, method).await,
            path: path.replace("{id}", &operation["parameters"][0]["example"].as_str().map_or_else(String::new, str::to_owned)),
            always: required.map(|one| (text(&one["name"]), said(&one["example"]).unwrap())).collect(),
        };
        let whole = list.rows(&[]).await;
        if whole.len() < 2 {
            short.push(path.clone());
        }
        let mut orders = vec![Vec::new()];
        for parameter in &asked {
            let name = parameter["name"].as_str().unwrap();
            if parameter["required"] == true || ["limit", "cursor"].contains(&name) {
                continue;
            }
            if name == "sort" {
                orders.extend(tries(&ground, &document, name, parameter).into_iter().map(|order| vec![order]));
                continue;
            }
            // A switch may be named like what it counts.
            let speaks = |value: &&Value| value.is_boolean() || !is_switch(parameter);
            let Some(value) = whole.iter().map(|row| &row[name]).filter(speaks).find_map(said) else {
                for value in tries(&ground, &document, name, parameter) {
                    let narrowed = list.rows(&[(name, &value)]).await;
                    // A default may leave rows out (what is retired or read); what is named may not bring strangers.
                    let strangers =
                        narrowed.len() > whole.len() && !["retired", "unread", "disabled", "standing", "open", "over"].contains(&name);
                    if strangers {
                        wrong.push(format!("{path}?{name}={value}: {} of {} rows", narrowed.len(), whole.len()));
                    }
                }
                continue;
            };
            let narrowed = list.rows(&[(name, &value)]).await;
            let named: Vec<Value> = whole.iter().filter(|row| said(&row[name]).as_deref() == Some(&value)).cloned().collect();
            if keys(&narrowed) != keys(&named) {
                wrong.push(format!("{path}?{name}={value}: {:?} and not {:?}", keys(&narrowed), keys(&named)));
            }
        }
        if asked.iter().any(|one| one["name"] == "since") && asked.iter().any(|one| one["name"] == "until") {
            let at = "2026-11-23T06:00:02.000Z";
            let (later, earlier) = (list.rows(&[("since", at)]).await, list.rows(&[("until", at)]).await);
            let everything: BTreeSet<_> = keys(&later).into_iter().chain(keys(&earlier)).collect();
            // An alert lasts: it may be before a moment and after it.
            let parted = path == "/alerts" || later.len() + earlier.len() == whole.len();
            if !parted || everything != keys(&whole).into_iter().collect() {
                wrong.push(format!("{path}: {} since and {} until {at} are not {}", later.len(), earlier.len(), whole.len()));
            }
        }
        for order in orders {
            let sorted: Vec<(&str, &str)> = order.iter().map(|order: &String| ("sort", order.as_str())).collect();
            let (at_once, paged) = (list.rows(&sorted).await, list.one_by_one(&sorted, whole.len()).await);
            let everybody = |rows: &[Value]| keys(rows).into_iter().collect::<BTreeSet<_>>();
            if keys(&at_once) != keys(&paged) || everybody(&at_once) != everybody(&whole) {
                wrong.push(format!("{path} {sorted:?}: {:?} page by page, {:?} at once", keys(&paged), keys(&at_once)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(short.iter().all(|path| SHORT.contains(&path.as_str())), "too few rows to turn pages: {short:?}");
    assert!(looked >= 25, "{looked} lists");
    assert!(ground.app.app.supervisor.shutdown(std::time::Duration::from_secs(20)).await.is_empty());
}

#[actix_web::test]
async fn lists_are_paged_and_narrowed_sqlite() {
    lists(Engine::Sqlite).await;
}

#[actix_web::test]
async fn lists_are_paged_and_narrowed_postgres() {
    lists(Engine::Postgres).await;
}
