//! The device: its registers, its interrupts and its time.

use edu_spec::registers::{
    BAR0_BYTES, Causes, DmaCommand, Identification, Status, WIDE_REGISTERS, offset,
};

use crate::{Config, Fatal, Faults, Machine, Messages, Misuse, dma::Dma, factorial::Engine};

/// Width of one register access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 1 byte
    Byte,
    /// 2 bytes
    Word,
    /// 4 bytes
    Dword,
    /// 8 bytes
    Qword,
}

impl Width {
    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Word => 2,
            Self::Dword => 4,
            Self::Qword => 8,
        }
    }

    /// The widest that fits into that many bytes (at least 1) at an offset of that alignment.
    const fn within(bytes: usize, offset: usize) -> Self {
        if bytes >= 8 && offset.is_multiple_of(8) {
            Self::Qword
        } else if bytes >= 4 && offset.is_multiple_of(4) {
            Self::Dword
        } else if bytes >= 2 && offset.is_multiple_of(2) {
            Self::Word
        } else {
            Self::Byte
        }
    }

    /// The low bytes of a value that this width has.
    const fn of(self, value: u64) -> u64 {
        value & self.all_ones()
    }

    const fn all_ones(self) -> u64 {
        u64::MAX >> (64 - 8 * self.bytes())
    }
}

/// How a started device may interrupt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interrupts {
    /// Not at all.
    #[default]
    Off,
    /// By the level of its pin.
    Line,
    /// By messages: the number granted.
    Messages(Messages),
}

/// The engines, and what happens in them by itself. Simultaneous events happen in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    FactorialDone,
    FactorialInterrupt,
    DmaDone,
    Spurious,
    Removal,
}

/// Where a cause comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    FactorialOrSoftware,
    Dma,
}

/// Whether there is a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    There,
    Removed,
    /// The virtual machine died, and the device with it.
    Dead(Fatal),
}

/// The interrupt pin.
#[derive(Clone, Copy, Debug, Default)]
struct Pin {
    /// Asserted for a cause, whether or not the pin may be used.
    cause: bool,
    /// Asserted without one: see [`Faults::spurious_every_ns`].
    phantom: bool,
    /// The level that the machine was told last.
    seen: bool,
}

/// An `edu` device.
#[derive(Clone, Debug)]
pub struct Edu {
    config: Config,
    now: u64,
    presence: Presence,
    started: bool,
    interrupts: Interrupts,
    pin: Pin,
    liveness: u32,
    factorial: Engine,
    interrupt_status: Causes,
    dma: Dma,
    dma_done_at: Option<u64>,
}

impl Edu {
    /// A device just switched on, at time 0, not started.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            now: 0,
            presence: Presence::There,
            started: false,
            interrupts: Interrupts::Off,
            pin: Pin::default(),
            liveness: 0,
            factorial: Engine::default(),
            interrupt_status: Causes::empty(),
            dma: Dma::new(),
            dma_done_at: None,
        }
    }

    /// What kind of device it is.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Its faults, to change them in the middle of a run. A removal is not undone, and an engine
    /// that hangs already stays so.
    pub const fn faults_mut(&mut self) -> &mut Faults {
        &mut self.config.faults
    }

    /// The time up to which everything has happened, in nanoseconds.
    #[must_use]
    pub const fn now(&self) -> u64 {
        self.now
    }

    /// What the virtual machine died of, if it did. From then on the device is as a removed one.
    #[must_use]
    pub const fn fatal(&self) -> Option<Fatal> {
        match self.presence {
            Presence::Dead(fatal) => Some(fatal),
            Presence::There | Presence::Removed => None,
        }
    }

    /// The level of the interrupt pin, as the machine sees it.
    #[must_use]
    pub const fn is_line_asserted(&self) -> bool {
        self.pin.seen
    }

    /// Turns on BAR 0 and bus mastering, and lets the device interrupt.
    ///
    /// Registers are as they were left. A pin asserted for an old cause is seen at once with
    /// [`Interrupts::Line`]; enabling messages deasserts it for good, as PCI demands.
    pub fn start(&mut self, machine: &mut dyn Machine, interrupts: Interrupts) {
        self.interrupts = match interrupts {
            Interrupts::Messages(granted) => {
                self.pin.cause = false;
                Interrupts::Messages(granted.min(self.config.messages))
            }
            other => other,
        };
        self.started = true;
        self.drive_line(machine);
    }

    /// Whether it is told to interrupt when a factorial is done.
    #[must_use]
    pub const fn interrupts_when_done(&self) -> bool {
        self.factorial.interrupt_when_done
    }

    /// Turns off BAR 0, bus mastering and interrupts. Engines carry on, registers stay.
    pub fn stop(&mut self, machine: &mut dyn Machine) {
        self.started = false;
        self.pin.phantom = false;
        self.interrupts = Interrupts::Off;
        self.drive_line(machine);
    }

    /// A reset of the machine: stops the device and deasserts its pin. That is all: its registers,
    /// its causes and its engines do not know a reset.
    pub fn reset(&mut self, machine: &mut dyn Machine) {
        self.pin.cause = false;
        self.stop(machine);
    }

    /// Pulls the device out. It never comes back.
    pub fn remove(&mut self, machine: &mut dyn Machine) {
        if self.is_there() {
            self.presence = Presence::Removed;
        }
        self.drive_line(machine);
    }

    /// Whether it answers at all.
    const fn is_there(&self) -> bool {
        matches!(self.presence, Presence::There)
    }

    /// When it changes next by itself, if it will.
    #[must_use]
    pub fn next_event(&self) -> Option<u64> {
        self.next().map(|(at, _)| at)
    }

    fn next(&self) -> Option<(u64, Event)> {
        if !self.is_there() {
            return None;
        }
        let spurious = match self.config.faults.spurious_every_ns {
            Some(period) if self.interrupts != Interrupts::Off => (self.now / period)
                .saturating_add(1)
                .checked_mul(period.get()),
            _ => None,
        };
        [
            (self.factorial.done_at, Event::FactorialDone),
            (self.factorial.interrupt_at, Event::FactorialInterrupt),
            (self.dma_done_at, Event::DmaDone),
            (spurious, Event::Spurious),
            (self.config.faults.removed_at_ns, Event::Removal),
        ]
        .into_iter()
        .filter_map(|(at, event)| Some((at?.max(self.now), event)))
        .min()
    }

    /// Lets time pass up to `now`, in nanoseconds; everything that is due happens, in order. A
    /// time that has passed already changes nothing.
    ///
    /// # Errors
    /// The virtual machine died of what was due, now or earlier.
    pub fn advance(&mut self, machine: &mut dyn Machine, now: u64) -> Result<(), Fatal> {
        while let Some((at, event)) = self.next().filter(|&(at, _)| at <= now) {
            self.now = at;
            self.happen(machine, event);
        }
        self.now = self.now.max(now);
        self.fatal().map_or(Ok(()), Err)
    }

    fn happen(&mut self, machine: &mut dyn Machine, event: Event) {
        match event {
            Event::FactorialDone => self.factorial.finish(self.now, &self.config),
            Event::FactorialInterrupt => {
                self.factorial.interrupt_at = None;
                self.raise(machine, Causes::FACTORIAL, Source::FactorialOrSoftware);
            }
            Event::DmaDone => {
                self.dma_done_at = None;
                match self.dma.finish(
                    machine,
                    self.config.generation,
                    self.config.dma_mask,
                    self.started,
                ) {
                    Ok(true) => self.raise(machine, Causes::DMA, Source::Dma),
                    Ok(false) => {}
                    Err(fatal) => {
                        self.presence = Presence::Dead(fatal);
                        self.drive_line(machine);
                    }
                }
            }
            Event::Spurious => {
                self.pin.phantom = !self.pin.phantom;
                if let Interrupts::Messages(_) = self.interrupts {
                    machine.message(0);
                }
                self.drive_line(machine);
            }
            Event::Removal => self.remove(machine),
        }
    }

    /// Sets causes, and signals if any is set then, these or older ones.
    fn raise(&mut self, machine: &mut dyn Machine, causes: Causes, source: Source) {
        let extra = Causes::from_bits_retain(self.config.faults.extra_causes);
        self.interrupt_status |= causes | extra;
        if self.interrupt_status.is_empty() || self.config.faults.mute {
            return;
        }
        match self.interrupts {
            Interrupts::Messages(Messages::Two) if source == Source::Dma => machine.message(1),
            Interrupts::Messages(_) => machine.message(0),
            Interrupts::Off | Interrupts::Line => {
                self.pin.cause = true;
                self.drive_line(machine);
            }
        }
    }

    /// Clears causes; the last one deasserts the pin, unless messages took its place. Nothing is
    /// sent for causes that are left.
    fn acknowledge(&mut self, machine: &mut dyn Machine, causes: Causes) {
        self.interrupt_status &= !causes;
        if self.interrupt_status.is_empty() && !matches!(self.interrupts, Interrupts::Messages(_)) {
            self.pin.cause = false;
            self.drive_line(machine);
        }
    }

    /// Tells the machine the level of the pin if it changed.
    fn drive_line(&mut self, machine: &mut dyn Machine) {
        let usable = self.is_there() && self.interrupts == Interrupts::Line;
        let level = usable && (self.pin.cause || self.pin.phantom);
        if level != self.pin.seen {
            self.pin.seen = level;
            machine.line(level);
        }
    }

    /// Reads at an offset of BAR 0, at the time last advanced to. Changes nothing.
    ///
    /// A device that was removed or is not started reads all ones. Accesses that are not of a register's
    /// width are taken apart as QEMU does: into the widest naturally aligned parts, of which those
    /// of 4 or 8 bytes read what is there, all ones where nothing is, and smaller ones 0.
    pub fn read(&self, machine: &mut dyn Machine, offset: usize, width: Width) -> u64 {
        if !self.is_there() || !self.started {
            return width.all_ones();
        }
        if !is_proper(offset, width) {
            machine.misuse(Misuse::Width {
                offset,
                bytes: width.bytes(),
                write: false,
            });
        } else if self.register(offset).is_none() {
            machine.misuse(Misuse::Undecoded {
                offset,
                write: false,
            });
        }
        parts(offset, width).fold(0, |value, part| {
            value | (self.read_part(part.offset, part.width) << part.shift)
        })
    }

    fn read_part(&self, offset: usize, width: Width) -> u64 {
        if matches!(width, Width::Byte | Width::Word) || offset >= BAR0_BYTES {
            return 0;
        }
        let value = if is_proper(offset, width) {
            self.register(offset).unwrap_or(u64::MAX)
        } else {
            u64::MAX
        };
        let stuck = &self.config.faults.stuck;
        width.of(stuck
            .iter()
            .filter(|bits| bits.offset == offset)
            .fold(value, |value, bits| (value | bits.ones) & !bits.zeros))
    }

    /// What the register at an offset reads, if one is there.
    fn register(&self, offset: usize) -> Option<u64> {
        Some(match offset {
            offset::IDENTIFICATION => Identification::EDU_1_0.0.into(),
            offset::LIVENESS => self.liveness.into(),
            offset::FACTORIAL => self.factorial.value.into(),
            offset::STATUS => self.factorial.status().bits().into(),
            offset::INTERRUPT_STATUS => self.interrupt_status.bits().into(),
            offset::DMA_SOURCE => self.dma.source,
            offset::DMA_DESTINATION => self.dma.destination,
            offset::DMA_COUNT => self.dma.count,
            offset::DMA_COMMAND => self.dma.command,
            _ => return None,
        })
    }

    /// Writes at an offset of BAR 0, at the time last advanced to.
    ///
    /// A device that was removed or is not started drops it; so does one for every part of the access
    /// (see [`Edu::read`]) that is not a register's.
    pub fn write(&mut self, machine: &mut dyn Machine, offset: usize, width: Width, value: u64) {
        if !self.is_there() || !self.started {
            return;
        }
        if !is_proper(offset, width) {
            machine.misuse(Misuse::Width {
                offset,
                bytes: width.bytes(),
                write: true,
            });
        }
        for part in parts(offset, width) {
            if is_proper(part.offset, part.width) && part.offset < BAR0_BYTES {
                let value = part.width.of(value >> part.shift);
                self.write_register(machine, part.offset, value);
            }
        }
    }

    fn write_register(&mut self, machine: &mut dyn Machine, offset: usize, value: u64) {
        match offset {
            offset::LIVENESS => self.liveness = !low(value),
            offset::FACTORIAL => {
                let operand = low(value);
                if !self.factorial.start(self.now, operand, &self.config) {
                    machine.misuse(Misuse::FactorialWhileComputing { operand });
                }
            }
            offset::STATUS => {
                let status = Status::from_bits_retain(low(value));
                self.factorial.interrupt_when_done = status.contains(Status::INTERRUPT_WHEN_DONE);
            }
            offset::INTERRUPT_RAISE => {
                let causes = Causes::from_bits_retain(low(value));
                self.raise(machine, causes, Source::FactorialOrSoftware);
            }
            offset::INTERRUPT_ACKNOWLEDGE => {
                self.acknowledge(machine, Causes::from_bits_retain(low(value)));
            }
            offset::DMA_SOURCE
            | offset::DMA_DESTINATION
            | offset::DMA_COUNT
            | offset::DMA_COMMAND => self.write_dma(machine, offset, value),
            _ => machine.misuse(Misuse::Undecoded {
                offset,
                write: true,
            }),
        }
    }

    fn write_dma(&mut self, machine: &mut dyn Machine, offset: usize, value: u64) {
        let starts = value & u64::from(DmaCommand::RUN.bits()) != 0;
        if offset == offset::DMA_COMMAND && !starts {
            return;
        }
        if self.dma.is_running() {
            machine.misuse(Misuse::DmaWhileRunning { offset });
            return;
        }
        match offset {
            offset::DMA_SOURCE => self.dma.source = value,
            offset::DMA_DESTINATION => self.dma.destination = value,
            offset::DMA_COUNT => self.dma.count = value,
            _ => {
                self.dma.command = value;
                self.dma
                    .check(machine, self.config.generation, self.config.dma_mask);
                if !self.config.faults.dma_hangs {
                    self.dma_done_at = Some(self.now.saturating_add(self.config.dma_ns));
                }
            }
        }
    }
}

/// The low half of a value, where the other half is known to be zero or not to matter.
#[allow(
    clippy::cast_possible_truncation,
    reason = "a 4-byte register takes the low half"
)]
const fn low(value: u64) -> u32 {
    value as u32
}

/// Whether a register of that place can be accessed so.
const fn is_proper(offset: usize, width: Width) -> bool {
    match width {
        Width::Byte | Width::Word => false,
        Width::Dword => offset.is_multiple_of(4),
        Width::Qword => offset.is_multiple_of(8) && offset >= WIDE_REGISTERS,
    }
}

/// A naturally aligned part of an access.
struct Part {
    offset: usize,
    width: Width,
    /// Where it is in the value, in bits.
    shift: usize,
}

fn parts(offset: usize, width: Width) -> impl Iterator<Item = Part> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let left = width.bytes() - done;
        (left > 0).then(|| {
            let offset = offset.saturating_add(done);
            let part = Part {
                offset,
                width: Width::within(left, offset),
                shift: 8 * done,
            };
            done += part.width.bytes();
            part
        })
    })
}
