//! What a driver asks about itself and about the framework.

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_NOT_SUPPORTED},
    types::WDF_DRIVER_VERSION_AVAILABLE_PARAMS,
};
use kmdf_machine::{Event, cpu::stub::Call};
use kmdf_rules::rules;

use super::{
    driver::{Driver, HIGHEST_MINOR},
    string::WdfString,
};
use crate::host::{Host, services};

services! {
    WdfDriverGetRegistryPath <= PASSIVE => registry_path;
    WdfDriverWdmGetDriverObject <= DISPATCH => driver_object;
    WdfDriverRetrieveVersionString <= PASSIVE => version_string;
    WdfDriverIsVersionAvailable <= PASSIVE => is_version_available;
    WdfVerifierDbgBreakPoint <= HIGH => break_point;
    WdfVerifierKeBugCheck <= HIGH => bug_check;
    WdfDriverRegisterTraceInfo <= PASSIVE => register_trace;
    WdfDriverErrorReportApiMissing <= HIGH => report_missing;
}

/// WdfDriverGetRegistryPath(Driver): a string that ends with a zero.
fn registry_path(host: &Host, call: &Call) -> u64 {
    host.body::<Driver>(call.arg(0)).registry_path
}

fn driver_object(host: &Host, call: &Call) -> u64 {
    host.body::<Driver>(call.arg(0));
    host.framework().driver_object.get()
}

/// The build of the framework, for the version string: none of Microsoft's.
const BUILD: u32 = 0;

/// WdfDriverRetrieveVersionString(Driver, String)
fn version_string(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.body::<Driver>(call.arg(0));
    let string = host.body::<WdfString>(call.arg(1));
    string.set(
        host,
        &format!("Kernel Mode Driver Framework version 1.{HIGHEST_MINOR}.{BUILD}"),
    )
}

/// WdfDriverIsVersionAvailable(Driver, VersionAvailableParams)
fn is_version_available(host: &Host, call: &Call) -> bool {
    host.body::<Driver>(call.arg(0));
    let wanted: WDF_DRIVER_VERSION_AVAILABLE_PARAMS = host.memory.read(call.arg(1));
    let is_known = wanted.Size as usize == size_of::<WDF_DRIVER_VERSION_AVAILABLE_PARAMS>();
    is_known && wanted.MajorVersion == 1 && wanted.MinorVersion <= HIGHEST_MINOR
}

/// WdfVerifierDbgBreakPoint(): nobody debugs here.
fn break_point(host: &Host, _: &Call) {
    host.record(Event::Host {
        text: "the driver breaks into the debugger".to_owned(),
    });
}

/// WdfVerifierKeBugCheck(BugCheckCode, four parameters)
fn bug_check(host: &Host, call: &Call) {
    host.violation(
        &rules::KE_BUG_CHECK,
        format!("the driver ends the system: code {:#x}", call.arg32(0)),
    )
}

/// WdfDriverRegisterTraceInfo(DriverObject, EvtTraceCallback, ControlBlock): no framework has ever taken it.
fn register_trace(_: &Host, _: &Call) -> NtStatus {
    STATUS_NOT_SUPPORTED
}

/// WdfDriverErrorReportApiMissing(Driver, FrameworkExtensionName, ApiIndex, DoesApiReturnNtstatus): with its verifier
/// the framework ends the system.
fn report_missing(host: &Host, call: &Call) {
    host.body::<Driver>(call.arg(0));
    host.violation(
        &rules::API_MISSING,
        format!(
            "function {} is called, which this version of the framework has not: the driver has to look first",
            call.arg32(2)
        ),
    )
}
