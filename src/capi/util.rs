//! Helpers that C programs borrow from the library: stop watches, sleep,
//! threads, atomic counters (manual pages zmq_atomic_counter_new and
//! following; the others are described in the header only).
//!
//! What is no handle, or was given up, answers EFAULT.

use std::ffi::{c_int, c_uint, c_ulong, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::time::Instant;

use super::entry::{errno, guard, guard_keeping_errno, set_errno};
use super::handles::Handles;
use crate::error::{Errno, Result};
use crate::sync::{
    Arena, AtomicBool, AtomicU32, Ordering, pthread_join, sleep, with_signals_blocked,
};

/// `zmq_thread_fn *` as C passes it.
pub type ThreadFnPointer = Option<unsafe extern "C" fn(argument: *mut c_void)>;

/// Starts a stop watch.
///
/// Returns it, to be given up with `zmq_stopwatch_stop`, or NULL with errno:
///
/// - ENOMEM: there is no room for another one.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_stopwatch_start() -> *mut c_void {
    guard(|| WATCHES.open(|| Ok(Instant::now())))
}

/// How long ago a stop watch was started; it runs on.
///
/// - `watch`: what `zmq_stopwatch_start` returned.
///
/// Returns the number of microseconds, or 0 with errno:
///
/// - EFAULT: it is no stop watch.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_stopwatch_intermediate(watch: *mut c_void) -> c_ulong {
    guard(|| Ok(elapsed_us(WATCHES.value(watch)?)))
}

/// How long ago a stop watch was started, and gives it up.
///
/// - `watch`: what `zmq_stopwatch_start` returned.
///
/// Returns the number of microseconds, or 0 with errno:
///
/// - EFAULT: it is no stop watch, or no longer.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_stopwatch_stop(watch: *mut c_void) -> c_ulong {
    guard(|| Ok(elapsed_us(WATCHES.close(watch)?)))
}

/// Sleeps until the time is over or a signal is caught.
///
/// - `seconds`: for how long.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_sleep(seconds: c_int) {
    let before = errno();
    // A negative number has always been a very long sleep.
    // SAFETY: takes no pointers. A cancelled thread is unwound from there: nothing
    // here needs dropping.
    unsafe { sleep(seconds as c_uint) };
    set_errno(before);
}

/// Starts a thread, which has all signals blocked.
///
/// - `func`: what it runs, as `func (arg)`.
/// - `arg`: passed on to `func`.
///
/// Returns the thread, to be given up with `zmq_threadclose`, or NULL with
/// errno:
///
/// - EAGAIN: the system has no room for another one.
/// - EFAULT: `func` is NULL.
///
/// # Safety
/// `func` is NULL or may be called with `arg` on another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_threadstart(func: ThreadFnPointer, arg: *mut c_void) -> *mut c_void {
    guard_keeping_errno(|| {
        let task = Box::new(Task { function: func.ok_or(Errno::EFAULT)?, argument: arg });
        THREADS.open(|| start_thread(task))
    })
}

/// Waits until a thread has ended, and gives it up.
///
/// - `thread`: what `zmq_threadstart` returned. Anything else is left alone.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_threadclose(thread: *mut c_void) {
    let mut own = 0;
    let found = guard(|| {
        own = THREADS.close(thread)?;
        Ok(())
    });
    if found == 0 {
        let before = errno();
        // SAFETY: joined once, since the handle is gone now. A cancelled thread is
        // unwound from there: nothing here needs dropping.
        let error = unsafe { pthread_join(own, ptr::null_mut()) };
        set_errno(if error == 0 { before } else { error });
    }
}

/// Makes a counter, at 0, which several threads may use at once.
///
/// Returns it, to be given up with `zmq_atomic_counter_destroy`, or NULL with
/// errno:
///
/// - ENOMEM: there is no room for another one.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_new() -> *mut c_void {
    guard(|| {
        let make = || Counter { value: AtomicU32::new(0), live: AtomicBool::new(false) };
        let counter = COUNTERS.take(make).ok_or(Errno::ENOMEM)?;
        counter.value.store(0, Ordering::Relaxed);
        // Release: whoever finds it finds it at 0.
        counter.live.store(true, Ordering::Release);
        Ok(ptr::from_ref(counter).cast_mut().cast::<c_void>())
    })
}

/// Sets a counter.
///
/// - `counter`: what `zmq_atomic_counter_new` returned. Anything else is left
///   alone.
/// - `value`: what it is to be.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_set(counter: *mut c_void, value: c_int) {
    guard(|| {
        let counter = resolve(counter)?;
        counter.store(value as u32, Ordering::Release);
        Ok(())
    });
}

/// Adds 1 to a counter.
///
/// - `counter`: what `zmq_atomic_counter_new` returned.
///
/// Returns the value that it had before, or -1 with errno:
///
/// - EFAULT: it is no counter.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_inc(counter: *mut c_void) -> c_int {
    guard(|| {
        let counter = resolve(counter)?;
        Ok(counter.fetch_add(1, Ordering::AcqRel) as c_int)
    })
}

/// Takes 1 from a counter.
///
/// - `counter`: what `zmq_atomic_counter_new` returned.
///
/// Returns 0 when it has become 0, else 1; or -1 with errno:
///
/// - EFAULT: it is no counter.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_dec(counter: *mut c_void) -> c_int {
    guard(|| {
        let counter = resolve(counter)?;
        // C programs count references with this: whoever sees 0 must also see
        // all that the other holders did before.
        let before = counter.fetch_sub(1, Ordering::AcqRel);
        Ok(c_int::from(before != 1))
    })
}

/// The value of a counter.
///
/// - `counter`: what `zmq_atomic_counter_new` returned.
///
/// Returns it, or -1 with errno:
///
/// - EFAULT: it is no counter.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_value(counter: *mut c_void) -> c_int {
    guard(|| {
        let counter = resolve(counter)?;
        Ok(counter.load(Ordering::Acquire) as c_int)
    })
}

/// Gives up a counter.
///
/// - `counter_p`: where the caller keeps it, which becomes NULL.
///
/// # Safety
/// `counter_p` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_atomic_counter_destroy(counter_p: *mut *mut c_void) {
    guard(|| {
        if counter_p.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: not NULL, so valid by the caller's promise. A second destroy
        // finds NULL.
        let handle = unsafe { counter_p.replace(ptr::null_mut()) };
        if let Some(counter) = COUNTERS.find(handle as usize)
            && counter.live.swap(false, Ordering::AcqRel)
        {
            COUNTERS.give_back(counter);
        }
        Ok(())
    });
}

/// Every running stop watch: when it was started.
static WATCHES: Handles<Instant> = Handles::new();

/// Every thread that was started and not closed.
static THREADS: Handles<libc::pthread_t> = Handles::new();

/// Every counter, in places that are never unmapped.
static COUNTERS: Arena<Counter> = Arena::new();

/// A counter, or a place for one. Counting takes no lock.
struct Counter {
    value: AtomicU32,
    live: AtomicBool,
}

/// The number behind a counter's handle.
fn resolve(handle: *mut c_void) -> Result<&'static AtomicU32> {
    let counter = COUNTERS.find(handle as usize).ok_or(Errno::EFAULT)?;
    if counter.live.load(Ordering::Acquire) { Ok(&counter.value) } else { Err(Errno::EFAULT) }
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

fn elapsed_us(start: Instant) -> c_ulong {
    start.elapsed().as_micros() as c_ulong
}
