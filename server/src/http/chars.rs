//! Texts of a query that have an end.

use serde::Deserialize;

/// A text of at most `N` characters.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Chars<const N: usize>(String);

impl<const N: usize> TryFrom<String> for Chars<N> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.chars().count() > N { Err(format!("a text of the query has at most {N} characters")) } else { Ok(Self(text)) }
    }
}

impl<const N: usize> std::ops::Deref for Chars<N> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const N: usize> From<Chars<N>> for String {
    fn from(text: Chars<N>) -> Self {
        text.0
    }
}

#[cfg(test)]
mod tests {
    use super::Chars;

    #[test]
    fn characters_count_not_bytes() {
        let fits = Chars::<3>::try_from("明厨亮".to_owned());
        assert_eq!(fits.as_deref(), Ok("明厨亮"));
        assert!(Chars::<3>::try_from("明厨亮灶".to_owned()).is_err());
    }
}
