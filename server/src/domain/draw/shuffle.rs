//! Chance: the key stream of ChaCha20 under the seed, read as words of 32 bits, little end first, from the beginning.
//!
//! The nonce is zero and the counter starts at zero. A number below `n` is a word modulo `n`; words at or above the greatest
//! multiple of `n` are left out, so that no number is likelier than another. Fisher-Yates goes from the last place down.
//! This is all that a program in another language needs to know to get the same.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

/// Numbers of a seed.
#[derive(Debug)]
pub struct Random(ChaCha20Rng);

impl Random {
    /// From the beginning of the seed's stream.
    pub fn new(seed: &[u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(*seed))
    }

    /// A number from 0 to `n - 1`; 0 where `n` is 0.
    pub fn below(&mut self, n: u32) -> u32 {
        if n < 2 {
            return 0;
        }
        let whole = (1_u64 << 32) / u64::from(n) * u64::from(n);
        loop {
            let word = self.0.next_u32();
            if u64::from(word) < whole {
                return word % n;
            }
        }
    }

    /// Puts things in an order of which each is as likely as any other.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            // Lists are limited to thousands.
            let other = self.below(u32::try_from(last + 1).unwrap_or(u32::MAX));
            things.swap(last, other as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_key_stream_of_chacha20() {
        // RFC 8439, A.1, test vector 1: key, nonce and counter zero.
        let mut random = Random::new(&[0; 32]);
        let bytes: Vec<u8> = (0..4).flat_map(|_| random.0.next_u32().to_le_bytes()).collect();
        assert_eq!(hex::encode(bytes), "76b8e0ada0f13d90405d6ae55386bd28");
    }

    #[test]
    fn every_order_comes_about_as_often() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..6_000_u32 {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&seed.to_le_bytes());
            let mut things = [0, 1, 2];
            Random::new(&key).shuffle(&mut things);
            *counts.entry(things).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        // 1,000 each; five standard deviations are 145.
        assert!(counts.values().all(|count| (855..1_145).contains(count)), "{counts:?}");
    }
}
