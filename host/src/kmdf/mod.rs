//! The framework: one file for each kind of object, each with the table functions of that kind and
//! the rules that belong to them.

pub(crate) mod device;
pub(crate) mod driver;
pub(crate) mod interrupt;
pub(crate) mod lock;
pub(crate) mod object;
pub(crate) mod queue;
pub(crate) mod request;
pub(crate) mod resources;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use crate::service::Service;

/// All table functions that the host plays.
pub(crate) const TABLES: &[&[Service]] = &[
    device::SERVICES,
    driver::SERVICES,
    interrupt::SERVICES,
    lock::SERVICES,
    object::SERVICES,
    queue::SERVICES,
    request::SERVICES,
    resources::SERVICES,
];

/// What the framework keeps for the driver.
#[derive(Default)]
pub(crate) struct Framework {
    pub(crate) objects: object::Objects,
    /// Address of the driver's WDF_DRIVER_GLOBALS; 0 while it is not bound.
    pub(crate) globals: Cell<u64>,
    /// Handle of the WDFDRIVER; 0 while there is none.
    pub(crate) driver: Cell<u64>,
    /// Address of the DRIVER_OBJECT.
    pub(crate) driver_object: Cell<u64>,
    /// The WDFDEVICE_INIT that EvtDriverDeviceAdd was given, until the device is created.
    pub(crate) device_init: RefCell<Option<device::DeviceInit>>,
    /// The device that EvtDriverDeviceAdd has created.
    pub(crate) added: RefCell<Option<Rc<device::Device>>>,
}

impl Framework {
    /// The handle of the driver object, which is the parent of what has no other.
    pub(crate) fn driver_handle(&self) -> u64 {
        self.driver.get()
    }
}
