//! The table against itself, and against sockets that are made from it.

use super::*;
use crate::options::context::ContextOptions;
use crate::options::resting::Resting;
use crate::options::row::{Access, Initial};
use crate::options::socket::SocketOptions;
use crate::socket_type::SocketType;

#[test]
fn rows_are_found_by_their_number_and_ordered_by_it() {
    assert!(TABLE.is_sorted_by(|a, b| a.number < b.number));
    for row in TABLE {
        assert_eq!(find(row.number).map(|found| found.name), Some(row.name));
    }
}

#[test]
fn the_access_of_working_rows_is_what_their_functions_allow() {
    for row in TABLE {
        if let State::Now(set, get) = &row.state {
            let access = match (set, get) {
                (Set::Never, _) => Access::ReadOnly,
                (_, Get::Never) => Access::WriteOnly,
                _ => Access::ReadWrite,
            };
            assert!(row.access == access, "{}", row.name);
            let fits = match set {
                Set::Never => true,
                Set::Int(_) | Set::IntFilter(_) => matches!(row.kind, Kind::Int { .. }),
                Set::Flag(_) => {
                    matches!(row.kind, Kind::Flag | Kind::LooseFlag | Kind::AnyFlag)
                }
                Set::Key(_) => matches!(row.kind, Kind::Key),
                Set::Int64(_) => matches!(row.kind, Kind::Int64),
                Set::UInt64(_) => matches!(row.kind, Kind::UInt64),
                Set::Bytes(_) | Set::TextFilter(_) => {
                    matches!(row.kind, Kind::Binary { .. } | Kind::Text { .. })
                }
            };
            assert!(fits, "{}", row.name);
        }
    }
}

#[test]
fn fresh_sockets_have_the_defaults_of_the_table() {
    let pair = SocketOptions::new(SocketType::Pair, &ContextOptions::default());
    for row in TABLE.iter().filter(|row| row.access != Access::WriteOnly) {
        let works = matches!(row.state, State::Now(..));
        let mut buffer = [0xaa; 8];
        match row.initial {
            Initial::Int(value) if works => {
                let wide = matches!(row.kind, Kind::Int64 | Kind::UInt64);
                let buffer = &mut buffer[..if wide { 8 } else { 4 }];
                assert_eq!(
                    row.get(&pair, &Resting::default(), buffer),
                    Ok(buffer.len()),
                    "{}",
                    row.name
                );
                assert_eq!(*buffer, value.to_ne_bytes()[..buffer.len()], "{}", row.name);
            }
            Initial::Empty if works => {
                let length = usize::from(matches!(row.kind, Kind::Text { .. }));
                assert_eq!(
                    row.get(&pair, &Resting::default(), &mut buffer),
                    Ok(length),
                    "{}",
                    row.name
                );
                assert_eq!(buffer, [0; 8], "{}", row.name);
            }
            _ => {}
        }
    }
}

#[test]
fn working_ints_take_exactly_their_range() {
    for row in TABLE {
        let State::Now(Set::Int(_) | Set::Flag(_), _) = &row.state else {
            continue;
        };
        let kind = *row.sockets.first().unwrap_or(&SocketType::Pair);
        let mut options = SocketOptions::new(kind, &ContextOptions::default());
        let (min, max) = match row.kind {
            Kind::Int { min, max } => (min, max),
            Kind::Flag => (0, 1),
            Kind::LooseFlag => (0, i32::MAX),
            _ => (i32::MIN, i32::MAX),
        };
        for (value, allowed) in [
            (Some(min), true),
            (Some(max), true),
            (min.checked_sub(1), false),
            (max.checked_add(1), false),
        ] {
            let Some(value) = value else { continue };
            let bytes = value.to_ne_bytes();
            let done = row.set(&mut options, Some(&bytes)).is_ok();
            assert_eq!(done, allowed, "{} {value}", row.name);
        }
    }
}
