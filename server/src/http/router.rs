//! The one place where routes come together: the API with its document, the pages, and what every request passes through.

use std::sync::OnceLock;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{App as Web, HttpRequest, HttpResponse, ResponseError as _, get, middleware, web};
use mobile_api::problem::ProblemType;
use mobile_api::template;
use tracing::Instrument as _;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_actix_web::{AppExt as _, scope};
use uuid::Uuid;

use super::{
    JSON_LIMIT, Problem, REQUEST, RequestFacts, auth, console, contract, disclosure, drawn_paper, media, mobile, openrosa, pages, running,
    setup, trust,
};
use crate::App;

/// Everything below `/api/v1`.
///
/// A path is held against one route after the other, so what a hundred phones send at once stands first.
fn api(config: &mut ServiceConfig<'_>) {
    mobile::configure_sending(config);
    auth::configure(config);
    setup::configure(config);
    console::configure(config);
    media::configure(config);
    mobile::configure(config);
    running::configure_api(config);
    config.service(openapi_document);
}

/// An application for one worker.
pub fn build(
    app: web::Data<App>,
) -> Web<
    impl actix_web::dev::ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let (web_app, document) =
        Web::new().into_utoipa_app().openapi(head()).service(scope::scope("/api/v1").configure(api)).split_for_parts();
    let contract = CONTRACT.get_or_init(|| Contract::of(&contract::completed(document)));
    web_app
        .app_data(app)
        .app_data(contract)
        .app_data(web::PayloadConfig::new(JSON_LIMIT))
        .configure(running::configure)
        .configure(trust::configure)
        .configure(disclosure::configure)
        .configure(openrosa::configure)
        .configure(drawn_paper::configure)
        .configure(pages::configure)
        .default_service(web::route().to(nothing_here))
        .wrap(middleware::Compress::default())
        .wrap(middleware::from_fn(around))
        .wrap(middleware::from_fn(media::quick))
}

/// The contract as code has it.
pub fn openapi() -> OpenApi {
    contract::completed(Web::new().into_utoipa_app().openapi(head()).service(scope::scope("/api/v1").configure(api)).split_for_parts().1)
}

fn head() -> OpenApi {
    use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
    use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApiBuilder};
    let info = InfoBuilder::new()
        .title("Bright Kitchen 明厨")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Food safety in canteens: cameras, alerts, inspections. Every error is application/problem+json."))
        .license(Some(utoipa::openapi::LicenseBuilder::new().name("Apache-2.0").build()));
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build());
    // A condition holds conditions, so what its leaves are made of is not followed by itself.
    let components = ComponentsBuilder::new()
        .schema_from::<template::ResultIs>()
        .schema_from::<template::ValueIs>()
        .schema_from::<template::Comparison>()
        .schema_from::<template::FieldValue>();
    OpenApiBuilder::new()
        .info(info.build())
        .components(Some(components.security_scheme("bearer", bearer).build()))
        .security(Some([SecurityRequirement::new("bearer", Vec::<String>::new())]))
        .build()
}

/// The contract, as OpenAPI 3.1.
#[utoipa::path(tag = "contract", security(()), responses((status = 200, description = "this document")))]
#[get("/openapi.json")]
async fn openapi_document(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let contract = request.app_data::<&Contract>().ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().content_type(header::ContentType::json()).body(contract.document.as_str()))
}

/// What all workers know of the contract, once: the document itself takes megabytes.
struct Contract {
    /// As sent.
    document: String,
    routes: Routes,
}

static CONTRACT: OnceLock<Contract> = OnceLock::new();

impl Contract {
    fn of(document: &OpenApi) -> Self {
        // What utoipa makes can be written.
        Self { document: serde_json::to_string(document).unwrap_or_default(), routes: Routes::of(document) }
    }
}

/// The paths of the API, to tell "no such thing" from "not with this method".
struct Routes(Vec<(Vec<Part>, Vec<String>)>);

/// One part of a path: what stands before and after a variable, or the whole of it.
struct Part {
    before: String,
    after: Option<String>,
}

impl Part {
    fn of(text: &str) -> Self {
        match (text.split_once('{'), text.rsplit_once('}')) {
            (Some((before, _)), Some((_, after))) => Self { before: before.to_owned(), after: Some(after.to_owned()) },
            _ => Self { before: text.to_owned(), after: None },
        }
    }

    fn matches(&self, text: &str) -> bool {
        match &self.after {
            None => self.before == text,
            Some(after) => text.strip_prefix(self.before.as_str()).is_some_and(|rest| rest.ends_with(after.as_str())),
        }
    }
}

impl Routes {
    fn of(document: &OpenApi) -> Self {
        Self(document.paths.paths.iter().map(|(path, item)| (path.split('/').map(Part::of).collect(), methods(item))).collect())
    }

    fn allowed(&self, path: &str) -> Vec<&str> {
        let texts: Vec<&str> = path.split('/').collect();
        let matches = |parts: &[Part]| parts.len() == texts.len() && parts.iter().zip(&texts).all(|(part, text)| part.matches(text));
        self.0.iter().filter(|(parts, _)| matches(parts)).flat_map(|(_, methods)| methods.iter().map(String::as_str)).collect()
    }
}

fn methods(item: &utoipa::openapi::PathItem) -> Vec<String> {
    [
        ("GET", &item.get),
        ("PUT", &item.put),
        ("POST", &item.post),
        ("DELETE", &item.delete),
        ("PATCH", &item.patch),
        ("HEAD", &item.head),
        ("OPTIONS", &item.options),
    ]
    .into_iter()
    .filter(|(_, operation)| operation.is_some())
    .map(|(method, _)| method.to_owned())
    .collect()
}

async fn nothing_here(request: HttpRequest) -> HttpResponse {
    let allowed = request.app_data::<&Contract>().map(|contract| contract.routes.allowed(request.path()).join(", ")).unwrap_or_default();
    if allowed.is_empty() {
        return Problem::not_found().error_response();
    }
    let mut response = Problem::of(ProblemType::MethodNotAllowed).error_response();
    if let Ok(value) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// The header by which a client says which version of the phones' protocol it speaks: `phone/6`.
pub(crate) const CLIENT: &str = "bright-kitchen-client";

/// What every request passes through: an id, a language, a log span, and headers that keep browsers careful.
async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let facts = facts(request.request());
    let request_id = facts.request_id.clone();
    let span = tracing::info_span!("request", request_id, method = %request.method(), path = %openrosa::without_word(request.path()));
    // An encoded NUL is in no path or query of ours, and PostgreSQL cannot take it.
    if request.uri().to_string().contains("%00") {
        let response = REQUEST
            .sync_scope(facts, || Problem::of(ProblemType::Malformed).because("the address holds the character NUL").error_response());
        return Ok(request.into_response(response).map_into_right_body());
    }
    // Told before anything is read of it: a client that no longer speaks as we do must not send what it would lose.
    if mobile_api::version::too_old(request.headers().get(CLIENT).and_then(|value| value.to_str().ok())) {
        let response = REQUEST.sync_scope(facts, || {
            let problem = Problem::of(ProblemType::ClientTooOld).because("update the app: what is on the phone stays there");
            problem.with("oldest", mobile_api::version::OLDEST).with("newest", mobile_api::version::CURRENT).error_response()
        });
        return Ok(request.into_response(response).map_into_right_body());
    }
    let started = std::time::Instant::now();
    let app = request.app_data::<web::Data<App>>().cloned();
    let mut response = REQUEST.scope(facts, next.call(request)).instrument(span.clone()).await?.map_into_left_body();
    if let Some(app) = app {
        app.about.metrics().answered(response.status().as_u16(), started.elapsed());
    }
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), ms = started.elapsed().as_millis(), "answered"));
    for (name, value) in SECURITY_HEADERS {
        let name = HeaderName::from_static(name);
        if !response.headers().contains_key(&name) {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    Ok(response)
}

/// Map tiles come from where a bureau says, hence `img-src https:`; media are played from blobs by hls.js.
const SECURITY_HEADERS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    ("permissions-policy", "camera=(self), geolocation=(self), microphone=(self)"),
    (
        "content-security-policy",
        "default-src 'self'; img-src 'self' data: blob: https:; media-src 'self' blob:; font-src 'self' data:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; connect-src 'self'; frame-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
];

/// What a problem needs to know of its request.
pub(super) fn facts(request: &HttpRequest) -> RequestFacts {
    RequestFacts { english: prefers_english(request), request_id: Uuid::now_v7().simple().to_string() }
}

fn prefers_english(request: &HttpRequest) -> bool {
    let languages = request.headers().get("accept-language").and_then(|value| value.to_str().ok()).unwrap_or_default();
    languages.trim_start().to_ascii_lowercase().starts_with("en")
}
