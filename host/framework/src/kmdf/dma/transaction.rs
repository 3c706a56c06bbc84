//! DMA transactions: a buffer, transfer by transfer.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INSUFFICIENT_RESOURCES, STATUS_WDF_BUSY, STATUS_WDF_TOO_FRAGMENTED,
    },
    types::{SCATTER_GATHER_ELEMENT, SCATTER_GATHER_LIST},
};
use kmdf_machine::{Irql, PAGE};
use kmdf_rules::rules;

use super::{enabler::Enabler, mapping::Mapping};
use crate::{
    host::Host,
    kmdf::{object::Body, request::Request},
};

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It has no buffer, and never had one.
    Created,
    /// It has map registers, and no buffer.
    Reserved,
    /// It has a buffer and was not executed.
    Initialized,
    /// A transfer was given to EvtProgramDma and has not been reported complete.
    Transferring,
    /// All transfers are complete.
    Completed,
    /// A transfer could not be made, or not be ended.
    Failed,
    /// It has no buffer any more.
    Released,
}

/// What a transaction was initialized with.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Buffer {
    pub(super) program: u64,
    pub(super) from_device: bool,
    pub(super) memory: u64,
    pub(super) bytes: u64,
    /// The request it was made from, or 0.
    pub(super) request: u64,
}

/// WDFDMATRANSACTION
pub(crate) struct Transaction {
    pub(super) handle: u64,
    pub(super) enabler: Rc<Enabler>,
    /// Whether it has to be of one transfer.
    pub(super) single: Cell<bool>,
    pub(super) state: Cell<State>,
    pub(super) buffer: Cell<Buffer>,
    /// The longest transfer, in bytes.
    pub(super) maximum: Cell<u64>,
    pub(super) transferred: Cell<u64>,
    pub(super) context: Cell<u64>,
    /// How many map registers it has reserved.
    pub(super) reserved: Cell<u32>,
    /// Where its DMA_TRANSFER_CONTEXT is, once it was asked for, or 0.
    pub(super) transfer_context: Cell<u64>,
    current: RefCell<Option<Mapping>>,
    /// Where the SCATTER_GATHER_LIST of the current transfer is, or 0.
    list: Cell<u64>,
    staging: Staging,
}

/// How a packet's next transfer waits for EvtProgramDma to return from the one before.
#[derive(Default)]
struct Staging {
    under_way: Cell<bool>,
    again: Cell<bool>,
}

impl Body for Transaction {
    const KIND: &'static str = "WDFDMATRANSACTION";

    fn dispose(&self, host: &Host) {
        self.check_idle(host, "deleted");
        self.reset(host);
        let context = self.transfer_context.take();
        if context != 0
            && let Err(text) = host.memory.free(context)
        {
            host.violation(&rules::BUFFER_OVERRUN, text);
        }
    }
}

impl Host {
    /// Checks that no transfer is under way of the buffer of a request that is about to be completed.
    pub(crate) fn check_not_transferred(&self, request: &Request) {
        if !self.checks_all() {
            return;
        }
        let transactions = self.bodies::<Transaction>();
        let mut under_way = transactions
            .iter()
            .filter(|transaction| transaction.state.get() == State::Transferring);
        let of_it = under_way.find(|transaction| {
            let buffer = transaction.buffer.get();
            buffer.request == request.handle || request.has_buffer_at(buffer.memory)
        });
        if let Some(transaction) = of_it {
            self.violation(
                &rules::DMA_REQUEST_COMPLETED,
                format!(
                    "a request is completed while the DMA transaction {:#x} transfers its buffer: \
                     WdfDmaTransactionDmaCompleted was not called for the transfer",
                    transaction.handle
                ),
            );
        }
    }
}

impl Transaction {
    pub(super) fn new(handle: u64, enabler: Rc<Enabler>) -> Self {
        Self {
            handle,
            single: Cell::new(enabler.single),
            state: Cell::new(State::Created),
            buffer: Cell::default(),
            maximum: Cell::new(enabler.maximum),
            enabler,
            transferred: Cell::new(0),
            context: Cell::new(0),
            reserved: Cell::new(0),
            transfer_context: Cell::new(0),
            current: RefCell::new(None),
            list: Cell::new(0),
            staging: Staging::default(),
        }
    }

    pub(super) fn check_idle(&self, host: &Host, what: &str) {
        if self.state.get() == State::Transferring {
            host.violation(
                &rules::DMA_TRANSACTION_STATE,
                format!("a DMA transaction is {what} while it transfers"),
            );
        }
    }

    /// Takes buffer and request from a transaction, and what was allocated for it.
    pub(super) fn reset(&self, host: &Host) {
        self.drop_transfer(host);
        self.buffer.set(Buffer::default());
        self.transferred.set(0);
        self.single.set(self.enabler.single);
        self.state.set(State::Released);
    }

    /// Gives a buffer to a transaction that has none.
    pub(super) fn begin(&self, host: &Host, buffer: Buffer) {
        let what = "WdfDmaTransactionInitialize";
        let states = [State::Created, State::Reserved, State::Released];
        self.expect(host, &states, what);
        self.buffer.set(buffer);
        self.transferred.set(0);
        self.maximum.set(self.enabler.maximum);
        self.state.set(State::Initialized);
    }

    /// Ends the current transfer's mapping without its data.
    fn drop_transfer(&self, host: &Host) {
        if let Some(mapping) = self.current.take() {
            mapping.release();
        }
        self.free_list(host);
        self.free_adapter();
    }

    /// Takes the device's adapter, which version 2 of the DMA operations gives to one packet at a time.
    pub(super) fn allocate_adapter(&self) -> Result<(), NtStatus> {
        let enabler = &self.enabler;
        if !enabler.packet || enabler.version_3 {
            return Ok(());
        }
        if enabler.device.packet.get() != 0 {
            return Err(STATUS_WDF_BUSY);
        }
        enabler.device.packet.set(self.handle);
        Ok(())
    }

    pub(super) fn free_adapter(&self) {
        let packet = &self.enabler.device.packet;
        if packet.get() == self.handle {
            packet.set(0);
        }
    }

    fn free_list(&self, host: &Host) {
        let list = self.list.take();
        if list != 0
            && let Err(text) = host.memory.free(list)
        {
            host.violation(&rules::BUFFER_OVERRUN, text);
        }
    }

    pub(super) fn expect(&self, host: &Host, states: &[State], what: &str) {
        let state = self.state.get();
        if !states.contains(&state) {
            host.violation(
                &rules::DMA_TRANSACTION_STATE,
                format!("{what} is called for a DMA transaction that is {state:?}, not {states:?}"),
            );
        }
    }

    /// Makes the next transfer. That of a packet waits for EvtProgramDma to return from the one before,
    /// and whoever is in there makes it.
    pub(super) fn next_transfer(&self, host: &Host) -> Result<(), NtStatus> {
        if !self.enabler.packet {
            return self.transfer(host);
        }
        if self.staging.under_way.replace(true) {
            self.staging.again.set(true);
            return Ok(());
        }
        loop {
            let made = self.transfer(host);
            if made.is_err() || !self.staging.again.take() {
                self.staging.under_way.set(false);
                return made;
            }
        }
    }

    /// Maps the next transfer and hands it to EvtProgramDma.
    fn transfer(&self, host: &Host) -> Result<(), NtStatus> {
        let buffer = self.buffer.get();
        let done = self.transferred.get();
        let bytes = (buffer.bytes - done).min(self.maximum.get());
        let memory = buffer.memory + done;
        let bytes = match self.reserved.get() {
            0 => bytes,
            pages => bytes.min(u64::from(pages) * PAGE - memory % PAGE),
        };
        if self.enabler.is_too_fragmented(memory, bytes) {
            return Err(STATUS_WDF_TOO_FRAGMENTED);
        }
        let mapping = Mapping::new(host, &self.enabler, memory, bytes, buffer.from_device)
            .ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let list = write_list(host, &mapping);
        *self.current.borrow_mut() = Some(mapping);
        self.list.set(list);
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
    pub(super) fn end_transfer(&self, host: &Host, bytes: u64) {
        if let Some(mapping) = self.current.take() {
            mapping.flush(host);
        }
        self.free_list(host);
        self.transferred.set(self.transferred.get() + bytes);
    }

    pub(super) fn current_bytes(&self) -> u64 {
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
