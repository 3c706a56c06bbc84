//! What was covered: instruction boundaries and call sites, by their place in the image.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

/// A call of the kernel or the framework in the driver's code: its return address's RVA.
pub(crate) type Site = u32;

/// What one run, or many, covered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Covered {
    /// RVAs of instructions that were stopped at.
    pub(crate) boundaries: BTreeSet<u32>,
    /// Calls, with the name of what was called.
    pub(crate) sites: BTreeMap<Site, &'static str>,
    /// Those of them that were made to fail.
    pub(crate) failed: BTreeSet<Site>,
}

impl Covered {
    /// Adds what another run covered.
    pub(crate) fn add(&mut self, other: Self) {
        self.boundaries.extend(other.boundaries);
        self.sites.extend(other.sites);
        self.failed.extend(other.failed);
    }
}

/// Takes down what a run covers.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    on: Cell<bool>,
    covered: RefCell<Covered>,
}

impl Coverage {
    /// Begins.
    pub(crate) fn begin(&self) {
        self.on.set(true);
    }

    pub(crate) fn boundary(&self, rva: u32) {
        if self.on.get() {
            self.covered.borrow_mut().boundaries.insert(rva);
        }
    }

    pub(crate) fn call(&self, site: Site, service: &'static str) {
        if self.on.get() {
            self.covered.borrow_mut().sites.insert(site, service);
        }
    }

    pub(crate) fn failure(&self, site: Site) {
        if self.on.get() {
            self.covered.borrow_mut().failed.insert(site);
        }
    }

    /// What there is.
    pub(crate) fn take(&self) -> Covered {
        self.covered.take()
    }
}
