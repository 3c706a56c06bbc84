//! Calls that fail: which services can, with what, and which calls of a run do.

use std::cell::{Cell, RefCell};

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_CANCELLED, STATUS_INSUFFICIENT_RESOURCES, STATUS_NO_MEMORY,
    STATUS_OBJECT_NAME_NOT_FOUND,
};
use kmdf_machine::{Event, Machine};
use rand_chacha::{ChaCha8Rng, rand_core::RngCore};

use super::{coverage::Site, draw::Stream};

/// What a failed call returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// This NTSTATUS.
    Status(NtStatus),
    /// NULL.
    Null,
}

impl Failure {
    /// Takes down that a call fails so. What it returns, as rax holds it.
    pub(crate) fn happen(self, machine: &Machine, service: &'static str) -> u64 {
        let (value, with) = match self {
            Self::Status(status) => (u64::from(status.0.cast_unsigned()), status.to_string()),
            Self::Null => (0, "NULL".to_owned()),
        };
        machine.record(Event::Host {
            text: format!("{service} is made to fail: {with}"),
        });
        value
    }
}

/// Services whose failure is another than a lack of memory, or that fail though they return no
/// NTSTATUS; and those that return one, but with which a healthy system never fails a driver that
/// passes what it must.
const PARTICULAR: &[(&str, Option<Failure>)] = &[
    ("ExAllocatePool2", Some(Failure::Null)),
    ("ExAllocatePoolWithTag", Some(Failure::Null)),
    (
        "RtlAnsiStringToUnicodeString",
        Some(Failure::Status(STATUS_NO_MEMORY)),
    ),
    ("MmMapIoSpace", Some(Failure::Null)),
    ("MmMapIoSpaceEx", Some(Failure::Null)),
    ("WdfDeviceInitAllocate", None),
    (
        "WdfRequestMarkCancelableEx",
        Some(Failure::Status(STATUS_CANCELLED)),
    ),
    // Says whether a cancellation is under way: then its callback is, too.
    ("WdfRequestUnmarkCancelable", None),
    // Only a wrong argument makes it fail.
    ("WdfRequestReuse", None),
    // A request's state, not a call that could fail.
    ("WdfRequestGetStatus", None),
    // What a queue holds, not a call that could fail: a driver that is told that a queue is empty
    // though a request waits in it cannot serve that request.
    ("WdfIoQueueRetrieveNextRequest", None),
    ("WdfIoQueueRetrieveRequestByFileObject", None),
    ("WdfIoQueueFindRequest", None),
    ("WdfIoQueueRetrieveFoundRequest", None),
    // What a list holds, not calls that could fail.
    ("WdfChildListRetrieveNextDevice", None),
    ("WdfChildListRetrieveAddressDescription", None),
    ("WdfChildListUpdateChildDescriptionAsMissing", None),
    ("WdfPdoMarkMissing", None),
    ("WdfPdoRetrieveIdentificationDescription", None),
    ("WdfPdoRetrieveAddressDescription", None),
    ("WdfPdoUpdateAddressDescription", None),
    // Only what it is called for makes it fail.
    ("WdfPdoInitAssignRawDevice", None),
    ("WdfPdoInitAllocate", Some(Failure::Null)),
    (
        "WdfRegistryQueryULong",
        Some(Failure::Status(STATUS_OBJECT_NAME_NOT_FOUND)),
    ),
    (
        "WdfRegistryQueryValue",
        Some(Failure::Status(STATUS_OBJECT_NAME_NOT_FOUND)),
    ),
    // Without a timeout they wait until they have the lock.
    ("WdfWaitLockAcquire", None),
    // The loader undoes it at unload; it cannot fail for lack of anything.
    ("WdfVersionUnbind", None),
    ("WdfDmaTransactionGetDevice", None),
    ("KeWaitForSingleObject", None),
];

/// How a service fails, if it can.
pub(crate) fn failure_of(name: &str) -> Option<Failure> {
    if let Some((_, failure)) = PARTICULAR.iter().find(|(other, _)| *other == name) {
        return *failure;
    }
    let framework = kmdf_abi::functions()
        .iter()
        .find(|function| function.name == name)
        .and_then(|function| function.signature)
        .is_some_and(|signature| signature.returns.c == "NTSTATUS");
    (framework || name == "WdfVersionBind")
        .then_some(Failure::Status(STATUS_INSUFFICIENT_RESOURCES))
}

/// One call that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// Its number among all calls of the run that can fail.
    pub(crate) number: u32,
    /// Where it is.
    pub(crate) site: Site,
    /// What it calls.
    pub(crate) service: &'static str,
}

/// Which calls fail.
#[derive(Debug, Default)]
pub(crate) enum FailurePlan {
    /// None, and none is counted.
    #[default]
    Off,
    /// None; the calls that could are taken down.
    Find(Vec<Call>),
    /// The one with this number.
    One(u32),
    /// Those that a seed draws, one in so many.
    Drawn {
        random: Box<ChaCha8Rng>,
        one_in: u32,
    },
}

impl FailurePlan {
    /// One call in so many fails, by that seed.
    pub(crate) fn drawn(seed: u64, one_in: u32) -> Self {
        Self::Drawn {
            random: Box::new(Stream::FailingCalls.of(seed)),
            one_in,
        }
    }
}

/// Decides which calls of a run fail.
#[derive(Debug, Default)]
pub(crate) struct Failing {
    plan: RefCell<FailurePlan>,
    next: Cell<u32>,
}

impl Failing {
    pub(crate) fn prepare(&self, plan: FailurePlan) {
        *self.plan.borrow_mut() = plan;
    }

    /// What a call returns instead of being carried out, if it is to fail.
    pub(crate) fn failure(&self, site: Site, service: &'static str) -> Option<Failure> {
        let mut plan = self.plan.borrow_mut();
        if matches!(*plan, FailurePlan::Off) {
            return None;
        }
        let failure = failure_of(service)?;
        let number = self.next.replace(self.next.get() + 1);
        let fails = match &mut *plan {
            FailurePlan::Off => false,
            FailurePlan::Find(calls) => {
                calls.push(Call {
                    number,
                    site,
                    service,
                });
                false
            }
            FailurePlan::One(wanted) => *wanted == number,
            FailurePlan::Drawn { random, one_in } => random.next_u32().is_multiple_of(*one_in),
        };
        fails.then_some(failure)
    }

    /// The plan, to read what it has found.
    pub(crate) fn take(&self) -> FailurePlan {
        self.plan.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_returns_a_status_can_fail_and_what_returns_nothing_cannot() {
        assert_eq!(
            failure_of("WdfInterruptCreate"),
            Some(Failure::Status(STATUS_INSUFFICIENT_RESOURCES))
        );
        assert_eq!(failure_of("MmMapIoSpaceEx"), Some(Failure::Null));
        assert_eq!(failure_of("WdfRequestComplete"), None);
        assert_eq!(failure_of("KeStallExecutionProcessor"), None);
    }

    #[test]
    fn a_call_is_named_by_its_number_among_those_that_can_fail() {
        let failing = Failing::default();
        failing.prepare(FailurePlan::One(1));
        assert_eq!(failing.failure(0x10, "WdfInterruptCreate"), None);
        assert_eq!(failing.failure(0x20, "WdfRequestComplete"), None);
        assert!(failing.failure(0x30, "WdfInterruptCreate").is_some());
        assert_eq!(failing.failure(0x40, "WdfInterruptCreate"), None);
    }

    #[test]
    fn a_seed_draws_the_same_calls_each_time() {
        let drawn = || {
            let failing = Failing::default();
            failing.prepare(FailurePlan::drawn(7, 3));
            (0..64)
                .map(|site| failing.failure(site, "WdfInterruptCreate").is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(drawn(), drawn());
        assert!(drawn().contains(&true) && drawn().contains(&false));
    }
}
