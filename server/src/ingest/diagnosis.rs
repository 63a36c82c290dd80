//! What the diagnosis tells becomes alerts.

use media::MediaEvent;

use crate::App;
use crate::store::StoreError;

/// Raises, repeats or clears an alert.
pub(crate) async fn keep(_app: &App, event: &MediaEvent) -> Result<(), StoreError> {
    tracing::info!(?event, "diagnosis");
    Ok(())
}
