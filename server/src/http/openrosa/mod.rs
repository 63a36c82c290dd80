//! `/openrosa`: the second door for phones, OpenRosa 1.0, for ODK Collect and its kin. The same again lies below
//! `/openrosa/key/{word}` for clients that know no passwords.
//!
//! Not part of `openapi.json`: it is a protocol of its own, with XML in every answer. What is ours of it stands in
//! `docs/openrosa.md`.

mod access;
mod answer;
mod edit;
mod forms;
mod late;
mod submission;
mod take;

use std::borrow::Cow;

use actix_web::{HttpRequest, HttpResponse, web};

pub(super) use access::hash;

use super::Problem;

/// Registers the door.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.service(web::scope("/openrosa/key/{word}").configure(routes)).service(web::scope("/openrosa").configure(routes));
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/formList", web::get().to(forms::list))
        .route("/forms/{id}/form.xml", web::get().to(forms::form))
        .route("/forms/{id}/manifest.xml", web::get().to(forms::manifest))
        .route("/media/{name}", web::get().to(forms::media))
        .service(web::resource("/submission").route(web::head().to(submission::stand)).route(web::post().to(submission::submit)))
        .default_service(web::route().to(nothing_here));
}

/// A path as it may stand in a log: the word that lets somebody in is left out.
pub(super) fn without_word(path: &str) -> Cow<'_, str> {
    match path.strip_prefix("/openrosa/key/") {
        Some(rest) => Cow::Owned(format!("/openrosa/key/…/{}", rest.split_once('/').map_or("", |(_, rest)| rest))),
        None => Cow::Borrowed(path),
    }
}

async fn nothing_here(_request: HttpRequest) -> HttpResponse {
    answer::refused(&Problem::not_found().because("no such address here: the server's address ends with /openrosa"))
}

#[cfg(test)]
mod tests {
    use super::without_word;

    #[test]
    fn the_word_stands_in_no_log() {
        assert_eq!(without_word("/openrosa/key/secret/formList"), "/openrosa/key/…/formList");
        assert_eq!(without_word("/openrosa/key/secret"), "/openrosa/key/…/");
        assert_eq!(without_word("/openrosa/formList"), "/openrosa/formList");
    }
}
