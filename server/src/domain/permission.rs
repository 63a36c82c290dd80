//! What a role may do. Roles are data (table `role_permissions`); the permissions they name are these.

macro_rules! permissions {
    ($($variant:ident = $code:literal),+ $(,)?) => {
        /// One thing a person may do, in the part of the tree where a role gives it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the codes say what they allow")]
        pub enum Permission { $($variant),+ }

        impl Permission {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As stored and sent.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// `None` for a code this program does not know: it then allows nothing.
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

permissions! {
    OrganizationsRead = "organizations.read",
    OrganizationsManage = "organizations.manage",
    OperatorsRead = "operators.read",
    OperatorsManage = "operators.manage",
    PremisesRead = "premises.read",
    PremisesManage = "premises.manage",
    PremisesMerge = "premises.merge",
    UsersRead = "users.read",
    UsersManage = "users.manage",
    CamerasRead = "cameras.read",
    CamerasManage = "cameras.manage",
    CamerasTest = "cameras.test",
    VideoLive = "video.live",
    VideoParent = "video.parent",
    VideoRecorded = "video.recorded",
    VideoExport = "video.export",
    VideoHold = "video.hold",
    AlertsRead = "alerts.read",
    AlertsWatch = "alerts.watch",
    AlertsDecide = "alerts.decide",
    AlertsRectify = "alerts.rectify",
    DutiesManage = "duties.manage",
    PatrolsWalk = "patrols.walk",
    PatrolsManage = "patrols.manage",
    InspectionsRead = "inspections.read",
    InspectionsConduct = "inspections.conduct",
    InspectionsOriginals = "inspections.originals",
    AssignmentsRead = "assignments.read",
    AssignmentsManage = "assignments.manage",
    AssignmentsApprove = "assignments.approve",
    TemplatesRead = "templates.read",
    TemplatesManage = "templates.manage",
    DocumentsRead = "documents.read",
    DocumentsIssue = "documents.issue",
    DocumentsManage = "documents.manage",
    OrdersRead = "orders.read",
    OrdersIssue = "orders.issue",
    OrdersAnswer = "orders.answer",
    SelfChecksRead = "self_checks.read",
    SelfChecksAnswer = "self_checks.answer",
    SelfChecksSign = "self_checks.sign",
    IncidentsRead = "incidents.read",
    IncidentsReport = "incidents.report",
    IncidentsRelease = "incidents.release",
    AuditRead = "audit.read",
    SystemRead = "system.read",
    SettingsManage = "settings.manage",
    FiguresRead = "figures.read",
    FiguresClose = "figures.close",
    WebhooksManage = "webhooks.manage",
}
