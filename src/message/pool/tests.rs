//! Bodies come from the pool and go back to it, within its limits.

use std::sync::mpsc;
use std::thread;

use super::*;

/// Held by tests that compare what is on a shelf; they use sizes that no test
/// outside this file does.
static WATCHED: FutexMutex<()> = FutexMutex::new(());

fn shelved(class: usize) -> Vec<usize> {
    let shelf = SHELVES[class].idle.lock();
    shelf.iter().map(|idle| idle.0.as_ptr() as usize).collect()
}

fn allocate_many(len: usize, count: usize) -> Vec<NonNull<Block>> {
    (0..count).map(|_| allocate(len).unwrap()).collect()
}

fn release_all(blocks: Vec<NonNull<Block>>) {
    for block in blocks {
        // SAFETY: the tests' blocks are released once.
        unsafe { release(block) };
    }
}

#[test]
fn every_length_has_the_smallest_class_that_holds_it() {
    for class in 0..CLASSES {
        let capacity = capacity_of(class);
        assert_eq!(class_of(capacity), class);
        if class + 1 < CLASSES {
            assert_eq!(class_of(capacity + 1), class + 1);
            assert!(capacity < capacity_of(class + 1));
        }
    }
    for len in 1..=1 << 20 {
        let class = class_of(len);
        assert!(capacity_of(class) >= len);
        assert!(class == 0 || capacity_of(class - 1) < len);
    }
}

#[test]
fn a_block_holds_its_length_at_every_boundary() {
    let lens = (0..CLASSES).flat_map(|class| {
        let capacity = capacity_of(class);
        [capacity - 1, capacity, capacity + 1]
    });
    let check = move || {
        for len in lens.chain([1, 41, 3 << 20]) {
            let block = allocate(len).unwrap();
            // SAFETY: what the function promises: a head and `len` bytes.
            unsafe {
                block.add(1).cast::<u8>().write_bytes(0xa5, len);
                assert_eq!(block.as_ref().references.load(Ordering::Relaxed), 1);
                assert_eq!(block.as_ptr() as usize % 16, 0);
                assert!(block.as_ref().capacity >= len);
                release(block);
            }
        }
    };
    let _watched = WATCHED.lock();
    thread::spawn(check).join().unwrap();
}

#[test]
fn impossible_lengths_are_refused() {
    for len in [usize::MAX, usize::MAX - 15, isize::MAX as usize, 1 << 62] {
        assert_eq!(allocate(len), Err(Errno::ENOMEM));
    }
}

#[test]
#[cfg_attr(ferrozmq_no_pool, ignore = "nothing is recycled")]
fn a_thread_uses_its_last_block_again() {
    let block = allocate(2900).unwrap();
    release_all(vec![block]);
    let again = allocate(2900).unwrap();
    assert_eq!(again, block);
    release_all(vec![again]);
}

#[test]
#[cfg_attr(ferrozmq_no_pool, ignore = "nothing is recycled")]
fn a_thread_that_ends_leaves_its_blocks_to_the_others() {
    let _watched = WATCHED.lock();
    let len = 1500;
    let left = thread::spawn(move || {
        let blocks = allocate_many(len, 10);
        let addresses: Vec<_> = blocks.iter().map(|b| b.as_ptr() as usize).collect();
        release_all(blocks);
        addresses
    });
    let left = left.join().unwrap();
    let shelf = shelved(class_of(len));
    assert!(left.iter().all(|block| shelf.contains(block)));
}

#[test]
#[cfg_attr(ferrozmq_no_pool, ignore = "nothing is recycled")]
fn as_many_large_blocks_are_kept_as_are_in_use() {
    let _watched = WATCHED.lock();
    let len = 700_000;
    let always = MAX_SHELF_BYTES / capacity_of(class_of(len));
    let mut blocks = allocate_many(len, 40);
    release_all(blocks.split_off(20));
    let kept = shelved(class_of(len));
    assert_eq!(kept.len(), 20);
    let again = allocate_many(len, 20);
    assert!(again.iter().all(|block| kept.contains(&(block.as_ptr() as usize))));
    release_all(again);
    assert_eq!(shelved(class_of(len)).len(), 20);
    release_all(blocks);
    assert_eq!(shelved(class_of(len)).len(), always);
}

#[test]
#[cfg_attr(ferrozmq_no_pool, ignore = "nothing is recycled")]
fn what_was_busy_is_idle_in_the_end() {
    let _watched = WATCHED.lock();
    let blocks: Vec<_> = (THREAD_CLASSES..CLASSES)
        .map(|class| allocate_many(capacity_of(class), (24 << 20) / capacity_of(class)))
        .collect();
    blocks.into_iter().for_each(release_all);
    let kept: usize = (THREAD_CLASSES..CLASSES).map(|c| shelved(c).len() * capacity_of(c)).sum();
    assert!(kept <= MAX_SHELVES_BYTES);
}

#[test]
fn bodies_freed_on_other_threads_come_back() {
    for len in [700, 11_000, 90_000] {
        let (sender, receiver) = mpsc::sync_channel::<(Idle, u8)>(500);
        let consumer = thread::spawn(move || {
            for (Idle(block), value) in receiver {
                // SAFETY: the producer handed over a block of `len` bytes.
                unsafe {
                    let body = block.add(1).cast::<u8>();
                    assert_eq!(body.read(), value);
                    assert_eq!(body.add(len - 1).read(), value);
                    release(block);
                }
            }
        });
        for value in (0..=255).cycle().take(20_000) {
            let block = allocate(len).unwrap();
            // SAFETY: the block has `len` bytes and is ours.
            unsafe { block.add(1).cast::<u8>().write_bytes(value, len) };
            sender.send((Idle(block), value)).unwrap();
        }
        drop(sender);
        consumer.join().unwrap();
        let most = MAX_SHELF_BYTES / len;
        assert!(shelved(class_of(len)).len() <= most);
    }
}

#[test]
#[cfg_attr(ferrozmq_no_pool, ignore = "nothing is recycled")]
fn what_is_kept_has_limits() {
    let _watched = WATCHED.lock();
    for len in [20_000, 350_000] {
        let class = class_of(len);
        let most = MAX_SHELF_BYTES / capacity_of(class);
        release_all(allocate_many(len, most + 200));
        let shelf = shelved(class);
        assert!(shelf.len() <= most);
        let kept = CACHE.with(|cache| cache.len[class].get() as usize);
        assert!(kept <= MIN_THREAD_BLOCKS && (kept == 0 || class < THREAD_CLASSES));
    }
    assert!(SHELVES_BYTES.load(Ordering::Relaxed) <= 2 * MAX_SHELVES_BYTES);
    let all: usize =
        (0..THREAD_CLASSES).map(|class| thread_limit(class) * capacity_of(class)).sum();
    assert!(all <= 5 << 19);
}

#[test]
#[cfg_attr(ferrozmq_no_pool, ignore = "nothing is recycled")]
fn a_shelf_in_use_is_not_waited_for() {
    let _watched = WATCHED.lock();
    let len = 5800;
    let shelf = SHELVES[class_of(len)].idle.lock();
    let before = shelf.len();
    release_all(allocate_many(len, 100));
    assert_eq!(shelf.len(), before);
}

#[test]
fn a_large_body_begins_in_the_middle_of_a_page() {
    for len in [PLACED, 65536, 1 << 20, (1 << 20) + 1, 5 << 20] {
        let block = allocate(len).unwrap();
        // SAFETY: the head is followed by the body.
        let body = unsafe { block.add(1) }.as_ptr() as usize;
        assert_eq!(body % PAGE, PLACE);
        release_all(vec![block]);
    }
}
