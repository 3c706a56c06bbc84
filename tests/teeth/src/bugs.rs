//! The defects: what each does, and what the host must call it.

use std::sync::LazyLock;

use kmdf_host::explore::Cause;

/// `driver/bugs.h`, which the driver is compiled from.
const LIST: &str = include_str!("../driver/bugs.h");

/// What a defect is found as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A report of the rule with this name.
    Rule(&'static str),
    /// A request never ends.
    Lost,
    /// Anything else: never what is expected.
    Other,
}

/// Which runs find a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hunt {
    /// The run in the simplest order of events.
    Plain,
    /// Schedules of seeds. The plain run finds nothing; the same is so of those below.
    Seeds,
    /// Something happens at one instruction boundary.
    Boundaries(Cause),
    /// A call fails.
    FailingCalls,
    /// The run in the simplest order of events, stepped through to find what nothing orders.
    Races,
}

/// A defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bug {
    /// Its name: that of the function of the driver which has it.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// What it is found as.
    pub verdict: Verdict,
    /// The scenario that shows it.
    pub scenario: &'static str,
    /// Which runs find it.
    pub hunt: Hunt,
    /// Whether the report shows the defect's function. It does not where the host notices later.
    pub on_stack: bool,
}

impl Bug {
    /// The value of `Bug` in the registry.
    #[must_use]
    pub fn number(&self) -> usize {
        let at = in_driver().iter().position(|&(name, _)| name == self.name);
        at.map_or(0, |at| at + 1)
    }

    /// The C file it is in.
    #[must_use]
    pub fn file(&self) -> &'static str {
        let found = in_driver().iter().find(|&&(name, _)| name == self.name);
        found.map_or("", |&(_, file)| file)
    }
}

/// The defects that the driver has, in the order of their numbers, each with its C file.
#[must_use]
pub fn in_driver() -> &'static [(&'static str, &'static str)] {
    static FOUND: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
        let mut file = "";
        let mut found = Vec::new();
        for line in LIST.lines() {
            if let Some(name) = line
                .strip_prefix("/* ")
                .and_then(|rest| rest.strip_suffix(".c */"))
            {
                file = name;
            } else if let Some((name, _)) = line
                .strip_prefix("BUG(")
                .and_then(|rest| rest.split_once(','))
            {
                found.push((name, file));
            }
        }
        found
    });
    &FOUND
}

/// The defect of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Bug> {
    BUGS.iter().find(|bug| bug.name == name)
}

/// A defect that one factorial in the simplest order shows.
const fn bug(name: &'static str, rule: &'static str, about: &'static str) -> Bug {
    Bug {
        name,
        about,
        verdict: Verdict::Rule(rule),
        scenario: "one",
        hunt: Hunt::Plain,
        on_stack: true,
    }
}

impl Bug {
    const fn found_as(self, verdict: Verdict) -> Self {
        Self { verdict, ..self }
    }

    const fn in_scenario(self, scenario: &'static str) -> Self {
        Self { scenario, ..self }
    }

    const fn by(self, hunt: Hunt) -> Self {
        Self { hunt, ..self }
    }

    /// The host notices when the defect's function has returned.
    const fn later(self) -> Self {
        Self {
            on_stack: false,
            ..self
        }
    }
}

/// Rules without a broken driver, and why there is none.
pub const WITHOUT: &[(&str, &str)] = &[
    (
        "ApiMissing",
        "`host/samples/tests/relay.rs` breaks it, with a driver that reports a function that the framework has not",
    ),
    (
        "ClassExtension",
        "`host/samples/tests/relay.rs` breaks it, with a driver that calls a function of class extensions",
    ),
    (
        "BusInterface",
        "`host/samples/tests/card.rs` breaks it, with a driver that keeps an interface and one that uses an interface too long",
    ),
    (
        "ChildListLock",
        "`host/samples/tests/bus.rs` breaks it, with a driver that calls a function of the list to compare descriptions",
    ),
    (
        "DriverAttributeChanged",
        "`host/samples/tests/service.rs` breaks it, with a driver that changes the execution level and one that changes the synchronization scope",
    ),
    (
        "DriverCreate",
        "`host/samples/tests/service.rs` breaks it, with a DriverEntry that succeeds without a driver object",
    ),
    (
        "Irp",
        "`host/samples/tests/card.rs` breaks it, with a driver that sends an IRP without a completion routine",
    ),
    (
        "KernelHandle",
        "`host/samples/tests/card.rs` breaks it, with a driver that closes a handle twice",
    ),
    (
        "MdlPages",
        "`host/samples/tests/card.rs` breaks it, with a driver that frees an MDL whose pages are locked and one that unlocks them twice",
    ),
    (
        "NonPnPDrvPowerPolicyOwnerAPI",
        "`host/samples/tests/service.rs` breaks it, with a non-PnP driver that calls WdfDeviceInitSetPowerPageable",
    ),
    (
        "ObjectReference",
        "`host/samples/tests/card.rs` breaks it, with a driver that gives a thread back twice and one that keeps it",
    ),
    (
        "PnpFatalError",
        "`host/samples/tests/bus.rs` breaks it, with a driver whose children have the same IDs",
    ),
    (
        "SystemThread",
        "`host/samples/tests/card.rs` breaks it, with a driver that ends a thread of the system's",
    ),
    (
        "UnhandledException",
        "`host/samples/tests/card.rs` breaks it, with drivers that raise an exception and have no handler or none that wants it, one that raises it out of a callback, and two that the kernel raises one at",
    ),
    (
        "WaitObjects",
        "`host/samples/tests/card.rs` breaks it, with a driver that waits for four objects without wait blocks",
    ),
    (
        "WmiResult",
        "`host/samples/tests/card.rs` breaks it, with a driver that says it gave more bytes than there is room for",
    ),
];

/// All defects, by family.
#[rustfmt::skip]
pub const BUGS: &[Bug] = &[
    // irql.c
    bug("returns_at_dispatch_level", "KmdfIrql", "A callback raises the IRQL and returns.").later(),
    bug("completes_in_the_isr", "KmdfIrql", "The ISR completes the request itself."),
    bug("waits_for_a_wait_lock_in_the_dpc", "KmdfIrql", "A DPC acquires a wait lock without a timeout of 0."),
    bug("sleeps_in_the_dpc", "IrqlTooHigh", "A DPC calls KeDelayExecutionThread."),
    bug("paged_pool_in_the_dpc", "PagedPoolIrql", "A DPC allocates paged pool."),
    bug("calls_pageable_code_in_the_dpc", "PagedCodeIrql", "A DPC calls a function in a pageable section."),
    bug("takes_the_lock_in_pageable_code", "PagedCodeIrql", "A function in a pageable section acquires a spin lock."),
    bug("computes_in_pageable_code_in_the_dpc", "PagedCodeIrql", "A DPC calls a function in a pageable section, which calls nothing.").by(Hunt::Races),
    // locks.c
    bug("takes_the_spin_lock_twice", "WdfSpinlock", "A callback acquires a spin lock that it holds."),
    bug("keeps_the_spin_lock", "WdfSpinlock", "A callback returns without releasing its spin lock.").later(),
    bug("releases_a_spin_lock_it_has_not", "WdfSpinlockRelease", "A callback releases a spin lock that it has not acquired."),
    bug("keeps_the_wait_lock", "WdfWaitlock", "A callback returns without releasing its wait lock.").later(),
    bug("releases_a_wait_lock_it_has_not", "WdfWaitlockRelease", "A callback releases a wait lock that it has not acquired."),
    bug("takes_the_interrupt_lock_in_the_isr", "WdfInterruptLock", "The ISR acquires the lock that the framework has acquired for it."),
    bug("keeps_the_interrupt_lock", "WdfInterruptLock", "The DPC returns without releasing the interrupt's lock.").later(),
    bug("releases_an_interrupt_lock_it_has_not", "WdfInterruptLockRelease", "A callback releases the interrupt's lock without having acquired it."),
    bug("takes_a_kernel_spin_lock_twice", "SpinLock", "A callback acquires a KSPIN_LOCK that it holds."),
    bug("timer_waits_for_itself", "TimerDeadlock", "A timer's callback stops the timer and waits for its own end."),
    bug("work_item_waits_for_itself", "WorkItemDeadlock", "A work item's callback flushes the work item."),
    bug("takes_two_locks_in_both_orders", "LockOrder", "Two spin locks are acquired in both orders."),
    bug("takes_the_lock_of_a_lock", "ObjectLock", "WdfObjectAcquireLock is called for a spin lock."),
    bug("keeps_the_lock_of_its_queue", "ObjectLock", "A callback returns without releasing the lock of a queue.").later(),
    bug("takes_the_lock_of_its_device_after_the_queues", "LockSequence", "The lock of a queue is acquired, then that of its device."),
    bug("takes_a_kernel_spin_lock_twice_in_the_dpc", "SpinLock", "A DPC acquires a KSPIN_LOCK that it holds, by KeAcquireSpinLockAtDpcLevel."),
    // completion.c
    bug("completes_twice", "DoubleCompletion", "The error path falls through to the completion."),
    bug("uses_a_completed_request", "RequestCompleted", "The information of a request is set after its completion."),
    bug("writes_to_a_completed_request", "BufAfterReqCompleted", "The output is written after the completion."),
    bug("completes_a_queued_request", "InvalidReqAccess", "A request that waits in a manual queue is completed."),
    bug("returns_more_than_the_buffer_has", "InformationTooLarge", "64 bytes are returned in a buffer of 4."),
    bug("completes_with_pending", "CompletePending", "A request is completed with STATUS_PENDING."),
    bug("forgets_the_request", "RequestAge", "EvtIoDeviceControl returns without completing, forwarding or keeping the request.").later(),
    bug("returns_what_it_did_not_write", "OutputNotWritten", "16 bytes are returned, but none was written.").in_scenario("wide"),
    bug("returns_what_lies_between_its_fields", "OutputNotWritten", "A structure is returned with four unwritten bytes between its fields.").in_scenario("wide"),
    bug("uses_the_memory_of_a_completed_request", "MemAfterReqCompleted", "The WDFMEMORY of a request's buffer is used after the completion."),
    bug("deletes_a_request", "ReqDelete", "WdfObjectDelete is called for a request of a queue."),
    bug("asks_a_read_for_input", "InputBufferAPI", "EvtIoRead calls WdfRequestRetrieveInputBuffer.").in_scenario("transfer"),
    bug("asks_a_write_for_output", "OutputBufferAPI", "EvtIoWrite calls WdfRequestRetrieveOutputBuffer.").in_scenario("transfer"),
    bug("asks_for_a_file_object", "FileObjectConfigured", "WdfRequestGetFileObject is called, and WdfDeviceInitSetFileObjectConfig was not."),
    // sending.c
    bug("sends_what_it_did_not_format", "RequestFormattedValid", "A request that was not formatted is sent."),
    bug("sends_a_cancelable_request", "ReqMarkCancelableSend", "A cancelable request is sent."),
    bug("sends_with_the_lock", "ReqSendWhileSpinlock", "A request is sent with a spin lock held."),
    bug("sends_synchronously_in_the_dpc", "WdfRequestSendSyncAtDispatch", "A DPC sends a request and waits for it."),
    bug("completes_its_own_request", "ReqDelete", "A request that the driver created is completed."),
    bug("deletes_a_request_that_is_below", "InvalidReqAccess", "A request that was sent and is not completed yet is deleted."),
    bug("asks_a_request_without_a_target", "RequestWithoutIrp", "The status of a request without a target is read."),
    bug("sends_and_is_not_told", "ReqCompletionRoutine", "An app's request is sent without a completion routine."),
    bug("forgets_what_it_has_formatted", "RequestSendAndForgetNoFormatting", "A request is formatted, sent and forgotten."),
    bug("forgets_a_request_of_its_own", "RequestSendAndForgetNoFormatting", "A request that the driver created is formatted, sent and forgotten."),
    bug("asks_for_the_end_of_what_it_has_not_sent", "RequestGetStatusValid", "WdfRequestGetStatus is called for a request that was not sent."),
    bug("waits_without_a_limit", "SyncReqSend2", "A request is sent and waited for without a timeout."),
    bug("sends_a_read_as_a_write", "ReadReqs", "A read request is sent by WdfIoTargetSendWriteSynchronously.").in_scenario("transfer"),
    bug("sends_a_write_as_a_read", "WriteReqs", "A write request is sent by WdfIoTargetSendReadSynchronously.").in_scenario("transfer"),
    bug("sends_a_control_request_as_an_internal_one", "IoctlReqs", "A control request is sent by WdfIoTargetSendInternalIoctlSynchronously."),
    // cancel.c
    bug("marks_cancelable_twice", "MarkCancOnCancReq", "A cancelable request is marked cancelable again."),
    bug("completes_while_cancelable", "ReqNotCanceled", "The DPC completes without WdfRequestUnmarkCancelable."),
    bug("asks_a_cancelable_request", "ReqIsCancOnCancReq", "WdfRequestIsCanceled is called for a cancelable request."),
    bug("forwards_a_cancelable_request", "ReqIsCancOnCancReq", "A cancelable request is forwarded."),
    bug("unmarks_what_is_not_cancelable", "UnmarkNotCancelable", "WdfRequestUnmarkCancelable is called for a request that was never marked."),
    // queues.c
    bug("changes_a_queue_twice", "ChangeQueueState", "A queue is stopped while it is being stopped."),
    bug("purges_its_queue_synchronously", "NoIoQueuePurgeSynchronously", "EvtIoDeviceControl waits until its queue is empty."),
    bug("retrieves_from_a_sequential_queue", "WdfIoQueueRetrieveNextRequest", "A request is retrieved from a sequential queue that presents its requests itself."),
    bug("retrieves_a_found_request_elsewhere", "WdfIoQueueRetrieveFoundRequest", "A found request is retrieved from a queue that is not manual."),
    bug("forwards_a_request_to_its_own_queue", "InvalidOperation", "A request is forwarded to the queue that presented it."),
    bug("deletes_its_default_queue", "BadDelete", "WdfObjectDelete is called for the default queue."),
    bug("retrieves_what_it_did_not_find", "WdfIoQueueFindRequestFailed", "WdfIoQueueRetrieveFoundRequest is called after WdfIoQueueFindRequest has failed."),
    bug("retrieves_the_next_instead_of_what_it_found", "WdfIoQueueRetrieveNextRequest", "WdfIoQueueRetrieveNextRequest is called while the driver has a reference of a request that it has found."),
    bug("dispatches_an_irp_from_elsewhere", "FwdIrpToIoQueueValid", "EvtIoDeviceControl calls WdfDeviceWdmDispatchIrpToIoQueue."),
    // power.c
    bug("ignores_evt_io_stop", "DrvAckIoStop", "EvtIoStop ignores a request that the device never finishes.").in_scenario("hang").later(),
    bug("acknowledges_a_stop_that_is_none", "StopAckWithinEvtIoStop", "WdfRequestStopAcknowledge is called outside EvtIoStop."),
    bug("requeues_while_cancelable", "EvtIoStopCancel", "EvtIoStop requeues a cancelable request.").in_scenario("hang"),
    bug("gives_up_power_policy_ownership", "FDOPowerPolicyOwnerAPI", "The function driver gives up the power policy."),
    bug("enters_d0_in_pageable_code", "PagedCodeAtD0", "EvtDeviceD0Entry is in a pageable section.").later(),
    bug("resumes_idle_once_too_often", "PowerReference", "WdfDeviceResumeIdle is called without WdfDeviceStopIdle."),
    bug("allows_a_stop_that_it_has_not_forbidden", "StaticStopRemove", "The driver allows a stop that it has not forbidden before."),
    bug("changes_who_times_idleness", "IdleTimeoutType", "The driver times the device's idleness, and later sets the system to do it."),
    bug("refuses_its_hardware_as_not_supported", "PnpNotSupported", "EvtDevicePrepareHardware returns STATUS_NOT_SUPPORTED.").later(),
    bug("purges_its_queue_at_surprise_removal", "EvtSurpriseRemoveNoSuspendQueue", "EvtDeviceSurpriseRemoval purges the queue.").in_scenario("surprise-removal"),
    bug("completes_at_surprise_removal", "EvtSurpriseRemoveNoRequestComplete", "EvtDeviceSurpriseRemoval completes the waiting request.").in_scenario("surprise-removal"),
    bug("lets_a_lost_device_be_waited_for", "RequestAge", "A request waits in a queue that is not power-managed, and the driver does not end it when the device is surprise-removed.").in_scenario("surprise-removal").later(),
    bug("cancels_at_surprise_removal", "NoCancelFromEvtSurpriseRemove", "EvtDeviceSurpriseRemoval calls WdfRequestCancelSentRequest.").in_scenario("surprise-removal"),
    bug("asks_for_parameters_when_it_stops", "EvtIoStopGetParam", "EvtIoStop calls WdfRequestGetParameters.").in_scenario("hang"),
    bug("asks_for_parameters_when_it_resumes", "EvtIoResumeGetParam", "EvtIoResume calls WdfRequestGetParameters.").in_scenario("hang"),
    bug("leaves_its_target_started", "FailD0EntryIoTargetState", "EvtDeviceD0Entry starts an I/O target and fails.").later(),
    bug("has_a_policy_that_is_not_its_own", "NonFDONotPowerPolicyOwnerAPI", "A filter calls WdfDeviceInitSetPowerPolicyEventCallbacks.").later(),
    bug("takes_three_minutes_to_stop", "PowerTooLong", "EvtDeviceD0ExitPreInterruptsDisabled sleeps for three minutes.").later(),
    // objects.c
    bug("names_a_level_for_requests", "ObjectAttributes", "An execution level is specified for requests, which have none."),
    bug("names_a_parent_for_requests", "ParentObject", "A parent is specified for requests, whose parent the framework chooses."),
    bug("mistakes_a_handle", "InvalidHandle", "A wait lock is acquired as a spin lock."),
    bug("uses_a_deleted_lock", "UseAfterDelete", "A spin lock is acquired after it was deleted."),
    bug("deletes_its_interrupt", "BadDelete", "WdfObjectDelete is called for a WDFINTERRUPT."),
    bug("dereferences_once_too_often", "BadDereference", "An object is referenced once and dereferenced twice."),
    bug("keeps_a_reference", "ObjectLeak", "An object is referenced and never dereferenced.").later(),
    bug("succeeds_without_a_device", "DeviceCreateFail", "EvtDriverDeviceAdd succeeds without WdfDeviceCreate.").later(),
    bug("keeps_device_init", "DeviceInitAPI", "A WDFDEVICE_INIT is changed after WdfDeviceCreate took it."),
    bug("finishes_a_device_of_pnp", "DeviceKind", "WdfControlFinishInitializing is called for a PnP device."),
    bug("tells_pnp_of_a_control_device", "DeviceKind", "WdfDeviceSetDeviceState is called for a control device."),
    bug("queues_a_dpc_it_did_not_initialize", "InvalidDpc", "A KDPC is queued without KeInitializeDpc."),
    bug("sets_an_event_it_did_not_initialize", "InvalidEvent", "A KEVENT is set without KeInitializeEvent."),
    bug("cancels_a_timer_it_did_not_initialize", "InvalidTimer", "A KTIMER is canceled without KeInitializeTimer."),
    bug("leaves_a_registry_key_open", "RegistryKeyLeak", "A registry key of the device is opened without a parent and not closed.").later(),
    bug("frees_a_work_item_it_did_not_allocate", "InvalidWorkItem", "Pool is freed by IoFreeWorkItem."),
    bug("frees_an_init_twice", "DoubleDeviceInitFree", "WdfDeviceInitFree is called twice."),
    bug("creates_a_device_from_a_freed_init", "InitFreeDeviceCreateType2", "WdfDeviceCreate is called after WdfDeviceInitFree."),
    bug("forgets_an_init", "InitFreeDeviceCallback", "A WDFDEVICE_INIT of WdfControlDeviceInitAllocate is neither used nor freed.").later(),
    bug("creates_a_device_that_was_not_given_its_name", "InitFreeDeviceCreate", "WdfDeviceCreate is called although WdfDeviceInitAssignName has failed."),
    bug("forgets_the_init_of_a_device_it_did_not_get", "InitFreeDeviceCreateType4", "WdfDeviceCreate fails, and WdfDeviceInitFree is not called.").later(),
    bug("changes_the_init_of_a_control_device", "ControlDeviceInitAPI", "The WDFDEVICE_INIT of a control device is changed after WdfDeviceCreate took it."),
    bug("invents_an_init", "DeviceInitAllocate", "WdfDeviceCreate is called with a pointer to other memory."),
    bug("frees_the_init_of_a_device", "InitFreeNull", "WdfDeviceInitFree is called with the pointer that WdfDeviceCreate has set to NULL."),
    bug("does_not_finish_its_control_device", "CtlDeviceFinishInitDeviceAdd", "EvtDriverDeviceAdd creates a control device and does not finish it.").later(),
    bug("never_finishes_the_control_device_of_its_entry", "CtlDeviceFinishInitDrEntry", "DriverEntry creates a control device, and nobody finishes it.").later(),
    bug("hears_nothing_of_its_end", "Cleanup4CtlDeviceRegistered", "The driver has a control device, and no callback for the end of a device.").later(),
    bug("never_deletes_its_control_device", "ControlDeviceDeleted", "The control device is not deleted when the last device goes.").later(),
    bug("creates_a_device_without_the_framework", "MiniportOnlyWdmDevice", "IoCreateDevice is called."),
    // memory.c
    bug("writes_through_a_null_pointer", "AccessViolation", "The driver writes through a null pointer."),
    bug("writes_to_freed_pool", "AccessViolation", "Pool is written after it was freed."),
    bug("writes_behind_its_pool", "AccessViolation", "The byte behind a pool allocation is written."),
    bug("passes_a_wild_pointer_to_the_framework", "InvalidPointer", "A wild pointer is passed to WdfInterruptGetInfo."),
    bug("writes_behind_a_buffer", "BufferOverrun", "The byte behind a WDFMEMORY's buffer is written."),
    bug("writes_behind_its_context", "ContextOverrun", "The byte behind an object's context space is written."),
    bug("frees_with_another_tag", "BadFree", "Pool is freed with another tag than it was allocated with."),
    bug("frees_twice", "BadFree", "Pool is freed twice."),
    bug("allocates_without_a_tag", "PoolTag", "Pool is allocated with the tag 0."),
    bug("leaks_pool", "PoolLeak", "A pointer to pool is overwritten.").later(),
    bug("maps_nothing", "MapIoSpace", "A BAR is mapped with length 0."),
    bug("maps_the_raw_address", "MapIoSpace", "The address of the raw resources is mapped, not that of the translated ones."),
    bug("maps_more_than_its_bar", "MapIoSpace", "One page more than a BAR has is mapped."),
    bug("maps_registers_cached", "MapIoSpaceCached", "A BAR is mapped without PAGE_NOCACHE."),
    bug("leaks_an_mdl", "PoolLeak", "An MDL is allocated and not freed.").later(),
    bug("leaks_a_work_item", "PoolLeak", "An IO_WORKITEM is allocated and not freed.").later(),
    bug("leaks_pool_when_it_does_not_load", "PoolLeak", "DriverEntry allocates pool and fails without freeing it.").later(),
    bug("leaves_a_timer_when_it_does_not_load", "PendingAtUnload", "DriverEntry sets a KTIMER and fails without canceling it.").later(),
    bug("unmaps_half_a_bar", "UnmapIoSpace", "A BAR is unmapped with half of its length."),
    bug("assigns_a_buffer_to_memory_that_has_one", "MemoryAssign", "A buffer is assigned to a WDFMEMORY that was created with one."),
    bug("recurses_too_deep", "StackOverflow", "A callback uses 64 KiB of stack."),
    bug("keeps_a_mapping", "MappingLeak", "A BAR is mapped twice and unmapped once.").later(),
    bug("demands_pool", "MustSucceedPool", "Pool is allocated as NonPagedPoolMustSucceed."),
    bug("frees_a_timer_that_is_set", "TimerOrDpcFreed", "Pool that contains a set KTIMER is freed."),
    bug("forgets_a_timer", "PendingAtUnload", "A KTIMER is set in EvtDriverUnload and not canceled.").later(),
    // interrupts.c
    bug("queues_the_dpc_from_elsewhere", "DpcOnlyFromIsr", "EvtIoDeviceControl calls WdfInterruptQueueDpcForIsr."),
    bug("disowns_its_interrupt", "InterruptStorm", "The ISR returns FALSE while its device asserts the line.").in_scenario("line").later(),
    bug("does_not_acknowledge", "IsrUnacked", "The ISR returns TRUE without acknowledging at the device.").in_scenario("line").later(),
    bug("enables_what_is_connected", "InterruptConnected", "WdfInterruptEnable is called for an interrupt that is connected."),
    bug("sets_the_policy_too_late", "InterruptPolicy", "The policy of an interrupt is set after its resources were assigned."),
    bug("handles_messages_at_passive_level", "PassiveMessageSignaled", "PassiveHandling is set, and the INF asks for messages.").later(),
    bug("claims_every_interrupt", "IsrClaimedForeign", "The ISR returns TRUE for an interrupt of the device with which it shares the line.").in_scenario("shared").later(),
    bug("polls_in_the_isr", "IsrTooLong", "The ISR reads a register 100 times."),
    bug("stalls_in_the_dpc", "DpcTooLong", "A DPC stalls the processor for 500 µs."),
    bug("polls_for_ever", "CallbackNeverEnds", "A callback polls for a bit that is never set."),
    bug("queues_its_dpc_to_the_last", "InterruptNotConnected", "The ISR queues its DPC after the framework has flushed it, and the DPC takes the lock of an interrupt that is disconnected.").by(Hunt::Boundaries(Cause::Raise)).later(),
    bug("stalls_with_the_lock_of_the_dpc", "DpcTooLong", "A thread stalls the processor for 1 ms while it holds the spin lock that the DPC acquires.").by(Hunt::Seeds).later(),
    bug("leaves_its_interrupt_on", "InterruptLeftOn", "EvtDeviceD0Exit does not tell the device to stop interrupting.").later(),
    // registers.c
    bug("reads_a_byte_of_a_register", "RegisterWidth", "One byte of a register of four is read."),
    bug("reads_where_there_is_no_register", "RegisterUndecoded", "An offset without a register is read."),
    bug("writes_while_the_device_computes", "RegisterBusy", "The operand is written twice."),
    bug("reads_a_register_after_d0", "RegisterOutsideD0", "EvtDeviceReleaseHardware reads a register."),
    // dma.c
    bug("transfers_from_above_the_mask", "DmaOutOfMask", "A transfer is started at 4 GiB on a device with 28 address bits."),
    bug("forgets_how_far_the_device_reaches", "DmaOutOfMask", "A common buffer is created with 32 address bits, but the device has 28."),
    bug("transfers_behind_the_buffer", "DmaOutOfBounds", "A transfer of 16 bytes is started 8 bytes before the end of the device's memory."),
    bug("starts_a_second_transfer", "DmaWhileRunning", "A transfer is programmed while one runs."),
    bug("sets_no_elements", "DmaEnabler", "The number of scatter/gather elements is set to 0."),
    bug("ends_a_transfer_that_has_not_begun", "DmaTransactionState", "WdfDmaTransactionDmaCompleted is called for a transaction that was not executed."),
    bug("reports_more_than_was_mapped", "DmaTransactionLength", "4096 bytes are reported for a transfer of 64."),
    bug("releases_what_transfers", "DmaTransactionState", "WdfDmaTransactionRelease is called while a transfer is under way."),
    bug("deletes_what_transfers", "DmaTransactionState", "A transaction is deleted while a transfer is under way."),
    bug("executes_at_once_with_version_2", "DmaVersion", "WdfDmaTransactionSetImmediateExecution is called for an enabler without version 3."),
    bug("completes_what_transfers", "DmaRequestCompleted", "A request is completed while its buffer is transferred."),
    // calls.c
    bug("fails_with_an_unknown_action", "BadArgument", "WdfDeviceSetFailed is called with an unknown action."),
    bug("forgets_an_init_helper", "StructureSize", "A WDF_INTERRUPT_INFO is zeroed, but its _INIT function is not called."),
    bug("asks_for_an_io_type_there_is_not", "BadArgument", "WdfDeviceInitSetIoType is called with WdfDeviceIoUndefined."),
    bug("binds_with_a_wrong_count", "FunctionCount", "WdfVersionBind is called with the function count of another version."),
    bug("unbinds_what_it_did_not_bind", "Unbind", "WdfVersionUnbind is called without the globals."),
    bug("cannot_be_unloaded", "DriverUnload", "DriverUnload of the driver object is cleared.").later(),
    bug("removes_what_is_in_no_collection", "CollectionItem", "An object is removed from a collection that does not contain it."),
    bug("writes_to_its_resource_list", "ResourceList", "A descriptor of the resource list is changed.").later(),
    bug("unregisters_a_provider_twice", "EtwUnregister", "An ETW provider is unregistered twice."),
    bug("stays_registered_when_it_does_not_load", "EtwUnregister", "DriverEntry registers an ETW provider and fails without unregistering it.").later(),
    bug("writes_an_event_of_too_many_pieces", "EtwWrite", "An event of 200 pieces is written."),
    // processor.c
    bug("registers_data_as_a_callback", "BadCallback", "EvtInterruptIsr is a pointer to data.").later(),
    bug("breaks_into_the_debugger", "Breakpoint", "The driver executes int3."),
    bug("executes_no_instruction", "InvalidOpcode", "The driver executes ud2."),
    bug("divides_by_zero", "DivideError", "The driver divides by 0."),
    bug("fails_fast", "FastFail", "The driver executes int 29h, as it would for a damaged stack cookie."),
    bug("halts_the_processor", "PrivilegedInstruction", "The driver executes hlt."),
    bug("ends_the_system", "KeBugCheckEx", "The driver calls KeBugCheckEx."),
    // races.c
    bug("ignores_that_it_is_canceled", "CompleteCanceledReq", "The DPC completes although WdfRequestUnmarkCancelable returns STATUS_CANCELLED.").by(Hunt::Boundaries(Cause::Cancel)).in_scenario("life").later(),
    bug("cancels_without_the_lock", "BufAfterReqCompleted", "EvtRequestCancel completes the request before it takes it from the DPC, which writes to its buffer.").by(Hunt::Boundaries(Cause::Cancel)).later(),
    bug("takes_the_request_without_the_lock", "RequestCompleted", "The DPC takes the request without the lock that EvtRequestCancel acquires.").by(Hunt::Boundaries(Cause::Cancel)),
    bug("overwrites_the_causes", "", "The ISR overwrites causes that no DPC has taken yet.").found_as(Verdict::Lost).by(Hunt::Boundaries(Cause::Raise)),
    bug("acknowledges_what_it_did_not_read", "", "The ISR acknowledges all causes, including one that was raised after it read them.").found_as(Verdict::Lost).by(Hunt::Boundaries(Cause::Device)).in_scenario("raised"),
    bug("takes_the_causes_without_the_lock", "", "The DPC reads and clears the causes without the interrupt's lock.").found_as(Verdict::Lost).by(Hunt::Boundaries(Cause::Device)).in_scenario("raised"),
    bug("begins_before_it_is_ready", "", "The driver starts the device before it stores the request, without a lock.").found_as(Verdict::Lost).by(Hunt::Seeds).in_scenario("life").later(),
    bug("leaks_when_out_of_memory", "PoolLeak", "The first allocation is not freed when the second fails.").later().by(Hunt::FailingCalls),
    bug("uses_memory_it_did_not_get", "AccessViolation", "The status of WdfMemoryCreate is not checked.").by(Hunt::FailingCalls),
    // unordered.c
    bug("looks_at_the_causes", "DataRace", "EvtIoDeviceControl reads what the ISR writes, without the interrupt's lock.").by(Hunt::Races).in_scenario("life"),
    bug("looks_at_the_request", "DataRace", "A timer's callback reads the current request without the lock.").by(Hunt::Races),
    bug("counts_in_the_work_item", "DataRace", "A work item counts without the lock in what requests count in with it.").by(Hunt::Races),
    bug("takes_it_back_without_the_lock", "DataRace", "EvtRequestCancel takes the request without the lock that the DPC acquires.").by(Hunt::Races).in_scenario("canceled"),
    bug("takes_it_back_under_another_lock", "DataRace", "EvtRequestCancel takes the request under a wait lock, the DPC under a spin lock.").by(Hunt::Races).in_scenario("canceled"),
    bug("clears_the_causes_early", "DataRace", "The DPC reads the causes with the interrupt's lock, and clears them behind it.").by(Hunt::Races).in_scenario("life"),
    bug("tells_the_isr_without_the_lock", "DataRace", "EvtDeviceD0ExitPreInterruptsDisabled writes without the lock what the ISR reads with it.").by(Hunt::Races).in_scenario("canceled"),
    bug("counts_for_all_devices", "DataRace", "The requests of two devices are counted in a global variable without a lock.").by(Hunt::Races).in_scenario("shared"),
    bug("counts_atomically_at_times", "DataRace", "A global variable is incremented atomically for one device, and not for the other.").by(Hunt::Races).in_scenario("shared"),
    bug("resets_what_the_isr_adds_to", "DataRace", "A timer's callback clears bits of what the ISR adds to, without the interrupt's lock.").by(Hunt::Races),
];
