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
        Conn::Sqlite(_) => db.tidy().await.unwrap(),
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

/// Town offices 1 to `count` beside those there are.
pub async fn offices(db: &Db, count: i64) {
    const SQLITE: &str = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $1) \
        INSERT INTO organizations (id, parent_id, level, name, name_key, path, version, created_at, updated_at) \
        SELECT '01900000-0000-7000-a000-' || printf('%012x', n), d.id, 'office', '第' || n || '所', '第' || n || '所', d.path || '01900000-0000-7000-a000-' || printf('%012x', n) || '/', 1, 1, 1 \
        FROM n CROSS JOIN (SELECT id, path FROM organizations WHERE level = 'district' ORDER BY id LIMIT 1) d";
    const POSTGRES: &str = "INSERT INTO organizations (id, parent_id, level, name, name_key, path, version, created_at, updated_at) \
        SELECT '01900000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'), d.id, 'office', '第' || n || '所', '第' || n || '所', d.path || '01900000-0000-7000-a000-' || lpad(to_hex(n), 12, '0') || '/', 1, 1, 1 \
        FROM generate_series(CAST(1 AS BIGINT), $1) AS n CROSS JOIN (SELECT id, path FROM organizations WHERE level = 'district' ORDER BY id LIMIT 1) d";
    run(db, SQLITE, POSTGRES, vec![count]).await;
    // Premises are spread over them, and have names of their own.
    const PLACES: &str = "UPDATE premises SET organization_id = o.id, path = o.path || premises.id || '/', name = n.name, name_key = n.name FROM ( \
          SELECT id, at % $1 AS office, CASE at % 11 WHEN 0 THEN '澄华' WHEN 1 THEN '凤翔' WHEN 2 THEN '广益' WHEN 3 THEN '莲下' WHEN 4 THEN '东里' WHEN 5 THEN '溪南' \
            WHEN 6 THEN '莲上' WHEN 7 THEN '上华' WHEN 8 THEN '隆都' WHEN 9 THEN '盐鸿' ELSE '莲华' END || '第' || at || \
            CASE at % 4 WHEN 0 THEN '小学食堂' WHEN 1 THEN '幼儿园食堂' WHEN 2 THEN '职业中学食堂' ELSE '集体配餐中心' END AS name \
          FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS at FROM premises WHERE id LIKE '01900000%') numbered \
        ) n JOIN (SELECT id, path, ROW_NUMBER() OVER (ORDER BY id) - 1 AS at FROM organizations WHERE id LIKE '01900000%') o ON o.at = n.office \
        WHERE premises.id = n.id";
    run(db, PLACES, PLACES, vec![count]).await;
    const CAMERAS: &str = "UPDATE cameras SET name = n.name, name_key = n.name FROM (SELECT id, CASE at % 5 WHEN 0 THEN '灶台' WHEN 1 THEN '切配间' \
          WHEN 2 THEN '洗消间' WHEN 3 THEN '备餐间' ELSE '库房' END || at % 7 AS name FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS at FROM cameras) numbered) n \
        WHERE cameras.id = n.id AND cameras.id LIKE '01900000%'";
    run(db, CAMERAS, CAMERAS, Vec::new()).await;
}

/// Alerts 1 to `count` of the cameras there are, evenly over the year before `until_ms`: most are closed, somebody said something of
/// every second one, and the newest 400 wait.
pub async fn alerts(db: &Db, count: i64, until_ms: i64) {
    // One statement for each table, in pieces of which each is one transaction.
    const NUMBERS: i64 = 50_000;
    macro_rules! both {
        ($head:literal, $ids:literal, $tail:literal) => {
            (
                concat!(
                    "WITH RECURSIVE n(n) AS (SELECT $1 UNION ALL SELECT n + 1 FROM n WHERE n < $2), ",
                    $ids,
                    $head,
                    "printf('%012x', i.n)",
                    $tail
                ),
                concat!("WITH n(n) AS (SELECT generate_series($1, $2)), ", $ids, $head, "lpad(to_hex(i.n), 12, '0')", $tail),
            )
        };
    }
    let work = both!(
        "INSERT INTO work_items (id, kind, state, level, premises_id, office_id, open, version, created_at, updated_at) SELECT '01900000-0000-7000-b000-' || ",
        "c(id, premises_id, office_id, at) AS (SELECT c.id, c.premises_id, p.organization_id, ROW_NUMBER() OVER (ORDER BY c.id) - 1 FROM cameras c JOIN premises p ON p.id = c.premises_id), \
         i(n, at, camera) AS (SELECT n, $4 - ($3 - n) * (31536000000 / $3), n * 7919 % (SELECT COUNT(*) FROM cameras) FROM n) ",
        ", 'alert', CASE WHEN i.n > $3 - 400 THEN CASE i.n % 4 WHEN 0 THEN 'confirmed' WHEN 1 THEN 'dispatched' ELSE 'raised' END WHEN i.n % 5 = 0 THEN 'dismissed' WHEN i.n % 5 = 1 THEN 'cleared' ELSE 'closed' END, \
          'none', c.premises_id, c.office_id, i.n > $3 - 400, 2, i.at, i.at FROM i JOIN c ON c.at = i.camera"
    );
    let rows = both!(
        "INSERT INTO alerts (id, kind, class, camera_id, began_at, raised_at, last_seen_at, count, measure, threshold, rule, clip_state, verdict, acted_at, acted_working_ms, dispatched_at, rectified_at, rectified_late) SELECT '01900000-0000-7000-b000-' || ",
        "c(id, at) AS (SELECT id, ROW_NUMBER() OVER (ORDER BY id) - 1 FROM cameras), \
         i(n, at, camera) AS (SELECT n, $4 - ($3 - n) * (31536000000 / $3), n * 7919 % (SELECT COUNT(*) FROM cameras) FROM n) ",
        ", CASE i.n % 8 WHEN 0 THEN 'rodent' WHEN 1 THEN 'no_mask' WHEN 2 THEN 'no_hat' WHEN 3 THEN 'smoking' WHEN 4 THEN 'signal_lost' WHEN 5 THEN 'black' ELSE 'bin_open' END, \
          CASE i.n % 8 WHEN 0 THEN 1 WHEN 3 THEN 2 WHEN 4 THEN 0 WHEN 5 THEN 0 ELSE 3 END, c.id, i.at, i.at, i.at, 1, 1, 1, '{}', 'none', \
          CASE i.n % 5 WHEN 0 THEN 'false_alarm' WHEN 1 THEN NULL ELSE 'confirmed' END, CASE WHEN i.n % 5 <> 1 THEN i.at + i.n % 97 * 60000 END, \
          CASE WHEN i.n % 5 <> 1 THEN i.n % 47 * 60000 END, CASE WHEN i.n % 5 > 1 THEN i.at + 6000000 END, CASE WHEN i.n % 5 > 1 AND i.n % 3 > 0 THEN i.at + 9000000 END, \
          CASE WHEN i.n % 5 > 1 AND i.n % 3 > 0 THEN i.n % 7 = 0 END FROM i JOIN c ON c.at = i.camera"
    );
    let said = both!(
        "INSERT INTO work_history (id, work_id, at, actor_kind, actor_id, actor_name, action, from_state, to_state, text, evidence, version) SELECT '01900000-0000-7000-c000-' || i.n, '01900000-0000-7000-b000-' || ",
        "i(n, at) AS (SELECT n, $4 - ($3 - n) * (31536000000 / $3) FROM n WHERE n % 2 = 0) ",
        ", i.at, 'user', u.id, u.display_name, 'confirm', 'raised', 'confirmed', CASE WHEN i.n % 50000 = 0 THEN '冷库门锈迹明显，已报修' WHEN i.n % 1000 = 0 THEN '灶台下发现鼠患痕迹，通知消杀' \
           ELSE CASE i.n % 7 WHEN 0 THEN '操作人员未戴口罩，当场改正' WHEN 1 THEN '油污较多，要求清洗' WHEN 2 THEN '垃圾桶未盖，已通知' WHEN 3 THEN '已电话核实' WHEN 4 THEN '检修期间停机' \
           WHEN 5 THEN '复查合格' ELSE '备餐间人员未戴工帽' END || i.n % 97 END, '[]', 2 FROM i CROSS JOIN (SELECT id, display_name FROM users ORDER BY id LIMIT 1) u"
    );
    let mut first = 1;
    while first <= count {
        let last = count.min(first + NUMBERS - 1);
        for (sqlite, postgres) in [work, rows, said] {
            run(db, sqlite, postgres, vec![first, last, count, until_ms]).await;
        }
        first = last + 1;
    }
}

/// A counted day of each camera for `days` days before `until_ms`, added up by month.
pub async fn camera_days(db: &Db, days: i64, until_ms: i64) {
    const SQLITE: &str = "WITH RECURSIVE d(d) AS (SELECT 1 UNION ALL SELECT d + 1 FROM d WHERE d < $1) \
        INSERT INTO camera_days (day, camera_id, premises_id, counted_ms, online_ms, healthy_ms, due_ms, recorded_ms, computed_at, stale) \
        SELECT date(($2 - d.d * 86400000 + 28800000) / 1000, 'unixepoch'), c.id, c.premises_id, 43200000, 43000000, 42000000, 86400000, 86000000, $2, FALSE FROM d CROSS JOIN cameras c";
    const POSTGRES: &str = "INSERT INTO camera_days (day, camera_id, premises_id, counted_ms, online_ms, healthy_ms, due_ms, recorded_ms, computed_at, stale) \
        SELECT to_char(to_timestamp(($2 - d.d * 86400000 + 28800000) / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD'), c.id, c.premises_id, 43200000, 43000000, 42000000, 86400000, 86000000, $2, FALSE \
        FROM generate_series(CAST(1 AS BIGINT), $1) AS d(d) CROSS JOIN cameras c";
    run(db, SQLITE, POSTGRES, vec![days, until_ms]).await;
    const MONTHS: &str = "INSERT INTO camera_months (first_on, camera_id, premises_id, counted_ms, online_ms, healthy_ms, due_ms, recorded_ms, days) \
        SELECT substr(day, 1, 7) || '-01', camera_id, premises_id, SUM(counted_ms), SUM(online_ms), SUM(healthy_ms), SUM(due_ms), SUM(recorded_ms), COUNT(*) \
        FROM camera_days GROUP BY substr(day, 1, 7), camera_id, premises_id";
    run(db, MONTHS, MONTHS, Vec::new()).await;
}
