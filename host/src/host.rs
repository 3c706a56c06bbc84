//! The host: one virtual machine with one driver, and the ways in from driver code.

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell, RefCell},
    convert::Infallible,
    marker::PhantomPinned,
    ptr,
    rc::Rc,
};

use crate::{
    access::{self, Outcome},
    check::{Checks, Cost, Report, rules},
    cpu::{
        Irql,
        frame::{Trap, TrapFrame},
        guest,
        stub::{Call, Stubs},
        trap::{self, Territory},
        watchdog,
    },
    device::{DeviceError, PciFunction, Width},
    event::{Event, EventLog, Observer},
    explore::Explorer,
    image::{MappedImage, Symbols},
    kmdf::Framework,
    machine::{InterruptController, Slot},
    memory::Memory,
    sched::{Activation, Point, Scheduler, Strategy},
    service::Service,
    time::VirtualTime,
};

/// A driver's kernel stack, in bytes: what x64 Windows gives a thread.
pub(crate) const KERNEL_STACK_BYTES: u64 = 24 * 1024;

/// Why a run ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The driver broke a rule of the KMDF contract.
    #[error("{0}")]
    BugCheck(Box<Report>),
    /// The driver asked for something that the host does not play.
    #[error("{0}")]
    Unsupported(Box<Report>),
    /// A device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Nothing can run, nothing is due, and what was waited for has not come.
    #[error("nothing can go on: {0}")]
    Stuck(String),
}

/// What a virtual machine is made of.
pub struct Machine {
    /// How many processors it has, 1 to 64.
    pub processors: u32,
    /// Its PCI functions, one for each slot.
    pub functions: Vec<Box<dyn PciFunction>>,
    /// Groups of slots whose interrupt pins are wired together. A slot in no group has a line of
    /// its own.
    pub shared_lines: Vec<Vec<usize>>,
    /// Who decides where the machine could go on in more than one way.
    pub strategy: Box<dyn Strategy>,
    /// How many of the last events are kept.
    pub event_limit: usize,
    /// Called with each event.
    pub observer: Option<Observer>,
    /// How much is checked.
    pub checks: Checks,
}

impl Machine {
    /// The groups of a machine with that many functions: with their pins all on one line, or with a line
    /// for each.
    #[must_use]
    pub fn lines(functions: usize, shared: bool) -> Vec<Vec<usize>> {
        if shared {
            vec![(0..functions).collect()]
        } else {
            Vec::new()
        }
    }
}

impl Default for Machine {
    /// Two processors, nothing in the slots, the simplest schedule, the last 1,000 events kept.
    fn default() -> Self {
        Self {
            processors: 2,
            functions: Vec::new(),
            shared_lines: Vec::new(),
            strategy: Box::new(crate::InOrder),
            event_limit: 1000,
            observer: None,
            checks: Checks::All,
        }
    }
}

/// One virtual machine with one driver.
pub struct Host {
    pub(crate) scheduler: Scheduler,
    pub(crate) memory: Memory,
    pub(crate) checks: Checks,
    pub(crate) slots: Vec<Slot>,
    pub(crate) shared_lines: Vec<Vec<usize>>,
    pub(crate) interrupts: InterruptController,
    pub(crate) events: EventLog,
    pub(crate) framework: Framework,
    pub(crate) image: OnceCell<MappedImage>,
    pub(crate) symbols: OnceCell<Rc<Symbols>>,
    pub(crate) stubs: OnceCell<Stubs>,
    pub(crate) bindings: RefCell<Vec<Binding>>,
    pub(crate) stopped: RefCell<Option<Stop>>,
    pub(crate) clock: Cell<VirtualTime>,
    pub(crate) real_start: Cell<Option<std::time::Instant>>,
    /// Where each flow last left the driver, for its call stack: see [`Crossing`].
    pub(crate) crossings: RefCell<Vec<Crossing>>,
    pub(crate) explorer: Explorer,
    /// Flows that are suspended hold the host's address on their stacks.
    pub(crate) _pinned: PhantomPinned,
}

/// What a stub stands for.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    /// The library that exports it, or the framework.
    pub(crate) library: Cow<'static, str>,
    /// Its name.
    pub(crate) name: Cow<'static, str>,
    /// What it does; `None` for what the host does not play.
    pub(crate) service: Option<&'static Service>,
    /// Leading arguments that are not the service's own.
    pub(crate) hidden: usize,
}

/// A place where driver code was left: by a call or by a trap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crossing {
    /// On which flow.
    pub(crate) flow: u32,
    /// General registers in encoding order, as far as they are known.
    pub(crate) gpr: [u64; 16],
    /// Where driver code goes on.
    pub(crate) rip: u64,
    /// Whether that is behind a call: the call itself lies before it.
    pub(crate) is_return: bool,
    /// Its stack pointer there.
    pub(crate) rsp: u64,
}

thread_local! {
    static CURRENT: Cell<*const Host> = const { Cell::new(ptr::null()) };
}

/// Calls `body` with the host of this thread.
///
/// # Panics
/// When no host runs on this thread.
pub(crate) fn with_current<R>(body: impl FnOnce(&Host) -> R) -> R {
    let host = CURRENT.get();
    assert!(!host.is_null(), "no host runs on this thread");
    // SAFETY: `enter` put the pointer there and takes it away before the host goes.
    body(unsafe { &*host })
}

impl Host {
    /// Runs `body` as the host of this thread.
    pub(crate) fn enter<R>(&self, body: impl FnOnce() -> R) -> R {
        struct Leave(*const Host, Territory);
        impl Drop for Leave {
            fn drop(&mut self) {
                CURRENT.set(self.0);
                trap::set_territory(self.1);
            }
        }
        trap::install();
        let image = self.image.get().map_or((0, 0), |image| {
            (
                image.base(),
                image.base() + u64::from(image.image().bytes()),
            )
        });
        let _leave = Leave(CURRENT.replace(self), trap::territory());
        trap::set_territory(Territory {
            image,
            stack: (0, 0),
        });
        body()
    }

    /// Calls a routine of the driver, with what every callback must keep checked.
    pub(crate) fn call_driver(
        &self,
        what: &'static str,
        object: u64,
        address: u64,
        arguments: &[u64],
    ) -> u64 {
        let (processor, flow) = self
            .scheduler
            .current()
            .expect("driver code runs on a flow only");
        let framework = self
            .stubs
            .get()
            .is_some_and(|stubs| stubs.contains(address));
        let code = self.image.get().and_then(|image| image.section_of(address));
        if !framework && !code.is_some_and(|section| section.execute) {
            self.violation(
                &rules::BAD_CALLBACK,
                format!("{what} at {address:#x} is not code of the driver"),
            );
        }
        let irql = processor.irql.get();
        let marker = 0_u8;
        let activation = Activation {
            what,
            object,
            stack_pointer: (&raw const marker).addr() as u64,
            irql,
            locks: flow.locks.borrow().len(),
            cost: Cost::default(),
        };
        flow.activations.borrow_mut().push(activation);
        self.record(Event::Enter {
            callback: what,
            object,
        });
        self.check_paged_callback(what, address);
        let outer = self.begin_walk(what, address);
        // SAFETY: the address lies in executable code of the image, and this is a flow's stack.
        let value = unsafe { guest::call(address, arguments) };
        self.end_walk(outer);
        self.record(Event::Leave {
            callback: what,
            value,
        });
        // A callback that waits goes on on whichever processor is free.
        let (processor, _) = self
            .scheduler
            .current()
            .expect("driver code runs on a flow only");
        self.check_return(&activation, &processor, &flow);
        flow.activations.borrow_mut().pop();
        value
    }

    fn push_crossing(&self, gpr: [u64; 16], rip: u64, rsp: u64, is_return: bool) {
        if let Some((_, flow)) = self.scheduler.current() {
            self.crossings.borrow_mut().push(Crossing {
                flow: flow.id,
                gpr,
                rip,
                is_return,
                rsp,
            });
            self.check_stack(&flow, rsp);
        }
    }

    fn pop_crossing(&self) {
        if let Some((_, flow)) = self.scheduler.current() {
            let mut crossings = self.crossings.borrow_mut();
            if let Some(index) = crossings
                .iter()
                .rposition(|crossing| crossing.flow == flow.id)
            {
                crossings.remove(index);
            }
        }
    }

    /// A service that the driver called.
    fn serve(&self, call: &Call) -> u64 {
        let (service, hidden) = {
            let binding = &self.bindings.borrow()[call.index as usize];
            (binding.service, binding.hidden)
        };
        let registers = call.registers;
        let mut gpr = [0; 16];
        gpr[3] = registers.rbx;
        gpr[5] = registers.rbp;
        gpr[6] = registers.rsi;
        gpr[7] = registers.rdi;
        gpr[12] = registers.r12;
        gpr[13] = registers.r13;
        gpr[14] = registers.r14;
        gpr[15] = registers.r15;
        self.push_crossing(gpr, call.return_address(), call.stack_pointer(), true);
        let Some(service) = service else {
            let binding = self.bindings.borrow()[call.index as usize].clone();
            self.unsupported(format!(
                "the driver calls {}!{}, which this host does not play",
                binding.library, binding.name
            ));
        };
        self.record(Event::Service { name: service.name });
        self.charge(Cost::CALL);
        self.check_paged_irql("a call", call.return_address());
        self.check_irql(service);
        let site = self.relative(call.return_address()) as u32;
        self.explorer.coverage.call(site, service.name);
        self.preemption_point(Point::Service);
        let value = match self.explorer.failing.failure(site, service.name) {
            None => (service.handler)(self, &call.hiding(hidden)),
            Some(failure) => self.fail_call(site, service.name, failure),
        };
        self.preemption_point(Point::Service);
        self.pop_crossing();
        value
    }

    /// A trap of driver code.
    fn handle_trap(&self, frame: &mut TrapFrame) {
        let boundary = frame.trap == Trap::Breakpoint && self.is_boundary(frame);
        if boundary || frame.trap == Trap::Step {
            self.push_crossing(frame.gpr, frame.rip, frame.rsp, false);
            self.charge(Cost::INSTRUCTION);
            if boundary {
                self.at_boundary(frame);
            } else {
                self.at_step(frame);
            }
            self.pop_crossing();
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
                    self.memory.describe(frame.fault_address)
                ),
            );
        }
        if !in_image {
            self.violation(
                &rules::INVALID_POINTER,
                format!(
                    "the host, working for the driver, cannot access {:#x}: {}",
                    frame.fault_address,
                    self.memory.describe(frame.fault_address)
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
            Trap::PageFault => self.violation(
                &rules::ACCESS_VIOLATION,
                format!(
                    "the driver accesses {:#x}: {}",
                    frame.fault_address,
                    self.memory.describe(frame.fault_address)
                ),
            ),
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

    /// Does what the trapped instruction would have done: a register access or a privileged
    /// operation.
    fn emulate(&self, frame: &mut TrapFrame) {
        let mut registers = frame.registers();
        let code = self.code_at(frame.rip);
        let Ok(outcome) = access::emulate(&code, &mut registers, &mut RegisterBus { host: self });
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

    /// Eight bytes of the driver's memory, if they can be read.
    pub(crate) fn try_read(&self, address: u64) -> Option<u64> {
        let on_stack = self.scheduler.current().is_some_and(|(_, flow)| {
            let (low, high) = flow.stack();
            (low..high - 7).contains(&address)
        });
        if on_stack {
            return Some(self.memory.read(address));
        }
        Memory::try_read(address)
    }

    /// What stands for a value in the digest of a run: where it lies, if it is an address.
    pub(crate) fn relative(&self, value: u64) -> u64 {
        /// No address of user mode has this bit.
        const IMAGE: u64 = 1 << 63;
        let in_image = self.image.get().and_then(|image| image.rva(value));
        in_image.map_or_else(
            || self.memory.relative(value).unwrap_or(value),
            |rva| IMAGE | u64::from(rva),
        )
    }

    /// The virtual clock.
    pub(crate) fn now(&self) -> VirtualTime {
        match self.real_start.get() {
            Some(start) => VirtualTime::START + start.elapsed(),
            None => self.clock.get(),
        }
    }
}

/// Routes what an emulated instruction accesses: registers to their device, all else to memory.
struct RegisterBus<'a> {
    host: &'a Host,
}

impl access::Bus for RegisterBus<'_> {
    /// A bad access ends the run where it happens.
    type Fault = Infallible;

    fn load(&mut self, address: u64, width: Width) -> Result<u64, Infallible> {
        let host = self.host;
        if !host.memory.is_device(address) {
            let bytes = host.memory.read_bytes(address, width.bytes());
            let mut value = [0; 8];
            value[..bytes.len()].copy_from_slice(&bytes);
            return Ok(u64::from_le_bytes(value));
        }
        let physical = host.physical(address, width);
        let value = host.read_register(physical, width);
        host.record(Event::Read {
            address: physical,
            width,
            value,
        });
        Ok(value)
    }

    fn store(&mut self, address: u64, width: Width, value: u64) -> Result<(), Infallible> {
        let host = self.host;
        if !host.memory.is_device(address) {
            host.memory
                .write_bytes(address, &value.to_le_bytes()[..width.bytes()]);
            return Ok(());
        }
        let physical = host.physical(address, width);
        host.record(Event::Write {
            address: physical,
            width,
            value,
        });
        host.write_register(physical, width, value);
        Ok(())
    }
}

impl Host {
    /// The physical address behind a register access.
    fn physical(&self, address: u64, width: Width) -> u64 {
        match self.memory.device_address(address, width.bytes() as u64) {
            Some(physical) => physical,
            None => self.violation(
                &rules::ACCESS_VIOLATION,
                format!(
                    "the driver accesses {} bytes at {address:#x}: device memory that is not \
                     mapped",
                    width.bytes()
                ),
            ),
        }
    }
}

/// A call from a stub.
pub(crate) fn on_call(call: &Call) -> u64 {
    watchdog::crossed();
    with_current(|host| host.serve(call))
}

/// A trap, on the interrupted flow's stack.
pub(crate) fn on_trap(frame: &mut TrapFrame) {
    watchdog::crossed();
    with_current(|host| host.handle_trap(frame));
}

/// A flow without room on its stack. Never returns: the flow is dead.
pub(crate) fn on_stack_overflow(frame: &mut TrapFrame) {
    with_current(|host| {
        host.push_crossing(frame.gpr, frame.rip, frame.rsp, false);
        host.violation(
            &rules::STACK_OVERFLOW,
            format!("the driver's stack is used up at {:#x}", frame.rsp),
        );
    });
}
