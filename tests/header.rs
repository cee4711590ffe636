//! The C header: as generated, as the stock one, and clean under every standard
//! a C or C++ program may ask for.
//!
//! The comparisons need a C compiler and the distribution's `zmq.h`; where one
//! is missing, the test says so and passes.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::c_int;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const GENERATED: &str = include_str!(env!("FERROZMQ_GENERATED_HEADER"));
const INCLUDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include");
const STOCK: &str = "/usr/include/zmq.h";

/// The standards under which it compiles. C89 lacks `stdint.h`, which every C
/// library has all the same.
const C: [&str; 6] = ["c89", "gnu89", "c99", "c11", "gnu11", "c17"];
const CPP: [&str; 6] = ["c++98", "c++11", "c++14", "c++17", "gnu++17", "c++20"];

/// Macros that say which release a header belongs to.
const RELEASE: [&str; 2] = ["ZMQ_VERSION", "ZMQ_VERSION_PATCH"];

/// Functions of the draft API that came after the stock header.
const NEWER: [&str; 2] = ["zmq_disconnect_peer", "zmq_ppoll"];

#[test]
fn the_committed_header_is_the_generated_one() {
    let committed = fs::read_to_string(Path::new(INCLUDE).join("zmq.h")).unwrap_or_default();
    assert!(committed == GENERATED, "include/zmq.h is stale: run `make header` and commit it");
}

#[test]
fn the_header_says_the_version_of_the_library() {
    let (mut major, mut minor, mut patch): (c_int, c_int, c_int) = (0, 0, 0);
    // SAFETY: three places to write to.
    unsafe { zmq::capi::version::zmq_version(&mut major, &mut minor, &mut patch) };
    for (name, number) in [("MAJOR", major), ("MINOR", minor), ("PATCH", patch)] {
        let line = format!("#define ZMQ_VERSION_{name} {number}\n");
        assert!(GENERATED.contains(&line), "{line}");
    }
}

#[test]
fn it_compiles_under_every_standard_without_a_warning() {
    let strict = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"];
    let mut compiled = 0;
    for (compiler, language, standards) in
        [("gcc", "c", C), ("clang", "c", C), ("g++", "c++", CPP), ("clang++", "c++", CPP)]
    {
        let apis = ["STABLE", "ZMQ_BUILD_DRAFT_API"];
        for (standard, define) in standards.iter().flat_map(|s| apis.map(|api| (s, api))) {
            let source = format!("#include <zmq.h>\n#include <zmq_utils.h>\n{LAYOUT}");
            let file = scratch(&format!("standard-{compiler}-{standard}-{define}.c"), &source);
            let arguments = [
                format!("-D{define}"),
                format!("-I{INCLUDE}"),
                format!("-std={standard}"),
                format!("-x{language}"),
                file.display().to_string(),
            ];
            let Some(output) =
                run(compiler, strict.iter().copied().chain(arguments.iter().map(|a| &**a)))
            else {
                continue;
            };
            assert!(output.status.success(), "{compiler} {standard}: {output:?}");
            compiled += 1;
        }
    }
    println!("{compiled} combinations compiled");
}

/// cppzmq's headers and czmq's, which know libzmq's by heart.
#[test]
fn it_compiles_with_the_headers_that_build_on_it() {
    for (compiler, standard, header, program) in [
        ("g++", "c++11", "zmq.hpp", CPPZMQ),
        ("g++", "c++20", "zmq.hpp", CPPZMQ),
        ("g++", "c++11", "zmq_addon.hpp", CPPZMQ),
        ("g++", "c++20", "zmq_addon.hpp", CPPZMQ),
        ("clang++", "c++17", "zmq_addon.hpp", CPPZMQ),
        ("gcc", "gnu11", "czmq.h", CZMQ),
        ("g++", "c++17", "czmq.h", CZMQ),
    ] {
        if !Path::new("/usr/include").join(header).exists() {
            println!("skipped: no {header} (make deps installs it)");
            continue;
        }
        let source = format!("#include <{header}>\n{program}");
        let file = scratch(&format!("{header}-{compiler}-{standard}.c"), &source);
        let language = if compiler.contains("++") { "-xc++" } else { "-xc" };
        let (include, standard) = (format!("-I{INCLUDE}"), format!("-std={standard}"));
        let file = file.display().to_string();
        let strict = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"];
        let own = [include.as_str(), &standard, language, &file];
        let Some(output) = run(compiler, strict.into_iter().chain(own)) else { continue };
        assert!(output.status.success(), "{compiler} {standard} {header}: {output:?}");
    }
}

#[test]
fn every_function_is_documented() {
    let mut documented = 0;
    for part in GENERATED.split("\n/**\n").skip(1) {
        let (comment, rest) = part.split_once("*/\n").expect("comments end");
        let prototype = rest.split_inclusive(';').next().unwrap_or_default();
        let (head, arguments) = prototype.split_once('(').expect("a function follows");
        for argument in arguments.trim_end_matches(");").split(',') {
            let name = argument.rsplit([' ', '*']).next().unwrap_or_default();
            let described = name == "void" || comment.contains(&format!("`{name}`"));
            assert!(described, "what is {name} of{head}?\n{comment}");
        }
        let returns = comment.contains(" * Returns ");
        let nothing = head.contains("void ") && !head.contains("void *");
        assert!(returns != nothing, "what does{head} return?\n{comment}");
        assert!(!comment.contains("# Safety") && !comment.contains("[`"), "{comment}");
        documented += 1;
    }
    assert_eq!(documented, prototypes().len());
}

#[test]
fn every_constant_of_the_stock_header_is_there_with_its_value() {
    let Some(stock) = stock_header() else { return };
    let Some(names) = macros(&stock) else { return };
    let ours: BTreeSet<String> = macros(GENERATED).unwrap_or_default().into_iter().collect();
    let names: Vec<String> =
        names.into_iter().filter(|name| !RELEASE.contains(&name.as_str())).collect();
    let missing: Vec<_> = names.iter().filter(|name| !ours.contains(*name)).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    let theirs = values(&stock, &names, "stock-values");
    let ours = values(GENERATED, &names, "our-values");
    assert!(theirs.len() > 200, "only {} constants", theirs.len());
    assert_eq!(theirs, ours);
}

#[test]
fn every_constant_of_the_draft_api_has_its_value() {
    let Some(stock) = stock_header() else { return };
    let draft = |header: &str| format!("#define ZMQ_BUILD_DRAFT_API 1\n{header}");
    let (stock, ours) = (draft(&stock), draft(GENERATED));
    let Some(names) = macros(&stock) else { return };
    let known: BTreeSet<String> = macros(&ours).unwrap_or_default().into_iter().collect();
    let names: Vec<String> =
        names.into_iter().filter(|name| !RELEASE.contains(&name.as_str())).collect();
    let missing: Vec<_> = names.iter().filter(|name| !known.contains(*name)).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    // Texts are no numbers; the flag was none of its own before 4.3.5.
    let numbers: Vec<String> = names
        .into_iter()
        .filter(|name| !name.starts_with("ZMQ_MSG_PROPERTY_"))
        .filter(|name| name != "ZMQ_RECONNECT_STOP_AFTER_DISCONNECT")
        .collect();
    let theirs = values(&stock, &numbers, "stock-draft-values");
    assert!(theirs.len() > 240, "only {} constants", theirs.len());
    assert_eq!(theirs, values(&ours, &numbers, "our-draft-values"));
}

#[test]
fn every_prototype_agrees_with_the_stock_header() {
    let Some(stock) = stock_header() else { return };
    let prototypes = prototypes();
    assert!(prototypes.len() > 20, "only {} prototypes", prototypes.len());
    for name in prototypes.keys() {
        let newer = NEWER.contains(&name.as_str());
        assert!(newer || stock.contains(&format!("{name} (")), "{name} is not theirs");
    }
    // Theirs as the preprocessor leaves them: without the functions of drafts.
    let file = scratch("stock.c", &stock).display().to_string();
    if let Some(output) = run("cc", ["-E", "-P", &file]) {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let theirs: BTreeSet<&str> = text
            .match_indices(" (")
            .filter_map(|(end, _)| text[..end].rsplit([' ', '*', '\n']).next())
            .filter(|name| name.starts_with("zmq_") && !name.ends_with("_fn"))
            .collect();
        let (stable, _) = GENERATED.split_once("#ifdef ZMQ_BUILD_DRAFT_API").expect("both APIs");
        let ours: BTreeSet<&str> = prototypes
            .keys()
            .map(|name| &**name)
            .filter(|name| stable.contains(&format!("{name}(")))
            .collect();
        assert_eq!(theirs, ours);
    }
    // C lets a function be declared twice, if both agree.
    let again: Vec<&str> = prototypes.values().map(|p| p.as_str()).collect();
    let source = format!(
        "#define ZMQ_BUILD_DRAFT_API\n{stock}\n#include <signal.h>\n{}\n{LAYOUT}",
        again.join("\n")
    );
    let file = scratch("prototypes.c", &source).display().to_string();
    if let Some(output) = run("cc", ["-std=gnu11", "-Wall", "-Werror", "-fsyntax-only", &file]) {
        assert!(output.status.success(), "{output:?}");
    }
}

/// What both headers say of the types, as arrays that are one element or too
/// short to exist (C++98 has no static_assert), and what they include.
const LAYOUT: &str = "
#define HOLDS(name, condition) extern char name[(condition) ? 1 : -1]
struct after_char { char c; zmq_msg_t msg; };
HOLDS (msg_size, sizeof (zmq_msg_t) == 64);
HOLDS (msg_alignment, offsetof (struct after_char, msg) == sizeof (void *));
HOLDS (item_size, sizeof (zmq_pollitem_t) == sizeof (void *) + 8);
HOLDS (item_fd, offsetof (zmq_pollitem_t, fd) == sizeof (void *));
HOLDS (item_events, offsetof (zmq_pollitem_t, events) == sizeof (void *) + 4);
HOLDS (item_revents, offsetof (zmq_pollitem_t, revents) == sizeof (void *) + 6);
extern zmq_free_fn *a_free_function;
extern zmq_timer_fn *a_timer_function;
extern zmq_thread_fn *a_thread_function;
HOLDS (errno_is_included, EAGAIN > 0 && sizeof errno == sizeof (int));
extern FILE *stdio_is_included;
";

/// What programs do with cppzmq's headers.
const CPPZMQ: &str = "
int use ()
{
    zmq::context_t context;
    zmq::socket_t socket (context, zmq::socket_type::push);
    socket.set (zmq::sockopt::linger, 0);
    zmq::message_t message (5);
    return socket.send (message, zmq::send_flags::dontwait).has_value () ? 0 : 1;
}
";

/// What programs do with czmq's header.
const CZMQ: &str = "
int use (void)
{
    zsock_t *socket = zsock_new (ZMQ_PUSH);
    void *raw = zsock_resolve (socket);
    int rc = zmq_send (raw, \"hello\", 5, ZMQ_DONTWAIT);
    zsock_destroy (&socket);
    return rc;
}
";

fn stock_header() -> Option<String> {
    let text = fs::read_to_string(STOCK).ok();
    if text.is_none() {
        println!("skipped: no {STOCK} (make deps installs it)");
    }
    text
}

/// The prototypes of our header by function name, without the export macro.
fn prototypes() -> BTreeMap<String, String> {
    GENERATED
        .split("\nZMQ_EXPORT")
        .skip(1)
        .map(|rest| {
            let prototype = rest.split_inclusive(';').next().unwrap_or_default().trim();
            let name = prototype.split('(').next().unwrap_or_default();
            let name = name.rsplit([' ', '*']).next().unwrap_or_default();
            (name.to_owned(), prototype.to_owned())
        })
        .collect()
}

/// The names of the macros that a header defines with a value, those of the
/// headers it includes left out.
fn macros(header: &str) -> Option<Vec<String>> {
    let file = scratch("macros.h", header).display().to_string();
    let output = run("cc", ["-E", "-dM", &file])?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let defined = text.lines().filter_map(|line| {
        let (name, value) = line.strip_prefix("#define ")?.split_once(' ')?;
        let own = header.contains(&format!("#define {name}"));
        (own && !name.contains('(') && !value.is_empty()).then(|| name.to_owned())
    });
    Some(defined.collect())
}

/// The values of constants, as a compiled program sees them.
fn values(header: &str, names: &[String], program: &str) -> BTreeMap<String, String> {
    let prints: String = names
        .iter()
        .map(|name| format!("    printf (\"{name} %lld\\n\", (long long) ({name}));\n"))
        .collect();
    let source = format!("{header}\nint main (void)\n{{\n{prints}    return 0;\n}}\n");
    let file = scratch(&format!("{program}.c"), &source);
    let program = file.with_extension("");
    let (file, program) = (file.display().to_string(), program.display().to_string());
    let output = run("cc", ["-std=c11", "-o", &program, &file]).expect("cc ran before");
    assert!(output.status.success(), "{output:?}");
    let output = run(&program, []).expect("it was just built");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Writes a file for this test run; tests run at once, so each has a name.
fn scratch(name: &str, text: &str) -> PathBuf {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("main").to_owned();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("header").join(test);
    fs::create_dir_all(&folder).expect("the target folder is writable");
    let path = folder.join(name);
    fs::write(&path, text).expect("the target folder is writable");
    path
}

/// Runs a program; `None`, and a word about it, when it is not installed.
fn run<'a>(program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Option<Output> {
    let output = Command::new(program).args(arguments).output().ok();
    if output.is_none() {
        println!("skipped: no {program}");
    }
    output
}
