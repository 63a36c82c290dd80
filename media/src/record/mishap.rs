//! A panic in one camera's task, which nothing outside the program can bring about. Only in debug builds, for the tests that
//! run the real program: a release has none of this.

use crate::camera::CameraId;

/// Names a file; the camera whose id it holds panics once, and takes the file away.
const ASKED_BY: &str = "BRIGHT_KITCHEN_TEST_PANIC_FILE";

/// Panics where a test asks for it.
pub(super) fn as_asked(camera: CameraId) {
    let Some(file) = std::env::var_os(ASKED_BY) else { return };
    let is_it = std::fs::read_to_string(&file).is_ok_and(|text| text.trim() == camera.to_string());
    assert!(!is_it || std::fs::remove_file(&file).is_err(), "a mistake in the code of one camera, as a test asked for");
}
