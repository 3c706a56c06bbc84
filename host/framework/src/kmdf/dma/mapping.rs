//! The mapping of a piece of memory for a device: frames that it reaches as they are, map registers
//! (frames of the system's that are copied from and to) for all else.

use std::rc::Rc;

use kmdf_machine::{PAGE, Physical};

use super::enabler::Enabler;
use crate::host::Host;

/// A piece of memory as a device sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    /// Its address for the device.
    pub(super) address: u64,
    pub(super) bytes: u64,
    /// Where the driver sees it.
    memory: u64,
    /// Whether `address` is that of map registers.
    bounced: bool,
}

/// The mapping of one transfer.
pub(super) struct Mapping {
    pub(super) elements: Vec<Element>,
    physical: Rc<Physical>,
    /// Whether the device writes to memory.
    from_device: bool,
}

impl Mapping {
    /// Maps at most `bytes` from `memory` on: as many as fit into one transfer.
    pub(super) fn new(
        host: &Host,
        enabler: &Enabler,
        memory: u64,
        bytes: u64,
        from_device: bool,
    ) -> Option<Self> {
        let mut mapping = Self {
            elements: Vec::new(),
            physical: Rc::clone(&enabler.physical),
            from_device,
        };
        if enabler.packet {
            let element = mapping.bounce(host, memory, bytes, enabler.mask)?;
            mapping.elements.push(element);
            return Some(mapping);
        }
        let mut next = memory;
        while next < memory + bytes {
            let piece = (PAGE - next % PAGE).min(memory + bytes - next);
            let frame = host
                .frame_of(next)
                .filter(|(address, physical)| {
                    Rc::ptr_eq(physical, &enabler.physical) && address + piece - 1 <= enabler.mask
                })
                .map(|(address, _)| address);
            if let Some(last) = mapping.elements.last_mut()
                && !last.bounced
                && frame == Some(last.address + last.bytes)
            {
                last.bytes += piece;
            } else if mapping.elements.len() < enabler.elements.get() as usize {
                let element = match frame {
                    Some(address) => Some(Element {
                        address,
                        bytes: piece,
                        memory: next,
                        bounced: false,
                    }),
                    None => mapping.bounce(host, next, piece, enabler.mask),
                };
                let Some(element) = element else {
                    mapping.release();
                    return None;
                };
                mapping.elements.push(element);
            } else {
                break;
            }
            next += piece;
        }
        Some(mapping)
    }

    /// Map registers for a piece of memory, with what it holds.
    fn bounce(&self, host: &Host, memory: u64, bytes: u64, mask: u64) -> Option<Element> {
        let offset = memory % PAGE;
        let base = self.physical.contiguous(offset + bytes, mask, 1)?;
        let address = base + offset;
        // For a transfer from the device, too: what that does not write is as it was.
        let content = host.memory.read_bytes(memory, bytes as usize);
        self.physical.write(address, &content);
        Some(Element {
            address,
            bytes,
            memory,
            bounced: true,
        })
    }

    /// How many bytes are mapped.
    pub(super) fn bytes(&self) -> u64 {
        self.elements.iter().map(|element| element.bytes).sum()
    }

    /// Ends the mapping after a transfer: what the device wrote to map registers gets to where it
    /// belongs.
    pub(super) fn flush(&self, host: &Host) {
        if self.from_device {
            for element in self.elements.iter().filter(|element| element.bounced) {
                let mut bytes = vec![0; element.bytes as usize];
                self.physical.read(element.address, &mut bytes);
                host.memory.write_bytes(element.memory, &bytes);
            }
        }
        self.release();
    }

    /// Ends the mapping without a transfer.
    pub(super) fn release(&self) {
        for element in self.elements.iter().filter(|element| element.bounced) {
            self.physical.release(element.address, element.bytes);
        }
    }
}
