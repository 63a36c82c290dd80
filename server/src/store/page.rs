//! Pages of a list: keyed, never by offset, so that rows that come and go neither repeat nor hide others.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Counts stop here; more is shown as "1,000+".
pub const COUNT_LIMIT: i64 = 1_001;
/// Rows a page holds unless asked otherwise.
pub const PAGE_DEFAULT: i64 = 50;
/// Rows a page holds at most.
pub const PAGE_LIMIT: i64 = 200;

/// Which page is wanted.
#[derive(Debug, Clone)]
pub struct Page {
    limit: i64,
    /// The sort key and id of the last row of the page before.
    after: Option<(String, String)>,
}

impl Page {
    /// `None` where the cursor is not one of ours or the limit is out of range.
    pub fn parse(limit: Option<i64>, cursor: Option<&str>) -> Option<Self> {
        let limit = limit.unwrap_or(PAGE_DEFAULT);
        if !(1..=PAGE_LIMIT).contains(&limit) {
            return None;
        }
        let after = match cursor {
            None => None,
            Some(cursor) => {
                let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().filter(|bytes| bytes.len() <= 1_024 && !bytes.contains(&0))?;
                let (key, id) = String::from_utf8(bytes).ok()?.rsplit_once('\n').map(|(key, id)| (key.to_owned(), id.to_owned()))?;
                Some((key, id))
            }
        };
        Some(Self { limit, after })
    }

    /// Everything up to `limit` rows, from the start.
    pub fn first(limit: i64) -> Self {
        Self { limit, after: None }
    }

    /// Rows to fetch: one more than the page, to know whether there is another.
    pub fn fetch(&self) -> i64 {
        self.limit + 1
    }

    /// Sort key and id of the row to continue after.
    pub fn after(&self) -> Option<(&str, &str)> {
        self.after.as_ref().map(|(key, id)| (key.as_str(), id.as_str()))
    }

    /// The sort key to continue after, where it is a number.
    pub fn after_number(&self) -> Option<i64> {
        self.after.as_ref().and_then(|(key, _)| key.parse().ok())
    }

    /// Cuts the extra row and gives the cursor of the next page, made from the last row's sort key and id.
    pub fn cut<T>(&self, rows: &mut Vec<T>, key: impl Fn(&T) -> (String, String)) -> Option<String> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        if rows.len() <= limit {
            return None;
        }
        rows.truncate(limit);
        rows.last().map(|row| {
            let (key, id) = key(row);
            URL_SAFE_NO_PAD.encode(format!("{key}\n{id}"))
        })
    }
}
