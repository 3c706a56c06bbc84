//! BAR 0 of the device, and the owner of each register.
//!
//! | owner | registers | guarded by |
//! | --- | --- | --- |
//! | [`IsrRegisters`] | interrupt status, interrupt acknowledge | the interrupt lock |
//! | [`DeviceRegisters`] | all others that the driver uses | the device's spin lock |
//!
//! No register has two owners, so each access is guarded by one lock. Each owner has a mapping of its own, in which the
//! other's registers have no name. Each access is one instruction of the register's width.

use core::mem::offset_of;

use edu_driver_core::{factorial, transfer::Program};
use edu_spec::registers::{Causes, DmaCommand, Identification, Status, offset};
use kmdf::{
    Mapping, MemoryRange, Result,
    mmio::{ReadPure, ReadPureWrite, WriteOnly},
    register,
};

/// What the ISRs use of BAR 0. What each register does: spec/src/registers.rs.
#[repr(C)]
struct IsrBar {
    reserved_00: [u32; 9],
    interrupt_status: ReadPure<Causes>,
    reserved_28: [u32; 15],
    interrupt_acknowledge: WriteOnly<Causes>,
}

/// What the rest of the driver uses of BAR 0.
#[repr(C)]
struct DeviceBar {
    identification: ReadPure<Identification>,
    liveness: ReadPureWrite<u32>,
    factorial: ReadPureWrite<u32>,
    reserved_0c: [u32; 5],
    status: ReadPureWrite<Status>,
    reserved_24: [u32; 15],
    interrupt_raise: WriteOnly<Causes>,
    reserved_64: [u32; 7],
    dma_source: ReadPureWrite<u64>,
    dma_destination: ReadPureWrite<u64>,
    dma_count: ReadPureWrite<u64>,
    dma_command: ReadPureWrite<DmaCommand>,
}

const _: () = {
    assert!(offset_of!(IsrBar, interrupt_status) == offset::INTERRUPT_STATUS);
    assert!(offset_of!(IsrBar, interrupt_acknowledge) == offset::INTERRUPT_ACKNOWLEDGE);
    assert!(offset_of!(DeviceBar, identification) == offset::IDENTIFICATION);
    assert!(offset_of!(DeviceBar, liveness) == offset::LIVENESS);
    assert!(offset_of!(DeviceBar, factorial) == offset::FACTORIAL);
    assert!(offset_of!(DeviceBar, status) == offset::STATUS);
    assert!(offset_of!(DeviceBar, interrupt_raise) == offset::INTERRUPT_RAISE);
    assert!(offset_of!(DeviceBar, dma_source) == offset::DMA_SOURCE);
    assert!(offset_of!(DeviceBar, dma_destination) == offset::DMA_DESTINATION);
    assert!(offset_of!(DeviceBar, dma_count) == offset::DMA_COUNT);
    assert!(offset_of!(DeviceBar, dma_command) == offset::DMA_COMMAND);
};

/// The registers that the ISRs own, mapped as long as this lives.
pub struct IsrRegisters(Mapping<IsrBar>);

impl IsrRegisters {
    /// Maps them. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// [`Mapping::new`]'s.
    pub fn map(bar: &MemoryRange) -> Result<Self> {
        Mapping::new(bar).map(Self)
    }

    /// Reads the causes not yet acknowledged.
    pub fn causes(&mut self) -> Causes {
        register!(self.0, interrupt_status).read()
    }

    /// Acknowledges causes. Write exactly those that were read: the device sends no message again
    /// for one that is raised in between.
    pub fn acknowledge(&mut self, causes: Causes) {
        register!(self.0, interrupt_acknowledge).write(causes);
    }
}

/// The registers that the rest of the driver owns, mapped as long as this lives.
pub struct DeviceRegisters(Mapping<DeviceBar>);

impl DeviceRegisters {
    /// Maps them. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// [`Mapping::new`]'s.
    pub fn map(bar: &MemoryRange) -> Result<Self> {
        Mapping::new(bar).map(Self)
    }

    /// Reads which device it is.
    pub fn identification(&mut self) -> Identification {
        register!(self.0, identification).read()
    }

    /// Writes a value to the liveness register and reads what it has become: its complement.
    pub fn liveness(&mut self, value: u32) -> u32 {
        let mut liveness = register!(self.0, liveness);
        liveness.write(value);
        liveness.read()
    }

    /// Raises causes.
    pub fn raise(&mut self, causes: Causes) {
        register!(self.0, interrupt_raise).write(causes);
    }

    /// Sets whether a factorial that is done raises an interrupt.
    pub fn set_interrupt_when_done(&mut self, interrupt: bool) {
        register!(self.0, status).write(if interrupt {
            Status::INTERRUPT_WHEN_DONE
        } else {
            Status::empty()
        });
    }

    /// Reads what the DMA engine does.
    pub fn dma_command(&mut self) -> DmaCommand {
        register!(self.0, dma_command).read()
    }

    /// Starts a transfer. While one runs, the device ignores this.
    pub fn start_dma(&mut self, program: Program) {
        register!(self.0, dma_source).write(program.source);
        register!(self.0, dma_destination).write(program.destination);
        register!(self.0, dma_count).write(program.count);
        register!(self.0, dma_command).write(program.command);
    }
}

impl factorial::Registers for DeviceRegisters {
    fn status(&mut self) -> Status {
        register!(self.0, status).read()
    }

    fn start(&mut self, operand: u32) {
        register!(self.0, factorial).write(operand);
    }

    fn result(&mut self) -> u32 {
        register!(self.0, factorial).read()
    }
}
