//! DMA: the framework's objects, and what a device says of its transfers.

use super::rule::rules;

rules! { Dma:
    DMA_ENABLER = "DmaEnabler", "WdfDmaEnablerSetMaximumScatterGatherElements",
        "The number of elements is set for an enabler with scatter/gather, to 1 at least.";
    DMA_TRANSACTION_LENGTH = "DmaTransactionLength", "WdfDmaTransactionDmaCompletedWithLength",
        "A transfer is reported with no more bytes than were mapped for it.";
    DMA_TRANSACTION_STATE = "DmaTransactionState", "WdfDmaTransactionInitialize, WdfDmaTransactionExecute, WdfDmaTransactionDmaCompleted",
        "The functions of a DMA transaction are called in their order: initialize, execute, completed.";
    DMA_OUT_OF_MASK = "DmaOutOfMask", "kmdf-host; the device's specification",
        "A transfer is started at memory that the device can address.";
    DMA_OUT_OF_BOUNDS = "DmaOutOfBounds", "kmdf-host; the device's specification",
        "A transfer is started inside the device's own memory.";
    DMA_WHILE_RUNNING = "DmaWhileRunning", "kmdf-host; the device's specification",
        "The registers of a DMA engine are not written while it transfers.";
}
