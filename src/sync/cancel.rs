//! Cancellation of threads: what `pthread_cancel` does to a thread that sleeps
//! in a call.
//!
//! The C library ends a cancelled thread by unwinding its stack from within the
//! system call. That must not pass through Rust frames that have something to
//! drop, nor through `catch_unwind`, which would end the process. So the unwinding
//! is caught where it begins ([`cancellable`]), the call returns as after any
//! error (`Errno::ECANCELED`), and its outermost frame, which has nothing left to
//! drop, ends the thread ([`end_thread`]). Elsewhere the library makes no call
//! that is a cancellation point, or makes it [`uncancelled`].
//!
//! To disable cancellation is not enough for that. A thread that is seen asleep is
//! cancelled by a signal, and if it has woken by itself when that comes, glibc's
//! handler (before 2.37) unwinds from whatever cancellation point it meets next,
//! disabled or not. So that signal is held back as well.
//!
//! Catching takes what `pthread_cleanup_push` is made of in glibc, `__sigsetjmp`
//! and `__pthread_register_cancel`: a function that returns twice, which only
//! assembly may call. Where there is none for the processor, or another C library,
//! a cancellation waits until the call has returned.

use std::ffi::{c_int, c_uint, c_void};

/// Makes a system call that sleeps, as a cancellation point. `None` when the
/// thread was cancelled: it must end soon, by [`end_thread`], and no further
/// call is a cancellation point.
///
/// # Safety
/// `sleep` makes a raw system call and nothing else, and what that may have done
/// when the thread is cancelled is of no importance: it may be left anywhere.
pub(super) unsafe fn cancellable<F: Fn() -> R + Copy, R: Copy>(sleep: F) -> Option<R> {
    // SAFETY: the caller's promise.
    unsafe { imp::cancellable(sleep) }
}

/// Whether this thread was cancelled while it did not sleep: for one that waits
/// again and again and never long.
pub(crate) fn was_cancelled() -> bool {
    // SAFETY: does nothing at all.
    unsafe { cancellable(|| ()) }.is_none()
}

/// Runs `f` so that a cancellation of this thread waits until it is done. Takes four
/// system calls.
pub(crate) fn uncancelled<R>(f: impl FnOnce() -> R) -> R {
    let _uncancelled = Uncancelled::new();
    f()
}

/// A cancellation of this thread waits until this is dropped.
struct Uncancelled {
    state: c_int,
    mask: u64,
}

impl Uncancelled {
    fn new() -> Uncancelled {
        let mut state = 0;
        // SAFETY: changes a setting of this thread; with cancellation disabled it is none
        // itself.
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &mut state) };
        Uncancelled { state, mask: change_signal_mask(libc::SIG_BLOCK, SIGCANCEL) }
    }
}

impl Drop for Uncancelled {
    fn drop(&mut self) {
        change_signal_mask(libc::SIG_SETMASK, self.mask);
        // SAFETY: puts back what was changed. Enabling does not act upon a cancellation.
        unsafe { pthread_setcancelstate(self.state, std::ptr::null_mut()) };
    }
}

/// Changes which signals this thread holds back, as the kernel counts them, and says
/// which they were; the C library does not let its own be changed.
fn change_signal_mask(how: c_int, signals: u64) -> u64 {
    let mut before = 0u64;
    // SAFETY: two sets of 8 bytes.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, &signals, &mut before, 8) };
    before
}

/// Ends this thread as one that was cancelled.
///
/// # Safety
/// Unwinds the stack: no frame of this library's may have anything to drop.
pub(crate) unsafe fn end_thread() -> ! {
    const PTHREAD_CANCELED: *mut c_void = usize::MAX as *mut c_void;
    // SAFETY: the caller's promise.
    unsafe { pthread_exit(PTHREAD_CANCELED) }
}

const PTHREAD_CANCEL_DISABLE: c_int = 1;
/// The signal that cancels, glibc's first: 32.
const SIGCANCEL: u64 = 1 << (32 - 1);

// Missing from the libc crate, or not allowed to unwind there.
unsafe extern "C-unwind" {
    /// sleep(3), a cancellation point: for frames with nothing to drop.
    pub(crate) fn sleep(seconds: c_uint) -> c_uint;
    /// pthread_join(3), a cancellation point: for frames with nothing to drop.
    pub(crate) fn pthread_join(thread: libc::pthread_t, result: *mut *mut c_void) -> c_int;
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
    fn pthread_exit(value: *mut c_void) -> !;
}

#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
mod imp {
    use std::arch::global_asm;
    use std::ffi::{c_int, c_void};
    use std::mem::MaybeUninit;

    const PTHREAD_CANCEL_ASYNCHRONOUS: c_int = 1;

    /// A closure, and where its result goes.
    struct Job<F, R> {
        sleep: F,
        result: MaybeUninit<R>,
    }

    pub(super) unsafe fn cancellable<F: Fn() -> R + Copy, R: Copy>(sleep: F) -> Option<R> {
        let mut job = Job { sleep, result: MaybeUninit::<R>::uninit() };
        // SAFETY: `run` is given the job it was made for. Its frame has nothing
        // to drop.
        let cancelled = unsafe { ferrozmq_catch_cancellation(run::<F, R>, (&raw mut job).cast()) };
        // SAFETY: not cancelled, so `run` has come to its end.
        (cancelled == 0).then(|| unsafe { job.result.assume_init() })
    }

    /// Acts upon a cancellation that came before, and upon one that comes while
    /// the call sleeps, wherever this is by then.
    extern "C-unwind" fn run<F: Fn() -> R + Copy, R: Copy>(job: *mut c_void) {
        let job = job.cast::<Job<F, R>>();
        let mut before = 0;
        // SAFETY: `cancellable` gives its job, which nobody else uses. Neither
        // the closure nor anything else here has a destructor.
        unsafe {
            pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &mut before);
            (*job).result.write(((*job).sleep)());
            pthread_setcanceltype(before, std::ptr::null_mut());
        }
    }

    type Body = extern "C-unwind" fn(*mut c_void);

    unsafe extern "C-unwind" {
        fn pthread_setcanceltype(kind: c_int, before: *mut c_int) -> c_int;
    }

    unsafe extern "C" {
        /// Runs `body(data)`. 1 when a cancellation unwound it as far as here.
        fn ferrozmq_catch_cancellation(body: Body, data: *mut c_void) -> c_int;
    }

    // The buffer is a `__pthread_unwind_buf_t`, of 104 bytes. As by the macros of
    // <pthread.h>: __sigsetjmp returns 0 at first, and once more when unwinding
    // has come here; the buffer is then taken off the thread's list.
    global_asm!(
        ".pushsection .text.ferrozmq_catch_cancellation,\"ax\",@progbits",
        ".hidden ferrozmq_catch_cancellation",
        ".globl ferrozmq_catch_cancellation",
        ".type ferrozmq_catch_cancellation,@function",
        ".p2align 4",
        "ferrozmq_catch_cancellation:",
        ".cfi_startproc",
        "push rbx",
        ".cfi_adjust_cfa_offset 8",
        ".cfi_offset rbx, -16",
        "push r12",
        ".cfi_adjust_cfa_offset 8",
        ".cfi_offset r12, -24",
        "sub rsp, 120",
        ".cfi_adjust_cfa_offset 120",
        "mov rbx, rdi",
        "mov r12, rsi",
        "mov rdi, rsp",
        "xor esi, esi",
        "call __sigsetjmp@PLT",
        "test eax, eax",
        "jne 2f",
        "mov rdi, rsp",
        "call __pthread_register_cancel@PLT",
        "mov rdi, r12",
        "call rbx",
        "xor ebx, ebx",
        "jmp 3f",
        "2:",
        "mov ebx, 1",
        "3:",
        "mov rdi, rsp",
        "call __pthread_unregister_cancel@PLT",
        "mov eax, ebx",
        "add rsp, 120",
        ".cfi_adjust_cfa_offset -120",
        "pop r12",
        ".cfi_adjust_cfa_offset -8",
        "pop rbx",
        ".cfi_adjust_cfa_offset -8",
        "ret",
        ".cfi_endproc",
        ".size ferrozmq_catch_cancellation, . - ferrozmq_catch_cancellation",
        ".popsection",
    );
}

#[cfg(not(all(target_arch = "x86_64", target_env = "gnu")))]
mod imp {
    pub(super) unsafe fn cancellable<F: Fn() -> R + Copy, R: Copy>(sleep: F) -> Option<R> {
        Some(sleep())
    }
}
