//! Descriptions of children, which the driver may want to handle itself: its callbacks for that run under
//! the list's lock, but those that clean up.

use std::{cell::Cell, rc::Rc};

use kmdf_abi::ntstatus::{NtStatus, STATUS_SUCCESS};
use kmdf_machine::{HeldLock, Irql, Purpose};
use kmdf_rules::rules;

use super::{Change, Child, ChildList, Named, State};
use crate::host::Host;

impl Host {
    /// Does something with a list under its lock.
    pub(crate) fn with_list<R>(&self, list: &ChildList, body: impl FnOnce() -> R) -> R {
        let id = std::ptr::from_ref(list).addr() as u64;
        let held = HeldLock {
            id,
            name: "lock of a WDFCHILDLIST",
            kept: &rules::CHILD_LIST_LOCK,
            rank: None,
            order: None,
        };
        let rule = &rules::CHILD_LIST_LOCK;
        self.acquire(&list.lock, Irql::DISPATCH, held, rule);
        let result = body();
        self.release(&list.lock, id, rule);
        result
    }

    /// A new child with these descriptions.
    ///
    /// # Errors
    /// Its descriptions, for what the driver has allocated is to be given back by [`Self::drain`].
    pub(super) fn new_child(
        &self,
        list: &ChildList,
        named: Named,
        address: u64,
    ) -> Result<Rc<Child>, (NtStatus, Rc<Child>)> {
        let (id, device) = match named {
            Named::Description(_) => (self.room(list.id_bytes()), 0),
            Named::Device(device) => (0, device),
        };
        let child = Rc::new(Child {
            id,
            address: if address == 0 {
                0
            } else {
                self.room(list.address_bytes())
            },
            state: Cell::new(State::None),
            change: Cell::new(Change::None),
            found: Cell::new(false),
            lingers: Cell::new(false),
            goes_after_scan: Cell::new(false),
            to_be_told: Cell::new(false),
            device: Cell::new(device),
        });
        let mut status = STATUS_SUCCESS;
        if let Named::Description(from) = named {
            status = self.duplicate_id(list, from, child.id);
        }
        if status.is_success() && address != 0 {
            status = self.duplicate_address(list, address, child.address);
        }
        if status.is_success() {
            Ok(child)
        } else {
            Err((status, child))
        }
    }

    /// Room for a description, which begins with its size.
    fn room(&self, bytes: u32) -> u64 {
        let what = "the description of a child";
        let address = self
            .memory
            .allocate(bytes.into(), true, Purpose::System { what })
            .expect("a run has address space for its descriptions");
        self.memory.write(address, &bytes);
        address
    }

    fn duplicate_id(&self, list: &ChildList, from: u64, to: u64) -> NtStatus {
        let callback = list.config.EvtChildListIdentificationDescriptionDuplicate.0;
        let what = "EvtChildListIdentificationDescriptionDuplicate";
        self.duplicate(list, (what, callback), (from, to), list.id_bytes())
    }

    fn duplicate_address(&self, list: &ChildList, from: u64, to: u64) -> NtStatus {
        let callback = list.config.EvtChildListAddressDescriptionDuplicate.0;
        let what = "EvtChildListAddressDescriptionDuplicate";
        self.duplicate(list, (what, callback), (from, to), list.address_bytes())
    }

    fn duplicate(
        &self,
        list: &ChildList,
        (what, callback): (&'static str, u64),
        (from, to): (u64, u64),
        bytes: u32,
    ) -> NtStatus {
        if callback == 0 {
            self.copy_plainly(from, to, bytes);
            return STATUS_SUCCESS;
        }
        let arguments = [list.handle, from, to];
        NtStatus(self.call_driver(what, list.handle, callback, &arguments) as u32 as i32)
    }

    fn copy_plainly(&self, from: u64, to: u64, bytes: u32) {
        let bytes = self.memory.read_bytes(from, bytes as usize);
        self.memory.write_bytes(to, &bytes);
    }

    /// Copies an identification description; the driver's memory has its size.
    pub(crate) fn copy_id(&self, list: &ChildList, from: u64, to: u64) {
        let callback = list.config.EvtChildListIdentificationDescriptionCopy.0;
        let what = "EvtChildListIdentificationDescriptionCopy";
        self.copy(list, (what, callback), (from, to), list.id_bytes());
    }

    /// Copies an address description.
    pub(crate) fn copy_address(&self, list: &ChildList, from: u64, to: u64) {
        let callback = list.config.EvtChildListAddressDescriptionCopy.0;
        let what = "EvtChildListAddressDescriptionCopy";
        self.copy(list, (what, callback), (from, to), list.address_bytes());
    }

    fn copy(
        &self,
        list: &ChildList,
        (what, callback): (&'static str, u64),
        (from, to): (u64, u64),
        bytes: u32,
    ) {
        if from == 0 {
            return;
        }
        if callback == 0 {
            return self.copy_plainly(from, to, bytes);
        }
        self.call_driver(what, list.handle, callback, &[list.handle, from, to]);
    }

    /// Whether a child is the one that is meant.
    pub(super) fn is_named(&self, list: &ChildList, child: &Child, named: Named) -> bool {
        let with = match named {
            Named::Device(device) => return child.device.get() == device,
            Named::Description(with) => with,
        };
        let callback = list.config.EvtChildListIdentificationDescriptionCompare.0;
        if callback == 0 {
            let bytes = list.id_bytes() as usize;
            return self.memory.read_bytes(child.id, bytes) == self.memory.read_bytes(with, bytes);
        }
        self.compare(list, callback, child.id, with)
    }

    /// Asks a driver's callback whether two identification descriptions are of one child.
    pub(super) fn compare(&self, list: &ChildList, callback: u64, first: u64, second: u64) -> bool {
        let what = "EvtChildListIdentificationDescriptionCompare";
        let arguments = [list.handle, first, second];
        self.call_driver(what, list.handle, callback, &arguments) as u8 != 0
    }

    /// Lets the driver give back what belongs to descriptions.
    pub(super) fn clean_up_descriptions(&self, list: &ChildList, child: &Child) {
        let callbacks = [
            (
                "EvtChildListAddressDescriptionCleanup",
                list.config.EvtChildListAddressDescriptionCleanup.0,
                child.address,
            ),
            (
                "EvtChildListIdentificationDescriptionCleanup",
                list.config.EvtChildListIdentificationDescriptionCleanup.0,
                child.id,
            ),
        ];
        for (what, callback, description) in callbacks {
            if description == 0 {
                continue;
            }
            if callback != 0 {
                self.call_driver(what, list.handle, callback, &[list.handle, description]);
            }
            if let Err(text) = self.memory.free(description) {
                self.violation(&rules::BUFFER_OVERRUN, text);
            }
        }
    }
}
