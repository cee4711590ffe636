//! Which room of `src/` uses which: ARCHITECTURE.md says it, and this test
//! holds the sources to it, in both directions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The rooms that each room uses.
type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn rooms_use_what_architecture_md_says() {
    let (said, order) = said();
    assert_eq!(said, drawn());
    for (room, used) in &said {
        let place = |name: &String| order.iter().position(|room| room == name);
        for below in used {
            assert!(place(below) > place(room), "{room} reaches up to {below}");
        }
    }
}

/// The diagram shows some of the table's arrows, and no others.
#[test]
fn the_diagram_draws_arrows_of_the_table() {
    let (said, _) = said();
    let text = fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md")).unwrap_or_default();
    let diagram = text.split("flowchart TD\n").nth(1).and_then(|rest| rest.split("```").next());
    let mut arrows = 0;
    for line in diagram.unwrap_or_default().lines() {
        let (from, to) = line.split_once(" --> ").expect("each line is an arrow");
        let room = |text: &str| text.trim().split('[').next().unwrap_or_default().to_owned();
        for to in to.split(" & ").map(room) {
            let from = room(from);
            assert!(said.get(&from).is_some_and(|used| used.contains(&to)), "{from} --> {to}");
            arrows += 1;
        }
    }
    assert!(arrows > 10, "there is a diagram");
}

/// The table in ARCHITECTURE.md, and its rooms from top to bottom.
fn said() -> (Arrows, Vec<String>) {
    let text = fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md")).unwrap_or_default();
    let mut order = Vec::new();
    let mut arrows = Arrows::new();
    let section = text.split("\n## ").find(|section| section.starts_with("The rooms\n"));
    for line in section.unwrap_or_default().lines() {
        let columns: Vec<&str> = line.split(" | ").collect();
        let [room, _, used] = columns[..] else {
            continue;
        };
        let Some(room) = quoted(room).pop() else {
            continue;
        };
        order.push(room.clone());
        arrows.insert(room, quoted(used).into_iter().collect());
    }
    (arrows, order)
}

/// The names between backticks, without what marks them as files or folders.
fn quoted(text: &str) -> Vec<String> {
    let names = text.split('`').skip(1).step_by(2);
    names.map(|name| name.trim_end_matches(".rs").trim_end_matches('/').into()).collect()
}

/// What the sources say of each other with `crate::`.
fn drawn() -> Arrows {
    let mut arrows = Arrows::new();
    let src = Path::new(ROOT).join("src");
    for file in files(&src) {
        let inside = file.strip_prefix(&src).expect("a file in src/");
        let room = inside.iter().next().and_then(|first| Path::new(first).file_stem());
        let room = room.expect("a room").to_string_lossy().into_owned();
        if room == "lib" {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a source can be read");
        let used = arrows.entry(room.clone()).or_default();
        for rest in text.split("crate::").skip(1) {
            let name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            let other: String = rest.chars().take_while(|c| name(*c)).collect();
            if other != room {
                used.insert(other);
            }
        }
    }
    arrows
}

/// Every Rust file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder can be read");
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
        .collect()
}
