//! The contract: committed as it is, each example accepted, and nothing that can be sent makes the server fail.

mod arbitrary;
mod compare;
mod examples;
mod ground;
mod incidents;
mod lists;
mod papers;
mod planned;
mod refusals;
mod repeats;
mod self_checks;
mod viewed;
mod walk;

#[test]
fn the_committed_contract_is_the_one_the_code_has() {
    let committed: serde_json::Value = serde_json::from_str(include_str!("../../../openapi.json")).unwrap();
    let code = serde_json::to_value(server::http::openapi()).unwrap();
    assert!(committed == code, "run `bright-kitchen openapi > openapi.json` and commit it");
}
