//! People's names for signing in.

/// Longest user name, characters.
pub const USERNAME_LIMIT: usize = 64;

/// A name to sign in with: lower case, 2 to 64 letters, digits, `.`, `_`, `-` or `@`, beginning with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Username(String);

impl Username {
    /// `None` where it is not one. Case does not matter.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.trim().to_lowercase();
        let length = name.chars().count();
        let begins_well = name.chars().next().is_some_and(char::is_alphanumeric);
        let good = |character: char| character.is_alphanumeric() || matches!(character, '.' | '_' | '-' | '@');
        ((2..=USERNAME_LIMIT).contains(&length) && begins_well && name.chars().all(good)).then_some(Self(name))
    }

    /// As stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Username;

    #[test]
    fn names_are_lower_case_and_plain() {
        assert_eq!(Username::parse(" Li.Ming ").unwrap().as_str(), "li.ming");
        assert!(Username::parse("李明").is_some());
        for bad in ["", "a", "li ming", "li\0ming", "-li", "=cmd", &"x".repeat(65)] {
            assert!(Username::parse(bad).is_none(), "{bad:?}");
        }
    }
}
