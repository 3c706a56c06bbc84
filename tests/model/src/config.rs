//! What kind of edu device the model is.

use std::num::NonZeroU64;

/// What kind of device the model is. The default is QEMU's, of the generation that forgives least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which QEMU it is of.
    pub generation: Generation,
    /// QEMU's property `dma_mask`: a memory address is ANDed with it.
    pub dma_mask: u64,
    /// How many messages its MSI capability offers. QEMU's offers one.
    pub messages: Messages,
    /// How long a factorial takes before its first multiplication.
    pub factorial_start_ns: u64,
    /// How long each multiplication takes; n! needs n of them.
    pub factorial_step_ns: u64,
    /// How long after the result is there, and COMPUTING off, its interrupt comes.
    pub factorial_interrupt_ns: u64,
    /// How long a DMA transfer takes after START. QEMU counts in whole milliseconds, so there it
    /// is up to one less.
    pub dma_ns: u64,
    /// What it does that no healthy device does.
    pub faults: Faults,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            generation: Generation::UpTo9_0,
            dma_mask: (1 << edu_spec::registers::dma::ADDRESS_BITS) - 1,
            messages: Messages::One,
            factorial_start_ns: 10_000,
            factorial_step_ns: 1,
            factorial_interrupt_ns: 0,
            dma_ns: 100_000_000,
            faults: Faults::default(),
        }
    }
}

/// What becomes of a transfer that leaves the device's buffer. Nothing tells a driver which it
/// has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Generation {
    /// QEMU 9.0 and older: the virtual machine is aborted, also for a transfer that touches the
    /// buffer's last byte or has no length.
    #[default]
    UpTo9_0,
    /// QEMU 9.1 to 11.0: bytes of the virtual machine itself are copied or overwritten.
    From9_1To11_0,
    /// Newer: nothing is copied, and the transfer finishes as any other.
    After11_0,
}

/// A number of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Messages {
    /// Message 0 for everything.
    #[default]
    One,
    /// Message 0 for factorials and for what software raises, message 1 for DMA.
    Two,
}

impl Messages {
    /// As a number.
    #[must_use]
    pub const fn count(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

/// What a broken or hostile device does. None by default; all may be combined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Register bits that read the same whatever they are.
    pub stuck: Vec<StuckBits>,
    /// XORed into every factorial: any value but 0 makes the result wrong.
    pub factorial_xor: u32,
    /// A factorial never finishes.
    pub factorial_hangs: bool,
    /// A transfer never finishes.
    pub dma_hangs: bool,
    /// Causes are set, but nothing is ever signaled.
    pub mute: bool,
    /// ORed into the interrupt status with every cause that is raised.
    pub extra_causes: u32,
    /// At every multiple of this time signals without a cause: a message 0, or a level of the pin
    /// that is asserted for one such time and not for the next.
    pub spurious_every_ns: Option<NonZeroU64>,
    /// When the device vanishes, without a word.
    pub removed_at_ns: Option<u64>,
}

/// Bits of a register that read the same whatever they are. Writes work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StuckBits {
    /// The register's offset in BAR 0.
    pub offset: usize,
    /// Bits that read 1.
    pub ones: u64,
    /// Bits that read 0, also where `ones` names them.
    pub zeros: u64,
}
