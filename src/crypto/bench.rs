//! How fast boxes are, beside libsodium's: `make bench-crypto`. Look at ratios.

use std::hint::black_box;
use std::time::{Duration, Instant};

use curve25519_dalek::MontgomeryPoint;

use super::sodium::Sodium;
use super::unit::Unit;
use super::{Channel, Key, TAG_BYTES};

const SIZES: [usize; 9] = [0, 16, 64, 128, 256, 512, 1024, 8192, 65536];
const ROUNDS: usize = 15;
const SLICE: Duration = Duration::from_millis(4);

/// Seconds for one call: the best of several turns that all contestants take.
fn race(contestants: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let mut best = vec![f64::MAX; contestants.len()];
    for _ in 0..ROUNDS {
        for (best, contestant) in best.iter_mut().zip(contestants.iter_mut()) {
            let (mut calls, start) = (0, Instant::now());
            while start.elapsed() < SLICE {
                for _ in 0..16 {
                    contestant();
                }
                calls += 16;
            }
            *best = best.min(start.elapsed().as_secs_f64() / f64::from(calls));
        }
    }
    best
}

#[test]
#[ignore = "a benchmark"]
fn boxes_beside_those_of_libsodium() {
    let Some(sodium) = Sodium::load() else { return };
    let (bytes, nonce) = ([7; 32], *b"CurveZMQMESSAGEC\0\0\0\0\0\0\0\x01");
    println!(
        "{:28}{:>9}{:>12}{:>12}{:>9}{:>9}",
        "", "bytes", "sodium ns", "ours ns", "GB/s", "ratio"
    );
    for unit in Unit::all() {
        let channel = Channel { unit, ..Key::new(&bytes).channel(b"CurveZMQMESSAGEC") };
        for size in SIZES {
            let text = vec![1; size];
            let (mut theirs, mut ours) =
                (vec![0; size + TAG_BYTES + 1], vec![0; size + TAG_BYTES + 1]);
            let mut plain = vec![0; size + 1];
            plain[1..].copy_from_slice(&text);
            let times = race(&mut [
                &mut || sodium.seal_to(black_box(&bytes), &nonce, &plain, &mut theirs),
                &mut || channel.seal_message(black_box(1), 0, &text, &mut ours),
            ]);
            report(&format!("{unit:?} seal"), size, &times);
            assert_eq!(ours, theirs);
            let (mut body, mut out) = (vec![0; size], vec![0; size + 1]);
            let times = race(&mut [
                &mut || assert!(sodium.open_to(black_box(&bytes), &nonce, &theirs, &mut out)),
                &mut || assert!(channel.open_message(black_box(1), &ours, &mut body).is_ok()),
            ]);
            report(&format!("{unit:?} open"), size, &times);
        }
    }
    let secret = [9; 32];
    let public = MontgomeryPoint::mul_base_clamped(secret).to_bytes();
    let times = race(&mut [
        &mut || assert!(sodium.agree(black_box(&secret), &public).is_some()),
        &mut || assert!(Key::agree(black_box(&secret), &public).is_ok()),
    ]);
    report("agree", 32, &times);
}

fn report(what: &str, size: usize, times: &[f64]) {
    let [theirs, ours] = times else { return };
    let (rate, ratio) = (size as f64 / ours / 1e9, theirs / ours);
    println!("{what:28}{size:9}{:12.1}{:12.1}{rate:9.2}{ratio:9.2}", theirs * 1e9, ours * 1e9);
}
