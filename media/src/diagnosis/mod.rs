//! Video quality diagnosis without models: what makes a picture bad, and when to say so.

pub mod settings;
