#define WDF_STRUCTURE_SIZE(S) sizeof(S)
#define IdleTimeoutDefaultValue IdleTimeoutDefaultConstant
#define WDF_NO_OBJECT_ATTRIBUTES NULL
#define WDF_NO_EVENT_CALLBACK NULL
#define WDF_NO_HANDLE NULL
#define WDF_NO_CONTEXT NULL
#define WDF_NO_SEND_OPTIONS NULL
#define KMDF_ABI_JOIN_(a, b, c) a##b##c
#define WDF_TYPE_NAME_TO_TYPE_INFO(T) KMDF_ABI_JOIN_(_WDF_, T, _TYPE_INFO)

/* Context types: the address of the structure is the type's identity, the same in every file. */
#define WDF_GET_CONTEXT_TYPE_INFO(T) (&WDF_TYPE_NAME_TO_TYPE_INFO(T))
#define WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(T, Get)                                      \
    extern const __declspec(selectany) WDF_OBJECT_CONTEXT_TYPE_INFO                     \
        WDF_TYPE_NAME_TO_TYPE_INFO(T) = {sizeof(WDF_OBJECT_CONTEXT_TYPE_INFO), (PCHAR)#T, \
            sizeof(T), &WDF_TYPE_NAME_TO_TYPE_INFO(T), NULL};                           \
    FORCEINLINE T *Get(WDFOBJECT Handle) {                                              \
        return (T *)WdfObjectGetTypedContextWorker(Handle, WDF_GET_CONTEXT_TYPE_INFO(T)); \
    }
#define WDF_DECLARE_CONTEXT_TYPE(T) WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(T, WdfObjectGet_##T)
#define WdfObjectGetTypedContext(Handle, T) \
    ((T *)WdfObjectGetTypedContextWorker((Handle), WDF_GET_CONTEXT_TYPE_INFO(T)))
#define WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(Attributes, T) \
    ((Attributes)->ContextTypeInfo = WDF_GET_CONTEXT_TYPE_INFO(T))
#define WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(Attributes, T) \
    (WDF_OBJECT_ATTRIBUTES_INIT(Attributes),                   \
        WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(Attributes, T))

/* Functions under the names that drivers call them by. */
#define WdfObjectReference(Handle) WdfObjectReferenceActual(Handle, NULL, __LINE__, __FILE__)
#define WdfObjectReferenceWithTag(Handle, Tag) \
    WdfObjectReferenceActual(Handle, Tag, __LINE__, __FILE__)
#define WdfObjectDereference(Handle) WdfObjectDereferenceActual(Handle, NULL, __LINE__, __FILE__)
#define WdfObjectDereferenceWithTag(Handle, Tag) \
    WdfObjectDereferenceActual(Handle, Tag, __LINE__, __FILE__)
#define WdfDeviceStopIdle(Device, WaitForD0) \
    WdfDeviceStopIdleActual(Device, WaitForD0, NULL, __LINE__, __FILE__)
#define WdfDeviceResumeIdle(Device) WdfDeviceResumeIdleActual(Device, NULL, __LINE__, __FILE__)
FORCEINLINE WDFDRIVER WdfGetDriver(void) {
    return (WDFDRIVER)WdfDriverGlobals->Driver;
}

/* For an interface whose provider counts no references. */
FORCEINLINE VOID WdfDeviceInterfaceReferenceNoOp(PVOID Context) {
    (void)Context;
}
FORCEINLINE VOID WdfDeviceInterfaceDereferenceNoOp(PVOID Context) {
    (void)Context;
}

/* What the framework's verifier would look at: the expression is evaluated, and nobody is told. */
#define WDFVERIFY(Expression) ((void)(Expression))

/* Time: units of 100 ns; negative values count from now. */
#define WDF_TIMEOUT_TO_US ((LONGLONG)10)
#define WDF_TIMEOUT_TO_MS ((LONGLONG)10 * 1000)
#define WDF_TIMEOUT_TO_SEC ((LONGLONG)10 * 1000 * 1000)
#define WDF_REL_TIMEOUT_IN_US(Time) (-(LONGLONG)(Time) * WDF_TIMEOUT_TO_US)
#define WDF_REL_TIMEOUT_IN_MS(Time) (-(LONGLONG)(Time) * WDF_TIMEOUT_TO_MS)
#define WDF_REL_TIMEOUT_IN_SEC(Time) (-(LONGLONG)(Time) * WDF_TIMEOUT_TO_SEC)
#define WDF_ABS_TIMEOUT_IN_US(Time) ((LONGLONG)(Time) * WDF_TIMEOUT_TO_US)
#define WDF_ABS_TIMEOUT_IN_MS(Time) ((LONGLONG)(Time) * WDF_TIMEOUT_TO_MS)
#define WDF_ABS_TIMEOUT_IN_SEC(Time) ((LONGLONG)(Time) * WDF_TIMEOUT_TO_SEC)
