//! The paper that a phone draws on site, without a network: what is shown to those who sign, and what their signatures cover.
//!
//! A paper is a document of texts ([`Drawn`]); the page on the glass is a plain rendering of it, and its hash (RFC 8785, SHA-256) is
//! what is signed. It is drawn from the header, the answers that count, the evidence and the visit, all of which are sent, and
//! from a frame ([`PaperFrame`]): names and wording as the phone had them, which is sent too. So the server draws it again and
//! says whether what was signed is what was sent. The phone has the same in TypeScript; `vectors/paper.json` holds both to it.
//!
//! Going is not on it (it comes after signing), nor are the signatures themselves.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::asked::{asked, is_given};
use crate::field::Faults;
use crate::inspection::originals::{Originals, Standing};
use crate::inspection::{Answer, Evidence, EvidenceKind, Header, ItemResult, QuickTest, SampleTaken, Visit};
use crate::judge::{Judgement, judge};
use crate::limits::{CODE_BYTES_MAX, NAME_CHARS_MAX, OFFICERS_MAX, TEXT_CHARS_MAX};
use crate::template::{Field, FieldKind, FieldValue, Item, TemplateBody};
use crate::{Moment, canonical, words};

/// How the document is laid out; another layout has another name.
pub const FORM: &str = "bright-kitchen/paper/1";

/// What a paper needs beside what was gathered, as the phone had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaperFrame {
    /// When it was drawn, by the phone's clock.
    pub drawn_at: Moment,
    /// In whose name.
    pub bureau: String,
    /// As printed on top.
    pub title: String,
    /// What the premises confirms by its signature.
    pub statement: String,
    /// Where.
    pub premises: FramePremises,
    /// In the order of the header.
    pub officers: Vec<FrameOfficer>,
    /// Name of the checklist.
    pub template_name: String,
    /// Its version.
    pub template_version: u32,
    /// Of a block that the phone holds; none where it holds none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<FrameNumber>,
}

/// A premises as the phone had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FramePremises {
    /// As shown.
    pub name: String,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Who runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
}

/// An officer as the phone had them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameOfficer {
    /// As in the header.
    pub id: Uuid,
    /// In print.
    pub name: String,
    /// 执法证号
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// A number of the register that the phone had reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameNumber {
    /// Whose register.
    pub office_id: Uuid,
    /// Of the register.
    pub year: i64,
    /// In it.
    pub number: i64,
    /// As printed.
    pub text: String,
}

/// Everything a paper is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Gathered<'a> {
    /// Made on the phone.
    pub inspection_id: Uuid,
    /// As sent.
    pub header: &'a Header,
    /// The version that the header names.
    pub template: &'a TemplateBody,
    /// The answers that count, in whatever order.
    pub answers: &'a [Answer],
    /// Of all parts, in the order in which the lead names them.
    pub evidence: &'a [&'a Evidence],
    /// Of all parts.
    pub visit: &'a Visit,
    /// Of all parts, in the same order.
    pub samples: &'a [&'a SampleTaken],
    /// Of all parts, in the same order.
    pub quick_tests: &'a [&'a QuickTest],
}

/// The document. Everything in it is shown, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drawn {
    /// [`FORM`].
    pub form: String,
    /// Made on the phone.
    pub inspection_id: Uuid,
    /// In whose name.
    pub bureau: String,
    /// As printed on top.
    pub title: String,
    /// As printed; none where the phone held no number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Pairs of name and value.
    pub facts: Vec<[String; 2]>,
    /// What was done at the door, and what was not.
    pub visit: Vec<String>,
    /// The checklist with its answers.
    pub sections: Vec<DrawnSection>,
    /// Samples and quick tests, one line each; left out where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sampling: Vec<String>,
    /// What came of it.
    pub result: DrawnResult,
    /// What the premises confirms by its signature.
    pub statement: String,
}

/// Items that belong together; sections without an answer are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DrawnSection {
    /// As printed.
    pub name: String,
    /// Those that were answered.
    pub items: Vec<DrawnItem>,
}

/// An item with what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DrawnItem {
    /// Of the template.
    pub code: String,
    /// 重点项目
    pub key: bool,
    /// As printed.
    pub text: String,
    /// 符合, 不符合, 合理缺项, 已记录
    pub result: String,
    /// Figures, fields, what was found, and why.
    pub notes: Vec<String>,
    /// SHA-256 of its photos as taken.
    pub photos: Vec<String>,
}

/// The result with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DrawnResult {
    /// 符合, 基本符合, 不符合
    pub outcome: String,
    /// Of 100, one decimal; empty where there is none.
    pub score: String,
    /// 优秀, 良好, 一般; empty where there is none.
    pub grade: String,
    /// The sentence of the record.
    pub summary: String,
    /// Why, and what follows for each failed item.
    pub reasons: Vec<String>,
}

impl Drawn {
    /// What is signed.
    pub fn sha256(&self) -> String {
        // Texts and truth values only: they can always be written.
        serde_json::to_value(self).map(|value| canonical::sha256_hex(&value)).unwrap_or_default()
    }
}

/// Draws the paper.
pub fn draw(frame: &PaperFrame, from: Gathered<'_>) -> Drawn {
    let judged = judge(from.template, from.answers);
    Drawn {
        form: FORM.to_owned(),
        inspection_id: from.inspection_id,
        bureau: frame.bureau.clone(),
        title: frame.title.clone(),
        number: frame.number.as_ref().map(|number| number.text.clone()),
        facts: facts(frame, from.header),
        visit: visit(from.visit),
        sections: sections(from),
        sampling: sampling(from),
        result: DrawnResult {
            outcome: words::outcome(judged.outcome).to_owned(),
            score: judged.score.map(|score| format!("{score:.1}")).unwrap_or_default(),
            grade: words::grade(judged.grade).to_owned(),
            summary: words::summary(&judged),
            reasons: reasons(&judged, from.template),
        },
        statement: frame.statement.clone(),
    }
}

fn facts(frame: &PaperFrame, header: &Header) -> Vec<[String; 2]> {
    let officers = frame.officers.iter().map(|officer| match officer.certificate.as_deref() {
        Some(certificate) if !certificate.is_empty() => format!("{}（执法证号：{certificate}）", officer.name),
        _ => officer.name.clone(),
    });
    let given = |text: Option<&String>| text.cloned().unwrap_or_default();
    [
        ("被检查单位", frame.premises.name.clone()),
        ("经营主体", given(frame.premises.operator.as_ref())),
        ("地址", given(frame.premises.address.as_ref())),
        ("检查类型", words::kind(header.kind).to_owned()),
        ("检查表", format!("{}（第{}版）", frame.template_name, frame.template_version)),
        ("检查人员", officers.collect::<Vec<_>>().join("、")),
        ("开始时间", words::time(header.started_at)),
        ("制作时间", words::time(frame.drawn_at)),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| [name.to_owned(), value])
    .collect()
}

fn visit(visit: &Visit) -> Vec<String> {
    let without = |what: &str, reason: &Option<String>| match reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) => format!("{what}，理由：{reason}。"),
        None => format!("{what}。"),
    };
    let mut lines = vec![
        visit
            .opened
            .as_ref()
            .map_or_else(|| "未扫描场所码记录到场。".to_owned(), |scan| format!("{} 扫描场所码到场。", words::time(scan.device_time))),
        visit.certificates_shown_at.map_or_else(
            || without("未记录出示执法证件", &visit.unmet.certificates),
            |at| format!("{} 向被检查单位出示执法证件。", words::time(at)),
        ),
        visit.recusal.as_ref().map_or_else(
            || without("未记录告知申请回避的权利", &visit.unmet.recusal),
            |recusal| {
                let answer = match &recusal.reason {
                    Some(reason) if recusal.requested => format!("申请回避（{reason}）"),
                    _ if recusal.requested => "申请回避".to_owned(),
                    _ => "不申请回避".to_owned(),
                };
                format!("{} 告知有权申请检查人员回避，{}答复：{answer}。", words::time(recusal.asked_at), recusal.name)
            },
        ),
    ];
    if visit.unmet.second_officer.as_deref().is_some_and(|reason| !reason.trim().is_empty()) {
        lines.push(without("执法人员不足两名", &visit.unmet.second_officer));
    }
    lines
}

fn sections(from: Gathered<'_>) -> Vec<DrawnSection> {
    let mut asked = asked(from.template, from.answers).into_iter();
    let originals = Originals::of(from.template, from.evidence.iter().copied());
    let mut drawn = Vec::new();
    for section in &from.template.sections {
        let mut items = Vec::new();
        for item in &section.items {
            let Some(asked) = asked.next() else { continue };
            // Of two answers to one item the last decides, as in the judgement.
            let Some(answer) = from.answers.iter().rev().find(|answer| answer.item_code == item.code) else { continue };
            let shown: Vec<bool> = asked.fields.iter().map(|field| field.shown).collect();
            let said = if item.question { touched(answer) } else { answer.result.is_some() };
            if asked.shown && said {
                items.push(drawn_item(item, answer, &shown, from.evidence, &originals));
            }
        }
        if !items.is_empty() {
            drawn.push(DrawnSection { name: section.name.zh.clone(), items });
        }
    }
    drawn
}

fn sampling(from: Gathered<'_>) -> Vec<String> {
    let samples = from.samples.iter().map(|one| {
        let mut said = vec![format!("抽样 {}：{}", one.number, one.name)];
        said.extend(words::given(&one.batch).map(|batch| format!("批号 {batch}")));
        said.push(format!("数量 {}", one.quantity));
        said.extend(words::given(&one.place).map(|place| format!("抽样地点 {place}")));
        said.push(words::sealed(one.sealed).to_owned());
        said.push(format!("{} 抽取", words::time(one.taken_at)));
        said.join("，") + "。"
    });
    let tests = from.quick_tests.iter().map(|one| {
        let mut said = vec![format!("快检 {}：{}（{}）", one.food, one.item, one.method)];
        said.extend(words::kit(one).map(|kit| format!("试剂 {kit}")));
        said.extend(words::reading(one).map(|reading| format!("读数 {reading}")));
        said.extend(words::given(&one.limit).map(|limit| format!("限值 {limit}")));
        said.push(words::quick_test(one.result).to_owned());
        said.push(format!("{} 检测", words::time(one.tested_at)));
        said.join("，") + "。"
    });
    samples.chain(tests).collect()
}

/// Whether a plain question is answered.
fn touched(answer: &Answer) -> bool {
    answer.number.is_some()
        || answer.values.values().any(is_given)
        || !answer.evidence_ids.is_empty()
        || answer.remark.as_deref().is_some_and(|remark| !remark.trim().is_empty())
}

fn drawn_item(item: &Item, answer: &Answer, shown: &[bool], evidence: &[&Evidence], originals: &Originals<'_>) -> DrawnItem {
    let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let mut notes = Vec::new();
    if let Some(number) = answer.number {
        let unit = item.number.as_ref().map(|number| number.unit.as_str()).unwrap_or_default();
        notes.push(words::measured(number, unit));
    }
    for (field, shown) in item.fields.iter().zip(shown) {
        if let Some(value) = answer.values.get(&field.code).filter(|value| *shown && is_given(value)) {
            notes.push(format!("{}：{}", field.label.zh, read(field, value)));
        }
    }
    let fails = answer.result == Some(ItemResult::Fails);
    if let Some(remark) = said(&answer.remark) {
        notes.push(if fails { format!("现场发现：{remark}") } else { remark });
    }
    let reason = said(&answer.reason);
    match answer.result {
        Some(ItemResult::Fails) => {
            let affects = match answer.affects_safety {
                Some(true) => "影响食品安全",
                Some(false) => "不影响食品安全",
                None => "未说明是否影响食品安全",
            };
            notes.push(reason.map_or_else(|| affects.to_owned(), |reason| format!("{affects}：{reason}")));
            if answer.corrected_on_spot == Some(true) {
                notes.push("已当场改正".to_owned());
            }
        }
        Some(ItemResult::NotApplicable) => notes.extend(reason.map(|reason| format!("理由：{reason}"))),
        _ => {}
    }
    let taken = |one: &&&Evidence| one.kind == EvidenceKind::Photo && one.derived.is_none() && one.item_code.as_deref() == Some(&item.code);
    let photos: Vec<&&Evidence> = evidence.iter().filter(taken).collect();
    let withheld = photos.iter().filter(|one| originals.standing(one) == Standing::Withheld).count();
    if withheld > 0 {
        notes.push(words::withheld(withheld));
    }
    let clips = evidence.iter().filter(|one| one.item_code.as_deref() == Some(&item.code));
    notes.extend(
        clips.filter_map(|one| Some(words::clip(one.kind, one.duration_ms.filter(|_| one.kind.duration_ms_max().is_some())?, &one.sha256))),
    );
    DrawnItem {
        code: item.code.clone(),
        key: item.key,
        text: item.text.zh.clone(),
        result: answer.result.map_or("已记录", words::result).to_owned(),
        notes,
        photos: photos.into_iter().map(|one| one.sha256.clone()).collect(),
    }
}

/// A value as it reads.
fn read(field: &Field, value: &FieldValue) -> String {
    let label = |code: &String| {
        let choice = field.kind.choices().iter().find(|choice| choice.code == *code);
        choice.map_or_else(|| code.clone(), |choice| choice.label.zh.clone())
    };
    match (&field.kind, value) {
        (FieldKind::Number { unit, .. }, FieldValue::Number(number)) => words::measured(*number, unit),
        (FieldKind::Signature {}, _) => "已签名".to_owned(),
        (FieldKind::One { .. }, FieldValue::Text(code)) => label(code),
        (_, FieldValue::Number(number)) => words::measured(*number, ""),
        (_, FieldValue::Text(text)) => text.clone(),
        (_, FieldValue::Many(codes)) => codes.iter().map(label).collect::<Vec<_>>().join("、"),
    }
}

fn reasons(judged: &Judgement, template: &TemplateBody) -> Vec<String> {
    let (key, general, limit) = (judged.key_failed.len(), judged.general_failed.len(), template.rule.general_limit);
    let why = if key > 0 {
        format!("重点项目有{key}项不符合（{}），检查结果为不符合。", judged.key_failed.join("、"))
    } else if judged.outcome == crate::judge::Outcome::DoesNotConform {
        format!("一般项目有{general}项不符合，超过{limit}项，检查结果为不符合。")
    } else if general > 0 {
        format!("一般项目有{general}项不符合，未超过{limit}项，检查结果为基本符合。")
    } else {
        "所查项目未发现不符合项，检查结果为符合。".to_owned()
    };
    let follows = judged.consequences.iter().map(|one| format!("{}：{}。", one.item_code, words::consequence(one.consequence)));
    std::iter::once(why).chain(follows).collect()
}

/// Notes what is wrong with a frame.
pub(crate) fn check(faults: &mut Faults, frame: &PaperFrame) {
    faults.optional_text("bureau", Some(&frame.bureau), NAME_CHARS_MAX);
    faults.text("title", &frame.title, NAME_CHARS_MAX);
    faults.optional_text("statement", Some(&frame.statement), TEXT_CHARS_MAX);
    faults.within("premises", |faults| {
        faults.text("name", &frame.premises.name, NAME_CHARS_MAX);
        faults.optional_text("address", frame.premises.address.as_deref(), TEXT_CHARS_MAX);
        faults.optional_text("operator", frame.premises.operator.as_deref(), NAME_CHARS_MAX);
    });
    faults.count("officers", frame.officers.len(), OFFICERS_MAX);
    for (index, officer) in frame.officers.iter().enumerate().take(OFFICERS_MAX) {
        faults.within("officers", |faults| {
            faults.within(index, |faults| {
                faults.text("name", &officer.name, NAME_CHARS_MAX);
                faults.optional_text("certificate", officer.certificate.as_deref(), NAME_CHARS_MAX);
            });
        });
    }
    faults.text("template_name", &frame.template_name, NAME_CHARS_MAX);
    if let Some(number) = &frame.number {
        faults.within("number", |faults| {
            faults.text("text", &number.text, CODE_BYTES_MAX);
            if !(2_000..=2_200).contains(&number.year) {
                faults.note_at("year", "out_of_range", "2000 to 2200");
            }
            if !(1..=1_000_000).contains(&number.number) {
                faults.note_at("number", "out_of_range", "1 to 1000000");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        templates: std::collections::BTreeMap<String, TemplateBody>,
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        name: String,
        template: String,
        inspection_id: Uuid,
        header: Header,
        frame: PaperFrame,
        answers: Vec<Answer>,
        evidence: Vec<Evidence>,
        visit: Visit,
        #[serde(default)]
        samples: Vec<SampleTaken>,
        #[serde(default)]
        quick_tests: Vec<QuickTest>,
        expected: serde_json::Value,
        sha256: String,
    }

    #[test]
    fn papers_are_those_of_the_vectors() {
        let vectors: Vectors = serde_json::from_str(include_str!("../vectors/paper.json")).expect("vectors");
        for case in vectors.cases {
            let evidence: Vec<&Evidence> = case.evidence.iter().collect();
            let samples: Vec<&SampleTaken> = case.samples.iter().collect();
            let quick_tests: Vec<&QuickTest> = case.quick_tests.iter().collect();
            let from = Gathered {
                inspection_id: case.inspection_id,
                header: &case.header,
                template: &vectors.templates[&case.template],
                answers: &case.answers,
                evidence: &evidence,
                visit: &case.visit,
                samples: &samples,
                quick_tests: &quick_tests,
            };
            let drawn = draw(&case.frame, from);
            assert_eq!(serde_json::to_value(&drawn).expect("writes"), case.expected, "{}", case.name);
            assert_eq!(drawn.sha256(), case.sha256, "{}", case.name);
        }
    }
}
