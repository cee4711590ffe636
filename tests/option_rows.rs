//! The options that `capi-tests/sweep` tries are those that the library has.
//!
//! `FERROZMQ_WRITE_ROWS=1 cargo test --test option_rows` writes them anew.

use std::fs;
use std::path::Path;

#[test]
fn the_swept_options_are_those_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("capi-tests/sweep/option_rows.h");
    let current = format!("/* Made by tests/option_rows.rs. */\n{}", zmq::options::c_table());
    if fs::read_to_string(&path).is_ok_and(|text| text == current) {
        return;
    }
    assert!(
        std::env::var_os("FERROZMQ_WRITE_ROWS").is_some(),
        "capi-tests/sweep/option_rows.h is stale: write it anew (see the head of this file)"
    );
    fs::write(&path, current).expect("option_rows.h can be written");
}
