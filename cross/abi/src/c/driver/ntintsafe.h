#include "ntifs.h"

/* Arithmetic that fails instead of wrapping around: the result is then all ones. */
#define INTSAFE_MAX_ULONG 0xFFFFFFFFUL
#define KMDF_ABI_SAFE(NAME, TYPE, OPERATION, CALCULATE)                                    \
    FORCEINLINE NTSTATUS Rtl##NAME##OPERATION(TYPE Left, TYPE Right, TYPE *Result) {       \
        if (!CALCULATE(Left, Right, Result))                                               \
            return STATUS_SUCCESS;                                                         \
        *Result = (TYPE)~(TYPE)0;                                                          \
        return STATUS_INTEGER_OVERFLOW;                                                    \
    }
#define KMDF_ABI_SAFE_ALL(NAME, TYPE)                          \
    KMDF_ABI_SAFE(NAME, TYPE, Add, __builtin_add_overflow)     \
    KMDF_ABI_SAFE(NAME, TYPE, Sub, __builtin_sub_overflow)     \
    KMDF_ABI_SAFE(NAME, TYPE, Mult, __builtin_mul_overflow)
KMDF_ABI_SAFE_ALL(UShort, USHORT)
KMDF_ABI_SAFE_ALL(UInt, UINT)
KMDF_ABI_SAFE_ALL(ULong, ULONG)
KMDF_ABI_SAFE_ALL(ULongLong, ULONGLONG)
KMDF_ABI_SAFE_ALL(ULongPtr, ULONG_PTR)
KMDF_ABI_SAFE_ALL(SIZET, SIZE_T)
#define RtlSizeTAdd RtlSIZETAdd
#define RtlSizeTSub RtlSIZETSub
#define RtlSizeTMult RtlSIZETMult
#undef KMDF_ABI_SAFE_ALL
#undef KMDF_ABI_SAFE

/* Conversions that fail where the value does not fit. */
#define KMDF_ABI_CONVERT(FROM, FROM_TYPE, TO, TO_TYPE)                                     \
    FORCEINLINE NTSTATUS Rtl##FROM##To##TO(FROM_TYPE Operand, TO_TYPE *Result) {           \
        *Result = (TO_TYPE)Operand;                                                        \
        if ((FROM_TYPE)*Result == Operand && (*Result < 0) == (Operand < 0))               \
            return STATUS_SUCCESS;                                                         \
        *Result = (TO_TYPE)~(TO_TYPE)0;                                                    \
        return STATUS_INTEGER_OVERFLOW;                                                    \
    }
KMDF_ABI_CONVERT(ULong, ULONG, UShort, USHORT)
KMDF_ABI_CONVERT(ULong, ULONG, Long, LONG)
KMDF_ABI_CONVERT(Long, LONG, ULong, ULONG)
KMDF_ABI_CONVERT(ULongLong, ULONGLONG, ULong, ULONG)
KMDF_ABI_CONVERT(ULongLong, ULONGLONG, UInt, UINT)
KMDF_ABI_CONVERT(LongLong, LONGLONG, ULong, ULONG)
KMDF_ABI_CONVERT(SIZET, SIZE_T, ULong, ULONG)
KMDF_ABI_CONVERT(SIZET, SIZE_T, UShort, USHORT)
#define RtlSizeTToULong RtlSIZETToULong
#define RtlSizeTToUShort RtlSIZETToUShort
#undef KMDF_ABI_CONVERT
