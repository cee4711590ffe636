//! libsodium as an oracle for tests and a yardstick for benchmarks, where the
//! machine has it (Debian: libsodium23). It is loaded when it is asked for:
//! nothing is linked to it.

use std::ffi::CStr;
use std::ffi::{c_int, c_ulonglong};

type Seal = unsafe extern "C" fn(*mut u8, *const u8, c_ulonglong, *const u8, *const u8) -> c_int;
type Derive = unsafe extern "C" fn(*mut u8, *const u8, *const u8) -> c_int;

type Tag = unsafe extern "C" fn(*mut u8, *const u8, c_ulonglong, *const u8) -> c_int;

/// The functions of libsodium that we have counterparts of.
pub(super) struct Sodium {
    seal: Seal,
    open: Seal,
    agree: Derive,
    tag: Tag,
}

impl Sodium {
    /// Loads it, or says on stderr that it is not there.
    pub(super) fn load() -> Option<Self> {
        // SAFETY: the name is a C string; libsodium's constructors do no harm.
        let library = unsafe { libc::dlopen(c"libsodium.so.23".as_ptr(), libc::RTLD_NOW) };
        if library.is_null() {
            eprintln!("skipped: no libsodium.so.23 (Debian: libsodium23)");
            return None;
        }
        let symbol = |name: &CStr| {
            // SAFETY: a handle just opened, and a C string.
            let symbol = unsafe { libc::dlsym(library, name.as_ptr()) };
            assert!(!symbol.is_null(), "libsodium has no {name:?}");
            symbol
        };
        // SAFETY: the types are those of sodium.h; the library is never unloaded.
        unsafe {
            let init: unsafe extern "C" fn() -> c_int = std::mem::transmute(symbol(c"sodium_init"));
            assert!(init() >= 0);
            Some(Self {
                seal: std::mem::transmute::<*mut libc::c_void, Seal>(symbol(
                    c"crypto_secretbox_easy",
                )),
                open: std::mem::transmute::<*mut libc::c_void, Seal>(symbol(
                    c"crypto_secretbox_open_easy",
                )),
                agree: std::mem::transmute::<*mut libc::c_void, Derive>(symbol(
                    c"crypto_box_beforenm",
                )),
                tag: std::mem::transmute::<*mut libc::c_void, Tag>(symbol(c"crypto_onetimeauth")),
            })
        }
    }

    /// Seals a text into another buffer.
    pub(super) fn seal_to(&self, key: &[u8; 32], nonce: &[u8; 24], text: &[u8], out: &mut [u8]) {
        assert_eq!(out.len(), text.len() + 16);
        let (out, len) = (out.as_mut_ptr(), text.len() as c_ulonglong);
        // SAFETY: a box is sixteen bytes longer than its text.
        let answer = unsafe { (self.seal)(out, text.as_ptr(), len, nonce.as_ptr(), key.as_ptr()) };
        assert_eq!(answer, 0);
    }

    /// Opens a box into another buffer, and says whether it could.
    pub(super) fn open_to(
        &self,
        key: &[u8; 32],
        nonce: &[u8; 24],
        sealed: &[u8],
        out: &mut [u8],
    ) -> bool {
        assert_eq!(out.len() + 16, sealed.len());
        let (out, len) = (out.as_mut_ptr(), sealed.len() as c_ulonglong);
        // SAFETY: a box is sixteen bytes longer than its text.
        unsafe { (self.open)(out, sealed.as_ptr(), len, nonce.as_ptr(), key.as_ptr()) == 0 }
    }

    /// The key that two pairs have in common.
    pub(super) fn agree(&self, secret: &[u8; 32], public: &[u8; 32]) -> Option<[u8; 32]> {
        let mut key = [0; 32];
        // SAFETY: all three have 32 bytes.
        let answer = unsafe { (self.agree)(key.as_mut_ptr(), public.as_ptr(), secret.as_ptr()) };
        (answer == 0).then_some(key)
    }

    /// Poly1305 of a text.
    pub(super) fn tag(&self, key: &[u8; 32], text: &[u8]) -> [u8; 16] {
        let mut tag = [0; 16];
        let (out, len) = (tag.as_mut_ptr(), text.len() as c_ulonglong);
        // SAFETY: a tag has sixteen bytes and a key 32.
        unsafe { (self.tag)(out, text.as_ptr(), len, key.as_ptr()) };
        tag
    }
}
