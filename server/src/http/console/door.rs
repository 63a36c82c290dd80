//! `GET /premises/{id}/door.svg`: the code that hangs at a premises' door. An officer's scan of it opens and closes the visit
//! (扫码入企). It is an address of the phone's pages with a mark that only this installation makes, so that a scan shows that
//! somebody stood before the code; what the camera saw elsewhere, a photo of it, is no proof, and place and time are kept beside it.

use actix_web::{HttpRequest, HttpResponse, get, web};
use mobile_api::problem::ProblemType;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, can};
use crate::http::{Id, Problem, ProblemBody};
use crate::store::premises;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(door_code);
}

/// The code for the door, to be printed: an address of the phone's pages.
#[utoipa::path(tag = "premises", params(("id" = uuid::Uuid, Path, example = "01928f6e-0000-7000-8000-000000000001")),
    responses((status = 200, description = "the code with the premises' name below it", content_type = "image/svg+xml"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/premises/{id}/door.svg")]
async fn door_code(request: HttpRequest, app: web::Data<App>, caller: Caller<can::PremisesRead>, id: Id) -> Result<HttpResponse, Problem> {
    let row = premises::get(&mut app.db.read().await?.conn(), &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let info = request.connection_info().clone();
    let address = format!("{}://{}/m/p/{}.{}", info.scheme(), info.host(), row.id, app.sealer.door_mark(&row.id));
    let svg = drawn(&address, &row.name).ok_or_else(|| Problem::of(ProblemType::Internal))?;
    Ok(HttpResponse::Ok().content_type("image/svg+xml").insert_header(("cache-control", "private, no-store")).body(svg))
}

/// The code with the name below; `None` where the address is too long for a code.
fn drawn(address: &str, name: &str) -> Option<String> {
    let drawing = qrcode::QrCode::with_error_correction_level(address, qrcode::EcLevel::Q).ok()?;
    let (width, colors) = (drawing.width(), drawing.to_colors());
    let mut dark = String::new();
    for (index, _) in colors.iter().enumerate().filter(|(_, color)| **color == qrcode::Color::Dark) {
        dark.push_str(&format!("M{} {}h1v1h-1z", index % width + 4, index / width + 4));
    }
    let (wide, high) = (width + 8, width + 18);
    let name: String = name.chars().take(30).collect();
    let name = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let text = |y: usize, size: &str, text: &str| {
        format!("<text x=\"{}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"middle\" font-family=\"sans-serif\">{text}</text>", wide / 2)
    };
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide} {high}\" width=\"480\"><rect width=\"{wide}\" height=\"{high}\" fill=\"#fff\"/><path d=\"{dark}\"/>{}{}</svg>",
        text(width + 9, "3", &name),
        text(width + 14, "2.4", "执法检查 · 扫码入企")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Sealer;

    #[test]
    fn the_code_is_a_picture_with_the_name_and_another_mark_for_each_premises() {
        let data = tempfile::tempdir().unwrap();
        let sealer = Sealer::open(data.path()).unwrap();
        assert_ne!(sealer.door_mark("one"), sealer.door_mark("other"));
        assert_eq!(sealer.door_mark("one").len(), 16);
        let svg = drawn("https://kitchen.example/m/p/01928f6e-0000-7000-8000-000000000001.0123456789abcdef", "<实验> & 食堂").unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("&lt;实验&gt; &amp; 食堂"));
    }
}
