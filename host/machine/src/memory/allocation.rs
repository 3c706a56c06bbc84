//! A piece of pool and what it is for.

use std::fmt;

use super::{Memory, PAGE};

/// What an allocation is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `ExAllocatePool2` and relatives: the driver must free it, naming this tag.
    Pool {
        /// The tag.
        tag: u32,
    },
    /// The context space of an object.
    Context {
        /// Which object.
        object: String,
    },
    /// The buffer of a request.
    Buffer {
        /// Which request.
        request: String,
    },
    /// An app's own buffer, where the app sees it.
    AppBuffer {
        /// Of which request.
        request: String,
    },
    /// What a function of the kernel gives the driver, which must give it back.
    Kernel {
        /// What it is.
        what: &'static str,
    },
    /// Something the kernel or the framework lends the driver.
    System {
        /// What it is.
        what: &'static str,
    },
}

/// A piece of pool.
#[derive(Clone, Debug)]
pub struct Allocation {
    /// Where it is.
    pub address: u64,
    /// How long it is.
    pub bytes: u64,
    /// What it is for.
    pub purpose: Purpose,
    /// Where driver code was when it asked for it, or 0.
    pub site: u64,
    pub(super) freed: bool,
    /// Where driver code was when it freed it, or 0.
    pub(super) freed_by: u64,
    /// Whether it shares its pages with others.
    pub(super) packed: bool,
}

impl Allocation {
    pub(super) fn pages(&self) -> (u64, u64) {
        let base = self.address / PAGE * PAGE;
        let end = (self.address + self.bytes.max(1)).next_multiple_of(PAGE);
        (base, end - base)
    }
}

impl Memory {
    /// Takes down where driver code was when it asked for an allocation.
    pub fn set_site(&self, address: u64, site: u64) {
        if let Some(allocation) = self.allocations.borrow_mut().get_mut(&address) {
            allocation.site = site;
        }
    }

    /// Takes down where driver code was when it freed an allocation.
    pub fn set_freed_by(&self, address: u64, site: u64) {
        if let Some(allocation) = self.allocations.borrow_mut().get_mut(&address) {
            allocation.freed_by = site;
        }
    }

    /// Where driver code was when it freed what an address was in.
    pub fn freed_by(&self, address: u64) -> Option<u64> {
        let allocations = self.allocations.borrow();
        let (_, allocation) = allocations.range(..=address).next_back()?;
        let is_in = address < allocation.address + allocation.bytes.max(1);
        (is_in && allocation.freed && allocation.freed_by != 0).then_some(allocation.freed_by)
    }

    /// Whether the address was in the buffer of a request that has been freed.
    pub(crate) fn was_request_buffer(&self, address: u64) -> bool {
        let allocations = self.allocations.borrow();
        let before = allocations.range(..=address).next_back();
        before.is_some_and(|(_, allocation)| {
            allocation.freed
                && address < allocation.address + allocation.bytes
                && matches!(
                    allocation.purpose,
                    Purpose::Buffer { .. } | Purpose::AppBuffer { .. }
                )
        })
    }

    /// Whether all these bytes are in one of an app's own buffers.
    pub fn is_of_app(&self, address: u64, bytes: u64) -> bool {
        let allocations = self.allocations.borrow();
        let before = allocations.range(..=address).next_back();
        before.is_some_and(|(start, allocation)| {
            let left = allocation.bytes.saturating_sub(address - start);
            !allocation.freed
                && bytes <= left
                && matches!(allocation.purpose, Purpose::AppBuffer { .. })
        })
    }

    /// The pool, and what else it had to free, that the driver has not freed.
    pub fn leaks(&self) -> Vec<Allocation> {
        self.allocations
            .borrow()
            .values()
            .filter(|allocation| {
                let owned = matches!(
                    allocation.purpose,
                    Purpose::Pool { .. } | Purpose::Kernel { .. }
                );
                owned && !allocation.freed
            })
            .cloned()
            .collect()
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pool { tag } => {
                let tag = tag.to_le_bytes();
                write!(f, "pool with the tag {:?}", String::from_utf8_lossy(&tag))
            }
            Self::Context { object } => write!(f, "the context space of {object}"),
            Self::Buffer { request } => write!(f, "the buffer of {request}"),
            Self::AppBuffer { request } => write!(f, "the buffer of {request}, an app's own"),
            Self::Kernel { what } | Self::System { what } => f.write_str(what),
        }
    }
}
