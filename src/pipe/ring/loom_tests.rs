//! Models of the two halves.

use super::*;

#[test]
fn loom_items_cross_threads_whole_and_in_order() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring();
        let thread = loom::thread::spawn(move || {
            for i in 0..3 {
                producer.push(Box::new(i), true);
                producer.publish();
            }
        });
        let mut next = 0;
        while next < 3 {
            match consumer.pop() {
                Some(got) => {
                    assert_eq!(*got, next);
                    next += 1;
                }
                None => loom::thread::yield_now(),
            }
        }
        thread.join().unwrap();
    });
}

#[test]
fn loom_leftovers_are_freed_whichever_half_goes_last() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring();
        let thread = loom::thread::spawn(move || {
            producer.push(Box::new(1), true);
            producer.push(Box::new(2), true);
            producer.push(Box::new(3), true);
            producer.publish();
        });
        drop(consumer.pop());
        drop(consumer);
        thread.join().unwrap();
    });
}
