//! The `bright-kitchen` binary.

fn main() {}
