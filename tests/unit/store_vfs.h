/* store_vfs.h - a disk that fails or loses power when told to, under SQLite's default VFS. Knows
 * nothing of the store.  Everything is passed through to the real file; what a power cut would
 * leave (synced bytes, and a random choice of the sectors written since) is kept beside it in
 * memory. Included once by a test, which calls vfs_install() before it opens anything. */
#ifndef STORE_VFS_H
#define STORE_VFS_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum vfs_op { VFS_READ = 1, VFS_WRITE = 2, VFS_SYNC = 4, VFS_TRUNCATE = 8, VFS_SHM = 16 };

static struct {
    atomic_int ops;        /* enum vfs_op that fail; 0: a healthy disk */
    atomic_int skip;       /* let so many of them pass first */
    atomic_int times;      /* then fail so many, -1 all */
    atomic_int rc;         /* with this */
    atomic_bool main_only; /* the database file, not its write-ahead log */
    atomic_int failed;     /* how often it did */
} vfs_fault;

static void vfs_heal(void)
{
    atomic_store(&vfs_fault.ops, 0);
}

__attribute__((unused)) static void vfs_break(int ops, int skip, int times, int rc)
{
    vfs_heal();
    atomic_store(&vfs_fault.skip, skip);
    atomic_store(&vfs_fault.times, times);
    atomic_store(&vfs_fault.rc, rc);
    atomic_store(&vfs_fault.failed, 0);
    atomic_store(&vfs_fault.ops, ops);
}

static int vfs_fails(int op, bool is_main)
{
    if (!(atomic_load(&vfs_fault.ops) & op) || (atomic_load(&vfs_fault.main_only) && !is_main))
        return 0;
    if (atomic_fetch_sub(&vfs_fault.skip, 1) > 0)
        return 0;
    atomic_store(&vfs_fault.skip, 0);
    if (!atomic_load(&vfs_fault.times))
        return 0;
    if (atomic_load(&vfs_fault.times) > 0)
        atomic_fetch_sub(&vfs_fault.times, 1);
    atomic_fetch_add(&vfs_fault.failed, 1);
    return atomic_load(&vfs_fault.rc);
}

/* ---- what is on the platter ---- */
#define VFS_SECTOR 512
struct vfs_image {
    char name[160];
    unsigned char *bytes;
    size_t len, cap;
};
struct vfs_pending { /* written, not synced; data NULL: cut to `at` */
    struct vfs_image *image;
    unsigned char *data;
    size_t at, n;
    struct vfs_pending *next;
};
static struct {
    pthread_mutex_t mutex;
    bool on;
    struct vfs_image images[8];
    unsigned n;
    struct vfs_pending *first, **last;
    void (*event)(void); /* after each write, truncation and sync, on the thread that did it */
} vfs_platter = {.mutex = PTHREAD_MUTEX_INITIALIZER, .last = &vfs_platter.first};

static void image_write(struct vfs_image *i, size_t at, const unsigned char *data, size_t n)
{
    if (at + n > i->cap) {
        i->cap = (at + n) * 2;
        i->bytes = realloc(i->bytes, i->cap);
        if (!i->bytes)
            abort();
    }
    if (at > i->len)
        memset(i->bytes + i->len, 0, at - i->len);
    memcpy(i->bytes + at, data, n);
    if (at + n > i->len)
        i->len = at + n;
}

static void image_truncate(struct vfs_image *i, size_t len)
{
    if (len < i->len)
        i->len = len;
}

static struct vfs_image *image_of(const char *name)
{
    for (unsigned i = 0; i < vfs_platter.n; i++)
        if (!strcmp(vfs_platter.images[i].name, name))
            return &vfs_platter.images[i];
    if (vfs_platter.n == 8)
        abort();
    struct vfs_image *i = &vfs_platter.images[vfs_platter.n++];
    snprintf(i->name, sizeof i->name, "%s", name);
    return i;
}

static void vfs_note(const char *name, const void *data, size_t at, size_t n)
{
    if (!vfs_platter.on)
        return;
    pthread_mutex_lock(&vfs_platter.mutex);
    struct vfs_pending *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    *p = (struct vfs_pending){.image = image_of(name), .at = at, .n = n};
    if (data) {
        p->data = malloc(n);
        if (!p->data)
            abort();
        memcpy(p->data, data, n);
    }
    *vfs_platter.last = p;
    vfs_platter.last = &p->next;
    pthread_mutex_unlock(&vfs_platter.mutex);
    if (vfs_platter.event)
        vfs_platter.event();
}

static void apply(const struct vfs_pending *p, struct vfs_image *to)
{
    if (p->data)
        image_write(to, p->at, p->data, p->n);
    else
        image_truncate(to, p->at);
}

static void vfs_synced(const char *name)
{
    if (!vfs_platter.on)
        return;
    pthread_mutex_lock(&vfs_platter.mutex);
    struct vfs_image *image = image_of(name);
    struct vfs_pending **at = &vfs_platter.first;
    while (*at) {
        struct vfs_pending *p = *at;
        if (p->image != image) {
            at = &p->next;
            continue;
        }
        apply(p, image);
        *at = p->next;
        free(p->data);
        free(p);
    }
    vfs_platter.last = at;
    pthread_mutex_unlock(&vfs_platter.mutex);
    if (vfs_platter.event)
        vfs_platter.event();
}

/* A deletion is a directory's business, and ordered by every journalling file system. */
static void vfs_deleted(const char *name)
{
    if (!vfs_platter.on)
        return;
    vfs_synced(name);
    pthread_mutex_lock(&vfs_platter.mutex);
    image_truncate(image_of(name), 0);
    pthread_mutex_unlock(&vfs_platter.mutex);
}

/* Writes what a power cut now would leave of each file: name + suffix.  rnd: of the caller's
 * seed. */
__attribute__((unused)) static void vfs_power_cut(const char *from, const char *to,
                                                  uint32_t (*rnd)(void))
{
    pthread_mutex_lock(&vfs_platter.mutex);
    for (unsigned i = 0; i < vfs_platter.n; i++) {
        const struct vfs_image *image = &vfs_platter.images[i];
        struct vfs_image copy = {.cap = 0};
        char name[256];
        if (strncmp(image->name, from, strlen(from)) != 0)
            continue;
        if (image->len)
            image_write(&copy, 0, image->bytes, image->len);
        for (const struct vfs_pending *p = vfs_platter.first; p; p = p->next) {
            if (p->image != image)
                continue;
            for (size_t at = 0; p->data && at < p->n; at += VFS_SECTOR)
                if (rnd() % 2)
                    image_write(&copy, p->at + at, p->data + at,
                                p->n - at < VFS_SECTOR ? p->n - at : VFS_SECTOR);
            if (!p->data && rnd() % 2)
                image_truncate(&copy, p->at);
        }
        snprintf(name, sizeof name, "%s%s", to, image->name + strlen(from));
        FILE *f = fopen(name, "w");
        if (!f ||
            fwrite(copy.bytes ? copy.bytes : (unsigned char *)"", 1, copy.len, f) != copy.len ||
            fclose(f))
            abort();
        free(copy.bytes);
    }
    pthread_mutex_unlock(&vfs_platter.mutex);
}

__attribute__((unused)) static void vfs_platter_clear(void)
{
    for (struct vfs_pending *p = vfs_platter.first, *next; p; p = next) {
        next = p->next;
        free(p->data);
        free(p);
    }
    for (unsigned i = 0; i < vfs_platter.n; i++)
        free(vfs_platter.images[i].bytes);
    memset(vfs_platter.images, 0, sizeof vfs_platter.images);
    vfs_platter.n = 0;
    vfs_platter.first = NULL;
    vfs_platter.last = &vfs_platter.first;
}

/* ---- the VFS ---- */
struct vfs_file {
    sqlite3_file base;
    bool is_main;
    char name[160];
    sqlite3_file *real; /* behind this struct */
};
#define REAL(f) (((struct vfs_file *)(f))->real)
#define SELF(f) ((struct vfs_file *)(f))

static int f_close(sqlite3_file *f)
{
    return REAL(f)->pMethods->xClose(REAL(f));
}
static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    int rc = vfs_fails(VFS_READ, SELF(f)->is_main);
    return rc ? rc : REAL(f)->pMethods->xRead(REAL(f), p, n, at);
}
static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    int rc = vfs_fails(VFS_WRITE, SELF(f)->is_main);
    if (!rc)
        rc = REAL(f)->pMethods->xWrite(REAL(f), p, n, at);
    if (!rc)
        vfs_note(SELF(f)->name, p, (size_t)at, (size_t)n);
    return rc;
}
static int f_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    int rc = vfs_fails(VFS_TRUNCATE, SELF(f)->is_main);
    if (!rc)
        rc = REAL(f)->pMethods->xTruncate(REAL(f), n);
    if (!rc)
        vfs_note(SELF(f)->name, NULL, (size_t)n, 0);
    return rc;
}
static int f_sync(sqlite3_file *f, int flags)
{
    int rc = vfs_fails(VFS_SYNC, SELF(f)->is_main);
    if (!rc)
        rc = REAL(f)->pMethods->xSync(REAL(f), flags);
    if (!rc)
        vfs_synced(SELF(f)->name);
    return rc;
}
static int f_size(sqlite3_file *f, sqlite3_int64 *n)
{
    return REAL(f)->pMethods->xFileSize(REAL(f), n);
}
static int f_lock(sqlite3_file *f, int how)
{
    return REAL(f)->pMethods->xLock(REAL(f), how);
}
static int f_unlock(sqlite3_file *f, int how)
{
    return REAL(f)->pMethods->xUnlock(REAL(f), how);
}
static int f_reserved(sqlite3_file *f, int *out)
{
    return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out);
}
static int f_control(sqlite3_file *f, int op, void *arg)
{
    return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}
static int f_sector(sqlite3_file *f)
{
    return REAL(f)->pMethods->xSectorSize(REAL(f));
}
static int f_traits(sqlite3_file *f)
{
    return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}
static int f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    int rc = vfs_fails(VFS_SHM, SELF(f)->is_main);
    return rc ? rc : REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, out);
}
static int f_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return REAL(f)->pMethods->xShmLock(REAL(f), offset, n, flags);
}
static void f_shm_barrier(sqlite3_file *f)
{
    REAL(f)->pMethods->xShmBarrier(REAL(f));
}
static int f_shm_unmap(sqlite3_file *f, int remove)
{
    return REAL(f)->pMethods->xShmUnmap(REAL(f), remove);
}

static const sqlite3_io_methods vfs_methods = {
    .iVersion = 2,
    .xClose = f_close,
    .xRead = f_read,
    .xWrite = f_write,
    .xTruncate = f_truncate,
    .xSync = f_sync,
    .xFileSize = f_size,
    .xLock = f_lock,
    .xUnlock = f_unlock,
    .xCheckReservedLock = f_reserved,
    .xFileControl = f_control,
    .xSectorSize = f_sector,
    .xDeviceCharacteristics = f_traits,
    .xShmMap = f_shm_map,
    .xShmLock = f_shm_lock,
    .xShmBarrier = f_shm_barrier,
    .xShmUnmap = f_shm_unmap,
};

static sqlite3_vfs *vfs_real, vfs_shim;

static int vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
    struct vfs_file *self = (struct vfs_file *)f;
    (void)v;
    self->real = (sqlite3_file *)(void *)(self + 1);
    self->is_main = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    snprintf(self->name, sizeof self->name, "%s", name ? name : "");
    int rc = vfs_real->xOpen(vfs_real, name, self->real, flags, out);
    self->base.pMethods = rc ? NULL : &vfs_methods;
    return rc;
}

static int vfs_delete(sqlite3_vfs *v, const char *name, int sync_dir)
{
    (void)v;
    int rc = vfs_real->xDelete(vfs_real, name, sync_dir);
    if (!rc)
        vfs_deleted(name);
    return rc;
}

static void vfs_install(void)
{
    vfs_real = sqlite3_vfs_find(NULL);
    vfs_shim = *vfs_real;
    vfs_shim.zName = "shim";
    vfs_shim.szOsFile = (int)sizeof(struct vfs_file) + vfs_real->szOsFile;
    vfs_shim.xOpen = vfs_open;
    vfs_shim.xDelete = vfs_delete;
    sqlite3_vfs_register(&vfs_shim, 1);
}

#endif
