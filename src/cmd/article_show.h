/* SPDX-License-Identifier: Apache-2.0 */
/* article_show.h -- an article that was read, as JSON for programs and as text for people. */
#ifndef ARTICLE_SHOW_H
#define ARTICLE_SHOW_H

#include "article_reading.h"
#include "cmd.h"

/* One JSON object on one line, to be freed; its members are in firn-article(5).  NULL when
 * memory ran out. */
char *article_json(const struct article_reading *r);

/* Notes of lint are shown only with ${notes}. */
void article_say(struct cmd *c, const struct article_reading *r, bool notes);

#endif
