//! Bytes that nobody sane would send: everything here that reads what a camera sent or what lies in a segment file is given
//! inputs made from good ones by cutting, repeating, mixing and changing them.
//!
//! A stand-in for `cargo fuzz`, which needs another compiler: there is no feedback from coverage, instead the good inputs are
//! the real thing (parameter sets of both encoders, a recorded file, a camera's side of an RTSP session), so that mutations
//! start deep inside. `make test` runs each target for a fixed number of inputs from a fixed seed; `.ci/fuzz` runs each for
//! half a minute from a new seed. What once broke something is kept in `corpus/` and comes first, always.

mod devices;
mod mutate;
mod seeds;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use mutate::Mutator;

/// Inputs a target is given in `make test`.
const INPUTS: u64 = 1_500;
/// The seed of `make test`.
const SEED: u64 = 0x6d69_6e67_6368_7500;
/// An input that takes longer than this is a finding too: it would hold up a start or a camera.
const SLOW: Duration = Duration::from_secs(5);

/// A function of foreign bytes; it panics where it breaks, or where its answer cannot be right.
type Reader = dyn Fn(&[u8]);

/// Something that reads bytes.
pub(super) struct Target {
    name: &'static str,
    /// Good inputs.
    seeds: Vec<Vec<u8>>,
    run: Box<Reader>,
    /// Inputs in `make test`, where an input costs more than a few microseconds.
    inputs: u64,
}

impl Target {
    fn new(name: &'static str, seeds: Vec<Vec<u8>>, run: impl Fn(&[u8]) + 'static) -> Self {
        Self { name, seeds, run: Box::new(run), inputs: INPUTS }
    }

    fn inputs(self, inputs: u64) -> Self {
        Self { inputs, ..self }
    }

    /// What once broke it: a line of hexadecimal digits each.
    fn corpus(&self) -> Vec<Vec<u8>> {
        let all = include_str!("corpus.txt").lines().filter(|line| !line.starts_with('#'));
        let mine = all.filter_map(|line| line.split_once(' ')).filter(|(name, _)| *name == self.name);
        mine.map(|(_, digits)| hex::decode(digits).expect("the corpus is hexadecimal")).collect()
    }

    fn give(&self, input: &[u8]) {
        let began = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.run)(input)));
        let took = began.elapsed();
        if outcome.is_err() || took > SLOW {
            let what = if outcome.is_err() { "panicked" } else { "took too long" };
            panic!("{} {what} ({took:?}); add this line to media/src/fuzz/corpus.txt:\n{} {}", self.name, self.name, hex::encode(input));
        }
    }

    /// Gives it the corpus, the good inputs, and then changed ones until `enough`.
    fn fuzz(&self, seed: u64, mut enough: impl FnMut(u64) -> bool) -> u64 {
        let mut pool = self.corpus();
        pool.extend(self.seeds.iter().cloned());
        pool.iter().for_each(|input| self.give(input));
        let mut mutator = Mutator::new(seed);
        let mut given = 0;
        while !enough(given) {
            let input = mutator.next(&pool);
            self.give(&input);
            given += 1;
        }
        given
    }
}

#[test]
fn nothing_that_reads_foreign_bytes_breaks() {
    crate::init().expect("GStreamer");
    for target in targets::all() {
        target.fuzz(SEED, |given| given >= target.inputs);
    }
}

/// Run by `.ci/fuzz`: `MEDIA_FUZZ_SECONDS` a target, thirty where it is not set.
#[test]
#[ignore = "half a minute a target: .ci/fuzz"]
fn nothing_that_reads_foreign_bytes_breaks_for_long() {
    crate::init().expect("GStreamer");
    let seconds = std::env::var("MEDIA_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    for target in targets::all() {
        let (seed, began) = (rand::random(), Instant::now());
        eprintln!("{:20} seed {seed:#x}", target.name);
        let given = target.fuzz(seed, |_| began.elapsed() >= Duration::from_secs(seconds));
        eprintln!("{:20} {given} inputs in {:.0?}", target.name, began.elapsed());
    }
}
