//! `libgssapi_krb5.so.2`, loaded at run time: its functions as the C header has
//! them (RFC 2744), and owners for what they give. All that is unsafe about the
//! library is here; nothing above this file sees a pointer.

use std::ffi::{CStr, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering};

use super::Failed;
use super::principals::NameType;
use crate::error::KeepErrno;

/// MIT's, by the name that its ABI has had since 2003.
const NAME: &CStr = c"libgssapi_krb5.so.2";

/// `OM_uint32`.
type Word = u32;
type Handle = *mut c_void;

/// `gss_buffer_desc`.
#[repr(C)]
struct RawBuffer {
    length: usize,
    value: *mut c_void,
}

/// `gss_OID_desc`.
#[repr(C)]
struct Oid {
    length: Word,
    elements: *const c_void,
}

// SAFETY: those made here lead to constants.
unsafe impl Sync for Oid {}

const fn oid(elements: &'static [u8; 10]) -> Oid {
    Oid { length: elements.len() as Word, elements: elements.as_ptr().cast() }
}

/// `GSS_C_NT_HOSTBASED_SERVICE`, `GSS_C_NT_USER_NAME`, `GSS_KRB5_NT_PRINCIPAL_NAME`.
static HOST_BASED: Oid = oid(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04");
static USER_NAME: Oid = oid(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01");
static KRB5_PRINCIPAL: Oid = oid(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01");

/// Set in a major status: errors of the call and of the routine, in contrast to
/// notes such as [`CONTINUE_NEEDED`].
const ERROR_MASK: Word = 0xffff_0000;
const CONTINUE_NEEDED: Word = 1;

const INITIATE: c_int = 1;
const ACCEPT: c_int = 2;

/// What a context can do.
const MUTUAL: Word = 2;
const REPLAY: Word = 4;
const CONFIDENTIAL: Word = 16;
const INTEGRITY: Word = 32;

/// Declares the functions, and how they are all looked up.
macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*);)*) => {
        /// The library's functions, all of which return a major status and begin with
        /// a place for a minor one. They may be called on any thread; a handle is
        /// for one thread at a time.
        pub(super) struct Library {
            $($name: unsafe extern "C" fn(*mut Word, $($argument),*) -> Word,)*
        }

        impl Library {
            /// Looks all of them up.
            ///
            /// # Safety
            /// `library` comes from `dlopen` and is the one that [`NAME`] means.
            unsafe fn look_up(library: *mut c_void) -> Option<Library> {
                Some(Library {
                    $($name: {
                        let name = concat!(stringify!($name), "\0");
                        // SAFETY: the name ends in a zero.
                        let function = unsafe { libc::dlsym(library, name.as_ptr().cast()) };
                        if function.is_null() {
                            return None;
                        }
                        // SAFETY: the library's function of this name has this type.
                        unsafe { std::mem::transmute::<
                            *mut c_void,
                            unsafe extern "C" fn(*mut Word, $($argument),*) -> Word,
                        >(function) }
                    },)*
                })
            }
        }
    };
}

functions! {
    gss_import_name: fn(*const RawBuffer, *const Oid, *mut Handle);
    gss_display_name: fn(Handle, *mut RawBuffer, *mut *const Oid);
    gss_release_name: fn(*mut Handle);
    gss_acquire_cred: fn(Handle, Word, Handle, c_int, *mut Handle, *mut Handle, *mut Word);
    gss_release_cred: fn(*mut Handle);
    gss_init_sec_context: fn(
        Handle, *mut Handle, Handle, *const Oid, Word, Word, *const c_void, *const RawBuffer,
        *mut *const Oid, *mut RawBuffer, *mut Word, *mut Word
    );
    gss_accept_sec_context: fn(
        *mut Handle, Handle, *const RawBuffer, *const c_void, *mut Handle, *mut *const Oid,
        *mut RawBuffer, *mut Word, *mut Word, *mut Handle
    );
    gss_delete_sec_context: fn(*mut Handle, *mut RawBuffer);
    gss_wrap: fn(Handle, c_int, Word, *const RawBuffer, *mut c_int, *mut RawBuffer);
    gss_unwrap: fn(Handle, *const RawBuffer, *mut RawBuffer, *mut c_int, *mut Word);
    gss_release_buffer: fn(*mut RawBuffer);
}

/// The library, if it can be loaded. It stays loaded.
pub(super) fn get() -> Option<&'static Library> {
    // Null until it was tried. Threads that come here at once all try, and one is the
    // first: a forked child could not wait for another.
    static LIBRARY: AtomicPtr<Option<Library>> = AtomicPtr::new(null_mut());
    let mut known = LIBRARY.load(Ordering::Acquire);
    if known.is_null() {
        let loaded = Box::into_raw(Box::new(load()));
        // Release: what was looked up is there for whoever finds it.
        let first =
            LIBRARY.compare_exchange(null_mut(), loaded, Ordering::AcqRel, Ordering::Acquire);
        known = first.map_or_else(
            |other| {
                // SAFETY: made above, and shown to nobody.
                drop(unsafe { Box::from_raw(loaded) });
                other
            },
            |_| loaded,
        );
    }
    // SAFETY: not null, so from a box that is never freed or changed.
    unsafe { &*known }.as_ref()
}

fn load() -> Option<Library> {
    let _errno = KeepErrno::new();
    // SAFETY: a string; the constructors of a system library are trusted.
    let library = unsafe { libc::dlopen(NAME.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    // SAFETY: just opened, by this name.
    if library.is_null() { None } else { unsafe { Library::look_up(library) } }
}

impl Library {
    /// A name that was written as text.
    pub(super) fn name(&'static self, text: &[u8], kind: NameType) -> Result<Name, Failed> {
        let kind = match kind {
            NameType::HostBased => &HOST_BASED,
            NameType::UserName => &USER_NAME,
            NameType::Krb5Principal => &KRB5_PRINCIPAL,
        };
        let mut name = Name { library: self, handle: null_mut() };
        // SAFETY: the text is only read, and all places are ours.
        check(unsafe { (self.gss_import_name)(&mut 0, &borrowed(text), kind, &mut name.handle) })?;
        Ok(name)
    }

    /// The credentials of a name, to initiate with or to accept with. May block.
    fn credentials(&'static self, name: &Name, usage: c_int) -> Result<Credentials, Failed> {
        let mut credentials = Credentials { library: self, handle: null_mut() };
        // SAFETY: a name of the library's; the places that are not ours are NULL, and
        // may be.
        check(unsafe {
            (self.gss_acquire_cred)(
                &mut 0,
                name.handle,
                0,
                null_mut(),
                usage,
                &mut credentials.handle,
                null_mut(),
                null_mut(),
            )
        })?;
        Ok(credentials)
    }

    /// An initiator, with the credentials of `own` or the default ones. May block.
    pub(super) fn initiator(
        &'static self,
        own: Option<&Name>,
        service: Name,
    ) -> Result<Initiator, Failed> {
        let credentials = own.map(|name| self.credentials(name, INITIATE)).transpose()?;
        Ok(Initiator { credentials, service, context: SecurityContext::none(self) })
    }

    /// An acceptor, with the credentials of `own` or the default ones. May block.
    pub(super) fn acceptor(&'static self, own: Option<&Name>) -> Result<Acceptor, Failed> {
        let credentials = own.map(|name| self.credentials(name, ACCEPT)).transpose()?;
        Ok(Acceptor { credentials, context: SecurityContext::none(self) })
    }
}

/// Declares an owner of one of the library's objects.
macro_rules! owner {
    ($(#[$about:meta])* $owner:ident, $release:ident($($rest:expr),*)) => {
        $(#[$about])*
        pub(super) struct $owner {
            library: &'static Library,
            /// NULL for none.
            handle: Handle,
        }

        // SAFETY: the library's objects belong to no thread; `&mut` or the owner's
        // being owned makes it one at a time.
        unsafe impl Send for $owner {}

        impl Drop for $owner {
            fn drop(&mut self) {
                if !self.handle.is_null() {
                    // SAFETY: ours, and given back once. What else is NULL may be.
                    unsafe { (self.library.$release)(&mut 0, &mut self.handle $(, $rest)*) };
                }
            }
        }
    };
}

owner!(
    /// A name.
    Name,
    gss_release_name()
);
owner!(
    /// Credentials.
    Credentials,
    gss_release_cred()
);
owner!(
    /// A security context, at whatever stage.
    SecurityContext,
    gss_delete_sec_context(null_mut())
);

/// Bytes of the library's.
pub(super) struct Buffer {
    library: &'static Library,
    raw: RawBuffer,
}

impl Buffer {
    fn none(library: &'static Library) -> Buffer {
        Buffer { library, raw: RawBuffer { length: 0, value: null_mut() } }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        if self.raw.value.is_null() {
            return &[];
        }
        // SAFETY: the library made it so long, and it is ours until it is dropped.
        unsafe { std::slice::from_raw_parts(self.raw.value.cast(), self.raw.length) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: the library's or empty, and given back once.
        unsafe { (self.library.gss_release_buffer)(&mut 0, &mut self.raw) };
    }
}

/// What a step has come to.
pub(super) struct Stepped {
    /// For the peer.
    pub(super) token: Buffer,
    /// Nothing more is needed of the peer.
    pub(super) is_done: bool,
}

/// The side that begins.
pub(super) struct Initiator {
    credentials: Option<Credentials>,
    service: Name,
    context: SecurityContext,
}

impl Initiator {
    /// Takes a token of the acceptor's, an empty one at first. May block.
    pub(super) fn step(&mut self, token: &[u8]) -> Result<Stepped, Failed> {
        let library = self.context.library;
        let mut out = Buffer::none(library);
        let mut flags = 0;
        let wanted = MUTUAL | REPLAY | CONFIDENTIAL | INTEGRITY;
        // SAFETY: handles of the library's; the token is only read; places that are
        // not ours are NULL, and may be.
        let status = unsafe {
            (library.gss_init_sec_context)(
                &mut 0,
                handle(self.credentials.as_ref()),
                &mut self.context.handle,
                self.service.handle,
                null(),
                wanted,
                0,
                null(),
                &borrowed(token),
                null_mut(),
                &mut out.raw,
                &mut flags,
                null_mut(),
            )
        };
        check(status)?;
        let is_done = status & CONTINUE_NEEDED == 0;
        // Who does not prove to be the service is none.
        if is_done && flags & wanted != wanted {
            return Err(Failed);
        }
        Ok(Stepped { token: out, is_done })
    }

    /// What the negotiation has made.
    pub(super) fn into_context(self) -> SecurityContext {
        self.context
    }
}

/// The side that waits for the other one to begin.
pub(super) struct Acceptor {
    credentials: Option<Credentials>,
    context: SecurityContext,
}

impl Acceptor {
    /// Takes a token of the initiator's; gives the initiator's name once all is done.
    /// May block.
    pub(super) fn step(&mut self, token: &[u8]) -> Result<(Stepped, Vec<u8>), Failed> {
        let library = self.context.library;
        let mut out = Buffer::none(library);
        let mut name = Name { library, handle: null_mut() };
        let mut flags = 0;
        // SAFETY: as in `Initiator::step`; without a place for them, the library keeps
        // no credentials that are delegated.
        let status = unsafe {
            (library.gss_accept_sec_context)(
                &mut 0,
                &mut self.context.handle,
                handle(self.credentials.as_ref()),
                &borrowed(token),
                null(),
                &mut name.handle,
                null_mut(),
                &mut out.raw,
                &mut flags,
                null_mut(),
                null_mut(),
            )
        };
        check(status)?;
        let is_done = status & CONTINUE_NEEDED == 0;
        let wanted = CONFIDENTIAL | INTEGRITY;
        if !is_done {
            return Ok((Stepped { token: out, is_done }, Vec::new()));
        }
        if flags & wanted != wanted || name.handle.is_null() {
            return Err(Failed);
        }
        Ok((Stepped { token: out, is_done }, name.text()?))
    }

    /// What the negotiation has made.
    pub(super) fn into_context(self) -> SecurityContext {
        self.context
    }
}

impl Name {
    /// The name as text.
    fn text(&self) -> Result<Vec<u8>, Failed> {
        let mut text = Buffer::none(self.library);
        // SAFETY: a name of the library's; the type is not asked for.
        check(unsafe {
            (self.library.gss_display_name)(&mut 0, self.handle, &mut text.raw, null_mut())
        })?;
        Ok(text.as_ref().to_vec())
    }
}

impl SecurityContext {
    fn none(library: &'static Library) -> SecurityContext {
        SecurityContext { library, handle: null_mut() }
    }

    /// Encrypts and signs.
    pub(super) fn wrap(&mut self, plain: &[u8]) -> Result<Buffer, Failed> {
        let mut out = Buffer::none(self.library);
        let mut encrypted = 0;
        // SAFETY: a context of the library's; what is wrapped is only read.
        let status = unsafe {
            let plain = borrowed(plain);
            (self.library.gss_wrap)(&mut 0, self.handle, 1, 0, &plain, &mut encrypted, &mut out.raw)
        };
        if status == 0 && encrypted != 0 { Ok(out) } else { Err(Failed) }
    }

    /// Takes back what the peer has wrapped. Notes in the status are errors here: the
    /// peer's bytes come in order, and once.
    pub(super) fn unwrap(&mut self, wrapped: &[u8]) -> Result<Buffer, Failed> {
        let mut out = Buffer::none(self.library);
        let mut encrypted = 0;
        // SAFETY: a context of the library's; what is wrapped is only read, and the
        // quality is not asked for.
        let status = unsafe {
            let wrapped = borrowed(wrapped);
            (self.library.gss_unwrap)(
                &mut 0,
                self.handle,
                &wrapped,
                &mut out.raw,
                &mut encrypted,
                null_mut(),
            )
        };
        if status == 0 && encrypted != 0 { Ok(out) } else { Err(Failed) }
    }
}

/// The handle of credentials; none means the default ones.
fn handle(credentials: Option<&Credentials>) -> Handle {
    credentials.map_or(null_mut(), |credentials| credentials.handle)
}

/// Bytes that the library only reads.
fn borrowed(bytes: &[u8]) -> RawBuffer {
    RawBuffer { length: bytes.len(), value: bytes.as_ptr().cast_mut().cast() }
}

/// Whether a major status is that of a call that did its work.
fn check(status: Word) -> Result<(), Failed> {
    if status & ERROR_MASK == 0 { Ok(()) } else { Err(Failed) }
}
