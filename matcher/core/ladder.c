/* The price ladder away from the touch: pages come and go. */
#include "matcher/core/ladder.h"

#include <string.h>

#include "orderbook/pages.h"

#define REFS_PER_UNIT ((uint32_t)(UNIT_BYTES / sizeof(ladder_ref)))
#define MOST_REFS     512u /* of pages in one list */

_Static_assert(sizeof(ladder_level) == 32, "two levels to a cache line");
_Static_assert(sizeof(ladder_page) == 64 + LADDER_LEVELS * sizeof(ladder_level), "levels begin on a cache line");

/* Lists are powers of two and twice as long while they grow; two that are neighbours in `far` have more than a quarter of their room in use:
 * eight times as many refs as there are pages, in units. */
static uint32_t arena_levels(uint32_t max_pages) {
    uint32_t units = max_pages / REFS_PER_UNIT * 8 + 1024;
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

static ladder_ref *refs_of(const ladder_room *room, uint32_t block) {
    return level_arena_at(&room->arena, block);
}

static bool list_reserve(ladder_room *room, ladder_list *list) {
    if (list->count < list->capacity) return true;
    uint32_t capacity = list->capacity == 0 ? REFS_PER_UNIT : list->capacity * 2;
    uint32_t block = level_arena_take(&room->arena, size_of(capacity));
    if (block == NO_BLOCK) return false;
    if (list->capacity != 0) {
        memcpy(refs_of(room, block), refs_of(room, list->block), list->count * sizeof(ladder_ref));
        level_arena_give(&room->arena, list->block, size_of(list->capacity));
    }
    list->block = block;
    list->capacity = capacity;
    return true;
}

static void list_trim(ladder_room *room, ladder_list *list) {
    if (list->count == 0) {
        level_arena_give(&room->arena, list->block, size_of(list->capacity));
        list->capacity = 0;
    } else if (list->capacity > REFS_PER_UNIT && list->count <= list->capacity / 4) {
        level_arena_halve(&room->arena, list->block, size_of(list->capacity));
        list->capacity /= 2;
    }
}

/* There must be room. */
static void list_insert(ladder_room *room, ladder_list *list, uint32_t at, ladder_ref ref) {
    ladder_ref *refs = refs_of(room, list->block);
    memmove(refs + at + 1, refs + at, (list->count - at) * sizeof *refs);
    refs[at] = ref;
    list->count++;
}

static void list_remove(ladder_room *room, ladder_list *list, uint32_t at) {
    ladder_ref *refs = refs_of(room, list->block);
    memmove(refs + at, refs + at + 1, (list->count - at - 1) * sizeof *refs);
    list->count--;
}

/* Where a page's ref is, or would be: behind `at` refs of the list number `list`; the near one comes behind all far ones. */
typedef struct spot {
    uint32_t list, at;
    const ladder_ref *refs; /* of that list */
} spot;

static spot spot_of(const ladder_room *room, const ladder *side, int64_t page_key) {
    const ladder_ref *near = refs_of(room, side->near.block);
    if (side->far.count == 0 || near[0].key <= page_key)
        return (spot){side->far.count, refs_until(near, side->near.count, page_key), near};
    const ladder_ref *far = refs_of(room, side->far.block);
    uint32_t list = refs_until(far, side->far.count, page_key);
    if (list > 0) list--;
    const ladder_ref *refs = refs_of(room, far[list].page);
    return (spot){list, refs_until(refs, far[list].count, page_key), refs};
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

static uint32_t page_of(const ladder_room *room, const ladder *side, int64_t page_key) {
    if (side->near.count == 0) return 0;
    spot where = spot_of(room, side, page_key);
    return where.at > 0 && where.refs[where.at - 1].key == page_key ? where.refs[where.at - 1].page : 0;
}

/* A full list gives one of its halves to a new one: the near one the worse half, a far one the better. */
static bool split(ladder_room *room, ladder *side, uint32_t list) {
    bool near = list == side->far.count;
    uint32_t half = MOST_REFS / 2, block;
    if (!list_reserve(room, &side->far)) return false;
    block = level_arena_take(&room->arena, size_of(MOST_REFS));
    if (block == NO_BLOCK) return false;
    ladder_ref *to = refs_of(room, block);
    if (near) {
        ladder_ref *refs = refs_of(room, side->near.block);
        memcpy(to, refs, half * sizeof *refs);
        memmove(refs, refs + half, half * sizeof *refs);
        side->near.count = half;
    } else {
        ladder_ref *from = &refs_of(room, side->far.block)[list];
        memcpy(to, refs_of(room, from->page) + half, half * sizeof *to);
        from->count = half;
        list++;
    }
    list_insert(room, &side->far, list, (ladder_ref){.key = to[0].key, .page = block, .count = half});
    return true;
}

static bool list_has_room(ladder_room *room, ladder *side, uint32_t list) {
    if (list < side->far.count)
        return refs_of(room, side->far.block)[list].count < MOST_REFS || split(room, side, list);
    return side->near.count < MOST_REFS ? list_reserve(room, &side->near) : split(room, side, list);
}

static uint32_t page_add(ladder_room *room, ladder *side, int64_t page_key) {
    uint32_t list = side->near.count == 0 ? 0 : spot_of(room, side, page_key).list;
    if (room->live >= room->limit || !list_has_room(room, side, list)) return 0;
    ladder_ref made = {.key = page_key, .page = page_take(room, page_key)};
    spot where = {0, 0, NULL};
    if (side->near.count > 0) where = spot_of(room, side, page_key); /* a half may have moved */
    if (where.list == side->far.count) {
        list_insert(room, &side->near, where.at, made);
        return made.page;
    }
    ladder_ref *far = &refs_of(room, side->far.block)[where.list];
    ladder_list worse = {far->page, far->count, MOST_REFS};
    list_insert(room, &worse, where.at, made);
    far->count = worse.count;
    if (where.at == 0) far->key = page_key;
    return made.page;
}

/* Two neighbours become one where that leaves half of it free. */
static bool join(ladder_room *room, ladder *side, uint32_t list) {
    if (list + 1 >= side->far.count) return false;
    ladder_ref *left = &refs_of(room, side->far.block)[list], *right = left + 1;
    if (left->count + right->count > MOST_REFS / 2) return false;
    memcpy(refs_of(room, left->page) + left->count, refs_of(room, right->page), right->count * sizeof *left);
    left->count += right->count;
    level_arena_give(&room->arena, right->page, size_of(MOST_REFS));
    list_remove(room, &side->far, list + 1);
    list_trim(room, &side->far);
    return true;
}

static void remove_far(ladder_room *room, ladder *side, spot where) {
    ladder_ref *far = &refs_of(room, side->far.block)[where.list];
    ladder_list worse = {far->page, far->count, MOST_REFS};
    list_remove(room, &worse, where.at);
    far->count = worse.count;
    if (worse.count > 0) {
        far->key = refs_of(room, worse.block)[0].key;
        if (!join(room, side, where.list) && where.list > 0) (void)join(room, side, where.list - 1);
        return;
    }
    level_arena_give(&room->arena, worse.block, size_of(MOST_REFS));
    list_remove(room, &side->far, where.list);
    list_trim(room, &side->far);
}

static void remove_near(ladder_room *room, ladder *side, uint32_t at) {
    list_remove(room, &side->near, at);
    list_trim(room, &side->near);
    if (side->near.count > 0 || side->far.count == 0) return;
    ladder_ref best = refs_of(room, side->far.block)[--side->far.count];
    side->near = (ladder_list){best.page, best.count, MOST_REFS};
    list_trim(room, &side->far);
}

static void page_remove(ladder_room *room, ladder *side, uint32_t page) {
    spot where = spot_of(room, side, room->pages[page].key);
    where.at--;
    if (where.list < side->far.count) {
        remove_far(room, side, where);
    } else {
        remove_near(room, side, where.at);
    }
    page_give(room, page);
}

uint32_t ladder_open_far(ladder_room *room, ladder *side, int64_t key) {
    uint32_t page = page_of(room, side, key >> LADDER_BITS);
    if (page == 0) page = page_add(room, side, key >> LADDER_BITS);
    if (page == 0) return NO_LEVEL;
    uint32_t place = (uint32_t)key % LADDER_LEVELS;
    room->pages[page].used |= UINT64_C(1) << place;
    uint32_t level = page << LADDER_BITS | place;
    if (key > side->best) side->best = key, side->best_level = level;
    return level;
}

bool ladder_has_room(const ladder_room *room, const ladder *side, int64_t key) {
    return room->live < room->limit || page_of(room, side, key >> LADDER_BITS) != 0;
}

uint32_t ladder_find(const ladder_room *room, const ladder *side, int64_t key) {
    if (key == side->best) return side->best_level;
    uint32_t page = page_of(room, side, key >> LADDER_BITS), place = (uint32_t)key % LADDER_LEVELS;
    if (page == 0 || (room->pages[page].used >> place & 1) == 0) return NO_LEVEL;
    return page << LADDER_BITS | place;
}

static uint32_t top_of(const ladder_room *room, uint32_t page) {
    return page << LADDER_BITS | (63u - (uint32_t)__builtin_clzll(room->pages[page].used));
}

void ladder_close(ladder_room *room, ladder *side, uint32_t level) {
    ladder_page *page = &room->pages[level >> LADDER_BITS];
    page->used &= ~(UINT64_C(1) << level % LADDER_LEVELS);
    if (page->used == 0) page_remove(room, side, level >> LADDER_BITS);
    if (level != side->best_level) return;
    if (side->near.count == 0) {
        side->best = NO_KEY;
        side->best_level = NO_LEVEL;
        return;
    }
    side->best_level = top_of(room, refs_of(room, side->near.block)[side->near.count - 1].page);
    side->best = ladder_key_of(room, side->best_level);
}

uint32_t ladder_next(const ladder_room *room, const ladder *side, uint32_t level) {
    const ladder_page *page = &room->pages[level >> LADDER_BITS];
    uint64_t worse = page->used & ((UINT64_C(1) << level % LADDER_LEVELS) - 1);
    if (worse != 0) return (level & ~(LADDER_LEVELS - 1)) | (63u - (uint32_t)__builtin_clzll(worse));
    spot where = spot_of(room, side, page->key);
    if (where.at > 1) return top_of(room, where.refs[where.at - 2].page);
    if (where.list == 0) return NO_LEVEL;
    const ladder_ref *worse_list = &refs_of(room, side->far.block)[where.list - 1];
    return top_of(room, refs_of(room, worse_list->page)[worse_list->count - 1].page);
}

static bool check_page(const ladder_room *room, const ladder_ref *ref) {
    const ladder_page *page = &room->pages[ref->page];
    if (page->key != ref->key || page->used == 0) return false;
    for (uint32_t place = 0; place < LADDER_LEVELS; place++) {
        const ladder_level *level = &page->levels[place];
        bool used = page->used >> place & 1;
        if (used != (level->orders > 0) ||
            (!used && (level->total | level->shown | level->head | level->tail) != 0))
            return false;
    }
    return true;
}

/* `last`: the greatest key before, and then of these. */
static bool check_refs(const ladder_room *room, const ladder_ref *refs, uint32_t count, int64_t *last) {
    if (count == 0 || count > MOST_REFS) return false;
    for (uint32_t i = 0; i < count; i++) {
        if (refs[i].key <= *last || !check_page(room, &refs[i])) return false;
        *last = refs[i].key;
    }
    return true;
}

bool ladder_check(const ladder_room *room, const ladder *side) {
    if (side->near.count == 0)
        return side->best == NO_KEY && side->best_level == NO_LEVEL && side->near.capacity == 0 &&
               side->far.count == 0 && side->far.capacity == 0;
    int64_t last = NO_KEY;
    for (uint32_t i = 0; i < side->far.count; i++) {
        const ladder_ref *list = &refs_of(room, side->far.block)[i];
        const ladder_ref *refs = refs_of(room, list->page);
        if (list->key != refs[0].key || !check_refs(room, refs, list->count, &last)) return false;
        if (i > 0 && list[-1].count + list->count <= MOST_REFS / 2) return false;
    }
    const ladder_ref *near = refs_of(room, side->near.block);
    if (!check_refs(room, near, side->near.count, &last)) return false;
    uint32_t best = top_of(room, near[side->near.count - 1].page);
    return side->best_level == best && side->best == ladder_key_of(room, best);
}
