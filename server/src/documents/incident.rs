//! What the record of a report of suspected food poisoning says, gathered from what is stored. Words that are printed stand here.

use mobile_api::incident::{IncidentSource, Meal, Stop, SuspectedMeal, Symptom};

use super::data::{ActFacts, Goods, IncidentFacts, Photo, SampleFacts};
use super::pictures::{Wanted, extension, printable, stored_type};
use super::words::{chinese_date, chinese_time};
use crate::domain::calendar::start_of;
use crate::domain::workflow::incident::IncidentAction;
use crate::store::incidents::{self, IncidentRow};
use crate::store::{Conn, StoreError, evidence, work};

/// Pictures of one paper.
const PHOTOS_MAX: usize = 40;
/// Samples that are listed by name.
const SAMPLES_MAX: usize = 100;

fn source(source: IncidentSource) -> &'static str {
    match source {
        IncidentSource::School => "学校（食堂）报告",
        IncidentSource::Hospital => "医疗机构报告",
        IncidentSource::Consumer => "投诉举报",
        IncidentSource::Authority => "有关部门通报",
        IncidentSource::Officer => "检查中发现",
    }
}

fn symptom(symptom: Symptom) -> &'static str {
    match symptom {
        Symptom::Vomiting => "恶心呕吐",
        Symptom::Diarrhoea => "腹泻",
        Symptom::AbdominalPain => "腹痛",
        Symptom::Fever => "发热",
        Symptom::Dizziness => "头晕头痛",
        Symptom::Other => "其他",
    }
}

fn stop(stop: Stop) -> &'static str {
    match stop {
        Stop::Serving => "立即停止供餐",
        Stop::Making => "立即停止加工制作",
        Stop::SuspectedFood => "停止使用可疑食品、原料及餐用具",
        Stop::Scene => "保护现场，不得清洗、清理、转移",
    }
}

fn meal_word(meal: &str) -> &'static str {
    match meal {
        "breakfast" => "早餐",
        "lunch" => "午餐",
        "dinner" => "晚餐",
        _ => "点心",
    }
}

fn meal(meal: &SuspectedMeal) -> String {
    let word = match meal.meal {
        Meal::Breakfast => "breakfast",
        Meal::Lunch => "lunch",
        Meal::Dinner => "dinner",
        Meal::Snack => "snack",
    };
    let day = meal.day.parse().map(|day| chinese_date(start_of(day))).unwrap_or_default();
    let foods = if meal.foods.trim().is_empty() { String::new() } else { format!("：{}", meal.foods.trim()) };
    format!("{day}{}{foods}", meal_word(word))
}

fn measure(measure: &str) -> &'static str {
    if measure == "keep" { "先行登记保存" } else { "查封扣押" }
}

fn action(action: &str) -> &'static str {
    match action.parse() {
        Ok(IncidentAction::TakeUp) => "接手处置",
        Ok(IncidentAction::ReportUp) => "上报",
        Ok(IncidentAction::Arrive) => "到达现场",
        Ok(IncidentAction::Supplement) => "补充",
        Ok(IncidentAction::ApproveKeeping) => "批准先行登记保存",
        Ok(IncidentAction::SettleKeeping) => "处理登记保存物品",
        Ok(IncidentAction::Extend) => "延长查封扣押",
        Ok(IncidentAction::Close) => "办结并解除",
        Err(()) => "报告",
    }
}

fn joined(words: impl Iterator<Item = &'static str>) -> String {
    words.collect::<Vec<_>>().join("、")
}

/// The report in words; its photos are added to what has to be read.
pub(super) async fn facts(conn: &mut Conn<'_>, row: &IncidentRow, wanted: &mut Vec<Wanted>) -> Result<IncidentFacts, StoreError> {
    let content = row.parsed()?;
    let samples = incidents::samples(conn, row).await?;
    let photos = evidence::of_inspection(conn, &row.id).await?;
    Ok(IncidentFacts {
        id: row.id.clone(),
        reported: chinese_time(row.happened_at),
        reported_by: row.reported_by_name.clone(),
        source: source(content.source).to_owned(),
        people: row.people,
        in_hospital: row.in_hospital.map(|number| number.to_string()).unwrap_or_default(),
        onset: content.onset_at.map(|at| chinese_time(at.0)).unwrap_or_default(),
        symptoms: joined(content.symptoms.iter().copied().map(symptom)),
        meal: content.meal.as_ref().map(meal).unwrap_or_default(),
        stops: content.stops.iter().copied().map(|one| stop(one).to_owned()).collect(),
        note: content.note.clone().unwrap_or_default(),
        goods: incidents::goods(conn, &row.id)
            .await?
            .into_iter()
            .map(|one| Goods {
                measure: measure(&one.measure).to_owned(),
                name: one.name,
                quantity: one.quantity,
                place: one.place,
                seal_number: one.seal_number.unwrap_or_default(),
            })
            .collect(),
        held_from: chinese_time(row.held_from),
        held_until: chinese_time(row.held_until),
        cameras: row.cameras,
        samples: samples
            .into_iter()
            .take(SAMPLES_MAX)
            .map(|one| SampleFacts {
                dish: one.dish,
                meal: meal_word(&one.meal).to_owned(),
                kept: chinese_time(one.kept_at),
                weight: one.weight_g.map(|weight| format!("{weight} g")).unwrap_or_default(),
            })
            .collect(),
        acts: work::history(conn, &row.id)
            .await?
            .into_iter()
            .map(|act| ActFacts {
                time: chinese_time(act.at),
                name: act.actor_name,
                what: action(&act.action).to_owned(),
                text: [act.reason, act.text].into_iter().flatten().collect::<Vec<_>>().join("；"),
            })
            .collect(),
        photos: photos
            .iter()
            .filter(|file| file.file_id.is_some() && printable(stored_type(file)))
            .take(PHOTOS_MAX)
            .map(|file| {
                let name = format!("photo-{}.{}", wanted.len() + 1, extension(stored_type(file)));
                wanted.push(Wanted { file: name.clone(), sha256: file.sha256.clone(), filetype: stored_type(file).to_owned(), width: 640 });
                let taken = file.taken_at.map(chinese_time).unwrap_or_default();
                Photo { evidence_id: file.id.clone(), file: name, sha256: file.sha256.clone(), taken, note: String::new() }
            })
            .collect(),
        content_sha256: row.content_sha256.clone(),
        closed: row.released_at.map(chinese_time).unwrap_or_default(),
        close_reason: row.release_reason.clone().unwrap_or_default(),
    })
}

/// A made-up report, for the page of layouts.
pub(super) fn sample(at_ms: i64) -> IncidentFacts {
    const HOUR_MS: i64 = 3_600_000;
    IncidentFacts {
        id: "01928f6e-0000-7000-8000-000000000120".to_owned(),
        reported: chinese_time(at_ms),
        reported_by: "李执法".to_owned(),
        source: source(IncidentSource::School).to_owned(),
        people: 12,
        in_hospital: "3".to_owned(),
        onset: chinese_time(at_ms - 2 * HOUR_MS),
        symptoms: joined([Symptom::Vomiting, Symptom::AbdominalPain].into_iter().map(symptom)),
        meal: format!("{}午餐：四季豆炒肉", chinese_date(at_ms)),
        stops: [Stop::Serving, Stop::SuspectedFood, Stop::Scene].map(|one| stop(one).to_owned()).to_vec(),
        note: "学生均为五年级。".to_owned(),
        goods: vec![Goods {
            measure: measure("seal").to_owned(),
            name: "四季豆炒肉".to_owned(),
            quantity: "3 kg".to_owned(),
            place: "备餐间冷柜".to_owned(),
            seal_number: "封0001".to_owned(),
        }],
        held_from: chinese_time(at_ms - 74 * HOUR_MS),
        held_until: chinese_time(at_ms + 24 * HOUR_MS),
        cameras: 4,
        samples: vec![SampleFacts {
            dish: "四季豆炒肉".to_owned(),
            meal: "午餐".to_owned(),
            kept: chinese_time(at_ms - 3 * HOUR_MS),
            weight: "130 g".to_owned(),
        }],
        acts: vec![ActFacts { time: chinese_time(at_ms), name: "李执法".to_owned(), what: "报告".to_owned(), text: String::new() }],
        photos: vec![Photo {
            evidence_id: "01928f6e-0000-7000-8000-000000000121".to_owned(),
            file: "photo-1.jpg".to_owned(),
            sha256: "e3b0c44298fc1c149afbf4c8996fb924".repeat(2),
            taken: chinese_time(at_ms),
            note: String::new(),
        }],
        content_sha256: "2c26b46b68ffc68ff99b453c1d304134".repeat(2),
        ..IncidentFacts::default()
    }
}
