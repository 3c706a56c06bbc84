//! WMI: providers and instances that a driver offers, and what WMI asks of them.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_BUFFER_TOO_SMALL, STATUS_INFO_LENGTH_MISMATCH,
        STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER, STATUS_PENDING, STATUS_SUCCESS,
        STATUS_WMI_GUID_NOT_FOUND, STATUS_WMI_INSTANCE_NOT_FOUND, STATUS_WMI_READ_ONLY,
    },
    types::{GUID, WDF_WMI_INSTANCE_CONFIG, WDF_WMI_PROVIDER_CONFIG},
};
use kmdf_machine::{Event, Stop, cpu::stub::Call};
use kmdf_rules::rules;

use super::{
    attributes::Allowed,
    device::Device,
    object::{Body, Object},
};
use crate::host::{Host, services};

/// `WdfWmiProviderEventOnly`, `WdfWmiProviderExpensive`, `WdfWmiProviderTracing`
const EVENT_ONLY: u32 = 1;
const EXPENSIVE: u32 = 2;
const TRACING: u32 = 4;
/// `WdfWmiProviderValidFlags`
const VALID: u32 = EVENT_ONLY | EXPENSIVE | TRACING;

/// WDFWMIPROVIDER
pub(crate) struct Provider {
    handle: u64,
    device: u64,
    guid: [u8; 16],
    /// Whether WMI knows of it.
    is_known: bool,
    flags: u32,
    least_bytes: u32,
    /// EvtWmiProviderFunctionControl, or 0.
    function_control: u64,
    /// Whether events and data blocks are wanted: `WdfWmiEventControl` and `WdfWmiInstanceControl`.
    enabled: [Cell<bool>; 2],
    /// The instances that WMI knows of, in the order of their numbers.
    instances: RefCell<Vec<u64>>,
}

impl Body for Provider {
    const KIND: &'static str = "WDFWMIPROVIDER";
}

/// WDFWMIINSTANCE
pub(crate) struct Instance {
    handle: u64,
    provider: u64,
    device: u64,
    config: WDF_WMI_INSTANCE_CONFIG,
    /// With UseContextForQuery: how long the context space is that queries are answered with.
    context_bytes: u32,
}

impl Body for Instance {
    const KIND: &'static str = "WDFWMIINSTANCE";

    fn dispose(&self, host: &Host) {
        host.leave_provider(self);
    }
}

services! {
    WdfDeviceAssignMofResourceName <= PASSIVE => assign_mof_resource_name;
    WdfWmiProviderCreate <= DISPATCH => create_provider;
    WdfWmiProviderGetDevice <= DISPATCH => device_of_provider;
    WdfWmiProviderIsEnabled <= DISPATCH => is_enabled;
    WdfWmiProviderGetTracingHandle <= DISPATCH => tracing_handle;
    WdfWmiInstanceCreate <= DISPATCH => create_instance;
    WdfWmiInstanceRegister <= DISPATCH => register;
    WdfWmiInstanceDeregister <= DISPATCH => deregister;
    WdfWmiInstanceGetDevice <= DISPATCH => device_of_instance;
    WdfWmiInstanceGetProvider <= DISPATCH => provider_of_instance;
    WdfWmiInstanceFireEvent <= APC => fire_event;
}

/// WdfDeviceAssignMofResourceName(Device, MofResourceName): once.
fn assign_mof_resource_name(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    let name = host.text_at(call.arg(1));
    if device.mof_resource.borrow().is_some() {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    *device.mof_resource.borrow_mut() = Some(name);
    Ok(())
}

/// WdfWmiProviderCreate(Device, WmiProviderConfig, ProviderAttributes, WmiProvider)
fn create_provider(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.object(call.arg(0));
    host.memory.write(call.arg(3), &0_u64);
    let provider = new_provider(host, &device, call.arg(1), call.arg(2))?;
    host.memory.write(call.arg(3), &provider.handle);
    Ok(())
}

/// A provider as `FxWmiProvider::_Create` makes it.
fn new_provider(
    host: &Host,
    device: &Rc<Object>,
    config: u64,
    attributes: u64,
) -> Result<Rc<Provider>, NtStatus> {
    host.body::<Device>(device.handle);
    let attributes = host.attributes_with(attributes, Allowed::PLAIN.without_parent())?;
    let config: WDF_WMI_PROVIDER_CONFIG = host.memory.read(config);
    if config.Size as usize != size_of::<WDF_WMI_PROVIDER_CONFIG>() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let flags = config.Flags;
    let traces_only = flags & TRACING == 0 || flags == TRACING;
    let control = config.EvtWmiProviderFunctionControl.0;
    if flags & !VALID != 0
        || !traces_only
        || control != 0 && flags & (TRACING | EXPENSIVE) == 0
        || config.Guid == GUID::default()
    {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let guid = zerocopy::transmute!(config.Guid);
    let same = |provider: &Rc<Provider>| provider.device == device.handle && provider.guid == guid;
    // The framework goes on with STATUS_OBJECT_NAME_EXISTS, which is a success: a second provider is made,
    // and WMI never learns of it.
    let is_known = !host.bodies::<Provider>().iter().any(same);
    let (_, provider) = host.create_object(Some(device), &attributes, |handle| Provider {
        handle,
        device: device.handle,
        guid,
        is_known,
        flags,
        least_bytes: config.MinInstanceBufferSize,
        function_control: control,
        enabled: Default::default(),
        instances: RefCell::default(),
    });
    Ok(provider)
}

fn device_of_provider(host: &Host, call: &Call) -> u64 {
    host.body::<Provider>(call.arg(0)).device
}

/// WdfWmiProviderIsEnabled(WmiProvider, ProviderControl)
fn is_enabled(host: &Host, call: &Call) -> bool {
    let provider = host.body::<Provider>(call.arg(0));
    // WdfWmiEventControl is 1, WdfWmiInstanceControl 2.
    let index = (call.arg32(1) as usize).wrapping_sub(1);
    match provider.enabled.get(index) {
        Some(enabled) => enabled.get(),
        None => host.violation(
            &rules::BAD_ARGUMENT,
            format!("{} is no WDF_WMI_PROVIDER_CONTROL", call.arg32(1)),
        ),
    }
}

/// WdfWmiProviderGetTracingHandle(WmiProvider): 0 while nobody traces, which nobody does here.
fn tracing_handle(host: &Host, call: &Call) -> u64 {
    host.body::<Provider>(call.arg(0));
    0
}

/// WdfWmiInstanceCreate(Device, InstanceConfig, InstanceAttributes, Instance)
fn create_instance(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let config: WDF_WMI_INSTANCE_CONFIG = host.memory.read(call.arg(1));
    if config.Size as usize != size_of::<WDF_WMI_INSTANCE_CONFIG>() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let (given, described) = (config.Provider.0, config.ProviderConfig.0);
    if (given == 0) == (described == 0) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let provider = if given != 0 {
        host.body::<Provider>(given)
    } else {
        new_provider(host, &host.object(call.arg(0)), described, 0)?
    };
    let made = new_instance(host, &provider, &config, call.arg(2)).and_then(|instance| {
        if config.Register != 0 {
            join(&provider, &instance)
                .inspect_err(|_| host.delete_object(&host.object(instance.handle)))?;
        }
        Ok(instance)
    });
    match made {
        Ok(instance) => {
            if call.arg(3) != 0 {
                host.memory.write(call.arg(3), &instance.handle);
            }
            Ok(())
        }
        Err(status) => {
            if described != 0 {
                host.delete_object(&host.object(provider.handle));
            }
            Err(status)
        }
    }
}

/// An instance as `FxWmiInstanceExternal::_Create` makes it.
fn new_instance(
    host: &Host,
    provider: &Provider,
    config: &WDF_WMI_INSTANCE_CONFIG,
    attributes: u64,
) -> Result<Rc<Instance>, NtStatus> {
    let uses_context = config.UseContextForQuery != 0;
    let sets = config.EvtWmiInstanceSetInstance.0 != 0 || config.EvtWmiInstanceSetItem.0 != 0;
    let answers = uses_context
        || sets
        || config.EvtWmiInstanceQueryInstance.0 != 0
        || config.EvtWmiInstanceExecuteMethod.0 != 0;
    if provider.flags & EVENT_ONLY != 0 && answers {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let attributes = host.attributes_with(attributes, Allowed::PLAIN.without_parent())?;
    let mut context_bytes = 0;
    if uses_context {
        if sets || !attributes.has_context() {
            return Err(STATUS_INVALID_PARAMETER);
        }
        context_bytes = attributes.context_bytes() as u32;
        if context_bytes < provider.least_bytes {
            return Err(STATUS_BUFFER_TOO_SMALL);
        }
    }
    let parent = host.object(provider.handle);
    let (_, instance) = host.create_object(Some(&parent), &attributes, |handle| Instance {
        handle,
        provider: provider.handle,
        device: provider.device,
        config: *config,
        context_bytes,
    });
    Ok(instance)
}

/// WMI learns of an instance.
fn join(provider: &Provider, instance: &Instance) -> Result<(), NtStatus> {
    let mut instances = provider.instances.borrow_mut();
    if provider.flags & TRACING != 0 || instances.contains(&instance.handle) {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    instances.push(instance.handle);
    Ok(())
}

fn register(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let instance = host.body::<Instance>(call.arg(0));
    join(&host.body::<Provider>(instance.provider), &instance)
}

fn deregister(host: &Host, call: &Call) {
    host.leave_provider(&host.body::<Instance>(call.arg(0)));
}

fn device_of_instance(host: &Host, call: &Call) -> u64 {
    host.body::<Instance>(call.arg(0)).device
}

fn provider_of_instance(host: &Host, call: &Call) -> u64 {
    host.body::<Instance>(call.arg(0)).provider
}

/// WdfWmiInstanceFireEvent(WmiInstance, EventDataSize, EventData)
fn fire_event(host: &Host, call: &Call) -> NtStatus {
    let instance = host.body::<Instance>(call.arg(0));
    let bytes = if call.arg(2) == 0 { 0 } else { call.arg32(1) };
    host.memory.read_bytes(call.arg(2), bytes as usize);
    host.record(Event::Host {
        text: format!(
            "WMI event of instance {:#x}, {bytes} bytes",
            instance.handle
        ),
    });
    STATUS_SUCCESS
}

/// What WMI asks of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WmiRequest {
    /// Its data block, of at most that many bytes.
    Query {
        /// How many.
        bytes: u32,
    },
    /// Another data block is set.
    Set {
        /// The block.
        data: Vec<u8>,
    },
    /// A method of it is executed.
    Execute {
        /// The method's number.
        method: u32,
        /// What it takes in.
        input: Vec<u8>,
        /// How many bytes it may give.
        bytes: u32,
    },
}

impl Host {
    /// Whether it is the provider that WMI knows under a GUID, of the device in a slot.
    fn serves(&self, provider: &Provider, slot: usize, guid: [u8; 16]) -> bool {
        provider.is_known
            && provider.guid == guid
            && self.body::<Device>(provider.device).slot == slot
    }

    /// An instance that goes is none of its provider's any more.
    fn leave_provider(&self, instance: &Instance) {
        let providers = self.bodies::<Provider>();
        let mut providers = providers.iter();
        if let Some(provider) = providers.find(|provider| provider.handle == instance.provider) {
            let mut instances = provider.instances.borrow_mut();
            instances.retain(|handle| *handle != instance.handle);
        }
    }

    /// Asks an instance of a device's as WMI does: how the request ended, and what the driver gave.
    ///
    /// # Errors
    /// The run stopped.
    pub fn ask_wmi(
        &self,
        slot: usize,
        guid: [u8; 16],
        index: usize,
        request: WmiRequest,
    ) -> Result<(NtStatus, Vec<u8>), Stop> {
        self.run_to_end("WMI", move |host: &Self| {
            host.wmi_request(slot, guid, index, &request)
                .unwrap_or_else(|status| (status, Vec::new()))
        })
    }

    fn wmi_request(
        &self,
        slot: usize,
        guid: [u8; 16],
        index: usize,
        request: &WmiRequest,
    ) -> Result<(NtStatus, Vec<u8>), NtStatus> {
        let providers = self.bodies::<Provider>();
        let provider = providers
            .iter()
            .find(|provider| self.serves(provider, slot, guid))
            .ok_or(STATUS_WMI_GUID_NOT_FOUND)?;
        let handle = provider.instances.borrow().get(index).copied();
        let instance = self.body::<Instance>(handle.ok_or(STATUS_WMI_INSTANCE_NOT_FOUND)?);
        let too_small = |bytes: u32| bytes < provider.least_bytes;
        let config = &instance.config;
        match request {
            WmiRequest::Query { bytes } => {
                let (query, execute) = (
                    config.EvtWmiInstanceQueryInstance.0,
                    config.EvtWmiInstanceExecuteMethod.0,
                );
                if instance.context_bytes == 0 && query == 0 && execute == 0 {
                    return Err(STATUS_INVALID_DEVICE_REQUEST);
                }
                if too_small(*bytes) {
                    return Err(STATUS_BUFFER_TOO_SMALL);
                }
                if config.UseContextForQuery != 0 {
                    return self.query_context(&instance, *bytes);
                }
                if query == 0 {
                    return Ok((STATUS_SUCCESS, Vec::new()));
                }
                let what = "EvtWmiInstanceQueryInstance";
                Ok(self.wmi_callback(&instance, what, query, &[], &[], Some(*bytes)))
            }
            WmiRequest::Set { data } => {
                let callback = config.EvtWmiInstanceSetInstance.0;
                if callback == 0 {
                    return Err(STATUS_WMI_READ_ONLY);
                }
                if too_small(data.len() as u32) {
                    return Err(STATUS_BUFFER_TOO_SMALL);
                }
                let what = "EvtWmiInstanceSetInstance";
                Ok(self.wmi_callback(&instance, what, callback, &[], data, None))
            }
            WmiRequest::Execute {
                method,
                input,
                bytes,
            } => {
                let callback = config.EvtWmiInstanceExecuteMethod.0;
                if callback == 0 {
                    return Err(STATUS_INVALID_DEVICE_REQUEST);
                }
                let (what, method) = ("EvtWmiInstanceExecuteMethod", [u64::from(*method)]);
                Ok(self.wmi_callback(&instance, what, callback, &method, input, Some(*bytes)))
            }
        }
    }

    /// A query that the framework answers with the instance's context space.
    fn query_context(
        &self,
        instance: &Instance,
        bytes: u32,
    ) -> Result<(NtStatus, Vec<u8>), NtStatus> {
        if bytes < instance.context_bytes {
            return Err(STATUS_BUFFER_TOO_SMALL);
        }
        let object = self.object(instance.handle);
        let context = object.first_context().unwrap_or(0);
        let block = self
            .memory
            .read_bytes(context, instance.context_bytes as usize);
        Ok((STATUS_SUCCESS, block))
    }

    /// Calls back an instance's driver with `extra` arguments, a buffer that holds `input`, and, where it
    /// gives something, room for `output` bytes and for how many there were.
    fn wmi_callback(
        &self,
        instance: &Instance,
        what: &'static str,
        callback: u64,
        extra: &[u64],
        input: &[u8],
        output: Option<u32>,
    ) -> (NtStatus, Vec<u8>) {
        // One byte stands for none, as in FxWmiInstanceExternal::QueryInstance.
        let room = output.unwrap_or(0).max(input.len() as u32).max(1);
        let buffer = self.lend("a buffer of WMI's", room.into());
        self.memory.write_bytes(buffer, input);
        let mut arguments = vec![instance.handle];
        arguments.extend_from_slice(extra);
        // A query has no input; a method has the lengths of both.
        if output.is_none() || !extra.is_empty() {
            arguments.push(input.len() as u64);
        }
        if let Some(output) = output {
            arguments.push(output.max(1).into());
        }
        arguments.push(buffer);
        let used = self.lend("what WMI is told of it", size_of::<u32>() as u64);
        if output.is_some() {
            arguments.push(used);
        }
        let value = self.call_driver(what, instance.handle, callback, &arguments);
        let mut status = NtStatus(value as u32 as i32);
        let count: u32 = self.memory.read(used);
        if status == STATUS_PENDING || status.is_success() && count > room {
            self.violation(
                &rules::WMI_RESULT,
                format!("{what} returns {status}, with {count} of {room} bytes"),
            );
        }
        let mut block = Vec::new();
        if status.is_success() && output.is_some() {
            block = self.memory.read_bytes(buffer, count as usize);
            if output == Some(0) && count > 0 {
                (status, block) = (STATUS_BUFFER_TOO_SMALL, Vec::new());
            }
        }
        for lent in [buffer, used] {
            if let Err(text) = self.memory.free(lent) {
                self.violation(&rules::BUFFER_OVERRUN, text);
            }
        }
        (status, block)
    }

    /// Says by EvtWmiProviderFunctionControl that somebody wants a provider's events or data, or does not
    /// any more, as WMI does for the first and the last of them.
    ///
    /// # Errors
    /// The run stopped.
    pub fn enable_wmi(
        &self,
        slot: usize,
        guid: [u8; 16],
        events: bool,
        enable: bool,
    ) -> Result<NtStatus, Stop> {
        self.run_to_end("WMI", move |host: &Self| {
            let providers = host.bodies::<Provider>();
            let found = providers
                .iter()
                .find(|provider| host.serves(provider, slot, guid));
            let Some(provider) = found else {
                return STATUS_WMI_GUID_NOT_FOUND;
            };
            provider.enabled[usize::from(!events)].set(enable);
            if provider.function_control == 0 {
                return STATUS_SUCCESS;
            }
            let control = if events { 1 } else { 2 };
            let value = host.call_driver(
                "EvtWmiProviderFunctionControl",
                provider.handle,
                provider.function_control,
                &[provider.handle, control, enable.into()],
            );
            NtStatus(value as u32 as i32)
        })
    }
}
