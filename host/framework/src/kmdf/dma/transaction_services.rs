//! The functions of DMA transactions, but for those that give one a buffer.

use std::rc::Rc;

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_MORE_PROCESSING_REQUIRED, STATUS_SUCCESS,
    STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED, STATUS_WDF_TOO_MANY_TRANSFERS,
};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::{
    enabler::Enabler,
    transaction::{State, Transaction},
};
use crate::host::{Host, services};

services! {
    WdfDmaTransactionCreate <= DISPATCH => create;
    WdfDmaTransactionExecute <= DISPATCH => execute;
    WdfDmaTransactionRelease <= DISPATCH => release;
    WdfDmaTransactionDmaCompleted <= DISPATCH => completed;
    WdfDmaTransactionDmaCompletedWithLength <= DISPATCH => completed_with_length;
    WdfDmaTransactionDmaCompletedFinal <= DISPATCH => completed_final;
    WdfDmaTransactionGetBytesTransferred <= DISPATCH => bytes_transferred;
    WdfDmaTransactionSetMaximumLength <= DISPATCH => set_maximum;
    WdfDmaTransactionGetRequest <= DISPATCH => request;
    WdfDmaTransactionGetCurrentDmaTransferLength <= DISPATCH => current_length;
    WdfDmaTransactionGetDevice <= DISPATCH => device;
    WdfDmaTransactionSetSingleTransferRequirement <= DISPATCH => set_single;
    WdfDmaTransactionSetImmediateExecution <= DISPATCH => set_immediate;
}

/// WdfDmaTransactionCreate(DmaEnabler, Attributes, DmaTransaction)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let enabler = host.body::<Enabler>(call.arg(0));
    host.memory.write(call.arg(2), &0_u64);
    let attributes = host.attributes(call.arg(1))?;
    if attributes.parent != 0 {
        return Err(STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    }
    let parent = host.object(call.arg(0));
    let (object, _) = host.create_object(Some(&parent), &attributes, |handle| {
        Transaction::new(handle, enabler)
    });
    host.memory.write(call.arg(2), &object.handle);
    Ok(())
}

/// WdfDmaTransactionExecute(DmaTransaction, Context)
fn execute(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let transaction = host.body::<Transaction>(call.arg(0));
    transaction.expect(host, &[State::Initialized], "WdfDmaTransactionExecute");
    transaction.state.set(State::Transferring);
    transaction.context.set(call.arg(1));
    let executed = transaction
        .allocate_adapter()
        .and_then(|()| transaction.next_transfer(host));
    if executed.is_err() {
        transaction.state.set(State::Failed);
        transaction.free_adapter();
    }
    executed
}

/// WdfDmaTransactionRelease(DmaTransaction): it can be initialized again.
fn release(host: &Host, call: &Call) -> NtStatus {
    let transaction = host.body::<Transaction>(call.arg(0));
    transaction.check_idle(host, "released");
    if transaction.state.get() != State::Released {
        transaction.reset(host);
    }
    STATUS_SUCCESS
}

/// Ends a transfer of so many bytes; TRUE when the transaction is over, with how it ended.
fn complete(host: &Host, call: &Call, bytes: Option<u64>, last: bool, out: u64) -> bool {
    let transaction = host.body::<Transaction>(call.arg(0));
    transaction.expect(
        host,
        &[State::Transferring],
        "WdfDmaTransactionDmaCompleted",
    );
    let mapped = transaction.current_bytes();
    let bytes = bytes.unwrap_or(mapped);
    if bytes > mapped {
        host.violation(
            &rules::DMA_TRANSACTION_LENGTH,
            format!("{bytes} bytes are reported of a DMA transfer of {mapped}"),
        );
    }
    transaction.end_transfer(host, bytes);
    let left = transaction.buffer.get().bytes - transaction.transferred.get();
    let status = if transaction.single.get() && left > 0 {
        STATUS_WDF_TOO_MANY_TRANSFERS
    } else if last || left == 0 {
        STATUS_SUCCESS
    } else {
        let next = transaction.next_transfer(host);
        next.err().unwrap_or(STATUS_MORE_PROCESSING_REQUIRED)
    };
    let over = status != STATUS_MORE_PROCESSING_REQUIRED;
    if over {
        transaction.state.set(if status.is_success() {
            State::Completed
        } else {
            State::Failed
        });
        transaction.free_adapter();
    }
    host.memory.write(out, &status.0);
    over
}

/// WdfDmaTransactionDmaCompleted(DmaTransaction, Status)
fn completed(host: &Host, call: &Call) -> bool {
    complete(host, call, None, false, call.arg(1))
}

/// WdfDmaTransactionDmaCompletedWithLength(DmaTransaction, TransferredLength, Status)
fn completed_with_length(host: &Host, call: &Call) -> bool {
    complete(host, call, Some(call.arg(1)), false, call.arg(2))
}

/// WdfDmaTransactionDmaCompletedFinal(DmaTransaction, FinalTransferredLength, Status)
fn completed_final(host: &Host, call: &Call) -> bool {
    complete(host, call, Some(call.arg(1)), true, call.arg(2))
}

fn bytes_transferred(host: &Host, call: &Call) -> u64 {
    host.body::<Transaction>(call.arg(0)).transferred.get()
}

/// WdfDmaTransactionSetMaximumLength(DmaTransaction, MaximumLength): of one that has a buffer. More than
/// the enabler allows changes nothing.
fn set_maximum(host: &Host, call: &Call) {
    let transaction = host.body::<Transaction>(call.arg(0));
    transaction.expect(
        host,
        &[State::Initialized, State::Transferring],
        "WdfDmaTransactionSetMaximumLength",
    );
    if call.arg(1) < transaction.enabler.maximum {
        transaction.maximum.set(call.arg(1));
    }
}

fn request(host: &Host, call: &Call) -> u64 {
    host.body::<Transaction>(call.arg(0)).buffer.get().request
}

fn current_length(host: &Host, call: &Call) -> u64 {
    host.body::<Transaction>(call.arg(0)).current_bytes()
}

fn device(host: &Host, call: &Call) -> u64 {
    host.body::<Transaction>(call.arg(0)).enabler.device.handle
}

/// A transaction whose enabler uses version 3 of the DMA operations.
pub(super) fn of_version_3(host: &Host, call: &Call, what: &str) -> Rc<Transaction> {
    let transaction = host.body::<Transaction>(call.arg(0));
    if !transaction.enabler.version_3 {
        host.violation(
            &rules::DMA_VERSION,
            format!("{what} is called for a transaction of an enabler without version 3"),
        );
    }
    transaction
}

/// WdfDmaTransactionSetSingleTransferRequirement(DmaTransaction, RequireSingleTransfer)
fn set_single(host: &Host, call: &Call) {
    let what = "WdfDmaTransactionSetSingleTransferRequirement";
    let transaction = of_version_3(host, call, what);
    transaction.expect(host, &[State::Created, State::Released], what);
    transaction.single.set(call.flag(1));
}

/// WdfDmaTransactionSetImmediateExecution(DmaTransaction, UseImmediateExecution): map registers are
/// there at once in any case.
fn set_immediate(host: &Host, call: &Call) {
    let what = "WdfDmaTransactionSetImmediateExecution";
    let transaction = of_version_3(host, call, what);
    let states = [State::Created, State::Initialized, State::Released];
    transaction.expect(host, &states, what);
}
