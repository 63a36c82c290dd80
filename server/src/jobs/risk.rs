//! Scores premises once a day, soon after midnight, and where the formula was changed or a premises is new.

use crate::App;
use crate::store::StoreError;

pub(super) async fn look(app: App) -> Result<(), StoreError> {
    crate::risk::score_where_lacking(&app).await
}
