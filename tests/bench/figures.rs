//! Medians and percentiles of a few values.

/// The value below which the share `p` (0 to 1) of the values lies; `NaN` of none.
pub(crate) fn percentile(values: &[f64], p: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (p * sorted.len() as f64).ceil() as usize;
    sorted.get(place.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(f64::NAN)
}

/// The middle one.
pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// "median (least to most)", with so many digits.
pub(crate) fn spread(values: &[f64], digits: usize) -> String {
    let (least, most) = (percentile(values, 0.0), percentile(values, 1.0));
    format!("{:.digits$} ({least:.digits$} to {most:.digits$})", median(values))
}

/// A duration as Rust writes it, milliseconds.
pub(crate) fn milliseconds(text: &str) -> Option<f64> {
    let number = |unit: &str, factor: f64| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor);
    number("ms", 1.0).or_else(|| number("µs", 0.001)).or_else(|| number("s", 1_000.0))
}
