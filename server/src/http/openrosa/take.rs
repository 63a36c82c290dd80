//! A form becomes an inspection, by the same way as what our own phone sends: header, part, evidence, submission.
//!
//! However often it comes, and in however many requests, it is one inspection. It stays a draft until every picture that it
//! names is here and the checklist is complete; what it lacks in law is noted beside it, for somebody to make good.

use std::collections::HashMap;

use mobile_api::Moment;
use mobile_api::Verbatim;
use mobile_api::complete;
use mobile_api::field::Faults;
use mobile_api::inspection::{EvidenceKind, Header, PartContent, PartNamed, PutInspection, PutPart, Submit, fit};
use mobile_api::judge::judge;
use mobile_api::problem::ProblemType;
use mobile_api::template::{Audience, TemplateBody};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::access::Entered;
use super::submission::{Came, Sent};
use super::{edit, late};
use crate::App;
use crate::auth::Scope;
use crate::domain::calendar::date_of;
use crate::domain::permission::Permission;
use crate::http::mobile::inspections::{drawn_only, put_inspection, store_part, submit_inspection};
use crate::http::{Problem, checked};
use crate::openrosa::instance::{self, Filled, Head, Picture, Premises};
use crate::openrosa::xml::{self, XmlError};
use crate::store::evidence::Arrival;
use crate::store::files::{self, FileRow};
use crate::store::inspections::{self, InspectionRow};
use crate::store::openrosa::{self, NewSubmission, SubmissionRow};
use crate::store::{Conn, StoreError, assignments, lacks, premises, users};
use crate::uploads;

/// How far a form has come.
pub(super) enum Taken {
    /// It is a submitted inspection.
    Whole,
    /// It is kept, and something is still to come: in words for whoever holds the phone.
    Waits(String),
}

/// A form with everything that is known of it.
pub(super) struct Form {
    pub(super) head: Head,
    pub(super) filled: Filled,
    pub(super) template_id: Uuid,
    pub(super) template: TemplateBody,
    pub(super) premises_id: Uuid,
    pub(super) inspection_id: Uuid,
    /// The device as parts name it: that of the first form of this inspection.
    pub(super) device: String,
    /// It edits a form that was here.
    pub(super) edits: bool,
}

impl Form {
    pub(super) fn part_id(&self) -> Uuid {
        instance::derived(&["openrosa-part", &self.inspection_id.to_string()])
    }
}

/// Takes a form with the pictures of one request. One at a time of an officer.
pub(super) async fn take(app: &App, entered: &Entered, sent: Sent) -> Result<Taken, Problem> {
    let root = xml::read(&sent.xml).map_err(|error| match error {
        XmlError::TooLarge(_) => Problem::of(ProblemType::TooLarge).because(error.to_string()),
        _ => Problem::of(ProblemType::Malformed).because(error.to_string()),
    })?;
    let head = instance::head(&root).map_err(faulty)?;
    let sha256 = hex::encode(Sha256::digest(sent.xml.as_bytes()));
    let user_id = entered.session.user_id.to_string();
    let (form, row) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let known = openrosa::submission(conn, &head.instance_id).await?;
        if let Some(known) = &known {
            mine(known, &user_id)?;
            if known.xml_sha256 != sha256 {
                return Err(Problem::of(ProblemType::Conflict).because("another form with this instanceID is here: nothing is replaced"));
            }
            // Sent again after it was edited: what it said is kept, and does not come back.
            if openrosa::superseded(conn, &head.instance_id, &known.inspection_id).await? {
                return Ok(Taken::Whole);
            }
        }
        let form = understood(conn, app, entered, &root, head, known).await?;
        let row = inspections::get_own(conn, &user_id, &form.inspection_id.to_string()).await?;
        (form, row)
    };
    fits(&form, &HashMap::new())?;
    if let Some(reason) = entered.late {
        return match row {
            // Here before the phone was let go.
            Some(row) if row.state != "draft" && !form.edits => Ok(Taken::Whole),
            row => {
                row.as_ref().map_or(Ok(()), |row| edit::same_inspection(&form, row))?;
                late::take(app, entered, reason, &form, row, sent, sha256).await
            }
        };
    }
    let row = match row {
        Some(row) => row,
        None => begin(app, entered, &form).await?,
    };
    edit::same_inspection(&form, &row)?;
    let came = keep(app, entered, &form, sent, sha256).await?;
    if row.state != "draft" {
        if form.edits {
            edit::amend(app, entered, &form, &row, &came).await?;
        }
        return Ok(Taken::Whole);
    }
    fits(&form, &came)?;
    fill(app, entered, &form, &row, &came).await
}

fn mine(known: &SubmissionRow, user_id: &str) -> Result<(), Problem> {
    if known.user_id == user_id {
        return Ok(());
    }
    Err(Problem::of(ProblemType::Conflict).because("a form of this name was sent by somebody else"))
}

pub(super) fn faulty(faults: Faults) -> Problem {
    checked(faults).err().unwrap_or_else(|| Problem::of(ProblemType::Malformed))
}

async fn understood(
    conn: &mut Conn<'_>,
    app: &App,
    entered: &Entered,
    root: &xml::Element,
    head: Head,
    known: Option<SubmissionRow>,
) -> Result<Form, Problem> {
    let row = openrosa::template(conn, &head.form_id, head.version).await?.filter(|row| row.audience() == Audience::Officer);
    let row = row.ok_or_else(|| {
        Problem::not_found().because(format!("there is no form {} of version {} here: get the forms anew", head.form_id, head.version))
    })?;
    let template = row.body()?;
    let now = Moment(app.clock.wall_ms());
    let filled = instance::read(root, &template, &entered.device.officer_name, now).map_err(faulty)?;
    for officer in &filled.officers {
        if users::credentials_by_id(conn, &officer.to_string()).await?.is_none() {
            return Err(Problem::field("/visit/officers", "unknown", "no such person"));
        }
    }
    let before = match &head.deprecated_id {
        Some(id) => openrosa::submission(conn, id).await?,
        None => None,
    };
    if let Some(before) = &before {
        mine(before, &entered.session.user_id.to_string())?;
    }
    let edits = before.is_some();
    let (inspection_id, device_id) = match known.or(before) {
        Some(known) => (known.inspection_id.parse().map_err(StoreError::damaged)?, known.device_id),
        None => (instance::inspection_id(&head.instance_id, filled.started_at), entered.device.id.clone()),
    };
    let premises_id = place(conn, app, entered, &filled).await?;
    let template_id = row.id.parse().map_err(StoreError::damaged)?;
    Ok(Form { head, filled, template_id, template, premises_id, inspection_id, device: format!("openrosa:{device_id}"), edits })
}

async fn place(conn: &mut Conn<'_>, app: &App, entered: &Entered, filled: &Filled) -> Result<Uuid, Problem> {
    let licence = match &filled.premises {
        Premises::Door(id, _) | Premises::Id(id) => return Ok(*id),
        Premises::Unsaid => return Err(Problem::field("/visit/premises", "required", "say which premises: scan its code or choose it")),
        Premises::Licence(text) => licence_in(text),
    };
    // What came too late is only kept: whoever accepts it may inspect there.
    let scope = match entered.late {
        Some(_) => Scope::system(),
        None => entered.session.access.scope(Permission::InspectionsConduct),
    };
    let today = date_of(app.clock.wall_ms()).to_string();
    match openrosa::by_licence(conn, &scope, licence, &today).await?.as_slice() {
        [one] => Ok(one.parse().map_err(StoreError::damaged)?),
        [] => Err(Problem::field("/visit/door", "unknown", "neither a code of a door nor a licence of your area")),
        _ => Err(Problem::field("/visit/door", "unknown", "several premises are run by this licence: choose one")),
    }
}

/// The number of a food business licence (JY and 14 digits) in what its code says; without one, the whole.
fn licence_in(text: &str) -> &str {
    let number = |at: usize| {
        let candidate = text.get(at..at + 16)?;
        candidate[2..].bytes().all(|byte| byte.is_ascii_digit()).then_some(candidate)
    };
    text.match_indices("JY").find_map(|(at, _)| number(at)).unwrap_or(text)
}

/// Refuses what could not be stored, before anything is.
fn fits(form: &Form, came: &HashMap<String, Picture>) -> Result<(), Problem> {
    let content = form.filled.part(form.inspection_id, &form.device, came);
    let part = put_part(content, 1)?;
    part.check().map_err(Problem::fields)?;
    let mut faults = Faults::new();
    fit::check(&mut faults, &part.content.value, &form.template);
    checked(faults)
}

pub(super) fn put_part(content: PartContent, revision: u32) -> Result<PutPart, Problem> {
    let content = Verbatim::of(content).map_err(StoreError::damaged)?;
    Ok(PutPart { content_sha256: content.sha256(), content, revision })
}

/// Stores the header: from here on the inspection is there.
async fn begin(app: &App, entered: &Entered, form: &Form) -> Result<InspectionRow, Problem> {
    let assignment_id = assigned(app, entered, form).await?;
    let header = form.filled.header(form.premises_id, form.template_id, entered.session.user_id, &form.device);
    let header = Verbatim::of(Header { assignment_id, ..header }).map_err(StoreError::damaged)?;
    let body = PutInspection { content_sha256: header.sha256(), header, part: None, submission: None };
    put_inspection(app, &entered.session, form.inspection_id, body).await?;
    own(app, entered, form).await
}

/// The assignment that this form fulfils: one of the officer's own, open, for this premises, this checklist and this kind of check,
/// not begun yet, and made in time. What is due first goes first.
pub(super) async fn assigned(app: &App, entered: &Entered, form: &Form) -> Result<Option<Uuid>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let sought = assignments::Sought {
        user_id: entered.session.user_id.to_string(),
        premises_id: premises::living(conn, &form.premises_id.to_string()).await?,
        template_code: form.head.form_id.clone(),
        kind: assignments::kind_code(form.filled.kind),
        made_ms: form.filled.ended_at.0,
        day: date_of(form.filled.started_at.0).to_string(),
    };
    let found = assignments::fulfilled_by(conn, &sought).await?;
    Ok(found.map(|id| id.parse()).transpose().map_err(StoreError::damaged)?)
}

async fn own(app: &App, entered: &Entered, form: &Form) -> Result<InspectionRow, Problem> {
    let mut reader = app.db.read().await?;
    let row = inspections::get_own(&mut reader.conn(), &entered.session.user_id.to_string(), &form.inspection_id.to_string()).await?;
    row.ok_or_else(Problem::not_found)
}

/// Keeps the form and its pictures as sent; gives all that came with it so far.
async fn keep(app: &App, entered: &Entered, form: &Form, sent: Sent, sha256: String) -> Result<HashMap<String, Picture>, Problem> {
    let (at, instance_id) = (app.clock.wall_ms(), form.head.instance_id.clone());
    let known = openrosa::media(&mut app.db.read().await?.conn(), &instance_id).await?;
    let mut new = Vec::new();
    for (name, Came { spooled, picture, size }) in sent.pictures {
        match known.iter().find(|row| row.name == name) {
            Some(row) if row.sha256 == picture.sha256 => continue,
            Some(_) => return Err(Problem::of(ProblemType::Conflict).because(format!("{name}: another picture of this name is here"))),
            None => {}
        }
        app.files.put(&spooled).await?;
        let file = FileRow {
            id: Uuid::now_v7().to_string(),
            sha256: picture.sha256,
            filetype: picture.filetype,
            bytes: i64::try_from(picture.bytes).unwrap_or(i64::MAX),
            width: size.map(|size| i64::from(size.0)),
            height: size.map(|size| i64::from(size.1)),
            user_id: Some(entered.session.user_id.to_string()),
            created_at: at,
        };
        new.push((name, file));
    }
    let submission = NewSubmission {
        instance_id: instance_id.clone(),
        inspection_id: form.inspection_id.to_string(),
        device_id: entered.device.id.clone(),
        deprecated_id: form.head.deprecated_id.clone(),
        xml_sha256: sha256,
        content: sent.xml,
    };
    app.db
        .write(move |tx| {
            Box::pin(async move {
                openrosa::keep(tx, &submission, at).await?;
                for (name, file) in &new {
                    files::insert(tx, file).await?;
                    openrosa::keep_media(tx, &submission.instance_id, name, &file.id, at).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    let rows = openrosa::media(&mut app.db.read().await?.conn(), &instance_id).await?;
    let picture = |row: &openrosa::MediaRow| Picture {
        sha256: row.sha256.clone(),
        filetype: row.filetype.clone(),
        bytes: u64::try_from(row.bytes).unwrap_or(0),
    };
    Ok(rows.iter().map(|row| (row.name.clone(), picture(row))).collect())
}

/// Brings a draft to what the form says by now, and submits it where nothing is missing.
async fn fill(app: &App, entered: &Entered, form: &Form, row: &InspectionRow, came: &HashMap<String, Picture>) -> Result<Taken, Problem> {
    let content = form.filled.part(form.inspection_id, &form.device, came);
    let part_id = form.part_id();
    let present = inspections::part(&mut app.db.read().await?.conn(), &part_id.to_string()).await?;
    let revision = present.as_ref().map_or(1, |part| u32::try_from(part.revision).unwrap_or(1));
    let mut part = put_part(content.clone(), revision)?;
    if present.is_some_and(|present| present.content_sha256 != part.content_sha256) {
        part.revision += 1;
    }
    let named = PartNamed { id: part_id, content_sha256: part.content_sha256.clone() };
    store_part(app, &entered.session, form.inspection_id, part_id, part).await?;
    link_pictures(app, entered, form, &content).await?;
    let missing: Vec<String> =
        form.filled.pictures().into_iter().map(|picture| picture.0).filter(|name| !came.contains_key(name)).collect();
    let header = row.parsed_header()?;
    let faults = complete::check(&form.template, &content.answers, header.kind).err().unwrap_or_default();
    let unanswered: Vec<String> = faults.iter().map(|fault| fault.pointer.clone()).collect();
    let whole = missing.is_empty() && unanswered.is_empty();
    if whole {
        let result = judge(&form.template, &content.answers);
        let submit = Submit { parts: vec![named], choices: Default::default(), result, submitted_at: form.filled.ended_at };
        submit_inspection(app, &entered.session, form.inspection_id, submit).await?;
    }
    note(app, entered, form, &edit::officers(form, &header), &content, &missing, &unanswered).await?;
    Ok(match whole {
        true => Taken::Whole,
        false if unanswered.is_empty() => Taken::Waits(format!("已收到，等待图片 · received, waiting for {}", missing.join(", "))),
        false => Taken::Waits(format!("已保存为草稿，检查表未填完 · kept as a draft, not complete: {}", unanswered.join(", "))),
    })
}

/// Links the pictures that are here to the evidence that the part names.
pub(super) async fn link_pictures(app: &App, entered: &Entered, form: &Form, content: &PartContent) -> Result<(), Problem> {
    let rows = openrosa::media(&mut app.db.read().await?.conn(), &form.head.instance_id).await?;
    let (session, inspection_id, at) = (entered.session.clone(), form.inspection_id, app.clock.wall_ms());
    let mut here = Vec::new();
    for one in &content.evidence {
        let Some(row) = rows.iter().find(|row| instance::evidence_id(inspection_id, &row.name) == one.id) else { continue };
        let looked = app.files.look_again(&row.sha256, &row.filetype, one.kind == EvidenceKind::Signature).await?;
        here.push((one.id.to_string(), row.clone(), looked));
    }
    app.db
        .write(move |tx| {
            Box::pin(async move {
                for (id, row, (blank, position)) in here {
                    let arrived = crate::store::evidence::get(tx, &id).await?.is_some_and(|known| known.file_id.is_some());
                    if arrived {
                        continue;
                    }
                    let arrival = Arrival {
                        evidence_id: &id,
                        inspection_id: &inspection_id.to_string(),
                        owner_id: &session.user_id.to_string(),
                        sha256: &row.sha256,
                        filetype: &row.filetype,
                        file_id: &row.file_id,
                        // Kept, and counted as not signed: nothing is refused after the fact.
                        blank,
                        position,
                    };
                    uploads::link(tx, &session, &arrival, at).await?;
                }
                Ok::<_, Problem>(())
            })
        })
        .await
}

/// Notes what is lacking, and what this form made good.
async fn note(
    app: &App,
    entered: &Entered,
    form: &Form,
    officers: &[Uuid],
    content: &PartContent,
    missing: &[String],
    unanswered: &[String],
) -> Result<(), Problem> {
    let content = drawn_only(&mut app.db.read().await?.conn(), &form.inspection_id.to_string(), content).await?;
    let lacking = instance::lacks(officers.len(), &content);
    let mut rows: Vec<(&'static str, Option<String>)> = vec![
        ("media", (!missing.is_empty()).then(|| json!(missing).to_string())),
        ("answers", (!unanswered.is_empty()).then(|| json!(unanswered).to_string())),
    ];
    rows.extend(instance::LACKS.into_iter().map(|what| (what, lacking.contains(&what).then(|| "[]".to_owned()))));
    let (id, by, at) = (form.inspection_id.to_string(), entered.session.user_id.to_string(), app.clock.wall_ms());
    let done = json!({"instance_id": form.head.instance_id}).to_string();
    app.db
        .write(move |tx| {
            Box::pin(async move {
                for (what, detail) in &rows {
                    match detail {
                        Some(detail) => lacks::note(tx, &id, what, detail, at).await?,
                        None => {
                            lacks::make_good(tx, &id, what, &done, &by, at).await?;
                        }
                    }
                }
                if let Some(row) = inspections::of_upload(tx, &id).await? {
                    inspections::note_change(tx, &row, row.state != "draft", at).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::licence_in;

    #[test]
    fn a_licence_is_found_in_what_its_code_says() {
        assert_eq!(licence_in("https://licence.example/JY34405830012345?x=1"), "JY34405830012345");
        assert_eq!(licence_in("许可证编号：JY34405830012345，单位"), "JY34405830012345");
        assert_eq!(licence_in("JY3440"), "JY3440");
        assert_eq!(licence_in("JY厨房厨房厨房"), "JY厨房厨房厨房");
    }
}
