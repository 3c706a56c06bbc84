//! What a request is to ask the driver below for.

use std::rc::Rc;

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INTEGER_OVERFLOW, STATUS_INVALID_PARAMETER, STATUS_SUCCESS},
    types::{MDL, WDF_REQUEST_TYPE, WDFMEMORY_OFFSET},
};
use kmdf_bus::{Sent, SentKind};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::IoTarget;
use crate::{
    host::{Host, services},
    io::Major,
    kmdf::{buffer::Side, memory::Memory, object::Object, request::Request},
};

/// One buffer of a request that is sent.
#[derive(Clone, Default)]
pub(super) struct Part {
    pub(super) address: u64,
    pub(super) bytes: u64,
    /// Where in its memory object it begins.
    pub(super) offset: u64,
    /// Its memory object, which lives at least as long.
    pub(super) memory: Option<Rc<Object>>,
}

impl Part {
    /// The handle of its WDFMEMORY, or 0.
    pub(super) fn handle(&self) -> u64 {
        self.memory.as_ref().map_or(0, |object| object.handle)
    }
}

/// What is asked for, with the buffers.
#[derive(Clone)]
pub(crate) struct Format {
    pub(super) kind: SentKind,
    pub(super) code: u32,
    pub(super) offset: i64,
    pub(super) input: Part,
    pub(super) output: Part,
    /// Arguments 1, 2 and 4 of an internal control request, where these are not its buffers.
    pub(super) others: Option<[Part; 3]>,
    /// Whether a stack location of the driver's says it: the framework keeps no parameters of such a request.
    pub(super) by_location: bool,
}

impl Format {
    /// All that it holds.
    fn parts(&self) -> impl Iterator<Item = &Part> {
        [&self.input, &self.output]
            .into_iter()
            .chain(self.others.iter().flatten())
    }
}

impl Format {
    /// A `WDF_REQUEST_TYPE`.
    pub(super) const fn request_type(&self) -> i32 {
        match self.kind {
            SentKind::Read => WDF_REQUEST_TYPE::WdfRequestTypeRead.0,
            SentKind::Write => WDF_REQUEST_TYPE::WdfRequestTypeWrite.0,
            SentKind::Control => WDF_REQUEST_TYPE::WdfRequestTypeDeviceControl.0,
            SentKind::InternalControl if self.others.is_some() => {
                WDF_REQUEST_TYPE::WdfRequestTypeOther.0
            }
            SentKind::InternalControl => WDF_REQUEST_TYPE::WdfRequestTypeDeviceControlInternal.0,
        }
    }
}

impl Host {
    /// What the driver below sees of it.
    pub(super) fn sent(&self, format: &Format) -> Sent {
        let input = &format.input;
        Sent {
            kind: format.kind,
            code: format.code,
            offset: format.offset,
            input: match input.bytes {
                0 => Vec::new(),
                bytes => self.memory.read_bytes(input.address, bytes as usize),
            },
            output_length: format.output.bytes as usize,
        }
    }

    /// Gives a request another format: what the one before held is given back.
    pub(crate) fn set_format(&self, request: &Request, format: Option<Format>) {
        if let Some(format) = &format {
            for object in format.parts().filter_map(|part| part.memory.as_ref()) {
                object.references.set(object.references.get() + 1);
            }
        }
        if let Some(before) = request.format.replace(format) {
            for object in before.parts().filter_map(|part| part.memory.as_ref()) {
                self.release_reference(object);
            }
        }
    }

    /// The format of an app's request: as it came.
    pub(super) fn format_of_app(&self, request: &Request) -> Format {
        let irp = &request.irp;
        let part = |side| {
            let found = self
                .request_buffer(request, side)
                .or_else(|_| self.user_buffer(request, side, 0));
            let (address, bytes) = found.unwrap_or((0, 0));
            Part {
                address,
                bytes,
                ..Part::default()
            }
        };
        Format {
            kind: match irp.major {
                Major::Read => SentKind::Read,
                Major::Write => SentKind::Write,
                Major::DeviceControl | Major::Create => SentKind::Control,
                Major::InternalControl => SentKind::InternalControl,
            },
            code: irp.code,
            offset: irp.offset.cast_signed(),
            input: part(Side::Input),
            output: part(Side::Output),
            others: irp.others.map(|others| {
                others.map(|address| Part {
                    address,
                    ..Part::default()
                })
            }),
            by_location: false,
        }
    }

    /// The buffer that a WDFMEMORY and a WDFMEMORY_OFFSET name; none for NULL.
    pub(super) fn part(&self, memory: u64, offsets: u64) -> Result<Part, NtStatus> {
        if memory == 0 {
            return Ok(Part::default());
        }
        let body = self.body::<Memory>(memory);
        let offsets = match offsets {
            0 => WDFMEMORY_OFFSET::default(),
            address => self.memory.read(address),
        };
        let end = offsets.BufferOffset.checked_add(offsets.BufferLength);
        if end.is_none_or(|end| end > body.bytes()) {
            return Err(STATUS_INTEGER_OVERFLOW);
        }
        Ok(Part {
            address: body.buffer() + offsets.BufferOffset,
            bytes: match offsets.BufferLength {
                0 => body.bytes() - offsets.BufferOffset,
                bytes => bytes,
            },
            offset: offsets.BufferOffset,
            memory: Some(self.object(memory)),
        })
    }

    /// The buffer that a WDF_MEMORY_DESCRIPTOR names; none for NULL.
    pub(super) fn described_part(&self, descriptor: u64) -> Result<Part, NtStatus> {
        const BUFFER: u32 = 1;
        const OF_MDL: u32 = 2;
        const HANDLE: u32 = 3;
        if descriptor == 0 {
            return Ok(Part::default());
        }
        // The union: a pointer, then a length, or a pointer to a WDFMEMORY_OFFSET.
        let pointer: u64 = self.memory.read(descriptor + 8);
        let length = u64::from(self.memory.read::<u32>(descriptor + 16));
        match self.memory.read::<u32>(descriptor) {
            BUFFER if pointer != 0 => Ok(Part {
                address: pointer,
                bytes: length,
                ..Part::default()
            }),
            OF_MDL if pointer != 0 => {
                let mdl: MDL = self.memory.read(pointer);
                Ok(Part {
                    address: mdl.MappedSystemVa.0,
                    bytes: length,
                    ..Part::default()
                })
            }
            HANDLE if pointer != 0 => {
                let offsets = self.memory.read(descriptor + 16);
                self.part(pointer, offsets)
            }
            _ => Err(STATUS_INVALID_PARAMETER),
        }
    }

    /// The format of a read or a write.
    pub(super) fn format_io(&self, kind: SentKind, buffer: Part, offset: u64) -> Format {
        let offset = match offset {
            0 => 0,
            address => self.memory.read(address),
        };
        let (input, output) = match kind {
            SentKind::Write => (buffer, Part::default()),
            _ => (Part::default(), buffer),
        };
        Format {
            kind,
            code: 0,
            offset,
            input,
            output,
            others: None,
            by_location: false,
        }
    }

    /// The format of a control request.
    pub(super) const fn format_control(
        kind: SentKind,
        code: u32,
        input: Part,
        output: Part,
    ) -> Format {
        Format {
            kind,
            code,
            offset: 0,
            input,
            output,
            others: None,
            by_location: false,
        }
    }
}

services! {
    WdfRequestFormatRequestUsingCurrentType <= DISPATCH => as_it_is;
    WdfIoTargetFormatRequestForRead <= DISPATCH => read;
    WdfIoTargetFormatRequestForWrite <= DISPATCH => write;
    WdfIoTargetFormatRequestForIoctl <= DISPATCH => control;
    WdfIoTargetFormatRequestForInternalIoctl <= DISPATCH => internal_control;
}

/// WdfRequestFormatRequestUsingCurrentType(Request)
fn as_it_is(host: &Host, call: &Call) {
    let request = host.driver_request(call.arg(0), "WdfRequestFormatRequestUsingCurrentType");
    if request.made_by_driver {
        host.violation(
            &rules::INVALID_REQ_ACCESS,
            "a request that the driver created is sent as it came, but it came from no app",
        );
    }
    host.set_format(&request, None);
    request.formatted_as_is.set(true);
}

fn read(host: &Host, call: &Call) -> NtStatus {
    io(
        host,
        call,
        SentKind::Read,
        "WdfIoTargetFormatRequestForRead",
    )
}

fn write(host: &Host, call: &Call) -> NtStatus {
    io(
        host,
        call,
        SentKind::Write,
        "WdfIoTargetFormatRequestForWrite",
    )
}

/// WdfIoTargetFormatRequestForRead(IoTarget, Request, Buffer, BufferOffset, DeviceOffset), and for
/// writing
fn io(host: &Host, call: &Call, kind: SentKind, what: &str) -> NtStatus {
    host.body::<IoTarget>(call.arg(0));
    let request = host.driver_request(call.arg(1), what);
    match host.part(call.arg(2), call.arg(3)) {
        Ok(buffer) => {
            let format = host.format_io(kind, buffer, call.arg(4));
            format_request(host, &request, format)
        }
        Err(status) => status,
    }
}

fn control(host: &Host, call: &Call) -> NtStatus {
    let what = "WdfIoTargetFormatRequestForIoctl";
    format_control(host, call, SentKind::Control, what)
}

fn internal_control(host: &Host, call: &Call) -> NtStatus {
    let what = "WdfIoTargetFormatRequestForInternalIoctl";
    format_control(host, call, SentKind::InternalControl, what)
}

/// WdfIoTargetFormatRequestForIoctl(IoTarget, Request, IoctlCode, InputBuffer, InputBufferOffset,
/// OutputBuffer, OutputBufferOffset), and for internal ones
fn format_control(host: &Host, call: &Call, kind: SentKind, what: &str) -> NtStatus {
    host.body::<IoTarget>(call.arg(0));
    let request = host.driver_request(call.arg(1), what);
    let input = host.part(call.arg(3), call.arg(4));
    let output = host.part(call.arg(5), call.arg(6));
    match (input, output) {
        (Ok(input), Ok(output)) => {
            let format = Host::format_control(kind, call.arg32(2), input, output);
            format_request(host, &request, format)
        }
        (Err(status), _) | (_, Err(status)) => status,
    }
}

pub(super) fn format_request(host: &Host, request: &Request, format: Format) -> NtStatus {
    request.formatted_as_is.set(false);
    request.has_irp.set(true);
    request.has_context.set(true);
    host.set_format(request, Some(format));
    STATUS_SUCCESS
}
