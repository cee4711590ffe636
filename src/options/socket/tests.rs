//! The options of a socket, set and read as the C functions do.

use super::*;
use crate::options::Resting;

const ASLEEP: Resting =
    Resting { receive_more: true, events: Err(Errno::ETERM), fd: 7, last_endpoint: b"inproc://a" };

fn fresh(kind: SocketType) -> SocketOptions {
    SocketOptions::new(kind, &ContextOptions::default())
}

fn set_int(options: &mut SocketOptions, option: i32, value: i32) -> Result<()> {
    options.set(option, Some(&value.to_ne_bytes())).map(drop)
}

fn int(options: &SocketOptions, option: i32) -> i32 {
    let mut buffer = [0xaa; 4];
    assert_eq!(options.get(option, &ASLEEP, &mut buffer), Ok(4), "option {option}");
    i32::from_ne_bytes(buffer)
}

#[test]
fn ints_are_read_and_written_at_their_size_only() {
    let mut push = fresh(SocketType::Push);
    for size in [0, 1, 3, 5, 8, 300] {
        assert_eq!(push.set(23, Some(&vec![0; size])), Err(Errno::EINVAL));
        assert_eq!(push.get(23, &ASLEEP, &mut vec![0; size]), Err(Errno::EINVAL));
    }
    assert_eq!(push.set(23, None), Err(Errno::EINVAL));
    assert_eq!(push.set(23, Some(&7i32.to_ne_bytes())), Ok(Change::SendHwm));
    assert_eq!((int(&push, 23), push.sndhwm), (7, 7));
    assert_eq!(set_int(&mut push, 23, -1), Err(Errno::EINVAL));
    assert_eq!(push.sndhwm, 7);
}

#[test]
fn live_ints_fit_larger_buffers() {
    let pull = fresh(SocketType::Pull);
    let mut buffer = [0xaa; 9];
    assert_eq!(pull.get(14, &ASLEEP, &mut buffer), Ok(4));
    assert_eq!(buffer, [7, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(pull.get(14, &ASLEEP, &mut buffer[..3]), Err(Errno::EINVAL));
    assert_eq!(pull.get(15, &ASLEEP, &mut buffer), Err(Errno::ETERM));
    assert_eq!(int(&pull, 13), 1);
    assert_eq!(int(&pull, 16), 7);
    assert_eq!(pull.get(16, &ASLEEP, &mut buffer), Err(Errno::EINVAL));
}

#[test]
fn texts_end_in_a_zero_and_zeros_fill_the_rest() {
    let mut pair = fresh(SocketType::Pair);
    let mut buffer = [0xaa; 13];
    assert_eq!(pair.get(32, &ASLEEP, &mut buffer), Ok(11));
    assert_eq!(&buffer, b"inproc://a\0\0\0");
    assert_eq!(pair.get(32, &ASLEEP, &mut buffer[..10]), Err(Errno::EINVAL));
    assert_eq!(pair.set(92, Some(b"lo\0")), Ok(Change::Stored));
    assert_eq!(pair.get(92, &ASLEEP, &mut buffer), Ok(4));
    assert_eq!(pair.device(), Some(&b"lo"[..]));
    assert_eq!(pair.set(92, Some(b"")), Err(Errno::EINVAL));
    assert_eq!(pair.set(92, Some(&[b'x'; 17])), Err(Errno::EINVAL));
    assert_eq!(pair.set(92, None), Ok(Change::Stored));
    assert_eq!(pair.device(), None);
}

#[test]
fn routing_ids_have_1_to_255_bytes_of_any_value() {
    let mut dealer = fresh(SocketType::Dealer);
    for (id, fits) in [(&[][..], false), (&[0, 1], true), (&[1; 255], true), (&[1; 256], false)] {
        assert_eq!(dealer.set(5, Some(id)).is_ok(), fits, "{} bytes", id.len());
    }
    assert_eq!(dealer.set(5, Some(b"ab")), Ok(Change::Stored));
    let mut buffer = [0xaa; 4];
    assert_eq!(dealer.get(5, &ASLEEP, &mut buffer), Ok(2));
    assert_eq!(&buffer, b"ab\0\0");
    assert_eq!(dealer.get(5, &ASLEEP, &mut buffer[..1]), Err(Errno::EINVAL));
}

#[test]
fn pattern_options_are_for_their_types() {
    let mut rep = fresh(SocketType::Rep);
    let mut dealer = fresh(SocketType::Dealer);
    let seven = 7i32.to_ne_bytes();
    let mandatory = Change::Pattern(PatternOption::RouterMandatory(true));
    assert_eq!(rep.set(33, Some(&seven)), Ok(mandatory));
    assert_eq!(dealer.set(33, Some(&seven)), Err(Errno::EINVAL));
    assert_eq!(set_int(&mut rep, 33, -1), Err(Errno::EINVAL));
    assert_eq!(rep.get(33, &ASLEEP, &mut [0; 4]), Err(Errno::EINVAL));
    assert_eq!(dealer.set(6, Some(b"")), Err(Errno::EINVAL));
    let mut sub = fresh(SocketType::Sub);
    assert_eq!(sub.set(6, Some(b"topic")), Ok(Change::Subscribe(b"topic")));
    assert_eq!(sub.set(7, None), Ok(Change::Unsubscribe(b"")));
}

#[test]
fn sockets_inherit_from_the_context() {
    let mut context = ContextOptions::default();
    assert_eq!(int(&SocketOptions::new(SocketType::Push, &context), 17), -1);
    assert_eq!(int(&SocketOptions::new(SocketType::XSub, &context), 17), 0);
    context.set(70, 0).unwrap();
    context.set(42, 1).unwrap();
    let push = SocketOptions::new(SocketType::Push, &context);
    assert_eq!((int(&push, 17), int(&push, 42), int(&push, 31)), (0, 1, 0));
}

#[test]
fn ipv4only_is_the_opposite_of_ipv6() {
    let mut pair = fresh(SocketType::Pair);
    set_int(&mut pair, 31, 0).unwrap();
    assert!(pair.ipv6);
    set_int(&mut pair, 42, 0).unwrap();
    assert_eq!(int(&pair, 31), 1);
    assert_eq!(set_int(&mut pair, 31, 2), Err(Errno::EINVAL));
}

#[test]
fn heartbeat_ttl_is_cut_to_tenths_of_a_second() {
    let mut pair = fresh(SocketType::Pair);
    for (given, kept) in [(99, 0), (-99, 0), (255, 200), (6_553_599, 6_553_500)] {
        set_int(&mut pair, 76, given).unwrap();
        assert_eq!(int(&pair, 76), kept);
    }
    for refused in [-100, 6_553_600, i32::MAX] {
        assert_eq!(set_int(&mut pair, 76, refused), Err(Errno::EINVAL));
    }
}

#[test]
fn heartbeat_timeout_is_unset_until_set() {
    let mut pair = fresh(SocketType::Pair);
    assert_eq!(pair.heartbeat_timeout, None);
    set_int(&mut pair, 75, 500).unwrap();
    assert_eq!(pair.heartbeat_timeout, None);
    assert_eq!(int(&pair, 77), -1);
    set_int(&mut pair, 77, 200).unwrap();
    assert_eq!(pair.heartbeat_timeout, Some(Duration::from_millis(200)));
}

#[test]
fn intervals_keep_the_value_given_and_know_its_meaning() {
    let mut pair = fresh(SocketType::Pair);
    for (given, meaning) in [(-1, None), (0, None), (5, Some(Duration::from_millis(5)))] {
        set_int(&mut pair, 18, given).unwrap();
        assert_eq!((int(&pair, 18), pair.reconnect_interval()), (given, meaning));
    }
    assert_eq!(pair.max_message_bytes(), None);
    assert_eq!(pair.set(22, Some(&(-2i64).to_ne_bytes())), Ok(Change::Stored));
    assert_eq!(pair.max_message_bytes(), None);
    assert_eq!(pair.set(22, Some(&0i64.to_ne_bytes())), Ok(Change::Stored));
    assert_eq!(pair.max_message_bytes(), Some(0));
    assert_eq!(pair.set(22, Some(&0i32.to_ne_bytes())), Err(Errno::EINVAL));
}

#[test]
fn properties_are_named_x_and_kept_once() {
    let mut pair = fresh(SocketType::Pair);
    for text in ["X-a:b", "X-b:c:d", "X-a:again", "X-a::", "X-:bc", "X-n\0m:v"] {
        assert_eq!(pair.set(95, Some(text.as_bytes())), Ok(Change::Stored), "{text}");
    }
    for text in ["", "a:b", "x-a:b", "X-a", "X-a:", "X-:b", "X-ab:", "X-::", "XX-a:b", ":X-a:b"] {
        assert_eq!(pair.set(95, Some(text.as_bytes())), Err(Errno::EINVAL), "{text}");
    }
    assert_eq!(pair.set(95, None), Err(Errno::EINVAL));
    assert_eq!(pair.metadata[&b"X-a"[..]], b"b");
    assert_eq!(pair.metadata[&b"X-b"[..]], b"c:d");
    for (length, fits) in [(255, true), (256, false)] {
        let text = [b"X-", &vec![b'n'; length - 2][..], b":v"].concat();
        assert_eq!(pair.set(95, Some(&text)).is_ok(), fits);
    }
}

#[test]
fn null_forgets_filters_and_nothing_else_is_shorter_than_one() {
    let mut pair = fresh(SocketType::Pair);
    let filter = |filter| Ok(Change::Filter(filter));
    assert_eq!(pair.set(38, Some(b"a")), filter(Filter::Network(Some(b"a"))));
    assert_eq!(pair.set(38, None), filter(Filter::Network(None)));
    assert_eq!(pair.set(38, Some(b"")), Err(Errno::EINVAL));
    assert_eq!(set_int(&mut pair, 59, -1), Ok(()));
    assert_eq!(pair.set(60, None), filter(Filter::Group(None)));
    assert_eq!(pair.set(58, Some(b"")), Err(Errno::EINVAL));
    assert_eq!(pair.get(58, &ASLEEP, &mut [0; 4]), Err(Errno::EINVAL));
}

#[test]
fn options_of_later_steps_and_of_nobody_answer_einval() {
    let mut pair = fresh(SocketType::Pair);
    for unknown in [i32::MIN, -1, 0, 1, 3, 10, 70, 127, 128, 255, 1000, i32::MAX] {
        assert_eq!(set_int(&mut pair, unknown, 1), Err(Errno::EINVAL));
        assert_eq!(pair.get(unknown, &ASLEEP, &mut [0; 4]), Err(Errno::EINVAL));
    }
}
