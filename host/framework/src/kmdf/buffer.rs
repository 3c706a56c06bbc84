//! The buffers of requests: the system buffer of buffered I/O, the locked pages of direct I/O, and
//! the MDLs and memory objects that stand for them.

use kmdf_abi::ntstatus::{NtStatus, STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_DEVICE_REQUEST};
use kmdf_machine::{AppMemory, Purpose, cpu::stub::Call};
use kmdf_rules::rules;

use super::{attributes::Attributes, device::Device, memory::Memory, request::Request};
use crate::{
    host::{Host, services},
    io::{Irp, Major},
};

/// `WdfDeviceIoDirect`
const DIRECT: i32 = 3;
/// `WdfDeviceIoNeither`
const NEITHER: i32 = 1;
/// `METHOD_NEITHER`
const METHOD_NEITHER: u32 = 3;

/// What was made for a request so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Buffers {
    /// The system buffer.
    system: Option<u64>,
    /// The app's pages as the driver sees them.
    direct: Option<u64>,
    /// The app's own buffers, for input and output, where the app sees them.
    user: [Option<(u64, u64)>; 2],
    /// MDLs of the system buffer and of the app's pages.
    system_mdl: Option<u64>,
    direct_mdl: Option<u64>,
    /// Memory objects for the input and for the output.
    input: Option<u64>,
    output: Option<u64>,
}

impl Buffers {
    /// Where the bytes are that an app is given.
    pub(super) fn output(&self, irp: &Irp) -> Option<u64> {
        let [_, user] = self.user.map(|user| user.map(|(address, _)| address));
        match irp.major {
            Major::Read => self.direct.or(self.system).or(user),
            Major::DeviceControl | Major::InternalControl => match irp.method() {
                0 => self.system,
                METHOD_NEITHER => user,
                _ => self.direct,
            },
            Major::Write | Major::Create => None,
        }
    }

    /// Whether one of them begins at an address.
    pub(super) fn has(&self, address: u64) -> bool {
        let user = self.user.map(|user| user.map(|(address, _)| address));
        [self.system, self.direct]
            .into_iter()
            .chain(user)
            .any(|buffer| buffer == Some(address))
    }

    /// Whether all these bytes are in one of the app's own buffers.
    pub(super) fn has_of_app(&self, address: u64, bytes: u64) -> bool {
        self.user.into_iter().flatten().any(|(start, length)| {
            let offset = address.checked_sub(start);
            let left = offset.and_then(|offset| length.checked_sub(offset));
            left.is_some_and(|left| bytes <= left)
        })
    }
}

/// Which of a request's two buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Input,
    Output,
}

/// How the bytes of a buffer reach the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    System,
    Direct,
}

impl Host {
    /// Where the bytes of one side of a request are: how they get there, and how many there are.
    fn side(&self, request: &Request, side: Side) -> Result<(Method, usize), NtStatus> {
        let irp = &request.irp;
        if request.made_by_driver {
            self.violation(
                &rules::INVALID_REQ_ACCESS,
                "the buffers of a request that the driver created are requested, but it came from no app",
            );
        }
        match (irp.major, side) {
            (Major::Read, Side::Output) | (Major::Write, Side::Input) => {
                let length = if side == Side::Output {
                    irp.output_length
                } else {
                    irp.input.len()
                };
                match self.io_type(request) {
                    DIRECT => Ok((Method::Direct, length)),
                    NEITHER => self.invalid_operation(
                        "the buffer of a request is asked for, and the device does neither buffered nor \
                         direct I/O",
                    ),
                    _ => Ok((Method::System, length)),
                }
            }
            (Major::DeviceControl | Major::InternalControl, Side::Input)
                if irp.input.is_empty() =>
            {
                Err(STATUS_BUFFER_TOO_SMALL)
            }
            (Major::DeviceControl | Major::InternalControl, Side::Output)
                if irp.output_length == 0 =>
            {
                Err(STATUS_BUFFER_TOO_SMALL)
            }
            (Major::Create, _) => {
                self.invalid_operation("the buffer of a create request is asked for: it has none")
            }
            (Major::DeviceControl | Major::InternalControl, side) => match (irp.method(), side) {
                (3, _) => Err(STATUS_INVALID_DEVICE_REQUEST),
                (_, Side::Input) => Ok((Method::System, irp.input.len())),
                (0, Side::Output) => Ok((Method::System, irp.output_length)),
                (_, Side::Output) => Ok((Method::Direct, irp.output_length)),
            },
            _ => Err(STATUS_INVALID_DEVICE_REQUEST),
        }
    }

    /// Checks that the callback for reads asks for no input, and that for writes for no output.
    pub(super) fn check_side(&self, request: &Request, side: Side, what: &str) {
        let (callback, rule) = match side {
            Side::Input => ("EvtIoRead", &rules::INPUT_BUFFER_API),
            Side::Output => ("EvtIoWrite", &rules::OUTPUT_BUFFER_API),
        };
        if self.checks_all() && self.in_callback(callback) == Some(request.handle) {
            self.violation(rule, format!("{what} is called in {callback}"));
        }
    }

    /// Whether one side of a request is the app's own pages.
    pub(crate) fn has_direct_buffer(&self, request: &Request, side: Side) -> bool {
        matches!(self.side(request, side), Ok((Method::Direct, _)))
    }

    /// The address of one side of a request, and how many bytes lie there.
    pub(crate) fn request_buffer(
        &self,
        request: &Request,
        side: Side,
    ) -> Result<(u64, u64), NtStatus> {
        let (method, bytes) = self.side(request, side)?;
        if bytes == 0 {
            return Err(STATUS_BUFFER_TOO_SMALL);
        }
        let address = match method {
            Method::System => self.system_buffer(request),
            Method::Direct => self.direct_buffer(request, side, bytes),
        };
        Ok((address, bytes as u64))
    }

    /// The buffer of the app's own behind one side of a request whose method is neither, and how many
    /// bytes it has.
    pub(crate) fn user_buffer(
        &self,
        request: &Request,
        side: Side,
        least: u64,
    ) -> Result<(u64, u64), NtStatus> {
        let irp = &request.irp;
        let neither = match irp.major {
            Major::DeviceControl | Major::InternalControl => irp.method() == METHOD_NEITHER,
            Major::Read => side == Side::Output && self.io_type(request) == NEITHER,
            Major::Write => side == Side::Input && self.io_type(request) == NEITHER,
            Major::Create => false,
        };
        if !neither {
            return Err(STATUS_INVALID_DEVICE_REQUEST);
        }
        let bytes = match side {
            Side::Input => irp.input.len(),
            Side::Output => irp.output_length,
        } as u64;
        if bytes < least {
            return Err(STATUS_BUFFER_TOO_SMALL);
        }
        if bytes == 0 {
            return Ok((0, 0));
        }
        let made = request.buffers.borrow().user[side as usize];
        let address = made.map_or_else(
            || {
                let purpose = Purpose::AppBuffer {
                    request: format!("WDFREQUEST {:#x}", request.handle),
                };
                let address = self
                    .memory
                    .allocate(bytes, false, purpose)
                    .expect("a run has address space for its buffers");
                if side == Side::Input {
                    self.memory.write_bytes(address, &irp.input);
                } else {
                    self.mark_unwritten(address, bytes);
                }
                address
            },
            |(address, _)| address,
        );
        request.buffers.borrow_mut().user[side as usize] = Some((address, bytes));
        Ok((address, bytes))
    }

    /// Fills a fresh buffer with what shows where the driver does not write.
    fn mark_unwritten(&self, address: u64, bytes: u64) {
        if self.checks_all() {
            self.memory.fill_with_pattern(address, bytes);
        }
    }

    fn io_type(&self, request: &Request) -> i32 {
        self.body::<Device>(request.device.get()).io_type
    }

    /// The system buffer of a request, made when it is first asked for: the input, and room for
    /// the output that holds whatever pool held before.
    fn system_buffer(&self, request: &Request) -> u64 {
        if let Some(address) = request.buffers.borrow().system {
            return address;
        }
        let irp = &request.irp;
        let is_control = matches!(irp.major, Major::DeviceControl | Major::InternalControl);
        let direct_output = is_control && irp.method() != 0;
        let output = if direct_output { 0 } else { irp.output_length };
        let bytes = irp.input.len().max(output) as u64;
        let purpose = Purpose::Buffer {
            request: format!("WDFREQUEST {:#x}", request.handle),
        };
        let address = self
            .memory
            .allocate(bytes, false, purpose)
            .expect("a run has address space for its buffers");
        self.mark_unwritten(address, bytes);
        self.memory.write_bytes(address, &irp.input);
        request.buffers.borrow_mut().system = Some(address);
        address
    }

    /// The app's own pages, where the driver sees them.
    fn direct_buffer(&self, request: &Request, side: Side, bytes: usize) -> u64 {
        if let Some(address) = request.buffers.borrow().direct {
            return address;
        }
        let purpose = Purpose::Buffer {
            request: format!("WDFREQUEST {:#x}, an app's own", request.handle),
        };
        let device = self.body::<Device>(request.device.get());
        let address = match self.app_memory() {
            AppMemory::Low => {
                let physical = self.physical_memory(self.slot_below(&device));
                self.allocate_in_frames(&physical, bytes as u64, None, purpose)
            }
            AppMemory::High => self
                .memory
                .allocate_backed(bytes as u64, false, purpose, |_, _| {}),
        };
        let address = address.expect("a run has address space for its buffers");
        if side == Side::Input {
            self.memory.write_bytes(address, &request.irp.input);
        } else {
            self.mark_unwritten(address, bytes as u64);
        }
        request.buffers.borrow_mut().direct = Some(address);
        address
    }

    /// Takes what a request gives the app, and frees all that was made for it.
    pub(super) fn take_output(
        &self,
        request: &Request,
        status: NtStatus,
        information: u64,
    ) -> Vec<u8> {
        let irp = &request.irp;
        let buffers = std::mem::take(&mut *request.buffers.borrow_mut());
        let [user_input, user_output] = buffers.user.map(|user| user.map(|(address, _)| address));
        let given = if status.is_error() {
            None
        } else {
            buffers.output(irp)
        };
        let output = given.map_or_else(Vec::new, |address| {
            let bytes = (information as usize).min(irp.output_length);
            self.memory.read_bytes(address, bytes)
        });
        let owned = [
            buffers.system,
            buffers.direct,
            buffers.system_mdl,
            buffers.direct_mdl,
            user_input,
            user_output,
        ];
        for address in owned.into_iter().flatten() {
            if let Err(text) = self.free_in_frames(address) {
                self.violation(&rules::BUFFER_OVERRUN, text);
            }
        }
        output
    }

    /// The MDL of one side of a request.
    pub(crate) fn request_mdl(&self, request: &Request, side: Side) -> Result<u64, NtStatus> {
        let (method, _) = self.side(request, side)?;
        let (address, bytes) = self.request_buffer(request, side)?;
        let made = {
            let buffers = request.buffers.borrow();
            match method {
                Method::System => buffers.system_mdl,
                Method::Direct => buffers.direct_mdl,
            }
        };
        if let Some(mdl) = made {
            return Ok(mdl);
        }
        let mdl = self.make_mdl(
            address,
            bytes,
            method == Method::Direct,
            Purpose::System { what: "an MDL" },
        );
        let mut buffers = request.buffers.borrow_mut();
        match method {
            Method::System => buffers.system_mdl = Some(mdl),
            Method::Direct => buffers.direct_mdl = Some(mdl),
        }
        Ok(mdl)
    }
}

services! {
    WdfRequestRetrieveInputBuffer <= DISPATCH => input_buffer;
    WdfRequestRetrieveOutputBuffer <= DISPATCH => output_buffer;
    WdfRequestRetrieveInputMemory <= DISPATCH => input_memory;
    WdfRequestRetrieveOutputMemory <= DISPATCH => output_memory;
    WdfRequestRetrieveInputWdmMdl <= DISPATCH => input_mdl;
    WdfRequestRetrieveOutputWdmMdl <= DISPATCH => output_mdl;
}

fn input_buffer(host: &Host, call: &Call) -> Result<(), NtStatus> {
    buffer(host, call, Side::Input, "WdfRequestRetrieveInputBuffer")
}

fn output_buffer(host: &Host, call: &Call) -> Result<(), NtStatus> {
    buffer(host, call, Side::Output, "WdfRequestRetrieveOutputBuffer")
}

fn input_memory(host: &Host, call: &Call) -> Result<(), NtStatus> {
    memory(host, call, Side::Input, "WdfRequestRetrieveInputMemory")
}

fn output_memory(host: &Host, call: &Call) -> Result<(), NtStatus> {
    memory(host, call, Side::Output, "WdfRequestRetrieveOutputMemory")
}

fn input_mdl(host: &Host, call: &Call) -> Result<(), NtStatus> {
    mdl(host, call, Side::Input, "WdfRequestRetrieveInputWdmMdl")
}

fn output_mdl(host: &Host, call: &Call) -> Result<(), NtStatus> {
    mdl(host, call, Side::Output, "WdfRequestRetrieveOutputWdmMdl")
}

/// WdfRequestRetrieveInputBuffer(Request, MinimumRequiredLength, Buffer, Length), and for output
fn buffer(host: &Host, call: &Call, side: Side, what: &str) -> Result<(), NtStatus> {
    let request = host.driver_request(call.arg(0), what);
    host.check_side(&request, side, what);
    host.memory.write(call.arg(2), &0_u64);
    if call.arg(3) != 0 {
        host.memory.write(call.arg(3), &0_u64);
    }
    let (address, bytes) = host.request_buffer(&request, side)?;
    if bytes < call.arg(1) {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    host.memory.write(call.arg(2), &address);
    if call.arg(3) != 0 {
        host.memory.write(call.arg(3), &bytes);
    }
    Ok(())
}

/// WdfRequestRetrieveInputMemory(Request, Memory), and for output: the object is the request's
fn memory(host: &Host, call: &Call, side: Side, what: &str) -> Result<(), NtStatus> {
    let request = host.driver_request(call.arg(0), what);
    host.check_side(&request, side, what);
    let (address, bytes) = host.request_buffer(&request, side)?;
    let made = {
        let buffers = request.buffers.borrow();
        match side {
            Side::Input => buffers.input,
            Side::Output => buffers.output,
        }
    };
    let handle = made.unwrap_or_else(|| {
        let parent = host.object(request.handle);
        let memory = Memory::of_request(address, bytes);
        let (object, _) = host.create_object(Some(&parent), &Attributes::default(), |_| memory);
        let mut buffers = request.buffers.borrow_mut();
        match side {
            Side::Input => buffers.input = Some(object.handle),
            Side::Output => buffers.output = Some(object.handle),
        }
        object.handle
    });
    host.memory.write(call.arg(1), &handle);
    Ok(())
}

/// WdfRequestRetrieveInputWdmMdl(Request, Mdl), and for output
fn mdl(host: &Host, call: &Call, side: Side, what: &str) -> Result<(), NtStatus> {
    let request = host.driver_request(call.arg(0), what);
    host.check_side(&request, side, what);
    host.memory.write(call.arg(1), &0_u64);
    let mdl = host.request_mdl(&request, side)?;
    host.memory.write(call.arg(1), &mdl);
    Ok(())
}
