//! The events that the driver traces. It traces neither in an ISR nor under a lock.

#![forbid(unsafe_code)]

use kmdf::Guid;
use kmdf_etw::{Provider, event, provider_metadata};

/// The provider's name, which listeners show.
const NAME: &str = "EduKmdf";

const METADATA: [u8; NAME.len() + 3] = provider_metadata(NAME);

/// `EduKmdf`, {51915b47-234c-517e-7a7d-333d28541b99}: the id that ETW's tools derive from the name, so
/// that `*EduKmdf` finds it.
pub static PROVIDER: Provider = Provider::new(
    Guid::from_u128(0x5191_5B47_234C_517E_7A7D_333D_2854_1B99),
    &METADATA,
);

event!(/// EvtDriverDeviceAdd has made a device.
    pub DEVICE_ADDED = PROVIDER, Information, "DeviceAdded");
event!(/// EvtDriverDeviceAdd has failed with that NTSTATUS: no memory for a device of so many address bits.
    pub NO_REACHABLE_MEMORY = PROVIDER, Error, "NoReachableMemory", "AddressBits", "Status");
event!(/// EvtDevicePrepareHardware has found the device.
    pub DEVICE_FOUND = PROVIDER, Information, "DeviceFound", "Identification");
event!(/// EvtDevicePrepareHardware has failed with that NTSTATUS.
    pub DEVICE_REFUSED = PROVIDER, Error, "DeviceRefused", "Status");
event!(/// The interrupts are connected.
    pub DEVICE_STARTED = PROVIDER, Information, "DeviceStarted");
event!(/// The interrupts are about to be disconnected; how many there were.
    pub DEVICE_STOPPED = PROVIDER, Information, "DeviceStopped", "Interrupts");
event!(/// EvtDeviceReleaseHardware: the registers are unmapped.
    pub DEVICE_RELEASED = PROVIDER, Information, "DeviceReleased");
event!(/// A factorial is about to be started, or waits until the device is idle.
    pub FACTORIAL_STARTED = PROVIDER, Verbose, "FactorialStarted", "Operand");
event!(/// A factorial is done.
    pub FACTORIAL_COMPLETED = PROVIDER, Verbose, "FactorialCompleted", "Result");
event!(/// A factorial failed with that NTSTATUS.
    pub FACTORIAL_FAILED = PROVIDER, Warning, "FactorialFailed", "Status");
event!(/// A transfer is about to be started, or waits until the device is idle.
    pub TRANSFER_STARTED = PROVIDER, Verbose, "TransferStarted", "Offset", "Bytes");
event!(/// A transfer is done.
    pub TRANSFER_COMPLETED = PROVIDER, Verbose, "TransferCompleted", "Bytes");
event!(/// A transfer failed with that NTSTATUS.
    pub TRANSFER_FAILED = PROVIDER, Warning, "TransferFailed", "Status");
event!(/// The device raised unknown causes.
    pub UNKNOWN_CAUSES = PROVIDER, Warning, "UnknownCauses", "Causes");
event!(/// An interrupt did not come; the watchdog completed its request.
    pub INTERRUPT_MISSED = PROVIDER, Warning, "InterruptMissed", "Engine");
event!(/// An engine does not end; its request was failed.
    pub ENGINE_STUCK = PROVIDER, Error, "EngineStuck", "Engine");
event!(/// The device reads all ones.
    pub DEVICE_SURPRISE_REMOVED = PROVIDER, Error, "DeviceSurpriseRemoved");

/// An NTSTATUS as a value of an event.
pub fn status(status: kmdf::NtStatus) -> u64 {
    status.get().cast_unsigned().into()
}
