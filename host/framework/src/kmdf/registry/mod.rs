//! Registry keys: the device's two keys and the service's Parameters, as installed.

pub(crate) mod assign;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_BUFFER_OVERFLOW, STATUS_CANNOT_DELETE, STATUS_INVALID_DEVICE_STATE,
    STATUS_INVALID_PARAMETER, STATUS_OBJECT_NAME_NOT_FOUND, STATUS_OBJECT_TYPE_MISMATCH,
    STATUS_RESOURCE_DATA_NOT_FOUND, STATUS_SUCCESS,
};
use kmdf_install::{Installation, RegistryKey, RegistryValue, Security, User};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::{
    attributes::{Allowed, Attributes},
    collection::Collection,
    device::{Device, FIRST_CHILD},
    object::Body,
    string::WdfString,
};
use crate::host::{Host, services};

/// The key below a service's own that is for its driver.
const PARAMETERS: &str = "Parameters";

/// What the registry holds for the driver.
#[derive(Default)]
pub(crate) struct Registry {
    /// The service's key.
    service: RefCell<RegistryKey>,
    /// Hardware and software key of each device, by slot.
    devices: RefCell<BTreeMap<usize, [RegistryKey; 2]>>,
    /// `HARDWARE\DEVICEMAP`, which is not stored.
    device_map: RefCell<RegistryKey>,
    /// The driver's persistent state.
    state: RefCell<RegistryKey>,
    /// Whose apps open devices.
    user: Cell<User>,
}

/// Which tree a key is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// The service's key.
    Service,
    /// The device's hardware key (`Device Parameters`).
    Hardware(usize),
    /// The device's software key.
    Software(usize),
    /// The key of all devices that drivers list there.
    DeviceMap,
    /// The driver's persistent state.
    State,
}

/// WDFKEY
pub(crate) struct Key {
    root: Root,
    path: String,
    closed: Cell<bool>,
    /// The handle that stands for it, once it was asked for, or 0.
    wdm: Cell<u64>,
    /// Where driver code was when it opened it.
    site: u64,
}

impl Body for Key {
    const KIND: &'static str = "WDFKEY";

    /// The framework closes what the driver has not (FxRegKey's destructor). One whose parent is the
    /// driver, as it is unless another is named, is so for long after its device is gone.
    fn dispose(&self, host: &Host) {
        let of_device = matches!(self.root, Root::Hardware(_) | Root::Software(_));
        if host.checks_all()
            && of_device
            && !self.closed.get()
            && host.framework().driver.get() == 0
        {
            host.violation(
                &rules::REGISTRY_KEY_LEAK,
                format!(
                    "a registry key of a device was still open when its driver was unloaded{}",
                    host.made_at(self.site)
                ),
            );
        }
    }
}

impl Host {
    /// Puts what an INF adds for a device into the registry.
    pub fn install_registry(&self, slot: usize, installation: &Installation) {
        let registry = &self.framework().registry;
        *registry.service.borrow_mut() = installation.service_key.clone();
        let keys = [
            installation.hardware_key.clone(),
            installation.software_key.clone(),
        ];
        registry.devices.borrow_mut().insert(slot, keys);
    }

    /// Sets a value of a device's hardware key, as an administrator would.
    pub fn set_registry_value(&self, slot: usize, name: &str, value: RegistryValue) {
        let mut devices = self.framework().registry.devices.borrow_mut();
        let [hardware, _] = devices.entry(slot).or_default();
        hardware.set(name, value);
    }

    /// Sets a value in the Parameters of the driver's service, as an administrator would.
    pub fn set_parameter(&self, name: &str, value: RegistryValue) {
        let mut service = self.framework().registry.service.borrow_mut();
        service.create(PARAMETERS).set(name, value);
    }

    /// Sets whose apps open devices from now on.
    pub fn set_user(&self, user: User) {
        self.framework().registry.user.set(user);
    }

    /// Whether the security descriptor of a device lets the user open it with that access. Without one
    /// everybody may, as Windows has it.
    pub(crate) fn lets_in(&self, slot: usize, access: u32) -> bool {
        let registry = &self.framework().registry;
        let devices = registry.devices.borrow();
        let security = devices
            .get(&slot)
            .and_then(|[key, _]| key.value("Security"));
        match security {
            Some(RegistryValue::String(sddl)) => Security::parse(sddl)
                .is_some_and(|security| security.grants(registry.user.get(), access)),
            _ => true,
        }
    }

    /// Calls `body` with a key, if it exists.
    pub(super) fn with_key<R>(&self, root: Root, body: impl FnOnce(&mut RegistryKey) -> R) -> R {
        let registry = &self.framework().registry;
        match root {
            Root::Service => body(&mut registry.service.borrow_mut()),
            Root::DeviceMap => body(&mut registry.device_map.borrow_mut()),
            Root::State => body(&mut registry.state.borrow_mut()),
            Root::Hardware(slot) => {
                body(&mut registry.devices.borrow_mut().entry(slot).or_default()[0])
            }
            Root::Software(slot) => {
                body(&mut registry.devices.borrow_mut().entry(slot).or_default()[1])
            }
        }
    }

    /// The value that a WDFKEY and a UNICODE_STRING name.
    fn registry_value(&self, key: u64, name: u64) -> Result<RegistryValue, NtStatus> {
        let key = self.body::<Key>(key);
        let name = self.valid_text_at(name)?;
        self.value_of(&key, &name)
    }

    /// The value of that name in a key.
    fn value_of(&self, key: &Key, name: &str) -> Result<RegistryValue, NtStatus> {
        self.with_key(key.root, |root| {
            let below = root.open(&key.path)?;
            below.value(name).cloned()
        })
        .ok_or(STATUS_OBJECT_NAME_NOT_FOUND)
    }

    /// Makes a WDFKEY and writes its handle.
    fn create_key(
        &self,
        root: Root,
        path: String,
        attributes: &Attributes,
        out: u64,
    ) -> Result<(), NtStatus> {
        if !self.with_key(root, |key| key.open(&path).is_some()) {
            return Err(STATUS_OBJECT_NAME_NOT_FOUND);
        }
        let parent = self.parent_or_driver(attributes.parent)?;
        let (object, _) = self.create_object(Some(&parent), attributes, |_| Key {
            root,
            path,
            closed: Cell::new(false),
            wdm: Cell::new(0),
            site: self.call_site(),
        });
        self.memory.write(out, &object.handle);
        Ok(())
    }
}

services! {
    WdfDriverOpenParametersRegistryKey <= PASSIVE => open_parameters;
    WdfDeviceOpenRegistryKey <= PASSIVE => open_device;
    WdfFdoInitOpenRegistryKey <= PASSIVE => open_init;
    WdfDeviceOpenDevicemapKey <= PASSIVE => open_device_map;
    WdfDriverOpenPersistentStateRegistryKey <= PASSIVE => open_state;
    WdfRegistryWdmGetHandle <= PASSIVE => handle;
    WdfRegistryOpenKey <= PASSIVE => open;
    WdfRegistryClose <= PASSIVE => close;
    WdfRegistryRemoveKey <= PASSIVE => remove_key;
    WdfRegistryQueryULong <= PASSIVE => query_ulong;
    WdfRegistryQueryValue <= PASSIVE => query_value;
    WdfRegistryQueryMemory <= PASSIVE => query_memory;
    WdfRegistryQueryUnicodeString <= PASSIVE => query_unicode_string;
    WdfRegistryQueryString <= PASSIVE => query_string;
    WdfRegistryQueryMultiString <= PASSIVE => query_multi_string;
}

/// `KEY_READ`, `GENERIC_READ`, `STANDARD_RIGHTS_READ`: who asks for more has the key created.
const READ: u32 = 0x2_0019 | 1 << 31;

/// WdfDriverOpenParametersRegistryKey(Driver, DesiredAccess, KeyAttributes, Key)
fn open_parameters(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.body::<super::driver::Driver>(call.arg(0));
    host.memory.write(call.arg(3), &0_u64);
    let attributes = host.attributes(call.arg(2))?;
    let path = PARAMETERS.to_owned();
    if call.arg32(1) & !READ != 0 {
        host.with_key(Root::Service, |root| {
            root.create(&path);
        });
    }
    host.create_key(Root::Service, path, &attributes, call.arg(3))
}

/// Which of a device's keys a DeviceInstanceKeyType names.
fn device_root(host: &Host, slot: usize, kind: u32) -> Result<Root, NtStatus> {
    match kind & 0xFF {
        1 => Ok(Root::Hardware(slot)),
        2 => Ok(Root::Software(slot)),
        0 => Err(STATUS_INVALID_PARAMETER),
        kind => host.unsupported(format!("registry keys of the type {kind:#x}")),
    }
}

/// WdfDeviceOpenRegistryKey(Device, DeviceInstanceKeyType, DesiredAccess, KeyAttributes, Key)
fn open_device(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    host.memory.write(call.arg(4), &0_u64);
    let attributes = host.attributes(call.arg(3))?;
    if device.is_control() {
        return Err(STATUS_INVALID_DEVICE_STATE);
    }
    let root = device_root(host, device.slot, call.arg32(1))?;
    host.create_key(root, String::new(), &attributes, call.arg(4))
}

/// WdfFdoInitOpenRegistryKey(DeviceInit, DeviceInstanceKeyType, DesiredAccess, KeyAttributes, Key)
fn open_init(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.memory.write(call.arg(4), &0_u64);
    let slot = host
        .find_device_init(call.arg(0))
        .filter(|init| init.slot < FIRST_CHILD)
        .map(|init| init.slot)
        .ok_or(STATUS_INVALID_PARAMETER)?;
    let attributes = host.attributes(call.arg(3))?;
    let root = device_root(host, slot, call.arg32(1))?;
    host.create_key(root, String::new(), &attributes, call.arg(4))
}

/// WdfDeviceOpenDevicemapKey(Device, KeyName, DesiredAccess, KeyAttributes, Key): one that is not there is created.
fn open_device_map(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.body::<Device>(call.arg(0));
    host.memory.write(call.arg(4), &0_u64);
    let path = host.valid_text_at(call.arg(1))?;
    if path.is_empty() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let allowed = Allowed::PLAIN.without_parent();
    let attributes = host.attributes_with(call.arg(3), allowed)?;
    host.with_key(Root::DeviceMap, |root| {
        root.create(&path);
    });
    host.create_key(Root::DeviceMap, path, &attributes, call.arg(4))
}

/// WdfDriverOpenPersistentStateRegistryKey(Driver, DesiredAccess, KeyAttributes, Key)
fn open_state(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.memory.write(call.arg(3), &0_u64);
    let attributes = host.attributes(call.arg(2))?;
    host.body::<super::driver::Driver>(call.arg(0));
    host.create_key(Root::State, String::new(), &attributes, call.arg(3))
}

/// WdfRegistryWdmGetHandle(Key)
fn handle(host: &Host, call: &Call) -> u64 {
    let key = host.body::<Key>(call.arg(0));
    if key.wdm.get() == 0 {
        key.wdm.set(host.memory.new_handle());
    }
    key.wdm.get()
}

/// WdfRegistryOpenKey(ParentKey, KeyName, DesiredAccess, KeyAttributes, Key)
fn open(host: &Host, call: &Call) -> Result<(), NtStatus> {
    if call.arg(0) == 0 {
        host.unsupported("a registry key by its full path");
    }
    let parent = host.body::<Key>(call.arg(0));
    host.memory.write(call.arg(4), &0_u64);
    let attributes = host.attributes(call.arg(3))?;
    let path = format!("{}\\{}", parent.path, host.valid_text_at(call.arg(1))?);
    host.create_key(parent.root, path, &attributes, call.arg(4))
}

/// WdfRegistryClose(Key): the object goes, too.
fn close(host: &Host, call: &Call) {
    let key = host.body::<Key>(call.arg(0));
    key.closed.set(true);
    let object = host.object(call.arg(0));
    host.delete_object(&object);
}

/// WdfRegistryRemoveKey(Key): ZwDeleteKey, then as WdfRegistryClose. A key with keys below it stays.
fn remove_key(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let key = host.body::<Key>(call.arg(0));
    let (above, name) = key.path.rsplit_once('\\').unwrap_or(("", &key.path));
    let removed = host.with_key(key.root, |root| {
        let is_leaf = root.open(&key.path)?.keys().next().is_none();
        (is_leaf && !name.is_empty()).then(|| root.open_mut(above)?.remove_key(name))
    });
    removed.ok_or(STATUS_CANNOT_DELETE)?;
    close(host, call);
    Ok(())
}

/// WdfRegistryQueryULong(Key, ValueName, Value)
fn query_ulong(host: &Host, call: &Call) -> Result<(), NtStatus> {
    match host.registry_value(call.arg(0), call.arg(1))? {
        RegistryValue::Dword(value) => {
            host.memory.write(call.arg(2), &value);
            Ok(())
        }
        _ => Err(STATUS_OBJECT_TYPE_MISMATCH),
    }
}

/// WdfRegistryQueryValue(Key, ValueName, ValueLength, Value, ValueLengthQueried, ValueType)
fn query_value(host: &Host, call: &Call) -> NtStatus {
    let value = match host.registry_value(call.arg(0), call.arg(1)) {
        Ok(value) => value,
        Err(status) => return status,
    };
    let bytes = value.to_bytes();
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    if call.arg(4) != 0 {
        host.memory.write(call.arg(4), &length);
    }
    if call.arg(5) != 0 {
        host.memory.write(call.arg(5), &value.kind());
    }
    // For a NULL buffer the room counts as none.
    let room = if call.arg(3) == 0 { 0 } else { call.arg32(2) };
    if room < length {
        return STATUS_BUFFER_OVERFLOW;
    }
    host.memory.write_bytes(call.arg(3), &bytes);
    STATUS_SUCCESS
}

/// WdfRegistryQueryMemory(Key, ValueName, PoolType, MemoryAttributes, Memory, ValueType)
fn query_memory(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.check_pool_irql(call.arg32(2), "WdfRegistryQueryMemory");
    host.memory.write(call.arg(4), &0_u64);
    let attributes = host.attributes(call.arg(3))?;
    let value = host.registry_value(call.arg(0), call.arg(1))?;
    let bytes = value.to_bytes();
    if bytes.is_empty() {
        return Err(STATUS_RESOURCE_DATA_NOT_FOUND);
    }
    let memory = host.memory_with(&attributes, &bytes)?;
    host.memory.write(call.arg(4), &memory);
    if call.arg(5) != 0 {
        host.memory.write(call.arg(5), &value.kind());
    }
    Ok(())
}

/// Whether a value is text: of type REG_SZ or REG_EXPAND_SZ.
fn is_text(value: &RegistryValue) -> bool {
    matches!(
        value,
        RegistryValue::String(_) | RegistryValue::ExpandString(_)
    )
}

/// WdfRegistryQueryUnicodeString(Key, ValueName, ValueByteLength, Value)
fn query_unicode_string(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let key = host.body::<Key>(call.arg(0));
    let name = host.valid_text_at(call.arg(1))?;
    let room = match call.arg(3) {
        0 => None,
        address => Some(host.valid_string_at(address)?),
    };
    if room.is_some_and(|room| room.MaximumLength == 0) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let value = host.value_of(&key, &name)?;
    let bytes = value.to_bytes();
    let fits = room.filter(|room| usize::from(room.MaximumLength) >= bytes.len());
    // Of what does not fit only the length is looked at.
    if fits.is_some() && !is_text(&value) {
        return Err(STATUS_OBJECT_TYPE_MISMATCH);
    }
    if call.arg(2) != 0 {
        host.memory.write(call.arg(2), &(bytes.len() as u16));
    }
    let Some(mut text) = fits else {
        return Err(STATUS_BUFFER_OVERFLOW);
    };
    host.memory.write_bytes(text.Buffer.0, &bytes);
    text.Length = bytes.len() as u16 - 2;
    host.memory.write(call.arg(3), &text);
    Ok(())
}

/// WdfRegistryQueryString(Key, ValueName, String)
fn query_string(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let key = host.body::<Key>(call.arg(0));
    let name = host.valid_text_at(call.arg(1))?;
    let string = host.body::<WdfString>(call.arg(2));
    let value = host.value_of(&key, &name)?;
    match value {
        RegistryValue::String(text) | RegistryValue::ExpandString(text) => string.set(host, &text),
        _ if value.to_bytes().is_empty() => Err(STATUS_RESOURCE_DATA_NOT_FOUND),
        _ => Err(STATUS_OBJECT_TYPE_MISMATCH),
    }
}

/// WdfRegistryQueryMultiString(Key, ValueName, StringsAttributes, Collection)
fn query_multi_string(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let attributes = host.attributes(call.arg(2))?;
    let key = host.body::<Key>(call.arg(0));
    let name = host.valid_text_at(call.arg(1))?;
    let collection = host.body::<Collection>(call.arg(3));
    let RegistryValue::MultiString(texts) = host.value_of(&key, &name)? else {
        return Err(STATUS_OBJECT_TYPE_MISMATCH);
    };
    // Their parent is the driver unless another is named: they outlive the collection.
    let parent = host.parent_or_driver(attributes.parent)?;
    for text in texts {
        let (object, string) =
            host.create_object(Some(&parent), &attributes, |_| WdfString::default());
        string.set(host, &text)?;
        collection.add(object);
    }
    Ok(())
}
