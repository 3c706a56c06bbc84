/* What the WDK's headers define inline: strings that do not run over, arithmetic that does not wrap, and tracing,
 * whose header a preprocessor of the WDK's makes. Windows finds headers whatever the case of their letters. */

#include "Driver.h"
#include <NtStrSafe.h>
#include <NtIntSafe.h>
#include <WdmSec.h>
#include "text.tmh"

/*
begin_wpp config
FUNC Note{LEVEL=TRACE_LEVEL_INFORMATION}(MSG, ...);
end_wpp
*/

static BOOLEAN Same(const WCHAR *left, const WCHAR *right) {
    while (*left != 0 && *left == *right) {
        left++;
        right++;
    }
    return *left == *right;
}

static ULONG strings_are_cut_where_their_room_ends(WDFDEVICE device) {
    WCHAR room[6];
    char narrow[4];
    SIZE_T length;
    UNICODE_STRING counted = {0, sizeof(room), room};

    UNREFERENCED_PARAMETER(device);
    Note("strings, at level %d", TRACE_LEVEL_INFORMATION);
    SUCCEEDS(RtlStringCbCopyW(room, sizeof(room), L"card"));
    SUCCEEDS(RtlStringCchCatW(room, 6, L"s"));
    HOLDS(Same(room, L"cards") && NT_SUCCESS(RtlStringCbLengthW(room, sizeof(room), &length)) && length == 10);
    HOLDS(RtlStringCchCatW(room, 6, L"!") == STATUS_BUFFER_OVERFLOW && Same(room, L"cards"));
    HOLDS(RtlStringCbCopyA(narrow, sizeof(narrow), "card") == STATUS_BUFFER_OVERFLOW && narrow[2] == 'r' && narrow[3] == 0);
    SUCCEEDS(RtlStringCbPrintfA(narrow, sizeof(narrow), "%u", 123));
    HOLDS(narrow[2] == '3' && RtlStringCbPrintfA(narrow, sizeof(narrow), "%u", 1234) == STATUS_BUFFER_OVERFLOW);
    HOLDS(narrow[2] == '3' && narrow[3] == 0 && RtlStringCbCopyA(narrow, 0, "") == STATUS_INVALID_PARAMETER);
    SUCCEEDS(RtlUnicodeStringPrintf(&counted, L"%s%u", L"card", 12));
    HOLDS(counted.Length == 12 && room[5] == L'2');
    HOLDS(RtlUnicodeStringPrintf(&counted, L"%u", 1234567) == STATUS_BUFFER_OVERFLOW && counted.Length == 12);
    SUCCEEDS(RtlUnicodeStringCopyString(&counted, L"abc"));
    HOLDS(counted.Length == 6 && RtlUnicodeStringCatString(&counted, L"defg") == STATUS_BUFFER_OVERFLOW);
    HOLDS(SDDL_DEVOBJ_SYS_ALL.Length == 30);
    return 0;
}

static ULONG sums_that_do_not_fit_fail(WDFDEVICE device) {
    ULONG sum;
    USHORT narrow;

    UNREFERENCED_PARAMETER(device);
    HOLDS(RtlULongAdd(MAXULONG, 1, &sum) == STATUS_INTEGER_OVERFLOW && sum == MAXULONG);
    SUCCEEDS(RtlULongMult(1 << 16, 1 << 15, &sum));
    HOLDS(sum == 1U << 31 && RtlULongSub(1, 2, &sum) == STATUS_INTEGER_OVERFLOW);
    SUCCEEDS(RtlULongToUShort(65535, &narrow));
    HOLDS(narrow == 65535 && RtlULongToUShort(65536, &narrow) == STATUS_INTEGER_OVERFLOW);
    HOLDS(RtlULongLongToULong(1ULL << 32, &sum) == STATUS_INTEGER_OVERFLOW);
    return 0;
}

#define ENTRY(name) {#name, name}
const CHECK TextChecks[] = {
    ENTRY(strings_are_cut_where_their_room_ends),
    ENTRY(sums_that_do_not_fit_fail),
    {NULL, NULL},
};
