//! The host: a machine with a kernel and the framework, and one driver.

use std::pin::Pin;

use kmdf_kernel::Kernel;
use kmdf_machine::{Machine, Parts, layer};

use crate::{check::Unfinished, kmdf::Framework};

/// One virtual machine with one driver.
#[repr(transparent)]
pub struct Host(Kernel);

layer!(Host over Kernel);

impl Host {
    /// A machine that has just been switched on. It is pinned: its flows hold its address.
    ///
    /// # Errors
    /// This machine has no address space left.
    pub fn new(parts: Parts) -> std::io::Result<Pin<Box<Self>>> {
        let states: Vec<Box<dyn std::any::Any>> = vec![
            Box::<Framework>::default(),
            Box::<kmdf_kernel::Objects>::default(),
        ];
        let machine = Machine::new(parts, Box::new(Unfinished), states)?;
        // SAFETY: it is pinned again below, before anybody can move it.
        let machine = Box::into_raw(unsafe { Pin::into_inner_unchecked(machine) });
        // SAFETY: the layers are transparent wrappers of the machine, and it is nobody else's.
        let host = unsafe { Box::from_raw(machine.cast::<Self>()) };
        Ok(Box::into_pin(host))
    }

    /// What the framework keeps for the driver.
    pub(crate) fn framework(&self) -> &Framework {
        self.state()
    }
}

/// As [`kmdf_machine::services`], for the framework.
macro_rules! services {
    ($($table:tt)*) => { kmdf_machine::services! { $crate::host::Host; $($table)* } };
}
pub(crate) use services;
