//! The `…_INIT` functions of wdf.h: each structure as the framework wants it before anything is set.
//!
//! A structure that is only zeroed is wrong in ways that show late: no `Size`, a parallel queue that presents no
//! request, a synchronization scope that does not exist.

use wdk_sys::{
    _WDF_EXECUTION_LEVEL::WdfExecutionLevelInheritFromParent,
    _WDF_FILEOBJECT_CLASS::WdfFileObjectWdfCannotUseFsContexts,
    _WDF_IO_QUEUE_DISPATCH_TYPE::WdfIoQueueDispatchParallel,
    _WDF_SYNCHRONIZATION_SCOPE::WdfSynchronizationScopeInheritFromParent,
    _WDF_TRI_STATE::WdfUseDefault, PFN_WDF_DPC, PFN_WDF_DRIVER_DEVICE_ADD, PFN_WDF_INTERRUPT_ISR,
    PFN_WDF_TIMER, PFN_WDF_WORKITEM, ULONG, USHORT, WDF_DMA_ENABLER_CONFIG, WDF_DMA_PROFILE,
    WDF_DPC_CONFIG, WDF_DRIVER_CONFIG, WDF_FILEOBJECT_CONFIG, WDF_INTERRUPT_CONFIG,
    WDF_INTERRUPT_EXTENDED_POLICY, WDF_INTERRUPT_INFO, WDF_IO_QUEUE_CONFIG,
    WDF_IO_QUEUE_DISPATCH_TYPE, WDF_OBJECT_ATTRIBUTES, WDF_PNPPOWER_EVENT_CALLBACKS,
    WDF_REQUEST_PARAMETERS, WDF_TIMER_CONFIG, WDF_WORKITEM_CONFIG,
};

/// The `Size` field of a framework structure.
#[expect(
    clippy::cast_possible_truncation,
    reason = "no framework structure comes near 4 GiB"
)]
pub(crate) const fn size_field<T>() -> ULONG {
    size_of::<T>() as ULONG
}

/// `WDF_DRIVER_CONFIG_INIT`
pub(crate) fn driver_config(device_add: PFN_WDF_DRIVER_DEVICE_ADD) -> WDF_DRIVER_CONFIG {
    WDF_DRIVER_CONFIG {
        Size: size_field::<WDF_DRIVER_CONFIG>(),
        EvtDriverDeviceAdd: device_add,
        ..WDF_DRIVER_CONFIG::default()
    }
}

/// `WDF_OBJECT_ATTRIBUTES_INIT`
pub(crate) fn object_attributes() -> WDF_OBJECT_ATTRIBUTES {
    WDF_OBJECT_ATTRIBUTES {
        Size: size_field::<WDF_OBJECT_ATTRIBUTES>(),
        ExecutionLevel: WdfExecutionLevelInheritFromParent,
        SynchronizationScope: WdfSynchronizationScopeInheritFromParent,
        ..WDF_OBJECT_ATTRIBUTES::default()
    }
}

/// `WDF_PNPPOWER_EVENT_CALLBACKS_INIT`
pub(crate) fn pnp_power_callbacks() -> WDF_PNPPOWER_EVENT_CALLBACKS {
    WDF_PNPPOWER_EVENT_CALLBACKS {
        Size: size_field::<WDF_PNPPOWER_EVENT_CALLBACKS>(),
        ..WDF_PNPPOWER_EVENT_CALLBACKS::default()
    }
}

/// `WDF_FILEOBJECT_CONFIG_INIT`, without callbacks.
pub(crate) fn file_object_config() -> WDF_FILEOBJECT_CONFIG {
    WDF_FILEOBJECT_CONFIG {
        Size: size_field::<WDF_FILEOBJECT_CONFIG>(),
        AutoForwardCleanupClose: WdfUseDefault,
        FileObjectClass: WdfFileObjectWdfCannotUseFsContexts,
        ..WDF_FILEOBJECT_CONFIG::default()
    }
}

/// `WDF_IO_QUEUE_CONFIG_INIT`
pub(crate) fn io_queue_config(dispatch: WDF_IO_QUEUE_DISPATCH_TYPE) -> WDF_IO_QUEUE_CONFIG {
    let mut config = WDF_IO_QUEUE_CONFIG {
        Size: size_field::<WDF_IO_QUEUE_CONFIG>(),
        DispatchType: dispatch,
        PowerManaged: WdfUseDefault,
        ..WDF_IO_QUEUE_CONFIG::default()
    };
    if dispatch == WdfIoQueueDispatchParallel {
        // No limit. 0 would be one: no request is ever presented.
        config.Settings.Parallel.NumberOfPresentedRequests = ULONG::MAX;
    }
    config
}

/// `WDF_INTERRUPT_CONFIG_INIT`, without the DPC, which not every interrupt has.
pub(crate) fn interrupt_config(isr: PFN_WDF_INTERRUPT_ISR) -> WDF_INTERRUPT_CONFIG {
    WDF_INTERRUPT_CONFIG {
        Size: size_field::<WDF_INTERRUPT_CONFIG>(),
        ShareVector: WdfUseDefault,
        ReportInactiveOnPowerDown: WdfUseDefault,
        EvtInterruptIsr: isr,
        ..WDF_INTERRUPT_CONFIG::default()
    }
}

/// `WDF_INTERRUPT_EXTENDED_POLICY_INIT`
pub(crate) fn interrupt_extended_policy() -> WDF_INTERRUPT_EXTENDED_POLICY {
    WDF_INTERRUPT_EXTENDED_POLICY {
        Size: size_field::<WDF_INTERRUPT_EXTENDED_POLICY>(),
        ..WDF_INTERRUPT_EXTENDED_POLICY::default()
    }
}

/// `WDF_INTERRUPT_INFO_INIT`
pub(crate) fn interrupt_info() -> WDF_INTERRUPT_INFO {
    WDF_INTERRUPT_INFO {
        Size: size_field::<WDF_INTERRUPT_INFO>(),
        ..WDF_INTERRUPT_INFO::default()
    }
}

/// `WDF_DPC_CONFIG_INIT`
pub(crate) fn dpc_config(callback: PFN_WDF_DPC) -> WDF_DPC_CONFIG {
    WDF_DPC_CONFIG {
        Size: size_field::<WDF_DPC_CONFIG>(),
        EvtDpcFunc: callback,
        AutomaticSerialization: true.into(),
    }
}

/// `WDF_TIMER_CONFIG_INIT`
pub(crate) fn timer_config(callback: PFN_WDF_TIMER) -> WDF_TIMER_CONFIG {
    WDF_TIMER_CONFIG {
        Size: size_field::<WDF_TIMER_CONFIG>(),
        EvtTimerFunc: callback,
        AutomaticSerialization: true.into(),
        ..WDF_TIMER_CONFIG::default()
    }
}

/// `WDF_WORKITEM_CONFIG_INIT`
pub(crate) fn work_item_config(callback: PFN_WDF_WORKITEM) -> WDF_WORKITEM_CONFIG {
    WDF_WORKITEM_CONFIG {
        Size: size_field::<WDF_WORKITEM_CONFIG>(),
        EvtWorkItemFunc: callback,
        AutomaticSerialization: true.into(),
    }
}

/// `WDF_DMA_ENABLER_CONFIG_INIT`
pub(crate) fn dma_enabler_config(
    profile: WDF_DMA_PROFILE,
    longest_bytes: usize,
) -> WDF_DMA_ENABLER_CONFIG {
    WDF_DMA_ENABLER_CONFIG {
        Size: size_field::<WDF_DMA_ENABLER_CONFIG>(),
        Profile: profile,
        MaximumLength: longest_bytes,
        ..WDF_DMA_ENABLER_CONFIG::default()
    }
}

/// `WDF_REQUEST_PARAMETERS_INIT`
pub(crate) fn request_parameters() -> WDF_REQUEST_PARAMETERS {
    #[expect(clippy::cast_possible_truncation, reason = "it has 40 bytes")]
    const SIZE: USHORT = size_of::<WDF_REQUEST_PARAMETERS>() as USHORT;
    WDF_REQUEST_PARAMETERS {
        Size: SIZE,
        ..WDF_REQUEST_PARAMETERS::default()
    }
}
