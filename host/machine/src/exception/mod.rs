//! Exceptions of driver code: a handler is searched by the image's unwind information, as
//! RtlDispatchException does it, and the frames up to it are left, as RtlUnwindEx does it.
//!
//! A search ends where the driver was called from outside: no exception goes into the framework.

mod records;

use std::cell::RefCell;

use kmdf_abi::ntstatus::{NtStatus, STATUS_ACCESS_VIOLATION};
use kmdf_image::{Handler, StackEnd};
use kmdf_instructions::Registers;

use self::records::{CONTEXT_BYTES, read_context, write_context};
pub use self::records::{
    DispatcherContext, ExceptionRecord, NONCONTINUABLE, TARGET_UNWIND, UNWINDING,
};
use crate::{
    check::Cost,
    cpu::{Irql, guest, stub::Call},
    event::Event,
    machine::Machine,
    memory::Purpose,
    sched::Activation,
};

/// `ExceptionContinueExecution`: the driver goes on where the exception happened.
pub const CONTINUE_EXECUTION: u32 = 0;
/// `ExceptionContinueSearch`: the next frame is asked.
pub const CONTINUE_SEARCH: u32 = 1;

/// What activations of handlers are called, in reports, too.
const HANDLER: &str = "an exception handler";

/// An exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// What happened.
    pub code: NtStatus,
    /// Its parameters.
    pub information: Vec<u64>,
    /// Whether the code that raised it could go on.
    pub continuable: bool,
}

impl Exception {
    /// An access to an address that nothing is behind.
    #[must_use]
    pub fn access_violation(address: u64, is_write: bool) -> Self {
        Self {
            code: STATUS_ACCESS_VIOLATION,
            information: vec![is_write.into(), address],
            continuable: true,
        }
    }

    /// One that code raised.
    #[must_use]
    pub fn raised(code: NtStatus) -> Self {
        Self {
            code,
            information: Vec::new(),
            continuable: false,
        }
    }
}

/// Where flows go on that called a service, if that is not behind the call: by flow.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere(RefCell<Vec<(u32, Box<Registers>)>>);

impl Elsewhere {
    fn put(&self, flow: u32, registers: Registers) {
        self.0.borrow_mut().push((flow, Box::new(registers)));
    }

    fn take(&self, flow: u32) -> Option<Box<Registers>> {
        let mut all = self.0.borrow_mut();
        let index = all.iter().position(|(other, _)| *other == flow)?;
        Some(all.swap_remove(index).1)
    }
}

/// The memory that a handler reads about one exception.
struct Told {
    record: u64,
    context: u64,
    dispatcher: u64,
}

/// The frame with the handler of an exception, and where its code is.
struct Target {
    frame: u64,
    address: u64,
}

impl Machine {
    /// Raises an exception in the code that called a service. If a handler takes it, the service's caller
    /// goes on there once the service has returned, whatever it returns.
    ///
    /// Returns whether one does. Not if not: nothing has changed then.
    #[must_use]
    pub fn raise(&self, call: &Call, exception: &Exception) -> bool {
        let Some((_, flow)) = self.scheduler.current() else {
            return false;
        };
        let registers = call.registers_at_return();
        let Some(registers) = self.dispatch(exception, &registers) else {
            return false;
        };
        self.elsewhere.put(flow.id, registers);
        true
    }

    /// Where the running flow goes on behind a service, if not at its return address.
    pub(crate) fn takes_elsewhere(&self) -> Option<Box<Registers>> {
        if self.elsewhere.0.borrow().is_empty() {
            return None;
        }
        let (_, flow) = self.scheduler.current()?;
        self.elsewhere.take(flow.id)
    }

    /// Whether an address is one that an app could have and that nothing is behind: an access to it is an
    /// exception, where one to the system's own addresses ends the system.
    #[must_use]
    pub fn is_user_hole(&self, address: u64) -> bool {
        /// `MmUserProbeAddress`
        const USER_END: u64 = 0x7FFF_FFFF_0000;
        let in_image = self
            .image
            .get()
            .is_some_and(|image| image.contains(address));
        let on_stack = self.scheduler.current().is_some_and(|(_, flow)| {
            let (low, high) = flow.stack();
            (low..high).contains(&address)
        });
        address < USER_END
            && !in_image
            && !on_stack
            && self.memory.relative(address).is_none()
            && crate::memory::Memory::try_read(address).is_none()
    }

    /// Lets the driver handle an exception of its own at `registers`. Returns where it goes on, or `None`
    /// if no handler wants the exception.
    pub(crate) fn dispatch(
        &self,
        exception: &Exception,
        registers: &Registers,
    ) -> Option<Registers> {
        if !self.handles_exceptions() {
            return None;
        }
        let mut information = [0; 15];
        for (slot, value) in information.iter_mut().zip(&exception.information) {
            *slot = *value;
        }
        let record = ExceptionRecord {
            code: exception.code.0.cast_unsigned(),
            flags: if exception.continuable {
                0
            } else {
                NONCONTINUABLE
            },
            record: 0,
            address: registers.rip,
            parameters: exception.information.len() as u32,
            unused: 0,
            information,
        };
        let told = self.tell(&record, registers)?;
        let found = self.search(&record, &told, registers);
        let goes_on = match found {
            Found::Nothing => None,
            Found::Resumes => Some(read_context(&self.memory, told.context)),
            Found::Handler(target) => Some(self.unwind_to(&record, &told, registers, &target)),
        };
        for address in [told.record, told.context, told.dispatcher] {
            let freed = self.memory.free(address);
            debug_assert!(freed.is_ok(), "{freed:?}");
        }
        if let (Some(registers), Some(watcher)) = (&goes_on, self.watcher.get())
            && let Some((_, flow)) = self.scheduler.current()
        {
            watcher.jumps(self, flow.id, registers.rip);
        }
        if goes_on.is_none() && self.in_handler() {
            self.unsupported(format!(
                "the exception {} in {HANDLER} without one of its own for it",
                exception.code
            ));
        }
        goes_on
    }

    /// Whether the driver has handlers at all.
    fn handles_exceptions(&self) -> bool {
        self.imported("__C_specific_handler").is_some()
    }

    fn in_handler(&self) -> bool {
        self.scheduler.current().is_some_and(|(_, flow)| {
            let activations = flow.activations.borrow();
            activations.last().is_some_and(|last| last.what == HANDLER)
        })
    }

    fn tell(&self, record: &ExceptionRecord, registers: &Registers) -> Option<Told> {
        let lend = |what, bytes| self.memory.allocate(bytes, true, Purpose::System { what });
        let told = Told {
            record: lend("an EXCEPTION_RECORD", size_of::<ExceptionRecord>() as u64)?,
            context: lend("a CONTEXT", CONTEXT_BYTES)?,
            dispatcher: lend(
                "a DISPATCHER_CONTEXT",
                size_of::<DispatcherContext>() as u64,
            )?,
        };
        self.memory.write(told.record, record);
        write_context(&self.memory, told.context, registers);
        Some(told)
    }

    /// The first pass: every frame is asked whether it has a handler.
    fn search(&self, record: &ExceptionRecord, told: &Told, at: &Registers) -> Found {
        let mut registers = at.clone();
        loop {
            let rip = registers.rip;
            let Some((frame, handler)) = self.leave_frame(&mut registers) else {
                return Found::Nothing;
            };
            let Some(handler) = handler.filter(|handler| handler.searches) else {
                continue;
            };
            let dispatcher = self.about(rip, frame, handler, told);
            self.memory.write(told.dispatcher, &dispatcher);
            let disposition = self.ask(handler, frame, told);
            let answer: DispatcherContext = self.memory.read(told.dispatcher);
            match disposition {
                _ if answer.target != 0 => {
                    return Found::Handler(Target {
                        frame,
                        address: answer.target,
                    });
                }
                CONTINUE_EXECUTION if record.flags & NONCONTINUABLE == 0 => return Found::Resumes,
                CONTINUE_SEARCH => {}
                CONTINUE_EXECUTION => {
                    self.unsupported("the continuation of an exception that a function raised")
                }
                other => self.unsupported(format!("the disposition {other} of {HANDLER}")),
            }
        }
    }

    /// The second pass: every frame up to that of the handler is told that it is left.
    fn unwind_to(
        &self,
        record: &ExceptionRecord,
        told: &Told,
        at: &Registers,
        target: &Target,
    ) -> Registers {
        let mut registers = at.clone();
        loop {
            let before = registers.clone();
            let Some((frame, handler)) = self.leave_frame(&mut registers) else {
                self.unsupported("a handler in a frame that is not on the stack");
            };
            let is_target = frame == target.frame;
            if let Some(handler) = handler.filter(|handler| handler.unwinds) {
                let flags = if is_target {
                    UNWINDING | TARGET_UNWIND
                } else {
                    UNWINDING
                };
                let record = ExceptionRecord {
                    flags: record.flags | flags,
                    ..*record
                };
                self.memory.write(told.record, &record);
                let dispatcher = DispatcherContext {
                    target: target.address,
                    ..self.about(before.rip, frame, handler, told)
                };
                self.memory.write(told.dispatcher, &dispatcher);
                let disposition = self.ask(handler, frame, told);
                if disposition != CONTINUE_SEARCH {
                    self.unsupported(format!("the disposition {disposition} of {HANDLER}"));
                }
            }
            if is_target {
                let mut goes_on = before;
                goes_on.rip = target.address;
                goes_on.gpr[Registers::RAX] = record.code.into();
                return goes_on;
            }
        }
    }

    /// Leaves a frame of the driver's; `None` where the driver was called from outside.
    fn leave_frame(&self, registers: &mut Registers) -> Option<(u64, Option<Handler>)> {
        let image = self.image.get()?;
        let (_, flow) = self.scheduler.current()?;
        let (low, high) = flow.stack();
        let read = |address| {
            (low..high - 7)
                .contains(&address)
                .then(|| self.memory.read::<u64>(address))
        };
        match image.unwind(registers, read) {
            Ok(frame) => Some((frame.establisher, frame.handler)),
            Err(StackEnd::Outside(_)) => None,
            Err(end) => self.unsupported(format!("an exception through a stack on which {end}")),
        }
    }

    /// What a handler is told of its frame.
    fn about(&self, rip: u64, frame: u64, handler: Handler, told: &Told) -> DispatcherContext {
        let Some(image) = self.image.get() else {
            return DispatcherContext::default();
        };
        DispatcherContext {
            control_pc: rip,
            image_base: image.base(),
            establisher: frame,
            context: told.context,
            language_handler: image.address(handler.routine),
            handler_data: image.address(handler.data),
            ..DispatcherContext::default()
        }
    }

    /// Calls a language's handler about a frame: what it wants.
    fn ask(&self, handler: Handler, frame: u64, told: &Told) -> u32 {
        let address = self
            .image
            .get()
            .map_or(0, |image| image.address(handler.routine));
        self.call_handler(
            address,
            &[told.record, frame, told.context, told.dispatcher],
        ) as u32
    }

    /// Calls code of the driver's that belongs to an exception: a language's handler, a filter, or a
    /// termination handler. It may change the IRQL and the locks, as the code may that it belongs to.
    ///
    /// # Panics
    /// When no flow runs.
    pub fn call_handler(&self, address: u64, arguments: &[u64]) -> u64 {
        let (processor, flow) = self
            .scheduler
            .current()
            .expect("driver code runs on a flow only");
        let marker = 0_u8;
        let activation = Activation {
            what: HANDLER,
            object: 0,
            stack_pointer: (&raw const marker).addr() as u64,
            irql: processor.irql.get(),
            locks: flow.locks.borrow().len(),
            cost: Cost::default(),
        };
        flow.activations.borrow_mut().push(activation);
        self.record(Event::Enter {
            callback: HANDLER,
            object: 0,
        });
        if let Some(watcher) = self.watcher.get() {
            watcher.enters(self, flow.id, HANDLER, address);
        }
        // SAFETY: the address comes from the image's unwind information, and this is a flow's stack. One
        // outside of all code faults, and the fault is the driver's.
        let value = unsafe { guest::call(address, arguments) };
        if let Some(watcher) = self.watcher.get() {
            watcher.leaves(self, flow.id);
        }
        self.record(Event::Leave {
            callback: HANDLER,
            value: value & u64::from(u32::MAX),
        });
        flow.activations.borrow_mut().pop();
        value
    }

    /// Whether an access violation may be handled where it is: at a high IRQL the system ends instead.
    pub(crate) fn may_fault(&self) -> bool {
        self.irql() < Irql::DISPATCH
    }
}

/// What a search has found.
enum Found {
    /// No frame wants the exception.
    Nothing,
    /// It was put right: the driver goes on where it happened.
    Resumes,
    Handler(Target),
}
