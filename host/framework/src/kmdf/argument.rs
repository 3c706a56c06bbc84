//! Arguments that a function without a status cannot refuse: the framework breaks into the debugger
//! under its verifier and does nothing.

use std::{ops::RangeInclusive, rc::Rc};

use kmdf_abi::types::WDF_TRI_STATE;
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;
use zerocopy::FromBytes;

use super::device::{Device, NO_SLOT};
use crate::host::Host;

/// The members of `WDF_TRI_STATE`.
pub(super) const TRI_STATES: RangeInclusive<i32> = 0..=2;

impl Host {
    /// Reads the structure at an address, which begins with its size. One of an older version lacks its
    /// last `missing` bytes, which are zero then. Any other size is a violation.
    pub(crate) fn structure<T: FromBytes>(&self, what: &str, address: u64, missing: usize) -> T {
        let size: u32 = self.memory.read(address);
        let (size, whole) = (size as usize, size_of::<T>());
        if size != whole && size != whole - missing {
            self.violation(
                &rules::STRUCTURE_SIZE,
                format!("{what}.Size is that of no version"),
            );
        }
        let mut bytes = self.memory.read_bytes(address, size);
        bytes.resize(whole, 0);
        let Ok(value) = T::read_from_bytes(&bytes) else {
            unreachable!("as many bytes as the structure has");
        };
        value
    }

    /// Checks what is asked of an argument, or of a member of a structure.
    pub(crate) fn require(&self, holds: bool, what: &str) {
        if !holds {
            self.violation(&rules::BAD_ARGUMENT, what);
        }
    }

    /// Checks a value, or one of those that are numbered.
    pub(super) fn require_in(&self, what: &str, value: i32, range: &RangeInclusive<i32>) {
        if !range.contains(&value) {
            self.violation(
                &rules::BAD_ARGUMENT,
                format!("{what} is {value}, which it cannot be"),
            );
        }
    }

    /// Checks values of that type, which have no other than its members.
    pub(super) fn require_tri_states(&self, what: &str, values: &[WDF_TRI_STATE]) {
        for value in values {
            self.require_in(what, value.0, &TRI_STATES);
        }
    }

    /// The device that a function is called for, one that PnP knows; another is a violation.
    pub(super) fn pnp_device(&self, call: &Call, what: &str) -> Rc<Device> {
        let device = self.body::<Device>(call.arg(0));
        self.require_pnp(device.slot, what);
        device
    }

    /// Checks that what a function is for is not a control device's: PnP and power know nothing of one.
    pub(crate) fn require_pnp(&self, slot: usize, what: &str) {
        if slot == NO_SLOT {
            self.violation(
                &rules::DEVICE_KIND,
                format!("{what} is called for a control device"),
            );
        }
    }
}
