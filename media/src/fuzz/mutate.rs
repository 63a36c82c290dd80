//! Good inputs made bad: changed bytes and numbers, pieces left out, repeated, swapped, and taken from other inputs.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// No input is longer: what is read from a camera or a file is limited elsewhere, and long inputs find nothing new.
const LEN_MAX: usize = 1 << 20;
/// Numbers that are at the edge of something.
const EDGES: [u64; 12] = [0, 1, 7, 8, 0x7f, 0x80, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x7fff_ffff_ffff_ffff, u64::MAX];

/// Makes inputs.
pub(super) struct Mutator {
    random: StdRng,
}

impl Mutator {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed) }
    }

    /// A changed copy of one of the pool.
    pub(super) fn next(&mut self, pool: &[Vec<u8>]) -> Vec<u8> {
        let mut input = pool[self.below(pool.len())].clone();
        for _ in 0..=self.below(6) {
            self.change(&mut input, pool);
        }
        input.truncate(LEN_MAX);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, pool: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let piece = self.piece(input.len());
        match self.below(9) {
            0 => input.truncate(at),
            1 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = self.random.random();
                }
            }
            2 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            3 => self.number(input, at),
            4 => drop(input.drain(piece)),
            5 => {
                let copy = input[piece].to_vec();
                input.splice(at..at, copy);
            }
            6 => {
                let other = &pool[self.below(pool.len())];
                let range = self.piece(other.len());
                input.splice(at..at, other[range].iter().copied());
            }
            7 => {
                let noise: Vec<u8> = (0..self.below(40)).map(|_| self.random.random()).collect();
                input.splice(at..at, noise);
            }
            _ => {
                let byte = self.random.random();
                input[piece].fill(byte);
            }
        }
    }

    /// Writes a number from an edge over what is there, in 1, 2, 4 or 8 bytes.
    fn number(&mut self, input: &mut [u8], at: usize) {
        let width = 1 << self.below(4);
        let edge = EDGES[self.below(EDGES.len())].wrapping_add(self.random.random_range(0..3)).wrapping_sub(1);
        if let Some(place) = input.get_mut(at..at + width) {
            place.copy_from_slice(&edge.to_be_bytes()[8 - width..]);
        }
    }

    fn piece(&mut self, len: usize) -> std::ops::Range<usize> {
        let start = self.below(len + 1);
        let longest = if self.random.random_bool(0.8) { 64 } else { len };
        start..(start + self.below(longest + 1)).min(len)
    }

    fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end.max(1))
    }
}
