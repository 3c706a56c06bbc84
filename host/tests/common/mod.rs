//! A bus that records.

use kmdf_host::device::{Bus, Signal};

/// What a function sent.
#[derive(Debug, Default)]
pub struct Record {
    pub signals: Vec<Signal>,
}

impl Bus for Record {
    fn signal(&mut self, signal: Signal) {
        self.signals.push(signal);
    }

    fn read_memory(&mut self, _address: u64, bytes: &mut [u8]) {
        bytes.fill(0xFF);
    }

    fn write_memory(&mut self, _address: u64, _bytes: &[u8]) {}
}
