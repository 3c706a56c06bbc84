#include "ntifs.h"
#include "stdarg.h"

/* Strings that never run over their end: what does not fit is cut, and the status says so. */
#define NTSTRSAFE_MAX_CCH 2147483647
#define NTSTRSAFE_UNICODE_STRING_MAX_CCH (0xFFFF / sizeof(WCHAR))

int _vsnprintf(char *Buffer, size_t Count, const char *Format, va_list List);
int _vsnwprintf(WCHAR *Buffer, size_t Count, const WCHAR *Format, va_list List);

/* A and W of one function; Cch counts characters, Cb bytes. */
#define KMDF_ABI_STRSAFE(SUFFIX, CHAR, CONST_CHAR, PRINT)                                             \
    FORCEINLINE NTSTATUS RtlStringCchLength##SUFFIX(CONST_CHAR *Text, SIZE_T Most, SIZE_T *Length) {  \
        SIZE_T length = 0;                                                                            \
        if (Text == NULL || Most > NTSTRSAFE_MAX_CCH)                                                 \
            return STATUS_INVALID_PARAMETER;                                                          \
        while (length < Most && Text[length] != 0)                                                    \
            length++;                                                                                 \
        if (Length != NULL)                                                                           \
            *Length = length < Most ? length : 0;                                                     \
        return length < Most ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;                             \
    }                                                                                                 \
    FORCEINLINE NTSTATUS RtlStringCchCopyN##SUFFIX(CHAR *To, SIZE_T Room, CONST_CHAR *From, SIZE_T Most) { \
        SIZE_T at = 0;                                                                                \
        if (Room == 0 || Room > NTSTRSAFE_MAX_CCH || Most > NTSTRSAFE_MAX_CCH)                        \
            return STATUS_INVALID_PARAMETER;                                                          \
        while (at + 1 < Room && at < Most && From[at] != 0) {                                         \
            To[at] = From[at];                                                                        \
            at++;                                                                                     \
        }                                                                                             \
        To[at] = 0;                                                                                   \
        return at == Most || From[at] == 0 ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;                 \
    }                                                                                                 \
    FORCEINLINE NTSTATUS RtlStringCchCopy##SUFFIX(CHAR *To, SIZE_T Room, CONST_CHAR *From) {          \
        return RtlStringCchCopyN##SUFFIX(To, Room, From, NTSTRSAFE_MAX_CCH);                          \
    }                                                                                                 \
    FORCEINLINE NTSTATUS RtlStringCchCat##SUFFIX(CHAR *To, SIZE_T Room, CONST_CHAR *From) {           \
        SIZE_T length;                                                                                \
        NTSTATUS status = RtlStringCchLength##SUFFIX(To, Room, &length);                              \
        return NT_SUCCESS(status) ? RtlStringCchCopy##SUFFIX(To + length, Room - length, From) : status; \
    }                                                                                                 \
    FORCEINLINE NTSTATUS RtlStringCchVPrintf##SUFFIX(CHAR *To, SIZE_T Room, CONST_CHAR *Format, va_list List) { \
        int length;                                                                                   \
        if (Room == 0 || Room > NTSTRSAFE_MAX_CCH)                                                    \
            return STATUS_INVALID_PARAMETER;                                                          \
        length = PRINT(To, Room - 1, Format, List);                                                   \
        if (length >= 0 && (SIZE_T)length < Room - 1) {                                               \
            To[length] = 0;                                                                           \
            return STATUS_SUCCESS;                                                                    \
        }                                                                                             \
        To[Room - 1] = 0;                                                                             \
        return (SIZE_T)length == Room - 1 ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;                  \
    }                                                                                                 \
    __attribute__((unused)) static NTSTATUS RtlStringCchPrintf##SUFFIX(CHAR *To, SIZE_T Room, CONST_CHAR *Format, ...) { \
        NTSTATUS status;                                                                              \
        va_list list;                                                                                 \
        va_start(list, Format);                                                                       \
        status = RtlStringCchVPrintf##SUFFIX(To, Room, Format, list);                                 \
        va_end(list);                                                                                 \
        return status;                                                                                \
    }                                                                                                 \
    FORCEINLINE NTSTATUS RtlStringCbLength##SUFFIX(CONST_CHAR *Text, SIZE_T Most, SIZE_T *Length) {   \
        NTSTATUS status = RtlStringCchLength##SUFFIX(Text, Most / sizeof(CHAR), Length);              \
        if (Length != NULL)                                                                           \
            *Length *= sizeof(CHAR);                                                                  \
        return status;                                                                                \
    }                                                                                                 \
    FORCEINLINE NTSTATUS RtlStringCbCopyN##SUFFIX(CHAR *To, SIZE_T Room, CONST_CHAR *From, SIZE_T Most) { \
        return RtlStringCchCopyN##SUFFIX(To, Room / sizeof(CHAR), From, Most / sizeof(CHAR));         \
    }                                                                                                 \
    FORCEINLINE NTSTATUS RtlStringCbCopy##SUFFIX(CHAR *To, SIZE_T Room, CONST_CHAR *From) {           \
        return RtlStringCchCopy##SUFFIX(To, Room / sizeof(CHAR), From);                               \
    }                                                                                                 \
    FORCEINLINE NTSTATUS RtlStringCbCat##SUFFIX(CHAR *To, SIZE_T Room, CONST_CHAR *From) {            \
        return RtlStringCchCat##SUFFIX(To, Room / sizeof(CHAR), From);                                \
    }                                                                                                 \
    FORCEINLINE NTSTATUS RtlStringCbVPrintf##SUFFIX(CHAR *To, SIZE_T Room, CONST_CHAR *Format, va_list List) { \
        return RtlStringCchVPrintf##SUFFIX(To, Room / sizeof(CHAR), Format, List);                    \
    }                                                                                                 \
    __attribute__((unused)) static NTSTATUS RtlStringCbPrintf##SUFFIX(CHAR *To, SIZE_T Room, CONST_CHAR *Format, ...) { \
        NTSTATUS status;                                                                              \
        va_list list;                                                                                 \
        va_start(list, Format);                                                                       \
        status = RtlStringCbVPrintf##SUFFIX(To, Room, Format, list);                                  \
        va_end(list);                                                                                 \
        return status;                                                                                \
    }
KMDF_ABI_STRSAFE(A, char, const char, _vsnprintf)
KMDF_ABI_STRSAFE(W, WCHAR, const WCHAR, _vsnwprintf)
#undef KMDF_ABI_STRSAFE

/* Counted strings. */
FORCEINLINE NTSTATUS RtlUnicodeStringInit(PUNICODE_STRING To, const WCHAR *From) {
    SIZE_T length = 0;
    To->Buffer = (PWSTR)From;
    To->Length = To->MaximumLength = 0;
    if (From == NULL)
        return STATUS_SUCCESS;
    while (length < NTSTRSAFE_UNICODE_STRING_MAX_CCH && From[length] != 0)
        length++;
    if (length == NTSTRSAFE_UNICODE_STRING_MAX_CCH) {
        To->Buffer = NULL;
        return STATUS_INVALID_PARAMETER;
    }
    To->Length = (USHORT)(length * sizeof(WCHAR));
    To->MaximumLength = (USHORT)(To->Length + sizeof(WCHAR));
    return STATUS_SUCCESS;
}
FORCEINLINE NTSTATUS RtlUnicodeStringVPrintf(PUNICODE_STRING To, const WCHAR *Format, va_list List) {
    SIZE_T room = To->MaximumLength / sizeof(WCHAR);
    int length = _vsnwprintf(To->Buffer, room, Format, List);
    int fits = length >= 0 && (SIZE_T)length <= room;
    To->Length = (USHORT)((fits ? (SIZE_T)length : room) * sizeof(WCHAR));
    return fits ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}
__attribute__((unused)) static NTSTATUS RtlUnicodeStringPrintf(PUNICODE_STRING To, const WCHAR *Format, ...) {
    NTSTATUS status;
    va_list list;
    va_start(list, Format);
    status = RtlUnicodeStringVPrintf(To, Format, list);
    va_end(list);
    return status;
}
FORCEINLINE NTSTATUS RtlUnicodeStringCbCatStringN(PUNICODE_STRING To, const WCHAR *From, SIZE_T Most) {
    SIZE_T at = To->Length / sizeof(WCHAR), room = To->MaximumLength / sizeof(WCHAR), taken = 0;
    for (; at < room && taken < Most / sizeof(WCHAR) && From[taken] != 0; at++, taken++)
        To->Buffer[at] = From[taken];
    To->Length = (USHORT)(at * sizeof(WCHAR));
    return taken == Most / sizeof(WCHAR) || From[taken] == 0 ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}
FORCEINLINE NTSTATUS RtlUnicodeStringCatString(PUNICODE_STRING To, const WCHAR *From) {
    return RtlUnicodeStringCbCatStringN(To, From, NTSTRSAFE_UNICODE_STRING_MAX_CCH * sizeof(WCHAR));
}
FORCEINLINE NTSTATUS RtlUnicodeStringCopyString(PUNICODE_STRING To, const WCHAR *From) {
    To->Length = 0;
    return RtlUnicodeStringCatString(To, From);
}
FORCEINLINE NTSTATUS RtlUnicodeStringCopy(PUNICODE_STRING To, const UNICODE_STRING *From) {
    USHORT length = From->Length < To->MaximumLength ? From->Length : To->MaximumLength & ~1;
    memcpy(To->Buffer, From->Buffer, length);
    To->Length = length;
    return length == From->Length ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}
