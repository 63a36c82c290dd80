//! The analysis watches the sub-stream where there is one; the main stream is what is recorded.

use super::*;
use crate::camera::AnalysisStream;

#[tokio::test]
async fn the_sub_stream_is_analysed_and_the_main_one_recorded_and_steps_in_when_it_fails() {
    let mut house = House::open(vec![scene("main"), scene("sub")], |_| {}).await;
    let spec = CameraSpec { sub: Some(SourceSpec::new(house.server.url("sub"))), ..house.spec("main") };
    house.engine.apply(spec.clone()).await;
    house.until_state(CameraState::Recording, StateReason::None).await;
    let analysed = |house: &House| house.engine.status(spec.id).expect("applied").analysis_stream;
    wait_for("the sub-stream is analysed", || analysed(&house) == AnalysisStream::Sub).await;
    house.camera("sub").set(Incident::NotVideo).await.expect("set");
    house.camera("sub").cut();
    wait_for("the main stream steps in", || analysed(&house) == AnalysisStream::MainInstead).await;
    house.camera("sub").clear();
    wait_for("the sub-stream is back", || analysed(&house) == AnalysisStream::Sub).await;

    // Without one there is nothing to step in for, and its camera is let go.
    house.engine.apply(CameraSpec { sub: None, ..spec.clone() }).await;
    wait_for("the main stream alone", || analysed(&house) == AnalysisStream::Main).await;
    wait_for("the sub-stream is closed", || house.camera("sub").totals().viewers == 0).await;
    let (told, _folder) = house.close().await;
    assert!(gaps(&told).is_empty(), "the record has no gap: {told:?}");
}
