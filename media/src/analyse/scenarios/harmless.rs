//! What happens in a kitchen and raises nothing.

use super::change::Seeded;
use super::*;

/// Two places that differ in crop, colour and moment.
const PLACES: [usize; 2] = [0, 3];

/// Learns a place for a minute, then lets `change` befall it for two, then is normal again.
fn befalls(number: usize, what: &str, mut change: impl FnMut(&mut Luma, f32, &mut Seeded)) {
    let (mut kitchen, mut seeded) = (Kitchen::new(), Seeded::new(number as u64 + 1));
    let clip = clip(&scene(number), Picture::Normal);
    kitchen.play(&clip, 60);
    kitchen.play_changed(&clip, 120, |luma, seconds| change(luma, seconds, &mut seeded));
    kitchen.play(&clip, 60);
    kitchen.is_quiet(&format!("{what} at place {number}"));
}

#[test]
fn the_usual_day_raises_nothing() {
    for number in PLACES {
        befalls(number, "nothing", |_, _, _| {});
    }
}

#[test]
fn gain_that_drifts_raises_nothing() {
    for number in PLACES {
        befalls(number, "gain", |luma, seconds, _| luma.levels(1.0 + 0.45 * (seconds / 25.0).sin(), 0.0));
    }
}

#[test]
fn infra_red_raises_nothing() {
    for number in PLACES {
        befalls(number, "infra-red", |luma, _, seeded| {
            luma.infra_red();
            luma.noise(3.0, seeded);
        });
    }
}

#[test]
fn noise_raises_nothing() {
    for number in PLACES {
        befalls(number, "noise", |luma, seconds, seeded| luma.noise(seconds / 12.0, seeded));
    }
}

#[test]
fn steam_raises_nothing() {
    for number in PLACES {
        befalls(number, "steam", |luma, seconds, _| luma.steam(0.65 * (seconds / 40.0).sin().abs(), seconds));
    }
}

#[test]
fn a_person_close_to_the_lens_raises_nothing() {
    for number in PLACES {
        befalls(number, "a person", |luma, seconds, _| {
            if seconds % 60.0 < 40.0 {
                luma.person(0.75, seconds);
            }
        });
    }
}

#[test]
fn lights_on_and_off_raise_nothing() {
    for number in PLACES {
        befalls(number, "lights", |luma, seconds, seeded| {
            if seconds % 90.0 > 45.0 {
                luma.levels(0.22, 0.0);
                luma.colour *= 0.25;
                luma.noise(2.0, seeded);
            }
        });
    }
}

#[test]
fn a_running_clock_raises_nothing() {
    for number in PLACES {
        befalls(number, "a clock", |luma, _, seeded| luma.clock(seeded));
    }
}

#[test]
fn a_quiet_camera_is_looked_at_by_routine_only() {
    let mut kitchen = Kitchen::new();
    let clip = clip(&scene(0), Picture::Normal);
    kitchen.play(&clip, 60);
    let known = kitchen.looks;
    kitchen.play(&clip, 600);
    let looks = kitchen.looks - known;
    assert!((20..=40).contains(&looks), "{looks} looks in ten minutes");
    kitchen.is_quiet("ten minutes");
}

#[test]
fn a_whole_night_in_a_still_dark_kitchen_raises_nothing() {
    let (mut kitchen, mut seeded) = (Kitchen::new(), Seeded::new(7));
    let day = clip(&scene(0), Picture::Normal);
    // Not a part of half a minute: each routine look shall find other noise, as at a camera that sends no loop.
    let night = clip(&Scene { light: Light::Night, loop_s: 14, ..scene(0) }, Picture::Normal);
    kitchen.play(&day, 120);
    kitchen.play(&night, 6 * 3_600);
    // Darker still, and then with noise that coding has not touched.
    kitchen.play_changed(&night, 1_800, |luma, _| luma.levels(0.5, 0.0));
    kitchen.play_changed(&night, 1_800, |luma, _| {
        luma.levels(0.5, 0.0);
        luma.noise(1.0, &mut seeded);
    });
    kitchen.play(&day, 120);
    kitchen.is_quiet("the night");
}

#[test]
fn a_dead_sensor_at_night_is_found() {
    let mut kitchen = Kitchen::new();
    let night = Scene { light: Light::Night, ..scene(0) };
    let normal = clip(&night, Picture::Normal);
    kitchen.play(&normal, 120);
    kitchen.is_quiet("the night");
    kitchen.play(&clip(&night, Picture::Black), 30);
    assert_eq!(kitchen.told(), [(DiagnosisKind::Black, Phase::Raised)]);
}

#[test]
fn a_film_that_is_sent_in_a_loop_is_not_frozen() {
    for light in [Light::Day, Light::Night] {
        // Three key frames a round: after six seconds every picture is the same again, byte for byte.
        let short = Scene { loop_s: 6, light, ..scene(0) };
        let mut kitchen = Kitchen::new();
        kitchen.play(&clip(&short, Picture::Normal), 900);
        kitchen.is_quiet(&format!("a loop by {light:?}"));
    }
}
