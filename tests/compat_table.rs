//! The tables of names in COMPAT.md are those of the header and of the code, and say of
//! each name whether it is the same here, better, or not there: as far as the tables of
//! what differs, which are written by hand, name it.
//!
//! `FERROZMQ_WRITE_COMPAT=1 cargo test --test compat_table` writes them anew.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use zmq::socket_type::SocketType;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The sections whose tables tell what differs, and what a mention there means.
const SECTIONS: [(&str, &str, &str); 5] = [
    ("What is not there yet", "not", "yet"),
    ("Errors in place of a crash", "better", "errors"),
    ("From peers", "better", "peers"),
    ("Better kept promises", "better", "promises"),
    ("Small differences", "differs", "details"),
];

/// Names of transports, as tables and endpoints have them.
const TRANSPORTS: [&str; 11] =
    ["tcp", "ipc", "inproc", "udp", "ws", "wss", "tipc", "pgm", "epgm", "norm", "vmci"];

/// What secures connections; NULL, which is also C's, is asked for in other words.
const SECURITY: [(&str, &str); 6] = [
    ("NULL", "of NULL"),
    ("PLAIN", "PLAIN"),
    ("CURVE", "CURVE"),
    ("GSSAPI", "GSSAPI"),
    ("ZAP", "ZAP"),
    ("SOCKS", "SOCKS"),
];

#[test]
fn the_tables_in_compat_md_are_current() {
    let path = Path::new(ROOT).join("COMPAT.md");
    let text = fs::read_to_string(&path).expect("COMPAT.md can be read");
    let differences = Differences::of(&text);
    let mut current = text.clone();
    for (what, table) in [
        ("functions", functions(&differences)),
        ("socket types", socket_types(&differences)),
        ("transports", names(&differences, "transport", TRANSPORTS.map(|name| (name, name)))),
        ("security", names(&differences, "mechanism", SECURITY)),
        ("options", zmq::options::markdown_table(&|name| differences.stand(name))),
    ] {
        current = put(&current, what, &table);
    }
    if text == current {
        return;
    }
    assert!(
        std::env::var_os("FERROZMQ_WRITE_COMPAT").is_some(),
        "tables in COMPAT.md are stale: write them anew (see the head of this file)"
    );
    fs::write(&path, current).expect("COMPAT.md can be written");
}

#[test]
fn names_in_compat_md_are_spelt_as_in_the_header() {
    let text = fs::read_to_string(Path::new(ROOT).join("COMPAT.md")).unwrap_or_default();
    let mut known = header();
    known += &zmq::options::markdown_table(&|_| String::new());
    let known: Vec<_> = words(&known).collect();
    let unknown: Vec<_> = words(&text)
        .filter(|word| word.starts_with("zmq_") || word.starts_with("ZMQ_"))
        .filter(|word| match word.ends_with('_') {
            true => !known.iter().any(|name| name.starts_with(word)), // `zmq_z85_*`
            false => !known.contains(word) && *word != "ZMQ_TRACE",   // the environment's
        })
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// Text with the table between its marks.
fn put(text: &str, what: &str, table: &str) -> String {
    let begin = format!("<!-- {what}: begin (made by tests/compat_table.rs) -->\n");
    let end = format!("<!-- {what}: end -->\n");
    let (before, rest) = text.split_once(&begin).expect("the table begins");
    let (_, after) = rest.split_once(&end).expect("the table ends");
    format!("{before}{begin}\n{table}\n{end}{after}")
}

/// The first cells of the tables that tell what differs, by section.
struct Differences {
    cases: Vec<(usize, String)>,
}

impl Differences {
    fn of(text: &str) -> Differences {
        let mut cases = Vec::new();
        let mut section = None;
        for line in text.lines() {
            if line.starts_with('#') {
                let heading = line.trim_start_matches('#').trim();
                section = SECTIONS.iter().position(|(name, ..)| *name == heading);
            } else if let (Some(section), Some(row)) = (section, line.strip_prefix("| ")) {
                cases.push((section, row.split(" | ").next().unwrap_or_default().to_owned()));
            }
        }
        assert!(cases.len() > 100, "the sections are there");
        Differences { cases }
    }

    /// "same", or which sections have more to say.
    fn stand(&self, name: &str) -> String {
        let mut said: Vec<usize> = Vec::new();
        for (section, case) in &self.cases {
            if !said.contains(section) && mentions(case, name) {
                said.push(*section);
            }
        }
        said.sort_unstable();
        let mut text = String::new();
        let mut last = "";
        for section in said {
            let (heading, stand, short) = SECTIONS[section];
            let anchor = heading.to_lowercase().replace(' ', "-");
            if !text.is_empty() {
                text += if stand == last { ", " } else { "; " };
            }
            if stand != last {
                text += &format!("{stand}: ");
            }
            text += &format!("[{short}](#{anchor})");
            last = stand;
        }
        if text.is_empty() { "same".into() } else { text }
    }
}

/// Whether a cell has the name as a word of its own, or a beginning of it with a star.
fn mentions(case: &str, name: &str) -> bool {
    let starred = |word: &str| case.contains(&format!("{word}*")) && name.starts_with(word);
    case.match_indices(name).any(|(at, _)| {
        let part = |c: char| c.is_alphanumeric() || c == '_';
        !case[..at].ends_with(part) && !case[at + name.len()..].starts_with(part)
    }) || words(case).any(|word| word.ends_with('_') && starred(word))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// All of `include/`, so that functions of every header are there.
fn header() -> String {
    let folder = fs::read_dir(Path::new(ROOT).join("include")).expect("include/ can be read");
    let mut paths: Vec<PathBuf> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).unwrap_or_default()).collect()
}

/// Every function that the header declares, in its order.
fn functions(differences: &Differences) -> String {
    let header = fs::read_to_string(Path::new(ROOT).join("include/zmq.h")).unwrap_or_default();
    let (stable, draft) = header.split_once("#ifdef ZMQ_BUILD_DRAFT_API").unwrap_or((&header, ""));
    let mut table = String::from("| function | here |\n|---|---|\n");
    for (text, mark) in [(stable, ""), (draft, " (draft)")] {
        for declaration in text.split("ZMQ_EXPORT").skip(1) {
            let name = declaration.split('(').next().unwrap_or_default();
            let Some(name) = words(name).last().filter(|name| name.starts_with("zmq_")) else {
                continue;
            };
            let stand = differences.stand(name);
            writeln!(table, "| `{name}`{mark} | {stand} |").expect("a String takes all text");
        }
    }
    table
}

/// Every socket type, and who talks to it.
fn socket_types(differences: &Differences) -> String {
    let mut table = String::from("| type | number | talks to | here |\n|---|---|---|---|\n");
    for kind in SocketType::ALL {
        let peers: Vec<_> =
            SocketType::ALL.iter().filter(|peer| kind.talks_to(**peer)).map(|p| p.name()).collect();
        let peers = if peers.is_empty() { "no ZMTP".into() } else { peers.join(", ") };
        let name = kind.name();
        let stand = differences.stand(name);
        writeln!(table, "| {name} | {} | {peers} | {stand} |", kind as i32)
            .expect("a String takes all text");
    }
    table
}

fn names<const N: usize>(
    differences: &Differences,
    what: &str,
    names: [(&str, &str); N],
) -> String {
    let mut table = format!("| {what} | here |\n|---|---|\n");
    for (name, sought) in names {
        writeln!(table, "| {name} | {} |", differences.stand(sought))
            .expect("a String takes all text");
    }
    table
}
