/* Which commands may travel on which subject. */
#include <string.h>

#include "proto/venue.h"

const char *wire_fault_text(wire_fault_kind kind) {
    switch (kind) {
    case WIRE_FAULT_MALFORMED:
        return "the command is not an encoded OrderCommand or ControlCommand";
    case WIRE_FAULT_RANGE:
        return "a value of the command is beyond what its field may hold, or a text is not UTF-8";
    case WIRE_FAULT_OTHER_ACCOUNT:
        return "the command is for another account than its subject";
    case WIRE_FAULT_OTHER_SYMBOL:
        return "the command is for another instrument than its subject";
    case WIRE_FAULT_NOT_HERE:
        return "such a command may not travel on this subject";
    case WIRE_FAULT_NO_NAME:
        return "the command names no account or no instrument";
    default:
        return "";
    }
}

static bool is_session(const wire_order_command *command) {
    return command->kind >= WIRE_SESSION_OPEN && command->kind <= WIRE_SESSION_CLOSE;
}

static bool fills_or_equals(char *name, const char *subject) {
    bool same = name[0] == '\0' || strcmp(name, subject) == 0;
    memcpy(name, subject, strlen(subject) + 1);
    return same;
}

static wire_fault_kind check_own(wire_order_command *command, const subject_parts *subject) {
    bool own_account = fills_or_equals(command->account, subject->account);
    bool own_symbol = fills_or_equals(command->symbol, subject->symbol);
    if (is_session(command)) return WIRE_FAULT_NOT_HERE;
    if (!own_account) return WIRE_FAULT_OTHER_ACCOUNT;
    bool beyond = command->kind == WIRE_MASS_CANCEL && command->all_symbols;
    return own_symbol && !beyond ? WIRE_FAULT_NONE : WIRE_FAULT_OTHER_SYMBOL;
}

static wire_fault_kind check_any(const wire_order_command *command) {
    if (is_session(command)) return WIRE_FAULT_NONE;
    if (command->account[0] == '\0') return WIRE_FAULT_NO_NAME;
    bool all = command->kind == WIRE_MASS_CANCEL && command->all_symbols;
    return command->symbol[0] != '\0' || all ? WIRE_FAULT_NONE : WIRE_FAULT_NO_NAME;
}

wire_fault_kind wire_order_command_admit(wire_order_command *command, const subject_parts *subject) {
    wire_fault_kind found = WIRE_FAULT_NOT_HERE;
    if (subject->kind == SUBJECT_KIND_ORDERS) found = check_own(command, subject);
    if (subject->kind == SUBJECT_KIND_ORDER_BATCH) found = check_any(command);
    if (command->fault.kind == WIRE_FAULT_NONE) command->fault = (wire_fault_info){found, 0};
    return command->fault.kind;
}
