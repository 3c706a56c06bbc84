//! BAR 0 of the device, and who owns which register.
//!
//! | owner | registers | guarded by |
//! | --- | --- | --- |
//! | [`IsrRegisters`] | interrupt status, interrupt acknowledge | the interrupt lock |
//! | [`DeviceRegisters`] | all others that the driver uses | the device's spin lock |
//!
//! No register has two owners, so no access can be forgotten in a lock's reasoning. Each access is
//! one instruction of the register's width.

use core::mem::offset_of;

use edu_driver_core::{factorial, transfer::Program};
use edu_spec::registers::{Causes, DmaCommand, Identification, Status, offset};
use safe_mmio::{
    UniqueMmioPointer,
    fields::{ReadPure, ReadPureWrite, WriteOnly},
    split_fields,
};

use crate::wdf::{Mapping, MemoryRange, Result};

/// BAR 0 of the edu device. What each register does: spec/src/registers.rs.
#[repr(C)]
struct Bar0 {
    identification: ReadPure<Identification>,
    liveness: ReadPureWrite<u32>,
    factorial: ReadPureWrite<u32>,
    reserved_0c: [u32; 5],
    status: ReadPureWrite<Status>,
    interrupt_status: ReadPure<Causes>,
    reserved_28: [u32; 14],
    interrupt_raise: WriteOnly<Causes>,
    interrupt_acknowledge: WriteOnly<Causes>,
    reserved_68: [u32; 6],
    dma_source: ReadPureWrite<u64>,
    dma_destination: ReadPureWrite<u64>,
    dma_count: ReadPureWrite<u64>,
    dma_command: ReadPureWrite<DmaCommand>,
}

const _: () = {
    assert!(offset_of!(Bar0, identification) == offset::IDENTIFICATION);
    assert!(offset_of!(Bar0, liveness) == offset::LIVENESS);
    assert!(offset_of!(Bar0, factorial) == offset::FACTORIAL);
    assert!(offset_of!(Bar0, status) == offset::STATUS);
    assert!(offset_of!(Bar0, interrupt_status) == offset::INTERRUPT_STATUS);
    assert!(offset_of!(Bar0, interrupt_raise) == offset::INTERRUPT_RAISE);
    assert!(offset_of!(Bar0, interrupt_acknowledge) == offset::INTERRUPT_ACKNOWLEDGE);
    assert!(offset_of!(Bar0, dma_source) == offset::DMA_SOURCE);
    assert!(offset_of!(Bar0, dma_destination) == offset::DMA_DESTINATION);
    assert!(offset_of!(Bar0, dma_count) == offset::DMA_COUNT);
    assert!(offset_of!(Bar0, dma_command) == offset::DMA_COMMAND);
};

/// The registers that the ISRs own.
pub struct IsrRegisters {
    status: UniqueMmioPointer<'static, ReadPure<Causes>>,
    acknowledge: UniqueMmioPointer<'static, WriteOnly<Causes>>,
}

impl IsrRegisters {
    /// Reads the causes not yet acknowledged.
    pub fn causes(&mut self) -> Causes {
        self.status.read()
    }

    /// Acknowledges causes. Write exactly those that were read: the device sends no message again
    /// for one that is raised in between.
    pub fn acknowledge(&mut self, causes: Causes) {
        self.acknowledge.write(causes);
    }
}

/// The registers that the rest of the driver owns, and the mapping they are in.
pub struct DeviceRegisters {
    mapping: Mapping,
    identification: UniqueMmioPointer<'static, ReadPure<Identification>>,
    liveness: UniqueMmioPointer<'static, ReadPureWrite<u32>>,
    factorial: UniqueMmioPointer<'static, ReadPureWrite<u32>>,
    status: UniqueMmioPointer<'static, ReadPureWrite<Status>>,
    interrupt_raise: UniqueMmioPointer<'static, WriteOnly<Causes>>,
    dma_source: UniqueMmioPointer<'static, ReadPureWrite<u64>>,
    dma_destination: UniqueMmioPointer<'static, ReadPureWrite<u64>>,
    dma_count: UniqueMmioPointer<'static, ReadPureWrite<u64>>,
    dma_command: UniqueMmioPointer<'static, ReadPureWrite<DmaCommand>>,
}

impl DeviceRegisters {
    /// Reads which device it is.
    pub fn identification(&mut self) -> Identification {
        self.identification.read()
    }

    /// Writes a value to the liveness register and reads what it has become: its complement.
    pub fn liveness(&mut self, value: u32) -> u32 {
        self.liveness.write(value);
        self.liveness.read()
    }

    /// Raises causes.
    pub fn raise(&mut self, causes: Causes) {
        self.interrupt_raise.write(causes);
    }

    /// Sets whether a factorial that is done raises an interrupt.
    pub fn set_interrupt_when_done(&mut self, interrupt: bool) {
        self.status.write(if interrupt {
            Status::INTERRUPT_WHEN_DONE
        } else {
            Status::empty()
        });
    }
}

impl DeviceRegisters {
    /// Reads what the DMA engine does.
    pub fn dma_command(&mut self) -> DmaCommand {
        self.dma_command.read()
    }

    /// Starts a transfer. While one runs, the device ignores this.
    pub fn start_dma(&mut self, program: Program) {
        self.dma_source.write(program.source);
        self.dma_destination.write(program.destination);
        self.dma_count.write(program.count);
        self.dma_command.write(program.command);
    }
}

impl factorial::Registers for DeviceRegisters {
    fn status(&mut self) -> Status {
        self.status.read()
    }

    fn start(&mut self, operand: u32) {
        self.factorial.write(operand);
    }

    fn result(&mut self) -> u32 {
        self.factorial.read()
    }
}

/// Maps BAR 0 and hands its registers to their owners. IRQL: PASSIVE_LEVEL.
///
/// # Errors
/// [`Mapping::new`]'s.
pub fn map(bar: &MemoryRange) -> Result<(IsrRegisters, DeviceRegisters)> {
    let mapping = Mapping::new(bar, size_of::<Bar0>())?;
    // SAFETY: a BAR of at least that size is mapped there, aligned to a page, and stays mapped
    // until `unmap` has got both owners back. No other pointer to it exists.
    let bar = unsafe { UniqueMmioPointer::new(mapping.base().cast::<Bar0>()) };
    // SAFETY: each field is named once.
    let (
        identification,
        liveness,
        factorial,
        status,
        interrupt_status,
        interrupt_raise,
        interrupt_acknowledge,
        dma_source,
        dma_destination,
        dma_count,
        dma_command,
    ) = unsafe {
        split_fields!(
            bar,
            identification,
            liveness,
            factorial,
            status,
            interrupt_status,
            interrupt_raise,
            interrupt_acknowledge,
            dma_source,
            dma_destination,
            dma_count,
            dma_command
        )
    };
    Ok((
        IsrRegisters {
            status: interrupt_status,
            acknowledge: interrupt_acknowledge,
        },
        DeviceRegisters {
            mapping,
            identification,
            liveness,
            factorial,
            status,
            interrupt_raise,
            dma_source,
            dma_destination,
            dma_count,
            dma_command,
        },
    ))
}

/// Unmaps BAR 0. IRQL: PASSIVE_LEVEL. Takes all owners of its registers; if they are not of the
/// same mapping, which no caller does, it stays mapped.
pub fn unmap(isr: IsrRegisters, device: DeviceRegisters) {
    let DeviceRegisters { mapping, .. } = device;
    let IsrRegisters { status, .. } = isr;
    let base = mapping.base().cast::<u8>().as_ptr();
    let status = status.ptr().cast::<u8>();
    if status == base.wrapping_add(offset::INTERRUPT_STATUS) {
        // SAFETY: both owners of its registers have just ended.
        unsafe { mapping.unmap() };
    }
}
