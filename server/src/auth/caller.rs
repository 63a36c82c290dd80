//! `Caller<P>`: a request whose sender may do P. A handler without it is public.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use actix_web::http::Method;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, web};
use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, Shared, WeakShared};
use mobile_api::problem::ProblemType;
use uuid::Uuid;

use super::Scope;
use crate::App;
use crate::domain::permission::Permission;
use crate::http::Problem;
use crate::store::journal::Actor;
use crate::store::{Conn, StoreError, logins, settings};

/// Grants a person may have.
pub const GRANT_LIMIT: usize = 64;
/// The cookie that GETs may use instead of the bearer token: `EventSource`, `<img>` and `<video>` cannot send a header.
pub const COOKIE: &str = "bk_access";

/// What a handler asks for.
pub trait Needs: 'static {
    /// Any one of these; none for "signed in".
    const ANY_OF: &'static [Permission];
}

/// One marker type a permission, for `Caller<can::PremisesRead>`.
pub mod can {
    use super::{Needs, Permission};

    macro_rules! markers {
        ($($name:ident),+ $(,)?) => { $(
            /// Needs the permission of this name.
            #[derive(Debug, Clone, Copy)]
            pub struct $name;
            impl Needs for $name { const ANY_OF: &'static [Permission] = &[Permission::$name]; }
        )+ };
    }

    markers!(
        OrganizationsRead,
        OrganizationsManage,
        OperatorsRead,
        OperatorsManage,
        PremisesRead,
        PremisesManage,
        PremisesMerge,
        UsersRead,
        UsersManage,
        CamerasRead,
        CamerasManage,
        CamerasTest,
        VideoLive,
        VideoParent,
        VideoRecorded,
        VideoExport,
        VideoHold,
        AlertsRead,
        AlertsWatch,
        AlertsDecide,
        AlertsRectify,
        DutiesManage,
        PatrolsWalk,
        PatrolsManage,
        InspectionsRead,
        InspectionsConduct,
        AssignmentsRead,
        AssignmentsManage,
        AssignmentsApprove,
        TemplatesRead,
        TemplatesManage,
        DocumentsRead,
        DocumentsIssue,
        DocumentsManage,
        OrdersRead,
        OrdersIssue,
        OrdersAnswer,
        SelfChecksRead,
        SelfChecksAnswer,
        SelfChecksSign,
        IncidentsRead,
        IncidentsReport,
        IncidentsRelease,
        AuditRead,
        SystemRead,
        SettingsManage,
        FiguresRead,
        FiguresClose,
        WebhooksManage,
    );

    /// Whoever may see a live picture at all: at any time, or as a parent in the hours of the premises.
    #[derive(Debug, Clone, Copy)]
    pub struct Watch;
    impl Needs for Watch {
        const ANY_OF: &'static [Permission] = &[Permission::VideoLive, Permission::VideoParent];
    }

    /// Whoever does something about a report of suspected food poisoning: adds to it, or lets go.
    #[derive(Debug, Clone, Copy)]
    pub struct IncidentsAct;
    impl Needs for IncidentsAct {
        const ANY_OF: &'static [Permission] = &[Permission::IncidentsReport, Permission::IncidentsRelease];
    }

    /// Whoever sees to it that somebody on duty is woken: by the roster, or by what carries notices.
    #[derive(Debug, Clone, Copy)]
    pub struct DutyReach;
    impl Needs for DutyReach {
        const ANY_OF: &'static [Permission] = &[Permission::DutiesManage, Permission::SettingsManage];
    }

    /// Whoever answers papers of the canteen's own: the food-safety people all, the head of the place some.
    #[derive(Debug, Clone, Copy)]
    pub struct SelfChecksMake;
    impl Needs for SelfChecksMake {
        const ANY_OF: &'static [Permission] = &[Permission::SelfChecksAnswer, Permission::SelfChecksSign];
    }

    /// Whoever sees a premises' score: who plans by it, and the premises itself.
    #[derive(Debug, Clone, Copy)]
    pub struct RiskSee;
    impl Needs for RiskSee {
        const ANY_OF: &'static [Permission] = &[Permission::AssignmentsRead, Permission::AlertsRectify, Permission::SelfChecksSign];
    }

    /// Whoever fills in drafts on a phone: inspections, or papers of the canteen's own.
    #[derive(Debug, Clone, Copy)]
    pub struct DraftsKeep;
    impl Needs for DraftsKeep {
        const ANY_OF: &'static [Permission] = &[Permission::InspectionsConduct, Permission::SelfChecksAnswer, Permission::SelfChecksSign];
    }

    /// Anybody who is signed in and has no password to change and no second factor to set up.
    #[derive(Debug, Clone, Copy)]
    pub struct SignedIn;
    impl Needs for SignedIn {
        const ANY_OF: &'static [Permission] = &[];
    }
}

/// A valid login, also one whose password must be changed or whose second factor must be set up first.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who.
    pub user_id: Uuid,
    /// Which login.
    pub session_id: Uuid,
    /// What and where.
    pub access: Access,
    /// For the audit log.
    pub actor: Actor,
    /// Must change the password before anything else.
    pub must_change_password: bool,
    /// Has a role that asks for a second factor, and none yet: must set one up before anything else.
    pub must_set_up_second_factor: bool,
}

/// What a person may do, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    grants: Vec<(Permission, String)>,
    /// Grows when grants change.
    pub scope_version: i64,
}

impl Access {
    pub(super) fn new(rows: Vec<(String, String)>, scope_version: i64) -> Self {
        let mut grants: Vec<_> = rows.into_iter().filter_map(|(code, path)| Some((Permission::from_code(&code)?, path))).collect();
        grants.sort();
        Self { grants, scope_version }
    }

    /// The same with one permission more, at one node: for an act that a supervisor takes on for somebody.
    pub(crate) fn with(&self, permission: Permission, path: &str) -> Self {
        let mut more = self.clone();
        more.grants.push((permission, path.to_owned()));
        more.grants.sort();
        more
    }

    /// Where `permission` holds.
    pub fn scope(&self, permission: Permission) -> Scope {
        Scope::of(self.grants.iter().filter(|grant| grant.0 == permission).map(|grant| grant.1.clone()).collect())
    }

    /// Where any of them holds; where anything holds if there are none.
    fn scope_of_any(&self, permissions: &[Permission]) -> Scope {
        let holds = |grant: &&(Permission, String)| permissions.is_empty() || permissions.contains(&grant.0);
        Scope::of(self.grants.iter().filter(holds).map(|grant| grant.1.clone()).collect())
    }

    /// Whether it holds anywhere.
    pub fn may(&self, permission: Permission) -> bool {
        self.grants.iter().any(|grant| grant.0 == permission)
    }

    /// Whether it holds at the node with this path.
    pub fn may_at(&self, permission: Permission, path: &str) -> bool {
        self.scope(permission).covers(path)
    }

    /// Where anything at all holds: for the changes a person hears of.
    pub fn any_scope(&self) -> Scope {
        self.scope_of_any(&[])
    }

    /// All codes, each once.
    pub fn permissions(&self) -> BTreeSet<&'static str> {
        self.grants.iter().map(|grant| grant.0.code()).collect()
    }
}

/// A request whose sender may do `P`.
#[derive(Debug, Clone)]
pub struct Caller<P> {
    session: Session,
    permission: PhantomData<P>,
}

impl<P> std::ops::Deref for Caller<P> {
    type Target = Session;
    fn deref(&self) -> &Session {
        &self.session
    }
}

impl<P: Needs> Caller<P> {
    /// Where the caller may do it.
    pub fn scope(&self) -> Scope {
        self.session.access.scope_of_any(P::ANY_OF)
    }
}

impl Session {
    /// Reads the login behind a request.
    pub async fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let app = request.app_data::<web::Data<App>>().ok_or_else(|| Problem::of(ProblemType::Internal))?;
        let token = token(request).ok_or_else(|| Problem::of(ProblemType::Unauthenticated))?;
        let now_ms = app.clock.wall_ms();
        // Read before anything is looked up: what changes meanwhile makes the look-up old.
        let epoch = app.db.access_epoch();
        let session = match app.known_logins.get(&token, now_ms, epoch) {
            Some(session) => session,
            None => Self::looked_up(app, token, now_ms, epoch).await?,
        };
        let actor = Actor { id: Some(session.user_id), name: session.actor.name.clone(), ..crate::http::origin(request) };
        app.logins.last_used().note(session.session_id, now_ms, actor.ip.as_deref());
        Ok(Self { actor, ..session })
    }

    async fn looked_up(app: &App, token: String, now_ms: i64, epoch: u64) -> Result<Self, Problem> {
        let claims = app.keys.verify(&token, now_ms / 1_000).ok_or_else(|| Problem::of(ProblemType::Unauthenticated))?;
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let (row, access) = load(conn, &claims.sid.to_string(), now_ms).await?.ok_or_else(|| Problem::of(ProblemType::Unauthenticated))?;
        let must_set_up_second_factor = row.second_factor_at.is_none() && asks_for_second_factor(conn, &row.user_id, now_ms).await?;
        let actor = Actor { id: Some(claims.sub), name: row.display_name, ..Actor::default() };
        let session = Self {
            user_id: claims.sub,
            session_id: claims.sid,
            access,
            actor,
            must_change_password: row.must_change_password,
            must_set_up_second_factor,
        };
        app.known_logins.keep(token, session.clone(), claims.exp, now_ms, epoch);
        Ok(session)
    }
}

/// Whether one of somebody's roles asks for a second factor.
async fn asks_for_second_factor(conn: &mut Conn<'_>, user_id: &str, now_ms: i64) -> Result<bool, StoreError> {
    let asked = settings::sign_in(conn).await?;
    if asked.second_factor_roles.is_empty() {
        return Ok(false);
    }
    Ok(asked.asks_for_second_factor(&logins::roles(conn, user_id, now_ms).await?))
}

/// A login that has not ended, with what its user may do now.
async fn load(conn: &mut Conn<'_>, session: &str, now_ms: i64) -> Result<Option<(logins::SessionRow, Access)>, StoreError> {
    let Some(row) = logins::session(conn, session).await?.filter(|row| row.ended_at.is_none() && row.disabled_at.is_none()) else {
        return Ok(None);
    };
    let access = Access::of_user(conn, &row.user_id, row.scope_version, now_ms).await?;
    Ok(Some((row, access)))
}

impl Access {
    /// What a user may do at `now_ms`: by grants, and by open assignments at their premises.
    pub async fn of_user(conn: &mut Conn<'_>, user_id: &str, scope_version: i64, now_ms: i64) -> Result<Self, StoreError> {
        Ok(Self::new(logins::permissions(conn, user_id, now_ms).await?, scope_version))
    }
}

/// The access token that a request carries, not yet looked at.
pub(crate) fn token(request: &HttpRequest) -> Option<String> {
    bearer(request).or_else(|| cookie(request))
}

fn bearer(request: &HttpRequest) -> Option<String> {
    let value = request.headers().get("authorization")?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// Only where nothing is changed; SameSite=Strict keeps other sites from using it.
fn cookie(request: &HttpRequest) -> Option<String> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    reads.then(|| request.cookie(COOKIE).map(|cookie| cookie.value().to_owned())).flatten()
}

/// The decision about a request under way. Everything else that is read of the request waits for it: who may not is told so,
/// whatever was sent.
///
/// The request itself only holds it weakly. It is kept alive by those who wait for it, so that a request which is refused for
/// another reason drops it, with the database connection that it may hold: a strong one would be a ring of request, decision
/// and request, and the connection would be lost for good.
#[derive(Clone)]
pub(crate) struct Decision(Deciding);

type Deciding = Shared<LocalBoxFuture<'static, Result<Session, Problem>>>;

/// What the request holds.
struct UnderWay(WeakShared<LocalBoxFuture<'static, Result<Session, Problem>>>);

impl Decision {
    /// Of the request whose handler takes a [`Caller`] or a [`Session`] before what waits; `None` where the route is public.
    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<UnderWay>().and_then(|under_way| under_way.0.upgrade()).map(Self)
    }

    /// The problem, where it was refused.
    pub(crate) async fn made(self) -> Result<(), Problem> {
        self.0.await.map(|_| ())
    }

    fn begin(request: &HttpRequest, any_of: &'static [Permission], must_be_set_up: bool) -> Self {
        let deciding = decide(request.clone(), any_of, must_be_set_up).boxed_local().shared();
        if let Some(weak) = deciding.downgrade() {
            request.extensions_mut().insert(UnderWay(weak));
        }
        Self(deciding)
    }
}

async fn decide(request: HttpRequest, any_of: &'static [Permission], must_be_set_up: bool) -> Result<Session, Problem> {
    let session = Session::of(&request).await?;
    if must_be_set_up && session.must_change_password {
        return Err(Problem::of(ProblemType::PasswordChangeRequired));
    }
    if must_be_set_up && session.must_set_up_second_factor {
        return Err(Problem::of(ProblemType::SecondFactorRequired));
    }
    if !any_of.is_empty() && !any_of.iter().any(|permission| session.access.may(*permission)) {
        return Err(Problem::of(ProblemType::Forbidden));
    }
    Ok(session)
}

impl FromRequest for Session {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Decision::begin(request, &[], false).0.boxed_local()
    }
}

impl<P: Needs> FromRequest for Caller<P> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let decision = Decision::begin(request, P::ANY_OF, true);
        async move { Ok(Self { session: decision.0.await?, permission: PhantomData }) }.boxed_local()
    }
}
