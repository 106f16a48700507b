#include "ingest/state/receive_room.h"
#include "tests/unit.h"

#define KI(n) ((uint64_t)(n) << 10)

TEST(receive_room, it_doubles_when_half_full_or_overflowing_up_to_its_bound) {
    static const struct {
        const char *what;
        uint64_t used, drops, ask;
    } rows[] = {
        {"empty", 0, 0, 0},
        {"less than half in use", KI(63), 0, 0},
        {"half in use", KI(64), 0, KI(128)}, /* the kernel counts twice what was asked */
        {"what was enough before is little now", KI(64), 0, 0},
        {"dropped", 0, 7, KI(256)},
        {"the same seven", 0, 7, 0},
        {"one more", 0, 8, KI(300)},
        {"more, at the bound", 0, 100, 0},
        {"full, at the bound", KI(600), 100, 0},
    };
    receive_room room;
    receive_room_init(&room, KI(64), KI(300), KI(128));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t ask = receive_room_look(&room, rows[i].used, rows[i].drops);
        EXPECT_MSG(ask == rows[i].ask, "%s: %" PRIu64 ", not %" PRIu64, rows[i].what, ask, rows[i].ask);
        if (ask > 0) EXPECT(receive_room_granted(&room, ask, 2 * ask));
    }
    EXPECT_U64(room.changes, 3);
    EXPECT_U64(room.granted, KI(600));
}

TEST(receive_room, a_system_that_grants_no_more_is_asked_once) {
    receive_room room;
    receive_room_init(&room, KI(64), KI(1024), KI(128));
    EXPECT_U64(receive_room_look(&room, 0, 1), KI(128));
    EXPECT(!receive_room_granted(&room, KI(128), KI(128)));
    EXPECT_U64(receive_room_look(&room, 0, 2), 0);
    EXPECT_U64(receive_room_look(&room, KI(128), 3), 0);
    EXPECT_U64(room.changes, 0);
    EXPECT_U64(room.drops, 3);
}

TEST(receive_room, a_bound_below_the_first_size_keeps_the_first_size) {
    receive_room room;
    receive_room_init(&room, KI(64), KI(16), KI(128));
    EXPECT_U64(receive_room_look(&room, KI(128), 9), 0);
    EXPECT_U64(room.asked, KI(64));
}
