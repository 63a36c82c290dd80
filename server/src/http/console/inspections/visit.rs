//! What was recorded at the door, as the page of an inspection shows it. The mark itself is not told: whether it was right is.

use mobile_api::Moment;
use mobile_api::inspection::{DoorScan, Location, Recusal, Unmet, Visit};
use serde::Serialize;
use utoipa::ToSchema;

/// The visit. What is null was not recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VisitSeen {
    /// The code at the door, on coming.
    opened: Option<ScanSeen>,
    /// The code at the door, on going.
    closed: Option<ScanSeen>,
    /// By the phone's clock.
    certificates_shown_at: Option<Moment>,
    /// Asked and answered.
    recusal: Option<Recusal>,
    /// Why something that must be there before was not.
    #[serde(skip_serializing_if = "Unmet::is_empty")]
    #[schema(required = false)]
    unmet: Unmet,
}

/// A scan of the code at the door.
#[derive(Debug, Serialize, ToSchema)]
struct ScanSeen {
    /// By the phone's clock.
    device_time: Moment,
    /// Where the phone thought it was.
    location: Option<Location>,
    /// Whether it was the code that this installation made for this premises; a code that was made up, or another door's, is not.
    right: bool,
}

/// What a right scan says.
pub(super) struct Door<'a> {
    /// Whose door.
    pub(super) premises_id: &'a str,
    /// What its code carries.
    pub(super) mark: &'a str,
}

impl Door<'_> {
    pub(super) fn seen(&self, visit: Visit) -> VisitSeen {
        VisitSeen {
            opened: visit.opened.map(|scan| self.scan(scan)),
            closed: visit.closed.map(|scan| self.scan(scan)),
            certificates_shown_at: visit.certificates_shown_at,
            recusal: visit.recusal,
            unmet: visit.unmet,
        }
    }

    fn scan(&self, scan: DoorScan) -> ScanSeen {
        let right = scan.premises_id.to_string() == self.premises_id && scan.mark == self.mark;
        ScanSeen { device_time: scan.device_time, location: scan.location, right }
    }
}
