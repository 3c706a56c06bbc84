//! ETW, by the kernel's Etw* routines: a provider of self-describing (TraceLogging) events.
//!
//! An event costs one load while nobody listens. Otherwise it is one EtwWriteTransfer over memory that
//! is there already: constant descriptions, and values on the stack. Nothing is allocated or formatted.
//! Why no crate does this: docs/adr/0003-tracing.md.

use core::{
    ffi::c_void,
    marker::PhantomData,
    ptr,
    sync::atomic::{AtomicU16, AtomicU64, Ordering},
};

use edu_spec::interface::Guid;
use wdk_sys::NTSTATUS;

/// How severe an event is; ETW's levels.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Level {
    /// Something failed.
    Error = 2,
    /// Something odd happened.
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
                &raw const self.id,
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
pub struct Event<const VALUES: usize> {
    provider: &'static Provider,
    level: Level,
    schema: &'static [u8],
}

impl<const VALUES: usize> Event<VALUES> {
    /// How many data one consists of.
    #[expect(clippy::cast_possible_truncation, reason = "they are few")]
    const DATA: u32 = (METADATA + VALUES) as u32;

    /// An event of a provider. The schema is that of [`schema`].
    pub const fn new(provider: &'static Provider, level: Level, schema: &'static [u8]) -> Self {
        const { assert!(VALUES <= MOST_VALUES) };
        Self {
            provider,
            level,
            schema,
        }
    }

    /// Traces one (`EtwWriteTransfer`), if somebody listens. IRQL: <= DISPATCH_LEVEL by this driver's
    /// rules; not in an ISR.
    #[inline]
    pub fn write(&self, values: [u64; VALUES]) {
        if self.level as u16 <= self.provider.level.load(Ordering::Relaxed) {
            self.write_enabled(&values);
        }
    }

    #[cold]
    #[inline(never)]
    fn write_enabled(&self, values: &[u64]) {
        let descriptor = EventDescriptor {
            id: 0,
            version: 0,
            channel: CHANNEL_TRACELOGGING,
            level: self.level as u8,
            opcode: 0,
            task: 0,
            keyword: KEYWORD,
        };
        let value = |index| {
            let value = values.get(index);
            value.map_or(Data::NONE, |value| {
                Data::of(core::slice::from_ref(value), 0)
            })
        };
        let data: [_; METADATA + MOST_VALUES] = [
            Data::of(self.provider.metadata, PROVIDER_METADATA),
            Data::of(self.schema, EVENT_METADATA),
            value(0),
            value(1),
        ];
        // SAFETY: descriptor and data, and what these point to, live through the call; there are at least
        // as many data as are named. A handle that is 0 or unregistered already is refused with a status.
        let _status = unsafe {
            EtwWriteTransfer(
                self.provider.handle.load(Ordering::Acquire),
                &raw const descriptor,
                ptr::null(),
                ptr::null(),
                Self::DATA,
                data.as_ptr().cast(),
            )
        };
    }
}

/// Data that each event begins with: what describes provider and event.
const METADATA: usize = 2;
/// Values that an event may have.
const MOST_VALUES: usize = 2;
/// `WINEVENT_CHANNEL_TRACELOGGING`: the event says itself what it consists of.
const CHANNEL_TRACELOGGING: u8 = 11;
/// All events are of one category: a listener that names none gets them, and may name this one.
const KEYWORD: u64 = 1;
/// `EVENT_DATA_DESCRIPTOR_TYPE_PROVIDER_METADATA`
const PROVIDER_METADATA: u32 = 2;
/// `EVENT_DATA_DESCRIPTOR_TYPE_EVENT_METADATA`
const EVENT_METADATA: u32 = 1;
/// `TlgInUINT64`
const TYPE_U64: u8 = 10;

/// Bytes of [`schema`]: its length, no tags, the name, and for each value name and type.
pub const fn schema_bytes(name: &str, values: &[&str]) -> usize {
    let mut bytes = 2 + 1 + name.len() + 1;
    let mut index = 0;
    while index < values.len() {
        bytes += values[index].len() + 2;
        index += 1;
    }
    bytes
}

/// What an event says about itself: its name and those of its values, all of them 64-bit numbers.
pub const fn schema<const BYTES: usize>(name: &str, values: &[&str]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let mut at = put(&mut bytes, 3, name);
    let mut index = 0;
    while index < values.len() {
        at = put(&mut bytes, at, values[index]);
        bytes[at] = TYPE_U64;
        at += 1;
        index += 1;
    }
    assert!(at == BYTES);
    with_length(bytes)
}

/// What every event says about its provider: its length and its name.
pub const fn provider_metadata<const BYTES: usize>(name: &str) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let end = put(&mut bytes, 2, name);
    assert!(end == BYTES);
    with_length(bytes)
}

/// Puts text and a terminating 0 there; returns where it ends.
const fn put(bytes: &mut [u8], at: usize, text: &str) -> usize {
    let text = text.as_bytes();
    let mut index = 0;
    while index < text.len() {
        bytes[at + index] = text[index];
        index += 1;
    }
    at + text.len() + 1
}

/// Puts the length into the first two bytes.
const fn with_length<const BYTES: usize>(mut bytes: [u8; BYTES]) -> [u8; BYTES] {
    assert!(BYTES <= u16::MAX as usize);
    let [low, high, ..] = BYTES.to_le_bytes();
    bytes[0] = low;
    bytes[1] = high;
    bytes
}

/// Makes a static [`Event`] of a provider from a name and the names of its values.
macro_rules! event {
    ($(#[$doc:meta])* $vis:vis $event:ident = $provider:ident, $level:ident, $name:literal $(, $value:literal)*) => {
        $(#[$doc])*
        $vis static $event: $crate::wdf::trace::Event<{
            let values: &[&str] = &[$($value),*];
            values.len()
        }> = $crate::wdf::trace::Event::new(&$provider, $crate::wdf::trace::Level::$level, {
            const VALUES: &[&str] = &[$($value),*];
            const SCHEMA: [u8; $crate::wdf::trace::schema_bytes($name, VALUES)] =
                $crate::wdf::trace::schema($name, VALUES);
            &SCHEMA
        });
    };
}
pub(crate) use event;

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

impl<'a> Data<'a> {
    const NONE: Self = Self {
        address: 0,
        bytes: 0,
        kind: 0,
        lent: PhantomData,
    };

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
    _source: *const Guid,
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

// ntoskrnl's. wdk-sys has no binding of them away from Windows, where only what this repository declares
// is bound, and these four types are all there is to them.
unsafe extern "system" {
    fn EtwRegister(
        provider: *const Guid,
        callback: Option<
            unsafe extern "system" fn(*const Guid, u32, u8, u64, u64, *mut c_void, *mut c_void),
        >,
        context: *mut c_void,
        handle: *mut u64,
    ) -> NTSTATUS;
    fn EtwUnregister(handle: u64) -> NTSTATUS;
    fn EtwWriteTransfer(
        handle: u64,
        descriptor: *const EventDescriptor,
        activity: *const Guid,
        related: *const Guid,
        count: u32,
        data: *const c_void,
    ) -> NTSTATUS;
}
