//! Which devices have the interface.

use std::{iter, ptr};

use edu_spec::interface::DEVICE_INTERFACE;
use windows_sys::{
    Win32::Devices::DeviceAndDriverInstallation::{
        CM_GET_DEVICE_INTERFACE_LIST_PRESENT, CM_Get_Device_Interface_List_SizeW,
        CM_Get_Device_Interface_ListW, CR_BUFFER_SMALL, CR_SUCCESS,
    },
    core::GUID,
};

use super::Error;

/// The interface class, in the system's form.
static INTERFACE: GUID = GUID {
    data1: DEVICE_INTERFACE.data1,
    data2: DEVICE_INTERFACE.data2,
    data3: DEVICE_INTERFACE.data3,
    data4: DEVICE_INTERFACE.data4,
};

/// The paths of the interfaces that are present, as the system stores them: without a terminator.
pub(super) fn interfaces() -> Result<Vec<Vec<u16>>, Error> {
    loop {
        let mut length = 0;
        // SAFETY: both pointers are to live values of their types; no device id filters the list.
        let result = unsafe {
            CM_Get_Device_Interface_List_SizeW(
                &raw mut length,
                &raw const INTERFACE,
                ptr::null(),
                CM_GET_DEVICE_INTERFACE_LIST_PRESENT,
            )
        };
        if result != CR_SUCCESS {
            return Err(not_listed(result));
        }
        let mut list: Vec<u16> = iter::repeat_n(0, length as usize).collect();
        // SAFETY: as above, and the buffer has `length` characters.
        let result = unsafe {
            CM_Get_Device_Interface_ListW(
                &raw const INTERFACE,
                ptr::null(),
                list.as_mut_ptr(),
                length,
                CM_GET_DEVICE_INTERFACE_LIST_PRESENT,
            )
        };
        match result {
            CR_SUCCESS => {
                return Ok(list
                    .split(|character| *character == 0)
                    .filter(|path| !path.is_empty())
                    .map(<[u16]>::to_vec)
                    .collect());
            }
            // A device came between the two calls.
            CR_BUFFER_SMALL => {}
            other => return Err(not_listed(other)),
        }
    }
}

fn not_listed(result: u32) -> Error {
    Error::NoDevice {
        reason: format!("the device interfaces could not be listed: CONFIGRET {result:#x}"),
        hint: "the Plug and Play service must be running",
    }
}
