#include "ntifs.h"

/* Security descriptors of control devices and of PDOs in raw mode, as documented for wdmsec.h. */
#define KMDF_ABI_SDDL(NAME, TEXT)                             \
    static const WCHAR NAME##_TEXT[] = TEXT;                  \
    __attribute__((unused)) static const UNICODE_STRING NAME = \
        {sizeof(TEXT) - sizeof(WCHAR), sizeof(TEXT), (PWSTR)NAME##_TEXT}
KMDF_ABI_SDDL(SDDL_DEVOBJ_KERNEL_ONLY, L"D:P");
KMDF_ABI_SDDL(SDDL_DEVOBJ_SYS_ALL, L"D:P(A;;GA;;;SY)");
KMDF_ABI_SDDL(SDDL_DEVOBJ_SYS_ALL_ADM_ALL, L"D:P(A;;GA;;;SY)(A;;GA;;;BA)");
KMDF_ABI_SDDL(SDDL_DEVOBJ_SYS_ALL_ADM_RX, L"D:P(A;;GA;;;SY)(A;;GRGX;;;BA)");
KMDF_ABI_SDDL(SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_R, L"D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GR;;;WD)");
KMDF_ABI_SDDL(SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_R_RES_R,
    L"D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GR;;;WD)(A;;GR;;;RC)");
KMDF_ABI_SDDL(SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_RW_RES_R,
    L"D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GRGW;;;WD)(A;;GR;;;RC)");
KMDF_ABI_SDDL(SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_RWX_RES_RWX,
    L"D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GRGWGX;;;WD)(A;;GRGWGX;;;RC)");
#undef KMDF_ABI_SDDL
