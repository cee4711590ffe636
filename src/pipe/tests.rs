//! Pipes: water marks to the message, signals to the bit; under loom, that no
//! signal is lost.

use super::*;

/// An owner that only keeps its signals in the end's word.
struct Silent;
impl Owner for Silent {
    fn signalled(self: Arc<Self>, _: &EndRef) {}
}

fn message(text: &str) -> Message {
    Message::copy_of(text.as_bytes()).unwrap()
}

fn pop(pipe: &mut Pipe) -> Option<Message> {
    let mut message = Message::new();
    pipe.pop(&mut message).then_some(message)
}

fn owned_pipe(hwm: [u32; 2]) -> (Pipe, Pipe) {
    let (a, b) = pipe(hwm, false);
    a.end().set_owner(Arc::new(Silent));
    b.end().set_owner(Arc::new(Silent));
    (a, b)
}

#[cfg(not(loom))]
mod exact {
    use super::*;
    use crate::message::Role;

    fn fill(pipe: &mut Pipe) -> usize {
        let mut count = 0;
        while pipe.can_write() {
            pipe.push(&mut message("x"));
            pipe.flush();
            count += 1;
        }
        count
    }

    #[test]
    fn a_lane_holds_exactly_its_high_water_mark() {
        for hwm in [1, 2, 3, 10, 1000] {
            let (mut a, mut b) = owned_pipe([hwm, 0]);
            assert_eq!(fill(&mut a), hwm as usize);
            let low = hwm.div_ceil(2);
            for _ in 0..low - 1 {
                pop(&mut b).unwrap();
                assert!(!a.can_write());
            }
            assert_eq!(a.take_signals() & signal::WRITABLE, 0);
            pop(&mut b).unwrap();
            assert_eq!(a.take_signals() & signal::WRITABLE, signal::WRITABLE);
            assert_eq!(fill(&mut a), low as usize);
        }
    }

    #[test]
    fn zero_means_no_bound() {
        let (mut a, _b) = owned_pipe([0, 1]);
        for _ in 0..5000 {
            assert!(a.can_write());
            a.push(&mut message("x"));
            a.flush();
        }
    }

    #[test]
    fn a_changed_mark_reaches_a_live_lane() {
        let (mut a, mut b) = owned_pipe([2, 0]);
        assert_eq!(fill(&mut a), 2);
        a.set_hwm(true, 5);
        assert_eq!(fill(&mut a), 3);
        a.take_signals();
        b.set_hwm(false, 6);
        assert_eq!(a.take_signals(), signal::WRITABLE);
        assert_eq!(fill(&mut a), 1);
    }

    #[test]
    fn a_multipart_message_counts_once_and_appears_whole() {
        let (mut a, mut b) = owned_pipe([1, 0]);
        assert!(a.can_write());
        let mut first = message("1");
        first.set_more(true);
        a.push(&mut first);
        assert!(a.can_write());
        assert!(!b.can_read());
        a.push(&mut message("2"));
        a.flush();
        assert!(!a.can_write());
        assert_eq!(pop(&mut b).unwrap().data(), b"1");
        assert_eq!(pop(&mut b).unwrap().data(), b"2");
        assert!(pop(&mut b).is_none());
        assert!(a.can_write());
    }

    #[test]
    fn only_an_idle_reader_is_told() {
        let (mut a, mut b) = owned_pipe([0, 0]);
        for _ in 0..3 {
            a.push(&mut message("x"));
            a.flush();
        }
        assert_eq!(b.take_signals(), signal::READABLE);
        a.push(&mut message("x"));
        a.flush();
        assert_eq!(b.take_signals(), 0);
        while pop(&mut b).is_some() {}
        assert!(b.go_idle());
        a.push(&mut message("x"));
        a.flush();
        assert_eq!(b.take_signals(), signal::READABLE);
        assert!(!b.go_idle());
    }

    #[test]
    fn a_corked_lane_is_told_of_a_batch() {
        let (mut a, mut b) = owned_pipe([0, 0]);
        assert!(b.cork());
        a.push(&mut message("x"));
        a.flush();
        assert_eq!(b.take_signals(), 0);
        a.push(&mut Message::with_len(LARGE_BATCH_BYTES).unwrap());
        a.flush();
        assert_eq!(b.take_signals(), signal::BATCH);
    }

    /// A session that leaves what it is told of where it is.
    struct Gatherer {
        pipe: FutexMutex<Option<Pipe>>,
        told: FutexMutex<Vec<u32>>,
    }
    impl Owner for Gatherer {
        fn signalled(self: Arc<Self>, _: &EndRef) {
            if let Some(pipe) = &mut *self.pipe.lock() {
                self.told.lock().push(pipe.take_signals());
                pipe.cork_as_it_is();
            }
        }
    }

    #[test]
    fn what_is_left_to_gather_is_told_of_before_its_writer_waits() {
        let (mut a, b) = pipe([0, 0], false);
        let end = b.end();
        let gatherer =
            Arc::new(Gatherer { pipe: FutexMutex::new(Some(b)), told: FutexMutex::default() });
        end.set_owner(gatherer.clone());
        a.push(&mut message("x"));
        assert_eq!(a.flush(), Flushed::Corked);
        a.push_out();
        assert_eq!(*gatherer.told.lock(), [signal::READABLE, signal::BATCH]);
        let mut b = gatherer.pipe.lock().take();
        assert!(b.as_mut().and_then(pop).is_some());
    }

    #[test]
    fn what_was_written_before_the_close_stays_readable() {
        let (mut a, mut b) = owned_pipe([0, 0]);
        a.push(&mut message("x"));
        a.flush();
        let mut half = message("torn");
        half.set_more(true);
        a.push(&mut half);
        drop(a);
        assert_eq!(b.take_signals(), signal::READABLE | signal::CLOSED);
        assert!(!b.can_write());
        assert!(!b.is_finished());
        assert_eq!(pop(&mut b).unwrap().data(), b"x");
        assert!(b.is_finished());
    }

    #[test]
    fn peeked_messages_count_until_they_are_taken() {
        let (mut a, mut b) = owned_pipe([2, 0]);
        assert_eq!(fill(&mut a), 2);
        assert!(b.peek().is_some() && b.peek().is_some() && b.peek().is_none());
        assert!(!a.can_write());
        b.rewind();
        assert!(b.peek().is_some());
        b.take_peeked(1);
        assert!(a.can_write());
        b.rewind();
        assert_eq!(b.visible_frames(), 1);
    }

    #[test]
    fn a_conflated_lane_keeps_the_last_message() {
        let (mut a, mut b) = pipe([1, 1], true);
        for text in ["1", "2", "3"] {
            assert!(a.can_write());
            a.push(&mut message(text));
            a.flush();
        }
        assert!(b.can_read());
        assert_eq!(b.peek().unwrap().data(), b"3");
        b.rewind();
        assert_eq!(pop(&mut b).unwrap().data(), b"3");
        assert!(pop(&mut b).is_none());
        assert!(b.go_idle());
    }

    #[test]
    fn a_peer_is_learnt_between_messages() {
        let (mut a, mut b) = owned_pipe([1, 0]);
        a.push(&mut message("id").with_role(Role::Peer));
        a.flush();
        assert!(!b.can_read());
        assert_eq!(b.routing_id(), Some(&b"id"[..]));
        assert_eq!(fill(&mut a), 1);
    }
}

#[cfg(loom)]
mod models {
    use super::*;
    use crate::sync::bounded_model;

    /// Hears what the other end says, as sockets and sessions do.
    fn hear(pipe: &mut Pipe) -> bool {
        let told = pipe.take_signals() & signal::WRITABLE != 0;
        if told {
            pipe.look_again();
        }
        told
    }

    /// Waits until a message may be written, and writes it.
    fn write(pipe: &mut Pipe) {
        while !pipe.can_write() {
            while !hear(pipe) {
                loom::thread::yield_now();
            }
        }
        pipe.push(&mut message("x"));
        pipe.flush();
    }

    #[test]
    fn loom_what_comes_as_a_stream_ends_is_seen_or_told_of() {
        loom::model(|| {
            let (mut a, mut b) = owned_pipe([0, 0]);
            a.joins_sockets();
            write(&mut a);
            let thread = loom::thread::spawn(move || {
                write(&mut a);
                a
            });
            let mut received = 0;
            while received < 2 {
                b.await_stream();
                if pop(&mut b).is_some() {
                    received += 1;
                } else if b.go_idle() {
                    while b.take_signals() & signal::READABLE == 0 {
                        loom::thread::yield_now();
                    }
                }
            }
            drop(thread.join().unwrap());
        });
    }

    #[test]
    fn loom_a_raised_mark_frees_a_writer() {
        loom::model(|| {
            let (mut a, mut b) = owned_pipe([1, 0]);
            let thread = loom::thread::spawn(move || {
                b.set_hwm(false, 2);
                b
            });
            write(&mut a);
            write(&mut a);
            let _b = thread.join().unwrap();
            hear(&mut a);
            assert!(!a.can_write());
        });
    }

    #[test]
    fn loom_a_lowered_mark_holds_once_it_was_heard_of() {
        bounded_model(3, || {
            let (mut a, mut b) = owned_pipe([3, 0]);
            // From here on the writer knows of room for three.
            write(&mut a);
            let thread = loom::thread::spawn(move || {
                b.set_hwm(false, 1);
                assert!(pop(&mut b).is_some());
                b
            });
            let mut heard = false;
            for _ in 0..2 {
                heard |= hear(&mut a);
                if a.can_write() {
                    a.push(&mut message("x"));
                    a.flush();
                    assert!(!heard || a.unread() <= 1);
                }
            }
            let mut b = thread.join().unwrap();
            heard |= hear(&mut a);
            assert!(heard);
            assert_eq!(a.can_write(), a.unread() == 0);
            while pop(&mut b).is_some() {}
            hear(&mut a);
            assert!(a.can_write());
        });
    }

    #[test]
    fn loom_a_mark_that_moves_while_messages_are_taken_leaves_nobody_blocked() {
        bounded_model(3, || {
            let (mut a, mut b) = owned_pipe([2, 0]);
            write(&mut a);
            write(&mut a);
            let thread = loom::thread::spawn(move || {
                b.set_hwm(false, 1);
                assert!(pop(&mut b).is_some());
                assert!(pop(&mut b).is_some());
                b
            });
            write(&mut a);
            drop(thread.join().unwrap());
        });
    }

    #[test]
    fn loom_a_reader_that_goes_idle_misses_nothing() {
        bounded_model(3, || {
            let (mut a, mut b) = owned_pipe([0, 0]);
            let thread = loom::thread::spawn(move || {
                for _ in 0..2 {
                    a.push(&mut message("x"));
                    a.flush();
                }
                a
            });
            let mut got = 0;
            while got < 2 {
                if pop(&mut b).is_some() {
                    got += 1;
                } else if b.go_idle() {
                    while b.take_signals() & signal::READABLE == 0 {
                        loom::thread::yield_now();
                    }
                }
            }
            drop(thread.join().unwrap());
        });
    }

    /// A stream of two messages after `before` others, to a reader that has corked its
    /// lane.
    fn a_stream_ends(before: usize, cork: fn(&mut Pipe)) {
        bounded_model(3, move || {
            let (mut a, mut b) = owned_pipe([0, 0]);
            (0..before).for_each(|_| write(&mut a));
            b.take_signals();
            cork(&mut b);
            let thread = loom::thread::spawn(move || {
                (0..2).for_each(|_| write(&mut a));
                a
            });
            b.be_active();
            let mut got = 0;
            while got < before + 2 {
                if pop(&mut b).is_some() {
                    got += 1;
                } else if b.go_idle() {
                    while b.take_signals() & signal::READABLE == 0 {
                        loom::thread::yield_now();
                    }
                }
            }
            drop(thread.join().unwrap());
        });
    }

    #[test]
    fn loom_what_lay_in_wait_is_seen_when_the_stream_ends() {
        a_stream_ends(0, |reader| assert!(reader.cork()));
    }

    #[test]
    fn loom_what_was_left_to_gather_is_seen_when_the_stream_ends() {
        a_stream_ends(1, Pipe::cork_as_it_is);
    }

    #[test]
    fn loom_a_writer_that_found_the_lane_full_is_told() {
        loom::model(|| {
            let (mut a, mut b) = owned_pipe([1, 0]);
            a.push(&mut message("1"));
            a.flush();
            let thread = loom::thread::spawn(move || {
                assert!(pop(&mut b).is_some());
                b
            });
            while !a.can_write() {
                while a.take_signals() & signal::WRITABLE == 0 {
                    loom::thread::yield_now();
                }
            }
            drop(thread.join().unwrap());
        });
    }

    #[test]
    fn loom_a_lane_that_is_full_takes_nothing_while_its_mark_is_lowered() {
        loom::model(|| {
            let (mut a, mut b) = owned_pipe([2, 0]);
            for text in ["1", "2"] {
                assert!(a.can_write());
                a.push(&mut message(text));
                a.flush();
            }
            let thread = loom::thread::spawn(move || {
                b.set_hwm(false, 1);
                b
            });
            assert!(!a.can_write());
            let mut b = thread.join().unwrap();
            assert_eq!(a.take_signals() & signal::WRITABLE, signal::WRITABLE);
            a.look_again();
            assert!(!a.can_write());
            assert!(pop(&mut b).is_some());
            assert!(!a.can_write());
            assert!(pop(&mut b).is_some());
            assert!(a.can_write());
        });
    }

    #[test]
    fn loom_a_lane_that_is_full_opens_when_its_mark_is_raised() {
        loom::model(|| {
            let (mut a, mut b) = owned_pipe([1, 0]);
            assert!(a.can_write());
            a.push(&mut message("1"));
            a.flush();
            let thread = loom::thread::spawn(move || {
                b.set_hwm(false, 2);
                b
            });
            while !a.can_write() {
                while a.take_signals() & signal::WRITABLE == 0 {
                    loom::thread::yield_now();
                }
                a.look_again();
            }
            drop(thread.join().unwrap());
        });
    }

    #[test]
    fn loom_nothing_written_before_a_close_is_lost() {
        loom::model(|| {
            let (mut a, mut b) = owned_pipe([0, 0]);
            let thread = loom::thread::spawn(move || {
                a.push(&mut message("1"));
                a.flush();
                drop(a);
            });
            let mut got = 0;
            loop {
                if pop(&mut b).is_some() {
                    got += 1;
                } else if b.is_finished() {
                    break;
                } else if b.go_idle() {
                    while b.take_signals() == 0 {
                        loom::thread::yield_now();
                    }
                }
            }
            assert_eq!(got, 1);
            thread.join().unwrap();
        });
    }

    #[test]
    fn loom_both_ends_close_at_once() {
        loom::model(|| {
            let (mut a, b) = owned_pipe([0, 0]);
            a.push(&mut message("1"));
            a.flush();
            let thread = loom::thread::spawn(move || drop(b));
            drop(a);
            thread.join().unwrap();
        });
    }
}
