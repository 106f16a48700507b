/* Compiled in front of matcher/snapshots/file.c: its disk is the simulated one. Only calls are replaced, not types or variables of the same names. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sim/disk.h"

#define open(...)           disk_do_open(__VA_ARGS__)
#define write(fd, bytes, n) disk_do_write(fd, bytes, n)
#define read(fd, bytes, n)  disk_do_read(fd, bytes, n)
#define fsync(fd)           disk_do_fsync(fd)
#define close(fd)           disk_do_close(fd)
#define rename(from, to)    disk_do_rename(from, to)
#define unlink(path)        disk_do_unlink(path)
#define mkdir(path, mode)   disk_do_mkdir(path, mode)
#define access(path, mode)  disk_do_access(path, mode)
#define stat(path, facts)   disk_do_stat(path, facts)
#define fstat(fd, facts)    disk_do_fstat(fd, facts)
#define opendir(path)       disk_do_opendir(path)
#define readdir(folder)     disk_do_readdir(folder)
#define closedir(folder)    disk_do_closedir(folder)
