/* What an error reply of Redis means: a kind to count by, and what an operator can do about it. Pure. */
#ifndef TICKWIRE_RUNTIME_REDIS_TROUBLE_H
#define TICKWIRE_RUNTIME_REDIS_TROUBLE_H

typedef enum redis_trouble {
    REDIS_TROUBLE_OTHER = 0,
    REDIS_TROUBLE_MEMORY,     /* OOM */
    REDIS_TROUBLE_READ_ONLY,  /* READONLY: a replica; MISCONF: it can't save and refuses writes */
    REDIS_TROUBLE_PERMISSION, /* NOAUTH, WRONGPASS, NOPERM */
    REDIS_TROUBLE_WRONG_TYPE, /* WRONGTYPE */
    REDIS_TROUBLE_NOT_READY,  /* LOADING, BUSY, CLUSTERDOWN, MASTERDOWN, TRYAGAIN */
    REDIS_TROUBLE_CLUSTER,    /* MOVED, ASK, CROSSSLOT */
    REDIS_TROUBLES
} redis_trouble;

redis_trouble redis_trouble_of(const char *error_text); /* by its first word */
const char *redis_trouble_name(redis_trouble trouble);  /* "memory": a label of metrics */
const char *redis_trouble_advice(redis_trouble trouble);

#endif
