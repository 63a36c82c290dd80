//! Rebuilds the program when the pages or the migrations it carries have changed.

fn main() {
    println!("cargo::rerun-if-changed=web/dist");
    println!("cargo::rerun-if-changed=../migrations");
}
