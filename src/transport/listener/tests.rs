//! Listeners and streams over real loopback sockets and temporary paths.

use super::*;
use crate::transport::{Accepted, Progress, Resolver, finish_connect, start_connect};
use std::io::{ErrorKind, IoSlice, IoSliceMut};
use std::sync::mpsc;
use std::time::Duration;

fn listen_with(text: &str, tuning: &Tuning) -> Result<Listener> {
    Listener::bind(&Endpoint::parse(text)?, tuning).map_err(|failure| failure.errno)
}

fn listen(text: &str) -> Result<Listener> {
    listen_with(text, &Tuning::default())
}

/// Waits until the descriptor is ready for `events`.
fn wait(of: &impl AsRawFd, events: libc::c_short) {
    let mut poll = libc::pollfd { fd: of.as_raw_fd(), events, revents: 0 };
    // SAFETY: one pollfd, valid for the call.
    assert_eq!(unsafe { libc::poll(&mut poll, 1, 5000) }, 1);
}

fn connect_with(text: &str, tuning: &Tuning) -> Result<Stream> {
    let (address, source) = match Endpoint::parse(text)? {
        Endpoint::Tcp(tcp) => {
            let (tell, answer) = mpsc::channel();
            Resolver::new().resolve(&tcp, tuning.ipv6, move |found| tell.send(found).unwrap());
            let found = answer.recv_timeout(Duration::from_secs(10)).unwrap()?;
            (Address::Tcp(found.addresses[0]), found.source)
        }
        Endpoint::Ipc(ipc) => (Address::Ipc(ipc.address()?), None),
        Endpoint::Udp(_) | Endpoint::Inproc(_) => return Err(Errno::EINVAL),
    };
    let (stream, progress) = start_connect(&address, source, tuning)?;
    match progress {
        Progress::Connected => {}
        Progress::InProgress => {
            wait(&stream, libc::POLLOUT);
            finish_connect(&stream, tuning)?;
        }
        Progress::Failed(error) => return Err(error),
    }
    Ok(stream)
}

fn accept(listener: &Listener) -> Stream {
    wait(listener, libc::POLLIN);
    stream_of(listener.accept(&Tuning::default()).unwrap())
}

fn stream_of(accepted: Option<Accepted>) -> Stream {
    match accepted {
        Some(Accepted::Stream(stream)) => stream,
        _ => panic!("nobody came in"),
    }
}

fn pair(bind: &str, ipv6: bool) -> (Listener, Stream, Stream) {
    let tuning = Tuning { ipv6, ..Tuning::default() };
    let listener = listen_with(bind, &tuning).unwrap();
    let near = connect_with(listener.endpoint(), &tuning).unwrap();
    let far = accept(&listener);
    (listener, near, far)
}

fn option(of: &impl AsRawFd, level: i32, name: i32) -> i32 {
    let mut value = 0i32;
    let mut len = 4;
    // SAFETY: the buffer is an int and `len` is its size.
    let rc =
        unsafe { libc::getsockopt(of.as_raw_fd(), level, name, (&raw mut value).cast(), &mut len) };
    assert_eq!(rc, 0);
    value
}

fn flags(of: &impl AsRawFd) -> (bool, bool) {
    // SAFETY: takes no pointers.
    unsafe {
        let file = libc::fcntl(of.as_raw_fd(), libc::F_GETFL);
        let descriptor = libc::fcntl(of.as_raw_fd(), libc::F_GETFD);
        (file & libc::O_NONBLOCK != 0, descriptor & libc::FD_CLOEXEC != 0)
    }
}

/// A directory of this test's own, removed on drop.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("transport-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn ipc(&self, name: &str) -> String {
        format!("ipc://{}", self.0.join(name).display())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn bytes_cross_tcp_and_ipc_both_ways() {
    let dir = Directory::new("bytes");
    for bind in ["tcp://127.0.0.1:*", "tcp://lo:0", &dir.ipc("a")] {
        let (_listener, near, far) = pair(bind, false);
        for (from, to) in [(&near, &far), (&far, &near)] {
            let parts = [IoSlice::new(b"he"), IoSlice::new(b""), IoSlice::new(b"llo")];
            assert_eq!(from.send_vectored(&parts).unwrap(), 5);
            wait(to, libc::POLLIN);
            let (mut a, mut b) = ([0; 3], [0; 9]);
            assert_eq!(to.receive(&mut a).unwrap(), 3);
            let mut buffers = [IoSliceMut::new(&mut b)];
            assert_eq!(to.receive_vectored(&mut buffers).unwrap(), 2);
            assert_eq!((&a, &b[..2]), (b"hel", &b"lo"[..]));
            assert_eq!(to.receive(&mut a).unwrap_err().kind(), ErrorKind::WouldBlock);
        }
    }
}

#[test]
fn a_closed_peer_reads_as_end_and_writes_as_error_without_a_signal() {
    let (_listener, near, far) = pair("tcp://127.0.0.1:*", false);
    drop(near);
    wait(&far, libc::POLLIN);
    assert_eq!(far.receive(&mut [0; 4]).unwrap(), 0);
    let mut result = Ok(1);
    for _ in 0..100 {
        result = far.send_vectored(&[IoSlice::new(b"x")]);
        if result.is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(matches!(result.unwrap_err().raw_os_error(), Some(libc::EPIPE | libc::ECONNRESET)));
}

#[test]
fn more_parts_than_the_kernel_takes_are_written_in_part() {
    let (_listener, near, _far) = pair("tcp://127.0.0.1:*", false);
    let parts = vec![IoSlice::new(b"x"); 3000];
    assert_eq!(near.send_vectored(&parts).unwrap(), 1024);
}

#[test]
fn descriptors_neither_block_nor_survive_exec() {
    let (listener, near, far) = pair("tcp://127.0.0.1:*", false);
    assert_eq!(flags(&listener), (true, true));
    assert_eq!(flags(&near), (true, true));
    assert_eq!(flags(&far), (true, true));
    for stream in [&near, &far] {
        assert_eq!(option(stream, libc::IPPROTO_TCP, libc::TCP_NODELAY), 1);
    }
    assert!(listener.accept(&Tuning::default()).unwrap().is_none());
}

#[test]
fn tuning_reaches_the_kernel() {
    let tuning = Tuning {
        send_buffer_bytes: Some(65536),
        type_of_service: 0x20,
        keepalive: Some(true),
        keepalive_count: Some(3),
        keepalive_idle_s: Some(20),
        keepalive_interval_s: Some(7),
        retransmit_timeout_ms: 5000,
        ..Tuning::default()
    };
    let listener = listen_with("tcp://127.0.0.1:*", &tuning).unwrap();
    let near = connect_with(listener.endpoint(), &tuning).unwrap();
    wait(&listener, libc::POLLIN);
    let far = stream_of(listener.accept(&tuning).unwrap());
    for stream in [&near, &far] {
        assert_eq!(option(stream, libc::SOL_SOCKET, libc::SO_SNDBUF), 131072);
        assert_eq!(option(stream, libc::IPPROTO_IP, libc::IP_TOS), 0x20);
        assert_eq!(option(stream, libc::SOL_SOCKET, libc::SO_KEEPALIVE), 1);
        assert_eq!(option(stream, libc::IPPROTO_TCP, libc::TCP_KEEPCNT), 3);
        assert_eq!(option(stream, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE), 20);
        assert_eq!(option(stream, libc::IPPROTO_TCP, libc::TCP_KEEPINTVL), 7);
        assert_eq!(option(stream, libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT), 5000);
    }
}

#[test]
fn endpoints_show_what_was_bound() {
    let port = |l: &Listener| l.endpoint().rsplit_once(':').unwrap().1.to_owned();
    let listener = listen("tcp://*:*").unwrap();
    assert_eq!(listener.endpoint(), format!("tcp://0.0.0.0:{}", port(&listener)));
    assert_ne!(port(&listener), "0");
    let listener = listen("tcp://localhost:*").unwrap();
    assert_eq!(listener.endpoint(), format!("tcp://127.0.0.1:{}", port(&listener)));
}

#[test]
fn with_ipv6_wildcards_serve_both_families() {
    let tuning = Tuning { ipv6: true, ..Tuning::default() };
    let listener = listen_with("tcp://*:*", &tuning).unwrap();
    let port = listener.endpoint().strip_prefix("tcp://[::]:").unwrap();
    let near = connect_with(&format!("tcp://127.0.0.1:{port}"), &tuning).unwrap();
    let far = accept(&listener);
    assert_eq!(far.peer_address(), "::ffff:127.0.0.1");
    assert_eq!(far.local_endpoint(), format!("tcp://[::ffff:127.0.0.1]:{port}"));
    assert_eq!(near.remote_endpoint(), far.local_endpoint());
    let _near = connect_with(&format!("tcp://[::1]:{port}"), &tuning).unwrap();
    assert_eq!(accept(&listener).peer_address(), "::1");
}

#[test]
fn a_source_address_is_what_the_peer_sees() {
    let listener = listen("tcp://127.0.0.1:*").unwrap();
    let target = listener.endpoint().strip_prefix("tcp://").unwrap();
    let tuning = Tuning::default();
    let near = connect_with(&format!("tcp://127.0.0.5:*;{target}"), &tuning).unwrap();
    assert_eq!(accept(&listener).peer_address(), "127.0.0.5");
    assert!(near.local_endpoint().starts_with("tcp://127.0.0.5:"));
}

#[test]
fn tcp_addresses_in_use_stay_in_use() {
    let listener = listen("tcp://127.0.0.1:*").unwrap();
    assert_eq!(listen(listener.endpoint()).err(), Some(Errno::EADDRINUSE));
    assert_eq!(listen("tcp://192.0.2.99:*").err(), Some(Errno::EADDRNOTAVAIL));
    let endpoint = listener.endpoint().to_owned();
    drop(listener);
    assert_eq!(connect_with(&endpoint, &Tuning::default()).err(), Some(Errno::ECONNREFUSED));
}

#[test]
fn a_connection_that_met_itself_is_refused() {
    let tuning = Tuning::default();
    let free = listen("tcp://127.0.0.1:*").unwrap();
    let place = free.endpoint().strip_prefix("tcp://").unwrap().to_owned();
    drop(free);
    let met = connect_with(&format!("tcp://{place};{place}"), &tuning);
    assert_eq!(met.err(), Some(Errno::ECONNREFUSED));
}

#[test]
fn ipc_paths_are_taken_over_and_stay() {
    let dir = Directory::new("over");
    let first = listen(&dir.ipc("a")).unwrap();
    let second = listen(&dir.ipc("a")).unwrap();
    let _near = connect_with(&dir.ipc("a"), &Tuning::default()).unwrap();
    accept(&second);
    assert!(first.accept(&Tuning::default()).unwrap().is_none());
    drop((first, second));
    assert!(dir.0.join("a").exists());
    assert_eq!(connect_with(&dir.ipc("a"), &Tuning::default()).err(), Some(Errno::ECONNREFUSED));
    assert_eq!(connect_with(&dir.ipc("b"), &Tuning::default()).err(), Some(Errno::ENOENT));
    assert_eq!(listen(&dir.ipc("none/a")).err(), Some(Errno::ENOENT));
    assert_eq!(listen(&dir.ipc("")).err(), Some(Errno::EADDRINUSE));
}

#[test]
fn temporary_paths_go_when_the_listener_goes() {
    let shown = |l: &Listener| PathBuf::from(l.endpoint().strip_prefix("ipc://").unwrap());
    let listener = listen("ipc://*").unwrap();
    let path = shown(&listener);
    assert!(path.exists() && path.ends_with("socket"));
    drop(listener);
    assert!(!path.exists() && !path.parent().unwrap().exists());
}

#[test]
fn abstract_names_are_exclusive_and_peers_are_named_by_credentials() {
    let name = format!("ipc://@transport-{}", std::process::id());
    let (listener, near, far) = pair(&name, false);
    assert_eq!(listener.endpoint(), name);
    assert_eq!(listen(&name).err(), Some(Errno::EADDRINUSE));
    // SAFETY: neither takes arguments nor fails.
    let (uid, gid) = unsafe { (libc::getuid(), libc::getgid()) };
    let expected = format!("localhost:{uid}:{gid}:{}", std::process::id());
    assert_eq!(near.peer_address(), expected);
    assert_eq!(far.peer_address(), expected);
    assert_eq!(far.local_endpoint(), name);
    assert_eq!(near.remote_endpoint(), name);
    assert_eq!(near.local_endpoint(), "ipc://");
}
