//! Work that moves between people under a deadline: one mechanism for every kind.
//!
//! A kind of work declares a [`Table`]: its states, and for each transition who may make it, what it needs, and what it
//! does to the named clocks. [`Table::check`] is the only judge of whether an act is allowed; the store keeps what it
//! decides. How late work is stands beside its state ([`Level`]) and never moves it. Telling somebody is a notice and
//! changes no state either, nor does who has taken it on ([`Handing`]).
//!
//! A kind adds its table, its fields and its texts. It does not add a second engine.

mod act;
pub mod alert;
pub mod assignment;
mod claim;
mod clock;
pub mod incident;
pub mod rectification;
mod table;

pub use act::{Act, Decision, Doer, Past, REASON_CHARS_MAX, Refusal, Standing};
pub use claim::{Claims, Handing};
pub use clock::{Clock, Context, DEADLINE_DAYS_MAX, Level, Limit, Signal, Unit};
pub use table::{Effect, Need, Needs, State, Table, Transition, Who};

/// The table of a kind of work, by the kind's name.
pub fn table(kind: &str) -> Option<&'static Table> {
    [&alert::TABLE, &assignment::TABLE, &rectification::TABLE, &incident::TABLE].into_iter().find(|table| table.kind == kind)
}
