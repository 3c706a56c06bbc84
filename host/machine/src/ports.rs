//! I/O ports: the BARs that `in` and `out` reach.

use kmdf_bus::Width;

use crate::Machine;

impl Machine {
    /// The slot, the BAR and the offset in it that a port belongs to.
    fn port(&self, port: u16) -> Option<(usize, u8, u64)> {
        let mut slots = self.slots.iter().enumerate();
        slots.find_map(|(index, slot)| {
            let (bar, offset) = slot.find_bar(port.into(), true)?;
            slot.answers(true).then_some((index, bar.index, offset))
        })
    }

    /// Whether a port was given to a function.
    pub fn is_port(&self, port: u16) -> bool {
        let mut slots = self.slots.iter();
        slots.any(|slot| slot.find_bar(port.into(), true).is_some())
    }

    /// Reads a port.
    pub fn read_port(&self, port: u16, width: Width) -> u64 {
        self.catch_up();
        let Some((slot, bar, offset)) = self.port(port) else {
            return width.all_ones();
        };
        let result = self.operate(slot, |function, bus| function.read(bus, bar, offset, width));
        self.device_result(result)
    }

    /// Writes a port.
    pub fn write_port(&self, port: u16, width: Width, value: u64) {
        self.catch_up();
        let Some((slot, bar, offset)) = self.port(port) else {
            return;
        };
        let result = self.operate(slot, |function, bus| {
            function.write(bus, bar, offset, width, value)
        });
        self.device_result(result);
    }
}
