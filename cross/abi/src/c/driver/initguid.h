/* From here on DEFINE_GUID defines, wherever ntddk.h was included. */
#ifndef INITGUID
#define INITGUID
#endif
#undef DEFINE_GUID
#ifdef __cplusplus
#define KMDF_ABI_GUID extern "C" const
#else
#define KMDF_ABI_GUID const
#endif
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) \
    KMDF_ABI_GUID GUID __declspec(selectany) name = {                \
        l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}
