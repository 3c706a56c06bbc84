//! Services: what the kernel and the framework do for a driver, as entries of tables.

use std::borrow::Cow;

use crate::{
    cpu::{Irql, stub::Call},
    machine::Machine,
};

/// Does one service for the driver.
pub(crate) type Handler = fn(&Machine, &Call) -> u64;

/// A function of the kernel or of the framework.
#[derive(Debug)]
pub struct Service {
    /// Its documented name.
    pub name: &'static str,
    /// The highest IRQL at which it may be called.
    pub max_irql: Irql,
    /// What it does.
    pub handler: Handler,
}

/// What a service returns in rax.
pub trait Reply {
    /// As a register holds it.
    fn into_register(self) -> u64;
}

impl Reply for () {
    fn into_register(self) -> u64 {
        0
    }
}

impl Reply for u64 {
    fn into_register(self) -> u64 {
        self
    }
}

impl Reply for u32 {
    fn into_register(self) -> u64 {
        self.into()
    }
}

impl Reply for u8 {
    fn into_register(self) -> u64 {
        self.into()
    }
}

impl Reply for bool {
    fn into_register(self) -> u64 {
        self.into()
    }
}

impl Reply for kmdf_abi::ntstatus::NtStatus {
    fn into_register(self) -> u64 {
        u64::from(self.0.cast_unsigned())
    }
}

/// A service that can fail with an NTSTATUS.
impl Reply for Result<(), kmdf_abi::ntstatus::NtStatus> {
    fn into_register(self) -> u64 {
        self.err()
            .unwrap_or(kmdf_abi::ntstatus::STATUS_SUCCESS)
            .into_register()
    }
}

/// Makes a table of services of a layer: `Layer; Name <= HIGHEST_IRQL => handler;`
#[macro_export]
macro_rules! services {
    ($layer:ty; $($name:ident <= $irql:ident => $handler:expr;)*) => {
        pub(crate) const SERVICES: &[$crate::service::Service] = &[$(
            $crate::service::Service {
                name: stringify!($name),
                max_irql: $crate::cpu::Irql::$irql,
                handler: |machine, call| {
                    let layer = <$layer as $crate::Layer>::of(machine);
                    $crate::service::Reply::into_register($handler(layer, call))
                },
            },
        )*];
    };
}

/// What a stub stands for.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The library that exports it, or the framework.
    pub library: Cow<'static, str>,
    /// Its name.
    pub name: Cow<'static, str>,
    /// What it does; `None` for what the host does not play.
    pub service: Option<&'static Service>,
    /// Leading arguments that are not the service's own.
    pub hidden: usize,
}

/// Finds a service by name.
#[must_use]
pub fn find(tables: &[&'static [Service]], name: &str) -> Option<&'static Service> {
    tables
        .iter()
        .copied()
        .flatten()
        .find(|service| service.name == name)
}
