//! Remote targets: devices that a driver opens, by a name or by their DEVICE_OBJECT. What it opens is a device
//! of this driver, for no other driver runs here.

use std::{
    cell::{Cell, RefCell},
    mem::offset_of,
    rc::Rc,
};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_DEVICE_REQUEST,
        STATUS_INVALID_DEVICE_STATE, STATUS_INVALID_PARAMETER, STATUS_OBJECT_NAME_NOT_FOUND,
        STATUS_WDF_DEVICE_REMOVED_NOT_SENT,
    },
    types::{UNICODE_STRING, WDF_IO_TARGET_OPEN_PARAMS, WDF_IO_TARGET_OPEN_TYPE},
};
use kmdf_machine::{Irql, cpu::stub::Call};
use kmdf_rules::rules;

use super::{IoTarget, Kind, State};
use crate::{
    host::{Host, services},
    io::File,
    kmdf::device::Device,
};

services! {
    WdfIoTargetCreate <= PASSIVE => create;
    WdfIoTargetOpen <= PASSIVE => open;
    WdfIoTargetClose <= PASSIVE => close;
    WdfIoTargetCloseForQueryRemove <= PASSIVE => close_for_query_remove;
}

/// `FILE_OPENED`
const FILE_OPENED: u32 = 1;

/// What a remote target knows beside what all do.
#[derive(Default)]
pub(crate) struct Remote {
    /// Whether WdfIoTargetOpen runs.
    opening: Rc<Cell<bool>>,
    opened: RefCell<Option<Opened>>,
    /// The name and the access of the last WdfIoTargetOpen by name, for the next one.
    named: RefCell<Option<(String, u32)>>,
    /// The device of which PnP tells the target, and EvtIoTargetQueryRemove, EvtIoTargetRemoveCanceled and
    /// EvtIoTargetRemoveComplete.
    pub(super) told_of: Cell<u64>,
    pub(super) callbacks: Cell<[u64; 3]>,
}

impl Remote {
    /// What is open.
    pub(super) fn opened(&self) -> Option<Opened> {
        self.opened.borrow().clone()
    }
}

/// What a target has open.
#[derive(Clone)]
pub(super) struct Opened {
    /// The device in whose stack it is.
    pub(super) device: Rc<Device>,
    /// Its DEVICE_OBJECT.
    pub(super) object: u64,
    /// Its FILE_OBJECT, or 0.
    pub(super) file_object: u64,
    /// The handle, where a name was opened, or 0.
    pub(super) handle: u64,
    /// The file with that FILE_OBJECT.
    pub(super) file: Option<Rc<File>>,
}

impl Opened {
    /// Whether what is sent goes past the driver, to what is below its device.
    pub(super) fn is_below(&self) -> bool {
        self.object != self.device.wdm_own()
    }
}

/// Why a target is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// Its device is to be removed, or so it seems.
    QueryRemove,
    /// The driver wants it.
    Plain,
    /// It is deleted.
    Delete,
}

impl IoTarget {
    /// What it has open, if it is a remote one.
    pub(super) const fn remote(&self) -> Option<&Remote> {
        match &self.kind {
            Kind::Remote(remote) => Some(remote),
            _ => None,
        }
    }
}

/// WdfIoTargetCreate(Device, IoTargetAttributes, IoTarget)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    let attributes = host.attributes(call.arg(1))?;
    let parent = match attributes.parent {
        0 => host.object(device.handle),
        parent => host.object(parent),
    };
    let above = host.device_above(&parent);
    if above.is_none_or(|above| above.handle != device.handle) {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    let parent = host.parent_object(parent.handle)?;
    let (object, _) = host.create_object(Some(&parent), &attributes, |handle| {
        IoTarget::new(handle, device.handle, Kind::Remote(Remote::default()))
    });
    host.memory.write(call.arg(2), &object.handle);
    Ok(())
}

impl Host {
    /// The remote target that a function is called for; another one is a violation.
    fn remote_target(&self, call: &Call, what: &str) -> Rc<IoTarget> {
        let target = self.body::<IoTarget>(call.arg(0));
        if target.remote().is_none() {
            self.violation(
                &rules::INVALID_HANDLE,
                format!("{what} is called for a target that is not a remote one"),
            );
        }
        target
    }

    /// The WDF_IO_TARGET_OPEN_PARAMS at an address. Until 1.11 they ended before FileName.
    fn open_params(&self, address: u64) -> Result<WDF_IO_TARGET_OPEN_PARAMS, NtStatus> {
        let size: u32 = self.memory.read(address);
        let whole = size_of::<WDF_IO_TARGET_OPEN_PARAMS>();
        if size as usize != whole && size as usize != whole - size_of::<UNICODE_STRING>() {
            return Err(STATUS_INFO_LENGTH_MISMATCH);
        }
        let params: WDF_IO_TARGET_OPEN_PARAMS = self.structure(
            "WDF_IO_TARGET_OPEN_PARAMS",
            address,
            size_of::<UNICODE_STRING>(),
        );
        let callbacks = callbacks_of(&params) != [0; 3];
        let name = &params.TargetDeviceName;
        let is_valid = match params.Type {
            WDF_IO_TARGET_OPEN_TYPE::WdfIoTargetOpenUseExistingDevice => {
                params.TargetDeviceObject.0 != 0 && (params.TargetFileObject.0 != 0 || !callbacks)
            }
            WDF_IO_TARGET_OPEN_TYPE::WdfIoTargetOpenByName => {
                name.Buffer.0 != 0 && name.Length != 0 && name.MaximumLength != 0
            }
            WDF_IO_TARGET_OPEN_TYPE::WdfIoTargetOpenReopen => true,
            // That by a file is for drivers of user mode.
            _ => false,
        };
        if is_valid {
            Ok(params)
        } else {
            Err(STATUS_INVALID_PARAMETER)
        }
    }

    /// Opens a device by a name: that of an interface, of a symbolic link, or its own.
    fn open_name(&self, name: &str, access: u32) -> Result<Opened, NtStatus> {
        let (device, rest) = self
            .device_named(name)
            .ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
        let file = self.open_here(&device, rest, access)?;
        Ok(Opened {
            object: device.wdm_own(),
            device,
            file_object: file.wdm(),
            handle: self.memory.new_handle(),
            file: Some(file),
        })
    }

    /// Takes a device that is there.
    fn open_object(&self, params: &WDF_IO_TARGET_OPEN_PARAMS) -> Opened {
        let object = params.TargetDeviceObject.0;
        let file_object = params.TargetFileObject.0;
        let Some(device) = self.device_of_object(object) else {
            self.violation(
                &rules::BAD_ARGUMENT,
                format!(
                    "{object:#x} is to be opened as a target, and is not a device of a stack here"
                ),
            )
        };
        let file = device
            .open
            .borrow()
            .iter()
            .find(|file| file.wdm() == file_object)
            .cloned();
        Opened {
            object,
            device,
            file_object,
            handle: 0,
            file,
        }
    }

    /// Closes a target.
    pub(super) fn close_target(&self, target: &IoTarget, remote: &Remote, reason: Reason) {
        let opening = Rc::clone(&remote.opening);
        self.block_until(move |_| !opening.get());
        let is_open = remote.opened.borrow().is_some();
        target.state.set(match reason {
            Reason::Delete => State::Deleted,
            Reason::QueryRemove if is_open => State::ClosedForQueryRemove,
            _ => State::Closed,
        });
        if reason != Reason::QueryRemove {
            remote.told_of.set(0);
        }
        for queued in target.queued.take() {
            self.end_queued(target.handle, &queued, STATUS_WDF_DEVICE_REMOVED_NOT_SENT);
        }
        self.cancel_sent(target);
        if !target.sent.borrow().is_empty() {
            self.wait_for_sent(target, "closing a target");
        }
        if let Some(Opened {
            file: Some(file),
            handle,
            ..
        }) = remote.opened.take()
            && handle != 0
        {
            self.close_here(&file);
        }
    }

    /// A target is deleted.
    pub(super) fn delete_target(&self, target: &IoTarget) {
        let Some(remote) = target.remote() else {
            return;
        };
        if self.irql() > Irql::PASSIVE && remote.opened.borrow().is_some() {
            self.unsupported("an open target that is deleted at DISPATCH_LEVEL");
        }
        self.close_target(target, remote, Reason::Delete);
    }
}

fn callbacks_of(params: &WDF_IO_TARGET_OPEN_PARAMS) -> [u64; 3] {
    [
        params.EvtIoTargetQueryRemove.0,
        params.EvtIoTargetRemoveCanceled.0,
        params.EvtIoTargetRemoveComplete.0,
    ]
}

/// WdfIoTargetOpen(IoTarget, OpenParams)
fn open(host: &Host, call: &Call) -> Result<(), NtStatus> {
    /// Where it says what opening has done.
    const INFORMATION: u64 = offset_of!(WDF_IO_TARGET_OPEN_PARAMS, FileInformation) as u64;
    let target = host.remote_target(call, "WdfIoTargetOpen");
    let params = host.open_params(call.arg(1))?;
    let by_name = host.open_target(&target, &params)?;
    if by_name {
        host.memory.write(call.arg(1) + INFORMATION, &FILE_OPENED);
    }
    Ok(())
}

impl Host {
    /// Opens a target that is closed; whether by a name.
    ///
    /// # Errors
    /// It is open, or what it is to open cannot be.
    fn open_target(
        &self,
        target: &IoTarget,
        params: &WDF_IO_TARGET_OPEN_PARAMS,
    ) -> Result<bool, NtStatus> {
        let Some(remote) = target.remote() else {
            unreachable!("only remote targets are opened");
        };
        let reopen = params.Type == WDF_IO_TARGET_OPEN_TYPE::WdfIoTargetOpenReopen;
        if reopen && remote.named.borrow().is_none() {
            return Err(STATUS_INVALID_DEVICE_REQUEST);
        }
        let is_open = remote.opening.get() || remote.opened.borrow().is_some();
        if target.state.get() == State::Deleted || is_open {
            return Err(STATUS_INVALID_DEVICE_STATE);
        }
        remote.told_of.set(0);
        let by_object = params.Type == WDF_IO_TARGET_OPEN_TYPE::WdfIoTargetOpenUseExistingDevice;
        let named = match params.Type {
            _ if by_object => None,
            _ if reopen => remote.named.borrow().clone(),
            _ => {
                let name = self.text(&params.TargetDeviceName);
                Some((name, params.DesiredAccess))
            }
        };
        if !reopen {
            *remote.named.borrow_mut() = None;
        }
        remote.opening.set(true);
        let opened = match &named {
            Some((name, access)) => self.open_name(name, *access),
            None => Ok(self.open_object(params)),
        };
        remote.opening.set(false);
        let opened = opened.inspect_err(|_| self.close_target(target, remote, Reason::Plain))?;
        // PnP tells who has a FILE_OBJECT, of devices that it knows.
        if opened.file_object != 0 && !opened.device.is_control() {
            remote.told_of.set(opened.device.handle);
            if !reopen {
                remote.callbacks.set(callbacks_of(params));
            }
        }
        *remote.named.borrow_mut() = named;
        *remote.opened.borrow_mut() = Some(opened);
        self.start_target(target);
        Ok(!by_object)
    }

    /// Opens a target again as it was opened by a name before.
    pub(super) fn reopen_target(&self, target: &IoTarget) -> Result<(), NtStatus> {
        let params = WDF_IO_TARGET_OPEN_PARAMS {
            Type: WDF_IO_TARGET_OPEN_TYPE::WdfIoTargetOpenReopen,
            ..WDF_IO_TARGET_OPEN_PARAMS::default()
        };
        self.open_target(target, &params).map(|_| ())
    }
}

/// WdfIoTargetClose(IoTarget)
fn close(host: &Host, call: &Call) {
    let target = host.remote_target(call, "WdfIoTargetClose");
    if let Some(remote) = target.remote() {
        host.close_target(&target, remote, Reason::Plain);
    }
}

/// WdfIoTargetCloseForQueryRemove(IoTarget): PnP still tells the target what becomes of the device.
fn close_for_query_remove(host: &Host, call: &Call) {
    let target = host.remote_target(call, "WdfIoTargetCloseForQueryRemove");
    if let Some(remote) = target.remote() {
        host.close_target(&target, remote, Reason::QueryRemove);
    }
}
