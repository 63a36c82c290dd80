//! What a layout is given: the terms of the field as JSON, read in a layout by `json("data.json")`.
//!
//! Words that are printed are put in Chinese here, so that layouts hold places and no rules. Pictures are named by the file
//! the layout opens and by the hash of the file as taken.

use serde::Serialize;

/// One paper, whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Paper {
    /// As in [`super::Kind`].
    pub kind: String,
    /// As printed on top.
    pub title: String,
    /// 明市监责改〔2026〕12号
    pub number: String,
    /// In whose name.
    pub bureau: String,
    /// The office that does the work.
    pub office: String,
    /// 2026年11月24日
    pub date: String,
    /// 二〇二六年十一月二十四日
    pub date_han: String,
    /// Who is inspected.
    pub premises: Party,
    /// What was inspected.
    pub inspection: Option<Facts>,
    /// What was recorded at the door; `None` where the paper is of no inspection.
    pub visit: Option<VisitFacts>,
    /// The lead first.
    pub officers: Vec<Officer>,
    /// The checklist with its answers.
    pub sections: Vec<PaperSection>,
    /// What failed; of an order, its items.
    pub items: Vec<PaperItem>,
    /// Of an order.
    pub order: Option<Order>,
    /// Samples that were taken.
    pub samples: Vec<SamplePaper>,
    /// Quick tests with their readings.
    pub quick_tests: Vec<QuickTestPaper>,
    /// Videos and sound recordings, which paper can only name.
    pub recordings: Vec<Recording>,
    /// Of a report of suspected food poisoning.
    pub incident: Option<IncidentFacts>,
    /// What the officer wrote for this paper.
    pub text: String,
    /// Who signed, or refused to.
    pub signatures: Vec<SignatureLine>,
    /// The seal's picture; `None` where the bureau has given none.
    pub seal: Option<String>,
    /// Not issued: a layout prints it across the page.
    pub preview: bool,
}

impl Paper {
    /// As it may be shown in public: nobody is named, and nothing that somebody wrote or photographed is in it.
    pub(super) fn unnamed(mut self) -> Self {
        self.officers.clear();
        self.samples.clear();
        self.quick_tests.clear();
        self.recordings.clear();
        self.visit = None;
        self.signatures.clear();
        self.sections.clear();
        self.premises.contact.clear();
        for item in &mut self.items {
            item.photos.clear();
            item.remark.clear();
        }
        self
    }
}

/// Who is inspected.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns of premises and operators")]
pub struct Party {
    pub name: String,
    pub address: String,
    pub kind: String,
    pub operator: String,
    pub credit_code: String,
    pub licence_number: String,
    pub contact: String,
    pub risk_grade: String,
}

/// An inspection in words.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Facts {
    /// Its id, for finding it again.
    pub id: String,
    /// 日常检查, ...
    pub kind: String,
    /// The checklist and its version.
    pub template: String,
    /// Of the order to inspect; empty where there is none.
    pub approval_number: String,
    /// 2026年11月24日14时05分, by the phone's clock
    pub started: String,
    /// The same.
    pub ended: String,
    /// 符合, 基本符合, 不符合
    pub outcome: String,
    /// 0 to 100, one decimal; empty where there is none.
    pub score: String,
    /// 优秀, 良好, 一般; empty where there is none.
    pub grade: String,
    /// The sentence of the record.
    pub summary: String,
    /// Canonical hash of what was submitted.
    pub submission_sha256: String,
    /// What each signer was shown, by hash, each once.
    pub shown_sha256: Vec<String>,
    /// Of the paper that the phone drew, as drawn again from what was sent; empty where it drew none.
    pub drawn_sha256: String,
    /// What somebody signed was not that paper.
    pub drawn_differs: bool,
    /// The number on it; empty where it had none.
    pub drawn_number: String,
}

/// What was recorded of coming, certificates, recusal and going. What is empty was not recorded, and a paper must say so.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct VisitFacts {
    /// The code at the door, on coming.
    pub opened: Option<Scan>,
    /// The code at the door, on going.
    pub closed: Option<Scan>,
    /// When certificates were shown, 2026年11月24日14时05分; empty where that was not recorded.
    pub certificates_shown: String,
    /// Recusal, asked and answered.
    pub recusal: Option<RecusalFacts>,
    /// Why there were fewer than two officers; empty where nobody said.
    pub second_officer_reason: String,
    /// Why certificates were not shown.
    pub certificates_reason: String,
    /// Why recusal was not asked about.
    pub recusal_reason: String,
}

/// A scan of the code at the door.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Scan {
    /// 2026年11月24日14时05分, by the phone's clock
    pub time: String,
    /// The code was this installation's for this premises.
    pub right: bool,
}

/// What the premises was told of recusal, and said.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RecusalFacts {
    /// When it was asked.
    pub asked: String,
    /// An officer is asked to stand back.
    pub requested: bool,
    /// Who, and why.
    pub reason: String,
    /// Who answered.
    pub name: String,
    /// Their signature, what the layout opens; `None` where it has not arrived.
    pub file: Option<String>,
}

/// An officer as printed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Officer {
    /// In print.
    pub name: String,
    /// 执法证号
    pub certificate: String,
}

/// Items that belong together.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PaperSection {
    /// As printed.
    pub name: String,
    /// In order.
    pub items: Vec<PaperItem>,
}

/// An item with what was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PaperItem {
    /// Of the template.
    pub code: String,
    /// 重点项目
    pub key: bool,
    /// As printed.
    pub text: String,
    /// 符合, 不符合, 合理缺项, 未检查
    pub result: String,
    /// The figure with its unit.
    pub number: String,
    /// What was found, in words.
    pub remark: String,
    /// What it stands on.
    pub basis: String,
    /// Of an order: what is asked.
    pub requirement: String,
    /// Pictures of it.
    pub photos: Vec<Photo>,
}

/// A picture.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Photo {
    /// Of the inspection.
    pub evidence_id: String,
    /// What the layout opens.
    pub file: String,
    /// Of the file as taken.
    pub sha256: String,
    /// When, by the phone's clock.
    pub taken: String,
    /// What of it is printed where that is not the file as taken, and why; else empty.
    pub note: String,
}

/// A video or a sound recording as taken.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Recording {
    /// Of the item it shows; empty where it shows none.
    pub item_code: String,
    /// 录像 or 录音
    pub kind: String,
    /// When, by the phone's clock.
    pub taken: String,
    /// How long, by the phone's word.
    pub seconds: Option<u64>,
    /// Of the file as taken.
    pub sha256: String,
    /// Why it is not at the bureau, where it is not; else empty.
    pub note: String,
}

/// Of an order.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Order {
    /// Working days given.
    pub days: i64,
    /// Until when, 2026年11月27日.
    pub until: String,
}

/// A signature, or its refusal.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SignatureLine {
    /// officer, premises or witness
    pub by: String,
    /// In print.
    pub name: String,
    /// What the layout opens; `None` where refused or not yet arrived.
    pub file: Option<String>,
    /// Refused to sign, or left.
    pub refused: bool,
    /// Left before there was anything to sign.
    pub left: bool,
    /// Why, as said.
    pub reason: String,
    /// Canonical hash of what was shown to who signed.
    pub shown_sha256: String,
}

/// A report of suspected food poisoning in words. What is not known is empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct IncidentFacts {
    /// Its id, for finding it again.
    pub id: String,
    /// 2026年11月24日14时05分, as far as the device's clock can be believed.
    pub reported: String,
    /// Who.
    pub reported_by: String,
    /// How it became known.
    pub source: String,
    /// Persons with symptoms, as known at the issue.
    pub people: i64,
    /// Of them in hospital.
    pub in_hospital: String,
    /// When the first fell ill.
    pub onset: String,
    /// 呕吐、腹痛
    pub symptoms: String,
    /// 2026年11月23日午餐：四季豆炒肉
    pub meal: String,
    /// What was ordered to stop, one each.
    pub stops: Vec<String>,
    /// As written.
    pub note: String,
    /// What is sealed or kept.
    pub goods: Vec<Goods>,
    /// From when, and until when recordings and samples are held.
    pub held_from: String,
    /// The same.
    pub held_until: String,
    /// Cameras whose recordings are held.
    pub cameras: i64,
    /// Retained samples that are held.
    pub samples: Vec<SampleFacts>,
    /// What was done since, one line each.
    pub acts: Vec<ActFacts>,
    /// Photos of the report.
    pub photos: Vec<Photo>,
    /// Canonical hash of the report as it was made.
    pub content_sha256: String,
    /// When it was ended, and why; empty while it stands.
    pub closed: String,
    /// The same.
    pub close_reason: String,
}

/// Food that is sealed or kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Goods {
    /// 查封扣押 or 先行登记保存
    pub measure: String,
    /// What.
    pub name: String,
    /// How much, with its unit.
    pub quantity: String,
    /// Where.
    pub place: String,
    /// On the seal.
    pub seal_number: String,
}

/// A retained sample.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SampleFacts {
    /// What.
    pub dish: String,
    /// 早餐, 午餐, ...
    pub meal: String,
    /// When it was kept.
    pub kept: String,
    /// g
    pub weight: String,
}

/// What somebody did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ActFacts {
    /// When.
    pub time: String,
    /// Who.
    pub name: String,
    /// What, in words.
    pub what: String,
    /// Why, or what was added.
    pub text: String,
}

/// A sample as printed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SamplePaper {
    /// As written on it.
    pub number: String,
    /// What it is.
    pub name: String,
    /// Lot, or day of making.
    pub batch: String,
    /// How much, with its unit.
    pub quantity: String,
    /// Where it was taken.
    pub place: String,
    /// 已封样, 未封样
    pub sealed: String,
    /// When, by the phone's clock.
    pub taken: String,
    /// Who signed for the premises; empty where nobody did.
    pub representative: String,
    /// Their signature, what the layout opens.
    pub file: Option<String>,
}

/// A quick test as printed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct QuickTestPaper {
    /// What is looked for.
    pub item: String,
    /// In what.
    pub food: String,
    /// How.
    pub method: String,
    /// The kit with its lot.
    pub kit: String,
    /// With its unit.
    pub reading: String,
    /// What is allowed.
    pub limit: String,
    /// 合格, 不合格, 需复测
    pub result: String,
    /// When, by the phone's clock.
    pub tested: String,
}
