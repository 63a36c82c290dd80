//! The paper that a phone drew, drawn again from what it sent: whether what was signed is what was sent.

use mobile_api::inspection::{Answer, Evidence, Header, PartContent, QuickTest, SampleTaken, Visit};
use mobile_api::paper::{FrameNumber, Gathered, draw};
use mobile_api::template::TemplateBody;
use uuid::Uuid;

/// What came of drawing it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redrawn {
    /// Of the paper as it is drawn here.
    pub(super) sha256: String,
    /// Somebody signed something else.
    pub(super) differs: bool,
    /// The number it was drawn with.
    pub(super) number: Option<FrameNumber>,
}

/// Draws the paper of an inspection again; `None` where no phone drew one. Parts in the order in which the lead names them,
/// and the answers that count.
pub(super) fn redraw(id: Uuid, header: &Header, template: &TemplateBody, answers: &[Answer], parts: &[&PartContent]) -> Option<Redrawn> {
    let frame = parts.iter().find_map(|part| part.paper.as_ref())?;
    let evidence: Vec<&Evidence> = parts.iter().flat_map(|part| &part.evidence).collect();
    let visit = Visit::joined(parts.iter().filter_map(|part| part.visit.as_ref()));
    let samples: Vec<&SampleTaken> = parts.iter().flat_map(|part| &part.samples).collect();
    let quick_tests: Vec<&QuickTest> = parts.iter().flat_map(|part| &part.quick_tests).collect();
    let gathered = Gathered {
        inspection_id: id,
        header,
        template,
        answers,
        evidence: &evidence,
        visit: &visit,
        samples: &samples,
        quick_tests: &quick_tests,
    };
    let drawn = draw(frame, gathered);
    let sha256 = drawn.sha256();
    let differs = parts.iter().flat_map(|part| &part.signatures).any(|signature| signature.shown_sha256 != sha256);
    Some(Redrawn { sha256, differs, number: frame.number.clone() })
}
