/* SPDX-License-Identifier: Apache-2.0 */
/* article_file.h -- an article from a file that somebody names. */
#ifndef ARTICLE_FILE_H
#define ARTICLE_FILE_H

#include "article.h"
#include "cmd.h"

/* Read and parse; *ret is freed with article_free.  FileUnreadable, ArticleTooLarge. */
struct err *article_file_read(const char *path, struct article **ret) must_use;

/* Warn (ArticleElsewhere) when the header names another cloud or product than --cloud and
 * --product say. */
void article_file_judge(struct cmd *c, const char *path, const struct article *a);

#endif
