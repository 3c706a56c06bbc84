//! Resource lists: what PnP assigned, as a driver reads it in EvtDevicePrepareHardware.

use std::cell::RefCell;

use kmdf_abi::{constants::CmResourceTypeInterrupt, types::CM_PARTIAL_RESOURCE_DESCRIPTOR};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::object::Body;
use crate::host::{Host, services};

/// WDFCMRESLIST
#[derive(Default)]
pub(crate) struct ResourceList {
    /// Addresses of the descriptors, in memory lent to the driver, with what was written there.
    descriptors: RefCell<Vec<(u64, Descriptor)>>,
}

/// The bytes of a CM_PARTIAL_RESOURCE_DESCRIPTOR.
type Descriptor = [u8; size_of::<CM_PARTIAL_RESOURCE_DESCRIPTOR>()];

impl Body for ResourceList {
    const KIND: &'static str = "WDFCMRESLIST";

    fn destroy(&self, host: &Host) {
        for (address, written) in self.descriptors.take() {
            if host.memory.read::<Descriptor>(address) != written {
                host.violation(
                    &rules::RESOURCE_LIST,
                    "a descriptor of the resource list was changed",
                );
            }
            if let Err(text) = host.memory.free(address) {
                host.violation(&rules::RESOURCE_LIST, text);
            }
        }
    }
}

impl ResourceList {
    /// A list of these descriptors.
    pub(crate) fn new(host: &Host, descriptors: &[CM_PARTIAL_RESOURCE_DESCRIPTOR]) -> Self {
        let addresses = descriptors
            .iter()
            .map(|descriptor| {
                let address = host.lend("a resource descriptor", size_of_val(descriptor) as u64);
                host.memory.write(address, descriptor);
                (address, host.memory.read(address))
            })
            .collect();
        Self {
            descriptors: RefCell::new(addresses),
        }
    }
}

impl ResourceList {
    /// Which of the interrupts in the list the descriptor at an address is.
    pub(crate) fn interrupt_index(&self, host: &Host, address: u64) -> Option<usize> {
        let descriptors = self.descriptors.borrow();
        descriptors
            .iter()
            .map(|&(descriptor, _)| descriptor)
            .filter(|&descriptor| {
                let descriptor: CM_PARTIAL_RESOURCE_DESCRIPTOR = host.memory.read(descriptor);
                i32::from(descriptor.Type) == CmResourceTypeInterrupt as i32
            })
            .position(|descriptor| descriptor == address)
    }
}

services! {
    WdfCmResourceListGetCount <= DISPATCH => count;
    WdfCmResourceListGetDescriptor <= DISPATCH => descriptor;
}

fn count(host: &Host, call: &Call) -> u32 {
    let list = host.body::<ResourceList>(call.arg(0));
    let count = list.descriptors.borrow().len();
    u32::try_from(count).expect("a function has few resources")
}

/// WdfCmResourceListGetDescriptor(List, Index): NULL behind the last one.
fn descriptor(host: &Host, call: &Call) -> u64 {
    let list = host.body::<ResourceList>(call.arg(0));
    let address = list
        .descriptors
        .borrow()
        .get(call.arg32(1) as usize)
        .map(|&(address, _)| address);
    address.unwrap_or(0)
}
