//! The option tables as text for the documentation, made from the tables that
//! the code runs on.

use std::fmt::Write;

use super::context::{CONTEXT_TABLE, ContextOptions, ContextRow};
use super::row::{Access, Initial, Kind, Row, State};
use super::table::TABLE;

/// Every socket option, then every context option, as Markdown tables. `stand` says of an
/// option that works, by its name in C, how it compares with libzmq's.
pub fn markdown_table(stand: &dyn Fn(&str) -> String) -> String {
    let mut text = String::from(
        "### Socket options\n\n\
         | option | number | type | range | default | access | set on | applies | here | note |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in TABLE {
        text.push_str(&socket_line(row, stand));
    }
    text.push_str(
        "\n### Context options\n\n\
         | option | number | range | default | access | applies | here | note |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for row in CONTEXT_TABLE {
        text.push_str(&context_line(row, stand));
    }
    text
}

fn socket_line(row: &Row, stand: &dyn Fn(&str) -> String) -> String {
    let initial = match row.initial {
        Initial::Int(value) => value.to_string(),
        Initial::Empty => "empty".into(),
        Initial::Words(words) => words.into(),
    };
    let (access, sockets) = match row.access {
        Access::ReadOnly => ("get", String::new()),
        Access::WriteOnly => ("set", set_on(row)),
        Access::ReadWrite => ("get, set", set_on(row)),
    };
    let applies = match (row.access, row.at_once) {
        (Access::ReadOnly, _) => "",
        (_, true) => "at once",
        (_, false) => "next bind, connect",
    };
    let state = match row.state {
        State::Now(..) => stand(&format!("ZMQ_{}", row.name)),
        State::Gssapi(..) => {
            stand(&format!("ZMQ_{}", row.name)) + ", with libgssapi_krb5, else EINVAL"
        }
        State::Absent => "EINVAL, as in libzmq built without it".into(),
    };
    let unit = if row.unit.is_empty() { String::new() } else { format!(" ({})", row.unit) };
    format!(
        "| `ZMQ_{}` | {} | {}{unit} | {} | {initial} | {access} | {sockets} | {applies} | {state} | {} |\n",
        row.name,
        row.number,
        type_name(row.kind),
        range(row),
        row.note,
    )
}

fn set_on(row: &Row) -> String {
    if row.sockets.is_empty() {
        return "all".into();
    }
    let names: Vec<_> = row.sockets.iter().map(|kind| kind.name()).collect();
    names.join(", ")
}

fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Int { .. } => "int",
        Kind::Flag | Kind::LooseFlag | Kind::AnyFlag => "int (boolean)",
        Kind::Int64 => "int64_t",
        Kind::UInt64 => "uint64_t",
        Kind::Binary { .. } | Kind::Key => "bytes",
        Kind::Text { .. } => "text",
    }
}

fn range(row: &Row) -> String {
    if row.access == Access::ReadOnly {
        return String::new();
    }
    match row.kind {
        Kind::Int { min: i32::MIN, max: i32::MAX } | Kind::AnyFlag | Kind::Int64 | Kind::UInt64 => {
            "any".into()
        }
        Kind::Int { min, max: i32::MAX } => format!("{min} …"),
        Kind::Int { min, max } => format!("{min} … {max}"),
        Kind::Flag => "0, 1".into(),
        Kind::LooseFlag => "0 …".into(),
        Kind::Binary { min, max: usize::MAX } => format!("{min} … bytes"),
        Kind::Key => "32, 40 or 41 bytes".into(),
        Kind::Binary { min, max } => format!("{min} … {max} bytes"),
        Kind::Text { max: usize::MAX, min } => format!("{min} … bytes"),
        Kind::Text { min, max } => format!("{min} … {max} bytes"),
    }
}

fn context_line(row: &ContextRow, stand: &dyn Fn(&str) -> String) -> String {
    let fresh = ContextOptions::default();
    let mut line = format!("| `ZMQ_{}` | {} | ", row.name, row.number);
    let access = match (row.set, row.get) {
        (Some(_), Some(_)) => "get, set",
        (Some(_), None) => "set",
        _ => "get",
    };
    match row.set {
        Some((i32::MIN, _)) => line.push_str("any"),
        Some((min, _)) => write!(line, "{min} …").expect("a String takes all text"),
        None => {}
    }
    let initial = row.get.map_or_else(String::new, |load| load(&fresh).to_string());
    let here = stand(&format!("ZMQ_{}", row.name));
    line + &format!(" | {initial} | {access} | {} | {here} | {} |\n", row.applies, row.note)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_one_line_of_full_width() {
        let text = markdown_table(&|name| format!("{name} as ever"));
        let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| `ZMQ_")).collect();
        assert_eq!(rows.len(), TABLE.len() + CONTEXT_TABLE.len());
        for (line, columns) in rows.iter().zip(TABLE.iter().map(|_| 10)) {
            assert_eq!(line.matches(" | ").count() + 1, columns, "{line}");
        }
        assert!(
            text.contains("| `ZMQ_SNDHWM` | 23 | int (messages) | 0 … | 1000 | get, set | all |")
        );
        assert!(text.contains("| `ZMQ_PLAIN_SERVER` |"));
        assert!(text.contains("ZMQ_GSSAPI_SERVER as ever, with libgssapi_krb5, else EINVAL"));
    }
}
