#include "wire/wire_codec.h"

#include "wire/messages.h"

#include "record.pb-c.h"

static const struct wire_field turn_change_fields[] = {
    FIELD(turn_change, TurnChange, key, WIRE_TEXT, .max = TURN_KEY_MAX),
    FIELD(turn_change, TurnChange, fresh, WIRE_BOOL),
    FIELD(turn_change, TurnChange, gone, WIRE_BOOL),
    FIELD(turn_change, TurnChange, edits, WIRE_BYTES, .max = WIRE_EDITS_MAX),
    FIELD(turn_change, TurnChange, digest, WIRE_U64),
};
static const struct wire_type wire_turn_change = TYPE(turn_change, turn_change);

static const struct wire_field turn_record_fields[] = {
    FIELD(turn_record, TurnRecord, execution, WIRE_ID),
    FIELD(turn_record, TurnRecord, seq, WIRE_U64),
    FIELD(turn_record, TurnRecord, time_ms, WIRE_U64),
    FIELD(turn_record, TurnRecord, more, WIRE_BOOL),
    COUNTED(turn_record, TurnRecord, changes, change_count, WIRE_LIST, .type = &wire_turn_change,
            .max = WIRE_CHANGES_MAX),
};
const struct wire_type wire_turn_record = TYPE(turn_record, turn_record);
