/*
 * A machine's disk in the simulated world, as much of it as files of snapshots need: one folder level, files that are written once.
 *
 * What it keeps of a real one: what a killed process has written so far stays, up to any byte; what a machine without power has not synced may be gone,
 * cut or zeros, and its folder is what it was at some point since the folder was last synced; a full disk takes a part of a write; a bit may flip.
 *
 * matcher/snapshots/file.c is compiled with disk_doors.h in front of it, which turns its system calls into calls of these, on the disk of the process whose turn it is.
 */
#ifndef TICKWIRE_TESTS_SIM_DISK_H
#define TICKWIRE_TESTS_SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/sim/world.h"

enum { DISK_FILES = 32, DISK_STEPS = 512, DISK_OPEN = 8, DISK_NAME_BYTES = 64 };

typedef enum disk_mutation {
    DISK_GOOD = 0,
    DISK_NO_SYNC,     /* fsync says that it did and does nothing */
    DISK_IN_PLACE,    /* files are written under their own name at once */
    DISK_HIDES_NEWEST /* the newest file is not found by who looks for it */
} disk_mutation;

typedef struct disk_file {
    struct disk_file *next; /* of all that the disk ever had */
    uint8_t *bytes;
    size_t length, room, synced;
    int64_t written_ns;
    bool harmed; /* on purpose: it need not be whole */
} disk_file;

typedef struct disk_entry {
    char name[DISK_NAME_BYTES];
    disk_file *file;
} disk_entry;

typedef struct disk_folder {
    disk_entry entries[DISK_FILES];
    uint32_t count;
} disk_folder;

typedef enum disk_verb { DISK_LINK, DISK_UNLINK, DISK_RENAME, DISK_WRITE, DISK_SYNC, DISK_SYNC_FOLDER } disk_verb;

typedef struct disk_step {
    disk_verb verb;
    char name[DISK_NAME_BYTES], to[DISK_NAME_BYTES];
    disk_file *file;
    size_t length; /* written */
} disk_step;

typedef struct disk_steps {
    disk_step all[DISK_STEPS];
    uint32_t count;
} disk_steps;

typedef struct disk_state {
    disk_folder now;     /* as processes see it */
    disk_folder durable; /* as it was when it was last synced */
    disk_steps since;    /* what happened to the folder since then */
} disk_state;

typedef struct disk_handle {
    bool used, folder;
    disk_file *file;
    size_t at;
} disk_handle;

typedef struct disk {
    world *world;
    const char *name;
    disk_mutation mutation;
    disk_file *files;
    disk_state state;
    disk_state before; /* what is under way began with this */
    disk_steps under_way;
    bool working;
    disk_handle handles[DISK_OPEN];
    int64_t full_until_ns, sick_until_ns; /* it has no room; half of what is asked of it fails */
} disk;

void disk_init(disk *disk, world *world, const char *name, disk_mutation mutation);
void disk_fini(disk *disk);

/* All until disk_end is one work, that disk_kill may cut anywhere. */
void disk_begin(disk *disk);
void disk_end(disk *disk);
/* Its process is killed: of what is under way only a beginning has happened. */
void disk_kill(disk *disk);
/* The machine has no power any more: after disk_kill, what was not synced is lost as well. */
void disk_power_off(disk *disk);
void disk_wipe(disk *disk); /* a new machine */
/* One bit of one file, any. False: there is none. */
bool disk_flip_bit(disk *disk);

/* ---- the doors, on the disk of the process whose turn it is ---- */
struct stat;
int disk_do_open(const char *path, int flags, ...);
ssize_t disk_do_write(int fd, const void *bytes, size_t length);
ssize_t disk_do_read(int fd, void *bytes, size_t length);
int disk_do_fsync(int fd);
int disk_do_close(int fd);
int disk_do_rename(const char *from, const char *to);
int disk_do_unlink(const char *path);
int disk_do_mkdir(const char *path, mode_t mode);
int disk_do_access(const char *path, int mode);
int disk_do_stat(const char *path, struct stat *facts);
int disk_do_fstat(int fd, struct stat *facts);
void *disk_do_opendir(const char *path);
struct dirent *disk_do_readdir(void *folder);
int disk_do_closedir(void *folder);

#endif
