//! What the framework's lists of resources have in common: descriptors in an order, of which the driver
//! sees copies, and who may change them.

use std::cell::{Cell, RefCell};

use kmdf_abi::ntstatus::{NtStatus, STATUS_ARRAY_BOUNDS_EXCEEDED};
use kmdf_rules::rules;

use crate::host::Host;

/// `WDF_INSERT_AT_END`
pub(super) const AT_END: u32 = u32::MAX;

/// One descriptor of `N` bytes.
#[derive(Clone, Copy)]
struct Entry<const N: usize> {
    /// What it says.
    bytes: [u8; N],
    /// Where the driver sees it, once it has asked: a copy, made anew each time.
    copy: Option<u64>,
}

/// Descriptors of `N` bytes each.
pub(crate) struct Descriptors<const N: usize> {
    entries: RefCell<Vec<Entry<N>>>,
    /// Whether the driver may add and remove.
    pub(super) is_open: Cell<bool>,
}

impl<const N: usize> Descriptors<N> {
    /// Those with these bytes.
    pub(super) fn new(all: impl IntoIterator<Item = [u8; N]>) -> Self {
        let list = Self {
            entries: RefCell::default(),
            is_open: Cell::new(false),
        };
        list.refill(all);
        list
    }

    /// Those of a list that the driver may change.
    pub(super) fn open(all: impl IntoIterator<Item = [u8; N]>) -> Self {
        let list = Self::new(all);
        list.is_open.set(true);
        list
    }

    /// Puts these into a list that is empty.
    pub(super) fn refill(&self, all: impl IntoIterator<Item = [u8; N]>) {
        let entries = all.into_iter().map(|bytes| Entry { bytes, copy: None });
        self.entries.borrow_mut().extend(entries);
    }

    pub(super) fn count(&self) -> u32 {
        self.entries.borrow().len() as u32
    }

    /// The bytes of each, in their order.
    pub(super) fn all(&self) -> Vec<[u8; N]> {
        self.entries
            .borrow()
            .iter()
            .map(|entry| entry.bytes)
            .collect()
    }

    /// Where each is that the driver has seen, in their order.
    pub(super) fn copies(&self) -> Vec<(Option<u64>, [u8; N])> {
        let entries = self.entries.borrow();
        entries
            .iter()
            .map(|entry| (entry.copy, entry.bytes))
            .collect()
    }

    /// The driver's copy of a descriptor; NULL behind the last one.
    pub(super) fn copy(&self, host: &Host, index: u32) -> u64 {
        let Some(Entry { bytes, copy }) = self.entries.borrow().get(index as usize).copied() else {
            return 0;
        };
        let address = copy.unwrap_or_else(|| host.lend("a resource descriptor", N as u64));
        host.memory.write(address, &bytes);
        if let Some(entry) = self.entries.borrow_mut().get_mut(index as usize) {
            entry.copy = Some(address);
        }
        address
    }

    /// Puts one before another, or at the end.
    pub(super) fn insert(&self, host: &Host, bytes: [u8; N], index: u32) -> Result<(), NtStatus> {
        self.require_open(host, "a descriptor is added to");
        let place = match index {
            AT_END => self.count(),
            index => index,
        };
        if place > self.count() {
            return Err(STATUS_ARRAY_BOUNDS_EXCEEDED);
        }
        let entry = Entry { bytes, copy: None };
        self.entries.borrow_mut().insert(place as usize, entry);
        Ok(())
    }

    /// Takes one out.
    pub(super) fn remove(&self, host: &Host, index: u32) {
        self.require_open(host, "a descriptor is removed from");
        self.require_index(host, index, "removed");
        let entry = self.entries.borrow_mut().remove(index as usize);
        give_back(host, entry);
    }

    /// Takes out the first with these bytes, if there is one.
    pub(super) fn remove_equal(&self, host: &Host, bytes: &[u8; N]) {
        self.require_open(host, "a descriptor is removed from");
        let place = self
            .entries
            .borrow()
            .iter()
            .position(|entry| entry.bytes == *bytes);
        if let Some(place) = place {
            self.remove(host, place as u32);
        }
    }

    /// Makes one another.
    pub(super) fn update(&self, host: &Host, index: u32, bytes: [u8; N]) {
        self.require_index(host, index, "updated");
        if let Some(entry) = self.entries.borrow_mut().get_mut(index as usize) {
            entry.bytes = bytes;
        }
    }

    /// The list goes, and with it what the driver has seen of it.
    pub(super) fn release(&self, host: &Host) {
        for entry in self.entries.take() {
            give_back(host, entry);
        }
    }

    fn require_open(&self, host: &Host, what: &str) {
        if !self.is_open.get() {
            host.violation(
                &rules::RESOURCE_LIST,
                format!("{what} a resource list that cannot be changed now"),
            );
        }
    }

    fn require_index(&self, host: &Host, index: u32, what: &str) {
        if index >= self.count() {
            host.violation(
                &rules::RESOURCE_LIST,
                format!(
                    "descriptor {index} of a resource list is {what}, which has {}",
                    self.count()
                ),
            );
        }
    }
}

/// Frees the driver's copy of a descriptor.
fn give_back<const N: usize>(host: &Host, entry: Entry<N>) {
    if let Some(address) = entry.copy
        && let Err(text) = host.memory.free(address)
    {
        host.violation(&rules::RESOURCE_LIST, text);
    }
}
