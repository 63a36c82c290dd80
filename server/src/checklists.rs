//! Checklists as they are asked and judged by, kept in memory: a published version never changes, and reading one is most of what a
//! submission would otherwise cost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mobile_api::template::TemplateBody;

use crate::store::{Conn, StoreError, templates};

/// Versions that are kept; a bureau has some tens in use.
const KEPT_MAX: usize = 64;

/// Versions by their id. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Checklists(Arc<Mutex<HashMap<String, Arc<TemplateBody>>>>);

impl Checklists {
    /// A version, in force or not; `None` where there is none of this id.
    ///
    /// # Errors
    /// The database.
    pub async fn get(&self, conn: &mut Conn<'_>, id: &str) -> Result<Option<Arc<TemplateBody>>, StoreError> {
        if let Some(found) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(Some(found.clone()));
        }
        let Some(row) = templates::get(conn, id).await? else { return Ok(None) };
        let body = Arc::new(row.body()?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(id.to_owned(), body.clone());
        Ok(Some(body))
    }
}
