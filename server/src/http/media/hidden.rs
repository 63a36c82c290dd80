//! What a copy for publication hides, as a query says it.

use media::{Hidden, REGIONS_MAX, Region};
use mobile_api::moment::Moment;
use mobile_api::problem::ProblemType;
use serde_json::{Value, json};

use crate::http::Problem;

/// A whole side, thousandths.
const WHOLE: u16 = 1_000;

/// `left,top,width,height[,from,until]` in thousandths, several behind each other with `;` between.
pub(super) fn parse(faces: bool, regions: Option<&str>) -> Result<Option<Hidden>, Problem> {
    let wrong = || {
        Problem::of(ProblemType::Malformed).because(format!(
            "hide is left,top,width,height in thousandths of the picture, then from,until if wanted; at most {REGIONS_MAX} with ; between"
        ))
    };
    let texts = regions.unwrap_or_default().split(';').filter(|text| !text.trim().is_empty());
    let regions = texts.map(region).collect::<Option<Vec<_>>>().filter(|regions| regions.len() <= REGIONS_MAX).ok_or_else(wrong)?;
    Ok((faces || !regions.is_empty()).then_some(Hidden { faces, regions }))
}

fn region(text: &str) -> Option<Region> {
    let mut fields = text.split(',').map(str::trim);
    let mut number = || fields.next()?.parse::<u16>().ok().filter(|number| *number <= WHOLE);
    let (left, top, width, height) = (number()?, number()?, number()?, number()?);
    let mut moment = || match fields.next() {
        None | Some("") => Some(None),
        Some(text) => text.parse::<Moment>().ok().map(|moment| Some(moment.0)),
    };
    let (from_ms, until_ms) = (moment()?, moment()?);
    let is_within = width > 0 && height > 0 && left + width <= WHOLE && top + height <= WHOLE;
    let in_order = from_ms.zip(until_ms).is_none_or(|(from_ms, until_ms)| from_ms < until_ms);
    (is_within && in_order && fields.next().is_none()).then_some(Region { left, top, width, height, from_ms, until_ms })
}

/// The same for the audit log.
pub(super) fn noted(hidden: &Hidden) -> Value {
    json!({"faces": hidden.faces, "regions": hidden.regions.len()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_and_what_is_none_is_refused() {
        assert_eq!(parse(false, None).unwrap(), None);
        assert_eq!(parse(false, Some(" ")).unwrap(), None);
        let hidden = parse(true, Some("100,250,300,400;0,0,200,1000,2026-11-23T06:00:10Z,2026-11-23T06:00:20Z")).unwrap().unwrap();
        assert!(hidden.faces);
        assert_eq!(hidden.regions[0], Region { left: 100, top: 250, width: 300, height: 400, from_ms: None, until_ms: None });
        let times = hidden.regions[1].from_ms.zip(hidden.regions[1].until_ms).unwrap();
        assert_eq!(times.1 - times.0, 10_000);
        let many = vec!["0,0,1,1"; REGIONS_MAX + 1].join(";");
        for wrong in [
            "1,2,3",
            "1,2,3,x",
            "900,0,200,10",
            "0,0,0,10",
            "-1,0,5,5",
            "0,0,5,5,soon",
            "0,0,5,5,2026-11-23T06:00:20Z,2026-11-23T06:00:10Z",
            "0,0,5,5,,,7",
            &many,
        ] {
            assert!(parse(false, Some(wrong)).is_err(), "{wrong}");
        }
    }
}
