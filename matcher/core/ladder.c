/* The price ladder away from the touch: pages come and go. */
#include "matcher/core/ladder.h"

#include <string.h>

#include "orderbook/pages.h"

#define REFS_PER_UNIT ((uint32_t)(UNIT_BYTES / sizeof(ladder_ref)))

_Static_assert(sizeof(ladder_level) == 32, "two levels to a cache line");
_Static_assert(sizeof(ladder_page) == 64 + LADDER_LEVELS * sizeof(ladder_level), "levels begin on a cache line");

/* Arrays of references are powers of two, and twice as long while they grow: four times as many as there are pages, in units. */
static uint32_t arena_levels(uint32_t max_pages) {
    uint32_t units = max_pages / REFS_PER_UNIT * 4 + 1024;
    return units * LEVELS_PER_UNIT;
}

bool ladder_room_init(ladder_room *room, uint32_t max_pages) {
    *room = (ladder_room){.capacity = max_pages, .limit = max_pages};
    room->pages = ob_pages_alloc(((size_t)max_pages + 1) * sizeof *room->pages);
    return level_arena_init(&room->arena, arena_levels(max_pages)) && room->pages != NULL;
}

void ladder_room_fini(ladder_room *room) {
    ob_pages_free(room->pages, ((size_t)room->capacity + 1) * sizeof *room->pages);
    level_arena_fini(&room->arena);
}

void ladder_room_clear(ladder_room *room) {
    ob_pages_zero(room->pages, ((size_t)room->capacity + 1) * sizeof *room->pages);
    level_arena_clear(&room->arena);
    room->used = room->live = room->free_head = 0;
}

static unsigned size_of(uint32_t capacity) {
    return (unsigned)__builtin_ctz(capacity / REFS_PER_UNIT);
}

/* How many references have a key of at most `key`; most searches end near the best. */
static uint32_t refs_until(const ladder_ref *refs, uint32_t count, int64_t key) {
    uint32_t near = count < 8 ? 0 : count - 8;
    while (count > near && refs[count - 1].key > key)
        count--;
    if (count > near || near == 0) return count;
    uint32_t low = 0, high = near; /* the answer is within [low, high] */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (refs[middle].key <= key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool refs_reserve(ladder_room *room, ladder *side) {
    if (side->count < side->capacity) return true;
    uint32_t capacity = side->capacity == 0 ? REFS_PER_UNIT : side->capacity * 2;
    uint32_t block = level_arena_take(&room->arena, size_of(capacity));
    if (block == NO_BLOCK) return false;
    if (side->capacity != 0) {
        memcpy(level_arena_at(&room->arena, block), ladder_refs(room, side), side->count * sizeof(ladder_ref));
        level_arena_give(&room->arena, side->block, size_of(side->capacity));
    }
    side->block = block;
    side->capacity = capacity;
    return true;
}

static void refs_trim(ladder_room *room, ladder *side) {
    if (side->count == 0) {
        level_arena_give(&room->arena, side->block, size_of(side->capacity));
        side->capacity = 0;
    } else if (side->capacity > REFS_PER_UNIT && side->count <= side->capacity / 4) {
        level_arena_halve(&room->arena, side->block, size_of(side->capacity));
        side->capacity /= 2;
    }
}

static uint32_t page_take(ladder_room *room, int64_t key) {
    uint32_t page = room->free_head;
    if (page != 0) {
        room->free_head = room->pages[page].next_free;
    } else {
        page = ++room->used;
    }
    room->live++;
    room->pages[page].used = 0;
    room->pages[page].key = key;
    return page;
}

static void page_give(ladder_room *room, uint32_t page) {
    room->pages[page].next_free = room->free_head;
    room->free_head = page;
    room->live--;
}

static uint32_t page_of(const ladder_room *room, const ladder *side, int64_t page_key, uint32_t *at) {
    if (side->count == 0) return *at = 0;
    const ladder_ref *refs = ladder_refs(room, side);
    *at = refs_until(refs, side->count, page_key);
    return *at > 0 && refs[*at - 1].key == page_key ? refs[*at - 1].page : 0;
}

static uint32_t page_add(ladder_room *room, ladder *side, uint32_t at, int64_t page_key) {
    if (room->live >= room->limit || !refs_reserve(room, side)) return 0;
    ladder_ref *refs = ladder_refs(room, side);
    memmove(refs + at + 1, refs + at, (side->count - at) * sizeof *refs);
    refs[at] = (ladder_ref){.key = page_key, .page = page_take(room, page_key)};
    side->count++;
    return refs[at].page;
}

uint32_t ladder_open_far(ladder_room *room, ladder *side, int64_t key) {
    uint32_t at;
    uint32_t page = page_of(room, side, key >> LADDER_BITS, &at);
    if (page == 0) page = page_add(room, side, at, key >> LADDER_BITS);
    if (page == 0) return NO_LEVEL;
    uint32_t place = (uint32_t)key % LADDER_LEVELS;
    room->pages[page].used |= UINT64_C(1) << place;
    uint32_t level = page << LADDER_BITS | place;
    if (key > side->best) side->best = key, side->best_level = level;
    return level;
}

bool ladder_has_room(const ladder_room *room, const ladder *side, int64_t key) {
    uint32_t at;
    return room->live < room->limit || page_of(room, side, key >> LADDER_BITS, &at) != 0;
}

uint32_t ladder_find(const ladder_room *room, const ladder *side, int64_t key) {
    if (key == side->best) return side->best_level;
    uint32_t at;
    uint32_t page = page_of(room, side, key >> LADDER_BITS, &at), place = (uint32_t)key % LADDER_LEVELS;
    if (page == 0 || (room->pages[page].used >> place & 1) == 0) return NO_LEVEL;
    return page << LADDER_BITS | place;
}

static uint32_t top_of(const ladder_room *room, uint32_t page) {
    return page << LADDER_BITS | (63u - (uint32_t)__builtin_clzll(room->pages[page].used));
}

void ladder_close(ladder_room *room, ladder *side, uint32_t level) {
    ladder_page *page = &room->pages[level >> LADDER_BITS];
    page->used &= ~(UINT64_C(1) << level % LADDER_LEVELS);
    if (page->used == 0) {
        ladder_ref *refs = ladder_refs(room, side);
        uint32_t at = refs_until(refs, side->count, page->key) - 1;
        memmove(refs + at, refs + at + 1, (side->count - at - 1) * sizeof *refs);
        side->count--;
        page_give(room, level >> LADDER_BITS);
        refs_trim(room, side);
    }
    if (level != side->best_level) return;
    if (side->count == 0) {
        side->best = NO_KEY;
        side->best_level = NO_LEVEL;
        return;
    }
    side->best_level = top_of(room, ladder_refs(room, side)[side->count - 1].page);
    side->best = ladder_key_of(room, side->best_level);
}

uint32_t ladder_next(const ladder_room *room, const ladder *side, uint32_t level) {
    const ladder_page *page = &room->pages[level >> LADDER_BITS];
    uint64_t worse = page->used & ((UINT64_C(1) << level % LADDER_LEVELS) - 1);
    if (worse != 0) return (level & ~(LADDER_LEVELS - 1)) | (63u - (uint32_t)__builtin_clzll(worse));
    const ladder_ref *refs = ladder_refs(room, side);
    uint32_t at = refs_until(refs, side->count, page->key) - 1;
    return at == 0 ? NO_LEVEL : top_of(room, refs[at - 1].page);
}

bool ladder_check(const ladder_room *room, const ladder *side) {
    if (side->count == 0) return side->best == NO_KEY && side->best_level == NO_LEVEL && side->capacity == 0;
    const ladder_ref *refs = ladder_refs(room, side);
    for (uint32_t i = 0; i < side->count; i++) {
        const ladder_page *page = &room->pages[refs[i].page];
        if (page->key != refs[i].key || page->used == 0 || (i > 0 && refs[i - 1].key >= refs[i].key)) return false;
        for (uint32_t place = 0; place < LADDER_LEVELS; place++) {
            const ladder_level *level = &page->levels[place];
            bool used = page->used >> place & 1;
            if (used != (level->orders > 0) ||
                (!used && (level->total | level->shown | level->head | level->tail) != 0))
                return false;
        }
    }
    uint32_t best = top_of(room, refs[side->count - 1].page);
    return side->best_level == best && side->best == ladder_key_of(room, best);
}
