//! What a trial of other figures for a rule found, and what it was computed from.

use mobile_api::Moment;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::noise::{Effect, RuleFigures};
use super::premises::coded;

/// One of so many recorded files is looked at.
const ONE_IN: usize = 30;
const HOUR_MS: f64 = 3_600_000.0;

coded! {
    /// What became of a flagged clip in a trial.
    ClipTrial {
        /// The rules ran over it.
        Replayed = "replayed",
        /// There is none, or none any more.
        Gone = "gone",
        /// It gives no pictures.
        Unreadable = "unreadable",
        /// The time of the trial was over.
        LeftOut = "left_out",
    }
}

/// A flagged clip in a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TriedClip {
    /// The alert that it belongs to.
    pub alert_id: String,
    /// When that was raised.
    pub raised_at: Moment,
    /// confirmed, false_alarm, permitted, other
    #[schema(example = "false_alarm")]
    pub verdict: String,
    /// Who decided, as named then.
    pub decided_by: Option<String>,
    /// Of the clip.
    pub sha256: Option<String>,
    /// What became of it.
    pub state: ClipTrial,
    /// The measure that lay furthest beyond the present threshold.
    pub measure: Option<f64>,
    /// The present figures raise it again.
    pub now: Option<bool>,
    /// The proposed figures raise it.
    pub then: Option<bool>,
}

impl TriedClip {
    /// Whether somebody confirmed the flag.
    pub fn is_confirmed(&self) -> bool {
        self.verdict == "confirmed"
    }
}

/// A recorded stretch in a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TriedStretch {
    /// Of the recorded file.
    pub segment_id: String,
    /// First picture that was looked at.
    pub start: Moment,
    /// Last one.
    pub end: Moment,
    /// When the present figures raise something, at most 20.
    pub now: Vec<Moment>,
    /// When the proposed figures raise something, at most 20.
    pub then: Vec<Moment>,
}

/// What recordings show beside the flagged clips.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TriedSample {
    /// One in 30 recorded files of the last 7 days, always the same ones; those that were looked at.
    pub stretches: Vec<TriedStretch>,
    /// Recorded files of the last 7 days.
    pub recorded: i64,
    /// Files that were chosen, and could not be read or were beyond the time of the trial.
    pub left_out: i64,
}

impl TriedSample {
    /// How long was looked at, h.
    #[expect(clippy::cast_precision_loss, reason = "hours of a week")]
    pub fn hours(&self) -> f64 {
        self.stretches.iter().map(|one| (one.end.0 - one.start.0) as f64).sum::<f64>() / HOUR_MS
    }

    /// Alerts an hour by the present figures and by the proposed ones; `None` where nothing was looked at.
    #[expect(clippy::cast_precision_loss, reason = "counts of alerts")]
    pub fn an_hour(&self) -> Option<(f64, f64)> {
        let hours = self.hours();
        let rate = |of: fn(&TriedStretch) -> usize| self.stretches.iter().map(of).sum::<usize>() as f64 / hours;
        (hours > 0.0).then(|| (rate(|one| one.now.len()), rate(|one| one.then.len())))
    }
}

/// A trial of other figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trial {
    /// When it began.
    pub at: Moment,
    /// Version of the program.
    pub program: String,
    /// The figures that hold.
    pub present: RuleFigures,
    /// The figures that were tried; none: nothing fits.
    pub proposed: Option<RuleFigures>,
    /// Hash of what is known of the camera's usual picture, by which the rules judged.
    pub known_sha256: String,
    /// The flagged clips.
    pub clips: Vec<TriedClip>,
    /// Figures that were looked at, the least change first.
    pub considered: Vec<Effect>,
    /// A part of the recordings.
    pub sample: TriedSample,
}

impl Trial {
    /// What the proposed figures would have done to the flags that the present ones raise again.
    pub fn effect(&self) -> Option<Effect> {
        let figures = self.proposed?;
        let count = |is: &dyn Fn(&TriedClip) -> bool| {
            i64::try_from(self.clips.iter().filter(|clip| clip.now == Some(true) && is(clip)).count()).unwrap_or(i64::MAX)
        };
        Some(Effect {
            figures,
            silenced: count(&|clip| !clip.is_confirmed() && clip.then == Some(false)),
            dismissed: count(&|clip| !clip.is_confirmed()),
            lost: count(&|clip| clip.is_confirmed() && clip.then == Some(false)),
        })
    }
}

/// How many of so many recorded files are looked at: one in thirty, and one where there is any.
pub fn sample_size(recorded: usize, most: usize) -> usize {
    recorded.div_ceil(ONE_IN).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(verdict: &str, now: bool, then: bool) -> TriedClip {
        TriedClip {
            alert_id: String::new(),
            raised_at: Moment(0),
            verdict: verdict.to_owned(),
            decided_by: None,
            sha256: None,
            state: ClipTrial::Replayed,
            measure: None,
            now: Some(now),
            then: Some(then),
        }
    }

    #[test]
    fn only_flags_that_the_present_figures_raise_again_count() {
        let figures = RuleFigures { threshold: 0.7, duration_s: 5.0 };
        let clips = vec![clip("false_alarm", true, false), clip("permitted", true, true), clip("other", false, false)];
        let confirmed = [clip("confirmed", true, false), clip("confirmed", false, false)];
        let trial = Trial {
            at: Moment(0),
            program: String::new(),
            present: RuleFigures { threshold: 0.6, ..figures },
            proposed: Some(figures),
            known_sha256: String::new(),
            clips: clips.into_iter().chain(confirmed).collect(),
            considered: Vec::new(),
            sample: TriedSample::default(),
        };
        assert_eq!(trial.effect(), Some(Effect { figures, silenced: 1, dismissed: 2, lost: 1 }));
        assert_eq!(Trial { proposed: None, ..trial }.effect(), None);
    }

    #[test]
    fn one_file_in_thirty_is_looked_at_and_at_least_one() {
        assert_eq!([0, 1, 30, 31, 1_008, 9_000].map(|recorded| sample_size(recorded, 40)), [0, 1, 1, 2, 34, 40]);
    }

    #[test]
    fn the_rate_is_counted_over_what_was_looked_at() {
        let stretch = TriedStretch {
            segment_id: String::new(),
            start: Moment(0),
            end: Moment(600_000),
            now: vec![Moment(1), Moment(2)],
            then: vec![Moment(1)],
        };
        let sample = TriedSample { stretches: vec![stretch; 3], recorded: 90, left_out: 0 };
        assert_eq!(sample.an_hour(), Some((12.0, 6.0)));
        assert_eq!(TriedSample::default().an_hour(), None);
    }
}
