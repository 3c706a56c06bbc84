//! Requests that are formatted by a stack location of the driver's.

use kmdf_abi::types::MDL;
use kmdf_bus::SentKind;
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::format::{Format, Part};
use crate::{
    host::{Host, services},
    irp::Located,
};

services! {
    WdfRequestWdmFormatUsingStackLocation <= DISPATCH => using_stack_location;
}

/// WdfRequestWdmFormatUsingStackLocation(Request, Stack)
fn using_stack_location(host: &Host, call: &Call) {
    let what = "WdfRequestWdmFormatUsingStackLocation";
    let request = host.driver_request(call.arg(0), what);
    let irp = host.wdm_irp(&request);
    if irp == 0 {
        host.violation(
            &rules::REQUEST_WITHOUT_IRP,
            format!("{what} is called for a request without an IRP"),
        );
    }
    let located = host.located(irp, call.arg(1));
    let format = host.format_of(&located);
    request.formatted_as_is.set(false);
    host.set_format(&request, Some(format));
}

impl Host {
    /// What a stack location asks for, with the buffers of its IRP.
    fn format_of(&self, located: &Located) -> Format {
        const READ: u8 = 0x03;
        const WRITE: u8 = 0x04;
        const CONTROL: u8 = 0x0E;
        const INTERNAL: u8 = 0x0F;
        let [first, second] = located.lengths.map(u64::from);
        let buffer = self.buffer_of(located);
        let none = Part::default;
        let part = |address, bytes| match bytes {
            0 => none(),
            bytes => Part {
                address,
                bytes,
                ..none()
            },
        };
        let (kind, input, output) = match located.major {
            READ => (SentKind::Read, none(), part(buffer, first)),
            WRITE => (SentKind::Write, part(buffer, first), none()),
            CONTROL | INTERNAL => {
                let (from, to) = match located.code & 3 {
                    0 => (located.system, located.system),
                    3 => (located.type3, located.user),
                    _ => (located.system, buffer),
                };
                let kind = if located.major == CONTROL {
                    SentKind::Control
                } else {
                    SentKind::InternalControl
                };
                (kind, part(from, second), part(to, first))
            }
            major => self.unsupported(format!(
                "a request that is formatted by a stack location with the major function {major:#x}"
            )),
        };
        Format {
            kind,
            code: located.code,
            offset: located.offset,
            input,
            output,
            others: None,
            by_location: true,
        }
    }

    /// The one buffer of an IRP: the system's, the one that its MDL describes, or the sender's.
    fn buffer_of(&self, located: &Located) -> u64 {
        if located.mdl != 0 {
            return self.memory.read::<MDL>(located.mdl).MappedSystemVa.0;
        }
        if located.system != 0 {
            return located.system;
        }
        located.user
    }
}
