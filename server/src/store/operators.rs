//! Operators (经营主体) and the part they have at premises.

use super::sql::fetch_all;
use super::{Conn, StoreError};

/// An operator of a premises.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of premises_operators and operators")]
pub struct PremisesOperatorRow {
    pub operator_id: String,
    pub name: String,
    pub part: String,
    pub valid_from: Option<String>,
    pub valid_until: Option<String>,
}

/// Who operates a premises that the caller has already been allowed to see.
pub async fn of_premises(conn: &mut Conn<'_>, premises_id: &str) -> Result<Vec<PremisesOperatorRow>, StoreError> {
    fetch_all!(
        conn,
        PremisesOperatorRow,
        "SELECT po.operator_id, o.name, po.part, po.valid_from, po.valid_until FROM premises_operators po \
         JOIN operators o ON o.id = po.operator_id WHERE po.premises_id = $1 ORDER BY po.part, o.name_key LIMIT 50",
        premises_id,
    )
}
