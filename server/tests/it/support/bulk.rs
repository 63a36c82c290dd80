//! A district's rows by the million, made by the engines themselves.

use server::store::{Conn, Db, StoreError};

/// One statement with numbers; how long it may take is the caller's business.
async fn run(db: &Db, sqlite: &'static str, postgres: &'static str, numbers: Vec<i64>) {
    let done = db.write(move |tx| {
        Box::pin(async move {
            match &mut **tx {
                Conn::Sqlite(connection) => {
                    let mut query = sqlx::query(sqlite);
                    for number in numbers {
                        query = query.bind(number);
                    }
                    query.execute(&mut **connection).await?;
                }
                Conn::Postgres(connection) => {
                    let mut query = sqlx::query(postgres);
                    for number in numbers {
                        query = query.bind(number);
                    }
                    query.execute(&mut **connection).await?;
                }
            }
            Ok::<_, StoreError>(())
        })
    });
    done.await.unwrap();
}

/// A change past the program, as somebody with the database in hand makes it.
pub async fn change(db: &Db, statement: &'static str) {
    run(db, statement, statement, Vec::new()).await;
}

/// The id of the camera with this number.
pub fn camera_id(number: i64) -> String {
    format!("01900000-0000-7000-8000-{number:012x}")
}

/// Cameras 1 to `count`, spread over the premises there are, watched since `since_ms`.
pub async fn cameras(db: &Db, count: i64, since_ms: i64) {
    const SQLITE: &str = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $1), \
        places(id, at) AS (SELECT id, ROW_NUMBER() OVER (ORDER BY id) - 1 FROM premises) \
        INSERT INTO cameras (id, premises_id, name, name_key, source_url, transport, enabled, audio, state, state_reason, state_detail, state_since, watched_since, version, created_at, updated_at) \
        SELECT '01900000-0000-7000-8000-' || printf('%012x', n.n), places.id, 'camera ' || n.n, 'camera ' || n.n, 'rtsp://127.0.0.1:9/x', 'auto', TRUE, FALSE, 'recording', 'none', '', $2, $2, 1, $2, $2 \
        FROM n JOIN places ON places.at = n.n % (SELECT COUNT(*) FROM premises)";
    const POSTGRES: &str = "WITH RECURSIVE n(n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM n WHERE n < $1), \
        places(id, at) AS (SELECT id, ROW_NUMBER() OVER (ORDER BY id) - 1 FROM premises) \
        INSERT INTO cameras (id, premises_id, name, name_key, source_url, transport, enabled, audio, state, state_reason, state_detail, state_since, watched_since, version, created_at, updated_at) \
        SELECT '01900000-0000-7000-8000-' || lpad(to_hex(n.n), 12, '0'), places.id, 'camera ' || n.n, 'camera ' || n.n, 'rtsp://127.0.0.1:9/x', 'auto', TRUE, FALSE, 'recording', 'none', '', $2, $2, 1, $2, $2 \
        FROM n JOIN places ON places.at = n.n % (SELECT COUNT(*) FROM premises)";
    run(db, SQLITE, POSTGRES, vec![count, since_ms]).await;
}

/// One day of segments of cameras 1 to `count`, in the order in which they come: all cameras' ten minutes, then the next.
pub async fn segments_of_a_day(db: &Db, count: i64, day_ms: i64) {
    const SQLITE: &str = "WITH RECURSIVE t(t) AS (SELECT $2 UNION ALL SELECT t + 600000 FROM t WHERE t < $2 + 85800000), \
        n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $1) \
        INSERT INTO segments (id, camera_id, path, start_ms, end_ms, bytes, fragments, codec, epoch, closed) \
        SELECT substr(printf('%012x', t), 1, 8) || '-' || substr(printf('%012x', t), 9, 4) || '-7' || printf('%03x', n % 4096) || '-8000-' || printf('%012x', n), \
          '01900000-0000-7000-8000-' || printf('%012x', n), \
          '01900000-0000-7000-8000-' || printf('%012x', n) || '/20261123/' || t || '_' || substr(printf('%012x', t), 1, 8) || '-' || substr(printf('%012x', t), 9, 4) || '-7' || printf('%03x', n % 4096) || '-8000-' || printf('%012x', n) || '.mp4', \
          t, t + 600000, 150000000, 300, 'h264', 0, TRUE FROM t CROSS JOIN n";
    const POSTGRES: &str = "INSERT INTO segments (id, camera_id, path, start_ms, end_ms, bytes, fragments, codec, epoch, closed) \
        SELECT i.id, i.camera, i.camera || '/20261123/' || i.t || '_' || i.id || '.mp4', i.t, i.t + 600000, 150000000, 300, 'h264', 0, TRUE FROM ( \
          SELECT t, n, '01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS camera, \
            substr(lpad(to_hex(t), 12, '0'), 1, 8) || '-' || substr(lpad(to_hex(t), 12, '0'), 9, 4) || '-7' || lpad(to_hex(n % 4096), 3, '0') || '-8000-' || lpad(to_hex(n), 12, '0') AS id \
          FROM generate_series($2, $2 + 85800000, 600000) AS t CROSS JOIN generate_series(CAST(1 AS BIGINT), $1) AS n ORDER BY t, n) AS i";
    run(db, SQLITE, POSTGRES, vec![count, day_ms]).await;
}

/// Three gaps of a day of cameras 1 to `count`: five minutes each, at hours that differ by camera.
pub async fn gaps_of_a_day(db: &Db, count: i64, day_ms: i64) {
    const SQLITE: &str = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $1), g(g) AS (VALUES (0), (1), (2)) \
        INSERT INTO camera_gaps (id, camera_id, start_ms, end_ms, reason) \
        SELECT printf('%012x', $2) || '-' || n || '-' || g, '01900000-0000-7000-8000-' || printf('%012x', n), $2 + g * 28800000 + n * 1000, $2 + g * 28800000 + n * 1000 + 300000, 'offline' \
        FROM n CROSS JOIN g";
    const POSTGRES: &str = "INSERT INTO camera_gaps (id, camera_id, start_ms, end_ms, reason) \
        SELECT lpad(to_hex($2), 12, '0') || '-' || n || '-' || g, '01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'), $2 + g * 28800000 + n * 1000, $2 + g * 28800000 + n * 1000 + 300000, 'offline' \
        FROM generate_series(CAST(1 AS BIGINT), $1) AS n CROSS JOIN generate_series(CAST(0 AS BIGINT), CAST(2 AS BIGINT)) AS g";
    run(db, SQLITE, POSTGRES, vec![count, day_ms]).await;
}

/// Premises 1 to `count` below an office, with the office's path.
pub async fn premises(db: &Db, count: i64) {
    const SQLITE: &str = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $1) \
        INSERT INTO premises (id, organization_id, path, kind, name, name_key, service_hours, version, created_at, updated_at) \
        SELECT '01900000-0000-7000-9000-' || printf('%012x', n), o.id, o.path || '01900000-0000-7000-9000-' || printf('%012x', n) || '/', 'school_canteen', 'premises ' || n, 'premises ' || n, '[]', 1, 1, 1 \
        FROM n CROSS JOIN (SELECT id, path FROM organizations WHERE level = 'office' ORDER BY id LIMIT 1) o";
    const POSTGRES: &str = "INSERT INTO premises (id, organization_id, path, kind, name, name_key, service_hours, version, created_at, updated_at) \
        SELECT '01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'), o.id, o.path || '01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0') || '/', 'school_canteen', 'premises ' || n, 'premises ' || n, '[]', 1, 1, 1 \
        FROM generate_series(CAST(1 AS BIGINT), $1) AS n CROSS JOIN (SELECT id, path FROM organizations WHERE level = 'office' ORDER BY id LIMIT 1) o";
    run(db, SQLITE, POSTGRES, vec![count]).await;
}

/// Lets the engine look at what it has, as it does by itself in the course of a day: PostgreSQL's autovacuum also notes which
/// pages everybody sees, without which it reads each row that its index names.
pub async fn analyse(db: &Db) {
    match &mut db.read().await.unwrap().conn() {
        Conn::Sqlite(_) => run(db, "ANALYZE", "ANALYZE", Vec::new()).await,
        Conn::Postgres(connection) => {
            sqlx::query("VACUUM (ANALYZE)").execute(&mut **connection).await.unwrap();
        }
    }
}

/// Submitted inspections 1 to `count` beside the one there is, which gives them all their content: a minute apart, the newest last.
pub async fn inspections_like(db: &Db, count: i64) {
    const SQLITE: &str = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $1) \
        INSERT INTO inspections (id, premises_id, office_id, template_id, kind, lead_id, header, header_sha256, state, started_at, submission, submission_sha256, \
          phone_result, server_result, outcome, differs, submitted_at, complete_at, received_at, version, updated_at, happened_at, result) \
        SELECT '01900000-0000-7000-9000-' || printf('%012x', n.n), i.premises_id, i.office_id, i.template_id, i.kind, i.lead_id, i.header, i.header_sha256, i.state, \
          i.started_at + n.n * 60000, i.submission, i.submission_sha256, i.phone_result, i.server_result, i.outcome, i.differs, i.submitted_at, i.complete_at, \
          i.received_at, i.version, i.updated_at, i.happened_at + n.n * 60000, i.result FROM n CROSS JOIN (SELECT * FROM inspections ORDER BY id LIMIT 1) i";
    const POSTGRES: &str = "INSERT INTO inspections (id, premises_id, office_id, template_id, kind, lead_id, header, header_sha256, state, started_at, submission, submission_sha256, \
          phone_result, server_result, outcome, differs, submitted_at, complete_at, received_at, version, updated_at, happened_at, result) \
        SELECT '01900000-0000-7000-9000-' || lpad(to_hex(n.n), 12, '0'), i.premises_id, i.office_id, i.template_id, i.kind, i.lead_id, i.header, i.header_sha256, i.state, \
          i.started_at + n.n * 60000, i.submission, i.submission_sha256, i.phone_result, i.server_result, i.outcome, i.differs, i.submitted_at, i.complete_at, \
          i.received_at, i.version, i.updated_at, i.happened_at + n.n * 60000, i.result FROM generate_series(CAST(1 AS BIGINT), $1) n(n) CROSS JOIN (SELECT * FROM inspections ORDER BY id LIMIT 1) i";
    run(db, SQLITE, POSTGRES, vec![count]).await;
}

/// Gives every inspection without a part the parts of the first one.
pub async fn parts_like(db: &Db) {
    const BOTH: &str = "INSERT INTO inspection_parts (id, inspection_id, owner_id, device_id, revision, content, content_sha256, received_at) \
        SELECT substr(i.id, 1, 14) || '6' || substr(i.id, 16), i.id, p.owner_id, p.device_id, p.revision, p.content, p.content_sha256, p.received_at \
        FROM inspections i CROSS JOIN (SELECT * FROM inspection_parts ORDER BY id LIMIT 1) p \
        WHERE NOT EXISTS (SELECT 1 FROM inspection_parts own WHERE own.inspection_id = i.id)";
    run(db, BOTH, BOTH, Vec::new()).await;
}
