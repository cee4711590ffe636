//! Which unit of the processor does the work: asked once, and kept with each key.
//!
//! Processors that are not x86 get the portable code.

use super::engine::{self, Text};
use super::poly1305::TAG_BYTES;
use super::salsa20::{Scalar, Stream};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512, sse2};

/// A way to do it that this processor has: there is no other way to make one
/// than [`Unit::all`], which has asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2Rotating,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Sse2,
    Scalar,
}

impl Unit {
    /// The best that there is.
    pub(super) fn best() -> Self {
        Self::all().next().unwrap_or(Self(Kind::Scalar))
    }

    /// All that there are, the best first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let vector = {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2");
            let rotates = avx2 && is_x86_feature_detected!("avx512vl");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512ifma")
                && is_x86_feature_detected!("bmi2");
            [
                (avx512, Kind::Avx512),
                (rotates, Kind::Avx2Rotating),
                (avx2, Kind::Avx2),
                (true, Kind::Sse2),
            ]
        };
        #[cfg(not(target_arch = "x86_64"))]
        let vector = [];
        vector
            .into_iter()
            .chain([(true, Kind::Scalar)])
            .filter(|(there, _)| *there)
            .map(|(_, kind)| Self(kind))
    }

    /// Encrypts a text, and says its tag.
    #[inline]
    pub(super) fn seal(self, stream: Stream<'_>, text: &mut impl Text) -> [u8; TAG_BYTES] {
        match self.0 {
            // SAFETY: a `Unit` of this kind is made only where the processor can.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { avx512::seal(stream, text) },
            // SAFETY: likewise.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2Rotating => unsafe { avx2::seal::<true>(stream, text) },
            // SAFETY: likewise.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { avx2::seal::<false>(stream, text) },
            #[cfg(target_arch = "x86_64")]
            Kind::Sse2 => sse2::seal(stream, text),
            Kind::Scalar => engine::seal(&Scalar(stream), text),
        }
    }

    /// Decrypts a text if its tag is right. If it is not, none of it can be read,
    /// and false is returned.
    #[inline]
    pub(super) fn open(
        self,
        stream: Stream<'_>,
        text: &mut impl Text,
        tag: &[u8; TAG_BYTES],
    ) -> bool {
        match self.0 {
            // SAFETY: a `Unit` of this kind is made only where the processor can.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { avx512::open(stream, text, tag) },
            // SAFETY: likewise.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2Rotating => unsafe { avx2::open::<true>(stream, text, tag) },
            // SAFETY: likewise.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { avx2::open::<false>(stream, text, tag) },
            #[cfg(target_arch = "x86_64")]
            Kind::Sse2 => sse2::open(stream, text, tag),
            Kind::Scalar => engine::open(&Scalar(stream), text, tag),
        }
    }
}
