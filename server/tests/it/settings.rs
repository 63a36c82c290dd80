//! Settings at their places: who reads and changes them, what is inherited from where, and that the engine hears of it.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::holds::record;
use crate::support::{add_camera, on_both, until};

on_both!(a_supervisor_opens_the_settings_of_the_diagnosis, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let supervisor = app.person("supervisor", &app.office).await;
    let officer = app.person("officer", &app.office).await;
    let camera = add_camera(&app, &app.premises, "x").await;
    administrator.put("/settings/diagnosis?scope=system", &json!({"black": {"threshold": 12.0, "duration_s": 9.0}})).await;
    let premises = format!("scope=premises&id={}", app.premises.id);
    assert_eq!(supervisor.put(&format!("/settings/diagnosis?{premises}"), &json!({"black": {"threshold": 20.0}})).await.0, StatusCode::OK);
    assert_eq!(
        supervisor.get("/settings/diagnosis?scope=system").await,
        (StatusCode::OK, json!({"black": {"threshold": 12.0, "duration_s": 9.0}}))
    );
    let (status, system) = supervisor.get("/settings/diagnosis/effective?scope=system").await;
    assert_eq!(
        (status, &system["may_change"], &system["rules"]["black"]["threshold"]),
        (StatusCode::OK, &json!(false), &json!({"value": 12.0, "from": "system"}))
    );
    for (place, may_change) in [(premises.clone(), true), (format!("scope=camera&id={camera}"), true)] {
        let (_, effective) = supervisor.get(&format!("/settings/diagnosis/effective?{place}")).await;
        assert_eq!(
            (&effective["may_change"], &effective["rules"]["black"]),
            (
                &json!(may_change),
                &json!({"enabled": {"value": true, "from": "default"}, "threshold": {"value": 20.0, "from": "premises"}, "duration_s": {"value": 9.0, "from": "system"},
                    "clear_s": {"value": 3.0, "from": "default"}, "repeat_interval_s": {"value": 300.0, "from": "default"}})
            ),
            "{place}"
        );
    }
    let (status, read_only) = officer.get(&format!("/settings/diagnosis/effective?{premises}")).await;
    assert_eq!((status, &read_only["may_change"]), (StatusCode::OK, &json!(false)));
    let elsewhere = format!("/settings/diagnosis/effective?scope=premises&id={}", app.other_premises.id);
    assert_eq!(supervisor.get(&elsewhere).await.0, StatusCode::NOT_FOUND);
});

on_both!(retention_is_inherited_and_reaches_the_engine, |app| {
    let recording = record(&app, 1_000).await;
    let camera = recording.camera;
    recording.supervisor.once("cameras", server::ingest::apply::run(recording.app.clone(), recording.supervisor.soft()));
    let administrator = app.person("administrator", &app.city).await;
    let effective = format!("/settings/retention/effective?scope=camera&id={camera}");
    let (_, plain) = administrator.get(&effective).await;
    assert_eq!(plain, json!({"days": 90, "from": "default", "said": [{"scope": "default", "days": 90}], "may_change": true}));
    let steps = [
        ("scope=system".to_owned(), 60, "system"),
        ("scope=kind&kind=school_canteen".to_owned(), 15, "kind"),
        (format!("scope=premises&id={}", app.premises.id), 7, "premises"),
        (format!("scope=camera&id={camera}"), 45, "camera"),
    ];
    for (place, days, from) in &steps {
        let (status, kept) = administrator.put(&format!("/settings/retention?{place}"), &json!({"days": days})).await;
        assert_eq!((status, kept), (StatusCode::OK, json!({"days": days})));
        let (_, now) = administrator.get(&effective).await;
        assert_eq!((now["days"].as_i64(), now["from"].as_str()), (Some(*days), Some(*from)), "{now}");
        until("the engine knows", || async { (i64::from(recording.engine.keeping().days_of(camera)) == *days).then_some(()) }).await;
    }
    assert_eq!(administrator.get(&effective).await.1["said"].as_array().map(Vec::len), Some(5));
    let camera_place = format!("/settings/retention?{}", steps[3].0);
    assert_eq!(administrator.send(Method::DELETE, &camera_place, None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(administrator.get(&effective).await.1["days"], 7);
    assert_eq!(administrator.get(&camera_place).await, (StatusCode::OK, json!(null)));
    for days in [0, 6, 366] {
        assert_eq!(administrator.put("/settings/retention?scope=system", &json!({"days": days})).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(administrator.get("/settings/retention/effective?scope=kind").await.0, StatusCode::BAD_REQUEST);
    let supervisor = app.person("supervisor", &app.office).await;
    assert_eq!(supervisor.put("/settings/retention?scope=kind&kind=school_canteen", &json!({"days": 7})).await.0, StatusCode::FORBIDDEN);
    recording.supervisor.shutdown(std::time::Duration::from_secs(10)).await;
});
