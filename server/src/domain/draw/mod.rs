//! The double random draw (双随机): premises and officers drawn at random under rules, so that anybody can replay it.
//!
//! 1. [`Input`] freezes all that the draw looks at, in one canonical order, and is hashed.
//! 2. [`seed`]: the hash of a server value was published beforehand; a witness adds a value of their own. Nobody knows the
//!    seed before both are there, and nobody can change what it follows from.
//! 3. [`shuffle`]: ChaCha20 and Fisher-Yates put premises and officers in order.
//! 4. [`search`]: the first of these orders that breaks no hard [`rules`] is the result. It is searched until it is found or
//!    proven impossible; a rule is never relaxed, but named.
//! 5. [`record`]: input, values and result in one file. Replaying it gives the same result or says where it differs.
//!
//! Nothing here depends on the machine: whole numbers only, no clock, no order of a hash table.

pub mod input;
pub mod record;
pub mod rules;
pub mod search;
pub mod seed;
pub mod shuffle;
mod state;

pub use input::{Input, Mode, Object, Officer, Point, Rules, Span, Visit};
pub use record::{Record, Replayed};
pub use rules::Rule;
pub use search::{Blocked, Drawn, Outcome, Team};
pub use state::DrawState;

#[cfg(test)]
mod tests;

/// Draws: everything from the frozen input and the seed.
pub fn draw(input: &Input, seed: &[u8; 32]) -> Outcome {
    let input = input.clone().canonical();
    let mut random = shuffle::Random::new(seed);
    let mut order: Vec<usize> = (0..input.objects.len()).collect();
    random.shuffle(&mut order);
    order.truncate(input.wanted);
    // Every premises has its own order of officers, made before the search begins: looking at more uses up no chance.
    let orders: Vec<Vec<usize>> = order
        .iter()
        .map(|_| {
            let mut officers: Vec<usize> = (0..input.officers.len()).collect();
            random.shuffle(&mut officers);
            officers
        })
        .collect();
    search::search(&input, &order, &orders)
}
