//! DMA: the framework's objects, and what a device says of its transfers.

use crate::rule::declare;

declare! { Dma:
    DMA_ENABLER = Own "DmaEnabler", "WdfDmaEnablerSetMaximumScatterGatherElements: KMDF ignores 0 (fxdmaenablerapi.cpp)",
        "The maximum number of elements of a transfer is at least 1.";
    DMA_VERSION = Framework "DmaVersion", "KMDF: WdfDmaTransactionSetImmediateExecution and similar functions break (fxdmatransactionapi.cpp)",
        "A function that needs version 3 of the DMA operations is called only for an enabler that uses it.";
    DMA_TRANSACTION_LENGTH = Framework "DmaTransactionLength", "KMDF: FxDmaTransactionBase::DmaCompleted breaks, STATUS_INVALID_PARAMETER (fxdmatransactionbase.cpp)",
        "A transfer is reported as completed with no more bytes than were mapped for it.";
    DMA_TRANSACTION_STATE = Framework "DmaTransactionState", "KMDF: 0x10D, 0x8 WDF_DMA_FATAL_ERROR (fxdmatransactionbase.cpp)",
        "The functions of a DMA transaction are called in this order: initialize, execute, completed, release. A transaction is not released or deleted during a transfer.";
    DMA_REQUEST_COMPLETED = Own "DmaRequestCompleted", "kmdf-host; WdfDmaTransactionInitializeUsingRequest",
        "A request is not completed while a DMA transfer of its buffer is under way: the device would reach memory that is somebody else's.";
    DMA_OUT_OF_MASK = Own "DmaOutOfMask", "kmdf-host; the device's specification",
        "A transfer uses only memory that the device can address.";
    DMA_OUT_OF_BOUNDS = Own "DmaOutOfBounds", "kmdf-host; the device's specification",
        "A transfer stays inside the device's own memory.";
    DMA_WHILE_RUNNING = Own "DmaWhileRunning", "kmdf-host; the device's specification",
        "The registers of a DMA engine are not written while it transfers.";
}
