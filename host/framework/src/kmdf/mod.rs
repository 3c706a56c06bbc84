//! The framework: one file for each kind of object, each with the table functions of that kind and
//! the rules that belong to them.

mod argument;
pub(crate) mod attributes;
pub(crate) mod bind;
pub(crate) mod buffer;
pub(crate) mod caller_context;
pub(crate) mod child_list;
pub(crate) mod class_extension;
pub(crate) mod collection;
pub(crate) mod control_device;
pub(crate) mod device;
mod device_create;
pub(crate) mod device_init;
pub(crate) mod device_interface;
mod device_object;
pub(crate) mod device_state;
pub(crate) mod dma;
pub(crate) mod dpc;
pub(crate) mod driver;
pub(crate) mod driver_info;
pub(crate) mod file;
pub(crate) mod forward_to_parent;
pub(crate) mod init_life;
pub(crate) mod interrupt;
pub(crate) mod interrupt_connect;
pub(crate) mod interrupt_create;
pub(crate) mod interrupt_services;
pub(crate) mod lock;
pub(crate) mod lookaside;
pub(crate) mod memory;
pub(crate) mod object;
pub(crate) mod object_lock;
pub(crate) mod object_services;
pub(crate) mod pdo;
pub(crate) mod pdo_init;
pub(crate) mod power_policy;
pub(crate) mod property;
pub(crate) mod property_data;
pub(crate) mod query_interface;
pub(crate) mod queue;
pub(crate) mod queue_create;
pub(crate) mod queue_events;
pub(crate) mod queue_power;
pub(crate) mod queue_present;
pub(crate) mod queue_retrieve;
pub(crate) mod queue_state;
pub(crate) mod registry;
pub(crate) mod relations;
pub(crate) mod request;
pub(crate) mod request_cancel;
mod request_info;
pub(crate) mod resources;
pub(crate) mod serial;
mod state_change;
pub(crate) mod states;
pub(crate) mod string;
pub(crate) mod target;
pub(crate) mod timer;
pub(crate) mod wait_lock;
pub(crate) mod wdm_dispatch;
pub(crate) mod wdm_irp;
pub(crate) mod wmi;
pub(crate) mod work_item;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use kmdf_machine::service::Service;

/// All table functions that the host plays.
pub(crate) const TABLES: &[&[Service]] = &[
    buffer::SERVICES,
    caller_context::SERVICES,
    child_list::create::SERVICES,
    child_list::iterate::SERVICES,
    child_list::lookup::SERVICES,
    child_list::scan::SERVICES,
    child_list::statics::SERVICES,
    class_extension::SERVICES,
    collection::SERVICES,
    control_device::SERVICES,
    device::SERVICES,
    device_create::SERVICES,
    device_init::SERVICES,
    device_interface::SERVICES,
    device_object::SERVICES,
    device_state::SERVICES,
    dma::common_buffer::SERVICES,
    dma::enabler::SERVICES,
    dma::initialize::SERVICES,
    dma::reserved::SERVICES,
    dma::transaction_services::SERVICES,
    dpc::SERVICES,
    driver::SERVICES,
    driver_info::SERVICES,
    file::SERVICES,
    forward_to_parent::SERVICES,
    interrupt_create::SERVICES,
    interrupt_services::SERVICES,
    lock::SERVICES,
    lookaside::SERVICES,
    memory::SERVICES,
    object_lock::SERVICES,
    object_services::SERVICES,
    pdo::SERVICES,
    pdo_init::SERVICES,
    power_policy::SERVICES,
    property::SERVICES,
    property_data::SERVICES,
    query_interface::SERVICES,
    queue_create::SERVICES,
    queue_retrieve::SERVICES,
    queue_state::SERVICES,
    registry::SERVICES,
    registry::assign::SERVICES,
    request::SERVICES,
    request_cancel::SERVICES,
    request_info::SERVICES,
    relations::SERVICES,
    resources::SERVICES,
    resources::requirements::SERVICES,
    state_change::SERVICES,
    string::SERVICES,
    target::SERVICES,
    target::format::SERVICES,
    target::itself::SERVICES,
    target::location::SERVICES,
    target::others::SERVICES,
    target::own::SERVICES,
    target::remote::SERVICES,
    target::send::SERVICES,
    target::synchronous::SERVICES,
    timer::SERVICES,
    wait_lock::SERVICES,
    wdm_dispatch::SERVICES,
    wdm_irp::SERVICES,
    wmi::SERVICES,
    work_item::SERVICES,
];

/// What the framework keeps for the driver.
#[derive(Default)]
pub(crate) struct Framework {
    /// What the bus driver has given out.
    pub(crate) bus: crate::pnp::bus::BusInterfaces,
    /// The IRPs that driver code has.
    pub(crate) irps: crate::irp::Irps,
    pub(crate) objects: object::Objects,
    /// The minor version that the driver was built for.
    pub(crate) built_for: Cell<u32>,
    /// Address of the driver's WDF_DRIVER_GLOBALS; 0 while it is not bound.
    pub(crate) globals: Cell<u64>,
    /// Handle of the WDFDRIVER; 0 while there is none.
    pub(crate) driver: Cell<u64>,
    /// Address of the DRIVER_OBJECT.
    pub(crate) driver_object: Cell<u64>,
    /// The WDFDEVICE_INIT that EvtDriverDeviceAdd was given, until the device is created.
    pub(crate) device_init: RefCell<Option<device_init::DeviceInit>>,
    /// What WdfControlDeviceInitAllocate and WdfPdoInitAllocate gave, and EvtChildListCreateDevice was given,
    /// until the devices are created.
    pub(crate) other_inits: RefCell<Vec<device_init::DeviceInit>>,
    /// What has become of all of them.
    pub(crate) inits: init_life::Inits,
    /// The device that EvtDriverDeviceAdd has created.
    pub(crate) added: RefCell<Option<Rc<device::Device>>>,
    /// The devices of children, in the order of their slots.
    pub(crate) children: RefCell<Vec<device::KnownChild>>,
    pub(crate) registry: registry::Registry,
    /// Whether PnP or power work is under way: see [`crate::host::Host::in_turn`].
    pub(crate) pnp_busy: Cell<bool>,
    /// PnP and power callbacks come one after the other.
    pub(crate) pnp: kmdf_machine::Edge,
}

impl Framework {
    /// The handle of the driver object, which is the parent of what has no other.
    pub(crate) fn driver_handle(&self) -> u64 {
        self.driver.get()
    }
}
