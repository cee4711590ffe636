//! What every storage kind promises, and what C callers do to messages.

use std::mem::ManuallyDrop;

use super::sharing::{IMMORTAL, MAX_REFERENCES};
use super::*;
use crate::error::Errno;

#[test]
fn bodies_of_every_kind_read_back() {
    for len in [0, 1, 33, 40, 41, 255, 4096, 1 << 20] {
        let bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
        let message = Message::copy_of(&bytes).unwrap();
        assert_eq!(message.data(), bytes);
        let passing = Message::passing_copy(&bytes).unwrap();
        assert_eq!(passing.data(), bytes);
        for mut message in [message, passing] {
            assert!(!message.is_shared());
            let shared = message.share_known();
            assert_eq!(shared.data(), bytes);
            let is_shared = len > MAX_INLINE;
            assert_eq!((message.is_shared(), shared.is_shared()), (is_shared, is_shared));
            drop(message);
            assert_eq!(shared.data(), bytes);
            assert_eq!(shared.is_shared(), is_shared, "it once was");
        }
    }
}

#[test]
fn neighbours_in_a_sheet_keep_their_own_bytes() {
    let body_of = |number: usize| vec![number as u8; 41 + number % 600];
    let messages: Vec<_> =
        (0..2000).map(|number| Message::passing_copy(&body_of(number)).unwrap()).collect();
    let copies: Vec<_> = messages.iter().step_by(3).map(Message::share).collect();
    let reader = std::thread::spawn(move || {
        for (number, message) in messages.into_iter().enumerate() {
            assert_eq!(message.data(), body_of(number));
        }
    });
    reader.join().unwrap();
    for (index, copy) in copies.into_iter().enumerate() {
        assert_eq!(copy.data(), body_of(3 * index));
    }
}

#[test]
fn a_small_copy_has_all_its_bytes_in_their_order() {
    let bytes: [u8; 2 * MAX_INLINE] = std::array::from_fn(|i| 0xff - i as u8);
    for len in 0..=MAX_INLINE {
        for start in 0..8 {
            let body = &bytes[start..][..len];
            let message = Message::small_copy(body, true);
            assert_eq!(message.data(), body);
            let (inline, inline_len) = message.inline_data().unwrap();
            // SAFETY: the first bytes, as many as the number says, were written.
            let seen = inline[..inline_len].iter().map(|byte| unsafe { byte.assume_init() });
            assert!(seen.eq(body.iter().copied()));
            assert!(message.more() && message.role() == Role::Data && message.metadata().is_none());
        }
    }
    assert_eq!(Message::small_copy(&bytes, false).data(), &bytes[..MAX_INLINE]);
}

#[test]
fn a_prefix_is_no_longer_than_what_it_is_taken_from() {
    let bytes: [u8; MAX_INLINE] = std::array::from_fn(|i| i as u8);
    for len in [0, 1, MAX_INLINE, MAX_INLINE + 1, usize::MAX] {
        let message = Message::from_prefix(&bytes, len, len == 1);
        assert_eq!(message.data(), &bytes[..len.min(MAX_INLINE)]);
        assert_eq!(message.more(), len == 1);
    }
}

#[test]
fn a_user_buffer_is_freed_once_after_the_last_copy() {
    static FREED: AtomicU32 = AtomicU32::new(0);
    unsafe extern "C" fn free(_: *mut c_void, hint: *mut c_void) {
        FREED.fetch_add(hint as u32, Ordering::SeqCst);
    }
    let mut buffer = [7u8; 100];
    // SAFETY: the buffer outlives both messages.
    let a = unsafe {
        Message::from_user(buffer.as_mut_ptr(), 100, Some(free), 5 as *mut c_void).unwrap()
    };
    let b = a.share();
    drop(a);
    assert_eq!(FREED.load(Ordering::SeqCst), 0);
    assert_eq!(b.data(), [7; 100]);
    drop(b);
    assert_eq!(FREED.load(Ordering::SeqCst), 0, "not before the thread holds nothing");
    run_waiting_frees();
    assert_eq!(FREED.load(Ordering::SeqCst), 5);
}

#[test]
fn a_closed_message_is_not_live() {
    let mut message = ManuallyDrop::new(Message::with_len(100).unwrap());
    let memory: *mut Message = &mut *message;
    // SAFETY: the memory holds a message all along.
    unsafe {
        assert!(Message::is_live(memory));
        Message::close_in_place(memory);
        assert!(!Message::is_live(memory));
    }
}

#[test]
fn closing_gives_up_the_metadata_once() {
    let metadata = Arc::new(Metadata::new());
    let mut message = Message::new();
    message.set_metadata(Some(metadata.clone()));
    assert_eq!(Arc::strong_count(&metadata), 2);
    // SAFETY: the memory holds a live message.
    unsafe { Message::close_in_place(&mut message) };
    assert_eq!(Arc::strong_count(&metadata), 1);
    drop(message);
    assert_eq!(Arc::strong_count(&metadata), 1);
}

#[test]
fn a_free_function_may_look_at_the_message_being_closed() {
    unsafe extern "C" fn free(_: *mut c_void, hint: *mut c_void) {
        // SAFETY: the test passes the message's own memory.
        assert!(unsafe { !Message::is_live(hint.cast()) });
    }
    let mut message = ManuallyDrop::new(Message::new());
    let memory: *mut Message = &mut *message;
    let data = ptr::from_mut(&mut [0u8; 4]).cast();
    // SAFETY: the memory is the test's own, and holds a message.
    unsafe {
        memory.write(Message::from_user(data, 4, Some(free), memory.cast()).unwrap());
        Message::close_in_place(memory);
    }
    run_waiting_frees();
}

#[test]
fn memory_that_never_was_a_message_is_not_live() {
    for byte in 0..=255_u8 {
        let memory = [u64::from_ne_bytes([byte; 8]); 8];
        // SAFETY: the memory is readable, aligned and 64 bytes long.
        assert!(unsafe { !Message::is_live(memory.as_ptr().cast()) });
    }
    let message = Message::new().with_role(Role::Peer);
    for (offset, byte) in [(48, 0xa0), (48, 0xa6), (49, 2), (50, 41), (51, 5)] {
        let mut memory = [0_u8; 64];
        // SAFETY: a message has 64 bytes, all of them initialised.
        unsafe { ptr::copy_nonoverlapping((&raw const message).cast(), memory.as_mut_ptr(), 64) };
        memory[offset] = byte;
        let mut aligned = ManuallyDrop::new(Message::new());
        let aligned: *mut Message = &mut *aligned;
        // SAFETY: as above; the result is only looked at.
        unsafe {
            ptr::copy_nonoverlapping(memory.as_ptr(), aligned.cast(), 64);
            assert!(!Message::is_live(aligned));
        }
    }
}

#[test]
fn a_body_with_too_many_references_is_never_freed() {
    let message = Message::with_len(100).unwrap();
    // SAFETY: a heap message has a block.
    let references = unsafe { &(*message.body.outer.block).references };
    references.store(MAX_REFERENCES, Ordering::Relaxed);
    drop(message.share());
    assert_eq!(references.load(Ordering::Relaxed), IMMORTAL);
    references.store(1, Ordering::Relaxed);
}

#[test]
fn impossible_sizes_are_refused() {
    assert_eq!(Message::with_len(usize::MAX).unwrap_err(), Errno::ENOMEM);
    assert_eq!(Message::with_len(isize::MAX as usize).unwrap_err(), Errno::ENOMEM);
}
