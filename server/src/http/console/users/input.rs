//! What is sent about people.

use mobile_api::field::Faults;
use mobile_api::moment::Moment;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::users::{UserData, UserRow};

const NAME_LIMIT: usize = 100;
const NUMBER_LIMIT: usize = 50;

/// A role at a node of the tree: it reaches that node and what is below it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http::console) struct GrantInput {
    #[schema(example = "supervisor", max_length = 64)]
    pub(in crate::http::console) role: String,
    /// An organization or a premises.
    pub(in crate::http::console) node_id: Uuid,
    /// Until taken back where absent.
    pub(in crate::http::console) valid_until: Option<Moment>,
}

/// A person to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "liming", "display_name": "李明", "password": "spring-river-lantern", "grants": []}))]
pub(in crate::http::console) struct NewPerson {
    #[schema(min_length = 2, max_length = 64)]
    pub(in crate::http::console) username: String,
    #[schema(min_length = 1, max_length = 100)]
    pub(in crate::http::console) display_name: String,
    /// 10 to 128 characters; the person must change it at the first sign-in.
    #[schema(min_length = 10, max_length = 128)]
    pub(in crate::http::console) password: String,
    #[schema(max_length = 50)]
    pub(in crate::http::console) phone: Option<String>,
    /// Law-enforcement certificate (执法证号).
    #[schema(max_length = 50)]
    pub(in crate::http::console) certificate_number: Option<String>,
    #[serde(default)]
    #[schema(max_items = 64)]
    pub(in crate::http::console) grants: Vec<GrantInput>,
}

impl NewPerson {
    pub(in crate::http::console) fn check(&self, faults: &mut Faults) {
        faults.text("display_name", &self.display_name, NAME_LIMIT);
        faults.optional_text("phone", self.phone.as_deref(), NUMBER_LIMIT);
        faults.optional_text("certificate_number", self.certificate_number.as_deref(), NUMBER_LIMIT);
    }
}

/// Reads a member that was sent: `null` clears, absence keeps.
fn sent<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// What to change of a person. Members that are absent stay; `null` clears.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"display_name": "李明", "disabled": false, "version": 1}))]
pub(in crate::http::console) struct PersonChange {
    #[schema(min_length = 1, max_length = 100)]
    pub(in crate::http::console) display_name: Option<String>,
    #[serde(default, deserialize_with = "sent")]
    #[schema(value_type = Option<String>, max_length = 50)]
    pub(in crate::http::console) phone: Option<Option<String>>,
    #[serde(default, deserialize_with = "sent")]
    #[schema(value_type = Option<String>, max_length = 50)]
    pub(in crate::http::console) certificate_number: Option<Option<String>>,
    /// Replaces the grants in the caller's part of the tree.
    #[schema(max_items = 64)]
    pub(in crate::http::console) grants: Option<Vec<GrantInput>>,
    /// Ends the person's logins and streams.
    pub(in crate::http::console) disabled: Option<bool>,
    /// The version that was read.
    pub(in crate::http::console) version: i64,
}

impl PersonChange {
    pub(in crate::http::console) fn check(&self, faults: &mut Faults) {
        if let Some(name) = &self.display_name {
            faults.text("display_name", name, NAME_LIMIT);
        }
        faults.optional_text("phone", self.phone.as_ref().and_then(Option::as_deref), NUMBER_LIMIT);
        faults.optional_text("certificate_number", self.certificate_number.as_ref().and_then(Option::as_deref), NUMBER_LIMIT);
    }

    /// This over what there is.
    pub(in crate::http::console) fn over(&self, row: &UserRow) -> UserData {
        let kept = |sent: &Option<Option<String>>, present: &Option<String>| sent.clone().map_or_else(|| present.clone(), line);
        UserData {
            display_name: self.display_name.as_ref().map_or_else(|| row.display_name.clone(), |name| name.trim().to_owned()),
            phone: kept(&self.phone, &row.phone),
            certificate_number: kept(&self.certificate_number, &row.certificate_number),
            disabled: self.disabled.unwrap_or(row.disabled_at.is_some()),
        }
    }
}

/// Trimmed; nothing where it is empty.
pub(in crate::http::console) fn line(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A password that somebody else chose.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"new_password": "spring-river-lantern"}))]
pub(in crate::http::console) struct NewPassword {
    #[schema(min_length = 10, max_length = 128)]
    pub(in crate::http::console) new_password: String,
}
