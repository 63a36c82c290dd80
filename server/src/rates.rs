//! The seven figures of a part of the tree, gathered from what is kept of premises, cameras, patrols and alerts.
//!
//! Everything is first a share of one premises under one office in one stretch of time, which adds up to any grouping. Alerts and looks
//! count for the office that the premises belonged to then, everything else for that of today; what was merged counts where it went.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::civil::Date;

use crate::auth::Scope;
use crate::domain::calendar::{date_of, end_of, start_of};
use crate::domain::periods::{Cover, Stretch};
use crate::domain::rates::{Rate, Rates, must_be_covered};
use crate::store::rates::{self, Asked, CameraRow, PlaceRow, ROWS_LIMIT};
use crate::store::statistics::{self, NodeRow};
use crate::store::{Conn, StoreError};

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// First day.
    pub(crate) from: Date,
    /// Last day.
    pub(crate) to: Date,
    /// Each stretch by itself; `None`: all days together.
    pub(crate) over: Option<Stretch>,
    /// Where.
    pub(crate) asked: Asked,
    /// Alerts of this kind.
    pub(crate) kind: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GatherError {
    /// More rows than one answer may be made of.
    #[error("too many days of too many cameras: ask for fewer days, for months, or for a part of the district")]
    TooWide,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A premises under an office, in a stretch that begins on a day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part {
    pub(crate) first: Option<Date>,
    pub(crate) premises_id: String,
    pub(crate) office_id: String,
}

/// All that was gathered.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) parts: BTreeMap<Part, Rates>,
    pub(crate) places: HashMap<String, PlaceRow>,
    nodes: Vec<NodeRow>,
}

/// A stretch within what was asked for.
struct Within {
    key: Option<Date>,
    start_ms: i64,
    end_ms: i64,
}

impl Question {
    fn key(&self, day: Date) -> Option<Date> {
        self.over.map(|stretch| stretch.first_day(day))
    }

    fn days(&self, now_ms: i64) -> Cover {
        Cover::until_today(self.from, self.to, date_of(now_ms))
    }

    fn months(&self) -> bool {
        self.over.is_none_or(Stretch::of_months)
    }

    fn stretches(&self) -> Vec<Within> {
        let Some(stretch) = self.over else {
            return vec![Within { key: None, start_ms: start_of(self.from), end_ms: end_of(self.to) }];
        };
        let (mut first, mut all) = (stretch.first_day(self.from), Vec::new());
        while first <= self.to {
            let last = stretch.last_day(first);
            all.push(Within { key: Some(first), start_ms: start_of(first.max(self.from)), end_ms: end_of(last.min(self.to)) });
            // The last day there is has none after it.
            match last.tomorrow() {
                Ok(next) if next > first => first = next,
                _ => break,
            }
        }
        all
    }
}

/// What the stretches have of cameras.
#[derive(Debug, Default)]
struct Delivered {
    cameras: HashSet<(Option<Date>, String)>,
    premises: HashSet<(Option<Date>, String)>,
}

pub(crate) fn bounded<T>(rows: Vec<T>) -> Result<Vec<T>, GatherError> {
    if i64::try_from(rows.len()).is_ok_and(|count| count < ROWS_LIMIT) { Ok(rows) } else { Err(GatherError::TooWide) }
}

fn day(text: &str) -> Result<Date, StoreError> {
    text.parse().map_err(StoreError::damaged)
}

/// Reads everything that a question is about.
pub(crate) async fn gather(conn: &mut Conn<'_>, scope: &Scope, question: &Question, now_ms: i64) -> Result<Gathered, GatherError> {
    let (days, months, asked) = (question.days(now_ms), question.months(), &question.asked);
    let mut gathered = Gathered::places(conn, scope, asked).await?;
    let mut delivered = Delivered::default();
    for piece in bounded(rates::camera_pieces(conn, scope, asked, days, months).await?)? {
        let key = question.key(day(&piece.first_on)?);
        let Some(place) = gathered.living(&piece.premises_id) else { continue };
        let (premises_id, office_id) = (place.id.clone(), place.office_id.clone());
        if piece.delivered() {
            delivered.cameras.insert((key, piece.camera_id));
            delivered.premises.insert((key, premises_id.clone()));
        }
        let part = gathered.part(key, premises_id, office_id);
        part.add(Rate::Online, piece.online_ms, piece.counted_ms);
        part.add(Rate::Completeness, piece.recorded_ms, piece.due_ms);
    }
    let cameras = bounded(rates::cameras(conn, scope, asked).await?)?;
    gathered.covered(question, &cameras, &delivered, now_ms);
    for piece in bounded(rates::patrol_pieces(conn, scope, asked, days, months).await?)? {
        let key = question.key(day(&piece.first_on)?);
        let Some(place) = gathered.living(&piece.premises_id) else { continue };
        let premises_id = place.id.clone();
        gathered.part(key, premises_id, piece.office_id).add(Rate::Patrol, piece.part, piece.whole);
    }
    for piece in bounded(rates::alert_pieces(conn, scope, asked, question.kind.as_deref(), days, months).await?)? {
        let key = question.key(day(&piece.first_on)?);
        let Some(place) = gathered.living(&piece.premises_id) else { continue };
        let premises_id = place.id.clone();
        let part = gathered.part(key, premises_id, piece.office_id);
        part.add(Rate::Rectified, piece.rectified, piece.dispatched);
        part.add(Rate::Precision, piece.confirmed, piece.confirmed + piece.false_alarms);
    }
    gathered.parts.retain(|_, rates| *rates != Rates::default());
    Ok(gathered)
}

impl Gathered {
    /// The places alone, with nothing counted yet.
    pub(crate) async fn places(conn: &mut Conn<'_>, scope: &Scope, asked: &Asked) -> Result<Self, GatherError> {
        let rows = bounded(rates::places(conn, scope, asked).await?)?;
        let places = rows.into_iter().map(|place| (place.id.clone(), place)).collect();
        let mut nodes = statistics::nodes(conn, "office").await?;
        nodes.extend(statistics::nodes(conn, "district").await?);
        Ok(Self { parts: BTreeMap::new(), places, nodes })
    }

    pub(crate) fn living(&self, id: &str) -> Option<&PlaceRow> {
        let place = self.places.get(id)?;
        place.merged_into.as_ref().and_then(|into| self.places.get(into)).or(Some(place))
    }

    fn part(&mut self, first: Option<Date>, premises_id: String, office_id: String) -> &mut Rates {
        self.parts.entry(Part { first, premises_id, office_id }).or_default()
    }

    /// Coverage and connection: of what is registered, what delivered.
    fn covered(&mut self, question: &Question, cameras: &[CameraRow], delivered: &Delivered, now_ms: i64) {
        for stretch in question.stretches() {
            if stretch.start_ms > now_ms {
                continue;
            }
            let there: Vec<(String, String, bool)> = self
                .places
                .values()
                .filter(|place| place.supervised(stretch.start_ms, stretch.end_ms))
                .map(|place| (place.id.clone(), place.office_id.clone(), must_be_covered(&place.kind)))
                .collect();
            for (id, office_id, _) in there.iter().filter(|(_, _, must)| *must) {
                let works = delivered.premises.contains(&(stretch.key, id.clone()));
                self.part(stretch.key, id.clone(), office_id.clone()).add(Rate::Coverage, works.into(), 1);
            }
            let offices: HashMap<&str, &str> = there.iter().map(|(id, office, _)| (id.as_str(), office.as_str())).collect();
            for camera in cameras.iter().filter(|camera| camera.created_at < stretch.end_ms) {
                let Some(office) = offices.get(camera.premises_id.as_str()) else { continue };
                let connected = delivered.cameras.contains(&(stretch.key, camera.id.clone()));
                self.part(stretch.key, camera.premises_id.clone(), (*office).to_owned()).add(Rate::Connection, connected.into(), 1);
            }
        }
    }

    /// An office, by its id.
    pub(crate) fn node(&self, id: &str) -> Option<&NodeRow> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// The district that an office lies in.
    pub(crate) fn district(&self, office_id: &str) -> Option<&NodeRow> {
        let path = &self.node(office_id)?.path;
        // Districts stand after the offices, and a district is also in itself.
        self.nodes.iter().rev().find(|node| path.starts_with(&node.path))
    }
}

/// A camera that is registered, with what it gave in the days.
#[derive(Debug)]
pub(crate) struct CameraShares {
    pub(crate) camera: CameraRow,
    pub(crate) place: PlaceRow,
    pub(crate) rates: Rates,
}

/// The rows behind figures of cameras, by name: their sums are the figures.
pub(crate) async fn cameras(
    conn: &mut Conn<'_>,
    scope: &Scope,
    question: &Question,
    short_of: Option<Rate>,
    now_ms: i64,
) -> Result<Vec<CameraShares>, GatherError> {
    let (days, asked) = (question.days(now_ms), &question.asked);
    let places: HashMap<String, PlaceRow> =
        bounded(rates::places(conn, scope, asked).await?)?.into_iter().map(|place| (place.id.clone(), place)).collect();
    let mut sums: HashMap<String, Rates> = HashMap::new();
    let mut connected: HashSet<String> = HashSet::new();
    for piece in bounded(rates::camera_pieces(conn, scope, asked, days, true).await?)? {
        let sum = sums.entry(piece.camera_id.clone()).or_default();
        sum.add(Rate::Online, piece.online_ms, piece.counted_ms);
        sum.add(Rate::Completeness, piece.recorded_ms, piece.due_ms);
        if piece.delivered() {
            connected.insert(piece.camera_id);
        }
    }
    for look in bounded(rates::looks_by_camera(conn, scope, asked, days).await?)? {
        sums.entry(look.camera_id).or_default().add(Rate::Patrol, look.looked, look.planned);
    }
    let all = Within { key: None, start_ms: start_of(question.from), end_ms: end_of(question.to) };
    let mut rows = Vec::new();
    for camera in bounded(rates::cameras(conn, scope, asked).await?)? {
        let Some(place) = places.get(&camera.premises_id) else { continue };
        let mut rates = sums.remove(&camera.id).unwrap_or_default();
        if place.supervised(all.start_ms, all.end_ms) && camera.created_at < all.end_ms {
            rates.add(Rate::Connection, connected.contains(&camera.id).into(), 1);
        }
        let short = short_of.is_none_or(|rate| {
            let (part, whole) = rates.get(rate);
            part < whole
        });
        if short && rates != Rates::default() {
            rows.push(CameraShares { place: place.clone(), camera, rates });
        }
    }
    Ok(rows)
}

/// A premises that must have a bright kitchen.
#[derive(Debug)]
pub(crate) struct CoveredPlace {
    pub(crate) place: PlaceRow,
    /// Cameras registered there.
    pub(crate) cameras: i64,
    /// Of those, those that delivered a picture.
    pub(crate) connected: i64,
    pub(crate) covered: bool,
}

/// The rows behind 覆盖率, by name.
pub(crate) async fn premises(
    conn: &mut Conn<'_>,
    scope: &Scope,
    question: &Question,
    covered: Option<bool>,
    now_ms: i64,
) -> Result<Vec<CoveredPlace>, GatherError> {
    let question = Question { over: None, ..question.clone() };
    let gathered = gather(conn, scope, &question, now_ms).await?;
    let mut rows = Vec::new();
    for (part, rates) in &gathered.parts {
        let ((works @ (0 | 1), 1), Some(place)) = (rates.get(Rate::Coverage), gathered.places.get(&part.premises_id)) else { continue };
        let (connected, cameras) = rates.get(Rate::Connection);
        if covered.is_none_or(|wanted| wanted == (works == 1)) {
            rows.push(CoveredPlace { place: place.clone(), cameras, connected, covered: works == 1 });
        }
    }
    rows.sort_by(|a, b| (&a.place.name_key, &a.place.id).cmp(&(&b.place.name_key, &b.place.id)));
    Ok(rows)
}
