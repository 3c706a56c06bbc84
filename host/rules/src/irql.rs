//! IRQL: the highest at which each function may be called, and what may lower or raise it.

use crate::rule::declare;

declare! { Irql:
    KMDF_IRQL = Framework "KmdfIrql", "KMDF Verifier: FxVerifierCheckIrqlLevel (fxverifier.h), and 0x10D, 0xE WDF_VERIFIER_IRQL_MISMATCH (vfprivkm.hpp); KmdfIrql, KmdfIrql2 (DDI compliance)",
        "A framework function is called at an IRQL that it allows, and a callback returns at the IRQL at which it was called.";
    IRQL_TOO_HIGH = System "IrqlTooHigh", "Driver Verifier: bug check 0xC4; Irql* (DDI compliance for WDM); each function's documentation",
        "A kernel function is called at an IRQL that it allows.";
    PAGED_CODE_IRQL = System "PagedCodeIrql", "bug check 0xD1; PAGED_CODE",
        "Code in a pageable section (named PAGE…) runs below DISPATCH_LEVEL.";
    PAGED_POOL_IRQL = System "PagedPoolIrql", "bug check 0xC4, 0x1; IrqlExAllocatePool (DDI compliance for WDM)",
        "Paged pool is allocated at APC_LEVEL or below.";
}
