//! What the driver needs of UMDF: its calls, its structures as their `…_INIT` functions fill them, and registers.

use core::{mem, ptr};

use wdk_sys::{
    _MEMORY_CACHING_TYPE, _WDF_DEVICE_HWACCESS_TARGET_SIZE, _WDF_DEVICE_HWACCESS_TARGET_TYPE,
    _WDF_EXECUTION_LEVEL, _WDF_IO_QUEUE_DISPATCH_TYPE, _WDF_SYNCHRONIZATION_SCOPE, _WDF_TRI_STATE,
    CmResourceTypeMemory, NT_SUCCESS, NTSTATUS, PVOID, STATUS_DEVICE_CONFIGURATION_ERROR,
    STATUS_SUCCESS, ULONG, WDF_INTERRUPT_CONFIG, WDF_IO_QUEUE_CONFIG, WDF_OBJECT_ATTRIBUTES,
    WDF_OBJECT_CONTEXT_TYPE_INFO, WDFCMRESLIST, WDFDEVICE, WDFREQUEST,
};

/// What a call or a callback came to.
pub type Result<T = ()> = core::result::Result<T, NTSTATUS>;

/// Calls a function of the framework.
macro_rules! wdf {
    ($function:ident $(, $argument:expr)* $(,)?) => {
        // SAFETY: the handles are those that the framework gave the driver and has not taken back, the structures are
        // filled in as the framework asks for, and what pointers point to lives until the call returns.
        unsafe { wdk_sys::call_unsafe_wdf_function_binding!($function $(, $argument)*) }
    };
}
pub(crate) use wdf;

/// Gives a type to the contexts of devices.
macro_rules! context_type {
    ($type:ty, $name:literal) => {
        impl $crate::wdf::Context for $type {
            fn type_info() -> *const wdk_sys::WDF_OBJECT_CONTEXT_TYPE_INFO {
                static INFO: $crate::wdf::TypeInfo =
                    $crate::wdf::TypeInfo::new::<$type>($name, &raw const INFO);
                INFO.get()
            }
        }
    };
}
pub(crate) use context_type;

pub const NO_ATTRIBUTES: *mut WDF_OBJECT_ATTRIBUTES = ptr::null_mut();
pub const NO_HANDLE: PVOID = ptr::null_mut();

/// A status as a result.
pub fn check(status: NTSTATUS) -> Result {
    if NT_SUCCESS(status) {
        Ok(())
    } else {
        Err(status)
    }
}

/// A result as a status.
pub fn status(result: Result) -> NTSTATUS {
    result.err().unwrap_or(STATUS_SUCCESS)
}

/// A structure's size as its `Size` member has it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the framework's structures are small"
)]
pub const fn size_of<T>() -> ULONG {
    mem::size_of::<T>() as ULONG
}

/// What the framework knows a type of context by: its address.
#[repr(transparent)]
pub struct TypeInfo(WDF_OBJECT_CONTEXT_TYPE_INFO);

// SAFETY: nobody writes to it, and what its pointers point to is static.
unsafe impl Sync for TypeInfo {}

impl TypeInfo {
    pub const fn new<T>(name: &'static core::ffi::CStr, this: *const Self) -> Self {
        Self(WDF_OBJECT_CONTEXT_TYPE_INFO {
            Size: size_of::<WDF_OBJECT_CONTEXT_TYPE_INFO>(),
            ContextName: name.as_ptr(),
            ContextSize: mem::size_of::<T>(),
            UniqueType: this.cast(),
            EvtDriverGetUniqueContextType: None,
        })
    }

    pub const fn get(&self) -> *const WDF_OBJECT_CONTEXT_TYPE_INFO {
        &raw const self.0
    }
}

/// The context of a device. It is initialized before a callback of the device can run.
pub trait Context: Sized + 'static {
    fn type_info() -> *const WDF_OBJECT_CONTEXT_TYPE_INFO;

    /// Puts the context in its place, in EvtDriverDeviceAdd.
    fn initialize(device: WDFDEVICE, context: Self) {
        let place = place::<Self>(device);
        // SAFETY: the framework made room for it, of its size and aligned for anything, and nothing has read it.
        unsafe { place.write(context) };
    }

    /// The context of a device.
    fn of(device: WDFDEVICE) -> &'static Self {
        let place = place::<Self>(device);
        // SAFETY: it was initialized, and lives as long as the device, which outlives its callbacks.
        unsafe { &*place }
    }
}

fn place<T: Context>(device: WDFDEVICE) -> *mut T {
    wdf!(
        WdfObjectGetTypedContextWorker,
        device.cast(),
        T::type_info()
    )
    .cast()
}

/// WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE.
pub fn attributes_with(context: *const WDF_OBJECT_CONTEXT_TYPE_INFO) -> WDF_OBJECT_ATTRIBUTES {
    WDF_OBJECT_ATTRIBUTES {
        Size: size_of::<WDF_OBJECT_ATTRIBUTES>(),
        ExecutionLevel: _WDF_EXECUTION_LEVEL::WdfExecutionLevelInheritFromParent,
        SynchronizationScope: _WDF_SYNCHRONIZATION_SCOPE::WdfSynchronizationScopeInheritFromParent,
        ContextTypeInfo: context,
        ..WDF_OBJECT_ATTRIBUTES::default()
    }
}

/// WDF_INTERRUPT_CONFIG_INIT, without callbacks.
pub fn interrupt_config() -> WDF_INTERRUPT_CONFIG {
    WDF_INTERRUPT_CONFIG {
        Size: size_of::<WDF_INTERRUPT_CONFIG>(),
        ShareVector: _WDF_TRI_STATE::WdfUseDefault,
        ReportInactiveOnPowerDown: _WDF_TRI_STATE::WdfUseDefault,
        // In user mode there is no other.
        PassiveHandling: 1,
        ..WDF_INTERRUPT_CONFIG::default()
    }
}

/// WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE, without callbacks.
pub fn default_sequential_queue() -> WDF_IO_QUEUE_CONFIG {
    WDF_IO_QUEUE_CONFIG {
        Size: size_of::<WDF_IO_QUEUE_CONFIG>(),
        PowerManaged: _WDF_TRI_STATE::WdfUseDefault,
        DefaultQueue: 1,
        DispatchType: _WDF_IO_QUEUE_DISPATCH_TYPE::WdfIoQueueDispatchSequential,
        ..WDF_IO_QUEUE_CONFIG::default()
    }
}

/// The request's input: a number.
pub fn input(request: WDFREQUEST) -> Result<u32> {
    let mut buffer = ptr::null_mut();
    let (length, at) = (mem::size_of::<u32>(), &raw mut buffer);
    check(wdf!(
        WdfRequestRetrieveInputBuffer,
        request,
        length,
        at,
        ptr::null_mut()
    ))?;
    // SAFETY: the buffer has at least as many bytes as asked for, until the request is completed.
    Ok(unsafe { buffer.cast::<u32>().read_unaligned() })
}

/// Completes the request with a number as its output.
pub fn respond(request: WDFREQUEST, output: u32) {
    let mut buffer = ptr::null_mut();
    let (length, at) = (mem::size_of::<u32>(), &raw mut buffer);
    let retrieved = wdf!(
        WdfRequestRetrieveOutputBuffer,
        request,
        length,
        at,
        ptr::null_mut()
    );
    if !NT_SUCCESS(retrieved) {
        return wdf!(WdfRequestComplete, request, retrieved);
    }
    // SAFETY: the buffer has at least as many bytes as asked for, until the request is completed.
    unsafe { buffer.cast::<u32>().write_unaligned(output) };
    let written = length as u64;
    wdf!(
        WdfRequestCompleteWithInformation,
        request,
        STATUS_SUCCESS,
        written
    );
}

/// A mapped memory resource. The framework reads and writes its registers, by a system call or, if the INF says so, itself.
pub struct Registers {
    device: WDFDEVICE,
    base: PVOID,
    length: usize,
}

impl Registers {
    /// Maps the first memory resource, which must have `needed` bytes. To be dropped in EvtDeviceReleaseHardware.
    pub fn map(device: WDFDEVICE, resources: WDFCMRESLIST, needed: usize) -> Result<Self> {
        let count = wdf!(WdfCmResourceListGetCount, resources);
        for index in 0..count {
            let descriptor = wdf!(WdfCmResourceListGetDescriptor, resources, index);
            // SAFETY: the list has so many descriptors, and does not change during the callback.
            let descriptor = unsafe { descriptor.read() };
            if ULONG::from(descriptor.Type) != CmResourceTypeMemory {
                continue;
            }
            // SAFETY: the type says so.
            let memory = unsafe { descriptor.u.Memory };
            let (start, length) = (memory.Start, memory.Length as usize);
            if length < needed {
                break;
            }
            let (mut base, cached) = (ptr::null_mut(), _MEMORY_CACHING_TYPE::MmNonCached);
            let at = &raw mut base;
            check(wdf!(
                WdfDeviceMapIoSpace,
                device,
                start,
                length as u64,
                cached,
                at
            ))?;
            return Ok(Self {
                device,
                base,
                length,
            });
        }
        Err(STATUS_DEVICE_CONFIGURATION_ERROR)
    }

    /// WDF_READ_REGISTER_ULONG.
    #[expect(clippy::cast_possible_truncation, reason = "a ULONG was read")]
    pub fn read(&self, offset: usize) -> u32 {
        let register = _WDF_DEVICE_HWACCESS_TARGET_TYPE::WdfDeviceHwAccessTargetTypeRegister;
        let size = _WDF_DEVICE_HWACCESS_TARGET_SIZE::WdfDeviceHwAccessTargetSizeUlong;
        let (at, none) = (self.base.wrapping_byte_add(offset), ptr::null_mut());
        wdf!(
            WdfDeviceReadFromHardware,
            self.device,
            register,
            size,
            at,
            none,
            0
        ) as u32
    }

    /// WDF_WRITE_REGISTER_ULONG.
    pub fn write(&self, offset: usize, value: u32) {
        let register = _WDF_DEVICE_HWACCESS_TARGET_TYPE::WdfDeviceHwAccessTargetTypeRegister;
        let size = _WDF_DEVICE_HWACCESS_TARGET_SIZE::WdfDeviceHwAccessTargetSizeUlong;
        let (at, none) = (self.base.wrapping_byte_add(offset), ptr::null_mut());
        let value = value.into();
        wdf!(
            WdfDeviceWriteToHardware,
            self.device,
            register,
            size,
            at,
            value,
            none,
            0
        );
    }
}

impl Drop for Registers {
    fn drop(&mut self) {
        wdf!(
            WdfDeviceUnmapIoSpace,
            self.device,
            self.base,
            self.length as u64
        );
    }
}

/// Ends the process as `__fastfail` does, without running anything of it.
pub fn end_process() -> ! {
    const FATAL_APP_EXIT: u32 = 7;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the interrupt does not return.
    unsafe {
        core::arch::asm!("int 0x29", in("ecx") FATAL_APP_EXIT, options(noreturn, nostack))
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the instruction does not return.
    unsafe {
        core::arch::asm!("brk #0xF003", in("w0") FATAL_APP_EXIT, options(noreturn, nostack))
    }
}
