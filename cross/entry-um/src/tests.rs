//! The loader and the driver as the entry point sees them.
//!
//! The entry point has one set of variables, as an image has, so one test does it all.

extern crate std;

use std::{sync::Mutex, vec::Vec};

use super::*;

static EVENTS: Mutex<Vec<[usize; 4]>> = Mutex::new(Vec::new());
static TABLE: [Function; 1] = [a_function];

unsafe extern "C" fn a_function() {}

const BOUND: usize = 1;
const ENTERED: usize = 2;

/// The driver's; it fails if the driver object is null.
pub unsafe fn DriverEntry(driver: *mut c_void, registry_path: *mut c_void) -> NtStatus {
    let event = [ENTERED, driver.addr(), registry_path.addr(), 0];
    EVENTS.lock().unwrap().push(event);
    if driver.is_null() { -1 } else { 0 }
}

/// The loader's; it refuses a context that is null.
unsafe extern "C" fn bind(
    context: *mut c_void,
    info: *mut BindInfo,
    globals: *mut *mut DriverGlobals,
) -> NtStatus {
    // SAFETY: the entry point passes its own structure.
    let info = unsafe { &*info };
    let version = info.version[0] * 100 + info.version[1];
    let event = [
        BOUND,
        info.size as usize,
        version as usize,
        info.function_count as usize,
    ];
    EVENTS.lock().unwrap().push(event);
    if context.is_null() {
        return -2;
    }
    // SAFETY: the table's pointer is the image's own.
    unsafe { *info.function_table = TABLE.as_ptr() };
    // SAFETY: so are the globals.
    unsafe { *globals = ptr::dangling_mut() };
    0
}

fn enter(size: u32, context: usize, driver: usize) -> (NtStatus, Vec<[usize; 4]>) {
    let loader = LoaderInterface {
        size,
        version_bind: bind,
    };
    let pointer = |value: usize| ptr::without_provenance_mut(value);
    // SAFETY: the interface is valid; nobody reads through the other pointers.
    let status = unsafe {
        FxDriverEntryUm(
            &raw const loader,
            pointer(context),
            pointer(driver),
            pointer(7),
        )
    };
    (status, core::mem::take(&mut *EVENTS.lock().unwrap()))
}

#[test]
fn the_driver_is_bound_before_it_is_entered_and_not_entered_if_that_fails() {
    let bound = [BOUND, 48, 215, 257];
    // SAFETY: a null interface is refused before anything is read.
    let none = unsafe {
        FxDriverEntryUm(
            ptr::null(),
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    assert_eq!(none, STATUS_INVALID_PARAMETER);
    assert_eq!(enter(8, 1, 5), (STATUS_INVALID_PARAMETER, Vec::new()));
    assert_eq!(enter(16, 0, 5), (-2, Vec::from([bound])));
    assert_eq!(enter(16, 1, 5), (0, Vec::from([bound, [ENTERED, 5, 7, 0]])));
    assert_eq!(
        enter(56, 1, 0),
        (-1, Vec::from([bound, [ENTERED, 0, 7, 0]]))
    );

    let component = COMPONENT.map(|unit| u8::try_from(unit).unwrap());
    assert_eq!(&component, b"UmdfLibrary\0");
    // SAFETY: bound above, and no other test touches it.
    let table = unsafe { FUNCTIONS };
    assert_eq!(table, TABLE.as_ptr());
}
