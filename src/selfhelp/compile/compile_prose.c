/* SPDX-License-Identifier: Apache-2.0 */
/* What the finders of prose share (compile_service, _file, _machine, _person).  Each form
 * that asks for one typed action is a verb that is an instruction (is_imperative), an object
 * that a closed list knows or that is written out in full, and nothing in between that could
 * turn the meaning. */
#include <string.h>

#include "compile_internal.h"

size_t
word_len(const struct sentence *s, size_t i)
{
    return s->word[i].to - s->word[i].from;
}

const char *
word_at(const struct sentence *s, size_t i)
{
    return s->f->s + s->word[i].from;
}

bool
done_by_hand(const struct sentence *s)
{
    return has_word(s, 0, s->nwords,
        "services.msc|portal|blade|click|clicking|double-click|right-click|right|tab|button|"
        "dialog|console|mmc|gpedit|gpedit.msc|window|snap-in|gui|page|wizard|ui") ||
        has_phrase(s, 0, s->nwords, "task manager") ||
        has_phrase(s, 0, s->nwords, "control panel") ||
        has_phrase(s, 0, s->nwords, "server manager");
}

struct find *
find_words(struct finds *l, const struct sentence *s, size_t from, size_t to,
    const char *kind)
{
    size_t last = to > from ? to - 1 : from;

    return find_new(l, s->word[from].from, s->word[last].to, kind);
}

char *
path_at(const struct sentence *s, size_t i, size_t *ret_end)
{
    const struct flat *f = s->f;
    size_t from = s->word[i].from, to = s->word[i].to, end = i + 1;
    const char *t = f->s + from;

    if (to - from < 4 || t[1] != ':' || t[2] != '\\' || (f->low[from] < 'a') ||
        f->low[from] > 'z')
        return NULL;
    if ((s->word[i].mark & FLAT_CODE) == 0) {
        if ((s->word[i].mark & FLAT_BOLD) != 0) {
            for (to = from; to < s->to && (f->mark[to] & FLAT_BOLD) != 0; to++)
                ;
            while (to > from && strchr(" .,:", f->s[to - 1]) != NULL)
                to--;
        } else { /* a blank belongs to it when a backslash follows within three words */
            for (size_t k = i + 1; k < s->nwords && k <= end + 2; k++) {
                if (s->word[k - 1].after != 0 || word_is(s, k, "to|and|or|folder|as"))
                    break;
                if (memchr(word_at(s, k), '\\', word_len(s, k)) != NULL &&
                    !(word_len(s, k) > 2 && word_at(s, k)[1] == ':')) {
                    to = s->word[k].to;
                    end = k + 1;
                }
            }
        }
    }
    while (end < s->nwords && s->word[end].from < to)
        end++;
    *ret_end = end;
    return strndup(t, to - from);
}
