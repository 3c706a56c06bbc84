//! What the driver below does with an IRP: the PCI bus driver for PnP's, for others what the device answers.

use std::mem::offset_of;

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_SUCCESS},
    types::DEVICE_OBJECT,
};

use kmdf_bus::{Answer, Sent, SentKind};

use super::{PARAMETERS, STATUS, SYSTEM_BUFFER, USER_BUFFER};
use kmdf_machine::Dpc;

use crate::{
    host::Host,
    kmdf::{
        device::{Device, FIRST_CHILD},
        query_interface::Query,
    },
    pnp::bus::CONFIGURATION,
};

/// Where a DEVICE_OBJECT says how many stack locations it needs.
pub(super) const STACK_SIZE: u64 = offset_of!(DEVICE_OBJECT, StackSize) as u64;

/// Major functions.
const READ: u8 = 0x03;
const WRITE: u8 = 0x04;
const DEVICE_CONTROL: u8 = 0x0E;
const INTERNAL_DEVICE_CONTROL: u8 = 0x0F;
const PNP: u8 = 0x1B;
/// Minor functions of PnP.
const QUERY_INTERFACE: u8 = 0x08;
const READ_CONFIG: u8 = 0x0F;
const WRITE_CONFIG: u8 = 0x10;

impl Host {
    /// An IRP reaches a device's stack: at its top, which the device is, or below it.
    pub(super) fn dispatch_down(&self, device: &Device, at_top: bool, irp: u64) -> NtStatus {
        let location = self.location(irp);
        let major: u8 = self.memory.read(location);
        if major == PNP {
            let status = self.plug_and_play(device, at_top, location);
            let status = status.unwrap_or_else(|| NtStatus(self.memory.read(irp + STATUS)));
            let information: u64 = self.memory.read(irp + super::INFORMATION);
            self.finish_below(irp, status, information);
            return status;
        }
        if at_top {
            self.unsupported(format!(
                "an IRP with the major function {major:#x}, sent to the top of the driver's own stack"
            ));
        }
        let Some(sent) = self.sent_by_irp(irp, location) else {
            let status = NtStatus(self.memory.read(irp + STATUS));
            self.finish_below(irp, status, 0);
            return status;
        };
        let answer = match device.slot {
            FIRST_CHILD.. => Answer::unknown(),
            slot => self.answer_from_below(slot, &sent),
        };
        if answer.after.is_zero() {
            let status = answer.status;
            self.answer_irp(irp, location, &answer);
            return status;
        }
        let dpc = Dpc::new("the driver below", {
            let answer = answer.clone();
            move |host: &Self| {
                host.change_irp(irp, |known| known.alarm = None);
                host.answer_irp(irp, location, &answer);
            }
        });
        let alarm = self.at(self.now() + answer.after, move |host| {
            host.queue_dpc(&dpc);
        });
        self.change_irp(irp, |known| known.alarm = Some(alarm));
        self.mark_pending(irp)
    }

    /// What the bus driver answers to an IRP of PnP; `None` for what it leaves as it is.
    fn plug_and_play(&self, device: &Device, at_top: bool, location: u64) -> Option<NtStatus> {
        let parameters = location + PARAMETERS;
        let dword = |offset| self.memory.read::<u32>(parameters + offset);
        let pointer = |offset| self.memory.read::<u64>(parameters + offset);
        match self.memory.read::<u8>(location + 1) {
            QUERY_INTERFACE => {
                let query = Query {
                    kind: pointer(0),
                    interface: pointer(16),
                    size: dword(8) as u16,
                    version: (dword(8) >> 16) as u16,
                    specific: pointer(24),
                };
                if at_top {
                    Some(self.query_stack(device, query))
                } else {
                    self.query_bus(device.slot, query)
                }
            }
            READ_CONFIG if self.has_config(device.slot) && dword(0) == CONFIGURATION => {
                let read = self.read_config(device.slot, dword(16), dword(24));
                self.memory.write_bytes(pointer(8), &read);
                Some(STATUS_SUCCESS)
            }
            WRITE_CONFIG if self.has_config(device.slot) && dword(0) == CONFIGURATION => {
                let bytes = self.memory.read_bytes(pointer(8), dword(24) as usize);
                self.write_config(device.slot, dword(16), &bytes);
                Some(STATUS_SUCCESS)
            }
            _ => None,
        }
    }

    /// What an IRP asks the driver below for, if that could know it.
    fn sent_by_irp(&self, irp: u64, location: u64) -> Option<Sent> {
        const METHOD_NEITHER: u32 = 3;
        let parameters = location + PARAMETERS;
        let dword = |offset| self.memory.read::<u32>(parameters + offset);
        let system: u64 = self.memory.read(irp + SYSTEM_BUFFER);
        let bytes = |from: u64, length: u32| match from {
            0 => Vec::new(),
            from => self.memory.read_bytes(from, length as usize),
        };
        let major: u8 = self.memory.read(location);
        let offset = self.memory.read::<i64>(parameters + 16);
        Some(match major {
            READ => Sent {
                kind: SentKind::Read,
                code: 0,
                offset,
                input: Vec::new(),
                output_length: dword(0) as usize,
            },
            WRITE => Sent {
                kind: SentKind::Write,
                code: 0,
                offset,
                input: bytes(system, dword(0)),
                output_length: 0,
            },
            DEVICE_CONTROL | INTERNAL_DEVICE_CONTROL => Sent {
                kind: if major == DEVICE_CONTROL {
                    SentKind::Control
                } else {
                    SentKind::InternalControl
                },
                code: dword(16),
                offset: 0,
                input: if dword(16) & 3 == METHOD_NEITHER {
                    bytes(self.memory.read(parameters + 24), dword(8))
                } else {
                    bytes(system, dword(8))
                },
                output_length: dword(0) as usize,
            },
            _ => return None,
        })
    }

    /// The driver below completes an IRP with its answer.
    fn answer_irp(&self, irp: u64, location: u64, answer: &Answer) {
        let system: u64 = self.memory.read(irp + SYSTEM_BUFFER);
        let output = match system {
            0 => self.memory.read::<u64>(irp + USER_BUFFER),
            system => system,
        };
        let length = self.memory.read::<u32>(location + PARAMETERS) as usize;
        let room = answer.output.len().min(length);
        if output != 0 && room > 0 && !answer.status.is_error() {
            self.memory.write_bytes(output, &answer.output[..room]);
        }
        self.finish_below(irp, answer.status, answer.information);
    }
}
