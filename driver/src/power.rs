//! Start and stop, and power.
//!
//! | callback | what is done there |
//! | --- | --- |
//! | EvtDevicePrepareHardware | map BAR 0, check that an edu device answers |
//! | EvtDeviceD0Entry | disable the device's interrupt: an earlier driver may have left it enabled |
//! | EvtInterruptEnable | acknowledge stale causes ([`crate::interrupt`]) |
//! | EvtDeviceD0EntryPostInterruptsEnabled | every object is connected: enable the device's interrupt, and let the ISRs queue DPCs |
//! | EvtDeviceD0ExitPreInterruptsDisabled | stop the ISRs from queueing DPCs; wait for a transfer that still runs; disable the device's interrupt |
//! | EvtInterruptDisable | acknowledge causes raised since, so that no line stays asserted |
//! | EvtDeviceReleaseHardware | process what the ISRs have recorded since; unmap BAR 0 |
//! | EvtDeviceSelfManagedIoFlush | the device does not come back: complete requests that wait for events |

#![forbid(unsafe_code)]

use edu_spec::registers::Identification;

use kmdf::{Connected, Disconnected, Hardware, List, NtStatus, PnpPower, Result};

use crate::{
    device::EduDevice,
    events, interrupt,
    registers::{DeviceRegisters, IsrRegisters},
    trace,
};

impl PnpPower for EduDevice {
    fn prepare_hardware(&self, hardware: &mut Hardware<'_>) -> Result<()> {
        let found = self.find_hardware(hardware);
        match found {
            Ok(identification) => trace::DEVICE_FOUND.write([identification.0.into()]),
            Err(failure) => trace::DEVICE_REFUSED.write([trace::status(failure)]),
        }
        found.map(drop)
    }

    fn release_hardware(&self, disconnected: &mut Disconnected<'_>) {
        self.work_off_recorded(Some(&mut *disconnected));
        let mut state = self.state.lock();
        let device_registers = state.replace_registers(None);
        let mut interrupts = List::empty();
        if self.settings.late {
            // The framework deletes them after this callback (`FxInterrupt::OnPostReleaseHardware`).
            core::mem::swap(&mut state.interrupts, &mut interrupts);
        }
        drop(state);
        drop(interrupts);
        // Nothing is found without registers, so it is not queued again.
        self.recovery.flush();
        let isr_registers = self
            .isr_shared
            .shared(disconnected)
            .ok()
            .and_then(|shared| shared.registers.take());
        // Unmapped here.
        drop((isr_registers, device_registers));
        trace::DEVICE_RELEASED.write([]);
    }

    fn d0_entry(&self) -> Result<()> {
        let mut state = self.state.lock();
        state.registers()?.set_interrupt_when_done(false);
        Ok(())
    }

    fn interrupts_enabled(&self, connected: Connected) {
        let mut state = self.state.lock();
        state.connected = Some(connected);
        if let Ok(registers) = state.registers() {
            registers.set_interrupt_when_done(true);
        }
        drop(state);
        self.work_off_recorded(None);
        trace::DEVICE_STARTED.write([]);
    }

    fn interrupts_disabling(&self) -> Option<Connected> {
        self.let_transfer_run_out();
        let mut state = self.state.lock();
        if let Ok(registers) = state.registers() {
            registers.set_interrupt_when_done(false);
        }
        state.collect_counts();
        let connected = state.connected.take();
        let interrupts = state.statistics.interrupts;
        drop(state);
        trace::DEVICE_STOPPED.write([interrupts]);
        connected
    }

    fn lost(&self) {
        events::end(self);
    }
}

impl EduDevice {
    /// Maps the registers and stores them with their owners. Creates the interrupt objects if the settings say so. If it
    /// fails, EvtDeviceReleaseHardware, which is called nevertheless, undoes what was done.
    fn find_hardware(&self, hardware: &mut Hardware<'_>) -> Result<Identification> {
        // The device's only memory BAR.
        let bar = hardware.resources.memory_range(0)?;
        let shared = self.isr_shared.shared(&mut hardware.disconnected)?;
        let isr_registers = IsrRegisters::map(&bar)?;
        let mut device_registers = DeviceRegisters::map(&bar)?;
        let identification = device_registers.identification();
        if !identification.is_edu() {
            return Err(NtStatus::NO_SUCH_DEVICE);
        }
        shared.registers = Some(isr_registers);
        let interrupts = if self.settings.late {
            Some(interrupt::create_for(
                &hardware.passive,
                &self.isr_shared,
                &hardware.resources,
            ))
        } else {
            None
        };
        let mut state = self.state.lock();
        state.identification = identification;
        state.replace_registers(Some(device_registers));
        if let Some(interrupts) = interrupts {
            state.interrupts = interrupts?;
        }
        Ok(identification)
    }
}
