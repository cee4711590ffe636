//! The table of socket options as C, for the tests that try every size and
//! every boundary of each of them on libzmq and here.

use std::fmt::Write;

use super::row::{Access, Kind};
use super::table::TABLE;

/// One line of C for each socket option: `{number, name, kind, access, smallest value
/// or length, largest}`. What grows without bounds ends at
/// the largest value of its type, bytes at 65 536.
pub fn c_table() -> String {
    let mut text = String::new();
    for row in TABLE {
        let (kind, min, max) = c_kind(row.kind);
        let access = match row.access {
            Access::ReadWrite => "READ_WRITE",
            Access::ReadOnly => "READ_ONLY",
            Access::WriteOnly => "WRITE_ONLY",
        };
        writeln!(text, "{{{}, \"{}\", {kind}, {access}, {min}, {max}}},", row.number, row.name,)
            .expect("a String takes all text");
    }
    text
}

fn c_kind(kind: Kind) -> (&'static str, i64, i64) {
    let bytes = |max: usize| i64::try_from(max).unwrap_or(i64::MAX).min(65_536);
    match kind {
        Kind::Int { min, max } => ("INT", min.into(), max.into()),
        Kind::Flag => ("INT", 0, 1),
        Kind::LooseFlag => ("INT", 0, i32::MAX.into()),
        Kind::AnyFlag => ("INT", i32::MIN.into(), i32::MAX.into()),
        Kind::Int64 | Kind::UInt64 => ("INT64", -1, i64::MAX),
        Kind::Binary { min, max } => ("BYTES", bytes(min), bytes(max)),
        Kind::Key => ("BYTES", 32, 41),
        Kind::Text { min, max } => ("BYTES", bytes(min), bytes(max)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_a_line() {
        let text = c_table();
        assert_eq!(text.lines().count(), TABLE.len());
        assert!(text.contains("{23, \"SNDHWM\", INT, READ_WRITE, 0, 2147483647},\n"));
        assert!(text.contains("{5, \"ROUTING_ID\", BYTES, READ_WRITE, 1, 255},\n"));
    }
}
