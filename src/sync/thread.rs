//! Threads of the library's own.
//!
//! Not the standard library's: those end with a lock of the whole process (of what it knows
//! of their stacks), for which a thread in a child waits for ever that was forked while one
//! of its parent's ended.

use std::ffi::{CStr, CString, c_void};
use std::mem::{MaybeUninit, transmute};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::fork::generation;
use super::with_signals_blocked;
use crate::error::{Errno, Result};

/// As much as the standard library gives its threads, beside what is [`taken_from_stack`].
const STACK_BYTES: usize = 2 << 20;
/// What the kernel keeps of a name.
const MAX_NAME: usize = 15;

/// A thread that runs, or has ended. Left alone when dropped.
pub(crate) struct Thread {
    id: libc::pthread_t,
    has_ended: Arc<AtomicBool>,
    joined: bool,
    /// The fork generation in which it was started: a child may have a thread of its own
    /// by the same id.
    made_in: u64,
}

/// What a thread is to run.
struct Task {
    name: CString,
    body: Box<dyn FnOnce() + Send>,
    has_ended: Arc<AtomicBool>,
}

impl Thread {
    /// Starts a thread that takes no signals: they belong to the application's. A panic
    /// ends it; the panic hook has told of it.
    pub(crate) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<Thread> {
        let name: Vec<u8> = name.bytes().filter(|byte| *byte != 0).take(MAX_NAME).collect();
        let name = CString::new(name).unwrap_or_default();
        let has_ended = Arc::new(AtomicBool::new(false));
        let task = Box::new(Task { name, body: Box::new(body), has_ended: has_ended.clone() });
        let task = Box::into_raw(task);
        // SAFETY: a task of its own, which is the thread's if there is one.
        match with_signals_blocked(|| unsafe { create(task.cast()) }) {
            Ok(id) => Ok(Thread { id, has_ended, joined: false, made_in: generation() }),
            Err(error) => {
                // SAFETY: there is no thread that has it.
                drop(unsafe { Box::from_raw(task) });
                Err(error)
            }
        }
    }

    /// Whether its body has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    /// Waits until it has ended. A cancellation point, which callers must be safe from.
    pub(crate) fn join(mut self) {
        // SAFETY: a thread that was neither joined nor detached, which is not done again.
        unsafe { libc::pthread_join(self.id, null_mut()) };
        self.joined = true;
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        if !self.joined && self.made_in == generation() {
            // SAFETY: a thread that was neither joined nor detached.
            unsafe { libc::pthread_detach(self.id) };
        }
    }
}

/// # Safety
/// `task` is a [`Task`] from a box, for the thread alone.
unsafe fn create(task: *mut c_void) -> Result<libc::pthread_t> {
    let mut attributes = MaybeUninit::uninit();
    let mut id = MaybeUninit::uninit();
    // SAFETY: attributes that are made, used and given up here, and the caller's promise.
    let error = unsafe {
        let attributes: *mut libc::pthread_attr_t = attributes.as_mut_ptr();
        match libc::pthread_attr_init(attributes) {
            0 => {
                let bytes = STACK_BYTES + taken_from_stack(attributes);
                libc::pthread_attr_setstacksize(attributes, bytes);
                let error = libc::pthread_create(id.as_mut_ptr(), attributes, run, task);
                libc::pthread_attr_destroy(attributes);
                error
            }
            error => error,
        }
    };
    // SAFETY: a thread that was made has its id here.
    if error == 0 { Ok(unsafe { id.assume_init() }) } else { Err(Errno::from_raw(error)) }
}

/// What glibc takes of a stack for itself and for thread-local variables, of which a program
/// may have more than fit into any stack. Other C libraries take nothing of it.
///
/// # Safety
/// Attributes that were made.
unsafe fn taken_from_stack(attributes: *const libc::pthread_attr_t) -> usize {
    const NAME: &CStr = c"__pthread_get_minstack";
    type Function = unsafe extern "C" fn(*const libc::pthread_attr_t) -> usize;
    // SAFETY: a string; the function of this name, which language runtimes call in the same
    // way, or null, which is none; the caller's promise.
    unsafe {
        let function = libc::dlsym(libc::RTLD_DEFAULT, NAME.as_ptr());
        let function = transmute::<*mut c_void, Option<Function>>(function);
        function.map_or(0, |taken| taken(attributes))
    }
}

extern "C" fn run(task: *mut c_void) -> *mut c_void {
    // SAFETY: `create` gave this thread its task.
    let Task { name, body, has_ended } = *unsafe { Box::from_raw(task.cast::<Task>()) };
    // SAFETY: a C string; this thread.
    unsafe { libc::pthread_setname_np(libc::pthread_self(), name.as_ptr()) };
    // What a panic of ours bears is text.
    let _ = catch_unwind(AssertUnwindSafe(body));
    has_ended.store(true, Ordering::Release);
    null_mut()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_its_name_and_ends() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let name = || std::fs::read_to_string("/proc/thread-self/comm").unwrap();
        let thread = Thread::spawn("sixteen\0 or more letters", move || {
            sender.send(name()).unwrap();
        });
        assert_eq!(receiver.recv().unwrap(), "sixteen or more\n");
        thread.unwrap().join();
    }

    #[test]
    fn a_thread_that_panics_ends_like_others() {
        let thread = Thread::spawn("panics", || panic!("on purpose")).unwrap();
        while !thread.has_ended() {
            std::thread::yield_now();
        }
        thread.join();
    }
}
