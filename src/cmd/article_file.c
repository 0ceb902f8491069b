/* SPDX-License-Identifier: Apache-2.0 */
/* A file is read to its end and not by its length, so that one of /proc or a pipe is taken
 * too. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "article_file.h"
#include "codes.h"
#include "lint.h"
#include "stop.h"

enum { LOOK_MS = 200 }; /* a signal goes to another thread than the one that waits */

/* Whoever writes to a pipe has until firn is stopped. */
static struct err *
wait_for_more(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    TRY(stop_check());
    (void)poll(&p, 1, LOOK_MS);
    return NULL;
}

static struct err *
read_file(const char *path, char **ret, size_t *ret_len)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    auto_free char *s = NULL;
    struct stat st;
    size_t len = 0;

    if (fd < 0 || fstat(fd, &st) != 0)
        return fail(FileUnreadable, path);
    if (st.st_size > (off_t)ARTICLE_MAX_BYTES)
        return fail(ArticleTooLarge, path, (int64_t)ARTICLE_MAX_BYTES);
    s = malloc(ARTICLE_MAX_BYTES + 1);
    if (s == NULL)
        return fail(OutOfMemory);
    for (ssize_t n; len <= ARTICLE_MAX_BYTES; len += (size_t)n) {
        n = read(fd, s + len, ARTICLE_MAX_BYTES + 1 - len);
        if (n == 0)
            break;
        if (n > 0)
            continue;
        if (errno == EAGAIN)
            TRY(wait_for_more(fd));
        else if (errno != EINTR)
            return fail(FileUnreadable, path);
        n = 0;
    }
    if (len > ARTICLE_MAX_BYTES) /* it has grown meanwhile */
        return fail(ArticleTooLarge, path, (int64_t)ARTICLE_MAX_BYTES);
    *ret_len = len;
    *ret = take(s);
    return NULL;
}

struct err *
article_file_read(const char *path, struct article **ret)
{
    auto_free char *bytes = NULL;
    size_t len = 0;

    TRY(read_file(path, &bytes, &len));
    return article_parse(bytes, len, ret) == ARTICLE_OK ? NULL : fail(OutOfMemory);
}

void
article_file_judge(struct cmd *c, const char *path, const struct article *a)
{
    const char *clouds = article_value(a, "cloudEnvironments");
    const char *products = article_value(a, "productPesIds");
    const char *cloud = c->o.value[OPT_CLOUD], *product = c->o.value[OPT_PRODUCT];

    if (cloud == NULL || cloud[0] == '\0')
        cloud = "public";
    if (!lint_applies(clouds, cloud))
        cmd_warn(c, fail(ArticleElsewhere, path, "cloud", clouds, cloud));
    if (product != NULL && !lint_applies(products, product))
        cmd_warn(c, fail(ArticleElsewhere, path, "product", products, product));
}
