//! What PnP tells remote targets of the devices that they have open (IoRegisterPlugPlayNotification, changes of
//! a target device).

use std::rc::Rc;

use kmdf_abi::ntstatus::{NtStatus, STATUS_SUCCESS};

use super::{
    IoTarget,
    remote::{Reason, Remote},
};
use crate::host::Host;

/// What PnP tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// `GUID_TARGET_DEVICE_QUERY_REMOVE`
    QueryRemove,
    /// `GUID_TARGET_DEVICE_REMOVE_CANCELLED`
    RemoveCanceled,
    /// `GUID_TARGET_DEVICE_REMOVE_COMPLETE`
    RemoveComplete,
}

impl Host {
    /// Asks the targets that a device is open in whether it may be removed. Those that were asked before one
    /// that refuses are told that it stays.
    pub(crate) fn ask_targets(&self, device: u64) -> NtStatus {
        let mut asked: Vec<Rc<IoTarget>> = Vec::new();
        for target in self.told_targets(device) {
            let status = self.tell_target(&target, Notice::QueryRemove);
            if !status.is_success() {
                for target in &asked {
                    self.tell_target(target, Notice::RemoveCanceled);
                }
                return status;
            }
            asked.push(target);
        }
        STATUS_SUCCESS
    }

    /// Tells the targets that a device is open in what becomes of it.
    pub(crate) fn tell_targets(&self, device: u64, notice: Notice) {
        for target in self.told_targets(device) {
            self.tell_target(&target, notice);
        }
    }

    fn told_targets(&self, device: u64) -> Vec<Rc<IoTarget>> {
        let mut targets = self.bodies::<IoTarget>();
        targets.retain(|target| {
            let remote = target.remote();
            remote.is_some_and(|remote| remote.told_of.get() == device)
        });
        targets
    }

    /// What the target's driver does, or the framework where it has no callback.
    fn tell_target(&self, target: &IoTarget, notice: Notice) -> NtStatus {
        // One of the others' callbacks may have deleted or closed it.
        let gone = self.framework().objects.was(target.handle, "WDFIOTARGET");
        let Some(remote) = target.remote().filter(|remote| !gone && is_told(remote)) else {
            return STATUS_SUCCESS;
        };
        let [query, canceled, complete] = remote.callbacks.get();
        let (what, callback) = match notice {
            Notice::QueryRemove => ("EvtIoTargetQueryRemove", query),
            Notice::RemoveCanceled => ("EvtIoTargetRemoveCanceled", canceled),
            Notice::RemoveComplete => ("EvtIoTargetRemoveComplete", complete),
        };
        if callback != 0 {
            let value = self.call_driver(what, target.handle, callback, &[target.handle]);
            return match notice {
                Notice::QueryRemove => NtStatus(value as u32 as i32),
                _ => STATUS_SUCCESS,
            };
        }
        match notice {
            Notice::QueryRemove => self.close_target(target, remote, Reason::QueryRemove),
            Notice::RemoveComplete => self.close_target(target, remote, Reason::Plain),
            Notice::RemoveCanceled => {
                return self.reopen_target(target).err().unwrap_or(STATUS_SUCCESS);
            }
        }
        STATUS_SUCCESS
    }
}

fn is_told(remote: &Remote) -> bool {
    remote.told_of.get() != 0
}
