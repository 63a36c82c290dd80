//! Refusals cost nothing: whatever a request is refused for, the server answers the next one.

use reqwest::StatusCode;

use crate::support::on_both;

/// Far more than there are connections to the database.
const REQUESTS: usize = 60;

on_both!(requests_that_are_refused_keep_no_connection, |app| {
    let administrator = app.person("administrator", &app.city).await;
    for _ in 0..REQUESTS {
        // Each is refused for what it says while the database is still asked who says it.
        let id = administrator.get("/premises/not-an-id");
        let query = administrator.get("/premises?limit=many");
        let both = administrator.get("/users/not-an-id?never=heard");
        let (id, query, both) = futures::join!(id, query, both);
        assert_eq!((id.0, query.0, both.0), (StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND));
    }
    assert_eq!(administrator.get("/me").await.0, StatusCode::OK);
    assert_eq!(administrator.get("/premises").await.0, StatusCode::OK);
});

on_both!(who_may_not_is_told_so_whatever_was_asked, |app| {
    let parent = app.person("parent", &app.premises).await;
    for path in ["/users/not-an-id", "/users?limit=many", "/audit?never=heard"] {
        assert_eq!(parent.get(path).await.0, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(app.nobody().get(path).await.0, StatusCode::UNAUTHORIZED, "{path}");
    }
});
