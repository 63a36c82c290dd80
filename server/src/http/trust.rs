//! `/trust`: how a phone comes to trust this installation's own certificate authority.
//!
//! The page is opened once past the browser's warning; what it offers is public, and its fingerprint can be compared with
//! the one on the server's terminal.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::Problem;
use crate::tls::Authority;

/// The authority that the page is about; none where the certificate is a bureau's own.
#[derive(Debug, Clone, Default)]
pub struct Page(Option<Arc<Authority>>);

impl Page {
    /// About this authority.
    pub fn new(authority: Option<Authority>) -> Self {
        Self(authority.map(Arc::new))
    }
}

/// Registers the page and its download.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/trust", web::get().to(page)).route("/trust/bright-kitchen.crt", web::get().to(certificate));
}

fn authority(page: Option<web::Data<Page>>) -> Result<Arc<Authority>, Problem> {
    let authority = page.and_then(|page| page.0.clone());
    authority.ok_or_else(|| Problem::not_found().because("this installation does not use a certificate authority of its own"))
}

async fn certificate(page: Option<web::Data<Page>>) -> Result<HttpResponse, Problem> {
    let authority = authority(page)?;
    Ok(HttpResponse::Ok()
        .insert_header(("content-type", "application/x-x509-ca-cert"))
        .insert_header(("content-disposition", "attachment; filename=\"bright-kitchen.crt\""))
        .body(authority.der.clone()))
}

async fn page(request: HttpRequest, page: Option<web::Data<Page>>) -> Result<HttpResponse, Problem> {
    let authority = authority(page)?;
    let address = format!("https://{}/trust", request.connection_info().host());
    let code = qr_svg(&address).unwrap_or_default();
    let body =
        PAGE.replace("{{fingerprint}}", &authority.fingerprint).replace("{{address}}", &escaped(&address)).replace("{{code}}", &code);
    Ok(HttpResponse::Ok()
        .insert_header(("content-type", "text/html; charset=utf-8"))
        .insert_header(("cache-control", "no-store"))
        .body(body))
}

/// A QR code as SVG, black on white; `None` where the text is too long for one.
pub(crate) fn qr_svg(text: &str) -> Option<String> {
    let code = qrcode::QrCode::new(text).ok()?;
    let svg = code.render::<qrcode::render::svg::Color<'_>>().min_dimensions(220, 220).build();
    // Without the XML head it stands inside the page.
    svg.find("<svg").map(|start| svg[start..].to_owned())
}

/// A QR code for a terminal.
pub fn qr_terminal(text: &str) -> Option<String> {
    let code = qrcode::QrCode::new(text).ok()?;
    Some(code.render::<qrcode::render::unicode::Dense1x2>().quiet_zone(true).build())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const PAGE: &str = include_str!("trust.html");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_place_for_each_part_and_codes_are_drawn() {
        for part in ["{{fingerprint}}", "{{address}}", "{{code}}"] {
            assert!(PAGE.contains(part), "{part}");
        }
        assert!(qr_svg("https://192.168.1.5:8080/trust").unwrap().starts_with("<svg"));
        assert!(qr_terminal("https://192.168.1.5:8080/trust").unwrap().lines().count() > 10);
        assert_eq!(escaped("\"><script>"), "&quot;&gt;&lt;script&gt;");
    }
}
