//! The symbols that the library exports: those of the stable API, with the feature
//! `draft` those of the draft API, too; all of them and nothing else. A program that was linked to libzmq is refused by the
//! loader for want of one; a stray one may collide with the program's own.
//!
//! What is looked at is the shared object that cargo built beside this test.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

/// The stable API of libzmq 4.3.
const STABLE: [&str; 70] = [
    "zmq_atomic_counter_dec",
    "zmq_atomic_counter_destroy",
    "zmq_atomic_counter_inc",
    "zmq_atomic_counter_new",
    "zmq_atomic_counter_set",
    "zmq_atomic_counter_value",
    "zmq_bind",
    "zmq_close",
    "zmq_connect",
    "zmq_ctx_destroy",
    "zmq_ctx_get",
    "zmq_ctx_new",
    "zmq_ctx_set",
    "zmq_ctx_shutdown",
    "zmq_ctx_term",
    "zmq_curve_keypair",
    "zmq_curve_public",
    "zmq_device",
    "zmq_disconnect",
    "zmq_errno",
    "zmq_getsockopt",
    "zmq_has",
    "zmq_init",
    "zmq_msg_close",
    "zmq_msg_copy",
    "zmq_msg_data",
    "zmq_msg_get",
    "zmq_msg_gets",
    "zmq_msg_init",
    "zmq_msg_init_data",
    "zmq_msg_init_size",
    "zmq_msg_more",
    "zmq_msg_move",
    "zmq_msg_recv",
    "zmq_msg_send",
    "zmq_msg_set",
    "zmq_msg_size",
    "zmq_poll",
    "zmq_proxy",
    "zmq_proxy_steerable",
    "zmq_recv",
    "zmq_recviov",
    "zmq_recvmsg",
    "zmq_send",
    "zmq_send_const",
    "zmq_sendiov",
    "zmq_sendmsg",
    "zmq_setsockopt",
    "zmq_sleep",
    "zmq_socket",
    "zmq_socket_monitor",
    "zmq_stopwatch_intermediate",
    "zmq_stopwatch_start",
    "zmq_stopwatch_stop",
    "zmq_strerror",
    "zmq_term",
    "zmq_threadclose",
    "zmq_threadstart",
    "zmq_timers_add",
    "zmq_timers_cancel",
    "zmq_timers_destroy",
    "zmq_timers_execute",
    "zmq_timers_new",
    "zmq_timers_reset",
    "zmq_timers_set_interval",
    "zmq_timers_timeout",
    "zmq_unbind",
    "zmq_version",
    "zmq_z85_decode",
    "zmq_z85_encode",
];

/// What libzmq 4.3.5 adds where it is built with the draft API.
const DRAFT: [&str; 27] = [
    "zmq_connect_peer",
    "zmq_ctx_get_ext",
    "zmq_ctx_set_ext",
    "zmq_disconnect_peer",
    "zmq_join",
    "zmq_leave",
    "zmq_msg_group",
    "zmq_msg_init_buffer",
    "zmq_msg_routing_id",
    "zmq_msg_set_group",
    "zmq_msg_set_routing_id",
    "zmq_poller_add",
    "zmq_poller_add_fd",
    "zmq_poller_destroy",
    "zmq_poller_fd",
    "zmq_poller_modify",
    "zmq_poller_modify_fd",
    "zmq_poller_new",
    "zmq_poller_remove",
    "zmq_poller_remove_fd",
    "zmq_poller_size",
    "zmq_poller_wait",
    "zmq_poller_wait_all",
    "zmq_ppoll",
    "zmq_socket_get_peer_state",
    "zmq_socket_monitor_pipes_stats",
    "zmq_socket_monitor_versioned",
];

#[test]
fn they_are_those_of_the_api() {
    let Some(exported) = exported() else { return };
    let mut wanted: BTreeSet<String> = STABLE.map(str::to_owned).into();
    if cfg!(feature = "draft") {
        wanted.extend(DRAFT.map(str::to_owned));
    }
    assert_eq!(wanted.len(), STABLE.len() + if cfg!(feature = "draft") { 27 } else { 0 });
    let missing: Vec<_> = wanted.difference(&exported).collect();
    let stray: Vec<_> = exported.difference(&wanted).collect();
    assert!(missing.is_empty() && stray.is_empty(), "missing {missing:?}, stray {stray:?}");
}

/// What the shared object defines for others.
fn exported() -> Option<BTreeSet<String>> {
    let test = std::env::current_exe().expect("a test knows where it is");
    // target/PROFILE/deps/exports-HASH
    let folder: PathBuf = test.ancestors().nth(2).expect("the profile's folder").into();
    let library = ["libzmq.so", "deps/libzmq.so"].iter().map(|name| folder.join(name));
    let library = library.into_iter().find(|path| path.exists()).expect("cargo built it");
    let symbols = Command::new("nm").arg("-D").arg("--defined-only").arg(library).output();
    let Ok(symbols) = symbols else {
        println!("skipped: no nm (make deps installs it)");
        return None;
    };
    assert!(symbols.status.success(), "{symbols:?}");
    let text = String::from_utf8_lossy(&symbols.stdout).into_owned();
    Some(text.lines().filter_map(|line| line.split(' ').nth(2)).map(str::to_owned).collect())
}
