//! Figures that are kept with the writes, against what they are figures of.

use super::{Check, CheckError};
use crate::store::tallies;

impl Check<'_> {
    pub(super) async fn tallies(&mut self) -> Result<(), CheckError> {
        // While a server writes, what is read first is older than what is read then.
        if self.running {
            return Ok(());
        }
        let wrong = tallies::wrong(&mut self.db.read().await?.conn()).await?;
        if wrong.is_empty() {
            return Ok(());
        }
        if self.repair {
            tallies::again(self.db).await?;
        }
        for detail in wrong {
            if self.repair {
                self.repaired("database", detail, "they were counted again");
            } else {
                self.fault("database", detail);
            }
        }
        Ok(())
    }
}
