//! ETW, by the kernel's Etw* routines: a provider of self-describing (TraceLogging) events.
//!
//! An event costs one load while nobody listens. Otherwise it is one EtwWriteTransfer over memory that
//! is there already: constant descriptions, and values on the stack. Nothing is allocated or formatted.
//!
//! ```no_run
//! use kmdf::Guid;
//! use kmdf_etw::{Provider, event, provider_metadata};
//!
//! static PROVIDER: Provider = Provider::new(
//!     Guid::from_u128(0x5191_5B47_234C_517E_7A7D_333D_2854_1B99),
//!     &provider_metadata::<{ "MyDriver".len() + 3 }>("MyDriver"),
//! );
//!
//! event!(/// A request is done.
//!     pub REQUEST_DONE = PROVIDER, Verbose, "RequestDone", "Bytes");
//!
//! fn done(bytes: u64) {
//!     REQUEST_DONE.write([bytes]);
//! }
//!
//! /// `Driver::load`
//! fn load() {
//!     PROVIDER.register();
//! }
//!
//! /// `Driver::unload`
//! fn unload() {
//!     PROVIDER.unregister();
//! }
//! ```
#![no_std]

mod schema;

pub use schema::{provider_metadata, schema, schema_bytes};

use core::{
    ffi::c_void,
    marker::PhantomData,
    ptr,
    sync::atomic::{AtomicU16, AtomicU64, Ordering},
};

use kmdf::Guid;
use wdk_sys::{GUID, NTSTATUS};

/// How severe an event is; ETW's levels.
///
/// No example: [`event!`] takes their names.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Level {
    /// Something failed.
    Error = 2,
    /// Something unexpected happened.
    Warning = 3,
    /// What happens anyhow.
    Information = 4,
    /// What happens for each request.
    Verbose = 5,
}

/// A provider. There is one, in a static: the kernel keeps its address.
pub struct Provider {
    id: Guid,
    metadata: &'static [u8],
    /// `REGHANDLE`, 0 while it is not registered.
    handle: AtomicU64,
    /// The highest level that somebody listens to; 0 while nobody does.
    level: AtomicU16,
}

impl Provider {
    /// A provider that is not registered. The metadata are those of [`provider_metadata`].
    #[must_use]
    pub const fn new(id: Guid, metadata: &'static [u8]) -> Self {
        Self {
            id,
            metadata,
            handle: AtomicU64::new(0),
            level: AtomicU16::new(0),
        }
    }

    /// Registers it (`EtwRegister`). If that fails, nothing is traced, and the driver works all the
    /// same. IRQL: PASSIVE_LEVEL, in DriverEntry.
    pub fn register(&'static self) {
        let mut handle = 0;
        // SAFETY: the provider is a static, and unregistered before the image is unloaded; the id and
        // the handle live through the call.
        let status = unsafe {
            EtwRegister(
                self.id.as_ptr(),
                Some(enable),
                ptr::from_ref(self).cast_mut().cast(),
                &raw mut handle,
            )
        };
        if wdk::nt_success(status) {
            self.handle.store(handle, Ordering::Release);
        }
    }

    /// Unregisters it (`EtwUnregister`), if it is registered; waits until its callback has returned.
    /// IRQL: PASSIVE_LEVEL, in EvtDriverUnload or when DriverEntry fails.
    pub fn unregister(&self) {
        let handle = self.handle.swap(0, Ordering::AcqRel);
        if handle != 0 {
            // SAFETY: EtwRegister has given the handle, and the swap has given it to this call alone.
            let _success = unsafe { EtwUnregister(handle) };
        }
    }
}

/// A kind of event, with that many values.
///
/// No example: [`event!`] makes one.
pub struct Event<const VALUES: usize> {
    provider: &'static Provider,
    level: Level,
    schema: &'static [u8],
}

impl<const VALUES: usize> Event<VALUES> {
    /// How many data one consists of.
    #[expect(clippy::cast_possible_truncation, reason = "they are few")]
    const DATA: u32 = (size_of::<AllData<'_, VALUES>>() / size_of::<Data<'_>>()) as u32;

    /// An event of a provider. The schema is that of [`schema`].
    #[must_use]
    pub const fn new(provider: &'static Provider, level: Level, schema: &'static [u8]) -> Self {
        Self {
            provider,
            level,
            schema,
        }
    }

    /// Traces one (`EtwWriteTransfer`), if somebody listens. IRQL: <= DISPATCH_LEVEL; not in an ISR.
    #[inline]
    pub fn write(&self, values: [u64; VALUES]) {
        if self.level as u16 <= self.provider.level.load(Ordering::Relaxed) {
            self.write_enabled(&values);
        }
    }

    #[inline(never)]
    fn write_enabled(&self, values: &[u64; VALUES]) {
        let descriptor = EventDescriptor {
            id: 0,
            version: 0,
            channel: CHANNEL_TRACELOGGING,
            level: self.level as u8,
            opcode: 0,
            task: 0,
            keyword: KEYWORD,
        };
        let data = AllData {
            provider: Data::of(self.provider.metadata, PROVIDER_METADATA),
            event: Data::of(self.schema, EVENT_METADATA),
            values: values
                .each_ref()
                .map(|value| Data::of(core::slice::from_ref(value), 0)),
        };
        // SAFETY: descriptor and data, and what these point to, live through the call; there are as many data as are
        // named. A handle that is 0 or unregistered already is refused with a status.
        let _status = unsafe {
            EtwWriteTransfer(
                self.provider.handle.load(Ordering::Acquire),
                &raw const descriptor,
                ptr::null(),
                ptr::null(),
                Self::DATA,
                (&raw const data).cast(),
            )
        };
    }
}

/// `WINEVENT_CHANNEL_TRACELOGGING`: the event says itself what it consists of.
const CHANNEL_TRACELOGGING: u8 = 11;
/// All events are of one category: a listener that names none gets them, and may name this one.
const KEYWORD: u64 = 1;
/// `EVENT_DATA_DESCRIPTOR_TYPE_PROVIDER_METADATA`
const PROVIDER_METADATA: u32 = 2;
/// `EVENT_DATA_DESCRIPTOR_TYPE_EVENT_METADATA`
const EVENT_METADATA: u32 = 1;
/// Makes a static [`Event`] of a provider from a name and the names of its values.
#[macro_export]
macro_rules! event {
    ($(#[$doc:meta])* $vis:vis $event:ident = $provider:ident, $level:ident, $name:literal $(, $value:literal)*) => {
        $(#[$doc])*
        $vis static $event: $crate::Event<{
            let values: &[&str] = &[$($value),*];
            values.len()
        }> = $crate::Event::new(&$provider, $crate::Level::$level, {
            const VALUES: &[&str] = &[$($value),*];
            const SCHEMA: [u8; $crate::schema_bytes($name, VALUES)] =
                $crate::schema($name, VALUES);
            &SCHEMA
        });
    };
}

/// `EVENT_DESCRIPTOR`
#[repr(C)]
struct EventDescriptor {
    id: u16,
    version: u8,
    channel: u8,
    level: u8,
    opcode: u8,
    task: u16,
    keyword: u64,
}

/// `EVENT_DATA_DESCRIPTOR`
#[repr(C)]
struct Data<'a> {
    address: u64,
    bytes: u32,
    kind: u32,
    lent: PhantomData<&'a [u8]>,
}

/// The data of an event: what describes provider and event, and the values.
#[repr(C)]
struct AllData<'a, const VALUES: usize> {
    provider: Data<'a>,
    event: Data<'a>,
    values: [Data<'a>; VALUES],
}

impl<'a> Data<'a> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "no schema and no value comes near 4 GiB"
    )]
    fn of<T>(items: &'a [T], kind: u32) -> Self {
        Self {
            address: items.as_ptr().expose_provenance() as u64,
            bytes: size_of_val(items) as u32,
            kind,
            lent: PhantomData,
        }
    }
}

/// `ETWENABLECALLBACK`: somebody begins to listen, or nobody does any more. IRQL: PASSIVE_LEVEL.
///
/// # Safety
/// Only the kernel calls it, between EtwRegister and the end of EtwUnregister, with the provider.
unsafe extern "system" fn enable(
    _source: *const GUID,
    control: u32,
    level: u8,
    _match_any: u64,
    _match_all: u64,
    _filter: *mut c_void,
    provider: *mut c_void,
) {
    // SAFETY: it is the static that was registered; all that changes in it is atomic.
    let provider = unsafe { &*provider.cast_const().cast::<Provider>() };
    let level = match (control, level) {
        // EVENT_CONTROL_CODE_DISABLE_PROVIDER
        (0, _) => 0,
        // EVENT_CONTROL_CODE_ENABLE_PROVIDER. Level 0: all of them.
        (1, 0) => u16::MAX,
        (1, level) => level.into(),
        _ => return,
    };
    provider.level.store(level, Ordering::Relaxed);
}

// ntoskrnl's. wdk-sys has no binding of them without the WDK, where only what this repository declares
// is bound, and these four types are all there is to them.
unsafe extern "system" {
    fn EtwRegister(
        provider: *const GUID,
        callback: Option<
            unsafe extern "system" fn(*const GUID, u32, u8, u64, u64, *mut c_void, *mut c_void),
        >,
        context: *mut c_void,
        handle: *mut u64,
    ) -> NTSTATUS;
    fn EtwUnregister(handle: u64) -> NTSTATUS;
    fn EtwWriteTransfer(
        handle: u64,
        descriptor: *const EventDescriptor,
        activity: *const GUID,
        related: *const GUID,
        count: u32,
        data: *const c_void,
    ) -> NTSTATUS;
}
