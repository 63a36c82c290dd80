//! `/documents/layouts`: how papers look. A changed layout is a new version, kept only when a sample paper can be set by it.

use actix_web::{HttpResponse, get, post, put, web};
use mobile_api::Moment;
use mobile_api::field::Faults;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::issue::pdf;
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::documents::{self, Kind, SOURCE_CHARS_MAX};
use crate::http::{Body, Problem, ProblemBody, checked};
use crate::store::journal::{Act, Change, Entity};
use crate::store::layouts::{self, NewLayout};

/// Characters of a note.
const NOTE_CHARS_MAX: usize = 500;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(read).service(change).service(preview);
}

/// A kind of paper and the layout that holds.
#[derive(Debug, Serialize, ToSchema)]
struct LayoutItem {
    kind: Kind,
    /// As printed.
    title: &'static str,
    /// 0: the one that ships.
    version: i64,
    changed_by_name: Option<String>,
    changed_at: Option<Moment>,
    /// The word before the year of a number where the bureau says none.
    word: &'static str,
}

/// All of them.
#[derive(Debug, Serialize, ToSchema)]
struct Layouts {
    items: Vec<LayoutItem>,
}

/// A layout with its versions.
#[derive(Debug, Serialize, ToSchema)]
struct LayoutDetail {
    kind: Kind,
    title: &'static str,
    /// The version that holds; 0 is the one that ships.
    version: i64,
    /// Typst.
    source: String,
    sha256: String,
    /// The one that ships.
    shipped_source: &'static str,
    /// Newest first, without the one that ships.
    versions: Vec<LayoutVersion>,
}

/// A version.
#[derive(Debug, Serialize, ToSchema)]
struct LayoutVersion {
    version: i64,
    source: String,
    sha256: String,
    note: String,
    created_by_name: String,
    created_at: Moment,
}

/// Kinds of papers with the layouts that hold.
#[utoipa::path(tag = "documents", responses((status = 200, body = Layouts)))]
#[get("/documents/layouts")]
async fn list(app: web::Data<App>, _: Caller<can::DocumentsRead>) -> Result<web::Json<Layouts>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut items = Vec::new();
    for kind in Kind::ALL {
        let own = layouts::newest(conn, kind.as_str()).await?;
        items.push(LayoutItem {
            kind: *kind,
            title: kind.title(),
            version: own.as_ref().map_or(0, |own| own.version),
            changed_by_name: own.as_ref().map(|own| own.created_by_name.clone()),
            changed_at: own.as_ref().map(|own| Moment(own.created_at)),
            word: kind.word(),
        });
    }
    Ok(web::Json(Layouts { items }))
}

/// One layout, as it holds, as it ships, and all versions between.
#[utoipa::path(tag = "documents", params(("kind" = Kind, Path, example = "warning")), responses((status = 200, body = LayoutDetail), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/documents/layouts/{kind}")]
async fn read(app: web::Data<App>, _: Caller<can::DocumentsManage>, kind: web::Path<String>) -> Result<web::Json<LayoutDetail>, Problem> {
    detail(&app, parsed(&kind)?).await.map(web::Json)
}

fn parsed(kind: &str) -> Result<Kind, Problem> {
    kind.parse().map_err(|()| Problem::not_found())
}

async fn detail(app: &App, kind: Kind) -> Result<LayoutDetail, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let held = documents::in_force(conn, kind).await?;
    let versions = layouts::versions(conn, kind.as_str()).await?;
    Ok(LayoutDetail {
        kind,
        title: kind.title(),
        version: held.version,
        source: held.source,
        sha256: held.sha256,
        shipped_source: documents::shipped(kind),
        versions: versions
            .into_iter()
            .map(|row| LayoutVersion {
                version: row.version,
                source: row.source,
                sha256: row.sha256,
                note: row.note,
                created_by_name: row.created_by_name,
                created_at: Moment(row.created_at),
            })
            .collect(),
    })
}

/// A changed layout.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"version": 0, "note": "加上联系电话", "source": "#import \"common.typ\": *\n#show: paper\n#head()\n#data.text"}))]
struct LayoutChange {
    /// The version that was read.
    version: i64,
    /// What was changed.
    #[schema(min_length = 1, max_length = 500)]
    note: String,
    /// Typst; it sees `data.json`, the pictures named there, and `common.typ`.
    #[schema(min_length = 1, max_length = 100_000)]
    source: String,
}

/// Keeps a changed layout as the next version. It holds from the next paper on; papers that were issued stay as they are.
#[utoipa::path(tag = "documents", params(("kind" = Kind, Path, example = "warning")), request_body = LayoutChange,
    responses((status = 200, body = LayoutDetail), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "it does not compile: `faults` name file, line and column")))]
#[put("/documents/layouts/{kind}")]
async fn change(
    app: web::Data<App>,
    caller: Caller<can::DocumentsManage>,
    kind: web::Path<String>,
    body: Body<LayoutChange>,
) -> Result<web::Json<LayoutDetail>, Problem> {
    let (kind, body) = (parsed(&kind)?, body.into_inner());
    let mut faults = Faults::new();
    faults.text("note", &body.note, NOTE_CHARS_MAX);
    sized(&body.source, &mut faults);
    checked(faults)?;
    let at = app.clock.wall_ms();
    if documents::in_force(&mut app.db.read().await?.conn(), kind).await?.version != body.version {
        return Err(Problem::stale(detail(&app, kind).await?));
    }
    documents::check_layout(&app.documents.renderer, kind, &body.source, at).await?;
    let session = Session::clone(&caller);
    let new = NewLayout {
        kind: kind.as_str(),
        sha256: documents::layout_hash(&body.source),
        source: body.source,
        note: body.note.trim().to_owned(),
        created_by: session.user_id.to_string(),
    };
    let kept = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let Some(version) = layouts::insert(tx, &new, body.version, at).await? else { return Ok(false) };
                let detail = json!({"kind": new.kind, "version": version, "sha256": new.sha256, "note": new.note});
                tx.audit(at, Act { actor: &session.actor, action: "layout_change", entity: Some(("layout", new.kind)), path: "/", detail })
                    .await?;
                tx.changed(at, Change::upsert(Entity::Setting, "layouts", "/")).await?;
                Ok::<_, Problem>(true)
            })
        })
        .await?;
    let present = detail(&app, kind).await?;
    if kept { Ok(web::Json(present)) } else { Err(Problem::stale(present)) }
}

fn sized(source: &str, faults: &mut Faults) {
    if source.trim().is_empty() {
        faults.note_at("source", "required", "must not be empty");
    } else if source.chars().count() > SOURCE_CHARS_MAX {
        faults.note_at("source", "too_long", format!("at most {SOURCE_CHARS_MAX} characters"));
    }
}

/// A layout to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"source": "#import \"common.typ\": *\n#show: paper\n#head()\n#data.text"}))]
struct LayoutTrial {
    #[schema(min_length = 1, max_length = 100_000)]
    source: String,
}

/// A sample paper, set by a layout that is not kept.
#[utoipa::path(tag = "documents", params(("kind" = Kind, Path, example = "warning")), request_body = LayoutTrial,
    responses((status = 200, description = "the sample", content_type = "application/pdf"), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "`faults` name file, line and column")))]
#[post("/documents/layouts/{kind}/preview")]
async fn preview(
    app: web::Data<App>,
    _: Caller<can::DocumentsManage>,
    kind: web::Path<String>,
    body: Body<LayoutTrial>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::new();
    sized(&body.source, &mut faults);
    checked(faults)?;
    let rendered = documents::check_layout(&app.documents.renderer, parsed(&kind)?, &body.source, app.clock.wall_ms()).await?;
    Ok(pdf(rendered))
}
