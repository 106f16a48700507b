/* The simulated disk: see disk.h. Files are never written again, so a file is its bytes and how many of them are safe. */
#include "tests/sim/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/text.h"
#include "tests/sim/fake.h"

/* ---- folders ---- */

static disk_entry *find(disk_folder *folder, const char *name) {
    for (uint32_t i = 0; i < folder->count; i++)
        if (strcmp(folder->entries[i].name, name) == 0) return &folder->entries[i];
    return NULL;
}

static void unlink_name(disk_folder *folder, const char *name) {
    disk_entry *entry = find(folder, name);
    if (entry != NULL) *entry = folder->entries[--folder->count];
}

static void link_name(disk_folder *folder, const char *name, disk_file *file) {
    unlink_name(folder, name);
    TW_ASSERT(folder->count < DISK_FILES);
    disk_entry *entry = &folder->entries[folder->count++];
    (void)tw_text_copy(entry->name, sizeof entry->name, name);
    entry->file = file;
}

static void change_folder(disk_folder *folder, const disk_step *step) {
    if (step->verb == DISK_UNLINK || step->verb == DISK_RENAME) unlink_name(folder, step->name);
    if (step->verb == DISK_LINK) link_name(folder, step->name, step->file);
    if (step->verb == DISK_RENAME) link_name(folder, step->to, step->file);
}

/* ---- steps ---- */

static void note(disk_steps *steps, const disk_step *step) {
    TW_ASSERT(steps->count < DISK_STEPS);
    steps->all[steps->count++] = *step;
}

static void apply(disk *d, const disk_step *step) {
    disk_state *s = &d->state;
    switch (step->verb) {
    case DISK_WRITE:
        step->file->length += step->length;
        break;
    case DISK_SYNC:
        step->file->synced = step->file->length;
        break;
    case DISK_SYNC_FOLDER:
        s->durable = s->now;
        s->since.count = 0;
        break;
    default:
        change_folder(&s->now, step);
        note(&s->since, step);
        break;
    }
}

static void take_step(disk *d, const disk_step *step) {
    if (d->working) note(&d->under_way, step);
    apply(d, step);
}

void disk_begin(disk *d) {
    d->working = true;
    d->before = d->state;
    d->under_way.count = 0;
}

void disk_end(disk *d) {
    d->working = false;
}

void disk_kill(disk *d) {
    memset(d->handles, 0, sizeof d->handles);
    if (!d->working) return;
    d->working = false;
    uint32_t happened = (uint32_t)world_between(d->world, 0, d->under_way.count);
    for (uint32_t i = 0; i < d->under_way.count; i++)
        if (d->under_way.all[i].verb == DISK_LINK)
            d->under_way.all[i].file->length = d->under_way.all[i].file->synced = 0;
    d->state = d->before;
    for (uint32_t i = 0; i < happened; i++)
        apply(d, &d->under_way.all[i]);
    if (happened == d->under_way.count) return;
    disk_step *cut = &d->under_way.all[happened];
    if (cut->verb == DISK_WRITE) cut->length = (size_t)world_between(d->world, 0, (int64_t)cut->length);
    if (cut->verb == DISK_WRITE) apply(d, cut);
    world_tell(d->world, "the disk of %s: what was under way ends at step %u of %u", d->name, happened,
               d->under_way.count);
}

static void lose_unsynced(disk *d, disk_file *file) {
    if (file->length == file->synced) return;
    size_t left = (size_t)world_between(d->world, (int64_t)file->synced, (int64_t)file->length);
    if (world_odds(d->world, 1, 2))
        memset(file->bytes + left, 0, file->length - left);
    else
        file->length = left;
    file->synced = file->length;
}

void disk_power_off(disk *d) {
    disk_state *s = &d->state;
    uint32_t kept = (uint32_t)world_between(d->world, 0, s->since.count);
    s->now = s->durable;
    for (uint32_t i = 0; i < kept; i++)
        change_folder(&s->now, &s->since.all[i]);
    s->durable = s->now;
    s->since.count = 0;
    for (uint32_t i = 0; i < s->now.count; i++)
        lose_unsynced(d, s->now.entries[i].file);
    world_tell(d->world, "the machine of %s has no power", d->name);
}

void disk_wipe(disk *d) {
    memset(&d->state, 0, sizeof d->state);
    world_tell(d->world, "%s gets a new machine", d->name);
}

bool disk_flip_bit(disk *d) {
    disk_folder *folder = &d->state.now;
    if (folder->count == 0) return false;
    const disk_entry *entry = &folder->entries[world_between(d->world, 0, folder->count - 1)];
    disk_file *file = entry->file;
    if (file->length == 0) return false;
    size_t at = (size_t)world_between(d->world, 0, (int64_t)file->length - 1);
    file->bytes[at] ^= (uint8_t)(1u << world_between(d->world, 0, 7));
    file->harmed = true;
    world_tell(d->world, "a bit flips in %s of %s", entry->name, d->name);
    return true;
}

void disk_init(disk *d, world *w, const char *name, disk_mutation mutation) {
    *d = (disk){.world = w, .name = name, .mutation = mutation};
}

void disk_fini(disk *d) {
    while (d->files != NULL) {
        disk_file *gone = d->files;
        d->files = gone->next;
        free(gone->bytes);
        free(gone);
    }
}

/* ---- doors ---- */

static disk *mine(void) {
    return fake_current()->disk;
}

static int fail(int number) {
    errno = number;
    return -1;
}

static bool is_sick(disk *d) {
    return d->sick_until_ns > world_now(d->world) && world_odds(d->world, 1, 2);
}

static bool is_full(const disk *d) {
    return d->full_until_ns > world_now(d->world);
}

/* What is behind the folder. */
static void name_of(const disk *d, char name[DISK_NAME_BYTES], const char *path) {
    const char *slash = strrchr(path, '/');
    bool fits = tw_text_copy(name, DISK_NAME_BYTES, slash == NULL ? path : slash + 1);
    TW_ASSERT(fits);
    size_t length = strlen(name), ending = strlen(".part");
    if (d->mutation == DISK_IN_PLACE && length > ending && strcmp(name + length - ending, ".part") == 0)
        name[length - ending] = '\0';
}

static disk_file *make_file(disk *d) {
    disk_file *file = calloc(1, sizeof *file);
    TW_ASSERT(file != NULL);
    file->next = d->files;
    file->written_ns = world_now(d->world);
    d->files = file;
    return file;
}

int disk_do_open(const char *path, int flags, ...) {
    disk *d = mine();
    disk_step step = {.verb = DISK_LINK};
    int fd = 0;
    while (d->handles[fd].used)
        TW_ASSERT(++fd < DISK_OPEN);
    disk_handle *handle = &d->handles[fd];
    *handle = (disk_handle){.used = true, .folder = (flags & O_DIRECTORY) != 0};
    if (handle->folder) return fd;
    name_of(d, step.name, path);
    disk_entry *entry = find(&d->state.now, step.name);
    bool makes = (flags & O_CREAT) != 0;
    handle->used = false;
    if (makes && is_sick(d)) return fail(EIO);
    if (makes && is_full(d) && world_odds(d->world, 1, 2)) return fail(ENOSPC);
    if (!makes && entry == NULL) return fail(ENOENT);
    handle->used = true;
    handle->file = makes ? make_file(d) : entry->file;
    step.file = handle->file;
    if (makes) take_step(d, &step);
    return fd;
}

ssize_t disk_do_write(int fd, const void *bytes, size_t length) {
    disk *d = mine();
    disk_file *file = d->handles[fd].file;
    if (is_sick(d)) return fail(EIO);
    if (is_full(d)) {
        if (length < 2 || world_odds(d->world, 1, 2)) return fail(ENOSPC);
        length = (size_t)world_between(d->world, 1, (int64_t)length - 1);
    }
    if (file->length + length > file->room) {
        file->room = file->length + length;
        file->bytes = realloc(file->bytes, file->room);
        TW_ASSERT(file->bytes != NULL);
    }
    memcpy(file->bytes + file->length, bytes, length);
    take_step(d, &(disk_step){.verb = DISK_WRITE, .file = file, .length = length});
    return (ssize_t)length;
}

ssize_t disk_do_read(int fd, void *bytes, size_t length) {
    disk_handle *handle = &mine()->handles[fd];
    size_t left = handle->file->length - handle->at;
    if (length > left) length = left;
    if (length > 0) memcpy(bytes, handle->file->bytes + handle->at, length);
    handle->at += length;
    return (ssize_t)length;
}

int disk_do_fsync(int fd) {
    disk *d = mine();
    const disk_handle *handle = &d->handles[fd];
    if (is_sick(d)) return fail(EIO);
    if (d->mutation == DISK_NO_SYNC && !handle->folder) return 0;
    take_step(d, &(disk_step){.verb = handle->folder ? DISK_SYNC_FOLDER : DISK_SYNC, .file = handle->file});
    return 0;
}

int disk_do_close(int fd) {
    mine()->handles[fd].used = false;
    return 0;
}

int disk_do_rename(const char *from, const char *to) {
    disk *d = mine();
    disk_step step = {.verb = DISK_RENAME};
    name_of(d, step.name, from);
    name_of(d, step.to, to);
    const disk_entry *entry = find(&d->state.now, step.name);
    if (entry == NULL) return fail(ENOENT);
    if (is_sick(d)) return fail(EIO);
    step.file = entry->file;
    take_step(d, &step);
    return 0;
}

int disk_do_unlink(const char *path) {
    disk *d = mine();
    disk_step step = {.verb = DISK_UNLINK};
    name_of(d, step.name, path);
    if (find(&d->state.now, step.name) == NULL) return fail(ENOENT);
    take_step(d, &step);
    return 0;
}

int disk_do_mkdir(const char *path, mode_t mode) {
    (void)path, (void)mode;
    return fail(EEXIST);
}

int disk_do_access(const char *path, int mode) {
    (void)path, (void)mode;
    return 0;
}

static int facts_of(const disk_file *file, struct stat *facts) {
    memset(facts, 0, sizeof *facts);
    facts->st_size = (off_t)file->length;
    facts->st_mtim.tv_sec = file->written_ns / WORLD_SECOND;
    facts->st_mtim.tv_nsec = file->written_ns % WORLD_SECOND;
    return 0;
}

int disk_do_stat(const char *path, struct stat *facts) {
    disk *d = mine();
    char name[DISK_NAME_BYTES];
    name_of(d, name, path);
    const disk_entry *entry = find(&d->state.now, name);
    return entry == NULL ? fail(ENOENT) : facts_of(entry->file, facts);
}

int disk_do_fstat(int fd, struct stat *facts) {
    return facts_of(mine()->handles[fd].file, facts);
}

/* ---- listing: names as they were when it began ---- */

typedef struct listing {
    disk_folder folder;
    uint32_t at;
    struct dirent given;
} listing;

static void hide_newest(disk_folder *folder) {
    const char *newest = "";
    for (uint32_t i = 0; i < folder->count; i++)
        if (strcmp(folder->entries[i].name, newest) > 0) newest = folder->entries[i].name;
    if (newest[0] != '\0') unlink_name(folder, newest);
}

void *disk_do_opendir(const char *path) {
    disk *d = mine();
    listing *l = calloc(1, sizeof *l);
    (void)path;
    TW_ASSERT(l != NULL);
    l->folder = d->state.now;
    if (d->mutation == DISK_HIDES_NEWEST && !d->working) hide_newest(&l->folder);
    return l;
}

struct dirent *disk_do_readdir(void *folder) {
    listing *l = folder;
    if (l->at == l->folder.count) return NULL;
    (void)tw_text_copy(l->given.d_name, sizeof l->given.d_name, l->folder.entries[l->at++].name);
    return &l->given;
}

int disk_do_closedir(void *folder) {
    free(folder);
    return 0;
}
