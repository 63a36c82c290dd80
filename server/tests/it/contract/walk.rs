//! Every role and nobody walk every route, with the contract's own examples and real things behind every id: from inside, where
//! only the permission decides, and from outside, where what belongs to another office is not there.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use server::domain::permission::Permission;

use super::examples::{document, example, operations};
use super::ground::{Ground, Named, id, plant};
use crate::access::{BESIDE, Needs, ROLES, table};
use crate::support::{Client, Engine, Node};

/// These end or spend the login they are asked with, or count against it: each role asks with one of its own.
const OWN_LOGIN: [&str; 4] = ["/auth/logout", "/auth/password", "/auth/login", "/auth/refresh"];
/// Who may use the route at all may still be told no, with a word of why: what is asked for is the top's, another's, or wants a
/// further permission.
const MAY_REFUSE: &[&str] = &[
    "/self-checks/",       // some papers are the principal's, the others are not
    "/settings/",          // the system's settings are changed at the top
    "/channels/",          // the same
    "/organizations",      // a district below the city
    "/recording.mp4",      // `video.export` to save it
    "/recording.manifest", // the same
    "/role-requests/",     // who asked does not agree
    "/users/",             // people with a role elsewhere
    "/alerts/{id}/review", // nobody reviews their own answer
    "/webhooks",           // the top's
    "/template",           // the bureau's
    "/plans",              // the district's
    "/draws",
    "/documents/layouts",
    "/inspections/{id}",    // another officer's
    "/incidents/{id}/acts", // some acts are whose who may release
    "/orders",
    "/late",
    "/rule_proposals/{id}/", // `settings.manage` to try and apply
];
/// Things that belong to everybody: an id of theirs is there for all offices.
const EVERYBODYS: &[&str] =
    &["/templates", "/template-drafts", "/imports/", "/exports/", "/documents/layouts", "/operators", "/settings/", "/roles"];
/// What they answer goes on for ever.
const STREAMS: [&str; 1] = ["/events"];

struct Walker {
    client: Client,
    permissions: Vec<String>,
}

impl Walker {
    async fn of(client: Client) -> Self {
        let (_, me) = client.get("/me").await;
        let codes = me["permissions"].as_array().cloned().unwrap_or_default();
        Self { client, permissions: codes.iter().filter_map(|code| code.as_str().map(str::to_owned)).collect() }
    }

    fn signed_in(&self) -> bool {
        self.client.token.is_some()
    }

    fn may(&self, needs: Needs) -> bool {
        let holds = |permission: &Permission| self.permissions.iter().any(|code| code == permission.code());
        match needs {
            Needs::Nobody => true,
            Needs::SignedIn => self.signed_in(),
            Needs::One(permission) => holds(&permission),
            Needs::Any(several) => several.iter().any(holds),
        }
    }

    async fn ask(&self, named: &Named, path: &str, method: &str, operation: &Value) -> (StatusCode, Value) {
        let response = example(&self.client, &named.fill(path), method, operation).send().await.unwrap();
        let status = response.status();
        let endless = STREAMS.contains(&path) || status == StatusCode::SWITCHING_PROTOCOLS;
        let text = if endless { String::new() } else { String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned() };
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}

fn begins_with(list: &[&str], path: &str) -> bool {
    list.iter().any(|part| path.contains(part))
}

async fn walk(engine: Engine) {
    let document = document();
    let ground = plant(engine, &document).await;
    let named = ground.recorded().await;
    let rows: BTreeMap<(String, &str), Needs> =
        table().into_iter().map(|(method, path, needs)| ((method.to_lowercase(), path), needs)).collect();
    let operations = operations(&document);
    let mut wrong = Vec::new();
    outside(&ground, &named, &rows, &operations, &mut wrong).await;
    let walkers = inside(&ground, &named, &rows, &operations, &mut wrong).await;
    beside(&walkers, &mut wrong).await;
    own_logins(&walkers, &named, &operations, &mut wrong).await;
    assert!(wrong.is_empty(), "{engine:?}: {wrong:#?}");
    assert!(ground.app.app.supervisor.shutdown(std::time::Duration::from_secs(20)).await.is_empty());
}

/// What belongs to the office of the ground is not there for people of the other office, whatever they may do at home. Nothing
/// that they ask changes anything: the walk from inside comes after it and finds everything.
async fn outside(
    ground: &Ground,
    named: &Named,
    rows: &BTreeMap<(String, &str), Needs>,
    operations: &[(String, &'static str, Value)],
    wrong: &mut Vec<String>,
) {
    for role in ROLES {
        let walker = Walker::of(ground.app.person(role, &ground.app.other_office).await).await;
        for (path, method, operation) in operations {
            let needs = rows[&((*method).to_owned(), path.as_str())];
            if OWN_LOGIN.contains(&path.as_str()) || needs == Needs::Nobody {
                continue;
            }
            let (status, answer) = walker.ask(named, path, method, operation).await;
            let told = format!("{role} outside: {method} {path}: {status} {}", answer.to_string().chars().take(200).collect::<String>());
            if !walker.may(needs) {
                if status != StatusCode::FORBIDDEN {
                    wrong.push(told);
                }
                continue;
            }
            if begins_with(EVERYBODYS, path) || STREAMS.contains(&path.as_str()) {
                continue;
            }
            let names_a_thing = path.contains("{id}");
            let hidden = [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN].contains(&status);
            if names_a_thing && !hidden && !own(path) {
                wrong.push(told);
            } else if *method == "get" && status.is_success() && shows_what_is_hidden(&answer) {
                wrong.push(format!("{told} shows what belongs to another office"));
            }
        }
    }
}

/// Ids that a client makes itself: who asks makes something of their own, or is told that it is somebody else's.
fn own(path: &str) -> bool {
    ["/drafts/", "/late/", "/inspections/{id}", "/self-checks/{id}", "/incidents/{id}"].iter().any(|begin| path.starts_with(begin))
}

/// The premises of the ground, its camera, an alert and an inspection.
fn shows_what_is_hidden(answer: &Value) -> bool {
    let text = answer.to_string();
    [1, 50, 71, 75, 10, 20, 91, 95, 40, 120].iter().any(|number| text.contains(&id(*number)))
}

/// Inside only the permission decides.
async fn inside(
    ground: &Ground,
    named: &Named,
    rows: &BTreeMap<(String, &str), Needs>,
    operations: &[(String, &'static str, Value)],
    wrong: &mut Vec<String>,
) -> Vec<(&'static str, Walker)> {
    let premises = Node { id: id(1), path: format!("{}{}/", ground.app.office.path, id(1)) };
    let mut walkers = vec![("nobody", Walker::of(ground.app.nobody()).await)];
    for role in ROLES {
        let at_premises = ["food_safety_officer", "food_safety_director", "principal", "parent"].contains(role);
        let node = if at_premises { &premises } else { &ground.app.office };
        walkers.push((role, Walker::of(ground.app.person(role, node).await).await));
    }
    for (role, walker) in &walkers {
        for (path, method, operation) in operations {
            if OWN_LOGIN.contains(&path.as_str()) {
                continue;
            }
            let needs = rows[&((*method).to_owned(), path.as_str())];
            let (status, answer) = walker.ask(named, path, method, operation).await;
            let told = format!("{role} inside: {method} {path}: {status} {}", answer.to_string().chars().take(200).collect::<String>());
            let right = match (walker.signed_in(), walker.may(needs)) {
                (false, false) => status == StatusCode::UNAUTHORIZED,
                (true, false) => status == StatusCode::FORBIDDEN,
                // A door for everybody may ask for a word of its own: the set-up link, the token of a late inspection.
                (_, true) if needs == Needs::Nobody => status != StatusCode::FORBIDDEN,
                (_, true) => {
                    status != StatusCode::UNAUTHORIZED
                        && (status != StatusCode::FORBIDDEN || begins_with(MAY_REFUSE, path) || answer["type"] == "outside_hours")
                }
            };
            if !right || status.as_u16() >= 500 && answer["type"] != "unavailable" {
                wrong.push(told);
            }
        }
    }
    walkers
}

/// What stands beside the contract answers everybody, and gives no thing of the API.
async fn beside(walkers: &[(&'static str, Walker)], wrong: &mut Vec<String>) {
    for (role, walker) in walkers {
        for (_, address, _) in BESIDE {
            let mut request = walker.client.http.request(Method::GET, format!("{}{address}", walker.client.base));
            if let Some(token) = &walker.client.token {
                request = request.bearer_auth(token);
            }
            let status = request.send().await.unwrap().status();
            if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status) || status.is_server_error() {
                wrong.push(format!("{role} beside: {address}: {status}"));
            }
        }
    }
}

/// Everybody who is signed in may try to change the own password, and sign out.
async fn own_logins(
    walkers: &[(&'static str, Walker)],
    named: &Named,
    operations: &[(String, &'static str, Value)],
    wrong: &mut Vec<String>,
) {
    for (role, walker) in walkers {
        for path in ["/auth/password", "/auth/logout"] {
            let (_, _, operation) = operations.iter().find(|operation| operation.0 == path).unwrap();
            let (status, answer) = walker.ask(named, path, "post", operation).await;
            let refused = status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN;
            if refused == walker.signed_in() {
                wrong.push(format!("{role}: {path}: {status} {answer}"));
            }
        }
    }
}

#[actix_web::test]
async fn every_role_walks_every_route_from_inside_and_outside_sqlite() {
    walk(Engine::Sqlite).await;
}

#[actix_web::test]
async fn every_role_walks_every_route_from_inside_and_outside_postgres() {
    walk(Engine::Postgres).await;
}
