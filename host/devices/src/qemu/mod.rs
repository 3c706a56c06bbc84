//! A PCI device of QEMU's own: any that its `-device` option makes.
//!
//! [`Qemu`] starts a QEMU whose processor is halted for good, and plays the rest of the machine
//! over QEMU's qtest protocol: configuration space, registers, interrupt pins. The device is the
//! real one, its clock is the machine's, and its DMA goes to [`SharedMemory`].
//!
//! # Lines
//!
//! QEMU reports every change of the I/O APIC's inputs; the one that the device's pin is routed to
//! is its [`Signal::Line`].
//!
//! # Messages
//!
//! The device's MSI capability is pointed at a word of memory, which is looked at after every
//! answer of QEMU's and while waiting. QEMU writes a message before it answers the access that
//! caused it, so a message that an access causes is always seen with that access.
//!
//! Messages that arrive before anyone looks are one. So they are in a processor: a local APIC has
//! one request bit for each vector, and a message that finds it set leaves no trace. A driver that
//! could tell the difference would fail on hardware too.
//!
//! With MSI-X each message has a word of its own. The messages of an MSI capability differ in the low
//! bits of the data they write to one address, so of several only the last would be seen. Only one is
//! granted therefore: [`Identity::messages`] is 1 for any device that has that capability. Windows grants
//! one message, too, where it cannot grant all.
//!
//! # Endings
//!
//! QEMU is killed when its [`Qemu`] is dropped, when it fails once (it is silent for too long, or
//! says what the protocol does not know), when this process ends, however it ends, and when the
//! thread that started it ends. Nothing is left in the file system: its firmware, its memory, the
//! connection to it and what it says on its standard error are files without a name.

mod config;
mod find;
mod link;
mod process;
mod qtest;

use std::{
    fmt, io,
    path::PathBuf,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use kmdf_bus::{
    Assignment, Bar, Bus, Clock, DeviceError, Identity, InterruptMode, PciFunction, Signal, Width,
    memory::{SharedMemory, Words},
    time::VirtualTime,
};

use self::{
    config::{Layout, Message},
    link::Link,
};

pub use self::find::VARIABLE;

/// The device's slot on bus 0: none of those that a q35 machine uses itself.
const SLOT: u8 = 5;

/// The I/O APIC's input for INTA of slot 0 of the slots below 25 of a q35 machine; the next pin
/// and the next slot are one higher each, modulo 4.
const FIRST_INPUT: u32 = 20;

/// Data of the message: any value but 0.
const MESSAGE_DATA: u16 = 0x4D53;

/// How long after an access a wait looks for a message without a pause. An engine that an access
/// started is done by then, unless it takes its time.
const SPIN: Duration = Duration::from_micros(500);

/// The least and the most that a wait pauses between two looks after that. In between it pauses
/// for a part of the time that has passed already, so that a short wait is exact and a long one is
/// cheap.
const SHORT_PAUSE: Duration = Duration::from_micros(50);
const LONG_PAUSE: Duration = Duration::from_millis(1);
const PAUSE_PART: u32 = 8;

/// Sizes of the memory that a device has when nobody gives it any: with the words for its messages
/// 1 GiB below 4 GiB, and as much above.
const OWN_MEMORY_BYTES: u64 = (1 << 30) - (1 << 20);
const OWN_HIGH_BYTES: u64 = 1 << 30;

/// Which device, and how to get it.
#[derive(Clone, Debug)]
pub struct QemuOptions {
    /// What QEMU's `-device` takes, without the device's address: `edu`, or
    /// `edu,dma_mask=0xffffffff`.
    pub device: String,
    /// More options of QEMU's, name and value in turn: what the device is connected to, as
    /// `-object`, `rng-builtin,id=r`; [`BACKENDS`] may be named.
    pub backends: Vec<String>,
    /// QEMU's program, `qemu-system-x86_64` of version 7.2 or newer. When none is named the
    /// environment variable [`VARIABLE`] is looked at, then `PATH`.
    pub qemu: Option<PathBuf>,
    /// The machine's memory, to share with it; memory of its own without any. The same memory may
    /// be shared by several devices.
    pub memory: Option<Rc<SharedMemory>>,
    /// How long QEMU may take for one answer, its start included.
    pub answer_limit: Duration,
}

/// The options of QEMU's that a device may need. What the machine is, is the host's matter.
pub const BACKENDS: [&str; 10] = [
    "-audiodev",
    "-blockdev",
    "-chardev",
    "-device",
    "-drive",
    "-fsdev",
    "-global",
    "-netdev",
    "-object",
    "-qmp",
];

impl QemuOptions {
    /// A device with memory of its own, of the QEMU that is found. Behind the device, and blanks, more
    /// options may follow: `virtio-rng-pci,rng=r -object rng-builtin,id=r`.
    #[must_use]
    pub fn new(device: impl AsRef<str>) -> Self {
        let mut words = device.as_ref().split_whitespace().map(str::to_owned);
        Self {
            device: words.next().unwrap_or_default(),
            backends: words.collect(),
            qemu: None,
            memory: None,
            answer_limit: Duration::from_secs(10),
        }
    }
}

/// A device of QEMU's as a PCI function.
#[derive(Debug)]
pub struct Qemu {
    link: Link,
    layout: Layout,
    memory: Rc<SharedMemory>,
    /// The word that each message is written to: of an MSI capability the first.
    words: Words,
    /// The I/O APIC's input that its pin is routed to, if it has a pin.
    input: Option<u32>,
    /// What it was started with, while it is started.
    assignment: Option<Assignment>,
    /// The level that the bus was told last.
    line: bool,
    /// When it was accessed last.
    accessed: Instant,
}

/// Whether a device's other options are names that it may have, each with a value.
fn check_backends(options: &[String]) -> Result<(), DeviceError> {
    for pair in options.chunks(2) {
        let refused = |problem: String| DeviceError::Refused {
            what: format!("the options of QEMU's: {}", options.join(" ")),
            problem,
        };
        if !BACKENDS.contains(&pair[0].as_str()) {
            return Err(refused(format!(
                "{} is none of {}",
                pair[0],
                BACKENDS.join(", ")
            )));
        }
        if pair.len() == 1 {
            return Err(refused(format!("{} has no value", pair[0])));
        }
    }
    Ok(())
}

impl Qemu {
    /// Starts QEMU, and finds the device on its bus.
    ///
    /// # Errors
    /// QEMU is not there, does not know the device, or does not do as it should.
    pub fn start(options: QemuOptions) -> Result<Self, DeviceError> {
        check_backends(&options.backends)?;
        let program = find::find(options.qemu.as_deref())?;
        let memory = if let Some(memory) = options.memory {
            memory
        } else {
            let memory = SharedMemory::with_high(OWN_MEMORY_BYTES, OWN_HIGH_BYTES);
            Rc::new(memory.map_err(|error| {
                memory_failed(format_args!("its memory was being made"), &error)
            })?)
        };
        let mut link = Link::start(
            &program,
            process::Device {
                name: &options.device,
                address: &format!("{SLOT:02x}.0"),
                backends: &options.backends,
            },
            &memory,
            options.answer_limit,
        )?;
        link.tell(
            format_args!("-device {} was being started", options.device),
            format_args!("irq_intercept_in ioapic"),
        )?;
        let layout = config::enumerate(&mut link)?;
        let messages = layout.identity.most_messages().max(1);
        let words = memory
            .reserve_words(messages)
            .ok_or_else(|| DeviceError::Died {
                during: "words for its messages were being reserved".to_owned(),
                how: "too many devices share the memory".to_owned(),
            })?;
        let input = layout
            .pin
            .checked_sub(1)
            .map(|pin| FIRST_INPUT + u32::from((SLOT + pin) % 4));
        Ok(Self {
            link,
            layout,
            memory,
            words,
            input,
            assignment: None,
            line: false,
            accessed: Instant::now(),
        })
    }

    /// The machine's memory, at physical address 0, as the device sees it.
    #[must_use]
    pub fn memory(&self) -> &Rc<SharedMemory> {
        &self.memory
    }

    /// The process id of QEMU.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.link.id()
    }

    fn mode(&self) -> InterruptMode {
        self.assignment
            .as_ref()
            .map_or(InterruptMode::None, |assignment| assignment.interrupt)
    }

    /// Hands on what the device has sent by the end of an access.
    fn deliver_accessed(&mut self, bus: &mut dyn Bus) -> Result<(), DeviceError> {
        self.deliver(bus)?;
        self.accessed = Instant::now();
        Ok(())
    }

    /// Hands on what the device has sent. Says whether it has sent anything.
    fn deliver(&mut self, bus: &mut dyn Bus) -> Result<bool, DeviceError> {
        let mut any = false;
        while let Some(edge) = self.link.next_edge() {
            if Some(edge.pin) == self.input && edge.asserted != self.line {
                self.line = edge.asserted;
                bus.signal(Signal::Line(self.line));
                any = true;
            }
        }
        if let InterruptMode::Messages(1..) = self.mode() {
            for message in self.take_messages()? {
                bus.signal(Signal::Message(message));
                any = true;
            }
        }
        Ok(any)
    }

    /// The messages that have come since they were looked at last.
    fn take_messages(&mut self) -> Result<Vec<u32>, DeviceError> {
        let during = format_args!("its messages were looked at");
        let taken = self.memory.take(&self.words);
        let taken = taken.map_err(|error| memory_failed(during, &error))?;
        let mut messages = Vec::with_capacity(taken.len());
        for (message, data) in taken {
            if data != u32::from(MESSAGE_DATA) {
                let failure = qtest::Failure::Protocol(format!("message with data {data:#x}"));
                return Err(self.link.fail(during, failure));
            }
            messages.push(message);
        }
        Ok(messages)
    }

    /// What is written for a message, and where.
    fn message(&self, number: u32) -> Message {
        Message {
            address: self.words.address(number),
            data: MESSAGE_DATA,
        }
    }

    /// The BAR and the address of a register: none when the function is off, or has no such BAR or offset.
    fn address(&self, index: u8, offset: u64, width: Width) -> Option<(Bar, u64)> {
        let bases = &self.assignment.as_ref()?.bars;
        let placed = self.layout.identity.bars.iter().zip(bases);
        placed
            .filter(|(bar, _)| bar.index == index && reaches(bar, offset, width))
            .map(|(&bar, base)| (bar, base + offset))
            .next()
    }
}

/// Whether an access is inside a BAR.
fn reaches(bar: &Bar, offset: u64, width: Width) -> bool {
    let end = offset.checked_add(width.bytes() as u64);
    // No instruction accesses 8 bytes of ports.
    end.is_some_and(|end| end <= bar.bytes) && !(bar.ports && width == Width::Qword)
}

fn memory_failed(during: fmt::Arguments<'_>, error: &io::Error) -> DeviceError {
    DeviceError::Died {
        during: during.to_string(),
        how: error.to_string(),
    }
}

/// The command that reads a register, or writes one, of memory or a port.
const fn command(write: bool, bar: Bar) -> &'static str {
    match (write, bar.ports) {
        (false, false) => "read",
        (true, false) => "write",
        (false, true) => "in",
        (true, true) => "out",
    }
}

/// The letter that the protocol has for a width.
const fn letter(width: Width) -> char {
    match width {
        Width::Byte => 'b',
        Width::Word => 'w',
        Width::Dword => 'l',
        Width::Qword => 'q',
    }
}

impl PciFunction for Qemu {
    fn identity(&self) -> Identity {
        self.layout.identity.clone()
    }

    fn clock(&self) -> Clock {
        Clock::Real
    }

    fn has_config_space(&self) -> bool {
        true
    }

    /// A q35's bus is not behind a bridge that translates.
    fn is_translated(&self) -> bool {
        false
    }

    fn read_config(
        &mut self,
        bus: &mut dyn Bus,
        offset: u16,
        width: Width,
    ) -> Result<u64, DeviceError> {
        let value = config::read_part(&mut self.link, offset, width)?;
        self.deliver_accessed(bus)?;
        Ok(value)
    }

    fn write_config(
        &mut self,
        bus: &mut dyn Bus,
        offset: u16,
        width: Width,
        value: u64,
    ) -> Result<(), DeviceError> {
        config::write_part(&mut self.link, offset, width, value)?;
        self.deliver_accessed(bus)
    }

    fn set_message(
        &mut self,
        bus: &mut dyn Bus,
        entry: u32,
        message: u32,
        masked: bool,
    ) -> Result<(), DeviceError> {
        let Some(assignment) = &self.assignment else {
            return Ok(());
        };
        let message = self.message(message);
        self.layout
            .set_entry(&mut self.link, &assignment.bars, entry, message, masked)?;
        self.deliver_accessed(bus)
    }

    fn memory(&self) -> Option<Rc<SharedMemory>> {
        Some(Rc::clone(&self.memory))
    }

    fn start(&mut self, bus: &mut dyn Bus, assignment: &Assignment) -> Result<(), DeviceError> {
        self.assignment = Some(assignment.clone());
        // What an earlier start has left is not for this one.
        self.take_messages()?;
        let message = self.message(0);
        self.layout.turn_on(
            &mut self.link,
            &assignment.bars,
            assignment.interrupt,
            message,
        )?;
        self.deliver(bus)?;
        Ok(())
    }

    fn stop(&mut self, bus: &mut dyn Bus) -> Result<(), DeviceError> {
        self.assignment = None;
        self.layout.turn_off(&mut self.link)?;
        self.deliver(bus)?;
        Ok(())
    }

    fn read(
        &mut self,
        bus: &mut dyn Bus,
        bar: u8,
        offset: u64,
        width: Width,
    ) -> Result<u64, DeviceError> {
        let Some((bar, address)) = self.address(bar, offset, width) else {
            return Ok(width.all_ones());
        };
        let value = self.link.ask(
            format_args!("BAR {} was read at offset {offset:#x}", bar.index),
            format_args!("{}{} {address:#x}", command(false, bar), letter(width)),
        )?;
        self.deliver_accessed(bus)?;
        Ok(value & width.all_ones())
    }

    fn write(
        &mut self,
        bus: &mut dyn Bus,
        bar: u8,
        offset: u64,
        width: Width,
        value: u64,
    ) -> Result<(), DeviceError> {
        let Some((bar, address)) = self.address(bar, offset, width) else {
            return Ok(());
        };
        let value = value & width.all_ones();
        self.link.tell(
            format_args!(
                "{value:#x} was written to BAR {} at offset {offset:#x}",
                bar.index
            ),
            format_args!(
                "{}{} {address:#x} {value:#x}",
                command(true, bar),
                letter(width)
            ),
        )?;
        self.deliver_accessed(bus)
    }

    fn advance(&mut self, _bus: &mut dyn Bus, _now: VirtualTime) -> Result<(), DeviceError> {
        Ok(())
    }

    fn next_event(&self) -> Option<VirtualTime> {
        None
    }

    fn wait(&mut self, bus: &mut dyn Bus, limit: Duration) -> Result<(), DeviceError> {
        let during = format_args!("something was waited for");
        let begin = Instant::now();
        while !self.deliver(bus)? {
            let now = Instant::now();
            let left = limit.saturating_sub(now.saturating_duration_since(begin));
            if left.is_zero() {
                break;
            }
            let InterruptMode::Messages(1..) = self.mode() else {
                self.link.listen(during, left)?;
                continue;
            };
            // A message is nothing that could be listened for. That QEMU ended is.
            let passed = now.saturating_duration_since(self.accessed);
            if passed < SPIN {
                thread::yield_now();
            } else {
                let pause = (passed / PAUSE_PART).clamp(SHORT_PAUSE, LONG_PAUSE);
                self.link.listen(during, pause.min(left))?;
            }
        }
        Ok(())
    }
}
