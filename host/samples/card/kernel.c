/* What the kernel has for every driver: bitmaps, routines by name, the end of the system. */

#include "driver.h"

static ULONG a_bitmap_has_its_bits(WDFDEVICE device) {
    RTL_BITMAP bitmap;
    ULONG bits[2] = {0, 0xFFFFFF00};

    UNREFERENCED_PARAMETER(device);
    RtlInitializeBitMap(&bitmap, bits, 40);
    HOLDS(RtlNumberOfClearBits(&bitmap) == 40 && RtlFindClearBits(&bitmap, 41, 0) == MAXULONG);
    RtlSetBits(&bitmap, 3, 5);
    RtlSetBit(&bitmap, 39);
    HOLDS(bits[0] == 0xF8 && bits[1] == 0xFFFFFF80);
    HOLDS(RtlNumberOfSetBits(&bitmap) == 6 && RtlTestBit(&bitmap, 7) && !RtlTestBit(&bitmap, 8));
    HOLDS(RtlAreBitsSet(&bitmap, 3, 5) && !RtlAreBitsSet(&bitmap, 3, 6) && RtlAreBitsClear(&bitmap, 8, 31));
    HOLDS(!RtlAreBitsClear(&bitmap, 38, 3));
    HOLDS(RtlFindClearBitsAndSet(&bitmap, 4, 0) == 8 && RtlFindSetBits(&bitmap, 9, 0) == 3);
    HOLDS(RtlFindClearBitsAndSet(&bitmap, 3, 38) == 0 && bits[0] == 0xFFF);
    RtlClearBit(&bitmap, 5);
    HOLDS(RtlFindSetBitsAndClear(&bitmap, 6, 0) == 6 && bits[0] == 0x1F);
    RtlClearBits(&bitmap, 0, 5);
    RtlSetAllBits(&bitmap);
    HOLDS(RtlNumberOfClearBits(&bitmap) == 0 && bits[0] == MAXULONG);
    RtlClearAllBits(&bitmap);
    HOLDS(RtlNumberOfSetBits(&bitmap) == 0);
    return 0;
}

static ULONG a_bit_outside_of_its_bitmap_is_set(WDFDEVICE device) {
    RTL_BITMAP bitmap;
    ULONG bits[2] = {0, 0};

    UNREFERENCED_PARAMETER(device);
    RtlInitializeBitMap(&bitmap, bits, 40);
    RtlSetBit(&bitmap, 40);
    return 0;
}

/* KeGetProcessorIndexFromNumber is not among the driver's imports, KeQueryTimeIncrement neither. */
static ULONG a_routine_that_is_not_imported_is_found(WDFDEVICE device) {
    DECLARE_CONST_UNICODE_STRING(name, L"KeQueryTimeIncrement");
    DECLARE_CONST_UNICODE_STRING(nobody, L"KeDoesNotExist");
    ULONG (*routine)(void);

    UNREFERENCED_PARAMETER(device);
    routine = (ULONG(*)(void))MmGetSystemRoutineAddress((PUNICODE_STRING)&name);
    HOLDS(routine != NULL && routine() > 0);
    HOLDS(MmGetSystemRoutineAddress((PUNICODE_STRING)&nobody) == NULL);
    return 0;
}

static ULONG a_text_of_bytes_is_made_wide(WDFDEVICE device) {
    ANSI_STRING text = {4, 5, "card"};
    WCHAR room[4];
    UNICODE_STRING wide, narrow = {0, sizeof(room), room};

    UNREFERENCED_PARAMETER(device);
    SUCCEEDS(RtlAnsiStringToUnicodeString(&wide, &text, TRUE));
    HOLDS(wide.Length == 8 && wide.MaximumLength == 10 && wide.Buffer[1] == L'a' && wide.Buffer[4] == UNICODE_NULL);
    RtlFreeUnicodeString(&wide);
    HOLDS(wide.Buffer == NULL && wide.Length == 0);
    HOLDS(RtlAnsiStringToUnicodeString(&narrow, &text, FALSE) == STATUS_BUFFER_OVERFLOW);
    text.Length = 3;
    SUCCEEDS(RtlAnsiStringToUnicodeString(&narrow, &text, FALSE));
    HOLDS(narrow.Length == 6 && room[2] == L'r' && room[3] == 0);
    return 0;
}

static ULONG texts_are_compared(WDFDEVICE device) {
    static const WCHAR wide[] = L"card", other[] = L"cargo";
    int (*beginnings)(const char *, const char *, SIZE_T);
    int (*wides)(const WCHAR *, const WCHAR *, SIZE_T);
    DECLARE_CONST_UNICODE_STRING(name, L"strncmp");
    DECLARE_CONST_UNICODE_STRING(wideName, L"wcsncmp");

    UNREFERENCED_PARAMETER(device);
    beginnings = (int (*)(const char *, const char *, SIZE_T))MmGetSystemRoutineAddress((PUNICODE_STRING)&name);
    wides = (int (*)(const WCHAR *, const WCHAR *, SIZE_T))MmGetSystemRoutineAddress((PUNICODE_STRING)&wideName);
    HOLDS(beginnings != NULL && wides != NULL);
    HOLDS(beginnings("card", "cargo", 3) == 0 && beginnings("card", "cargo", 4) < 0);
    HOLDS(beginnings("card", "car", 4) > 0 && beginnings("", "", 9) == 0);
    HOLDS(wides(wide, other, 3) == 0 && wides(wide, other, 9) < 0 && wides(other, wide, 9) > 0);
    return 0;
}

/* A look-aside list as the inline functions of the headers see it: GENERAL_LOOKASIDE. */
typedef struct {
    ULONG64 Head[2];
    USHORT Depth, MaximumDepth;
    ULONG Counters[4];
    ULONG Type, Tag, Size;
    PVOID (*Allocate)(ULONG, SIZE_T, ULONG);
    void (*Free)(PVOID);
    ULONG64 Rest[8];
} LOOKASIDE;

static ULONG a_look_aside_list_has_entries(WDFDEVICE device) {
    DECLARE_CONST_UNICODE_STRING(initializeName, L"ExInitializeNPagedLookasideList");
    DECLARE_CONST_UNICODE_STRING(deleteName, L"ExDeleteNPagedLookasideList");
    void (*initialize)(LOOKASIDE *, PVOID, PVOID, ULONG, SIZE_T, ULONG, USHORT);
    void (*delete)(LOOKASIDE *);
    static __attribute__((aligned(16))) LOOKASIDE list;
    PUCHAR entry;

    UNREFERENCED_PARAMETER(device);
    initialize = (void (*)(LOOKASIDE *, PVOID, PVOID, ULONG, SIZE_T, ULONG, USHORT))MmGetSystemRoutineAddress(
        (PUNICODE_STRING)&initializeName);
    delete = (void (*)(LOOKASIDE *))MmGetSystemRoutineAddress((PUNICODE_STRING)&deleteName);
    HOLDS(initialize != NULL && delete != NULL);
    initialize(&list, NULL, NULL, 0, 24, 'draC', 0);
    HOLDS(list.Size == 24 && list.Tag == 'draC');
    entry = list.Allocate(list.Type, list.Size, list.Tag);
    HOLDS(entry != NULL);
    entry[23] = 1;
    list.Free(entry);
    delete(&list);
    return 0;
}

static ULONG entries_of_an_interlocked_list_come_last_in_first_out(WDFDEVICE device) {
    static __attribute__((aligned(16))) struct {
        ULONG64 Head[2];
    } list;
    static __attribute__((aligned(16))) ULONG64 entries[2][2];
    DECLARE_CONST_UNICODE_STRING(pushName, L"ExpInterlockedPushEntrySList");
    DECLARE_CONST_UNICODE_STRING(popName, L"ExpInterlockedPopEntrySList");
    PVOID (*push)(PVOID, PVOID);
    PVOID (*pop)(PVOID);

    UNREFERENCED_PARAMETER(device);
    push = (PVOID(*)(PVOID, PVOID))MmGetSystemRoutineAddress((PUNICODE_STRING)&pushName);
    pop = (PVOID(*)(PVOID))MmGetSystemRoutineAddress((PUNICODE_STRING)&popName);
    HOLDS(push != NULL && pop != NULL);
    list.Head[0] = list.Head[1] = 0;
    HOLDS(pop(&list) == NULL);
    HOLDS(push(&list, entries[0]) == NULL && push(&list, entries[1]) == entries[0]);
    HOLDS((USHORT)list.Head[0] == 2);
    HOLDS(pop(&list) == entries[1] && pop(&list) == entries[0] && pop(&list) == NULL);
    return 0;
}

static KBUGCHECK_CALLBACK_RECORD Record;
static ULONG LastWords;

/* A KBUGCHECK_CALLBACK_ROUTINE */
static void OnBugCheck(PVOID buffer, ULONG length) {
    DbgPrint("card: the last words are %u, of %u bytes, at IRQL %u\n", *(ULONG *)buffer, length,
        KeGetCurrentIrql());
}

static BOOLEAN Register(void) {
    LastWords = 42;
    KeInitializeCallbackRecord(&Record);
    return KeRegisterBugCheckCallback(&Record, OnBugCheck, &LastWords, sizeof(LastWords), (PUCHAR)"card");
}

static ULONG a_callback_for_bug_checks_comes_and_goes(WDFDEVICE device) {
    UNREFERENCED_PARAMETER(device);
    HOLDS(Register());
    HOLDS(!KeRegisterBugCheckCallback(&Record, OnBugCheck, &LastWords, sizeof(LastWords), (PUCHAR)"card"));
    HOLDS(KeDeregisterBugCheckCallback(&Record));
    HOLDS(!KeDeregisterBugCheckCallback(&Record));
    return 0;
}

static ULONG a_callback_for_bug_checks_stays(WDFDEVICE device) {
    UNREFERENCED_PARAMETER(device);
    HOLDS(Register());
    return 0;
}

static ULONG the_driver_ends_the_system(WDFDEVICE device) {
    UNREFERENCED_PARAMETER(device);
    HOLDS(Register());
    KeBugCheck(0xE2);
    return 0;
}

#define ENTRY(name) {#name, name}
const CHECK KernelChecks[] = {
    ENTRY(a_bitmap_has_its_bits),
    ENTRY(a_bit_outside_of_its_bitmap_is_set),
    ENTRY(a_routine_that_is_not_imported_is_found),
    ENTRY(a_text_of_bytes_is_made_wide),
    ENTRY(texts_are_compared),
    ENTRY(a_look_aside_list_has_entries),
    ENTRY(entries_of_an_interlocked_list_come_last_in_first_out),
    ENTRY(a_callback_for_bug_checks_comes_and_goes),
    ENTRY(a_callback_for_bug_checks_stays),
    ENTRY(the_driver_ends_the_system),
    {NULL, NULL},
};
