//! Helpers that C programs borrow from the library: stop watches, sleep,
//! threads, atomic counters (manual pages zmq_atomic_counter_new and
//! following; the others are described in the header only).
//!
//! Handles are boxes. A NULL handle answers EFAULT.

use std::ffi::{c_int, c_ulong, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::time::{Duration, Instant};

use super::entry::{guard, guard_keeping_errno};
use crate::error::{Errno, Result};
use crate::sync::with_signals_blocked;
use crate::sync::{AtomicU32, Ordering};

/// `zmq_thread_fn *` as C passes it.
pub type ThreadFnPointer = Option<unsafe extern "C" fn(argument: *mut c_void)>;

/// Starts a stop watch.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_stopwatch_start() -> *mut c_void {
    guard(|| Ok(into_handle(Instant::now())))
}

/// Microseconds since the watch was started; it runs on.
///
/// # Safety
/// `watch` is NULL or a running watch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_stopwatch_intermediate(watch: *mut c_void) -> c_ulong {
    guard(|| {
        // SAFETY: the caller's promise.
        let start = unsafe { resolve::<Instant>(watch) }?;
        Ok(elapsed_us(start))
    })
}

/// Microseconds since the watch was started; the watch is given up.
///
/// # Safety
/// As for [`zmq_stopwatch_intermediate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_stopwatch_stop(watch: *mut c_void) -> c_ulong {
    guard(|| {
        // SAFETY: the caller's promise.
        let start = unsafe { reclaim::<Instant>(watch) }?;
        Ok(elapsed_us(&start))
    })
}

/// Sleeps for that many seconds, or until a signal is caught.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_sleep(seconds: c_int) {
    guard_keeping_errno(|| {
        // A negative number has always been a very long sleep.
        // SAFETY: takes no pointers.
        unsafe { libc::sleep(seconds as libc::c_uint) };
        Ok(())
    });
}

/// Runs `func(arg)` on a new thread; NULL when there is none to be had.
///
/// # Safety
/// `func` is NULL or may be called with `arg` on another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_threadstart(func: ThreadFnPointer, arg: *mut c_void) -> *mut c_void {
    guard_keeping_errno(|| {
        let task = Box::new(Task { function: func.ok_or(Errno::EFAULT)?, argument: arg });
        Ok(into_handle(start_thread(task)?))
    })
}

/// Waits for a thread's end and gives up its handle.
///
/// # Safety
/// `thread` is NULL or came from [`zmq_threadstart`] and was not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_threadclose(thread: *mut c_void) {
    guard_keeping_errno(|| {
        // SAFETY: the caller's promise.
        let thread = unsafe { reclaim::<libc::pthread_t>(thread) }?;
        // SAFETY: joined once, since the handle is gone now.
        match unsafe { libc::pthread_join(*thread, ptr::null_mut()) } {
            0 => Ok(()),
            error => Err(Errno::from_raw(error)),
        }
    });
}

/// Makes a counter that several threads may use, at 0.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_new() -> *mut c_void {
    guard(|| Ok(into_handle(AtomicU32::new(0))))
}

/// Sets a counter.
///
/// # Safety
/// `counter` is NULL or a counter that was not destroyed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_atomic_counter_set(counter: *mut c_void, value: c_int) {
    guard(|| {
        // SAFETY: the caller's promise.
        let counter = unsafe { resolve::<AtomicU32>(counter) }?;
        counter.store(value as u32, Ordering::Release);
        Ok(())
    });
}

/// Adds 1 to a counter and answers its value before.
///
/// # Safety
/// As for [`zmq_atomic_counter_set`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_atomic_counter_inc(counter: *mut c_void) -> c_int {
    guard(|| {
        // SAFETY: the caller's promise.
        let counter = unsafe { resolve::<AtomicU32>(counter) }?;
        Ok(counter.fetch_add(1, Ordering::AcqRel) as c_int)
    })
}

/// Takes 1 from a counter: 0 when that made it 0, else 1.
///
/// # Safety
/// As for [`zmq_atomic_counter_set`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_atomic_counter_dec(counter: *mut c_void) -> c_int {
    guard(|| {
        // SAFETY: the caller's promise.
        let counter = unsafe { resolve::<AtomicU32>(counter) }?;
        // C programs count references with this: whoever sees 0 must also see
        // all that the other holders did before.
        let before = counter.fetch_sub(1, Ordering::AcqRel);
        Ok(c_int::from(before != 1))
    })
}

/// The value of a counter.
///
/// # Safety
/// As for [`zmq_atomic_counter_set`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_atomic_counter_value(counter: *mut c_void) -> c_int {
    guard(|| {
        // SAFETY: the caller's promise.
        let counter = unsafe { resolve::<AtomicU32>(counter) }?;
        Ok(counter.load(Ordering::Acquire) as c_int)
    })
}

/// Destroys a counter and sets the caller's pointer to NULL.
///
/// # Safety
/// `counter_p` is NULL or points to NULL or a counter that was not destroyed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_atomic_counter_destroy(counter_p: *mut *mut c_void) {
    guard(|| {
        if counter_p.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: the caller's promise. A second destroy finds NULL.
        unsafe {
            let counter = counter_p.replace(ptr::null_mut());
            if !counter.is_null() {
                drop(reclaim::<AtomicU32>(counter)?);
            }
        }
        Ok(())
    });
}

/// What a thread is to run.
struct Task {
    function: unsafe extern "C" fn(*mut c_void),
    argument: *mut c_void,
}

/// Starts a thread as the application's: named `ZMQapp`, all signals blocked,
/// so that they reach the threads that wait for them. Not a `std::thread`: C
/// code may leave it by `pthread_exit` or be cancelled, which std forbids.
fn start_thread(task: Box<Task>) -> Result<libc::pthread_t> {
    type StartRoutine = extern "C" fn(*mut c_void) -> *mut c_void;
    // SAFETY: the two differ only in that the second must not unwind, and
    // pthread_create may call either: it is what starts such unwinding.
    let routine = unsafe {
        std::mem::transmute::<extern "C-unwind" fn(*mut c_void) -> *mut c_void, StartRoutine>(
            run_task,
        )
    };
    let task = Box::into_raw(task);
    let mut thread = MaybeUninit::uninit();
    // SAFETY: the task now belongs to the thread, or comes back when there is
    // none.
    let error = with_signals_blocked(|| unsafe {
        libc::pthread_create(thread.as_mut_ptr(), ptr::null(), routine, task.cast())
    });
    if error != 0 {
        // SAFETY: there is no thread that has it.
        drop(unsafe { Box::from_raw(task) });
        return Err(Errno::from_raw(error));
    }
    // SAFETY: a thread that was made has its id here.
    Ok(unsafe { thread.assume_init() })
}

/// The root of such a thread. Nothing here needs dropping while the function
/// runs, so that the thread may be left by unwinding.
extern "C-unwind" fn run_task(task: *mut c_void) -> *mut c_void {
    // SAFETY: `start_thread` gave this thread its task. The function is called
    // as one that may unwind: it may call pthread_exit.
    unsafe {
        let Task { function, argument } = *Box::from_raw(task.cast::<Task>());
        let function = std::mem::transmute::<
            unsafe extern "C" fn(*mut c_void),
            unsafe extern "C-unwind" fn(*mut c_void),
        >(function);
        libc::pthread_setname_np(libc::pthread_self(), c"ZMQapp".as_ptr());
        function(argument);
    }
    ptr::null_mut()
}

fn elapsed_us(start: &Instant) -> c_ulong {
    let elapsed: Duration = start.elapsed();
    elapsed.as_micros() as c_ulong
}

/// A value as a handle for C.
fn into_handle<T>(value: T) -> *mut c_void {
    Box::into_raw(Box::new(value)).cast()
}

/// The value behind a handle.
///
/// # Safety
/// `handle` is NULL or came from [`into_handle`] of this type and is not
/// reclaimed while the reference lives.
unsafe fn resolve<'a, T>(handle: *mut c_void) -> Result<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { handle.cast::<T>().as_ref() }.ok_or(Errno::EFAULT)
}

/// The value behind a handle, which is gone afterwards.
///
/// # Safety
/// `handle` is NULL or came from [`into_handle`] of this type and was not
/// reclaimed before.
unsafe fn reclaim<T>(handle: *mut c_void) -> Result<Box<T>> {
    if handle.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { Box::from_raw(handle.cast()) })
}
