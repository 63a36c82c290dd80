//! A template as the sheets of an XLSForm.

use mobile_api::limits::{NAME_CHARS_MAX, TEXT_CHARS_MAX};
use mobile_api::template::{Bilingual, Condition, Field, FieldKind, Item, OriginalPolicy, TemplateFile};

use super::{OWN_SHEET, RESULTS, field_name, named, visit, xpath};
use crate::sheet;

/// The survey's columns; those that begin with `bk_` are ours.
pub(super) const COLUMNS: [&str; 24] = [
    "type",
    "name",
    "label::中文 (zh)",
    "label::English (en)",
    "hint::中文 (zh)",
    "hint::English (en)",
    "required",
    "relevant",
    "appearance",
    "bk_part",
    "bk_code",
    "bk_basis",
    "bk_key",
    "bk_question",
    "bk_min_photos",
    "bk_photo_on_fail",
    "bk_required",
    "bk_require_when",
    "bk_remarks",
    "bk_papers",
    "bk_unit",
    "bk_min",
    "bk_max",
    "bk_long",
];

/// Columns that only the form for ODK Collect has.
const COLLECT_COLUMNS: [&str; 4] = ["constraint", "constraint_message::中文 (zh)", "constraint_message::English (en)", "default"];

/// One row of the survey, cells by column.
#[derive(Default)]
pub(super) struct Row(Vec<(&'static str, String)>);

impl Row {
    pub(super) fn new(kind: &str, name: String, label: &Bilingual) -> Self {
        let cells = [("type", kind.to_owned()), ("name", name), (COLUMNS[2], label.zh.clone()), (COLUMNS[3], label.en.clone())];
        Self(cells.into())
    }

    pub(super) fn with(mut self, column: &'static str, text: impl Into<String>) -> Self {
        self.0.push((column, text.into()));
        self
    }

    fn when(self, column: &'static str, yes: bool) -> Self {
        if yes { self.with(column, "yes") } else { self }
    }

    fn cells(self, columns: &[&str]) -> Vec<String> {
        columns.iter().map(|column| self.0.iter().rfind(|cell| cell.0 == *column).map(|cell| cell.1.clone()).unwrap_or_default()).collect()
    }

    /// A name, as long as the server takes one.
    pub(super) fn name(self) -> Self {
        self.with(COLLECT_COLUMNS[0], format!("string-length(.) <= {NAME_CHARS_MAX}"))
            .with(COLLECT_COLUMNS[1], format!("最多 {NAME_CHARS_MAX} 个字"))
            .with(COLLECT_COLUMNS[2], format!("At most {NAME_CHARS_MAX} characters"))
    }

    /// What the server takes of a text or a number, so that a phone says it before it sends.
    fn bounded(self) -> Self {
        let kind = self.0.iter().find(|cell| cell.0 == "type").map(|cell| cell.1.as_str());
        let (constraint, zh, en) = match kind {
            Some("text") => (
                format!("string-length(.) <= {TEXT_CHARS_MAX}"),
                format!("最多 {TEXT_CHARS_MAX} 个字"),
                format!("At most {TEXT_CHARS_MAX} characters"),
            ),
            Some("decimal") => (". >= -1000000000 and . <= 1000000000".to_owned(), "数值过大".to_owned(), "Too large a number".to_owned()),
            _ => return self,
        };
        if self.0.iter().any(|cell| cell.0 == COLLECT_COLUMNS[0]) {
            return self;
        }
        self.with(COLLECT_COLUMNS[0], constraint).with(COLLECT_COLUMNS[1], zh).with(COLLECT_COLUMNS[2], en)
    }
}

/// The sheets of a form.
pub(super) struct Sheets {
    pub(super) survey: Vec<Vec<String>>,
    pub(super) choices: Vec<Vec<String>>,
    pub(super) settings: Vec<Vec<String>>,
    own: Vec<Vec<String>>,
}

/// What a form is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormFor {
    /// People who keep forms elsewhere: the template and nothing else.
    Exchange,
    /// ODK Collect as a second door: with the questions of the visit, which our own phone knows without asking.
    Collect,
}

struct Form<'a> {
    file: &'a TemplateFile,
    collect: bool,
    columns: Vec<&'static str>,
    survey: Vec<Vec<String>>,
    choices: Vec<Vec<String>>,
}

/// Writes a template as XLSForm; `version` is that of the template. The template has been checked.
///
/// # Errors
/// Where the spreadsheet cannot be made, in words.
pub fn write(file: &TemplateFile, version: i64, made_for: FormFor) -> Result<Vec<u8>, String> {
    let Sheets { survey, choices, settings, own } = sheets(file, version, made_for)?;
    sheet::write_book(&[("survey", survey), ("choices", choices), ("settings", settings), (OWN_SHEET, own)])
}

/// The rows of every sheet.
pub(super) fn sheets(file: &TemplateFile, version: i64, made_for: FormFor) -> Result<Sheets, String> {
    let collect = made_for == FormFor::Collect;
    let columns: Vec<&str> = COLUMNS.into_iter().chain(COLLECT_COLUMNS.into_iter().filter(|_| collect)).collect();
    let head = columns.iter().map(|column| (*column).to_owned()).collect();
    let mut form = Form { file, collect, columns, survey: vec![head], choices: Vec::new() };
    form.list("bk_result", RESULTS.iter().map(|(code, zh, en)| (*code, text(zh, en))));
    form.list("bk_yes_no", [("yes", text("是", "Yes")), ("no", text("否", "No"))].into_iter());
    if collect {
        for (list, choices) in visit::LISTS {
            form.list(list, choices.iter().map(|(code, zh, en)| (*code, text(zh, en))));
        }
        visit::before().into_iter().for_each(|row| form.push(row));
    }
    for section in &file.body.sections {
        let name = named('s', &section.code);
        form.push(Row::new("begin_group", name, &section.name).with("bk_part", "section").with("bk_code", section.code.as_str()));
        section.items.iter().for_each(|item| form.item(item));
        form.push(Row::default().with("type", "end_group"));
    }
    if collect {
        visit::after().into_iter().for_each(|row| form.push(row));
    }
    let head = ["list_name", "name", "label::中文 (zh)", "label::English (en)"].map(str::to_owned);
    let mut choices = vec![head.to_vec()];
    choices.append(&mut form.choices);
    let settings = vec![
        ["form_title", "form_id", "version", "default_language"].map(str::to_owned).to_vec(),
        vec![file.name.zh.clone(), file.code.clone(), version.to_string(), "中文 (zh)".to_owned()],
    ];
    let json = |value: Result<String, serde_json::Error>| value.map_err(|error| error.to_string());
    let mut own = vec![
        vec!["key".to_owned(), "value".to_owned()],
        vec!["name_zh".to_owned(), file.name.zh.clone()],
        vec!["name_en".to_owned(), file.name.en.clone()],
        vec!["premises_kinds".to_owned(), file.premises_kinds.join(" ")],
        vec!["audience".to_owned(), file.audience.as_str().to_owned()],
        vec!["source_zh".to_owned(), file.source.zh.clone()],
        vec!["source_en".to_owned(), file.source.en.clone()],
        vec!["rule".to_owned(), json(serde_json::to_string(&file.body.rule))?],
    ];
    if file.body.originals != OriginalPolicy::default() {
        own.push(vec!["originals".to_owned(), file.body.originals.as_str().to_owned()]);
    }
    Ok(Sheets { survey: form.survey, choices, settings, own })
}

pub(super) fn text(zh: &str, en: &str) -> Bilingual {
    Bilingual { zh: zh.to_owned(), en: en.to_owned() }
}

impl Form<'_> {
    fn push(&mut self, row: Row) {
        let row = if self.collect { row.bounded() } else { row };
        self.survey.push(row.cells(&self.columns));
    }

    fn list<'b>(&mut self, name: &str, choices: impl Iterator<Item = (&'b str, Bilingual)>) {
        self.choices.extend(choices.map(|(code, label)| vec![name.to_owned(), code.to_owned(), label.zh, label.en]));
    }

    fn condition(&self, condition: Option<&Condition>) -> String {
        let name = |item: &str, field: Option<&str>, result: bool| match field {
            _ if result => named('r', item),
            None => named('n', item),
            Some(code) => {
                let field = self.file.body.item(item).and_then(|item| item.field(code));
                field.map(|field| field_name(item, field)).unwrap_or_default()
            }
        };
        condition.map(|condition| xpath::write(condition, &name)).unwrap_or_default()
    }

    fn item(&mut self, item: &Item) {
        let mut group = Row::new("begin_group", named('i', &item.code), &item.text)
            .with("relevant", self.condition(item.show_when.as_ref()))
            .with("bk_part", "item")
            .with("bk_code", item.code.as_str())
            .with("bk_basis", item.basis.as_str())
            .with("bk_min_photos", item.min_photos.to_string())
            .with("bk_require_when", self.condition(item.require_when.as_ref()))
            .when("bk_key", item.key)
            .when("bk_question", item.question)
            .when("bk_photo_on_fail", item.photo_on_fail)
            .when("bk_required", item.required);
        if !item.papers.is_empty() {
            group = group.with("bk_papers", item.papers.join(" "));
        }
        if !item.remarks.is_empty() {
            group = group.with("bk_remarks", serde_json::to_string(&item.remarks).unwrap_or_default());
        }
        self.push(group);
        let result = named('r', &item.code);
        let applies = (!item.question).then(|| format!("${{{result}}} != 'not_applicable'"));
        if !item.question {
            let label = text("结果", "Result");
            let row = Row::new("select_one bk_result", result.clone(), &label)
                .with(COLUMNS[4], item.basis.as_str())
                .with(COLUMNS[5], item.basis.as_str());
            self.push(row.with("required", "yes").with("appearance", "horizontal").with("bk_part", "aid"));
        }
        if let Some(number) = &item.number {
            let mut row = Row::new("decimal", named('n', &item.code), &number.label).with("relevant", applies.clone().unwrap_or_default());
            row = ranged(row, &number.unit, number.min, number.max);
            self.push(row.with("bk_part", "number"));
        }
        for field in &item.fields {
            self.field(item, field, applies.as_deref());
        }
        if !item.question {
            self.consequences(item, &result);
        }
        self.photos(item, &result);
        self.push(Row::default().with("type", "end_group"));
    }

    fn field(&mut self, item: &Item, field: &Field, applies: Option<&str>) {
        let name = field_name(&item.code, field);
        let list = format!("l_{name}");
        let kind = match &field.kind {
            FieldKind::Number { .. } => "decimal".to_owned(),
            FieldKind::Text { .. } => "text".to_owned(),
            FieldKind::One { .. } => format!("select_one {list}"),
            FieldKind::Many { .. } => format!("select_multiple {list}"),
            FieldKind::Signature {} => "image".to_owned(),
        };
        self.list(&list, field.kind.choices().iter().map(|choice| (choice.code.as_str(), choice.label.clone())));
        let shown = self.condition(field.show_when.as_ref());
        let relevant = match (applies, shown.is_empty()) {
            (Some(applies), true) => applies.to_owned(),
            (Some(applies), false) => format!("{applies} and ({shown})"),
            (None, _) => shown,
        };
        let wanted = self.condition(field.require_when.as_ref());
        let required = if field.required { "yes" } else { wanted.as_str() };
        let mut row = Row::new(&kind, name, &field.label)
            .with("relevant", relevant)
            .with("required", required)
            .with("bk_part", "field")
            .with("bk_code", field.code.as_str())
            .when("bk_required", field.required)
            .with("bk_require_when", wanted.as_str());
        row = match &field.kind {
            FieldKind::Number { unit, min, max } => ranged(row, unit, *min, *max),
            FieldKind::Text { long: true } => row.with("appearance", "multiline").with("bk_long", "yes"),
            FieldKind::Signature {} => row.with("appearance", "signature"),
            _ => row,
        };
        self.push(row);
    }

    /// What a failed item, or one that does not apply, says.
    fn consequences(&mut self, item: &Item, result: &str) {
        let (fails, not) = (format!("${{{result}}} = 'fails'"), format!("${{{result}}} = 'not_applicable'"));
        let rows = [
            ("select_one bk_yes_no", 'a', text("是否影响食品安全", "Does it affect food safety?"), &fails, "yes"),
            ("select_one bk_yes_no", 'c', text("当场改正", "Corrected on the spot"), &fails, ""),
            ("text", 'w', text("发现的问题", "What was found"), &fails, "yes"),
            ("text", 'y', text("缺项原因", "Why it does not apply"), &not, "yes"),
        ];
        for (kind, part, label, relevant, required) in rows {
            let row = Row::new(kind, named(part, &item.code), &label).with("relevant", relevant.as_str());
            self.push(row.with("required", required).with("bk_part", "aid"));
        }
    }

    fn photos(&mut self, item: &Item, result: &str) {
        let count = item.min_photos.max(u8::from(item.photo_on_fail));
        for number in 1..=count {
            let label = text(&format!("照片{number}"), &format!("Photo {number}"));
            let mut row = Row::new("image", format!("{}_{number}", named('p', &item.code)), &label).with("bk_part", "aid");
            if number <= item.min_photos {
                row = row.with("required", "yes");
            }
            if !item.question {
                let asked = if number <= item.min_photos { "!= 'not_applicable'" } else { "= 'fails'" };
                row = row.with("relevant", format!("${{{result}}} {asked}")).with("required", "yes");
            }
            self.push(row);
        }
    }
}

/// The unit and the range: a hint, as on the phone, not a constraint.
fn ranged(row: Row, unit: &str, min: Option<f64>, max: Option<f64>) -> Row {
    let range = match (min, max) {
        (Some(min), Some(max)) => format!("{min}–{max}"),
        (Some(min), None) => format!("≥ {min}"),
        (None, Some(max)) => format!("≤ {max}"),
        (None, None) => String::new(),
    };
    let hint = format!("{range} {unit}").trim().to_owned();
    let bound = |bound: Option<f64>| bound.map(|value| value.to_string()).unwrap_or_default();
    row.with(COLUMNS[4], hint.clone()).with(COLUMNS[5], hint).with("bk_unit", unit).with("bk_min", bound(min)).with("bk_max", bound(max))
}
