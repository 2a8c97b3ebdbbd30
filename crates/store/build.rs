//! A migration that is added is built in, also where no source has changed.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
