//! Services: what the kernel and the framework do for a driver, as entries of tables.

use crate::{
    cpu::{Irql, stub::Call},
    host::Host,
};

/// Does one service for the driver.
pub(crate) type Handler = fn(&Host, &Call) -> u64;

/// A function of the kernel or of the framework.
#[derive(Debug)]
pub(crate) struct Service {
    /// Its documented name.
    pub(crate) name: &'static str,
    /// The highest IRQL at which it may be called.
    pub(crate) max_irql: Irql,
    /// What it does.
    pub(crate) handler: Handler,
}

/// What a service returns in rax.
pub(crate) trait Reply {
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

/// Makes a table of services: `Name <= HIGHEST_IRQL => handler`.
macro_rules! services {
    ($($name:ident <= $irql:ident => $handler:expr;)*) => {
        pub(crate) const SERVICES: &[$crate::service::Service] = &[$(
            $crate::service::Service {
                name: stringify!($name),
                max_irql: $crate::cpu::Irql::$irql,
                handler: |host, call| $crate::service::Reply::into_register($handler(host, call)),
            },
        )*];
    };
}
pub(crate) use services;

/// Finds a service by name.
pub(crate) fn find(tables: &[&'static [Service]], name: &str) -> Option<&'static Service> {
    tables
        .iter()
        .copied()
        .flatten()
        .find(|service| service.name == name)
}
