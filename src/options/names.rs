//! What the trace may say of a socket option.

use super::row::Kind;
use super::table;

/// An option's C name without its `ZMQ_`.
pub fn name(option: i32) -> Option<&'static str> {
    table::find(option).map(|row| row.name)
}

/// Whether the option's value is a number, and as such nothing to keep secret.
pub fn is_number(option: i32) -> bool {
    table::find(option)
        .is_some_and(|row| !matches!(row.kind, Kind::Binary { .. } | Kind::Key | Kind::Text { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_passwords_and_topics_are_no_numbers() {
        for option in [6, 46, 49, 95, 100] {
            assert!(name(option).is_some() && !is_number(option), "{option}");
        }
        assert_eq!((name(17), is_number(17)), (Some("LINGER"), true));
        assert_eq!((name(-1), is_number(i32::MAX)), (None, false));
    }
}
