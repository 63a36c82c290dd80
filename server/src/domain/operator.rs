//! Operators (经营主体): how their numbers and days are written.

/// Whether a text is a unified social credit code by its form: 18 digits and letters, without I, O, S, V and Z (GB 32100).
pub fn is_credit_code(text: &str) -> bool {
    text.len() == 18 && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase() && !b"IOSVZ".contains(&byte))
}

/// Whether a text is a day, `2026-11-23`.
pub fn is_day(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_checked() {
        assert!(is_credit_code("91440515MA4UQ0G63X") && !is_credit_code("91440515MA4UQ0G63") && !is_credit_code("91440515MAIUQ0G63X"));
        assert!(is_day("2026-02-28") && !is_day("2026-02-30") && !is_day("2026-2-3") && !is_day("20260228T0"));
    }
}
