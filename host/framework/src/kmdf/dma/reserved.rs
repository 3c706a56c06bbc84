//! Resources of a transaction that are reserved before it has a buffer, and what version 3 of the DMA operations
//! tells of one.

use std::rc::Rc;

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INVALID_PARAMETER, STATUS_SUCCESS},
    types::WDF_DMA_SYSTEM_PROFILE_CONFIG,
};
use kmdf_machine::{Irql, cpu::stub::Call};
use kmdf_rules::rules;

use super::{
    enabler::{Enabler, pages},
    transaction::{State, Transaction},
    transaction_services::of_version_3,
};
use crate::host::{Host, services};

services! {
    WdfDmaTransactionCancel <= DISPATCH => cancel;
    WdfDmaTransactionAllocateResources <= DISPATCH => allocate;
    WdfDmaTransactionFreeResources <= DISPATCH => free;
    WdfDmaTransactionGetTransferInfo <= DISPATCH => transfer_info;
    WdfDmaTransactionWdmGetTransferContext <= DISPATCH => transfer_context;
    WdfDmaTransactionSetDeviceAddressOffset <= DISPATCH => of_system_profile;
    WdfDmaTransactionSetChannelConfigurationCallback <= DISPATCH => of_system_profile;
    WdfDmaTransactionSetTransferCompleteCallback <= DISPATCH => of_system_profile;
    WdfDmaTransactionStopSystemTransfer <= DISPATCH => of_system_profile;
    WdfDmaEnablerConfigureSystemProfile <= PASSIVE => configure_system;
}

/// WdfDmaTransactionCancel(DmaTransaction): whether it waited for map registers. Nobody waits here: they are
/// there at once.
fn cancel(host: &Host, call: &Call) -> bool {
    let what = "WdfDmaTransactionCancel";
    let transaction = of_version_3(host, call, what);
    if matches!(transaction.state.get(), State::Created | State::Released) {
        host.violation(
            &rules::DMA_TRANSACTION_STATE,
            "WdfDmaTransactionCancel is called for a transaction that waits for nothing: it has no buffer",
        );
    }
    false
}

/// A transaction of a packet, of an enabler with version 3: only those reserve map registers.
fn packet_of_version_3(host: &Host, call: &Call, what: &str) -> Rc<Transaction> {
    let transaction = of_version_3(host, call, what);
    if !transaction.enabler.packet {
        host.violation(
            &rules::DMA_VERSION,
            format!("{what} is called for a transaction of a scatter/gather profile"),
        );
    }
    transaction
}

/// WdfDmaTransactionAllocateResources(DmaTransaction, DmaDirection, RequiredMapRegisters, EvtReserveDmaFunction,
/// EvtReserveDmaContext)
fn allocate(host: &Host, call: &Call) -> NtStatus {
    let what = "WdfDmaTransactionAllocateResources";
    let transaction = packet_of_version_3(host, call, what);
    host.require(
        call.arg32(1) <= 1,
        "WdfDmaTransactionAllocateResources is called for a direction that there is not",
    );
    host.require(call.arg(3) != 0, "EvtReserveDma is NULL");
    if transaction.reserved.get() != 0 {
        host.violation(
            &rules::DMA_TRANSACTION_STATE,
            "map registers are reserved for a transaction that has reserved some",
        );
    }
    // Without a number it is the buffer that says how many.
    let registers = match call.arg32(2) {
        0 => {
            transaction.expect(host, &[State::Initialized], what);
            let buffer = transaction.buffer.get();
            pages(buffer.memory, buffer.bytes) as u32
        }
        registers => {
            let states = [State::Created, State::Initialized, State::Released];
            transaction.expect(host, &states, what);
            registers
        }
    };
    transaction.reserved.set(registers);
    if transaction.state.get() != State::Initialized {
        transaction.state.set(State::Reserved);
    }
    let before = host.raise_irql(host.irql().max(Irql::DISPATCH));
    host.call_driver(
        "EvtReserveDma",
        transaction.handle,
        call.arg(3),
        &[transaction.handle, call.arg(4)],
    );
    host.lower_irql(before);
    STATUS_SUCCESS
}

/// WdfDmaTransactionFreeResources(DmaTransaction)
fn free(host: &Host, call: &Call) {
    let what = "WdfDmaTransactionFreeResources";
    let transaction = packet_of_version_3(host, call, what);
    let states = [
        State::Reserved,
        State::Initialized,
        State::Completed,
        State::Failed,
        State::Released,
    ];
    transaction.expect(host, &states, what);
    transaction.reserved.set(0);
    transaction.reset(host);
}

/// WdfDmaTransactionGetTransferInfo(DmaTransaction, MapRegisterCount, ScatterGatherElementCount): the most that the
/// whole buffer may need.
fn transfer_info(host: &Host, call: &Call) {
    let transaction = host.body::<Transaction>(call.arg(0));
    let what = "WdfDmaTransactionGetTransferInfo";
    transaction.expect(host, &[State::Initialized], what);
    let buffer = transaction.buffer.get();
    let count = pages(buffer.memory, buffer.bytes) as u32;
    for out in [call.arg(1), call.arg(2)] {
        if out != 0 {
            host.memory.write(out, &count);
        }
    }
}

/// WdfDmaTransactionWdmGetTransferContext(DmaTransaction): for DMA operations that the driver calls itself.
fn transfer_context(host: &Host, call: &Call) -> u64 {
    /// `DMA_TRANSFER_CONTEXT_SIZE_V1`
    const BYTES: u64 = 128;
    let what = "WdfDmaTransactionWdmGetTransferContext";
    let transaction = of_version_3(host, call, what);
    if matches!(transaction.state.get(), State::Created | State::Released) {
        host.violation(
            &rules::DMA_TRANSACTION_STATE,
            format!("{what} is called for a transaction without a buffer"),
        );
    }
    if transaction.transfer_context.get() == 0 {
        let context = host.lend("a DMA_TRANSFER_CONTEXT", BYTES);
        transaction.transfer_context.set(context);
    }
    transaction.transfer_context.get()
}

/// WdfDmaEnablerConfigureSystemProfile(DmaEnabler, ProfileConfig, ConfigDirection): an enabler of a bus master's
/// profile has been configured when it was made.
fn configure_system(host: &Host, call: &Call) -> NtStatus {
    host.body::<Enabler>(call.arg(0));
    host.require(call.arg(1) != 0, "WDF_DMA_SYSTEM_PROFILE_CONFIG is NULL");
    let config: WDF_DMA_SYSTEM_PROFILE_CONFIG =
        host.structure("WDF_DMA_SYSTEM_PROFILE_CONFIG", call.arg(1), 0);
    host.require(
        config.DmaDescriptor.0 != 0,
        "WDF_DMA_SYSTEM_PROFILE_CONFIG.DmaDescriptor is NULL",
    );
    if call.arg32(2) > 1 {
        return STATUS_INVALID_PARAMETER;
    }
    host.violation(
        &rules::DMA_ENABLER,
        "WdfDmaEnablerConfigureSystemProfile is called for an enabler that is configured already: that of a bus \
         master is when it is made",
    )
}

/// WdfDmaTransactionSetDeviceAddressOffset and others, which are for the system's DMA controllers. No enabler here
/// has such a profile.
fn of_system_profile(host: &Host, call: &Call) {
    host.body::<Transaction>(call.arg(0));
    host.violation(
        &rules::DMA_VERSION,
        "a function for the system's DMA controllers is called for a transaction of a bus master's profile",
    );
}
