/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: a key file wears the armour of an object, so that a few bad sectors of the
 * stick that it lies on do not cost the vault.  It is created exclusively with mode 0600,
 * under its own name: a key that was there is never overwritten, and what was not finished
 * is removed.  Buffers with keys are locked and wiped. */
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>

#include <sodium.h>

#include "codes.h"
#include "keys_internal.h"
#include "write_all.h"

struct keyfile {
    char *path;
    int fd;
    bool keep;
};

/* ---- reading ---- */

/* At most ${max} bytes; one more than that is reported as its length.  The buffer is not much
 * larger than the file, because locked memory is scarce. */
static struct err *must_use
read_all(const char *path, size_t max, struct secret **ret, size_t *ret_len)
{
    auto_ptr(secret) buf = NULL;
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;

    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return fail(FileUnreadable, path);
    if (S_ISREG(st.st_mode) && (uint64_t)st.st_size + ARMOUR_CELL_LARGE < max)
        max = (size_t)st.st_size + ARMOUR_CELL_LARGE;
    TRY(secret_new(max + 1, &buf));
    while (len < buf->len) {
        ssize_t n = read(fd, buf->data + len, buf->len - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(FileUnreadable, path);
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *ret = take(buf);
    *ret_len = len;
    return NULL;
}

/* Mend what was read; the buffer behind it is zeros. */
static struct err *must_use
mend(struct secret *buf, size_t *len, bool *ret_ok)
{
    uint64_t true_len;
    uint32_t cells;

    *ret_ok = false;
    if (!armour_true_len(buf->data, *len, &true_len) || true_len > buf->len)
        return NULL;
    *len = true_len;
    return armour_mend(buf->data, *len, &cells, ret_ok);
}

struct err *
keyfile_read(const char *path, enum armour_kind kind, size_t max_body, struct secret **ret,
    struct view *ret_body, struct vault_key *ret_vault)
{
    auto_ptr(secret) buf = NULL;
    struct armour_head head;
    struct view body;
    size_t max = armour_front_max(max_body) + max_body + armour_back_max(max_body), len = 0;
    bool ok = true, newer;

    TRY(read_all(path, max, &buf, &len));
    struct err *e = armour_take_off(path, buf->data, len, kind, NULL, &body);
    if (err_code(e) == E_ObjectDamaged) {
        struct err *second = mend(buf, &len, &ok);
        if (second != NULL)
            return err_also(e, second);
        if (ok) {
            err_free(e);
            e = armour_take_off(path, buf->data, len, kind, NULL, &body);
        }
    }
    /* the armour's failures speak of an object of the vault, which this file is not */
    if (err_code(e) == E_ObjectDamaged || err_code(e) == E_ObjectForeign) {
        bool foreign = err_code(e) == E_ObjectForeign;

        err_free(e);
        return foreign ? fail(KeyFileWrong, path, "it is a file of another kind")
                       : fail(KeyFileDamaged, path);
    }
    TRY(e);
    if (body.len > max_body || !armour_head_read(buf->data, &head, &newer))
        return fail(KeyFileDamaged, path);
    *ret_vault = head.vault;
    *ret_body = body;
    *ret = take(buf);
    return NULL;
}

/* ---- writing ---- */

struct err *
keyfile_begin(const char *path, struct keyfile **ret)
{
    auto_ptr(keyfile) f = calloc(1, sizeof *f);

    if (f == NULL)
        return fail(OutOfMemory);
    f->fd = -1;
    char *copy = strdup(path);
    if (copy == NULL)
        return fail(OutOfMemory);
    f->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (f->fd < 0) {
        struct err *e =
            errno == EEXIST ? fail(KeyFileExists, path) : fail(FileUnwritable, path);
        free(copy);
        return e;
    }
    f->path = copy;
    *ret = take(f);
    return NULL;
}

/* Make the file's name durable. */
static struct err *must_use
sync_folder(const char *path)
{
    auto_free char *copy = strdup(path);

    if (copy == NULL)
        return fail(OutOfMemory);
    auto_fd int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return fail(FileUnwritable, path);
    return NULL;
}

static struct err *must_use
write_durably(const struct keyfile *f, const uint8_t *data, size_t len)
{
    if (!write_all(f->fd, data, len) || fsync(f->fd) < 0)
        return fail(FileUnwritable, f->path);
    return sync_folder(f->path);
}

struct err *
keyfile_write(struct keyfile *f, enum armour_kind kind, const struct vault_key *vault,
    const void *body, size_t len)
{
    uint8_t *object = NULL;
    size_t total;

    TRY(armour_wrap(kind, vault, body, len, &object, &total));
    struct err *e = write_durably(f, object, total);
    sodium_memzero(object, total);
    free(object);
    return e;
}

void
keyfile_keep(struct keyfile *f)
{
    f->keep = true;
}

void
keyfile_free(struct keyfile *f)
{
    int keep = errno;

    if (f == NULL)
        return;
    if (f->path != NULL && !f->keep)
        (void)unlink(f->path);
    if (f->fd >= 0)
        (void)close(f->fd);
    free(f->path);
    free(f);
    errno = keep;
}
