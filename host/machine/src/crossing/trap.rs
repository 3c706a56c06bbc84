//! Traps of driver code: boundaries to stop at, register accesses to carry out, and faults.

use std::convert::Infallible;

use kmdf_bus::Width;
use kmdf_instructions::{self as access, Outcome};
use kmdf_rules::rules;

use crate::{
    check::Cost,
    cpu::{
        Irql,
        frame::{Trap, TrapFrame},
        trap::TRAP_FLAG,
    },
    event::Event,
    exception::Exception,
    machine::Machine,
    sched::Point,
};

impl Machine {
    /// A trap of driver code.
    pub(super) fn handle_trap(&self, frame: &mut TrapFrame) {
        if self.is_step(frame) {
            return;
        }
        self.push_crossing(frame.gpr, frame.rip, frame.rsp, false);
        let in_image = self
            .image
            .get()
            .is_some_and(|image| image.contains(frame.rip));
        if frame.trap == Trap::PageFault && self.memory.was_request_buffer(frame.fault_address) {
            self.violation(
                &rules::BUF_AFTER_REQ_COMPLETED,
                format!(
                    "the driver accesses {:#x}: {}",
                    frame.fault_address,
                    self.describe_access(frame.fault_address)
                ),
            );
        }
        if !in_image {
            self.violation(
                &rules::INVALID_POINTER,
                format!(
                    "the host, working for the driver, cannot access {:#x}: {}",
                    frame.fault_address,
                    self.describe_access(frame.fault_address)
                ),
            );
        }
        match frame.trap {
            Trap::PageFault if self.memory.is_device(frame.fault_address) => {
                self.charge(Cost::ACCESS);
                self.check_paged_irql("a register access", frame.rip);
                self.preemption_point(Point::Register);
                self.emulate(frame);
                self.preemption_point(Point::Register);
            }
            Trap::GeneralProtection => self.emulate(frame),
            Trap::PageFault => {
                if !self.handles_fault(frame) {
                    self.violation(
                        &rules::ACCESS_VIOLATION,
                        format!(
                            "the driver accesses {:#x}: {}",
                            frame.fault_address,
                            self.describe_access(frame.fault_address)
                        ),
                    );
                }
            }
            Trap::Breakpoint => self.violation(&rules::BREAKPOINT, "the driver executes int3"),
            Trap::Step => {}
            Trap::Watchdog => self.hangs(),
            Trap::InvalidOpcode => {
                self.violation(
                    &rules::INVALID_OPCODE,
                    "the driver executes an invalid instruction",
                );
            }
            Trap::DivideError => {
                self.violation(&rules::DIVIDE_ERROR, "the driver's division overflows")
            }
            Trap::Alignment => self.violation(
                &rules::ACCESS_VIOLATION,
                format!(
                    "the driver's access to {:#x} is misaligned",
                    frame.fault_address
                ),
            ),
        }
        self.pop_crossing();
    }

    /// Whether the driver handles its access to an address that an app could have. It goes on there.
    fn handles_fault(&self, frame: &mut TrapFrame) -> bool {
        let address = frame.fault_address;
        if !self.may_fault() || !self.is_user_hole(address) {
            return false;
        }
        let exception = Exception::access_violation(address, frame.is_write());
        let Some(registers) = self.dispatch(&exception, &frame.registers()) else {
            return false;
        };
        let flags = frame.rflags;
        frame.set_registers(&registers);
        frame.rflags = flags;
        true
    }

    /// Whether it is a step, or a breakpoint of the watcher's, who has then done what he wanted.
    fn is_step(&self, frame: &mut TrapFrame) -> bool {
        let watcher = self.watcher.get();
        let boundary = frame.trap == Trap::Breakpoint
            && watcher.is_some_and(|watcher| watcher.is_boundary(self, frame));
        if !boundary && frame.trap != Trap::Step {
            return false;
        }
        self.push_crossing(frame.gpr, frame.rip, frame.rsp, false);
        self.charge(Cost::INSTRUCTION);
        self.check_paged_irql("an instruction", frame.rip);
        match watcher {
            Some(watcher) if boundary => watcher.at_boundary(self, frame),
            Some(watcher) => watcher.at_step(self, frame),
            // The driver's own doing.
            None => frame.rflags &= !TRAP_FLAG.cast_unsigned(),
        }
        self.pop_crossing();
        true
    }

    /// Does what the trapped instruction would have done: a register access or a privileged
    /// operation.
    fn emulate(&self, frame: &mut TrapFrame) {
        let mut registers = frame.registers();
        let code = self.code_at(frame.rip);
        let Ok(outcome) = access::emulate(
            &code,
            &mut registers,
            &mut RegisterBus {
                machine: self,
                rip: frame.rip,
            },
        );
        match outcome {
            Outcome::Done | Outcome::Unfinished => {}
            Outcome::ReadCr8 { register } => {
                registers.gpr[register] = self.irql().level().into();
            }
            Outcome::WriteCr8 { value } => self.set_cr8(value),
            Outcome::FastFail(code) => {
                self.violation(
                    &rules::FAST_FAIL,
                    format!("the driver fails fast with code {code:#x}"),
                );
            }
            Outcome::Unsupported(text) => self.unsupported(text),
            outcome => self.violation(
                &rules::PRIVILEGED_INSTRUCTION,
                format!("the driver executes what it must not: {outcome:?}"),
            ),
        }
        frame.set_registers(&registers);
    }

    /// The bytes of the instruction at an address of the image.
    fn code_at(&self, address: u64) -> Vec<u8> {
        const LONGEST_INSTRUCTION: u32 = 15;
        let Some(image) = self.image.get() else {
            return Vec::new();
        };
        let Some(rva) = image.rva(address) else {
            return Vec::new();
        };
        let bytes = (image.image().bytes() - rva).min(LONGEST_INSTRUCTION);
        let mut code = vec![0; bytes as usize];
        if !image.read_into(rva, &mut code) {
            code.clear();
        }
        code
    }

    fn set_cr8(&self, value: u64) {
        let level = u8::try_from(value).ok().and_then(Irql::new);
        let Some(irql) = level else {
            self.violation(
                &rules::KMDF_IRQL,
                format!("the driver sets the IRQL to {value:#x}"),
            );
        };
        if irql < self.irql() {
            self.lower_irql(irql);
        } else {
            self.raise_irql(irql);
        }
    }
}

/// Routes what an emulated instruction accesses: registers to their device, all else to memory.
struct RegisterBus<'a> {
    machine: &'a Machine,
    /// The address of the instruction.
    rip: u64,
}

impl access::Bus for RegisterBus<'_> {
    /// A bad access ends the run where it happens.
    type Fault = Infallible;

    fn load(&mut self, address: u64, width: Width) -> Result<u64, Infallible> {
        let machine = self.machine;
        if !machine.memory.is_device(address) {
            let bytes = machine.memory.read_bytes(address, width.bytes());
            let mut value = [0; 8];
            value[..bytes.len()].copy_from_slice(&bytes);
            return Ok(u64::from_le_bytes(value));
        }
        let physical = machine.physical(address, width);
        machine.check_power(physical, false);
        let value = machine.read_register(physical, width);
        machine.record(Event::Read {
            address: physical,
            width,
            value,
        });
        Ok(value)
    }

    fn store(&mut self, address: u64, width: Width, value: u64) -> Result<(), Infallible> {
        let machine = self.machine;
        if !machine.memory.is_device(address) {
            machine
                .memory
                .write_bytes(address, &value.to_le_bytes()[..width.bytes()]);
            return Ok(());
        }
        let physical = machine.physical(address, width);
        machine.check_power(physical, false);
        machine.record(Event::Write {
            address: physical,
            width,
            value,
        });
        machine.write_register(physical, width, value);
        Ok(())
    }

    fn input(&mut self, port: u16, width: Width) -> Result<Option<u64>, Infallible> {
        let machine = self.machine;
        machine.begin_port_access(port, self.rip);
        let value = machine.read_port(port, width);
        machine.record(Event::Read {
            address: port.into(),
            width,
            value,
        });
        machine.preemption_point(Point::Register);
        Ok(Some(value))
    }

    fn output(&mut self, port: u16, width: Width, value: u64) -> Result<bool, Infallible> {
        let machine = self.machine;
        machine.begin_port_access(port, self.rip);
        machine.record(Event::Write {
            address: port.into(),
            width,
            value,
        });
        machine.write_port(port, width, value);
        machine.preemption_point(Point::Register);
        Ok(true)
    }
}

impl Machine {
    /// What comes before every access of a port.
    fn begin_port_access(&self, port: u16, rip: u64) {
        self.charge(Cost::ACCESS);
        self.check_paged_irql("a port access", rip);
        if !self.is_port(port) {
            self.violation(
                &rules::PRIVILEGED_INSTRUCTION,
                format!("the driver accesses port {port:#x}, which no device of its was given"),
            );
        }
        self.check_power(port.into(), true);
        self.preemption_point(Point::Register);
    }

    /// The physical address behind a register access.
    fn physical(&self, address: u64, width: Width) -> u64 {
        match self.memory.device_address(address, width.bytes() as u64) {
            Some(physical) => physical,
            None => self.violation(
                &rules::ACCESS_VIOLATION,
                format!(
                    "the driver accesses {} bytes at {address:#x}: {}",
                    width.bytes(),
                    self.describe_access(address)
                ),
            ),
        }
    }
}
