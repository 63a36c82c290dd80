//! The receipt of an inspection: what the server says it received, signed with its key as exported clips are. It is kept with the inspection
//! here and on the phone, and proves to either what the other had: the hashes of header, parts, evidence and result, and when.

use mobile_api::moment::Moment;
use mobile_api::signing::SigningLack;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Document, KeyFacts, VerifyError, fits};
use crate::auth::Signer;

/// The form of a receipt.
pub const FORMAT_RECEIPT: &str = "bright-kitchen/receipt/1";

/// Something with its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashed {
    /// Of the part or the evidence.
    pub id: Uuid,
    /// Of a part: of its canonical content. Of evidence: of the file as taken.
    pub sha256: String,
}

/// What was received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Made on the phone.
    pub inspection_id: Uuid,
    /// Where.
    pub premises_id: Uuid,
    /// Who submitted it.
    pub lead_id: Uuid,
    /// Of the canonical header.
    pub header_sha256: String,
    /// In the order in which the lead names them.
    pub parts: Vec<Hashed>,
    /// What the parts promise, by id; files may still be on their way.
    pub evidence: Vec<Hashed>,
    /// Of parts, choices and the phone's result.
    pub submission_sha256: String,
    /// As judged by the server.
    pub outcome: String,
    /// Of the canonical result as judged by the server.
    pub result_sha256: String,
    /// Of the paper that the phone drew, as drawn again by the server.
    pub drawn_sha256: Option<String>,
    /// The number on it.
    pub drawn_number: Option<String>,
    /// What the law asks for on site and was not there.
    pub to_complete: Vec<SigningLack>,
    /// By the server's clock.
    pub received_at: Moment,
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`FORMAT_RECEIPT`]
    pub format: String,
    /// What was received.
    #[serde(flatten)]
    pub given: Given,
    /// The key that signed.
    pub key: KeyFacts,
}

impl Receipt {
    /// A receipt, signed.
    pub fn signed(given: Given, signer: &Signer) -> Document {
        Document::sign(&Self { format: FORMAT_RECEIPT.to_owned(), given, key: KeyFacts::of(signer) }, signer)
    }

    /// Reads a receipt, and says whether its signature fits what it says and the key it names.
    ///
    /// # Errors
    /// Where it is no receipt.
    pub fn read(document: &Document) -> Result<(Self, bool), VerifyError> {
        let receipt: Self =
            serde_json::from_value(document.manifest.clone()).map_err(|error| VerifyError::Unreadable(error.to_string()))?;
        if receipt.format != FORMAT_RECEIPT {
            return Err(VerifyError::Unreadable(format!("its form is {:?}, where {FORMAT_RECEIPT:?} was to be expected", receipt.format)));
        }
        let signed = fits(document, &receipt.key);
        Ok((receipt, signed))
    }
}
