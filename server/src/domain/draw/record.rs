//! A draw as a file: what it was made of and what came out. Replaying it needs nothing else.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::input::Input;
use super::search::Outcome;
use super::{draw, seed};

/// A draw that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DrawRecord)]
pub struct Record {
    /// Id of the draw.
    pub draw_id: String,
    /// What was frozen.
    pub input: Input,
    /// SHA-256 of its canonical JSON.
    pub input_sha256: String,
    /// SHA-256 of the server value, published before the witness's value was known.
    pub commitment: String,
    /// The server value.
    pub server_value: String,
    /// Who witnessed it.
    pub witness_name: String,
    /// What the witness entered.
    pub witness_value: String,
    /// The seed that follows, hex.
    pub seed: String,
    /// What came out.
    pub outcome: Outcome,
}

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DrawReplayed)]
pub struct Replayed {
    /// Everything follows as the record says.
    pub same: bool,
    /// What does not: `format`, `input_sha256`, `commitment`, `seed`, `outcome`.
    #[schema(example = json!([]))]
    pub differs: Vec<&'static str>,
    /// What comes out now.
    pub outcome: Option<Outcome>,
}

impl Record {
    /// Makes the record of a draw: its outcome follows.
    pub fn make(draw_id: &str, input: Input, server_value: &str, witness: (&str, &str)) -> Self {
        let input = input.canonical();
        let input_sha256 = input.sha256();
        let seed = seed::seed(&input_sha256, server_value, witness.1);
        let outcome = draw(&input, &seed);
        Self {
            draw_id: draw_id.to_owned(),
            input,
            input_sha256,
            commitment: seed::commitment(server_value),
            server_value: server_value.to_owned(),
            witness_name: witness.0.to_owned(),
            witness_value: witness.1.to_owned(),
            seed: hex::encode(seed),
            outcome,
        }
    }

    /// Makes the draw again from its input and values and compares.
    pub fn replay(&self) -> Replayed {
        if self.input.check().is_err() {
            return Replayed { same: false, differs: vec!["format"], outcome: None };
        }
        let again = Self::make(&self.draw_id, self.input.clone(), &self.server_value, (&self.witness_name, &self.witness_value));
        let compared = [
            ("input_sha256", again.input_sha256 == self.input_sha256),
            ("commitment", again.commitment == self.commitment),
            ("seed", again.seed == self.seed),
            ("outcome", again.outcome == self.outcome),
        ];
        let differs: Vec<&'static str> = compared.into_iter().filter(|(_, same)| !same).map(|(part, _)| part).collect();
        Replayed { same: differs.is_empty(), differs, outcome: Some(again.outcome) }
    }
}
