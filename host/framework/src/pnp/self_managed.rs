//! Self-managed I/O: which of its callbacks comes when (selfmanagediostatemachine.cpp).

use kmdf_abi::ntstatus::{NtStatus, STATUS_SUCCESS};

use crate::{
    host::Host,
    kmdf::device::{Device, SelfManagedIo},
};

impl Host {
    /// EvtDeviceSelfManagedIoInit the first time, EvtDeviceSelfManagedIoRestart after a suspension.
    pub(super) fn start_self_managed_io(&self, device: &Device) -> NtStatus {
        let callbacks = &device.callbacks;
        let (what, callback) = match device.self_managed.get() {
            SelfManagedIo::Created => (
                "EvtDeviceSelfManagedIoInit",
                callbacks.EvtDeviceSelfManagedIoInit.0,
            ),
            SelfManagedIo::Stopped | SelfManagedIo::Flushed => (
                "EvtDeviceSelfManagedIoRestart",
                callbacks.EvtDeviceSelfManagedIoRestart.0,
            ),
            _ => return STATUS_SUCCESS,
        };
        let status = self.device_callback(device, what, callback, &[]);
        device.self_managed.set(if status.is_success() {
            SelfManagedIo::Started
        } else {
            SelfManagedIo::Failed
        });
        status
    }

    pub(super) fn suspend_self_managed_io(&self, device: &Device) -> NtStatus {
        if device.self_managed.get() != SelfManagedIo::Started {
            return STATUS_SUCCESS;
        }
        let callback = device.callbacks.EvtDeviceSelfManagedIoSuspend.0;
        let status = self.device_callback(device, "EvtDeviceSelfManagedIoSuspend", callback, &[]);
        device.self_managed.set(if status.is_success() {
            SelfManagedIo::Stopped
        } else {
            SelfManagedIo::Failed
        });
        status
    }

    /// Also after EvtDeviceSelfManagedIoInit has failed.
    pub(super) fn flush_self_managed_io(&self, device: &Device) {
        if matches!(
            device.self_managed.get(),
            SelfManagedIo::Stopped | SelfManagedIo::Failed
        ) {
            let callback = device.callbacks.EvtDeviceSelfManagedIoFlush.0;
            self.device_callback(device, "EvtDeviceSelfManagedIoFlush", callback, &[]);
            device.self_managed.set(SelfManagedIo::Flushed);
        }
    }

    pub(super) fn clean_up_self_managed_io(&self, device: &Device) {
        let before = device.self_managed.replace(SelfManagedIo::Final);
        if before == SelfManagedIo::Flushed {
            let callback = device.callbacks.EvtDeviceSelfManagedIoCleanup.0;
            self.device_callback(device, "EvtDeviceSelfManagedIoCleanup", callback, &[]);
        }
    }
}
