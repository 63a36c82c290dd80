//! Premises (场所): what kinds there are, when they serve, and where they stand.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! coded {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $code)] $variant),+ }

        // By hand: the derived one does not see the codes, because they come through this macro.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let codes = utoipa::openapi::schema::ObjectBuilder::new().schema_type(utoipa::openapi::schema::Type::String);
                codes.enum_values(Some([$($code),+])).into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }

        impl $name {
            /// All of them, in the order of lists.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As stored and sent.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($code => Ok(Self::$variant),)+ _ => Err(()) }
            }
        }
    };
}
pub(crate) use coded;

coded! {
    /// What kind of place it is.
    PremisesKind {
        /// 学校食堂
        SchoolCanteen = "school_canteen",
        /// 幼儿园食堂
        KindergartenCanteen = "kindergarten_canteen",
        /// 中央厨房
        CentralKitchen = "central_kitchen",
        /// 集体用餐配送单位
        CollectiveMealSupplier = "collective_meal_supplier",
        /// 校园小卖部
        CampusShop = "campus_shop",
        /// 单位食堂
        StaffCanteen = "staff_canteen",
        /// 其他
        Other = "other",
    }
}

coded! {
    /// Risk grade; each has its own number of visits a year.
    RiskGrade {
        /// lowest risk
        A = "A",
        /// low
        B = "B",
        /// high
        C = "C",
        /// highest
        D = "D",
    }
}

coded! {
    /// The part an operator has at a premises.
    OperatorPart {
        /// runs it itself
        Own = "own",
        /// 承包经营
        Contractor = "contractor",
        /// delivers meals or goods
        Supplier = "supplier",
    }
}

coded! {
    /// The geodetic datum a point was given in.
    Datum {
        /// GPS
        Wgs84 = "wgs84",
        /// 国测局坐标: AMap, Tencent
        Gcj02 = "gcj02",
        /// Baidu
        Bd09 = "bd09",
    }
}

/// A span of service on some days of the week, Asia/Shanghai.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceHours {
    /// 1 Monday … 7 Sunday
    #[schema(example = json!([1, 2, 3, 4, 5]))]
    pub days: Vec<u8>,
    /// `HH:MM`, inclusive
    #[schema(example = "06:30")]
    pub from: String,
    /// `HH:MM`, exclusive; later than `from`
    #[schema(example = "18:30")]
    pub to: String,
}

impl ServiceHours {
    /// Minutes of the day, where both times are well written and in order.
    pub fn minutes(&self) -> Option<(u16, u16)> {
        let (from, to) = (minute_of_day(&self.from)?, minute_of_day(&self.to)?);
        (from < to).then_some((from, to))
    }

    /// Whether it can be kept: days 1 to 7, at least one, times in order.
    pub fn is_valid(&self) -> bool {
        !self.days.is_empty() && self.days.len() <= 7 && self.days.iter().all(|day| (1..=7).contains(day)) && self.minutes().is_some()
    }
}

/// `HH:MM` (00:00 to 24:00) as minutes of the day.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= 24 * 60).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(days: &[u8], from: &str, to: &str) -> ServiceHours {
        ServiceHours { days: days.to_vec(), from: from.to_owned(), to: to.to_owned() }
    }

    #[test]
    fn service_hours_are_checked() {
        assert!(hours(&[1, 5], "06:30", "18:30").is_valid());
        assert!(hours(&[7], "00:00", "24:00").is_valid());
        for bad in [
            hours(&[], "06:30", "18:30"),
            hours(&[8], "06:30", "18:30"),
            hours(&[1], "18:30", "06:30"),
            hours(&[1], "6:30", "18:30"),
            hours(&[1], "06:60", "18:30"),
            hours(&[1], "06:30", "24:01"),
        ] {
            assert!(!bad.is_valid(), "{bad:?}");
        }
    }

    #[test]
    fn codes_round_trip() {
        for kind in PremisesKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
    }
}
