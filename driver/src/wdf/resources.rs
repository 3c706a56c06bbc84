//! The hardware resources that the PnP manager has given the device.

use core::marker::PhantomData;

use wdk_sys::{
    CmResourceTypeMemory, PHYSICAL_ADDRESS, WDFCMRESLIST, call_unsafe_wdf_function_binding,
};

/// The translated resources (`WDFCMRESLIST`), for the time of EvtDevicePrepareHardware.
pub struct Resources<'a> {
    translated: WDFCMRESLIST,
    lent: PhantomData<&'a ()>,
}

/// A memory resource.
#[derive(Clone, Copy)]
pub struct MemoryRange {
    /// Where it starts on the bus that the processors see.
    pub start: PHYSICAL_ADDRESS,
    /// Its length.
    pub length_bytes: usize,
}

impl Resources<'_> {
    /// # Safety
    /// The list stays valid for the lifetime.
    pub(super) const unsafe fn new(translated: WDFCMRESLIST) -> Self {
        Self {
            translated,
            lent: PhantomData,
        }
    }

    /// The memory resources, in the order of the device's BARs. IRQL: <= DISPATCH_LEVEL.
    pub fn memory(&self) -> impl Iterator<Item = MemoryRange> + '_ {
        // SAFETY: the list is valid.
        let count = unsafe {
            call_unsafe_wdf_function_binding!(WdfCmResourceListGetCount, self.translated)
        };
        (0..count).filter_map(|index| {
            // SAFETY: the list is valid. An index out of range gives null.
            let descriptor = unsafe {
                call_unsafe_wdf_function_binding!(
                    WdfCmResourceListGetDescriptor,
                    self.translated,
                    index
                )
            };
            // SAFETY: it is null or a descriptor that lives as long as the list.
            let descriptor = unsafe { descriptor.as_ref() }?;
            if u32::from(descriptor.Type) != CmResourceTypeMemory {
                return None;
            }
            // SAFETY: `Type` says that this member is the valid one. It is packed: copied out.
            let memory = unsafe { descriptor.u.Memory };
            Some(MemoryRange {
                start: memory.Start,
                length_bytes: usize::try_from(memory.Length).ok()?,
            })
        })
    }
}
