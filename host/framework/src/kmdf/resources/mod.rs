//! Resource lists: what PnP assigned, as a driver reads it in EvtDevicePrepareHardware, and takes its own
//! out of in EvtDeviceRemoveAddedResources.

mod list;
pub(crate) mod requirements;

use kmdf_abi::{
    constants::CmResourceTypeInterrupt, ntstatus::NtStatus, types::CM_PARTIAL_RESOURCE_DESCRIPTOR,
};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;
use zerocopy::{FromBytes as _, IntoBytes as _};

use self::list::{AT_END, Descriptors};
use super::object::Body;
use crate::host::{Host, services};

/// Bytes of a CM_PARTIAL_RESOURCE_DESCRIPTOR.
const BYTES: usize = size_of::<CM_PARTIAL_RESOURCE_DESCRIPTOR>();

/// WDFCMRESLIST
pub(crate) struct ResourceList(Descriptors<BYTES>);

impl Body for ResourceList {
    const KIND: &'static str = "WDFCMRESLIST";

    fn destroy(&self, host: &Host) {
        self.check(host);
        self.0.release(host);
    }
}

impl ResourceList {
    /// A list of these descriptors.
    pub(crate) fn new(descriptors: &[CM_PARTIAL_RESOURCE_DESCRIPTOR]) -> Self {
        let bytes = descriptors.iter().map(|descriptor| {
            let mut bytes = [0; BYTES];
            bytes.copy_from_slice(descriptor.as_bytes());
            bytes
        });
        Self(Descriptors::new(bytes))
    }

    /// Lets the driver change it while something runs, after which it is what it was before.
    pub(crate) fn while_open<R>(&self, host: &Host, run: impl FnOnce() -> R) -> R {
        let before = self.0.all();
        self.0.is_open.set(true);
        let result = run();
        self.0.is_open.set(false);
        self.check(host);
        self.0.release(host);
        self.0.refill(before);
        result
    }

    /// What the driver sees of it is read, never written.
    fn check(&self, host: &Host) {
        for (copy, bytes) in self.0.copies() {
            if copy.is_some_and(|copy| host.memory.read::<[u8; BYTES]>(copy) != bytes) {
                host.violation(
                    &rules::RESOURCE_LIST,
                    "a descriptor of the resource list was changed",
                );
            }
        }
    }

    /// Which of the interrupts in the list the descriptor at an address is.
    pub(crate) fn interrupt_index(&self, address: u64) -> Option<usize> {
        self.0
            .copies()
            .into_iter()
            .filter(|(_, bytes)| {
                let descriptor = CM_PARTIAL_RESOURCE_DESCRIPTOR::read_from_bytes(bytes);
                descriptor.is_ok_and(|it| i32::from(it.Type) == CmResourceTypeInterrupt as i32)
            })
            .position(|(copy, _)| copy == Some(address))
    }
}

services! {
    WdfCmResourceListGetCount <= DISPATCH => count;
    WdfCmResourceListGetDescriptor <= DISPATCH => descriptor;
    WdfCmResourceListAppendDescriptor <= DISPATCH => append;
    WdfCmResourceListInsertDescriptor <= DISPATCH => insert;
    WdfCmResourceListRemove <= DISPATCH => remove;
    WdfCmResourceListRemoveByDescriptor <= DISPATCH => remove_by_descriptor;
}

fn count(host: &Host, call: &Call) -> u32 {
    host.body::<ResourceList>(call.arg(0)).0.count()
}

/// WdfCmResourceListGetDescriptor(List, Index): NULL behind the last one.
fn descriptor(host: &Host, call: &Call) -> u64 {
    let list = host.body::<ResourceList>(call.arg(0));
    list.check(host);
    list.0.copy(host, call.arg32(1))
}

/// WdfCmResourceListAppendDescriptor(List, Descriptor)
fn append(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let list = host.body::<ResourceList>(call.arg(0));
    list.0.insert(host, host.memory.read(call.arg(1)), AT_END)
}

/// WdfCmResourceListInsertDescriptor(List, Descriptor, Index)
fn insert(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let list = host.body::<ResourceList>(call.arg(0));
    list.0
        .insert(host, host.memory.read(call.arg(1)), call.arg32(2))
}

/// WdfCmResourceListRemove(List, Index)
fn remove(host: &Host, call: &Call) {
    let list = host.body::<ResourceList>(call.arg(0));
    list.0.remove(host, call.arg32(1));
}

/// WdfCmResourceListRemoveByDescriptor(List, Descriptor): nothing is done where none is equal.
fn remove_by_descriptor(host: &Host, call: &Call) {
    let list = host.body::<ResourceList>(call.arg(0));
    list.0.remove_equal(host, &host.memory.read(call.arg(1)));
}
