//! An XLSForm as a template: our own comes back as it was, another one as far as it has counterparts here.

use std::collections::{HashMap, HashSet};

use mobile_api::template::{
    Audience, Bilingual, Choice, Condition, Field, FieldKind, Grade, GradeStep, Item, NumberField, OriginalPolicy, Rule, Section,
    TemplateBody, TemplateFile,
};

use super::lines::{Language, Line, by_column, code_of, lists, range_of};
use super::xpath::{self, Target};
use super::{LeftOut, OWN_SHEET, RESULTS};
use crate::sheet::{self, SheetError};

/// Things that are told to be left out; more of them are not a form of ours at all.
const LEFT_OUT_MAX: usize = 500;
/// The field that a foreign question becomes.
const VALUE: &str = "value";

/// Reads a form: the template, and what has no counterpart.
///
/// # Errors
/// Where the bytes are no workbook, or one without a survey.
pub fn read(bytes: &[u8]) -> Result<(TemplateFile, Vec<LeftOut>), SheetError> {
    let book = sheet::read_book(bytes)?;
    let lines =
        |name: &str| book.iter().find(|(sheet, _)| sheet.eq_ignore_ascii_case(name)).map(|(_, rows)| by_column(rows)).unwrap_or_default();
    let survey = lines("survey");
    if survey.is_empty() {
        return Err(SheetError::Format("an XLSForm has a sheet \"survey\" with at least one row".to_owned()));
    }
    let mut form = Form {
        lists: lists(&lines("choices")),
        left_out: Vec::new(),
        targets: HashMap::new(),
        sections: Vec::new(),
        loose: false,
        conditions: Vec::new(),
    };
    let own: HashMap<String, String> =
        lines(OWN_SHEET).iter().map(|line| (line.get("key").to_owned(), line.get("value").to_owned())).collect();
    let settings = lines("settings").into_iter().next().unwrap_or_default();
    let file = form.file(&survey, &settings, &own);
    Ok((file, form.left_out))
}

/// Where a condition that was read belongs: section, item, field.
type Place = (usize, usize, Option<usize>);

struct Form {
    lists: HashMap<String, Vec<Choice>>,
    left_out: Vec<LeftOut>,
    /// What each question is here.
    targets: HashMap<String, Target>,
    sections: Vec<Section>,
    /// Whether the last section holds questions that stand in none.
    loose: bool,
    /// Conditions to be read when all questions are known: where, row, name, column, text.
    conditions: Vec<(Place, usize, String, &'static str, String)>,
}

impl Form {
    fn file(&mut self, survey: &[Line], settings: &Line, own: &HashMap<String, String>) -> TemplateFile {
        self.survey(survey, settings);
        for (place, row, name, column, text) in std::mem::take(&mut self.conditions) {
            let targets = &self.targets;
            match xpath::read(&text, &|name| targets.get(name).cloned()) {
                Some(condition) => self.put(place, column, condition),
                None => self.leave("survey", row, &name, column, &text),
            }
        }
        self.sections.retain(|section| !section.items.is_empty());
        let text = |key: &str| own.get(key).cloned().unwrap_or_default();
        let title = settings.get("form_title").to_owned();
        let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
        let rule = own.get("rule").and_then(|rule| serde_json::from_str(rule).ok());
        TemplateFile {
            code: settings
                .get("form_id")
                .to_lowercase()
                .chars()
                .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' })
                .take(64)
                .collect(),
            name: Bilingual { zh: or(text("name_zh"), &title), en: or(text("name_en"), &title) },
            premises_kinds: text("premises_kinds").split_whitespace().map(str::to_owned).collect(),
            audience: if text("audience") == Audience::Canteen.as_str() { Audience::Canteen } else { Audience::Officer },
            source: Bilingual { zh: text("source_zh"), en: text("source_en") },
            body: TemplateBody {
                rule: rule.unwrap_or_else(usual_rule),
                originals: OriginalPolicy::parse(&text("originals")).unwrap_or_default(),
                sections: std::mem::take(&mut self.sections),
            },
        }
    }

    fn survey(&mut self, survey: &[Line], settings: &Line) {
        let mut groups: Vec<(bool, String)> = Vec::new();
        let mut repeats = 0_usize;
        let mut own_item = false;
        for line in survey {
            let kind = line.get("type").to_lowercase().replace(' ', "_");
            let part = line.get("bk_part");
            // What is asked of a visit is no part of the template.
            if part == "visit" {
                continue;
            }
            match kind.as_str() {
                "begin_repeat" => repeats += 1,
                "end_repeat" => repeats = repeats.saturating_sub(1),
                _ if repeats > 0 => {}
                "begin_group" if part == "item" => {
                    own_item = true;
                    self.own_item(line);
                    groups.push((true, String::new()));
                    continue;
                }
                "begin_group" => {
                    let relevant = line.get("relevant").to_owned();
                    if groups.is_empty() {
                        self.section(line);
                    } else if !line.words("label").zh.is_empty() {
                        self.leave(
                            "survey",
                            line.row,
                            line.get("name"),
                            "type",
                            "a group within a group: its questions stand in the section",
                        );
                    }
                    self.others(line, &["label", "bk_"]);
                    groups.push((false, relevant));
                    continue;
                }
                "end_group" => {
                    own_item &= !groups.pop().is_some_and(|(item, _)| item);
                    continue;
                }
                _ => {}
            }
            match part {
                _ if repeats > 0 || kind == "end_repeat" => {
                    if kind != "end_repeat" {
                        self.leave("survey", line.row, line.get("name"), "type", "repeated questions");
                    }
                }
                "aid" => {}
                "number" if own_item => self.own_number(line),
                "field" if own_item => self.own_field(line),
                _ => {
                    if groups.is_empty() || self.sections.is_empty() {
                        self.loose_section(settings, groups.is_empty());
                    }
                    let around: Vec<String> = groups.iter().map(|(_, relevant)| relevant.clone()).filter(|text| !text.is_empty()).collect();
                    self.question(line, &around);
                }
            }
        }
    }

    fn leave(&mut self, sheet: &str, row: usize, name: &str, what: &str, detail: &str) {
        if self.left_out.len() < LEFT_OUT_MAX {
            let detail = detail.chars().take(500).collect();
            self.left_out.push(LeftOut { sheet: sheet.to_owned(), row, name: name.to_owned(), what: what.to_owned(), detail });
        }
    }

    /// Columns that say something and are not understood.
    fn others(&mut self, line: &Line, known: &[&str]) {
        let always = ["type", "name", "relevant"];
        let understood = |column: &str| {
            always.contains(&column)
                || known.iter().any(|known| match (*known, column.strip_prefix(known)) {
                    (_, None) => false,
                    ("label" | "hint", Some(rest)) => Language::of(rest).is_some(),
                    _ => true,
                })
        };
        let mut others: Vec<(&String, &String)> = line.cells.iter().filter(|(name, text)| !text.is_empty() && !understood(name)).collect();
        others.sort();
        let others: Vec<(String, String)> = others.into_iter().map(|(name, text)| (name.clone(), text.clone())).collect();
        for (column, text) in others {
            self.leave("survey", line.row, line.get("name"), &column, &text);
        }
    }

    fn section(&mut self, line: &Line) {
        self.loose = false;
        let own = line.get("bk_code");
        let code = if own.is_empty() { code_of(line.get("name")) } else { own.to_owned() };
        let mut name = line.words("label");
        if name.zh.is_empty() {
            name = Bilingual { zh: code.clone(), en: code.clone() };
        }
        self.sections.push(Section { code, name, items: Vec::new() });
    }

    /// A section for questions that stand in none.
    fn loose_section(&mut self, settings: &Line, loose: bool) {
        if !loose || (self.loose && !self.sections.is_empty()) {
            return;
        }
        self.loose = true;
        let taken = self.sections.iter().filter(|section| section.code.starts_with("form")).count();
        let code = if taken == 0 { "form".to_owned() } else { format!("form{}", taken + 1) };
        let title = if settings.get("form_title").is_empty() { "检查内容" } else { settings.get("form_title") };
        self.sections.push(Section { code, name: Bilingual { zh: title.to_owned(), en: title.to_owned() }, items: Vec::new() });
    }

    fn own_item(&mut self, line: &Line) {
        if self.sections.is_empty() {
            self.loose_section(&Line::default(), true);
        }
        let item = Item {
            code: line.get("bk_code").to_owned(),
            key: line.yes("bk_key"),
            text: line.words("label"),
            basis: line.get("bk_basis").to_owned(),
            question: line.yes("bk_question"),
            number: None,
            min_photos: line.get("bk_min_photos").parse().unwrap_or(0),
            photo_on_fail: line.yes("bk_photo_on_fail"),
            fields: Vec::new(),
            remarks: serde_json::from_str(line.get("bk_remarks")).unwrap_or_default(),
            papers: line.get("bk_papers").split_whitespace().map(str::to_owned).collect(),
            required: line.yes("bk_required"),
            show_when: None,
            require_when: None,
        };
        self.targets.insert(super::named('r', &item.code), Target::Result(item.code.clone()));
        let place = self.push(item);
        self.later(place, line, "relevant", line.get("relevant"));
        self.later(place, line, "bk_require_when", line.get("bk_require_when"));
    }

    fn push(&mut self, item: Item) -> Place {
        let section = self.sections.len().saturating_sub(1);
        if let Some(last) = self.sections.last_mut() {
            last.items.push(item);
            return (section, last.items.len() - 1, None);
        }
        (0, 0, None)
    }

    fn last_item(&mut self) -> Option<(Place, &mut Item)> {
        let section = self.sections.len().checked_sub(1)?;
        let items = &mut self.sections.last_mut()?.items;
        let index = items.len().checked_sub(1)?;
        Some(((section, index, None), items.last_mut()?))
    }

    fn later(&mut self, place: Place, line: &Line, column: &'static str, text: &str) {
        if !text.is_empty() {
            self.conditions.push((place, line.row, line.get("name").to_owned(), column, text.to_owned()));
        }
    }

    fn put(&mut self, (section, item, field): Place, column: &str, condition: Condition) {
        let Some(item) = self.sections.get_mut(section).and_then(|section| section.items.get_mut(item)) else { return };
        let (show, require) = match field.and_then(|field| item.fields.get_mut(field)) {
            Some(field) => (&mut field.show_when, &mut field.require_when),
            None => (&mut item.show_when, &mut item.require_when),
        };
        let place = if column == "relevant" { show } else { require };
        *place = Some(match place.take() {
            // A group's condition and its question's hold together.
            Some(before) => Condition::All(vec![before, condition]),
            None => condition,
        });
    }

    fn own_number(&mut self, line: &Line) {
        let number = NumberField {
            unit: line.get("bk_unit").to_owned(),
            min: line.number("bk_min"),
            max: line.number("bk_max"),
            label: line.words("label"),
        };
        if let Some((_, item)) = self.last_item() {
            item.number = Some(number);
            let target = Target::Field { item: item.code.clone(), field: None, number: true, many: false };
            self.targets.insert(line.get("name").to_owned(), target);
        }
    }

    fn own_field(&mut self, line: &Line) {
        let Some(kind) = self.kind(line) else { return self.leave("survey", line.row, line.get("name"), "type", line.get("type")) };
        let field = Field {
            code: line.get("bk_code").to_owned(),
            label: line.words("label"),
            kind,
            required: line.yes("bk_required"),
            show_when: None,
            require_when: None,
        };
        let target = |item: &Item| target(&item.code, &field);
        let Some((place, item)) = self.last_item() else { return };
        let found = target(item);
        let applies = format!("${{{}}} != 'not_applicable'", super::named('r', &item.code));
        item.fields.push(field);
        let place = (place.0, place.1, Some(item.fields.len() - 1));
        self.targets.insert(line.get("name").to_owned(), found);
        // What every field of a judged item is asked by is not a condition of its own.
        let relevant = line.get("relevant");
        let rest = relevant
            .strip_prefix(&applies)
            .map_or(relevant, |rest| rest.strip_prefix(" and (").and_then(|rest| rest.strip_suffix(')')).unwrap_or(""));
        self.later(place, line, "relevant", rest);
        self.later(place, line, "bk_require_when", line.get("bk_require_when"));
    }

    /// What a question's type is as a kind of field.
    fn kind(&self, line: &Line) -> Option<FieldKind> {
        let kind = line.get("type");
        let (word, list) = kind.split_once(char::is_whitespace).map_or((kind, ""), |(word, list)| (word, list.trim()));
        let choices = || self.lists.get(list.trim_end_matches("or_other").trim()).cloned().unwrap_or_default();
        match word.to_lowercase().as_str() {
            "integer" | "int" | "decimal" | "range" => {
                let (mut min, mut max) = (line.number("bk_min"), line.number("bk_max"));
                // Of a form of ours the range stands in columns of its own; its constraint is the limit of what the server takes.
                if line.get("bk_code").is_empty()
                    && let Some((low, high)) = range_of(line.get("constraint"))
                {
                    (min, max) = (min.or(low), max.or(high));
                }
                Some(FieldKind::Number { unit: line.get("bk_unit").to_owned(), min, max })
            }
            "text" | "string" => Some(FieldKind::Text { long: line.yes("bk_long") || line.get("appearance").contains("multiline") }),
            "select_one" | "select1" => Some(FieldKind::One { choices: choices() }),
            "select_multiple" => Some(FieldKind::Many { choices: choices() }),
            "image" | "photo" if line.get("appearance").contains("signature") => Some(FieldKind::Signature {}),
            _ => None,
        }
    }

    /// A question of a form from elsewhere: an item of its own.
    fn question(&mut self, line: &Line, around: &[String]) {
        let name = line.get("name").to_owned();
        let kind = self.kind(line);
        let photo = matches!(line.get("type").to_lowercase().as_str(), "image" | "photo") && kind.is_none();
        if kind.is_none() && !photo {
            return self.leave("survey", line.row, &name, "type", line.get("type"));
        }
        let (required, wanted) = (line.yes("required"), line.get("required"));
        let taken: HashSet<&str> = self.sections.iter().flat_map(|section| &section.items).map(|item| item.code.as_str()).collect();
        let mut code = code_of(&name);
        while taken.contains(code.as_str()) {
            code.push('_');
        }
        let judged = matches!(&kind, Some(FieldKind::One { choices }) if is_result(choices));
        let label = line.words("label");
        let mut item = Item {
            code: code.clone(),
            key: false,
            text: label.clone(),
            basis: line.words("hint").zh,
            question: !judged,
            number: None,
            min_photos: u8::from(photo),
            photo_on_fail: false,
            fields: Vec::new(),
            remarks: Vec::new(),
            papers: Vec::new(),
            required,
            show_when: None,
            require_when: None,
        };
        if judged {
            self.targets.insert(name.clone(), Target::Result(code));
        } else if let Some(kind) = kind {
            let field = Field { code: VALUE.to_owned(), label, kind, required, show_when: None, require_when: None };
            self.targets.insert(name.clone(), target(&code, &field));
            item.fields.push(field);
        }
        let place = self.push(item);
        for text in around {
            self.later(place, line, "relevant", text);
        }
        self.later(place, line, "relevant", line.get("relevant"));
        if !required && !matches!(wanted.to_lowercase().as_str(), "" | "no" | "false" | "false()" | "0") {
            self.later(place, line, "required", wanted);
        }
        let ranged = range_of(line.get("constraint")).is_some();
        let mut known = vec!["label", "hint", "required", "bk_"];
        if ranged {
            known.push("constraint");
        }
        if ["multiline", "signature", "minimal", "horizontal", "quick", "numbers"].iter().any(|word| line.get("appearance").contains(word))
        {
            known.push("appearance");
        }
        self.others(line, &known);
        if line.get("type").trim_end().ends_with("or_other") {
            self.leave("survey", line.row, &name, "type", "or_other");
        }
    }
}

fn target(item: &str, field: &Field) -> Target {
    let (number, many) = (matches!(field.kind, FieldKind::Number { .. }), matches!(field.kind, FieldKind::Many { .. }));
    Target::Field { item: item.to_owned(), field: Some(field.code.clone()), number, many }
}

fn is_result(choices: &[Choice]) -> bool {
    let codes: HashSet<&str> = choices.iter().map(|choice| choice.code.as_str()).collect();
    codes.contains("conforms") && codes.contains("fails") && codes.iter().all(|code| RESULTS.iter().any(|result| result.0 == *code))
}

/// The numbers of the rule that a template begins with.
fn usual_rule() -> Rule {
    let step = |min, grade| GradeStep { min, grade };
    Rule {
        general_limit: 8,
        points_key: 3,
        points_general: 1,
        grades: vec![step(90, Grade::Excellent), step(75, Grade::Good), step(60, Grade::Fair)],
    }
}

#[cfg(test)]
mod tests {
    use mobile_api::shipped;
    use serde_json::json;

    use super::super::FormFor;
    use super::*;

    #[test]
    fn every_shipped_template_comes_back_as_it_was() {
        for file in shipped::templates().unwrap() {
            for made_for in [FormFor::Exchange, FormFor::Collect] {
                let bytes = super::super::write(&file, 3, made_for).unwrap();
                let (back, left_out) = read(&bytes).unwrap();
                assert_eq!(left_out, [], "{} {made_for:?}", file.code);
                assert_eq!(serde_json::to_value(&back).unwrap(), serde_json::to_value(&file).unwrap(), "{} {made_for:?}", file.code);
            }
        }
    }

    #[test]
    fn what_is_sent_of_photos_comes_back_as_it_was() {
        for policy in OriginalPolicy::ALL {
            let mut file = shipped::templates().unwrap().remove(0);
            file.body.originals = policy;
            let (back, _) = read(&super::super::write(&file, 1, FormFor::Exchange).unwrap()).unwrap();
            assert_eq!(back.body.originals, policy);
        }
    }

    #[test]
    fn a_form_from_elsewhere_is_read_as_far_as_it_goes() {
        let csv = "survey,,,,,,,,\n\
            ,type,name,label::English (en),label::Français (fr),required,relevant,constraint,calculation\n\
            ,start,begun,,,,,,\n\
            ,text,who,Who,Qui,yes,,,\n\
            ,begin group,kitchen,Kitchen,,,${who} != '',,\n\
            ,decimal,temp,Temperature,,${who} = 'x',,. >= 0 and . <= 8,\n\
            ,select_one yn,clean,Clean?,,,${temp} > 5,,\n\
            ,select_multiple pests,pests,Pests,,,\"selected(${clean}, 'no')\",,\n\
            ,geopoint,where,Where,,,,,\n\
            ,note,n,Read this,,,,,\n\
            ,image,photo,Picture,,yes,count(${pests}) > 1,,\n\
            ,image,sign,Signature,,,,,\n\
            ,begin repeat,r,Again,,,,,\n\
            ,text,inside,Inside,,,,,\n\
            ,end repeat,,,,,,,\n\
            ,text,calc,Calculated,,,,regex(.),1+1\n\
            ,end group,,,,,,,\n\
            ,select_one res,judged,Judged,,,,,\n\
            choices,,,,\n,list_name,name,label::English (en)\n,yn,yes,Yes\n,yn,no,No\n,pests,rat,Rats\n,res,conforms,OK\n,res,fails,Bad\n\
            settings,,\n,form_title,form_id\n,My form,My-Form 1\n";
        let (file, left_out) = read(csv.as_bytes()).unwrap();
        assert_eq!((file.code.as_str(), file.name.zh.as_str()), ("my_form_1", "My form"));
        let shape: Vec<(String, Vec<String>)> = file
            .body
            .sections
            .iter()
            .map(|section| (section.code.clone(), section.items.iter().map(|item| item.code.clone()).collect()))
            .collect();
        let codes = |list: &[&str]| list.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            shape,
            [
                ("form".to_owned(), codes(&["who"])),
                ("kitchen".to_owned(), codes(&["temp", "clean", "pests", "photo", "sign", "calc"])),
                ("form2".to_owned(), codes(&["judged"]))
            ]
        );
        let told: Vec<(usize, &str, &str)> = left_out.iter().map(|one| (one.row, one.name.as_str(), one.what.as_str())).collect();
        assert_eq!(
            told,
            [
                (3, "begun", "type"),
                (4, "who", "label::Français (fr)"),
                (9, "where", "type"),
                (10, "n", "type"),
                (13, "r", "type"),
                (14, "inside", "type"),
                (16, "calc", "calculation"),
                (16, "calc", "constraint"),
                (11, "photo", "relevant"),
            ]
        );
        let kitchen = &file.body.sections[1].items;
        let given = json!({"value": {"item": "who", "field": "value", "is": "given"}});
        assert_eq!(serde_json::to_value(&kitchen[0].show_when).unwrap(), given);
        assert_eq!(kitchen[0].fields[0].kind, FieldKind::Number { unit: String::new(), min: Some(0.0), max: Some(8.0) });
        assert_eq!(
            serde_json::to_value(&kitchen[0].require_when).unwrap(),
            json!({"value": {"item": "who", "field": "value", "is": "equals", "to": "x"}})
        );
        let pests = json!({"all": [given, {"value": {"item": "clean", "field": "value", "is": "equals", "to": "no"}}]});
        assert_eq!(serde_json::to_value(&kitchen[2].show_when).unwrap(), pests);
        assert_eq!((kitchen[3].min_photos, kitchen[3].question, kitchen[3].required), (1, true, true));
        assert!(!file.body.sections[2].items[0].question, "a list of results is a judgement");
    }

    #[test]
    fn what_is_no_form_is_refused() {
        assert!(matches!(read(b"a,b\n1,2\n"), Err(SheetError::Format(_))));
        assert!(matches!(read(b"PK\x03\x04 no zip"), Err(SheetError::Format(_))));
        assert!(matches!(read(b""), Err(SheetError::Format(_))));
    }
}
