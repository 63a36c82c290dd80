//! The tree city > district > office; premises hang below it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where an authority stands in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 市
    City,
    /// 区、县: the bureau
    District,
    /// 市场监管所: the town office
    Office,
}

impl Level {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::City => "city",
            Self::District => "district",
            Self::Office => "office",
        }
    }

    /// Whether this level may stand below `parent`; a city or a district may stand at the top.
    pub fn fits_below(self, parent: Option<Self>) -> bool {
        matches!(
            (parent, self),
            (None, Self::City | Self::District) | (Some(Self::City), Self::District) | (Some(Self::District), Self::Office)
        )
    }
}

impl std::str::FromStr for Level {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "city" => Self::City,
            "district" => Self::District,
            "office" => Self::Office,
            _ => return Err(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Level::{City, District, Office};

    #[test]
    fn the_tree_has_one_order() {
        assert!(City.fits_below(None) && District.fits_below(None) && District.fits_below(Some(City)) && Office.fits_below(Some(District)));
        assert!(
            !Office.fits_below(None)
                && !Office.fits_below(Some(City))
                && !City.fits_below(Some(District))
                && !Office.fits_below(Some(Office))
        );
    }
}
