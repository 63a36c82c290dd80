//! The database against its own rules.

use super::{Check, CheckError};

impl Check<'_> {
    pub(super) async fn database(&mut self) -> Result<(), CheckError> {
        for detail in self.db.integrity_faults().await? {
            self.fault("database", detail);
        }
        Ok(())
    }
}
