//! Stretches of time as sets: what figures are counted from.

/// A set of moments as stretches in order, none touching another, each from its start up to its end (exclusive), ms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spans(Vec<(i64, i64)>);

impl Spans {
    /// The moments of all of these; they may overlap, and those that end before they start hold nothing.
    pub fn of(spans: impl IntoIterator<Item = (i64, i64)>) -> Self {
        let mut sorted: Vec<(i64, i64)> = spans.into_iter().filter(|(start, end)| start < end).collect();
        sorted.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::with_capacity(sorted.len());
        for (start, end) in sorted {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        Self(merged)
    }

    /// One stretch.
    pub fn one(start_ms: i64, end_ms: i64) -> Self {
        Self::of([(start_ms, end_ms)])
    }

    /// What lies in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let (mut common, mut mine, mut theirs) = (Vec::new(), 0, 0);
        while let (Some(one), Some(two)) = (self.0.get(mine), other.0.get(theirs)) {
            let (start, end) = (one.0.max(two.0), one.1.min(two.1));
            if start < end {
                common.push((start, end));
            }
            if one.1 < two.1 { mine += 1 } else { theirs += 1 }
        }
        Self(common)
    }

    /// What lies in this one and not in the other.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for (first, end) in self.0.iter().copied() {
            let mut start = first;
            for cut in other.0.iter().filter(|cut| cut.1 > first && cut.0 < end) {
                if cut.0 > start {
                    left.push((start, cut.0));
                }
                start = start.max(cut.1);
            }
            if start < end {
                left.push((start, end));
            }
        }
        Self(left)
    }

    /// How long it is in all, ms.
    pub fn total_ms(&self) -> i64 {
        self.0.iter().map(|(start, end)| end - start).sum()
    }

    /// The stretches.
    pub fn as_slice(&self) -> &[(i64, i64)] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each moment by itself: what a set is.
    fn holds(spans: &Spans, moment: i64) -> bool {
        spans.as_slice().iter().any(|(start, end)| (*start..*end).contains(&moment))
    }

    fn any_spans() -> impl Strategy<Value = Vec<(i64, i64)>> {
        prop::collection::vec((0_i64..60, -5_i64..25), 0..12).prop_map(|all| all.into_iter().map(|(at, long)| (at, at + long)).collect())
    }

    proptest! {
        #[test]
        fn sets_behave_as_moments_do(one in any_spans(), two in any_spans()) {
            let (a, b) = (Spans::of(one.clone()), Spans::of(two));
            let (both, rest) = (a.and(&b), a.without(&b));
            for moment in -10..100 {
                prop_assert_eq!(holds(&a, moment), one.iter().any(|(start, end)| (*start..*end).contains(&moment)));
                prop_assert_eq!(holds(&both, moment), holds(&a, moment) && holds(&b, moment));
                prop_assert_eq!(holds(&rest, moment), holds(&a, moment) && !holds(&b, moment));
            }
            prop_assert_eq!(both.total_ms() + rest.total_ms(), a.total_ms());
            for spans in [&a, &both, &rest] {
                prop_assert!(spans.as_slice().iter().all(|(start, end)| start < end));
                prop_assert!(spans.as_slice().windows(2).all(|pair| pair[0].1 <= pair[1].0));
            }
        }
    }
}
