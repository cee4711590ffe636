//! What is read lands here first: a buffer for each thread, not for each connection,
//! so that an idle one costs none.

use std::cell::RefCell;

/// Bytes of a page. The buffer begins with one: the kernel copies with string moves,
/// which some processors make ten times slower when they write a few bytes further
/// into a page than they read, and what has just come mostly begins with a page, too.
/// (Such a processor is AMD's Zen 3; memory of the allocator's begins at 16.)
const PAGE: usize = 4096;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Lends this thread's buffer, of `bytes` or more; not to be used twice at a time.
pub(super) fn with_buffer<R>(bytes: usize, read: impl FnOnce(&mut [u8]) -> R) -> R {
    let taken = BUFFER.try_with(RefCell::take);
    // The thread is ending and its buffer is gone: one for this call.
    let mut memory = taken.unwrap_or_default();
    let result = read(page_aligned(&mut memory, bytes));
    let _ = BUFFER.try_with(|buffer| buffer.replace(memory));
    result
}

/// So many bytes of `memory` that begin with a page; new memory, if there are fewer.
fn page_aligned(memory: &mut Vec<u8>, bytes: usize) -> &mut [u8] {
    if memory.len() < bytes + PAGE {
        *memory = vec![0; bytes + PAGE];
    }
    let begin = memory.as_ptr().align_offset(PAGE);
    &mut memory[begin.min(PAGE)..][..bytes]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_is_lent_again_and_begins_with_a_page() {
        let address = |bytes| {
            with_buffer(bytes, |buffer| {
                assert_eq!(buffer.len(), bytes);
                buffer.fill(1);
                buffer.as_ptr() as usize
            })
        };
        let first = address(100_000);
        assert_eq!(first % PAGE, 0);
        assert_eq!(address(1), first);
        assert_eq!(address(100_000), first);
    }

    #[test]
    fn a_buffer_that_is_lent_is_not_lent_twice() {
        with_buffer(10, |outer| {
            outer.fill(1);
            with_buffer(10, |inner| inner.fill(2));
            assert_eq!(outer, [1; 10]);
        });
    }
}
