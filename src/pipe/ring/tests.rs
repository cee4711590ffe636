//! Order, groups, chunks that come back, two threads.

use super::*;

#[test]
fn items_come_out_in_order_across_chunks() {
    let (mut producer, mut consumer) = ring();
    for round in 0..10 {
        for i in 0..1000 {
            producer.push(Box::new(round * 1000 + i), true);
        }
        assert!(consumer.pop().is_none());
        producer.publish();
        for i in 0..1000 {
            assert_eq!(*consumer.pop().unwrap(), round * 1000 + i);
        }
        assert!(consumer.is_empty());
    }
}

#[test]
fn a_rollback_leaves_nothing_behind() {
    let (mut producer, mut consumer) = ring();
    for i in 0..100 {
        for _ in 0..i {
            producer.push(Box::new(-1), false);
        }
        producer.rollback();
        producer.push(Box::new(i), true);
        producer.publish();
        assert_eq!(consumer.pop().as_deref(), Some(&i));
    }
    assert!(consumer.pop().is_none());
}

#[test]
fn peeked_items_can_be_taken_or_seen_again() {
    let (mut producer, mut consumer) = ring();
    (0..600).for_each(|i| producer.push(Box::new(i), true));
    producer.publish();
    (0..500).for_each(|i| assert_eq!(consumer.peek().map(|b| **b), Some(i)));
    (0..300).for_each(|i| assert_eq!(consumer.drop_peeked(|item| **item), Some(i)));
    assert_eq!(consumer.peeked(), 200);
    consumer.rewind();
    (300..600).for_each(|i| assert_eq!(consumer.peek().map(|b| **b), Some(i)));
    assert!(consumer.peek().is_none());
    assert_eq!(consumer.front().map(|b| **b), Some(300));
}

#[test]
fn what_is_left_is_dropped_with_the_halves() {
    let item = Arc::new(());
    let (mut producer, mut consumer) = ring();
    (0..700).for_each(|_| producer.push(item.clone(), true));
    producer.publish();
    (0..9).for_each(|_| drop(consumer.pop()));
    producer.push(item.clone(), true);
    drop(consumer);
    drop(producer);
    assert_eq!(Arc::strong_count(&item), 1);
}

#[test]
fn two_threads_keep_order() {
    let (mut producer, mut consumer) = ring();
    let thread = std::thread::spawn(move || {
        for i in 0..200_000u64 {
            producer.push(i, true);
            producer.publish();
        }
    });
    for i in 0..200_000u64 {
        loop {
            if let Some(got) = consumer.pop() {
                assert_eq!(got, i);
                break;
            }
            std::thread::yield_now();
        }
    }
    thread.join().unwrap();
}
