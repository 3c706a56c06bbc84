/* Messages: those of an MSI-X table, and the table itself. */

#include "driver.h"

#define PCI_INTERFACE PCI_MSIX_TABLE_CONFIG_INTERFACE

static ULONG TableControl(CARD *card, ULONG entry) {
    return READ_REGISTER_ULONG((volatile ULONG *)(card->Memory + CARD_TABLE + 16 * entry + 12));
}

static ULONG Pending(CARD *card) {
    return READ_REGISTER_ULONG((volatile ULONG *)(card->Memory + CARD_PENDING));
}

static NTSTATUS Query(WDFDEVICE device, PCI_INTERFACE *table) {
    return WdfFdoQueryForInterface(
        device, &GUID_MSIX_TABLE_CONFIG_INTERFACE, (PINTERFACE)table, sizeof(*table), 1, NULL);
}

static ULONG each_message_has_an_interrupt_of_its_own(WDFDEVICE device) {
    CARD *card = CardOf(device);
    WDF_INTERRUPT_INFO info, before;
    ULONG message;

    HOLDS(card->Messages == CARD_MESSAGES);
    for (message = 0; message < CARD_MESSAGES; message++) {
        WDF_INTERRUPT_INFO_INIT(&info);
        WdfInterruptGetInfo(card->Interrupts[message], &info);
        HOLDS(info.MessageSignaled && info.Mode == Latched && info.MessageNumber == message);
        HOLDS(message == 0 || info.Vector != before.Vector);
        HOLDS(info.TargetProcessorSet == (message == 2 ? 2 : 3));
        HOLDS(Ring(card, message));
        before = info;
    }
    return 0;
}

static ULONG a_masked_message_is_pending_until_it_is_unmasked(WDFDEVICE device) {
    CARD *card = CardOf(device);
    PCI_INTERFACE table;
    ULONG control, pending, number;
    BOOLEAN came, came_late, masked;
    LONG before = card->Came[1];

    SUCCEEDS(Query(device, &table));
    SUCCEEDS(table.MaskTableEntry(table.Context, 1));
    SUCCEEDS(table.GetTableEntry(table.Context, 1, &number, &masked));
    came = Ring(card, 1);
    control = TableControl(card, 1);
    pending = Pending(card);
    SUCCEEDS(table.UnmaskTableEntry(table.Context, 1));
    came_late = card->Came[1] == before + 1;
    table.InterfaceDereference(table.Context);
    HOLDS(number == 1 && masked && !came);
    HOLDS((control & 1) == 1 && pending == 2);
    HOLDS(came_late && Pending(card) == 0 && (TableControl(card, 1) & 1) == 0);
    return 0;
}

static ULONG an_entry_can_send_another_message(WDFDEVICE device) {
    CARD *card = CardOf(device);
    PCI_INTERFACE table;
    LONG third = card->Came[3], zeroth = card->Came[0];

    SUCCEEDS(Query(device, &table));
    HOLDS(table.GetTableSize(table.Context) == CARD_MESSAGES);
    SUCCEEDS(table.SetTableEntry(table.Context, 3, 0));
    HOLDS(!Ring(card, 3));
    HOLDS(card->Came[3] == third && card->Came[0] == zeroth + 1);
    SUCCEEDS(table.SetTableEntry(table.Context, 3, 3));
    HOLDS(Ring(card, 3));
    HOLDS(table.SetTableEntry(table.Context, CARD_MESSAGES, 0) == STATUS_INVALID_PARAMETER);
    HOLDS(table.SetTableEntry(table.Context, 0, CARD_MESSAGES) == STATUS_INVALID_PARAMETER);
    table.InterfaceDereference(table.Context);
    return 0;
}

static ULONG a_disabled_interrupt_is_masked(WDFDEVICE device) {
    CARD *card = CardOf(device);
    LONG before;

    WdfInterruptDisable(card->Interrupts[4]);
    before = card->Came[4];
    HOLDS((TableControl(card, 4) & 1) == 1);
    HOLDS(!Ring(card, 4) && Pending(card) == 0x10);
    WdfInterruptEnable(card->Interrupts[4]);
    HOLDS(card->Came[4] == before + 1 && Pending(card) == 0);
    return 0;
}

#define ENTRY(name) {#name, name}
const CHECK MessageChecks[] = {
    ENTRY(each_message_has_an_interrupt_of_its_own),
    ENTRY(a_masked_message_is_pending_until_it_is_unmasked),
    ENTRY(an_entry_can_send_another_message),
    ENTRY(a_disabled_interrupt_is_masked),
    {NULL, NULL},
};
