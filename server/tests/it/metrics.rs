//! The figures under `/metrics`, the page that explains them and the dashboard that shows them say the same names.

use std::collections::BTreeSet;

use crate::support::{WithEngine, on_both};

const DASHBOARD: &str = include_str!("../../../docs/grafana/bright-kitchen.json");
const PAGE: &str = include_str!("../../../docs/operations.md");
/// What a label may be called: each has few values, whatever is recorded and whoever is there.
const LABELS: [&str; 6] = ["class", "database", "le", "state", "stream", "version"];

/// The names of our figures in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("bright_kitchen_") || word.starts_with("process_")).map(str::to_owned).collect()
}

on_both!(figures_page_and_dashboard_agree, |app| {
    // On a node that records: what its engine measures is a figure like any other.
    let recording = WithEngine::start(&app).await;
    let told = reqwest::get(format!("{}/metrics", recording.address)).await.unwrap().text().await.unwrap();
    let (mut families, mut series, mut labels) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for line in told.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            families.insert(family.split(' ').next().unwrap().to_owned());
            continue;
        }
        if line.starts_with('#') {
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
        let (name, within) = name.split_once('{').unwrap_or((name, ""));
        series.insert(name.to_owned());
        labels.extend(within.split(',').filter_map(|label| label.split_once('=')).map(|(label, _)| label.to_owned()));
    }
    assert_eq!(labels, LABELS.map(str::to_owned).into(), "labels are bounded");
    let counted = told.lines().filter(|line| line.contains(" counter")).filter_map(|line| line.split(' ').nth(2));
    for counter in counted.filter(|name| *name != "bright_kitchen_change_log_head") {
        assert!(counter.ends_with("_total"), "{counter} is a counter");
    }
    let explained = names(PAGE);
    let missing: Vec<_> = families.difference(&explained).collect();
    assert!(missing.is_empty(), "docs/operations.md explains all: {missing:?}");
    let unknown: Vec<_> = explained.iter().filter(|name| !families.contains(*name) && !series.contains(*name)).collect();
    assert!(unknown.is_empty(), "docs/operations.md explains what there is: {unknown:?}");

    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let shown: BTreeSet<String> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().cloned().unwrap_or_default())
        .flat_map(|target| names(target["expr"].as_str().unwrap()))
        .collect();
    assert!(shown.len() > 20, "{shown:?}");
    let unknown: Vec<_> = shown.difference(&series).collect();
    assert!(unknown.is_empty(), "the dashboard shows what there is: {unknown:?}");
});
