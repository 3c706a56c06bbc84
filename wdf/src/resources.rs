//! The hardware resources that the PnP manager has given the device.

use core::marker::PhantomData;

use wdk_sys::{
    CM_PARTIAL_RESOURCE_DESCRIPTOR, CM_RESOURCE_INTERRUPT_MESSAGE, CM_RESOURCE_INTERRUPT_WAKE_HINT,
    CmResourceTypeInterrupt, CmResourceTypeMemory, PHYSICAL_ADDRESS, WDFCMRESLIST,
    call_unsafe_wdf_function_binding,
};

use super::{ConfigurationSpace, NtStatus, Result};

/// The resources, for the time of EvtDevicePrepareHardware.
///
/// ```no_run
/// use kmdf::{Mapping, Resources, Result};
/// # #[repr(C)] struct Registers([u32; 2]);
///
/// /// Maps the device's first memory BAR.
/// fn map(resources: &Resources<'_>) -> Result<Mapping<Registers>> {
///     Mapping::new(&resources.memory_range(0)?)
/// }
///
/// /// As much memory as all BARs have.
/// fn bytes(resources: &Resources<'_>) -> usize {
///     resources.memory().map(|range| range.length_bytes()).sum()
/// }
/// ```
pub struct Resources<'a> {
    raw: List<'a>,
    translated: List<'a>,
}

/// A memory resource: what a [`crate::Mapping`] maps. Only [`Resources`] makes one.
///
/// ```no_run
/// use kmdf::{ConfigurationSpace, Mapping, MemoryRange, Resources, Result};
/// # #[repr(C)] struct Registers([u32; 2]);
///
/// /// Maps registers that are 4 KiB into BAR 4.
/// fn map(resources: &Resources<'_>, space: &ConfigurationSpace) -> Result<Mapping<Registers>> {
///     let bar: MemoryRange = resources.bar(space, 4)?;
///     assert_eq!(bar.bus_address(), space.bar(4)?);
///     Mapping::new(&bar.part(0x1000, size_of::<Registers>())?)
/// }
/// ```
#[derive(Clone, Copy)]
pub struct MemoryRange {
    start: PHYSICAL_ADDRESS,
    bus_address: u64,
    length_bytes: usize,
}

impl MemoryRange {
    /// Where it starts on the bus that the processors see.
    pub(crate) const fn start(&self) -> PHYSICAL_ADDRESS {
        self.start
    }

    /// Where it starts on the device's bus: what its base address register holds.
    #[must_use]
    pub const fn bus_address(&self) -> u64 {
        self.bus_address
    }

    /// A part of it.
    ///
    /// # Errors
    /// STATUS_DEVICE_CONFIGURATION_ERROR: it does not reach that far.
    pub fn part(&self, offset_bytes: u32, length_bytes: usize) -> Result<Self> {
        let offset = offset_bytes as usize;
        match offset.checked_add(length_bytes) {
            Some(end) if end <= self.length_bytes => {
                let mut start = self.start;
                // SAFETY: every bit pattern of a LARGE_INTEGER is a valid QuadPart.
                unsafe { start.QuadPart += i64::from(offset_bytes) };
                Ok(Self {
                    start,
                    bus_address: self.bus_address + u64::from(offset_bytes),
                    length_bytes,
                })
            }
            _ => Err(NtStatus::DEVICE_CONFIGURATION_ERROR),
        }
    }

    /// Its length.
    #[must_use]
    pub const fn length_bytes(&self) -> usize {
        self.length_bytes
    }
}

/// An interrupt resource: a line, or messages. Only [`Resources`] makes one.
///
/// ```no_run
/// use kmdf::{InterruptResource, Resources, WakeResource};
///
/// /// How many interrupt objects there can be, and whether one of them can wake the device.
/// fn count(resources: &Resources<'_>) -> (usize, bool) {
///     let messages = resources.interrupts().map(|resource| resource.messages()).sum();
///     let waking = |resource: InterruptResource<'_>| -> bool {
///         let wake: Option<WakeResource<'_>> = resource.wake();
///         wake.is_some()
///     };
///     (messages, resources.interrupts().any(waking))
/// }
/// ```
#[derive(Clone, Copy)]
pub struct InterruptResource<'a> {
    raw: &'a CM_PARTIAL_RESOURCE_DESCRIPTOR,
    translated: &'a CM_PARTIAL_RESOURCE_DESCRIPTOR,
}

impl<'a> InterruptResource<'a> {
    /// As the bus sees it.
    pub(crate) const fn raw(&self) -> &'a CM_PARTIAL_RESOURCE_DESCRIPTOR {
        self.raw
    }

    /// As the processors see it.
    pub(crate) const fn translated(&self) -> &'a CM_PARTIAL_RESOURCE_DESCRIPTOR {
        self.translated
    }

    /// The resource as one that can wake the device (`CM_RESOURCE_INTERRUPT_WAKE_HINT`), if it can: see
    /// [`crate::Interrupt::create_wake`]. That of a PCI function never can; such a device wakes by PME.
    #[must_use]
    pub fn wake(self) -> Option<WakeResource<'a>> {
        let can = u32::from(self.translated.Flags) & CM_RESOURCE_INTERRUPT_WAKE_HINT != 0;
        can.then_some(WakeResource(self))
    }

    /// How many interrupt objects it is for: one descriptor stands for all messages of an MSI
    /// capability, and the framework numbers the objects that are created for it.
    #[must_use]
    pub fn messages(&self) -> usize {
        if u32::from(self.raw.Flags) & CM_RESOURCE_INTERRUPT_MESSAGE == 0 {
            return 1;
        }
        // SAFETY: the flag says that this member is the valid one. It is packed: copied out.
        let message = unsafe { self.raw.u.MessageInterrupt };
        // SAFETY: in the list of raw resources it is the raw member.
        let raw = unsafe { message.__bindgen_anon_1.Raw };
        usize::from(raw.MessageCount)
    }
}

/// An interrupt resource that can wake the device: what [`InterruptResource::wake`] gives.
#[derive(Clone, Copy)]
pub struct WakeResource<'a>(InterruptResource<'a>);

impl<'a> WakeResource<'a> {
    /// The resource.
    pub(crate) const fn interrupt(&self) -> &InterruptResource<'a> {
        &self.0
    }
}

impl<'a> Resources<'a> {
    /// # Safety
    /// The lists stay valid for the lifetime.
    pub(super) const unsafe fn new(raw: WDFCMRESLIST, translated: WDFCMRESLIST) -> Self {
        Self {
            raw: List(raw, PhantomData),
            translated: List(translated, PhantomData),
        }
    }

    /// One of the memory resources, counted from 0. IRQL: <= DISPATCH_LEVEL.
    ///
    /// # Errors
    /// STATUS_DEVICE_CONFIGURATION_ERROR: there are not as many.
    pub fn memory_range(&self, index: usize) -> Result<MemoryRange> {
        self.memory()
            .nth(index)
            .ok_or(NtStatus::DEVICE_CONFIGURATION_ERROR)
    }

    /// The memory resources, in the order of the device's BARs. IRQL: <= DISPATCH_LEVEL.
    pub fn memory(&self) -> impl Iterator<Item = MemoryRange> + '_ {
        self.descriptors().filter_map(|(raw, translated)| {
            if u32::from(translated.Type) != CmResourceTypeMemory {
                return None;
            }
            // SAFETY: `Type` says that this member is the valid one. It is packed: copied out.
            let memory = unsafe { translated.u.Memory };
            // SAFETY: the same resource has the same type. It is packed: copied out.
            let raw = unsafe { raw.u.Memory };
            // SAFETY: every bit pattern of a LARGE_INTEGER is a valid QuadPart.
            let bus_address = unsafe { raw.Start.QuadPart };
            Some(MemoryRange {
                start: memory.Start,
                bus_address: bus_address.cast_unsigned(),
                length_bytes: usize::try_from(memory.Length).ok()?,
            })
        })
    }

    /// The memory resource of a base address register, counted from 0 to 5. IRQL: <= DISPATCH_LEVEL.
    ///
    /// # Errors
    /// STATUS_DEVICE_CONFIGURATION_ERROR: there is none.
    pub fn bar(&self, space: &ConfigurationSpace, index: u8) -> Result<MemoryRange> {
        let address = space.bar(index)?;
        self.memory()
            .find(|range| range.bus_address() == address)
            .ok_or(NtStatus::DEVICE_CONFIGURATION_ERROR)
    }

    /// The resources, raw and translated: both lists describe the same ones in the same order.
    fn descriptors(
        &self,
    ) -> impl Iterator<
        Item = (
            &'a CM_PARTIAL_RESOURCE_DESCRIPTOR,
            &'a CM_PARTIAL_RESOURCE_DESCRIPTOR,
        ),
    > + '_ {
        (0..self.translated.len()).filter_map(|index| {
            let translated = self.translated.get(index)?;
            let raw = self.raw.get(index)?;
            Some((raw, translated))
        })
    }

    /// The interrupt resources, in their order. IRQL: <= DISPATCH_LEVEL.
    pub fn interrupts(&self) -> impl Iterator<Item = InterruptResource<'a>> + '_ {
        self.descriptors().filter_map(|(raw, translated)| {
            let is_interrupt = u32::from(translated.Type) == CmResourceTypeInterrupt;
            is_interrupt.then_some(InterruptResource { raw, translated })
        })
    }
}

/// `WDFCMRESLIST`.
///
/// # Invariants
/// The list is valid for the lifetime.
struct List<'a>(WDFCMRESLIST, PhantomData<&'a ()>);

impl<'a> List<'a> {
    /// `WdfCmResourceListGetCount`
    fn len(&self) -> u32 {
        // SAFETY: the list is valid by the invariant.
        unsafe { call_unsafe_wdf_function_binding!(WdfCmResourceListGetCount, self.0) }
    }

    /// `WdfCmResourceListGetDescriptor`
    fn get(&self, index: u32) -> Option<&'a CM_PARTIAL_RESOURCE_DESCRIPTOR> {
        // SAFETY: the list is valid by the invariant. An index out of range gives null.
        let descriptor = unsafe {
            call_unsafe_wdf_function_binding!(WdfCmResourceListGetDescriptor, self.0, index)
        };
        // SAFETY: it is null or a descriptor that lives as long as the list.
        unsafe { descriptor.as_ref() }
    }
}
