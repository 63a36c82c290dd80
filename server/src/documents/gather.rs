//! Gathers what a paper says from what is stored: the premises, the inspection with the answers that count, who signed.

use mobile_api::inspection::{Answer, ItemResult, PartContent, QuickTest, SampleTaken, SignedBy, Visit};
use mobile_api::judge::judge;
use mobile_api::template::{Bilingual, Field, FieldKind, FieldValue, Item, TemplateBody};
use mobile_api::words;
use uuid::Uuid;

use super::data::{
    Facts, Officer, Order, Paper, PaperItem, PaperSection, Party, QuickTestPaper, RecusalFacts, SamplePaper, Scan, SignatureLine,
    VisitFacts,
};
use super::pictures::{self, Wanted, drawing, extension};
use super::words::{chinese_date, chinese_time, han_date};
use super::{Bureau, Kind};
use crate::auth::{Scope, Sealer};
use crate::domain::premises::PremisesKind;
use crate::inspected::Sent;
use crate::store::evidence::{self, EvidenceRow};
use crate::store::incidents::IncidentRow;
use crate::store::inspections::{self, InspectionRow};
use crate::store::premises::PremisesRow;
use crate::store::{Conn, StoreError, amendments, assignments, operators, organizations, settings, templates};

/// What a paper is about.
#[derive(Debug, Clone)]
pub struct Subject {
    /// As what it is issued.
    pub kind: Kind,
    /// Where.
    pub premises: PremisesRow,
    /// Of which inspection.
    pub inspection: Option<InspectionRow>,
    /// Of which report of suspected food poisoning.
    pub incident: Option<IncidentRow>,
    /// What the officer writes.
    pub text: String,
    /// Items that an order names, with what is asked; all that failed where there are none.
    pub requirements: Vec<(String, String)>,
    /// Of an order: working days given, and until when, ms UTC.
    pub order: Option<(i64, i64)>,
    /// The person who issues: the officer of a paper without an inspection.
    pub issuer: (String, String),
}

/// The paper without its number, and the pictures it names. `sealer` knows the marks of doors.
pub async fn gather(conn: &mut Conn<'_>, sealer: &Sealer, subject: &Subject, at_ms: i64) -> Result<(Paper, Vec<Wanted>), StoreError> {
    let bureau = bureau(conn, &subject.premises.path).await?;
    let mut wanted = Vec::new();
    let seal = match &bureau.seal_file_id {
        Some(id) => crate::store::files::get(conn, id).await?,
        None => None,
    };
    let seal = seal.map(|file| {
        let name = format!("seal.{}", extension(&file.filetype));
        wanted.push(Wanted { file: name.clone(), sha256: file.sha256, filetype: file.filetype, width: 640 });
        name
    });
    let mut paper = Paper {
        kind: subject.kind.as_str().to_owned(),
        title: subject.kind.title().to_owned(),
        bureau: bureau.name.clone(),
        office: subject.premises.organization_name.clone(),
        date: chinese_date(at_ms),
        date_han: han_date(at_ms),
        premises: party(conn, &subject.premises).await?,
        officers: vec![Officer { name: subject.issuer.0.clone(), certificate: subject.issuer.1.clone() }],
        order: subject.order.map(|(days, until_ms)| Order { days, until: chinese_date(until_ms) }),
        text: subject.text.clone(),
        seal,
        ..Paper::default()
    };
    if let Some(row) = &subject.inspection {
        inspected(conn, sealer, row, subject, &mut paper, &mut wanted).await?;
    }
    if let Some(row) = &subject.incident {
        paper.incident = Some(super::incident::facts(conn, row, &mut wanted).await?);
    }
    if subject.kind == Kind::Disclosure {
        paper = paper.unnamed();
        wanted.retain(|picture| picture.file.starts_with("seal"));
    }
    Ok((paper, wanted))
}

/// What the bureau says of itself; its district's name where it says none.
pub(crate) async fn bureau(conn: &mut Conn<'_>, premises_path: &str) -> Result<Bureau, StoreError> {
    let mut bureau: Bureau = settings::of_system(conn, Bureau::SETTING).await?.map(|(bureau, _)| bureau).unwrap_or_default();
    if bureau.name.trim().is_empty() {
        for id in premises_path.split('/').filter(|id| !id.is_empty()) {
            if let Some(node) = organizations::get(conn, &Scope::system(), id).await?
                && node.level == "district"
            {
                bureau.name = if node.name.ends_with('局') { node.name } else { format!("{}市场监督管理局", node.name) };
            }
        }
    }
    Ok(bureau)
}

/// In whose name papers are issued for a premises.
pub async fn bureau_name(conn: &mut Conn<'_>, premises_path: &str) -> Result<String, StoreError> {
    Ok(bureau(conn, premises_path).await?.name)
}

async fn party(conn: &mut Conn<'_>, premises: &PremisesRow) -> Result<Party, StoreError> {
    // Who runs it answers for it: a contractor before the owner, and never a supplier.
    let parts = operators::of_premises(conn, &premises.id).await?;
    let answering = parts.iter().find(|part| part.part == "contractor").or_else(|| parts.iter().find(|part| part.part == "own"));
    let everybody = operators::OperatorScope { scope: Scope::system(), unlinked: true };
    let operator = match answering {
        Some(part) => operators::get(conn, &everybody, &part.operator_id).await?,
        None => None,
    };
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    Ok(Party {
        name: premises.name.clone(),
        address: text(premises.address.as_ref()),
        kind: premises.kind.parse().map_or("", kind_word).to_owned(),
        operator: operator.as_ref().map(|operator| operator.name.clone()).unwrap_or_default(),
        credit_code: text(operator.as_ref().and_then(|operator| operator.credit_code.as_ref())),
        licence_number: text(operator.as_ref().and_then(|operator| operator.licence_number.as_ref())),
        contact: text(operator.as_ref().and_then(|operator| operator.contact_name.as_ref())),
        risk_grade: text(premises.risk_grade.as_ref()),
    })
}

async fn inspected(
    conn: &mut Conn<'_>,
    sealer: &Sealer,
    row: &InspectionRow,
    subject: &Subject,
    paper: &mut Paper,
    wanted: &mut Vec<Wanted>,
) -> Result<(), StoreError> {
    let template =
        templates::get(conn, &row.template_id).await?.ok_or_else(|| StoreError::damaged("an inspection without its template"))?;
    let (template_name, template_version, body) = (template.name()?, template.version, template.body()?);
    let sent = Sent::of(conn, row).await?;
    let answers = amendments::applied(conn, &row.id, sent.answers()).await?;
    let Sent { contents, submission, .. } = sent;
    let judged = judge(&body, &answers);
    let files = evidence::of_inspection(conn, &row.id).await?;
    let approval = match &row.assignment_id {
        Some(id) => assignments::for_work(conn, id).await?.and_then(|assignment| assignment.approval_number),
        None => None,
    };
    paper.officers = inspections::officers(conn, std::slice::from_ref(&row.id))
        .await?
        .into_iter()
        .map(|(_, _, name, certificate)| Officer { name, certificate: certificate.unwrap_or_default() })
        .collect();
    let mut shown: Vec<String> =
        contents.iter().flat_map(|(_, content)| &content.signatures).map(|signature| signature.shown_sha256.clone()).collect();
    shown.sort();
    shown.dedup();
    paper.inspection = Some(Facts {
        id: row.id.clone(),
        kind: words::kind(assignments::kind_of(&row.kind)?).to_owned(),
        template: format!("{}（第{}版）", template_name.zh, template_version),
        approval_number: approval.unwrap_or_default(),
        started: chinese_time(row.happened_at),
        // The phone's word, put right by as much as its clock was off at the beginning.
        ended: submission
            .as_ref()
            .map(|submission| chinese_time(submission.submitted_at.0.saturating_sub(row.clock_off_ms.unwrap_or(0))))
            .unwrap_or_default(),
        outcome: words::outcome(judged.outcome).to_owned(),
        score: judged.score.map(|score| format!("{score:.1}")).unwrap_or_default(),
        grade: words::grade(judged.grade).to_owned(),
        summary: words::summary(&judged),
        submission_sha256: row.submission_sha256.clone().unwrap_or_default(),
        shown_sha256: shown,
        drawn_sha256: row.drawn_sha256.clone().unwrap_or_default(),
        drawn_differs: row.drawn_differs,
        drawn_number: row.drawn_number.clone().unwrap_or_default(),
    });
    paper.sections = body
        .sections
        .iter()
        .map(|section| PaperSection {
            name: section.name.zh.clone(),
            items: section.items.iter().map(|item| paper_item(item, answer_to(&answers, item))).collect(),
        })
        .collect();
    paper.items = named_items(&body, &answers, subject);
    pictures::of_items(&mut paper.items, &files, wanted);
    paper.recordings = pictures::recordings(&contents, &files);
    paper.samples = contents.iter().flat_map(|(_, content)| &content.samples).map(|one| sampled(one, &files, wanted)).collect();
    paper.quick_tests = contents.iter().flat_map(|(_, content)| &content.quick_tests).map(tested).collect();
    paper.visit = Some(visit(row, sealer, &contents, &files, wanted));
    paper.signatures = signatures(&contents, &files, wanted);
    Ok(())
}

fn answer_to<'a>(answers: &'a [Answer], item: &Item) -> Option<&'a Answer> {
    answers.iter().find(|answer| answer.item_code == item.code)
}

fn paper_item(item: &Item, answer: Option<&Answer>) -> PaperItem {
    let words = |text: Option<&String>| text.map(|text| text.trim()).filter(|text| !text.is_empty()).unwrap_or_default().to_owned();
    let remark = answer.map(|answer| words(answer.remark.as_ref().or(answer.reason.as_ref()))).unwrap_or_default();
    let noted = answer.map(|answer| noted(item, answer, false)).unwrap_or_default();
    let remark = [noted, remark].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("；");
    let corrected = answer.is_some_and(|answer| answer.result == Some(ItemResult::Fails) && answer.corrected_on_spot == Some(true));
    let unit = item.number.as_ref().map(|number| number.unit.clone()).unwrap_or_default();
    PaperItem {
        code: item.code.clone(),
        key: item.key,
        text: item.text.zh.clone(),
        result: answer.map_or("未检查", |answer| answer.result.map_or("已记录", words::result)).to_owned(),
        number: answer.and_then(|answer| answer.number).map(|number| format!("{number} {unit}").trim().to_owned()).unwrap_or_default(),
        remark: if corrected {
            [remark, "已当场改正".to_owned()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("；")
        } else {
            remark
        },
        basis: item.basis.split(" · ").next().unwrap_or_default().to_owned(),
        requirement: String::new(),
        photos: Vec::new(),
    }
}

/// The fields of an item as they read: 中心温度：72 °C；品名：红烧肉.
pub(crate) fn noted(item: &Item, answer: &Answer, english: bool) -> String {
    let say = |text: &Bilingual| if english { text.en.clone() } else { text.zh.clone() };
    let (colon, comma, stop) = if english { (": ", ", ", "; ") } else { ("：", "、", "；") };
    let read = |field: &Field, value: &FieldValue| -> Option<String> {
        let label = |code: &String| {
            let choice = field.kind.choices().iter().find(|choice| choice.code == *code);
            choice.map_or_else(|| code.clone(), |choice| say(&choice.label))
        };
        Some(match (&field.kind, value) {
            (FieldKind::Number { unit, .. }, FieldValue::Number(number)) => format!("{number} {unit}").trim().to_owned(),
            (FieldKind::Text { .. }, FieldValue::Text(text)) => text.trim().to_owned(),
            (FieldKind::One { .. }, FieldValue::Text(code)) => label(code),
            (FieldKind::Many { .. }, FieldValue::Many(codes)) => codes.iter().map(label).collect::<Vec<_>>().join(comma),
            (FieldKind::Signature {}, FieldValue::Text(_)) => if english { "signed" } else { "已签名" }.to_owned(),
            _ => return None,
        })
    };
    let given = item.fields.iter().filter_map(|field| {
        let value = read(field, answer.values.get(&field.code)?)?;
        Some(format!("{}{colon}{value}", say(&field.label)))
    });
    given.collect::<Vec<_>>().join(stop)
}

/// What failed, or what an order names of it.
fn named_items(body: &TemplateBody, answers: &[Answer], subject: &Subject) -> Vec<PaperItem> {
    let named = |item: &Item| subject.requirements.iter().find(|(code, _)| *code == item.code).map(|(_, requirement)| requirement.clone());
    body.items()
        .filter_map(|item| {
            let answer = answer_to(answers, item)?;
            let requirement = if subject.requirements.is_empty() { Some(String::new()) } else { named(item) };
            if answer.result != Some(ItemResult::Fails) {
                return None;
            }
            Some(PaperItem { requirement: requirement?, ..paper_item(item, Some(answer)) })
        })
        .collect()
}

fn signatures(contents: &[(Uuid, PartContent)], files: &[EvidenceRow], wanted: &mut Vec<Wanted>) -> Vec<SignatureLine> {
    let given = contents.iter().flat_map(|(_, content)| &content.signatures);
    given
        .map(|signature| {
            let file = signature.evidence_id.and_then(|id| drawing(id, files, wanted));
            SignatureLine {
                by: match signature.by {
                    SignedBy::Officer => "officer",
                    SignedBy::Premises => "premises",
                    SignedBy::Witness => "witness",
                }
                .to_owned(),
                name: signature.name.clone(),
                file,
                refused: signature.refused,
                left: signature.left,
                reason: signature.reason.clone().unwrap_or_default(),
                shown_sha256: signature.shown_sha256.clone(),
            }
        })
        .collect()
}

fn sampled(one: &SampleTaken, files: &[EvidenceRow], wanted: &mut Vec<Wanted>) -> SamplePaper {
    SamplePaper {
        number: one.number.clone(),
        name: one.name.clone(),
        batch: one.batch.clone().unwrap_or_default(),
        quantity: one.quantity.clone(),
        place: one.place.clone().unwrap_or_default(),
        sealed: words::sealed(one.sealed).to_owned(),
        taken: chinese_time(one.taken_at.0),
        representative: one.representative.as_ref().map(|signed| signed.name.clone()).unwrap_or_default(),
        file: one.representative.as_ref().and_then(|signed| drawing(signed.evidence_id, files, wanted)),
    }
}

fn tested(one: &QuickTest) -> QuickTestPaper {
    QuickTestPaper {
        item: one.item.clone(),
        food: one.food.clone(),
        method: one.method.clone(),
        kit: words::kit(one).unwrap_or_default(),
        reading: words::reading(one).unwrap_or_default(),
        limit: one.limit.clone().unwrap_or_default(),
        result: words::quick_test(one.result).to_owned(),
        tested: chinese_time(one.tested_at.0),
    }
}

/// What was recorded at the door, and nothing that was not.
fn visit(
    row: &InspectionRow,
    sealer: &Sealer,
    contents: &[(Uuid, PartContent)],
    files: &[EvidenceRow],
    wanted: &mut Vec<Wanted>,
) -> VisitFacts {
    let joined = Visit::joined(contents.iter().filter_map(|(_, content)| content.visit.as_ref()));
    let mark = sealer.door_mark(&row.premises_id);
    let scan = |scan: mobile_api::inspection::DoorScan| Scan {
        time: chinese_time(scan.device_time.0),
        right: scan.premises_id.to_string() == row.premises_id && scan.mark == mark,
    };
    VisitFacts {
        opened: joined.opened.map(scan),
        closed: joined.closed.map(scan),
        second_officer_reason: joined.unmet.second_officer.unwrap_or_default(),
        certificates_reason: joined.unmet.certificates.unwrap_or_default(),
        recusal_reason: joined.unmet.recusal.unwrap_or_default(),
        certificates_shown: joined.certificates_shown_at.map(|at| chinese_time(at.0)).unwrap_or_default(),
        recusal: joined.recusal.map(|recusal| RecusalFacts {
            asked: chinese_time(recusal.asked_at.0),
            requested: recusal.requested,
            reason: recusal.reason.unwrap_or_default(),
            name: recusal.name,
            file: drawing(recusal.evidence_id, files, wanted),
        }),
    }
}

/// The kind of a premises in words.
pub(crate) fn kind_word(kind: PremisesKind) -> &'static str {
    match kind {
        PremisesKind::SchoolCanteen => "学校食堂",
        PremisesKind::KindergartenCanteen => "幼儿园食堂",
        PremisesKind::CentralKitchen => "中央厨房",
        PremisesKind::CollectiveMealSupplier => "集体用餐配送单位",
        PremisesKind::CampusShop => "校园小卖部",
        PremisesKind::StaffCanteen => "单位食堂",
        PremisesKind::Other => "其他",
    }
}
