//! The kernel, the loader and the driver as the entry point sees them.
//!
//! The entry point has one set of variables, as an image has, so the tests run one at a time.

extern crate std;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    vec::Vec,
};

use super::*;

const STATUS_SUCCESS: NtStatus = 0;
const STATUS_UNSUCCESSFUL: NtStatus = 0xC000_0001_u32.cast_signed();

/// What happened, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Event {
    Bind {
        path: Vec<u16>,
        size: u32,
        version: [u32; 3],
        functions: u32,
    },
    DriverEntry {
        path: Vec<u16>,
    },
    DriverUnload,
    Unbind {
        path: Vec<u16>,
    },
}
use Event::{Bind, DriverUnload as Unloaded, Unbind};

/// The outside world of one test.
struct World {
    events: Vec<Event>,
    bind_status: NtStatus,
    driver_status: NtStatus,
    unload: Option<DriverUnload>,
    globals: DriverGlobals,
}

static WORLD: Mutex<World> = Mutex::new(World {
    events: Vec::new(),
    bind_status: STATUS_SUCCESS,
    driver_status: STATUS_SUCCESS,
    unload: None,
    globals: GLOBALS,
});
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

const GLOBALS: DriverGlobals = DriverGlobals {
    driver: ptr::null_mut(),
    flags: 0,
    tag: 0,
    name: [0; 32],
    displace_driver_unload: 0,
};

// SAFETY: the only pointer inside is null and nothing follows it.
unsafe impl Send for World {}

fn world() -> MutexGuard<'static, World> {
    WORLD.lock().unwrap_or_else(PoisonError::into_inner)
}

fn log(event: Event) {
    world().events.push(event);
}

/// The characters of a string that the code under test hands out.
///
/// # Safety
///
/// `string` is valid.
unsafe fn characters(string: *const UnicodeString) -> Vec<u16> {
    // SAFETY: by this function's contract.
    let string = unsafe { &*string };
    // SAFETY: a valid string's buffer has `length` bytes.
    unsafe { core::slice::from_raw_parts(string.buffer, usize::from(string.length) / 2) }.to_vec()
}

pub(super) unsafe extern "system" fn DriverEntry(
    driver: *mut DriverObject,
    registry_path: *mut UnicodeString,
) -> NtStatus {
    // SAFETY: the test's own string.
    let path = unsafe { characters(registry_path) };
    log(Event::DriverEntry { path });
    let world = world();
    if !driver.is_null() {
        // SAFETY: the test's own driver object.
        unsafe { (*driver).unload = world.unload };
    }
    world.driver_status
}

pub(super) unsafe extern "system" fn WdfVersionBind(
    _driver: *mut DriverObject,
    registry_path: *mut UnicodeString,
    info: *mut BindInfo,
    globals: *mut *mut DriverGlobals,
) -> NtStatus {
    // SAFETY: the string that the code under test made.
    let path = unsafe { characters(registry_path) };
    // SAFETY: the structure that the code under test made.
    let info = unsafe { &*info };
    log(Bind {
        path,
        size: info.size,
        version: info.version,
        functions: info.function_count,
    });
    let mut world = world();
    // SAFETY: the variable that the code under test names; the globals outlive the test.
    unsafe { *globals = &raw mut world.globals };
    world.bind_status
}

pub(super) unsafe extern "system" fn WdfVersionUnbind(
    registry_path: *mut UnicodeString,
    _info: *mut BindInfo,
    _globals: *mut DriverGlobals,
) -> NtStatus {
    // SAFETY: the string that the code under test made.
    let path = unsafe { characters(registry_path) };
    log(Unbind { path });
    STATUS_SUCCESS
}

pub(super) unsafe extern "system" fn RtlCopyUnicodeString(
    destination: *mut UnicodeString,
    source: *const UnicodeString,
) {
    // SAFETY: the test's own string.
    let source = unsafe { characters(source) };
    // SAFETY: the string that the code under test made.
    let destination = unsafe { &mut *destination };
    let count = source
        .len()
        .min(usize::from(destination.maximum_length) / 2);
    // SAFETY: `count` characters fit both, which are different buffers.
    unsafe { ptr::copy_nonoverlapping(source.as_ptr(), destination.buffer, count) };
    destination.length = u16::try_from(count * 2).unwrap();
}

unsafe extern "system" fn drivers_unload(_driver: *mut DriverObject) {
    log(Unloaded);
}

/// Starts a driver in a world that `prepare` changed; then `look` sees the result, the driver
/// object and the path, and may unload.
fn start(
    path: &str,
    prepare: impl FnOnce(&mut World),
    look: impl FnOnce(NtStatus, &mut DriverObject, &[u16]),
) {
    let _one_at_a_time = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    {
        let mut world = world();
        world.events.clear();
        world.bind_status = STATUS_SUCCESS;
        world.driver_status = STATUS_SUCCESS;
        world.unload = None;
        world.globals = GLOBALS;
        prepare(&mut world);
    }
    let mut characters: Vec<u16> = path.encode_utf16().collect();
    let length = u16::try_from(characters.len() * 2).unwrap();
    let mut string = UnicodeString {
        length,
        maximum_length: length,
        buffer: characters.as_mut_ptr(),
    };
    let mut driver = DriverObject {
        before: [0; 13],
        unload: None,
    };
    // SAFETY: both arguments are valid, and no other test runs.
    let status = unsafe { FxDriverEntry(&raw mut driver, &raw mut string) };
    let expected = characters.clone();
    // The kernel's string is gone when the entry point has returned.
    characters.fill(0);
    look(status, &mut driver, &expected);
}

fn events() -> Vec<Event> {
    world().events.clone()
}

const PATH: &str = r"\REGISTRY\MACHINE\SYSTEM\ControlSet001\Services\edu_kmdf";

fn bind(path: &[u16]) -> Event {
    let size = if MINOR < FIRST_WITH_BIND_INFO_2 {
        48
    } else {
        88
    };
    Bind {
        path: path.to_vec(),
        size,
        version: [1, MINOR, 0],
        functions: FUNCTION_COUNT,
    }
}

#[test]
fn a_driver_is_bound_before_its_driver_entry_runs() {
    start(
        PATH,
        |_| {},
        |status, driver, path| {
            assert_eq!(status, STATUS_SUCCESS);
            assert_eq!(
                events(),
                [
                    bind(path),
                    Event::DriverEntry {
                        path: path.to_vec()
                    }
                ]
            );
            assert!(
                driver.unload.is_none(),
                "the framework did not ask for the unload routine"
            );
        },
    );
}

#[test]
fn a_driver_that_cannot_be_bound_is_not_started() {
    start(
        PATH,
        |world| world.bind_status = STATUS_UNSUCCESSFUL,
        |status, _, path| {
            assert_eq!(status, STATUS_UNSUCCESSFUL);
            assert_eq!(events(), [bind(path)]);
        },
    );
}

#[test]
fn a_driver_that_fails_to_start_is_unbound_by_the_copy_of_its_path() {
    start(
        PATH,
        |world| world.driver_status = STATUS_UNSUCCESSFUL,
        |status, driver, path| {
            let path = path.to_vec();
            assert_eq!(status, STATUS_UNSUCCESSFUL);
            assert_eq!(
                events(),
                [
                    bind(&path),
                    Event::DriverEntry { path: path.clone() },
                    Unbind { path }
                ]
            );
            assert!(driver.unload.is_none());
        },
    );
}

#[test]
fn the_drivers_unload_routine_runs_before_the_driver_is_unbound() {
    let prepare = |world: &mut World| {
        world.unload = Some(drivers_unload);
        world.globals.displace_driver_unload = 1;
    };
    start(PATH, prepare, |_, driver, path| {
        world().events.clear();
        let unload = driver
            .unload
            .expect("an unload routine stands in the driver object");
        // SAFETY: as the kernel calls it, after a successful start.
        unsafe { unload(driver) };
        // The kernel's path was overwritten meanwhile: the copy counts.
        assert_eq!(
            events(),
            [
                Unloaded,
                Unbind {
                    path: path.to_vec()
                }
            ]
        );
    });
}

#[test]
fn a_driver_without_an_unload_routine_is_unbound_too() {
    start(
        PATH,
        |world| world.globals.displace_driver_unload = 1,
        |_, driver, path| {
            world().events.clear();
            let unload = driver
                .unload
                .expect("an unload routine stands in the driver object");
            // SAFETY: as the kernel calls it, after a successful start.
            unsafe { unload(driver) };
            assert_eq!(
                events(),
                [Unbind {
                    path: path.to_vec()
                }]
            );
        },
    );
}

#[test]
fn an_unload_routine_is_left_alone_when_the_framework_does_not_ask() {
    start(
        PATH,
        |world| world.unload = Some(drivers_unload),
        |_, driver, _| {
            assert!(
                driver
                    .unload
                    .is_some_and(|unload| unload as usize == drivers_unload as *const () as usize)
            );
        },
    );
}

#[test]
fn a_path_too_long_to_copy_is_refused_before_anything_happens() {
    let longest = "x".repeat(PATH_CHARACTERS.into());
    start(
        &longest,
        |_| {},
        |status, _, _| assert_eq!(status, STATUS_SUCCESS),
    );
    start(
        &(longest + "x"),
        |_| {},
        |status, _, _| {
            assert_eq!(status, STATUS_NAME_TOO_LONG);
            assert_eq!(events(), []);
        },
    );
}

#[test]
fn an_export_driver_starts_unbound() {
    let _one_at_a_time = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    world().events.clear();
    world().driver_status = STATUS_SUCCESS;
    let mut path = UnicodeString {
        length: 0,
        maximum_length: 0,
        buffer: ptr::NonNull::<u16>::dangling().as_ptr(),
    };
    // SAFETY: an export driver is started without a driver object.
    let status = unsafe { FxDriverEntry(ptr::null_mut(), &raw mut path) };
    assert_eq!(status, STATUS_SUCCESS);
    assert_eq!(events(), [Event::DriverEntry { path: Vec::new() }]);
}

#[test]
fn the_bind_structures_name_the_framework() {
    let name: Vec<_> = "KmdfLibrary\0".encode_utf16().collect();
    assert_eq!(COMPONENT.as_slice(), name);
}
