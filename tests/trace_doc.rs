//! The examples of docs/TRACE.md: each program says what is printed below it.
//!
//! Some numbers differ from run to run (processes, times, ports, descriptors), and so
//! does the order of what several threads say. More lines may come than are shown.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A program, the value of ZMQ_TRACE, and what it prints on stderr.
struct Example {
    source: String,
    trace: String,
    output: String,
}

#[test]
fn the_programs_print_what_is_shown() {
    if Command::new("cc").arg("--version").output().is_err() {
        println!("skipped: no cc");
        return;
    }
    let examples = examples();
    assert_eq!(examples.len(), 4);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trace");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the target folder is writable");
    let library = folder.join("libzmq.so.5");
    symlink(library_path(), &library).expect("the target folder is writable");
    for example in examples {
        run(&example, &folder, &library);
    }
}

fn run(example: &Example, folder: &Path, library: &Path) {
    let (source, program) = (folder.join("program.c"), folder.join("program"));
    fs::write(&source, &example.source).expect("the target folder is writable");
    let built = Command::new("cc")
        .args(["-std=c99", "-D_DEFAULT_SOURCE", "-Wall", "-Werror"])
        .arg(format!("-I{ROOT}/include"))
        .args([Path::new("-o"), &program, &source, library])
        .output()
        .expect("cc ran before");
    assert!(built.status.success(), "{built:?}");
    let output = Command::new(&program)
        .env("LD_LIBRARY_PATH", folder)
        .env("ZMQ_TRACE", &example.trace)
        .output()
        .expect("it was just built");
    let said = lines(&String::from_utf8_lossy(&output.stderr));
    for line in lines(&example.output) {
        assert!(said.contains(&line), "{line}\nis not in\n{said:#?}");
    }
}

/// Lines without process, thread and time, ports and descriptors masked.
fn lines(text: &str) -> BTreeSet<String> {
    let plain = |line: &str| {
        let line = match line.strip_prefix("zmq ") {
            Some(rest) => rest.splitn(3, ' ').nth(2).unwrap_or_default(),
            None => line,
        };
        masked(&masked(line, "127.0.0.1:"), "descriptor ")
    };
    text.lines().map(plain).collect()
}

/// The text with the numbers behind `mark` taken out.
fn masked(text: &str, mark: &str) -> String {
    let mut parts = text.split(mark);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + mark + "N" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

fn examples() -> Vec<Example> {
    let text = fs::read_to_string(Path::new(ROOT).join("docs/TRACE.md")).expect("docs/TRACE.md");
    let mut examples = Vec::new();
    for rest in text.split("```c\n").skip(1) {
        let (source, rest) = rest.split_once("```").expect("the end of a program");
        let (_, rest) = rest.split_once("```console\n$ ZMQ_TRACE=").expect("what it prints");
        let (trace, rest) = rest.split_once(" ./program\n").expect("how it is called");
        let (output, _) = rest.split_once("```").expect("the end of what it prints");
        examples.push(Example {
            source: source.into(),
            trace: trace.into(),
            output: output.into(),
        });
    }
    examples
}

/// The shared object that cargo built beside this test.
fn library_path() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let folder = test.ancestors().nth(2).expect("in target/PROFILE/deps");
    let library = ["libzmq.so", "deps/libzmq.so"].map(|name| folder.join(name));
    library.into_iter().find(|path| path.exists()).expect("cargo built it")
}
