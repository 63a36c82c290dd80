//! Default deny: every route has a row here that says who may use it; a route without a row fails. Each is then walked by every
//! role and by nobody, from inside and from outside: `contract/walk.rs`.

use std::collections::BTreeMap;

use server::domain::permission::Permission;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    Nobody,
    SignedIn,
    One(Permission),
    /// The handler decides between several by what is asked.
    Any(&'static [Permission]),
}

use Needs::{Any, Nobody, One, SignedIn};

/// Every operation of the contract.
pub(crate) fn table() -> Vec<(&'static str, &'static str, Needs)> {
    use Permission as P;
    vec![
        ("POST", "/auth/login", Nobody),
        ("POST", "/auth/login/code", Nobody),
        ("POST", "/auth/refresh", Nobody),
        ("POST", "/auth/logout", SignedIn),
        ("POST", "/auth/password", SignedIn),
        ("GET", "/auth/second-factor", SignedIn),
        ("POST", "/auth/second-factor", SignedIn),
        ("POST", "/auth/second-factor/confirm", SignedIn),
        ("POST", "/auth/second-factor/recovery-codes", SignedIn),
        ("POST", "/auth/second-factor/off", SignedIn),
        ("GET", "/auth/sessions", SignedIn),
        ("DELETE", "/auth/sessions", SignedIn),
        ("DELETE", "/auth/sessions/{id}", SignedIn),
        ("GET", "/me", SignedIn),
        ("GET", "/setup", Nobody),
        ("POST", "/setup", Nobody),
        ("GET", "/openapi.json", Nobody),
        ("GET", "/system/health", One(P::SystemRead)),
        ("GET", "/audit", One(P::AuditRead)),
        ("GET", "/audit/head", One(P::AuditRead)),
        ("GET", "/keys", Nobody),
        ("GET", "/users", One(P::UsersRead)),
        ("POST", "/users", One(P::UsersManage)),
        ("GET", "/users/{id}", One(P::UsersRead)),
        ("PATCH", "/users/{id}", One(P::UsersManage)),
        ("POST", "/users/{id}/password", One(P::UsersManage)),
        ("GET", "/users/{id}/sessions", One(P::UsersManage)),
        ("DELETE", "/users/{id}/sessions", One(P::UsersManage)),
        ("DELETE", "/users/{id}/second-factor", One(P::UsersManage)),
        ("GET", "/roles", One(P::UsersRead)),
        ("GET", "/role-requests", One(P::UsersManage)),
        ("POST", "/role-requests/{id}/approve", One(P::UsersManage)),
        ("POST", "/role-requests/{id}/refuse", One(P::UsersManage)),
        ("POST", "/imports/premises", One(P::PremisesManage)),
        ("POST", "/imports/users", One(P::UsersManage)),
        ("POST", "/imports/cameras", One(P::CamerasManage)),
        ("GET", "/imports/{kind}/template.csv", SignedIn),
        ("GET", "/exports/premises.{format}", One(P::PremisesRead)),
        ("GET", "/exports/users.{format}", One(P::UsersRead)),
        ("GET", "/exports/cameras.{format}", One(P::CamerasRead)),
        ("GET", "/exports/alerts.{format}", One(P::AlertsRead)),
        ("GET", "/exports/inspections.{format}", One(P::InspectionsRead)),
        ("GET", "/exports/inspection-answers.csv", One(P::InspectionsRead)),
        ("GET", "/exports/statistics.{format}", One(P::FiguresRead)),
        ("GET", "/exports/offline.{format}", One(P::CamerasRead)),
        ("GET", "/statistics", One(P::FiguresRead)),
        ("GET", "/statistics/offline", One(P::CamerasRead)),
        ("GET", "/statistics/alerts", One(P::FiguresRead)),
        ("GET", "/statistics/rates", One(P::FiguresRead)),
        ("GET", "/statistics/rates/premises", One(P::FiguresRead)),
        ("GET", "/statistics/rates/cameras", One(P::FiguresRead)),
        ("GET", "/exports/rates.{format}", One(P::FiguresRead)),
        ("GET", "/statistics/closings", One(P::FiguresRead)),
        ("POST", "/statistics/closings", One(P::FiguresClose)),
        ("GET", "/statistics/closings/{id}", One(P::FiguresRead)),
        ("GET", "/statistics/closings/{id}/changes", One(P::FiguresRead)),
        ("GET", "/exports/closings.{format}", One(P::FiguresRead)),
        ("GET", "/statistics/report.pdf", One(P::FiguresRead)),
        ("GET", "/statistics/closings/{id}/report.pdf", One(P::FiguresRead)),
        ("GET", "/exports/alert-figures.{format}", One(P::FiguresRead)),
        ("GET", "/exports/audit.{format}", One(P::AuditRead)),
        ("GET", "/operators", One(P::OperatorsRead)),
        ("POST", "/operators", One(P::OperatorsManage)),
        ("GET", "/operators/{id}", One(P::OperatorsRead)),
        ("PATCH", "/operators/{id}", One(P::OperatorsManage)),
        ("PUT", "/premises/{id}/operators/{operator_id}", One(P::PremisesManage)),
        ("DELETE", "/premises/{id}/operators/{operator_id}", One(P::PremisesManage)),
        ("GET", "/organizations", One(P::OrganizationsRead)),
        ("POST", "/organizations", One(P::OrganizationsManage)),
        ("GET", "/organizations/{id}", One(P::OrganizationsRead)),
        ("PATCH", "/organizations/{id}", One(P::OrganizationsManage)),
        ("GET", "/premises", One(P::PremisesRead)),
        ("POST", "/premises", One(P::PremisesManage)),
        ("GET", "/premises/{id}", One(P::PremisesRead)),
        ("PATCH", "/premises/{id}", One(P::PremisesManage)),
        ("POST", "/premises/{id}/merge", One(P::PremisesMerge)),
        ("GET", "/cameras", One(P::CamerasRead)),
        ("POST", "/cameras", One(P::CamerasManage)),
        ("POST", "/cameras/test", One(P::CamerasTest)),
        ("GET", "/cameras/address-patterns", One(P::CamerasRead)),
        ("POST", "/cameras/discover", One(P::CamerasManage)),
        ("POST", "/cameras/onvif", One(P::CamerasManage)),
        ("GET", "/cameras/{id}", One(P::CamerasRead)),
        ("GET", "/cameras/{id}/health", One(P::CamerasRead)),
        ("PATCH", "/cameras/{id}", One(P::CamerasManage)),
        ("GET", "/cameras/{id}/diagnosis", One(P::CamerasRead)),
        ("GET", "/cameras/{id}/timeline", One(P::VideoRecorded)),
        ("GET", "/cameras/{id}/holds", One(P::VideoRecorded)),
        ("POST", "/cameras/{id}/holds", One(P::VideoHold)),
        ("POST", "/cameras/{id}/holds/{hold_id}/release", One(P::VideoHold)),
        ("GET", "/cameras/{id}/live/index.m3u8", Any(&[P::VideoLive, P::VideoParent])),
        ("GET", "/cameras/{id}/live/{name}", Any(&[P::VideoLive, P::VideoParent])),
        ("GET", "/cameras/{id}/live/h264/index.m3u8", Any(&[P::VideoLive, P::VideoParent])),
        ("GET", "/cameras/{id}/live/h264/{name}", Any(&[P::VideoLive, P::VideoParent])),
        ("GET", "/cameras/{id}/recording.mp4", One(P::VideoRecorded)),
        ("GET", "/cameras/{id}/recording.manifest.json", One(P::VideoRecorded)),
        ("GET", "/cameras/{id}/recording.m3u8", One(P::VideoRecorded)),
        ("GET", "/cameras/{id}/recording/{segment}/init.mp4", One(P::VideoRecorded)),
        ("GET", "/cameras/{id}/recording/{segment}/{number}.m4s", One(P::VideoRecorded)),
        ("GET", "/cameras/{id}/snapshot.jpg", Any(&[P::VideoLive, P::VideoParent])),
        ("GET", "/parent/premises", One(P::VideoParent)),
        ("GET", "/premises/{id}/parent-viewing", One(P::PremisesRead)),
        ("PUT", "/premises/{id}/parent-viewing", One(P::SettingsManage)),
        ("GET", "/wall", Any(&[P::VideoLive, P::VideoParent])),
        ("GET", "/settings/diagnosis/effective", One(P::CamerasRead)),
        ("GET", "/settings/retention/effective", One(P::CamerasRead)),
        ("GET", "/settings/retention", One(P::SettingsManage)),
        ("PUT", "/settings/retention", One(P::SettingsManage)),
        ("DELETE", "/settings/retention", One(P::SettingsManage)),
        ("GET", "/settings/auto_dispatch/effective", One(P::SettingsManage)),
        ("GET", "/settings/auto_dispatch", One(P::SettingsManage)),
        ("PUT", "/settings/auto_dispatch", One(P::SettingsManage)),
        ("DELETE", "/settings/auto_dispatch", One(P::SettingsManage)),
        ("GET", "/settings/calendar", One(P::SettingsManage)),
        ("PUT", "/settings/calendar", One(P::SettingsManage)),
        ("DELETE", "/settings/calendar/{year}", One(P::SettingsManage)),
        ("GET", "/settings/sign_in", One(P::SettingsManage)),
        ("PUT", "/settings/sign_in", One(P::SettingsManage)),
        ("GET", "/settings/diagnosis", One(P::SettingsManage)),
        ("PUT", "/settings/diagnosis", One(P::SettingsManage)),
        ("DELETE", "/settings/diagnosis", One(P::SettingsManage)),
        ("GET", "/alerts", One(P::AlertsRead)),
        ("GET", "/alerts/{id}", One(P::AlertsRead)),
        ("GET", "/alerts/{id}/clip.mp4", One(P::AlertsWatch)),
        ("GET", "/alerts/{id}/still.jpg", One(P::AlertsWatch)),
        ("GET", "/alerts/{id}/stills/{still_id}", One(P::AlertsWatch)),
        ("GET", "/alerts/{id}/evidence/{file_id}", One(P::AlertsWatch)),
        ("POST", "/alerts/{id}/confirm", One(P::AlertsDecide)),
        ("POST", "/alerts/{id}/dismiss", One(P::AlertsDecide)),
        ("POST", "/alerts/{id}/reopen", One(P::AlertsDecide)),
        ("POST", "/alerts/{id}/dispatch", One(P::AlertsDecide)),
        ("POST", "/alerts/{id}/undo", One(P::AlertsDecide)),
        ("POST", "/alerts/{id}/claim", One(P::AlertsDecide)),
        ("POST", "/alerts/{id}/release", One(P::AlertsDecide)),
        ("POST", "/alerts/{id}/hand_over", One(P::AlertsDecide)),
        ("GET", "/alerts/{id}/colleagues", One(P::AlertsDecide)),
        ("POST", "/alerts/{id}/open_case", One(P::AlertsDecide)),
        ("POST", "/alerts/{id}/request_inspection", One(P::AlertsDecide)),
        ("POST", "/alerts/{id}/rectify", One(P::AlertsRectify)),
        ("POST", "/alerts/{id}/review", One(P::AlertsDecide)),
        ("GET", "/rule_proposals", One(P::AlertsDecide)),
        ("GET", "/rule_proposals/{id}", One(P::AlertsDecide)),
        ("POST", "/rule_proposals/{id}/try", One(P::AlertsDecide)),
        ("POST", "/rule_proposals/{id}/apply", One(P::AlertsDecide)),
        ("POST", "/rule_proposals/{id}/decline", One(P::AlertsDecide)),
        ("POST", "/alerts/{id}/seen", One(P::AlertsRead)),
        ("GET", "/me/notices", SignedIn),
        ("PUT", "/me/notices", SignedIn),
        ("POST", "/me/notices/mail", SignedIn),
        ("POST", "/me/notices/mail/confirm", SignedIn),
        ("DELETE", "/me/notices/mail", SignedIn),
        ("POST", "/me/notices/push", SignedIn),
        ("DELETE", "/me/notices/push/{id}", SignedIn),
        ("POST", "/push/received", Nobody),
        ("GET", "/channels/mail", One(P::SettingsManage)),
        ("PUT", "/channels/mail", One(P::SettingsManage)),
        ("DELETE", "/channels/mail", One(P::SettingsManage)),
        ("POST", "/channels/mail/test", One(P::SettingsManage)),
        ("GET", "/channels/sms", One(P::SettingsManage)),
        ("PUT", "/channels/sms", One(P::SettingsManage)),
        ("DELETE", "/channels/sms", One(P::SettingsManage)),
        ("POST", "/channels/sms/test", One(P::SettingsManage)),
        ("GET", "/deliveries", One(P::SettingsManage)),
        ("GET", "/deliveries/figures", One(P::SettingsManage)),
        ("POST", "/deliveries/{id}/retry", One(P::SettingsManage)),
        ("GET", "/duty/reach", Any(&[P::DutiesManage, P::SettingsManage])),
        ("GET", "/duty", One(P::AlertsDecide)),
        ("POST", "/duty", One(P::DutiesManage)),
        ("DELETE", "/duty/{id}", One(P::DutiesManage)),
        ("GET", "/duty/summary", One(P::AlertsDecide)),
        ("POST", "/duty/hand_over", One(P::AlertsDecide)),
        ("GET", "/patrol/looks", One(P::PatrolsWalk)),
        ("PUT", "/patrol/looks/{id}", One(P::PatrolsWalk)),
        ("GET", "/patrol/coverage", One(P::PatrolsWalk)),
        ("GET", "/patrol/plans", One(P::PatrolsWalk)),
        ("PUT", "/patrol/plans/{id}", One(P::PatrolsManage)),
        ("DELETE", "/patrol/plans/{id}", One(P::PatrolsManage)),
        ("POST", "/cameras/{id}/findings", One(P::PatrolsWalk)),
        ("GET", "/overview", One(P::PremisesRead)),
        ("GET", "/events", SignedIn),
        ("GET", "/notices", SignedIn),
        ("POST", "/notices/{id}/read", SignedIn),
        ("GET", "/openrosa/devices", One(P::UsersManage)),
        ("POST", "/openrosa/devices", One(P::UsersManage)),
        ("DELETE", "/openrosa/devices/{id}", One(P::UsersManage)),
        ("GET", "/views", SignedIn),
        ("POST", "/views", SignedIn),
        ("DELETE", "/views/{id}", SignedIn),
        ("GET", "/webhooks", One(P::WebhooksManage)),
        ("POST", "/webhooks", One(P::WebhooksManage)),
        ("PATCH", "/webhooks/{id}", One(P::WebhooksManage)),
        ("DELETE", "/webhooks/{id}", One(P::WebhooksManage)),
        ("GET", "/webhooks/{id}/deliveries", One(P::WebhooksManage)),
        ("POST", "/files", Any(&[P::AlertsRectify, P::AlertsDecide, P::InspectionsConduct, P::OrdersAnswer])),
        ("GET", "/documents", One(P::DocumentsRead)),
        ("GET", "/documents/{id}", One(P::DocumentsRead)),
        ("GET", "/documents/{id}/file", One(P::DocumentsRead)),
        ("POST", "/documents", One(P::DocumentsIssue)),
        ("POST", "/documents/preview", One(P::DocumentsIssue)),
        ("POST", "/documents/{id}/void", One(P::DocumentsIssue)),
        ("GET", "/documents/layouts", One(P::DocumentsRead)),
        ("GET", "/documents/layouts/{kind}", One(P::DocumentsManage)),
        ("PUT", "/documents/layouts/{kind}", One(P::DocumentsManage)),
        ("POST", "/documents/layouts/{kind}/preview", One(P::DocumentsManage)),
        ("GET", "/paper-numbers", One(P::DocumentsIssue)),
        ("POST", "/paper-numbers/reserve", One(P::DocumentsIssue)),
        ("POST", "/paper-numbers/{id}/void", One(P::DocumentsIssue)),
        ("GET", "/settings/documents", One(P::DocumentsManage)),
        ("PUT", "/settings/documents", One(P::DocumentsManage)),
        ("GET", "/settings/disclosure", One(P::DocumentsManage)),
        ("PUT", "/settings/disclosure", One(P::DocumentsManage)),
        ("GET", "/premises/{id}/disclosure", One(P::DocumentsRead)),
        ("POST", "/premises/{id}/disclosure", One(P::DocumentsIssue)),
        ("GET", "/premises/{id}/disclosure/code.svg", One(P::DocumentsRead)),
        ("PUT", "/incidents/{id}", One(P::IncidentsReport)),
        ("GET", "/incidents", One(P::IncidentsRead)),
        ("GET", "/incidents/{id}", One(P::IncidentsRead)),
        ("GET", "/incidents/{id}/evidence/{evidence_id}", One(P::IncidentsRead)),
        ("POST", "/incidents/{id}/acts", Any(&[P::IncidentsReport, P::IncidentsRelease])),
        ("GET", "/orders", One(P::OrdersRead)),
        ("GET", "/orders/{id}", One(P::OrdersRead)),
        ("GET", "/orders/{id}/evidence/{file_id}", One(P::OrdersRead)),
        ("POST", "/orders", One(P::OrdersIssue)),
        ("POST", "/orders/preview", One(P::OrdersIssue)),
        ("POST", "/orders/{id}/answer", One(P::OrdersAnswer)),
        ("POST", "/orders/{id}/review", One(P::OrdersIssue)),
        ("POST", "/orders/{id}/extend", One(P::OrdersIssue)),
        ("POST", "/orders/{id}/withdraw", One(P::OrdersIssue)),
        ("POST", "/orders/{id}/recheck", One(P::AssignmentsManage)),
        ("GET", "/templates", One(P::TemplatesRead)),
        ("GET", "/templates/{id}", One(P::TemplatesRead)),
        ("POST", "/templates/{id}/retire", One(P::TemplatesManage)),
        ("GET", "/templates/{id}/file.{format}", One(P::TemplatesRead)),
        ("GET", "/template-drafts", One(P::TemplatesManage)),
        ("POST", "/template-drafts", One(P::TemplatesManage)),
        ("POST", "/template-imports", One(P::TemplatesManage)),
        ("GET", "/template-drafts/{id}", One(P::TemplatesManage)),
        ("PUT", "/template-drafts/{id}", One(P::TemplatesManage)),
        ("DELETE", "/template-drafts/{id}", One(P::TemplatesManage)),
        ("POST", "/template-drafts/{id}/publish", One(P::TemplatesManage)),
        ("GET", "/template-drafts/{id}/file.{format}", One(P::TemplatesManage)),
        ("GET", "/assignments", One(P::AssignmentsRead)),
        ("POST", "/assignments", One(P::AssignmentsManage)),
        ("GET", "/assignments/{id}", One(P::AssignmentsRead)),
        ("PATCH", "/assignments/{id}", One(P::AssignmentsManage)),
        ("GET", "/assignments/month", One(P::AssignmentsRead)),
        ("GET", "/premises/{id}/checks", One(P::AssignmentsRead)),
        ("GET", "/officers", One(P::AssignmentsManage)),
        ("GET", "/officers/{id}", One(P::AssignmentsManage)),
        ("PUT", "/officers/{id}", One(P::AssignmentsManage)),
        ("GET", "/settings/inspection_plan", One(P::AssignmentsRead)),
        ("PUT", "/settings/inspection_plan", One(P::SettingsManage)),
        ("GET", "/risk", One(P::AssignmentsRead)),
        ("GET", "/premises/{id}/risk", Any(&[P::AssignmentsRead, P::AlertsRectify, P::SelfChecksSign])),
        ("GET", "/exports/risk.{format}", One(P::AssignmentsRead)),
        ("GET", "/settings/risk", One(P::AssignmentsRead)),
        ("PUT", "/settings/risk", One(P::SettingsManage)),
        ("POST", "/settings/risk/preview", One(P::SettingsManage)),
        ("GET", "/plans", One(P::AssignmentsManage)),
        ("POST", "/plans", One(P::AssignmentsManage)),
        ("GET", "/plans/{id}", One(P::AssignmentsManage)),
        ("PUT", "/plans/{id}/items", One(P::AssignmentsManage)),
        ("POST", "/plans/{id}/approve", One(P::AssignmentsApprove)),
        ("POST", "/plans/{id}/withdraw", One(P::AssignmentsManage)),
        ("GET", "/draws", One(P::AssignmentsManage)),
        ("POST", "/draws", One(P::AssignmentsManage)),
        // What was promised before it was drawn is for everybody.
        ("GET", "/draws/commitments", Nobody),
        ("GET", "/draws/{id}", One(P::AssignmentsManage)),
        ("POST", "/draws/{id}/draw", One(P::AssignmentsManage)),
        ("POST", "/draws/{id}/approve", One(P::AssignmentsApprove)),
        ("POST", "/draws/{id}/withdraw", One(P::AssignmentsManage)),
        ("POST", "/draws/{id}/redraw", One(P::AssignmentsApprove)),
        ("GET", "/draws/{id}/record.json", One(P::AssignmentsManage)),
        ("GET", "/draws/{id}/replay", One(P::AssignmentsManage)),
        ("GET", "/sync", SignedIn),
        ("PUT", "/inspections/{id}", One(P::InspectionsConduct)),
        ("PUT", "/inspections/{id}/parts/{part_id}", One(P::InspectionsConduct)),
        ("POST", "/inspections/{id}/submit", One(P::InspectionsConduct)),
        ("GET", "/inspections", One(P::InspectionsRead)),
        ("GET", "/inspections/{id}", One(P::InspectionsRead)),
        ("GET", "/inspections/{id}/evidence/{evidence_id}", One(P::InspectionsRead)),
        ("POST", "/inspections/{id}/amendments", One(P::InspectionsConduct)),
        ("POST", "/inspections/{id}/completions", One(P::InspectionsConduct)),
        ("OPTIONS", "/uploads", Nobody),
        ("POST", "/uploads", Any(&[P::InspectionsConduct, P::SelfChecksAnswer, P::SelfChecksSign, P::IncidentsReport])),
        ("HEAD", "/uploads/{id}", Any(&[P::InspectionsConduct, P::SelfChecksAnswer, P::SelfChecksSign, P::IncidentsReport])),
        ("PATCH", "/uploads/{id}", Any(&[P::InspectionsConduct, P::SelfChecksAnswer, P::SelfChecksSign, P::IncidentsReport])),
        ("DELETE", "/uploads/{id}", Any(&[P::InspectionsConduct, P::SelfChecksAnswer, P::SelfChecksSign, P::IncidentsReport])),
        // Who answers them is told from who reads them by the paper's own rule.
        ("PUT", "/self-checks/{id}", Any(&[P::SelfChecksAnswer, P::SelfChecksSign])),
        ("GET", "/self-checks", One(P::SelfChecksRead)),
        ("GET", "/self-check-duties", One(P::SelfChecksRead)),
        ("GET", "/self-checks/{id}", One(P::SelfChecksRead)),
        ("GET", "/self-checks/{id}/evidence/{evidence_id}", One(P::SelfChecksRead)),
        ("POST", "/self-checks/{id}/samples/{position}/discard", One(P::SelfChecksAnswer)),
        ("GET", "/settings/self_checks", One(P::SelfChecksRead)),
        ("PUT", "/settings/self_checks", One(P::SettingsManage)),
        ("GET", "/inspections/{id}/parts", One(P::InspectionsConduct)),
        ("GET", "/premises/{id}/door.svg", One(P::PremisesRead)),
        ("GET", "/drafts/key", SignedIn),
        ("PUT", "/drafts/key", SignedIn),
        ("POST", "/drafts/key/open", SignedIn),
        ("GET", "/drafts", Any(&[P::InspectionsConduct, P::SelfChecksAnswer, P::SelfChecksSign])),
        ("PUT", "/drafts/{id}", Any(&[P::InspectionsConduct, P::SelfChecksAnswer, P::SelfChecksSign])),
        ("GET", "/drafts/{id}", Any(&[P::InspectionsConduct, P::SelfChecksAnswer, P::SelfChecksSign])),
        ("DELETE", "/drafts/{id}", Any(&[P::InspectionsConduct, P::SelfChecksAnswer, P::SelfChecksSign])),
        // A refresh token in the request says whose it is: the login of who brings it has ended.
        ("GET", "/paper-wording", One(P::InspectionsConduct)),
        ("PUT", "/late/{id}", Nobody),
        ("PUT", "/late/{id}/files/{evidence_id}", Nobody),
        ("GET", "/late", One(P::AssignmentsManage)),
        ("GET", "/late/{id}", One(P::AssignmentsManage)),
        ("GET", "/late/{id}/files/{evidence_id}", One(P::AssignmentsManage)),
        ("POST", "/late/{id}/accept", One(P::AssignmentsManage)),
        ("POST", "/late/{id}/reject", One(P::AssignmentsManage)),
    ]
}

/// All roles there are.
pub(crate) const ROLES: &[&str] = &[
    "administrator",
    "head",
    "supervisor",
    "officer",
    "legal_reviewer",
    "intake",
    "grid_member",
    "food_safety_director",
    "food_safety_officer",
    "principal",
    "education_viewer",
    "parent",
    "auditor",
    "wall",
];

/// What stands beside the contract: paths as they are registered, an address of each, and who may ask, over this machine's own
/// loopback as the tests do.
pub(crate) const BESIDE: &[(&str, &str, Needs)] = &[
    ("/healthz", "/healthz", Nobody),
    ("/readyz", "/readyz", Nobody),
    // From elsewhere it needs `system.read`: tests/it/metrics.rs.
    ("/metrics", "/metrics", Nobody),
    ("/trust", "/trust", Nobody),
    ("/trust/bright-kitchen.crt", "/trust/bright-kitchen.crt", Nobody),
    ("/p/{word}", "/p/no-such-word", Nobody),
    ("/p/{word}/notice.pdf", "/p/no-such-word/notice.pdf", Nobody),
    ("/c/{sha256}", "/c/no-such-paper", Nobody),
    ("/{path:(m|m/.*)}", "/m/today", Nobody),
    ("/{path:.*}", "/desk", Nobody),
];

fn routes() -> BTreeMap<(String, String), ()> {
    let document = serde_json::to_value(server::http::openapi()).unwrap();
    let mut routes = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| ["get", "put", "post", "patch", "delete", "head", "options"].contains(&key.as_str()))
        {
            routes.insert((method.to_uppercase(), path.trim_start_matches("/api/v1").to_owned()), ());
        }
    }
    routes
}

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let rows: BTreeMap<(String, String), ()> =
        table().iter().map(|(method, path, _)| (((*method).to_owned(), (*path).to_owned()), ())).collect();
    let routes = routes();
    let without: Vec<_> = routes.keys().filter(|route| !rows.contains_key(*route)).collect();
    let gone: Vec<_> = rows.keys().filter(|row| !routes.contains_key(*row)).collect();
    assert!(without.is_empty() && gone.is_empty(), "routes without a row: {without:#?}; rows without a route: {gone:#?}");
}

/// Routes that are registered beside the API stand in files with the framework's own `ServiceConfig`; each is a literal.
#[test]
fn every_route_beside_the_contract_has_a_row() {
    fn walk(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // The second door knows devices, no roles: tests/it/openrosa/access.rs walks it.
                if !path.ends_with("openrosa") {
                    walk(&path, found);
                }
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                if text.contains("config: &mut web::ServiceConfig") {
                    let registered = text.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next());
                    found.extend(registered.map(str::to_owned));
                    assert!(!text.contains("web::resource(") && !text.contains("web::scope("), "{}: write a route", path.display());
                }
            }
        }
    }
    let mut found = Vec::new();
    walk(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http"), &mut found);
    found.sort();
    let mut rows: Vec<String> = BESIDE.iter().map(|row| row.0.to_owned()).collect();
    rows.sort();
    assert_eq!(found, rows);
}
