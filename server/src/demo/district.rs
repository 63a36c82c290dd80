//! A district that could be: four town offices, a dozen premises, their operators.

use serde_json::json;
use uuid::Uuid;

use crate::domain::organization::Level;
use crate::store::journal::{Act, Actor};
use crate::store::operators::{self, OperatorData};
use crate::store::premises::{self, PremisesData};
use crate::store::{StoreError, Tx, organizations};

/// A node of the tree.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) id: String,
    pub(super) path: String,
}

/// What was planted.
#[derive(Debug, Clone)]
pub(super) struct Planted {
    pub(super) city: Node,
    pub(super) district: Node,
    pub(super) offices: Vec<Node>,
    pub(super) premises: Vec<Node>,
}

const OFFICES: [&str; 4] = ["东岸市场监管所", "西岸市场监管所", "湖心市场监管所", "北岭市场监管所"];

/// Office, name, kind, address, latitude, longitude, diners, grade.
type Place = (usize, &'static str, &'static str, &'static str, f64, f64, i64, &'static str);

/// The first four have cameras.
const PLACES: [Place; 12] = [
    (0, "明湖第一小学食堂", "school_canteen", "东岸街道学府路 8 号", 30.2741, 120.1551, 860, "B"),
    (1, "明湖实验中学食堂", "school_canteen", "西岸街道文汇路 21 号", 30.2620, 120.1302, 1_450, "B"),
    (2, "湖心幼儿园食堂", "kindergarten_canteen", "湖心街道杏花巷 3 号", 30.2683, 120.1435, 240, "A"),
    (3, "明湖中央厨房", "central_kitchen", "北岭镇工业路 66 号", 30.2912, 120.1490, 5_200, "C"),
    (0, "东岸第二小学食堂", "school_canteen", "东岸街道春晓路 40 号", 30.2768, 120.1609, 720, "B"),
    (0, "蓝天幼儿园食堂", "kindergarten_canteen", "东岸街道桂花里 12 号", 30.2719, 120.1588, 180, "A"),
    (1, "西岸中心小学食堂", "school_canteen", "西岸街道港湾路 5 号", 30.2588, 120.1271, 640, "B"),
    (1, "晨光幼儿园食堂", "kindergarten_canteen", "西岸街道柳浪巷 9 号", 30.2644, 120.1330, 150, "C"),
    (2, "湖心外国语学校食堂", "school_canteen", "湖心街道环湖路 100 号", 30.2659, 120.1466, 1_980, "A"),
    (2, "明湖机关食堂", "staff_canteen", "湖心街道人民路 1 号", 30.2694, 120.1411, 420, "A"),
    (3, "北岭九年一贯制学校食堂", "school_canteen", "北岭镇兴教路 18 号", 30.2951, 120.1533, 990, "B"),
    (3, "康膳集体配餐中心", "collective_meal_supplier", "北岭镇物流园 7 栋", 30.2898, 120.1572, 3_600, "D"),
];

/// Name, credit code (made up, with its right check character), person to reach, telephone, licence, until when, at which premises in which part.
type Firm = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, &'static [(usize, &'static str)]);

/// Who is answerable: schools that cook themselves, contractors, a supplier of several.
const OPERATORS: [Firm; 9] = [
    ("明湖第一小学", "12330106MB0000001D", "周文慧", "0571-80010001", "JY33301060012018", "2028-06-30", &[(0, "own")]),
    ("明湖实验中学", "12330106MB0000002G", "陈国栋", "0571-80010002", "JY33301060012019", "2027-11-30", &[(1, "own")]),
    ("湖心幼儿园", "52330106MJ0000003X", "林秀芳", "0571-80010003", "JY33301060012020", "2028-02-28", &[(2, "own")]),
    (
        "明湖区供餐服务有限公司",
        "91330106MA0000004F",
        "何建平",
        "0571-80010004",
        "JY33301060012021",
        "2027-04-30",
        &[(3, "own"), (4, "supplier"), (7, "supplier")],
    ),
    (
        "绿源餐饮管理有限公司",
        "91330106MA0000005J",
        "吴晓东",
        "0571-80010005",
        "JY33301060012022",
        "2026-12-31",
        &[(1, "contractor"), (6, "contractor"), (8, "contractor")],
    ),
    ("东岸第二小学", "12330106MB0000006W", "沈丽君", "0571-80010006", "JY33301060012023", "2028-09-30", &[(4, "own")]),
    ("蓝天教育集团", "91330106MA0000007Q", "许春燕", "0571-80010007", "JY33301060012024", "2029-01-31", &[(5, "own"), (7, "own")]),
    ("明湖区机关事务服务中心", "12330106MB00000083", "郑海波", "0571-80010008", "JY33301060012025", "2027-08-31", &[(9, "own")]),
    (
        "康膳餐饮配送有限公司",
        "91330106MA0000009Y",
        "钱永强",
        "0571-80010009",
        "JY33301060012026",
        "2027-03-31",
        &[(11, "own"), (10, "supplier")],
    ),
];

async fn operate(tx: &mut Tx<'_>, premises: &[Node], firm: Firm, at: i64) -> Result<(), StoreError> {
    let (name, credit_code, contact, phone, licence, expires_on, places) = firm;
    let data = OperatorData {
        name: name.to_owned(),
        credit_code: Some(credit_code.to_owned()),
        contact_name: Some(contact.to_owned()),
        contact_phone: Some(phone.to_owned()),
        licence_number: Some(licence.to_owned()),
        licence_scope: Some("热食类食品制售".to_owned()),
        licence_expires_on: Some(expires_on.to_owned()),
        checks_cap: None,
    };
    let id = operators::insert(tx, &data, at).await?;
    for (place, part) in places {
        let Some(node) = premises.get(*place) else { continue };
        operators::link(tx, (&node.id, &node.path), &id, part, (Some("2026-01-01"), None), at).await?;
    }
    Ok(())
}

/// The top only, for an empty start.
pub(super) async fn top(tx: &mut Tx<'_>, at: i64) -> Result<Planted, StoreError> {
    authorities(tx, &[], at).await
}

/// The whole district.
pub(super) async fn plant(tx: &mut Tx<'_>, at: i64) -> Result<Planted, StoreError> {
    let mut planted = authorities(tx, &OFFICES, at).await?;
    for place in PLACES {
        planted.premises.push(premises_at(tx, &planted.offices[place.0].clone(), place, at).await?);
    }
    for operator in OPERATORS {
        operate(tx, &planted.premises, operator, at).await?;
    }
    Ok(planted)
}

async fn authorities(tx: &mut Tx<'_>, offices: &[&str], at: i64) -> Result<Planted, StoreError> {
    let node = |(id, path): (String, String)| Node { id, path };
    let city = node(organizations::insert(tx, "澄江市市场监督管理局", Level::City, None, at).await?);
    let district = node(organizations::insert(tx, "明湖区市场监督管理局", Level::District, Some((&city.id, &city.path)), at).await?);
    let mut planted = Planted { city, district, offices: Vec::new(), premises: Vec::new() };
    for name in offices {
        let above = (planted.district.id.as_str(), planted.district.path.as_str());
        planted.offices.push(node(organizations::insert(tx, name, Level::Office, Some(above), at).await?));
    }
    let actor = Actor::system();
    let act =
        Act { actor: &actor, action: "create", entity: Some(("organization", &planted.city.id)), path: "/", detail: json!({"demo": true}) };
    tx.audit(at, act).await?;
    Ok(planted)
}

async fn premises_at(tx: &mut Tx<'_>, office: &Node, place: Place, at: i64) -> Result<Node, StoreError> {
    let (_, name, kind, address, latitude, longitude, diners, grade) = place;
    let id = Uuid::now_v7();
    let data = PremisesData {
        organization_id: office.id.clone(),
        organization_path: office.path.clone(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        address: Some(address.to_owned()),
        point: Some((latitude, longitude)),
        source_datum: Some("wgs84".to_owned()),
        school: kind.starts_with("school").then(|| name.trim_end_matches("食堂").to_owned()),
        diners: Some(diners),
        risk_grade: Some(grade.to_owned()),
        grid: None,
        code: Some(format!("MH-{}", &id.simple().to_string()[24..])),
        // The demo's cameras are watched at any hour, so that its incidents are seen whenever it is started.
        service_hours: "[]".to_owned(),
        disabled: false,
    };
    let id = premises::insert(tx, id, &data, at).await?;
    Ok(Node { path: format!("{}{id}/", office.path), id })
}
