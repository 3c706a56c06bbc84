//! How looking a child up has ended.

use std::mem::offset_of;

use kmdf_abi::types::WDF_CHILD_RETRIEVE_INFO;

use crate::host::Host;

/// `WDF_CHILD_LIST_RETRIEVE_DEVICE_STATUS`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retrieved {
    Undefined,
    Success,
    NotYetCreated,
    NoSuchDevice,
}

impl Host {
    /// Says in WDF_CHILD_RETRIEVE_INFO how a child was found.
    pub(super) fn set_retrieved(&self, info: u64, status: Retrieved) {
        let at = info + offset_of!(WDF_CHILD_RETRIEVE_INFO, Status) as u64;
        self.memory.write(at, &(status as u32));
    }
}
