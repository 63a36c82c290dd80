//! The demo's people: one or more for each role, with passwords made at the first start.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::DemoError;
use super::district::{Node, Planted};
use crate::App;
use crate::auth::{hash_password, random_password};
use crate::store::journal::{Act, Actor, Change, Entity};
use crate::store::users::{self, NewUser};
use crate::store::{StoreError, Tx};

const FILE: &str = "demo-accounts.json";

/// Somebody the demo prints.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// To sign in with.
    pub username: String,
    /// Made at the first start.
    pub password: String,
    /// As people read it.
    pub name: String,
    /// What this person does, in words.
    pub part: String,
}

/// Where somebody stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    City,
    District,
    Office(usize),
    Premises(usize),
}

/// Username, name, part, role, where, certificate number.
pub(super) type Person = (&'static str, &'static str, &'static str, &'static str, At, Option<&'static str>);

pub(super) const ADMINISTRATOR: Person = ("admin", "管理员 周宁", "系统管理员 administrator", "administrator", At::City, None);

pub(super) const EVERYBODY: &[Person] = &[
    ADMINISTRATOR,
    ("supervisor", "陈敏", "区局监管人员 supervisor, whole district", "supervisor", At::District, None),
    ("head", "局长 林建国", "局长 head", "head", At::District, None),
    ("east", "所长 黄志强", "东岸所监管人员 supervisor, one office", "supervisor", At::Office(0), None),
    ("officer", "李明", "东岸所执法人员 officer (phone: /m/)", "officer", At::Office(0), Some("ZJ-A0317-0012")),
    ("officer2", "王芳", "东岸所执法人员 officer (phone: /m/)", "officer", At::Office(0), Some("ZJ-A0317-0045")),
    ("officer3", "赵磊", "西岸所执法人员 officer", "officer", At::Office(1), Some("ZJ-A0317-0108")),
    ("canteen", "张秀英", "明湖第一小学食堂 食品安全员 food-safety officer", "food_safety_officer", At::Premises(0), None),
    ("canteen2", "刘洋", "明湖实验中学食堂 食品安全员 food-safety officer", "food_safety_officer", At::Premises(1), None),
    ("canteen3", "孙丽", "湖心幼儿园食堂 食品安全员 food-safety officer", "food_safety_officer", At::Premises(2), None),
    ("kitchen", "吴强", "明湖中央厨房 食品安全总监 food-safety director", "food_safety_director", At::Premises(3), None),
    ("principal", "校长 何静", "明湖第一小学 校长 principal", "principal", At::Premises(0), None),
    ("education", "郑涛", "教育局 education authority", "education_viewer", At::District, None),
    ("parent", "家长 冯雪", "明湖第一小学 家长 parent", "parent", At::Premises(0), None),
    ("legal", "许诺", "法制审核 legal reviewer", "legal_reviewer", At::District, None),
    ("intake", "邓颖", "受理员 intake", "intake", At::District, None),
    ("grid", "罗勇", "网格员 grid member", "grid_member", At::Office(0), None),
    ("auditor", "高原", "审计 auditor", "auditor", At::City, None),
    ("wall", "指挥大屏", "大屏 wall display", "wall", At::District, None),
];

/// People who are made but not stored yet.
pub(super) type Made = Vec<(NewUser, &'static str, At)>;

/// Makes accounts, and writes their passwords down for the owner of the data folder only.
pub(super) async fn make(app: &App, data: &Path, people: &[Person]) -> Result<Made, DemoError> {
    let mut accounts = Vec::new();
    let mut made = Vec::new();
    for (username, name, part, role, at, certificate) in people {
        let password = random_password();
        let secret = password.clone();
        let password_hash = app
            .supervisor
            .blocking("hash password", move || hash_password(&secret))
            .await
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        let user = NewUser {
            id: Uuid::now_v7(),
            username: (*username).to_owned(),
            display_name: (*name).to_owned(),
            phone: Some(format!("0571-800200{:02}", made.len() + 1)),
            certificate_number: certificate.map(str::to_owned),
            password_hash,
            must_change_password: false,
        };
        made.push((user, *role, *at));
        accounts.push(Account { username: (*username).to_owned(), password, name: (*name).to_owned(), part: (*part).to_owned() });
    }
    // Written first: an account whose password nobody knows would be worse than a line too many.
    let json = serde_json::to_vec_pretty(&accounts).map_err(std::io::Error::other)?;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path(data))?;
    file.write_all(&json)?;
    file.sync_all()?;
    Ok(made)
}

/// Stores them.
pub(super) async fn add(tx: &mut Tx<'_>, made: &Made, planted: &Planted, at_ms: i64) -> Result<(), StoreError> {
    for (user, role, at) in made {
        insert(tx, user, role, &node(planted, *at), at_ms).await?;
    }
    Ok(())
}

async fn insert(tx: &mut Tx<'_>, user: &NewUser, role: &str, node: &Node, at: i64) -> Result<(), StoreError> {
    let id = user.id.to_string();
    users::insert(tx, user, at).await?;
    users::grant(tx, &id, role, &node.id, &node.path, None).await?;
    tx.changed(at, Change::upsert(Entity::User, &id, &node.path)).await?;
    let detail = serde_json::json!({"username": user.username, "role": role, "demo": true});
    tx.audit(at, Act { actor: &Actor::system(), action: "create", entity: Some(("user", &id)), path: &node.path, detail }).await
}

fn node(planted: &Planted, at: At) -> Node {
    match at {
        At::City => planted.city.clone(),
        At::District => planted.district.clone(),
        At::Office(number) => planted.offices.get(number).unwrap_or(&planted.district).clone(),
        At::Premises(number) => planted.premises.get(number).unwrap_or(&planted.district).clone(),
    }
}

fn path(data: &Path) -> PathBuf {
    data.join(FILE)
}

/// The accounts of this demo; none where somebody made their own.
pub(super) fn read(data: &Path) -> std::io::Result<Vec<Account>> {
    match std::fs::read(path(data)) {
        Ok(json) => serde_json::from_slice(&json).map_err(std::io::Error::other),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
