//! How many rows each table has: what a backup and its restoring are compared by.

use super::sql::fetch_optional;
use super::{Conn, StoreError};

macro_rules! tables {
    ($($table:literal),+ $(,)?) => {
        /// Rows by table.
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
    "signing_keys",
    "change_log",
    "audit_log",
    "audit_heads",
    "webhooks",
    "outbox",
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
    "inspection_officers",
    "inspection_parts",
    "inspection_evidence",
    "camera_days",
    "alert_tallies",
    "camera_months",
    "patrol_months",
    "closings",
    "closed_facts",
    "closed_names",
    "disk_forecasts",
    "officer_profiles",
    "officer_interests",
    "officer_leaves",
    "inspection_plans",
    "inspection_plan_items",
    "draws",
    "template_drafts",
    "draft_keys",
    "draft_backups",
    "late_inspections",
    "late_files",
    "document_layouts",
    "paper_registers",
    "documents",
    "paper_numbers",
    "rectification_orders",
    "rectification_items",
    "rectification_answers",
    "inspection_amendments",
    "disclosures",
    "role_requests",
    "recording_holds",
    "openrosa_devices",
    "openrosa_submissions",
    "openrosa_media",
    "inspection_lacks",
    "self_checks",
    "self_check_reminders",
    "retained_samples",
    "inspection_part_versions",
    "inspection_findings",
    "saved_views",
    "food_incidents",
    "food_incident_goods",
    "patrol_plans",
    "patrol_looks",
    "duty_shifts",
    "second_factors",
    "recovery_codes",
    "risk_scores",
    "rule_proposals",
    "notice_channels",
    "notice_ways",
    "push_subscriptions",
    "deliveries",
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// Work that waits, logins, and what a phone or a script asks for again.
    const LEFT_OUT: [&str; 9] = [
        "idempotency_keys",
        "jobs",
        "login_challenges",
        "login_failures",
        "refresh_tokens",
        "sessions",
        "setup_links",
        "sync_scopes",
        "uploads",
    ];

    #[tokio::test]
    async fn every_table_is_counted_or_left_out_for_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let db =
            crate::store::Db::open(&format!("sqlite://{}", folder.path().join("a.db").display()), &media::Supervisor::new()).await.unwrap();
        db.migrate().await.unwrap();
        let counted = super::read(&mut db.read().await.unwrap().conn()).await.unwrap();
        let counted: BTreeSet<String> = counted.into_iter().map(|(table, _)| table).collect();
        let mut made = BTreeSet::new();
        for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations")).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "sql") {
                let text = std::fs::read_to_string(&path).unwrap();
                let tables = text.lines().filter_map(|line| line.strip_prefix("CREATE TABLE "));
                made.extend(tables.filter_map(|rest| rest.split([' ', '(']).next()).map(str::to_owned));
            }
        }
        made.retain(|table| !LEFT_OUT.contains(&table.as_str()));
        assert_eq!(made, counted);
    }
}
