//! The contract phones speak: wire types, problem types, canonical hashing and the rule that judges an inspection.
//!
//! No web framework and no database here: the same rules run on the server and, from the same test vectors, on the phone.
