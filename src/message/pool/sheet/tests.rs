//! Bodies cut from a sheet, released in any order and on any thread.

use std::thread;

use super::super::{allocate, release};
use super::*;

const NONE: &[NonNull<u8>] = &[];

fn new_sheet() -> (Sheet, NonNull<Block>) {
    let (sheet, block) = (Sheet::none(), allocate(CAPACITY).unwrap());
    sheet.begin(block);
    (sheet, block)
}

fn cut_all(sheet: &Sheet, len: usize) -> Vec<NonNull<u8>> {
    std::iter::from_fn(|| sheet.cut(len)).map(|(_, data)| data).collect()
}

fn release_one(released: &Released, block: NonNull<Block>) -> Option<NonNull<Block>> {
    if released.count(block) { None } else { released.begin(block) }
}

fn give_back(block: Option<NonNull<Block>>) {
    // SAFETY: the tests' sheets, which have no bodies left.
    unsafe { release(block.expect("a sheet without bodies")) };
}

#[test]
fn bodies_lie_side_by_side() {
    for len in [1, 16, 41, 64, 255, 512] {
        let (sheet, block) = new_sheet();
        let bodies = cut_all(&sheet, len);
        assert_eq!(bodies.len(), CAPACITY / len.next_multiple_of(GRAIN));
        let places: Vec<_> = bodies.iter().map(|body| body.addr().get()).collect();
        assert!(places.iter().all(|place| place % GRAIN == 0));
        assert!(places.is_sorted_by(|one, next| next - one == len.next_multiple_of(GRAIN)));
        for body in &bodies {
            // SAFETY: nobody else's; as many bytes as were asked for.
            unsafe { body.write_bytes(0x5a, len) };
        }
        let released = Released::none();
        assert!(bodies.iter().all(|_| release_one(&released, block).is_none()));
        give_back(sheet.end(&released));
    }
}

#[test]
fn without_a_sheet_there_is_no_room() {
    assert_eq!(Sheet::none().cut(1), None);
    assert_eq!(Sheet::none().end(&Released::none()), None);
    let (sheet, _) = new_sheet();
    give_back(sheet.end(&Released::none()));
    assert_eq!(cut_all(&sheet, 1), NONE);
}

#[test]
fn a_sheet_is_kept_while_it_has_a_body() {
    let (sheet, block) = new_sheet();
    let (here, there) = (Released::none(), Released::none());
    let bodies = cut_all(&sheet, 64).len();
    for _ in 1..bodies {
        assert_eq!(release_one(&here, block), None);
    }
    assert_eq!(sheet.end(&here), None, "one is left");
    assert_eq!(release_one(&there, block), None, "not before it is settled");
    let unused: Vec<_> = there.settle_all().collect();
    assert_eq!(unused, [block]);
    give_back(unused.into_iter().next());
}

#[test]
fn copies_that_come_and_go_are_not_counted_for_ever() {
    let (sheet, block) = new_sheet();
    assert!(sheet.cut(100).is_some());
    let released = Released::none();
    // SAFETY: alive while the sheet is.
    let references = &unsafe { block.as_ref() }.references;
    for _ in 0..10 * MOST_COUNTED {
        references.fetch_add(1, Ordering::Relaxed);
        assert_eq!(release_one(&released, block), None);
    }
    assert!(references.load(Ordering::Relaxed) <= HELD + MOST_COUNTED);
    assert_eq!(release_one(&released, block), None, "the body itself");
    give_back(sheet.end(&released));
}

#[test]
fn more_sheets_than_places_are_settled_in_between() {
    let sheets: Vec<_> = (0..4 * ENTRIES).map(|_| new_sheet()).collect();
    let released = Released::none();
    let mut unused = Vec::new();
    for (sheet, block) in &sheets {
        assert!(sheet.cut(50).is_some() && sheet.cut(60).is_some());
        assert_eq!(sheet.end(&released), None);
        unused.extend(release_one(&released, *block));
    }
    assert_eq!(unused, []);
    for (_, block) in &sheets {
        unused.extend(release_one(&released, *block));
    }
    unused.extend(released.settle_all());
    unused.sort();
    let mut expected: Vec<_> = sheets.iter().map(|(_, block)| *block).collect();
    expected.sort();
    assert_eq!(unused, expected, "each once");
    unused.into_iter().for_each(|block| give_back(Some(block)));
}

#[test]
fn bodies_are_released_on_other_threads() {
    struct Bodies(NonNull<Block>, Vec<NonNull<u8>>);
    // SAFETY: the bodies are handed over.
    unsafe impl Send for Bodies {}
    struct Unused(NonNull<Block>);
    // SAFETY: as the bodies.
    unsafe impl Send for Unused {}

    for _ in 0..100 {
        let (sheet, block) = new_sheet();
        let readers: Vec<_> = (0..3u8)
            .map(|mark| {
                let bodies: Vec<_> = (0..10).map(|_| sheet.cut(100).unwrap().1).collect();
                for body in &bodies {
                    // SAFETY: just cut, 100 bytes.
                    unsafe { body.write_bytes(mark, 100) };
                }
                let bodies = Bodies(block, bodies);
                thread::spawn(move || {
                    let Bodies(block, bodies) = { bodies };
                    let released = Released::none();
                    let mut unused = Vec::new();
                    for body in bodies {
                        // SAFETY: this thread's until it is released.
                        assert_eq!(unsafe { body.add(99).read() }, mark);
                        // SAFETY: as above.
                        unsafe { body.write_bytes(0xff, 100) };
                        unused.extend(release_one(&released, block));
                    }
                    unused.extend(released.settle_all());
                    unused.into_iter().map(Unused).collect::<Vec<_>>()
                })
            })
            .collect();
        let mut unused: Vec<_> = sheet.end(&Released::none()).into_iter().collect();
        for reader in readers {
            unused.extend(reader.join().unwrap().into_iter().map(|Unused(block)| block));
        }
        assert_eq!(unused, [block], "exactly one comes last");
        give_back(unused.pop());
    }
}
