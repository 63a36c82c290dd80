//! Examples: the ids that paths name, and bodies where the client looks for them.
//!
//! All examples speak of one small district, so that one set of data makes every operation answer. Each act on an alert has an
//! alert of its own, in the state that the act starts from.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Content, RefOr, Schema};

/// Where a path begins, the parameter, and its example. The first that fits holds.
const PARAMETERS: &[(&str, &str, &str)] = &[
    ("/premises/{id}/merge", "id", "01928f6e-0000-7000-8000-000000000114"),
    ("/premises/", "id", "01928f6e-0000-7000-8000-000000000001"),
    ("/premises/", "operator_id", "01928f6e-0000-7000-8000-000000000005"),
    ("/organizations/", "id", "01928f6e-0000-7000-8000-000000000004"),
    ("/operators/", "id", "01928f6e-0000-7000-8000-000000000005"),
    ("/auth/sessions/", "id", "01928f6e-0000-7000-8000-000000000123"),
    ("/users/", "id", "01928f6e-0000-7000-8000-000000000006"),
    ("/openrosa/devices/", "id", "01928f6e-0000-7000-8000-000000000026"),
    ("/role-requests/{id}/refuse", "id", "01928f6e-0000-7000-8000-000000000062"),
    ("/role-requests/", "id", "01928f6e-0000-7000-8000-000000000061"),
    ("/webhooks/", "id", "01928f6e-0000-7000-8000-000000000007"),
    ("/cameras/{id}/holds/", "hold_id", "01928f6e-0000-7000-8000-000000000052"),
    ("/cameras/", "id", "01928f6e-0000-7000-8000-000000000050"),
    ("/cameras/", "segment", "01928f6e-0000-7000-8000-000000000051"),
    ("/cameras/", "number", "0"),
    ("/cameras/", "name", "init-0.mp4"),
    ("/me/notices/push/", "id", "01928f6e-0000-7000-8000-000000000132"),
    ("/deliveries/", "id", "01928f6e-0000-7000-8000-000000000130"),
    ("/notices/", "id", "01928f6e-0000-7000-8000-000000000060"),
    ("/alerts/{id}/claim", "id", "01928f6e-0000-7000-8000-000000000067"),
    ("/alerts/{id}/hand_over", "id", "01928f6e-0000-7000-8000-000000000068"),
    ("/alerts/{id}/release", "id", "01928f6e-0000-7000-8000-000000000069"),
    ("/alerts/{id}/dismiss", "id", "01928f6e-0000-7000-8000-000000000072"),
    ("/alerts/{id}/reopen", "id", "01928f6e-0000-7000-8000-000000000073"),
    ("/alerts/{id}/dispatch", "id", "01928f6e-0000-7000-8000-000000000074"),
    ("/alerts/{id}/rectify", "id", "01928f6e-0000-7000-8000-000000000075"),
    ("/alerts/{id}/review", "id", "01928f6e-0000-7000-8000-000000000076"),
    ("/alerts/{id}/evidence/", "id", "01928f6e-0000-7000-8000-000000000076"),
    ("/alerts/{id}/evidence/", "file_id", "01928f6e-0000-7000-8000-000000000080"),
    ("/alerts/{id}/stills/", "id", "01928f6e-0000-7000-8000-000000000071"),
    ("/alerts/{id}/stills/", "still_id", "01928f6e-0000-7000-8000-0000000000ca"),
    ("/alerts/{id}/request_inspection", "id", "01928f6e-0000-7000-8000-000000000077"),
    ("/alerts/{id}/undo", "id", "01928f6e-0000-7000-8000-000000000078"),
    ("/alerts/{id}/open_case", "id", "01928f6e-0000-7000-8000-000000000079"),
    ("/alerts/", "id", "01928f6e-0000-7000-8000-000000000071"),
    ("/rule_proposals/{id}/try", "id", "01928f6e-0000-7000-8000-000000000131"),
    ("/rule_proposals/{id}/apply", "id", "01928f6e-0000-7000-8000-000000000132"),
    ("/rule_proposals/{id}/decline", "id", "01928f6e-0000-7000-8000-000000000133"),
    ("/rule_proposals/", "id", "01928f6e-0000-7000-8000-000000000130"),
    ("/duty/", "id", "01928f6e-0000-7000-8000-000000000066"),
    ("/statistics/closings/", "id", "01928f6e-0000-7000-8000-000000000063"),
    ("/patrol/looks/", "id", "01928f6e-0000-7000-8000-000000000050"),
    ("/patrol/plans/", "id", "01928f6e-0000-7000-8000-000000000004"),
    ("/officers/", "id", "01928f6e-0000-7000-8000-000000000003"),
    ("/draws/{id}/record.json", "id", "01928f6e-0000-7000-8000-000000000042"),
    ("/draws/{id}/replay", "id", "01928f6e-0000-7000-8000-000000000042"),
    ("/draws/{id}/approve", "id", "01928f6e-0000-7000-8000-000000000042"),
    ("/draws/{id}/withdraw", "id", "01928f6e-0000-7000-8000-000000000043"),
    ("/draws/{id}/redraw", "id", "01928f6e-0000-7000-8000-000000000044"),
    ("/draws/", "id", "01928f6e-0000-7000-8000-000000000041"),
    ("/plans/{id}/withdraw", "id", "01928f6e-0000-7000-8000-000000000047"),
    ("/plans/", "id", "01928f6e-0000-7000-8000-000000000045"),
    ("/imports/", "kind", "premises"),
    ("/documents/{id}/void", "id", "01928f6e-0000-7000-8000-000000000096"),
    ("/documents/", "id", "01928f6e-0000-7000-8000-000000000095"),
    ("/paper-numbers/", "id", "01928f6e-0000-7000-8000-000000000097"),
    ("/incidents/{id}/evidence/", "evidence_id", "01928f6e-0000-7000-8000-000000000121"),
    ("/incidents/", "id", "01928f6e-0000-7000-8000-000000000120"),
    ("/orders/{id}/answer", "id", "01928f6e-0000-7000-8000-000000000091"),
    ("/orders/{id}/review", "id", "01928f6e-0000-7000-8000-000000000093"),
    ("/orders/{id}/withdraw", "id", "01928f6e-0000-7000-8000-000000000098"),
    ("/orders/{id}/evidence/", "id", "01928f6e-0000-7000-8000-000000000093"),
    ("/orders/{id}/evidence/", "file_id", "01928f6e-0000-7000-8000-000000000080"),
    ("/orders/", "id", "01928f6e-0000-7000-8000-000000000099"),
];

/// Gives each parameter of the path and each body its example, where the handler has not.
pub(super) fn fill(path: &str, operation: &mut Operation, schemas: &BTreeMap<String, RefOr<Schema>>) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && matches!(parameter.parameter_in, ParameterIn::Path)
            && !has_example(parameter)
            && let Some(example) = example_of(path, &parameter.name)
        {
            *parameter = with_example(std::mem::take(parameter), example);
        }
    }
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    for content in body.content.values_mut() {
        if let RefOr::T(content) = content
            && content.example.is_none()
        {
            content.example = of_schema(content, schemas);
        }
    }
}

/// Whether the handler gave one: the field can be read in what is written only.
fn has_example(parameter: &Parameter) -> bool {
    serde_json::to_value(parameter).is_ok_and(|written| written.get("example").is_some())
}

fn example_of(path: &str, name: &str) -> Option<&'static str> {
    let path = path.trim_start_matches("/api/v1");
    PARAMETERS.iter().find(|(begins, parameter, _)| path.starts_with(begins) && *parameter == name).map(|(_, _, example)| *example)
}

fn with_example(parameter: Parameter, example: &str) -> Parameter {
    let is_id = example.parse::<uuid::Uuid>().is_ok();
    let builder = ParameterBuilder::from(parameter).example(Some(Value::from(example)));
    if !is_id {
        return builder.build();
    }
    let id = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
    builder.schema(Some(id)).build()
}

/// The example that the body's schema has.
fn of_schema(content: &Content, schemas: &BTreeMap<String, RefOr<Schema>>) -> Option<Value> {
    let schema = match content.schema.as_ref()? {
        RefOr::Ref(reference) => schemas.get(reference.ref_location.rsplit('/').next()?)?,
        schema @ RefOr::T(_) => schema,
    };
    match schema {
        RefOr::T(Schema::Object(object)) => object.examples.first().cloned().or_else(|| object.example.clone()),
        _ => None,
    }
}
