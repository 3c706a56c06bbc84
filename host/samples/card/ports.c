/* I/O ports: each width, and as many accesses as a count says. */

#include "driver.h"

#define PORT(type, offset) ((type *)(card->Ports + (offset)))

static ULONG ports_have_three_widths(WDFDEVICE device) {
    CARD *card = CardOf(device);

    HOLDS(READ_PORT_ULONG(PORT(ULONG, CARD_ID)) == CARD_MAGIC);
    HOLDS(READ_PORT_UCHAR(PORT(UCHAR, CARD_WIDTH)) == 0x01);
    HOLDS(READ_PORT_USHORT(PORT(USHORT, CARD_WIDTH)) == 0x0202);
    HOLDS(READ_PORT_ULONG(PORT(ULONG, CARD_WIDTH)) == 0x04040404);
    return 0;
}

static ULONG a_narrow_read_leaves_the_rest_of_the_register(WDFDEVICE device) {
    CARD *card = CardOf(device);
    ULONG_PTR wide = 0x1122334455667788;

    __asm__ volatile("inb %w1, %b0" : "+a"(wide) : "d"((USHORT)(card->Ports + CARD_WIDTH)));
    HOLDS(wide == 0x1122334455667701);
    return 0;
}

static ULONG a_buffer_is_filled_from_a_port(WDFDEVICE device) {
    CARD *card = CardOf(device);
    ULONG numbers[4] = {0, 0, 0, 0xAAAAAAAA};
    ULONG first = READ_PORT_ULONG(PORT(ULONG, CARD_STREAM));

    READ_PORT_BUFFER_ULONG(PORT(ULONG, CARD_STREAM), numbers, 3);
    HOLDS(numbers[0] == first + 1 && numbers[1] == first + 2 && numbers[2] == first + 3);
    HOLDS(numbers[3] == 0xAAAAAAAA);
    return 0;
}

static ULONG a_buffer_is_written_to_a_port(WDFDEVICE device) {
    CARD *card = CardOf(device);
    UCHAR bytes[3] = {1, 2, 3};
    USHORT words[2] = {0x100, 0x200};
    ULONG before = READ_PORT_ULONG(PORT(ULONG, CARD_SUM));

    WRITE_PORT_BUFFER_UCHAR(PORT(UCHAR, CARD_STREAM), bytes, 3);
    WRITE_PORT_BUFFER_USHORT(PORT(USHORT, CARD_STREAM), words, 2);
    WRITE_PORT_ULONG(PORT(ULONG, CARD_STREAM), 0x10000);
    HOLDS(READ_PORT_ULONG(PORT(ULONG, CARD_SUM)) - before == 0x10306);
    return 0;
}

static ULONG a_port_of_nobody_is_accessed(WDFDEVICE device) {
    CARD *card = CardOf(device);

    (void)READ_PORT_UCHAR(PORT(UCHAR, 0x1000));
    return 0;
}

const CHECK PortChecks[] = {
    {"ports_have_three_widths", ports_have_three_widths},
    {"a_narrow_read_leaves_the_rest_of_the_register", a_narrow_read_leaves_the_rest_of_the_register},
    {"a_buffer_is_filled_from_a_port", a_buffer_is_filled_from_a_port},
    {"a_buffer_is_written_to_a_port", a_buffer_is_written_to_a_port},
    {"a_port_of_nobody_is_accessed", a_port_of_nobody_is_accessed},
    {NULL, NULL},
};
