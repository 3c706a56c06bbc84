//! A machine that records what a device does to it.

use edu_model::{Config, Edu, Interrupts, Machine, Misuse, Width};

/// What a device did to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Message(u32),
    Line(bool),
}

/// Memory from address 0 on, zeroed; all ones beyond.
pub struct Bench {
    pub events: Vec<Event>,
    pub misuses: Vec<Misuse>,
    pub memory: Vec<u8>,
}

impl Bench {
    pub fn new() -> Self {
        Self {
            events: Vec::new(),
            misuses: Vec::new(),
            memory: vec![0; 1 << 16],
        }
    }

    pub fn messages(&self) -> usize {
        let is_message = |event: &&Event| matches!(event, Event::Message(_));
        self.events.iter().filter(is_message).count()
    }
}

impl Machine for Bench {
    fn message(&mut self, number: u32) {
        self.events.push(Event::Message(number));
    }

    fn line(&mut self, asserted: bool) {
        self.events.push(Event::Line(asserted));
    }

    fn read_memory(&mut self, address: u64, bytes: &mut [u8]) {
        let from = usize::try_from(address).expect("tests stay low");
        for (to, at) in bytes.iter_mut().zip(from..) {
            *to = self.memory.get(at).copied().unwrap_or(0xFF);
        }
    }

    fn write_memory(&mut self, address: u64, bytes: &[u8]) {
        let to = usize::try_from(address).expect("tests stay low");
        for (byte, at) in bytes.iter().zip(to..) {
            if let Some(place) = self.memory.get_mut(at) {
                *place = *byte;
            }
        }
    }

    fn misuse(&mut self, misuse: Misuse) {
        self.misuses.push(misuse);
    }
}

/// A started device on a bench, accessed in its registers' own widths.
pub struct Rig {
    pub edu: Edu,
    pub bench: Bench,
}

impl Rig {
    pub fn new(config: Config, interrupts: Interrupts) -> Self {
        let mut rig = Self {
            edu: Edu::new(config),
            bench: Bench::new(),
        };
        rig.edu.start(&mut rig.bench, interrupts);
        rig
    }

    pub fn read(&mut self, offset: usize) -> u64 {
        self.edu.read(&mut self.bench, offset, Width::Dword)
    }

    pub fn write(&mut self, offset: usize, value: impl Into<u64>) {
        self.edu
            .write(&mut self.bench, offset, Width::Dword, value.into());
    }

    /// Lets everything happen that will happen by itself.
    pub fn settle(&mut self) {
        while let Some(next) = self.edu.next_event() {
            self.edu
                .advance(&mut self.bench, next)
                .expect("nothing fatal was started");
        }
    }
}
