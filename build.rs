//! What cargo cannot say by itself: the SONAME that programs built for libzmq
//! ask for, and the C header.
//!
//! The header is generated into OUT_DIR at every build, where `tests/header.rs`
//! compares it with the committed `include/zmq.h`. Only `make header` writes
//! the latter (`FERROZMQ_WRITE_HEADER=1`), so that a build never touches its
//! sources, which may be read-only.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libzmq.so.5");

    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=cbindgen.toml");
    println!("cargo:rerun-if-changed=cbindgen.draft.toml");
    println!("cargo:rerun-if-changed=src/capi");
    println!("cargo:rerun-if-env-changed=FERROZMQ_WRITE_HEADER");

    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let generated = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo")).join("zmq.h");
    write_if_changed(&generated, &header(&root));
    println!("cargo:rustc-env=FERROZMQ_GENERATED_HEADER={}", generated.display());
    if env::var_os("FERROZMQ_WRITE_HEADER").is_some() {
        let committed = root.join("include/zmq.h");
        println!("cargo:rerun-if-changed={}", committed.display());
        write_if_changed(&committed, &header(&root));
    }
}

/// The header: the text of cbindgen.toml and, with its comment, a prototype for
/// every exported function of the stable API, in the order in which
/// `src/capi/mod.rs` lists the modules; before its end those of the draft API.
fn header(root: &Path) -> Vec<u8> {
    let rooms = fs::read_to_string(root.join("src/capi/mod.rs")).expect("src/capi/mod.rs");
    let (mut stable, mut draft, mut is_draft) = (Vec::new(), Vec::new(), false);
    for line in rooms.lines() {
        if let Some(name) = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) {
            let modules = if is_draft { &mut draft } else { &mut stable };
            modules.push(root.join(format!("src/capi/{name}.rs")));
        }
        is_draft = line == "#[cfg(feature = \"draft\")]";
    }
    let stable = prototypes(root, "cbindgen.toml", stable);
    let draft = prototypes(root, "cbindgen.draft.toml", draft);
    let (text, end) = stable.split_at(stable.rfind(END).expect("the end of cbindgen.toml"));
    [text, &draft, end].concat().into_bytes()
}

/// Where the header ends.
const END: &str = "\n#undef ZMQ_EXPORT";

fn prototypes(root: &Path, config: &str, modules: Vec<PathBuf>) -> String {
    let config = cbindgen::Config::from_file(root.join(config))
        .unwrap_or_else(|error| panic!("{config}: {error}"));
    let mut builder = cbindgen::Builder::new().with_config(config);
    for module in modules {
        builder = builder.with_src(module);
    }
    let mut text = Vec::new();
    builder.generate().unwrap_or_else(|error| panic!("the C header: {error}")).write(&mut text);
    without_safety(&String::from_utf8(text).expect("cbindgen writes UTF-8"))
}

/// The comments without what Rust calls safety, which C learns from the
/// descriptions of the arguments.
fn without_safety(text: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut safety = false;
    for line in text.lines() {
        if line == " * # Safety" {
            safety = true;
            kept.pop_if(|blank| *blank == " *");
        }
        safety &= line != " */";
        if !safety {
            kept.push(line);
        }
    }
    kept.join("\n") + "\n"
}

/// An unchanged file keeps its time stamp, and nothing is built anew for it.
fn write_if_changed(path: &Path, text: &[u8]) {
    if fs::read(path).is_ok_and(|old| old == text) {
        return;
    }
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
