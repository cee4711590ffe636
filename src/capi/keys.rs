//! `zmq_z85_*` and `zmq_curve_*` (manual pages of these names): keys as text,
//! and new ones.

use std::ffi::{CStr, c_char, c_int};
use std::{ptr, slice};

use zeroize::Zeroizing;

use super::entry::{guard, guard_keeping_errno};
use crate::curve_keys::{KEY_BYTES, SecretKey, new_secret_key, public_key};
use crate::error::{Errno, Result};
use crate::z85;

/// Characters of a key as Z85.
const KEY_TEXT: usize = KEY_BYTES / 4 * 5;

/// Writes bytes as Z85 text, five characters for each four bytes.
///
/// - `dest`: where to write `size * 5 / 4` characters and a zero.
/// - `data`: the bytes, apart from `dest`.
/// - `size`: how many there are, divisible by 4.
///
/// Returns `dest`, or NULL with errno:
///
/// - EINVAL: `size` is not divisible by 4.
/// - EFAULT: `dest` is NULL, or `data` is and `size` is not 0.
///
/// # Safety
/// `dest` is NULL or writable for the text and its zero; `data` is NULL or
/// readable for `size` bytes, and apart from it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_z85_encode(
    dest: *mut c_char,
    data: *const u8,
    size: usize,
) -> *mut c_char {
    guard(|| {
        if !size.is_multiple_of(4) || size > isize::MAX as usize {
            return Err(Errno::EINVAL);
        }
        if dest.is_null() || (data.is_null() && size > 0) {
            return Err(Errno::EFAULT);
        }
        let bytes = match size {
            0 => &[],
            // SAFETY: the caller's promise.
            _ => unsafe { slice::from_raw_parts(data, size) },
        };
        // SAFETY: the caller's promise.
        unsafe { write_text(dest, bytes) }?;
        Ok(dest)
    })
}

/// Writes the bytes that Z85 text stands for, four for each five characters.
///
/// - `dest`: where to write the bytes. After an error, what came before the
///   fault may have been written.
/// - `string`: the text, whose length is divisible by 5.
///
/// Returns `dest`, or NULL with errno:
///
/// - EINVAL: the text is empty or not Z85.
/// - EFAULT: one of them is NULL.
///
/// # Safety
/// `string` is NULL or a C string; `dest` is NULL or writable for its bytes,
/// and apart from it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_z85_decode(dest: *mut u8, string: *const c_char) -> *mut u8 {
    guard(|| {
        // SAFETY: the caller's promise.
        let groups = z85::decode(unsafe { text(string) }?)?;
        if dest.is_null() {
            return Err(Errno::EFAULT);
        }
        for (index, group) in groups.enumerate() {
            let group = group?;
            // SAFETY: the caller's promise: four bytes for each group.
            unsafe { dest.add(index * 4).cast::<[u8; 4]>().write_unaligned(group) };
        }
        Ok(dest)
    })
}

/// Makes a pair of keys for the CURVE mechanism.
///
/// - `z85_public_key`, `z85_secret_key`: where to write each key, as Z85 text of
///   40 characters and a zero.
///
/// Returns 0, or -1 with errno:
///
/// - EFAULT: one of them is NULL.
///
/// Other values are the system's, when it has no random bytes.
///
/// # Safety
/// Each pointer is NULL or writable for 41 characters.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_curve_keypair(
    z85_public_key: *mut c_char,
    z85_secret_key: *mut c_char,
) -> c_int {
    guard_keeping_errno(|| {
        if z85_public_key.is_null() || z85_secret_key.is_null() {
            return Err(Errno::EFAULT);
        }
        let secret = new_secret_key()?;
        // SAFETY: the caller's promise.
        unsafe {
            write_text(z85_public_key, &public_key(&secret))?;
            write_text(z85_secret_key, &*secret)
        }
    })
}

/// The public key that belongs to a secret one.
///
/// - `z85_public_key`: where to write it, as Z85 text of 40 characters and a
///   zero.
/// - `z85_secret_key`: the secret key, as text of 40 characters.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: the text is no key.
/// - EFAULT: one of them is NULL.
///
/// # Safety
/// `z85_secret_key` is NULL or a C string; `z85_public_key` is NULL or writable
/// for 41 characters. The two may be the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_curve_public(
    z85_public_key: *mut c_char,
    z85_secret_key: *const c_char,
) -> c_int {
    guard(|| {
        // SAFETY: the caller's promise.
        let text = unsafe { text(z85_secret_key) }?;
        if text.len() != KEY_TEXT {
            return Err(Errno::EINVAL);
        }
        let mut secret = SecretKey::default();
        for (place, group) in secret.as_chunks_mut::<4>().0.iter_mut().zip(z85::decode(text)?) {
            *place = *Zeroizing::new(group?);
        }
        if z85_public_key.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: the caller's promise.
        unsafe { write_text(z85_public_key, &public_key(&secret)) }
    })
}

/// The characters of a C string. EFAULT for NULL.
///
/// # Safety
/// `string` is NULL or a C string that outlives the answer.
unsafe fn text<'a>(string: *const c_char) -> Result<&'a [u8]> {
    if string.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: not NULL, so a string by the caller's promise.
    Ok(unsafe { CStr::from_ptr(string) }.to_bytes())
}

/// Writes bytes as Z85, and a zero.
///
/// # Safety
/// `dest` is writable for both.
unsafe fn write_text(dest: *mut c_char, bytes: &[u8]) -> Result<()> {
    let mut end = dest.cast::<u8>();
    for group in z85::encode(bytes)?.map(Zeroizing::new) {
        // SAFETY: the caller's promise: five characters for each group, and
        // the zero behind them.
        unsafe {
            end.cast::<[u8; 5]>().write_unaligned(*group);
            end = end.add(group.len());
        }
    }
    // SAFETY: as above.
    unsafe { ptr::write(end, 0) };
    Ok(())
}
