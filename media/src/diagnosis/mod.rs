//! Video quality diagnosis without models: what makes a picture bad, and when to say so.
//!
//! Pure code: it is handed sizes of frames and measured pictures with their times, and answers with findings. What one
//! decoded picture says is a [`look::Look`], made in the analysis process; everything that needs memory (references,
//! overlays, patience) is a [`watch::CameraWatch`], one a camera.
//!
//! **One cause is one kind.** A black picture is also even, without noise, without edges and unlike its reference. So
//! each look has at most one kind, the first that fits, in this order:
//!
//! | order | kind | what it says |
//! |---|---|---|
//! | 1 | `black` | dark, and next to nothing to be seen |
//! | 2 | `over_exposed` | white, few details |
//! | 3 | `covered` | the reference's details are gone and an even area stands in their place |
//! | 4 | `frozen` | pictures repeat without sensor noise |
//! | 5 | `blurred` | the same scene, its fine detail gone |
//! | 6 | `moved` | detail as before, of another scene, and it stays |
//! | 7 | `low_contrast` | the same scene behind a veil |
//!
//! A picture too dark to show its scene is judged for 1, 2 and 4 only: at night the rest cannot be known.

pub mod compare;
pub mod judge;
pub mod look;
pub mod overlay;
pub mod reference;
pub mod replay;
pub mod rules;
pub mod settings;
pub mod sizes;
pub mod watch;

pub use look::Look;
pub use rules::Finding;
pub use watch::{At, CameraWatch, LookReason, Urgency};
