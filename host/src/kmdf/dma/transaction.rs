//! DMA transactions: a buffer, transfer by transfer.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_DEVICE_REQUEST,
        STATUS_INVALID_PARAMETER, STATUS_MORE_PROCESSING_REQUIRED, STATUS_SUCCESS,
    },
    types::{MDL, SCATTER_GATHER_ELEMENT, SCATTER_GATHER_LIST},
};

use super::{enabler::Enabler, mapping::Mapping};
use crate::{
    check::rules,
    cpu::{Irql, stub::Call},
    host::Host,
    io::Major,
    kmdf::{attributes::Allowed, buffer::Side, object::Body, request::Request},
    service::services,
};

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It has no buffer.
    Created,
    /// It has a buffer and was not executed.
    Initialized,
    /// A transfer was given to EvtProgramDma and has not been reported complete.
    Transferring,
    /// All transfers are complete.
    Completed,
}

/// What a transaction was initialized with.
#[derive(Clone, Copy, Debug, Default)]
struct Buffer {
    program: u64,
    from_device: bool,
    memory: u64,
    bytes: u64,
    /// The request it was made from, or 0.
    request: u64,
}

/// WDFDMATRANSACTION
pub(crate) struct Transaction {
    handle: u64,
    enabler: Rc<Enabler>,
    state: Cell<State>,
    buffer: Cell<Buffer>,
    /// The longest transfer, in bytes.
    maximum: Cell<u64>,
    transferred: Cell<u64>,
    context: Cell<u64>,
    current: RefCell<Option<Mapping>>,
    /// Where the SCATTER_GATHER_LIST of the current transfer is, or 0.
    list: Cell<u64>,
}

impl Body for Transaction {
    const KIND: &'static str = "WDFDMATRANSACTION";

    fn dispose(&self, host: &Host) {
        self.drop_transfer(host);
    }
}

impl Transaction {
    /// Ends the current transfer's mapping without its data.
    fn drop_transfer(&self, host: &Host) {
        if let Some(mapping) = self.current.take() {
            mapping.release();
        }
        self.free_list(host);
    }

    fn free_list(&self, host: &Host) {
        let list = self.list.take();
        if list != 0
            && let Err(text) = host.memory.free(list)
        {
            host.violation(&rules::BUFFER_OVERRUN, text);
        }
    }

    fn expect(&self, host: &Host, state: State, what: &str) {
        if self.state.get() != state {
            host.violation(
                &rules::DMA_TRANSACTION_STATE,
                format!(
                    "{what} is called for a DMA transaction that is {:?}, not {state:?}",
                    self.state.get()
                ),
            );
        }
    }

    /// Maps the next transfer and hands it to EvtProgramDma.
    fn next_transfer(&self, host: &Host) -> Result<(), NtStatus> {
        let buffer = self.buffer.get();
        let done = self.transferred.get();
        let bytes = (buffer.bytes - done)
            .min(self.maximum.get())
            .min(self.enabler.maximum);
        let memory = buffer.memory + done;
        let mapping = Mapping::new(host, &self.enabler, memory, bytes, buffer.from_device)
            .ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let list = write_list(host, &mapping);
        *self.current.borrow_mut() = Some(mapping);
        self.list.set(list);
        self.state.set(State::Transferring);
        let before = host.raise_irql(host.irql().max(Irql::DISPATCH));
        let direction = u64::from(!buffer.from_device);
        let device = self.enabler.device.handle;
        host.call_driver(
            "EvtProgramDma",
            self.handle,
            buffer.program,
            &[self.handle, device, self.context.get(), direction, list],
        );
        host.lower_irql(before);
        Ok(())
    }

    /// Takes note that the current transfer moved `bytes`.
    fn end_transfer(&self, host: &Host, bytes: u64) {
        if let Some(mapping) = self.current.take() {
            mapping.flush(host);
        }
        self.free_list(host);
        self.transferred.set(self.transferred.get() + bytes);
    }

    fn current_bytes(&self) -> u64 {
        self.current.borrow().as_ref().map_or(0, Mapping::bytes)
    }
}

fn write_list(host: &Host, mapping: &Mapping) -> u64 {
    let header = size_of::<SCATTER_GATHER_LIST>() as u64;
    let each = size_of::<SCATTER_GATHER_ELEMENT>() as u64;
    let count = mapping.elements.len();
    let list = host.lend("a SCATTER_GATHER_LIST", header + each * count as u64);
    let head = SCATTER_GATHER_LIST {
        NumberOfElements: u32::try_from(count).expect("a list in memory"),
        ..Default::default()
    };
    host.memory.write(list, &head);
    for (index, element) in (0_u64..).zip(&mapping.elements) {
        let entry = SCATTER_GATHER_ELEMENT {
            Address: element.address,
            Length: u32::try_from(element.bytes).expect("a transfer below 4 GiB"),
            ..Default::default()
        };
        host.memory.write(list + header + each * index, &entry);
    }
    list
}

services! {
    WdfDmaTransactionCreate <= DISPATCH => create;
    WdfDmaTransactionInitialize <= DISPATCH => initialize;
    WdfDmaTransactionInitializeUsingRequest <= DISPATCH => initialize_using_request;
    WdfDmaTransactionInitializeUsingOffset <= DISPATCH => initialize_using_offset;
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
    WdfDmaTransactionSetSingleTransferRequirement <= DISPATCH => accept;
    WdfDmaTransactionSetImmediateExecution <= DISPATCH => accept;
}

/// WdfDmaTransactionCreate(DmaEnabler, Attributes, DmaTransaction)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let enabler = host.body::<Enabler>(call.arg(0));
    let attributes = host.attributes_with(call.arg(1), Allowed::PLAIN.without_parent())?;
    let parent = host.object(call.arg(0));
    let maximum = Cell::new(enabler.maximum);
    let (object, _) = host.create_object(Some(&parent), &attributes, |handle| Transaction {
        handle,
        enabler,
        state: Cell::new(State::Created),
        buffer: Cell::default(),
        maximum,
        transferred: Cell::new(0),
        context: Cell::new(0),
        current: RefCell::new(None),
        list: Cell::new(0),
    });
    host.memory.write(call.arg(2), &object.handle);
    Ok(())
}

fn set_buffer(transaction: &Transaction, buffer: Buffer) {
    transaction.buffer.set(buffer);
    transaction.transferred.set(0);
    transaction.maximum.set(transaction.enabler.maximum);
    transaction.state.set(State::Initialized);
}

/// Whether a WDF_DMA_DIRECTION is from the device.
fn direction(value: u32) -> Result<bool, NtStatus> {
    match value {
        0 => Ok(true),
        1 => Ok(false),
        _ => Err(STATUS_INVALID_PARAMETER),
    }
}

/// WdfDmaTransactionInitialize(DmaTransaction, EvtProgramDmaFunction, DmaDirection, Mdl,
/// VirtualAddress, Length)
fn initialize(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let mdl: MDL = host.memory.read(call.arg(3));
    let start = mdl.StartVa.0 + u64::from(mdl.ByteOffset);
    let offset = call.arg(4).checked_sub(start);
    by_mdl(host, call, &mdl, offset.ok_or(STATUS_INVALID_PARAMETER)?)
}

/// WdfDmaTransactionInitializeUsingOffset(…, Mdl, Offset, Length)
fn initialize_using_offset(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let mdl: MDL = host.memory.read(call.arg(3));
    by_mdl(host, call, &mdl, call.arg(4))
}

fn by_mdl(host: &Host, call: &Call, mdl: &MDL, offset: u64) -> Result<(), NtStatus> {
    let transaction = host.body::<Transaction>(call.arg(0));
    transaction.expect(host, State::Created, "WdfDmaTransactionInitialize");
    let from_device = direction(call.arg32(2))?;
    let bytes = call.arg(5);
    let end = offset.checked_add(bytes).ok_or(STATUS_INVALID_PARAMETER)?;
    if bytes == 0 || call.arg(1) == 0 || end > mdl.ByteCount.into() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let buffer = Buffer {
        program: call.arg(1),
        from_device,
        memory: mdl.MappedSystemVa.0 + offset,
        bytes,
        request: 0,
    };
    set_buffer(&transaction, buffer);
    Ok(())
}

/// WdfDmaTransactionInitializeUsingRequest(DmaTransaction, Request, EvtProgramDmaFunction,
/// DmaDirection)
fn initialize_using_request(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let what = "WdfDmaTransactionInitializeUsingRequest";
    let transaction = host.body::<Transaction>(call.arg(0));
    transaction.expect(host, State::Created, what);
    let request = host.driver_request(call.arg(1), what);
    let from_device = direction(call.arg32(3))?;
    let side = side(&request, from_device)?;
    let (memory, bytes) = host
        .request_buffer(&request, side)
        .map_err(|_| STATUS_INVALID_DEVICE_REQUEST)?;
    let buffer = Buffer {
        program: call.arg(2),
        from_device,
        memory,
        bytes,
        request: request.handle,
    };
    set_buffer(&transaction, buffer);
    Ok(())
}

/// Which buffer of a request a transfer in that direction is about.
fn side(request: &Request, from_device: bool) -> Result<Side, NtStatus> {
    match (request.irp.major, request.irp.method(), from_device) {
        (Major::Read, _, true)
        | (Major::DeviceControl, 0 | 2, true)
        | (Major::DeviceControl, 1, false) => Ok(Side::Output),
        (Major::Write, _, false) | (Major::DeviceControl, 0, false) => Ok(Side::Input),
        _ => Err(STATUS_INVALID_DEVICE_REQUEST),
    }
}

/// WdfDmaTransactionExecute(DmaTransaction, Context)
fn execute(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let transaction = host.body::<Transaction>(call.arg(0));
    transaction.expect(host, State::Initialized, "WdfDmaTransactionExecute");
    transaction.context.set(call.arg(1));
    transaction.next_transfer(host)
}

/// WdfDmaTransactionRelease(DmaTransaction): it can be initialized again.
fn release(host: &Host, call: &Call) -> NtStatus {
    let transaction = host.body::<Transaction>(call.arg(0));
    transaction.drop_transfer(host);
    transaction.buffer.set(Buffer::default());
    transaction.state.set(State::Created);
    STATUS_SUCCESS
}

/// Ends a transfer of so many bytes; TRUE when the transaction is over, with how it ended.
fn complete(host: &Host, call: &Call, bytes: Option<u64>, last: bool, out: u64) -> bool {
    let transaction = host.body::<Transaction>(call.arg(0));
    transaction.expect(host, State::Transferring, "WdfDmaTransactionDmaCompleted");
    let mapped = transaction.current_bytes();
    let bytes = bytes.unwrap_or(mapped);
    if bytes > mapped {
        host.violation(
            &rules::DMA_TRANSACTION_LENGTH,
            format!("{bytes} bytes are reported of a DMA transfer of {mapped}"),
        );
    }
    transaction.end_transfer(host, bytes);
    let over = last || transaction.transferred.get() >= transaction.buffer.get().bytes;
    let (over, status) = if over {
        transaction.state.set(State::Completed);
        (true, STATUS_SUCCESS)
    } else {
        // The status is written first: EvtProgramDma may end the next transfer before it returns.
        host.memory.write(out, &STATUS_MORE_PROCESSING_REQUIRED.0);
        match transaction.next_transfer(host) {
            Ok(()) => return false,
            Err(status) => {
                transaction.state.set(State::Completed);
                (true, status)
            }
        }
    };
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

/// WdfDmaTransactionSetMaximumLength(DmaTransaction, MaximumLength): before it is executed.
fn set_maximum(host: &Host, call: &Call) {
    let transaction = host.body::<Transaction>(call.arg(0));
    transaction.expect(
        host,
        State::Initialized,
        "WdfDmaTransactionSetMaximumLength",
    );
    transaction
        .maximum
        .set(call.arg(1).min(transaction.enabler.maximum));
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

/// Settings that change nothing where map registers are there at once.
fn accept(host: &Host, call: &Call) {
    host.body::<Transaction>(call.arg(0));
}
