//! What only class extensions call. No class extension is loaded here, and the framework refuses these functions to
//! every other driver.

use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use crate::host::{Host, services};

services! {
    WdfCxDeviceInitAllocate <= PASSIVE => refuse;
    WdfCxDeviceInitAssignWdmIrpPreprocessCallback <= DISPATCH => refuse;
    WdfCxDeviceInitSetIoInCallerContextCallback <= DISPATCH => refuse;
    WdfCxDeviceInitSetRequestAttributes <= DISPATCH => refuse;
    WdfCxDeviceInitSetFileObjectConfig <= DISPATCH => refuse;
    WdfCxDeviceInitSetPnpPowerEventCallbacks <= DISPATCH => refuse;
    WdfCxDeviceInitSetPowerPolicyEventCallbacks <= DISPATCH => refuse;
    WdfCxDeviceInitAllocateContext <= PASSIVE => refuse;
    WdfCxDeviceInitGetTypedContextWorker <= PASSIVE => refuse;
    WdfCxVerifierKeBugCheck <= HIGH => bug_check;
}

/// `FxValiateCx`
fn refuse(host: &Host, _: &Call) {
    host.violation(
        &rules::CLASS_EXTENSION,
        "a function of class extensions is called by a driver that is none",
    )
}

/// WdfCxVerifierKeBugCheck(Object, BugCheckCode, four parameters)
fn bug_check(host: &Host, call: &Call) {
    if call.arg(0) != 0 {
        host.object(call.arg(0));
    }
    host.violation(
        &rules::KE_BUG_CHECK,
        format!("the driver ends the system: code {:#x}", call.arg32(1)),
    )
}
