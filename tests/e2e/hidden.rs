//! A copy for publication, through the real program: a real face is unrecognisable in it, so is what somebody marked, the rest is
//! as it was, and the recording has not changed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use e2e::{Program, decodes_with_uneven_times, left_out, probe, until};
use media::virtual_camera::footage::DEBIAN_SOURCE;
use mobile_api::moment::Moment;
use serde_json::{Value, json};

const SLOW: Duration = Duration::from_secs(180);
/// Size of the film, pixels.
const SIZE: (usize, usize) = (1_096, 684);
/// Where the face in it is, in thousandths: left, top, right, bottom, from brow to chin.
const FACE: [usize; 4] = [425, 290, 465, 375];
/// What somebody marks, in the same way; and as the query says it.
const MARKED: [usize; 4] = [800, 100, 1_000, 400];
const MARKED_QUERY: &str = "800,100,200,300";
/// What is nothing of either, with room around: the left of the picture above the words that every copy bears.
const REST: [usize; 4] = [0, 0, 330, 650];
/// Recorded before it is exported, ms.
const RECORDED_MS: i64 = 6_000;

fn beside_the_footage(name: &str) -> PathBuf {
    let footage = std::env::var_os("BRIGHT_KITCHEN_FOOTAGE").map_or_else(|| PathBuf::from(DEBIAN_SOURCE), PathBuf::from);
    footage.with_file_name(name)
}

/// A picture of a copy, two seconds after its beginning, in shades of grey.
fn picture(file: &Path) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-ss", "2", "-i"]).arg(file).args(["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-"]);
    let picture = command.output().unwrap().stdout;
    assert_eq!(picture.len(), SIZE.0 * SIZE.1);
    picture
}

/// How much two pictures differ in a part of them, shades of grey a pixel in the mean.
fn difference(one: &[u8], other: &[u8], [left, top, right, bottom]: [usize; 4]) -> f64 {
    let at = |thousandths: usize, side: usize| thousandths * side / 1_000;
    let (mut sum, mut count) = (0.0, 0.0);
    for y in at(top, SIZE.1)..at(bottom, SIZE.1) {
        for x in at(left, SIZE.0)..at(right, SIZE.0) {
            let n = y * SIZE.0 + x;
            sum += f64::from(one[n].abs_diff(other[n]));
            count += 1.0;
        }
    }
    sum / count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_face_and_what_is_marked_are_hidden_and_the_recording_is_as_it_was() {
    let (photo, model) = (beside_the_footage("messi5.jpg"), std::env::var("BRIGHT_KITCHEN_FACE_MODEL").unwrap_or_default());
    if !photo.exists() || !Path::new(&model).exists() {
        left_out("hiding faces needs a picture with one and the model: .ci/footage, .ci/face-model");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mp4");
    let mut made = Command::new("ffmpeg");
    made.args(["-v", "error", "-nostdin", "-loop", "1", "-framerate", "10", "-t", "20", "-i"]).arg(&photo);
    made.args([
        "-vf",
        &format!("scale={}:{}", SIZE.0, SIZE.1),
        "-pix_fmt",
        "yuv420p",
        "-c:v",
        "libx264",
        "-g",
        "20",
        "-bf",
        "0",
        "-crf",
        "18",
    ]);
    assert!(made.arg(&film).status().unwrap().success());
    let files = folder.path().to_string_lossy().into_owned();
    let mut program = Program::start(None, &[("CAMERA_FILES", &files), ("FACE_MODEL", &model)]).await;
    let root = program.sign_in("root").await;
    let (_, premises) = root.plant().await;
    let since = root.server_time().await;
    let body = json!({"name": "灶台", "premises_id": premises, "source_url": format!("file://{}", film.display())});
    let camera = root.made("/cameras", &body).await;
    let ms = |moment: &Value| moment.as_str().unwrap().parse::<Moment>().unwrap().0;
    let span = until("enough is recorded", SLOW, || async {
        let now = root.server_time().await;
        let (_, timeline) = root.get(&format!("/cameras/{camera}/timeline?start={since}&end={now}")).await;
        let span = timeline["segments"].as_array().and_then(|spans| spans.first().cloned())?;
        (ms(&span["end"]) - ms(&span["start"]) >= RECORDED_MS).then_some(span)
    })
    .await;
    let path = format!("/cameras/{camera}/recording.mp4?start={}&end={}", span["start"].as_str().unwrap(), span["end"].as_str().unwrap());
    let kept = |name: &str, bytes: &[u8]| {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        file
    };
    let (_, _, before) = root.bytes(&path).await;
    let (status, _, saved) = root.bytes(&format!("{path}&download=1")).await;
    assert_eq!(status, 200);
    let original = kept("original.mp4", &saved);
    let (status, _, bytes) = root.bytes(&format!("{path}&hide_faces=true&hide={MARKED_QUERY}&reason=公开")).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
    let copy = kept("copy.mp4", &bytes);
    decodes_with_uneven_times(&copy);
    assert_eq!(probe(&copy).frames, probe(&original).frames, "every picture");

    let (was, is) = (picture(&original), picture(&copy));
    let (face, marked, rest) = (difference(&was, &is, FACE), difference(&was, &is, MARKED), difference(&was, &is, REST));
    eprintln!("shades that differ: {face:.1} in the face, {marked:.1} in what was marked, {rest:.1} in the rest");
    assert!(face > 10.0 && marked > 5.0 && rest < 3.0 && face > 4.0 * rest, "{face:.1}, {marked:.1}, {rest:.1}");

    // It says what it is, of which recording, and what was hidden; nobody's name stands in it.
    let said = |file: &Path| {
        let (code, said) = program.run(&["verify", &file.to_string_lossy(), "--json"]);
        assert_eq!(code, Some(0), "{said}");
        serde_json::from_str::<Value>(&said[said.find('{').unwrap()..=said.rfind('}').unwrap()]).unwrap()
    };
    let (of_original, of_copy) = (said(&original), said(&copy));
    assert_eq!(of_copy["format"], "bright-kitchen-marked-copy-1");
    assert_eq!(of_copy["marked"]["originals"], of_original["fragments"], "made from those very fragments");
    let hidden = &of_copy["marked"]["hidden"];
    assert!(hidden["faces"].as_str().is_some_and(|model| model.contains("CenterFace")), "{of_copy}");
    assert!(hidden["pictures_with_faces"].as_i64().unwrap() * 10 >= probe(&copy).frames * 9, "in nearly every picture: {hidden}");
    assert_eq!((&hidden["regions"][0]["left"], &hidden["regions"][0]["height"]), (&json!(800), &json!(300)));
    assert!(!of_copy["marked"]["lines"].to_string().contains("root"), "{of_copy}");

    // The recording is as it was, byte for byte; and the copy is in the audit log.
    assert!(root.bytes(&path).await.2 == before, "the recording has changed");
    let (_, log) = root.get("/audit?action=export&limit=50").await;
    let noted = log["items"].as_array().unwrap().iter().find(|item| item["detail"]["export_id"] == of_copy["export_id"]);
    assert_eq!(noted.map(|item| &item["detail"]["hidden"]), Some(&json!({"faces": true, "regions": 1})), "{log}");
    let (status, problem) = root.get(&format!("{path}&hide=900,0,200,10")).await;
    assert!(status == 400 && problem["detail"].as_str().is_some_and(|detail| detail.contains("thousandths")), "{problem}");
    assert!(program.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_model_faces_are_refused_in_words_and_regions_are_hidden_all_the_same() {
    let mut program = Program::start(None, &[("FACE_MODEL", "")]).await;
    let root = program.sign_in("root").await;
    let (_, premises) = root.plant().await;
    let since = root.server_time().await;
    let camera = root.made("/cameras", &json!({"name": "库房", "premises_id": premises, "source_url": "test:"})).await;
    let span = until("something is recorded", SLOW, || async {
        let now = root.server_time().await;
        let (_, timeline) = root.get(&format!("/cameras/{camera}/timeline?start={since}&end={now}")).await;
        timeline["segments"].as_array().and_then(|spans| spans.first().cloned())
    })
    .await;
    let path = format!("/cameras/{camera}/recording.mp4?start={}&end={}", span["start"].as_str().unwrap(), span["end"].as_str().unwrap());
    let (status, problem) = root.get(&format!("{path}&hide_faces=true")).await;
    assert!(status == 503 && problem["detail"].as_str().is_some_and(|detail| detail.contains("no model")), "{status} {problem}");
    let (status, _, bytes) = root.bytes(&format!("{path}&hide=0,0,500,500")).await;
    assert_eq!(status, 200);
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    decodes_with_uneven_times(file.path());
    assert!(program.stop());
}
