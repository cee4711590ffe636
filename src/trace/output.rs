//! Where lines go, without ever getting in the way: a write does not block,
//! raises no SIGPIPE, leaves errno alone, and cancels no thread. What cannot be
//! written is lost, and counted.
//!
//! stderr is the program's, and shared with other processes: its mode is not
//! changed. A pipe or a terminal is opened anew for each line, so that not to
//! block is a property of our own description of it. Where that is refused, it
//! is asked whether there is room first.

use std::ffi::CStr;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

use super::line::Line;
use crate::error::{Errno, KeepErrno, Result};
use crate::sync::uncancelled;

/// Nowhere.
const CLOSED: RawFd = -1;
const STDERR: RawFd = 2;
/// Tries of a write that signals interrupt.
const TRIES: u32 = 3;

static TARGET: AtomicI32 = AtomicI32::new(CLOSED);
/// What the file was when it was opened: another one under its number is the
/// program's.
static DEVICE: AtomicU64 = AtomicU64::new(0);
static INODE: AtomicU64 = AtomicU64::new(0);
/// Lines that could not be written.
static LOST: AtomicU32 = AtomicU32::new(0);

/// Whether the process has rights that whoever started it has not.
pub(super) fn is_privileged() -> bool {
    // SAFETY: a plain call.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// A variable of the environment.
pub(super) fn variable(name: &CStr) -> Option<Vec<u8>> {
    // SAFETY: the name is a C string; the value is copied at once. As for any
    // library in C, the program must not change its environment meanwhile.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value).to_bytes().to_vec())
    }
}

/// Lines go to stderr. Where that is closed, number 2 may come to be anything:
/// then they go nowhere.
pub(super) fn begin() {
    let target = if stat(STDERR).is_some() { STDERR } else { CLOSED };
    TARGET.store(target, Ordering::Relaxed);
}

/// Lines go to a file, behind what is in it.
pub(super) fn open(path: &[u8]) -> Result<()> {
    let _errno = KeepErrno::new();
    let process = std::process::id().to_string();
    let mut name = Vec::new();
    let mut rest = path;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"%p") {
        name.extend_from_slice(&rest[..at]);
        name.extend_from_slice(process.as_bytes());
        rest = &rest[at + 2..];
    }
    name.extend_from_slice(rest);
    name.push(0);
    let name = CStr::from_bytes_with_nul(&name).map_err(|_| Errno::EINVAL)?;
    let how = libc::O_WRONLY
        | libc::O_CREAT
        | libc::O_APPEND
        | libc::O_CLOEXEC
        | libc::O_NONBLOCK
        | libc::O_NOCTTY;
    uncancelled(|| {
        // SAFETY: a C string, and descriptors of our own.
        unsafe {
            let mut fd = libc::open(name.as_ptr(), how, 0o600 as libc::mode_t);
            if fd < 0 {
                return Err(Errno::last());
            }
            if fd <= STDERR {
                // A program without standard streams may yet open some.
                let higher = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, STDERR + 1);
                let error = Errno::last();
                libc::close(fd);
                if higher < 0 {
                    return Err(error);
                }
                fd = higher;
            }
            let Some(stat) = stat(fd) else { return Err(Errno::EBADF) };
            DEVICE.store(stat.st_dev, Ordering::Relaxed);
            INODE.store(stat.st_ino, Ordering::Relaxed);
            TARGET.store(fd, Ordering::Relaxed);
        }
        Ok(())
    })
}

/// Writes a line, if that is possible at once.
pub(super) fn write(line: &Line) {
    let fd = TARGET.load(Ordering::Relaxed);
    if fd == CLOSED {
        return;
    }
    let _errno = KeepErrno::new();
    uncancelled(|| {
        let lost = LOST.swap(0, Ordering::Relaxed);
        if lost > 0 && !put(fd, Line::complaint(format_args!("{lost} lines were lost")).bytes()) {
            LOST.fetch_add(lost, Ordering::Relaxed);
        }
        if !put(fd, line.bytes()) {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
    });
}

/// Writes bytes as a whole. False when they were not written.
fn put(fd: RawFd, bytes: &[u8]) -> bool {
    let Some(stat) = stat(fd) else { return false };
    let ours = fd != STDERR;
    if ours
        && (stat.st_dev != DEVICE.load(Ordering::Relaxed)
            || stat.st_ino != INODE.load(Ordering::Relaxed))
    {
        return false;
    }
    match stat.st_mode & libc::S_IFMT {
        libc::S_IFSOCK => {
            let how = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
            // SAFETY: bytes that can be read.
            whole(bytes, || unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), how) })
        }
        // Of our own opening, so that it does not block.
        libc::S_IFIFO | libc::S_IFCHR if ours => without_sigpipe(|| write_to(fd, bytes)),
        libc::S_IFIFO => without_sigpipe(|| write_anew(fd, bytes)),
        // SAFETY: a plain call on a number.
        libc::S_IFCHR if unsafe { libc::isatty(fd) } == 1 => write_anew(fd, bytes),
        _ => write_to(fd, bytes),
    }
}

/// Writes to what stderr is, through a description of our own that does not block.
fn write_anew(fd: RawFd, bytes: &[u8]) -> bool {
    let how = libc::O_WRONLY | libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY;
    // SAFETY: a C string; a descriptor of our own, closed once.
    unsafe {
        let own = libc::open(c"/proc/self/fd/2".as_ptr(), how);
        if own >= 0 {
            let written = write_to(own, bytes);
            libc::close(own);
            return written;
        }
        let mut room = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
        libc::poll(&mut room, 1, 0) == 1 && room.revents & libc::POLLOUT != 0 && write_to(fd, bytes)
    }
}

fn write_to(fd: RawFd, bytes: &[u8]) -> bool {
    // SAFETY: bytes that can be read.
    whole(bytes, || unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) })
}

fn whole(bytes: &[u8], mut write: impl FnMut() -> isize) -> bool {
    for _ in 0..TRIES {
        let written = write();
        if written >= 0 || Errno::last() != Errno::EINTR {
            return written == bytes.len() as isize;
        }
    }
    false
}

/// Runs `write` so that a pipe nobody reads sends no signal.
fn without_sigpipe(write: impl FnOnce() -> bool) -> bool {
    // SAFETY: plain calls on signal sets of our own. A signal that was pending
    // before is left pending; ours is for this thread only, and taken back.
    unsafe {
        let mut pipe: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        let mut pending: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut pipe);
        libc::sigaddset(&mut pipe, libc::SIGPIPE);
        libc::sigpending(&mut pending);
        let was_pending = libc::sigismember(&pending, libc::SIGPIPE) == 1;
        if libc::pthread_sigmask(libc::SIG_BLOCK, &pipe, &mut before) != 0 {
            return false;
        }
        let written = write();
        let failed = !written && Errno::last() == Errno::EPIPE;
        if failed && !was_pending {
            let no_time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            libc::sigtimedwait(&pipe, std::ptr::null_mut(), &no_time);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        written
    }
}

fn stat(fd: RawFd) -> Option<libc::stat> {
    // SAFETY: a place to write to, read only when it was filled.
    unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        (libc::fstat(fd, &mut stat) == 0).then_some(stat)
    }
}
