//! Forms of an officer who may send no more: the phone was revoked while it was away, the account ended, or the permission.
//!
//! What was gathered before that is not lost: it goes to quarantine, in the shape in which our own phone would have sent it, and a
//! supervisor accepts or rejects it there. It opens nothing, and gives nothing out.

use std::collections::{BTreeMap, HashMap};

use mobile_api::Verbatim;
use mobile_api::complete;
use mobile_api::inspection::{Header, PartNamed, PutPart, Submit};
use mobile_api::judge::judge;
use mobile_api::problem::ProblemType;
use serde_json::{Value, json};
use uuid::Uuid;

use super::access::Entered;
use super::submission::{Came, Sent};
use super::take::{Form, Taken, assigned, put_part};
use crate::App;
use crate::http::Problem;
use crate::http::mobile::late_room;
use crate::openrosa::instance::{self, Picture};
use crate::store::StoreError;
use crate::store::files::{self, FileRow};
use crate::store::inspections::{self, InspectionRow};
use crate::store::journal::Act;
use crate::store::late::{self, LateFileRow, NewLate};
use crate::store::openrosa::{self, NewSubmission};

/// Keeps a form and the pictures of one request. It becomes one row of quarantine when its last picture, or its last request, is here.
pub(super) async fn take(
    app: &App,
    entered: &Entered,
    reason: &'static str,
    form: &Form,
    row: Option<InspectionRow>,
    sent: Sent,
    sha256: String,
) -> Result<Taken, Problem> {
    if form.edits {
        return Err(Problem::of(ProblemType::Conflict).because("this phone edits nothing any more: what was sent is amended at the desk"));
    }
    let (more, xml) = (sent.more, sent.xml);
    let came = keep_pictures(app, entered, form, sent.pictures).await?;
    let missing: Vec<String> = form.filled.pictures().into_iter().map(|(name, ..)| name).filter(|name| !came.contains_key(name)).collect();
    if more && !missing.is_empty() {
        return Ok(Taken::Waits(format!("已收到，等待图片 · received, waiting for {}", missing.join(", "))));
    }
    let content = content(app, entered, form, row.as_ref(), &came, missing.is_empty()).await?;
    let new = NewLate {
        id: Uuid::now_v7().to_string(),
        inspection_id: form.inspection_id.to_string(),
        user_id: entered.session.user_id.to_string(),
        sha256: mobile_api::canonical::sha256_hex(&content),
        content: serde_json::to_string(&content).map_err(StoreError::damaged)?,
        reason: reason.to_owned(),
        premises_id: Some(form.premises_id.to_string()),
    };
    let known = late::exists(&mut app.db.read().await?.conn(), &new.inspection_id, &new.user_id, &new.sha256).await?;
    if !known {
        late_room(app, &new.user_id, i64::try_from(new.content.len()).unwrap_or(i64::MAX)).await?;
        let submission = NewSubmission {
            instance_id: form.head.instance_id.clone(),
            inspection_id: new.inspection_id.clone(),
            device_id: entered.device.id.clone(),
            deprecated_id: None,
            xml_sha256: sha256,
            content: xml,
        };
        let (actor, at) = (entered.session.actor.clone(), app.clock.wall_ms());
        app.db
            .write(move |tx| {
                Box::pin(async move {
                    openrosa::keep(tx, &submission, at).await?;
                    if late::insert(tx, &new, at).await? {
                        let detail = json!({"inspection_id": new.inspection_id, "reason": new.reason, "sha256": new.sha256, "device_id": submission.device_id});
                        let entity = Some(("late_inspection", new.id.as_str()));
                        tx.audit(at, Act { actor: &actor, action: "late_receive", entity, path: "/", detail }).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await?;
    }
    Ok(Taken::Waits(
        "已收到。此手机或账号已停用，由主管核对后处理 · received; this phone or account has ended, a supervisor decides".to_owned(),
    ))
}

/// Keeps pictures as they came; gives all that are here of this form, those from before included.
async fn keep_pictures(
    app: &App,
    entered: &Entered,
    form: &Form,
    pictures: BTreeMap<String, Came>,
) -> Result<HashMap<String, Picture>, Problem> {
    let (inspection_id, user_id) = (form.inspection_id.to_string(), entered.session.user_id.to_string());
    let names: HashMap<String, String> =
        form.filled.pictures().into_iter().map(|(name, ..)| (instance::evidence_id(form.inspection_id, &name).to_string(), name)).collect();
    let mut here: HashMap<String, Picture> = HashMap::new();
    {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let picture = |sha256: &str, filetype: &str, bytes: i64| Picture {
            sha256: sha256.to_owned(),
            filetype: filetype.to_owned(),
            bytes: u64::try_from(bytes).unwrap_or(0),
        };
        for row in openrosa::media(conn, &form.head.instance_id).await? {
            here.insert(row.name.clone(), picture(&row.sha256, &row.filetype, row.bytes));
        }
        for row in late::files_of(conn, &inspection_id, &user_id).await? {
            if let Some(name) = names.get(&row.evidence_id) {
                here.insert(name.clone(), picture(&row.sha256, &row.filetype, row.bytes));
            }
        }
    }
    let at = app.clock.wall_ms();
    for (name, Came { spooled, picture, size }) in pictures {
        // One that the form does not name proves nothing.
        if !names.values().any(|named| *named == name) {
            continue;
        }
        match here.get(&name) {
            Some(present) if present.sha256 == picture.sha256 => continue,
            Some(_) => return Err(Problem::of(ProblemType::Conflict).because(format!("{name}: another picture of this name is here"))),
            None => {}
        }
        let bytes = i64::try_from(picture.bytes).unwrap_or(i64::MAX);
        late_room(app, &user_id, bytes).await?;
        app.files.put(&spooled).await?;
        let file = FileRow {
            id: Uuid::now_v7().to_string(),
            sha256: picture.sha256.clone(),
            filetype: picture.filetype.clone(),
            bytes,
            width: size.map(|size| i64::from(size.0)),
            height: size.map(|size| i64::from(size.1)),
            user_id: Some(user_id.clone()),
            created_at: at,
        };
        let row = LateFileRow {
            evidence_id: instance::evidence_id(form.inspection_id, &name).to_string(),
            user_id: user_id.clone(),
            sha256: picture.sha256.clone(),
            inspection_id: inspection_id.clone(),
            filetype: picture.filetype.clone(),
            bytes,
            file_id: file.id.clone(),
        };
        app.db
            .write(move |tx| {
                Box::pin(async move {
                    files::insert(tx, &file).await?;
                    late::insert_file(tx, &row, at).await
                })
            })
            .await
            .map_err(|error: StoreError| Problem::from(error))?;
        here.insert(name, picture);
    }
    Ok(here)
}

/// What our own phone would have sent: header and part, and a submission where nothing is missing.
async fn content(
    app: &App,
    entered: &Entered,
    form: &Form,
    row: Option<&InspectionRow>,
    came: &HashMap<String, Picture>,
    pictures_here: bool,
) -> Result<Value, Problem> {
    // A draft that began in time keeps its header.
    let (header, content_sha256): (Value, String) = match row {
        Some(row) => (serde_json::from_str(&row.header).map_err(StoreError::damaged)?, row.header_sha256.clone()),
        None => {
            let assignment_id = assigned(app, entered, form).await?;
            let header = form.filled.header(form.premises_id, form.template_id, entered.session.user_id, &form.device);
            let header = Header { assignment_id, ..header };
            let header = Verbatim::of(header).map_err(StoreError::damaged)?;
            (header.raw.clone(), header.sha256())
        }
    };
    let part_id = form.part_id();
    let present = inspections::part(&mut app.db.read().await?.conn(), &part_id.to_string()).await?;
    let mut part: PutPart = put_part(form.filled.part(form.inspection_id, &form.device, came), 1)?;
    if let Some(present) = present {
        let revision = u32::try_from(present.revision).unwrap_or(1);
        part.revision = if present.content_sha256 == part.content_sha256 { revision } else { revision + 1 };
    }
    let answers = &part.content.value.answers;
    let whole = pictures_here && complete::check(&form.template, answers, form.filled.kind).is_ok();
    let submit = whole.then(|| Submit {
        parts: vec![PartNamed { id: part_id, content_sha256: part.content_sha256.clone() }],
        choices: Default::default(),
        result: judge(&form.template, answers),
        submitted_at: form.filled.ended_at,
    });
    let put = json!({"header": header, "content_sha256": content_sha256,
        "part": {"id": part_id, "content": part.content.raw, "content_sha256": part.content_sha256, "revision": part.revision}});
    Ok(json!({"put": put, "submit": submit}))
}
