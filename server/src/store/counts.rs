//! How many rows each table has: what a backup and its restoring are compared by.

use super::sql::fetch_optional;
use super::{Conn, StoreError};

macro_rules! tables {
    ($($table:literal),+ $(,)?) => {
        /// Rows by table. Queues and what expires by itself are left out.
        pub async fn read(conn: &mut Conn<'_>) -> Result<Vec<(String, i64)>, StoreError> {
            let mut counts = Vec::new();
            $({
                let row = fetch_optional!(conn, (i64,), concat!("SELECT COUNT(*) FROM ", $table))?;
                counts.push(($table.to_owned(), row.map_or(0, |row| row.0)));
            })+
            Ok(counts)
        }
    };
}

tables!(
    "organizations",
    "operators",
    "premises",
    "premises_operators",
    "users",
    "roles",
    "role_permissions",
    "grants",
    "change_log",
    "audit_log",
    "audit_heads",
    "webhooks",
    "settings",
    "cameras",
    "segments",
    "camera_gaps",
    "work_items",
    "work_clocks",
    "work_history",
    "notices",
    "files",
    "alerts",
    "alert_occurrences",
    "checklist_templates",
    "assignments",
    "assignment_officers",
    "inspections",
    "inspection_parts",
    "inspection_evidence",
    "officer_profiles",
    "officer_interests",
    "officer_leaves",
    "inspection_plans",
    "inspection_plan_items",
    "draws",
);
