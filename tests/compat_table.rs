//! The option tables in COMPAT.md are those that the library runs on.
//!
//! `FERROZMQ_WRITE_COMPAT=1 cargo test --test compat_table` writes them anew.

use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- options: begin (made by tests/compat_table.rs) -->\n";
const END: &str = "<!-- options: end -->\n";

#[test]
fn the_option_tables_in_compat_md_are_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("COMPAT.md");
    let text = fs::read_to_string(&path).expect("COMPAT.md can be read");
    let (before, rest) = text.split_once(BEGIN).expect("the tables begin");
    let (tables, after) = rest.split_once(END).expect("the tables end");
    let current = format!("\n{}\n", zmq::options::markdown_table());
    if tables == current {
        return;
    }
    assert!(
        std::env::var_os("FERROZMQ_WRITE_COMPAT").is_some(),
        "the option tables in COMPAT.md are stale: write them anew (see the head of this file)"
    );
    let text = [before, BEGIN, &current, END, after].concat();
    fs::write(&path, text).expect("COMPAT.md can be written");
}
