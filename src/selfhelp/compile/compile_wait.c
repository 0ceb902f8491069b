/* SPDX-License-Identifier: Apache-2.0 */
/* Which steps wait for a person: "stop the spooler; delete all files in that folder; start the
 * spooler".  Who runs the first and the last alone has done half of what is meant, so what
 * comes behind a person's step in its section stands on that step: [after:2].  Sections headed
 * "Step 1: ...", "Step 2: ..." are one procedure.
 *
 * Not waited for is what changes nothing (to look, to open a window), what only leads to steps
 * below it, what is one of several ways, and what is for a case that a person judges.
 *
 * A retry is more: where firn changes nothing itself, all that it could prove is what persons
 * did, so it waits for whatever they are told, also to look. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

/* Orders that leave the machine as it is. */
static const char idle_verbs[] =
    "browse|capture|check|collect|compare|confirm|connect|contact|continue|determine|ensure|"
    "escalate|examine|expand|export|find|gather|go|identify|ignore|inspect|launch|learn|list|"
    "locate|log|login|logon|look|monitor|navigate|note|observe|open|ping|proceed|read|refer|"
    "review|scroll|search|see|sign|skip|test|understand|validate|verify|view";

/* Programs that only show something, or do nothing for the machine; words that make others do
 * so, and words that do not. */
static const char idle_programs[] =
    "cat|cd|date|df|dig|dir|du|echo|exit|find|findstr|free|getent|grep|head|hostname|id|"
    "ipconfig|journalctl|less|ls|lsblk|lsmod|lsof|more|netstat|nslookup|ping|ps|pwd|ss|stat|"
    "systeminfo|tail|tasklist|telnet|tracert|type|uname|ver|whoami|winver";
static const char idle_words[] =
    "get|is-active|is-enabled|list|list-units|query|show|status|--version|-version";
static const char busy_words[] =
    ">|>>|-delete|-exec|/flushdns|/registerdns|/release|/renew|add|delete|remove|set|tee|"
    "--vacuum-size|--vacuum-time|--rotate";

/* Does the command in [s, s + len), in lower case, leave the machine as it is? */
static bool
command_is_idle(const char *s, size_t len)
{
    bool idle = false, apt = false, dpkg = false;

    for (size_t i = 0, n, word = 0; i < len; i += n + 1) {
        for (n = 0; i + n < len && !flat_is_blank(s[i + n]); n++)
            ;
        if (n == 0 || (word == 0 && in_list(s + i, n, "sudo|$|#|run|running|run:")))
            continue;
        if (in_list(s + i, n, busy_words))
            return false;
        if (in_list(s + i, n, "&&|;")) {
            if (!idle)
                return false;
            word = 0; /* of another command */
            continue;
        }
        if (word == 0) {
            idle = in_list(s + i, n, idle_programs) ||
                (n > 4 && strncmp(s + i, "get-", 4) == 0);
            apt = in_list(s + i, n, "apt|apt-get");
            dpkg = in_list(s + i, n, "dpkg|rpm");
        } else if (word < 3) {
            idle = idle || in_list(s + i, n, idle_words) ||
                (apt && in_list(s + i, n, "update|policy")) || /* only its lists */
                (dpkg && in_list(s + i, n, "-s|-l|-q|-qa"));
        }
        word++;
    }
    return idle;
}

/* "..., type cmd, right-click Command Prompt, and choose Run as administrator." */
static bool
opens_shell(const struct sentence *s)
{
    return has_phrase(s, 0, s->nwords, "as administrator") &&
        has_word(s, 0, s->nwords, "cmd|cmd.exe|prompt|powershell|terminal|window");
}

/* "enter reg query ...", "type dir" */
static bool
types_idle(const struct sentence *s, size_t i)
{
    size_t from = i + 1 < s->nwords ? s->word[i + 1].from : s->to;

    return word_is(s, i, "enter|execute|run|type") &&
        command_is_idle(s->f->low + from, s->to - from);
}

/* "To fix this, change the service": an order of its own, unless what comes may say how. */
static bool
only_aims(const struct sentence *s, bool opens)
{
    return tells_aim(s) &&
        (opens || has_word(s, 0, s->nwords, "complete|do|follow|perform|try|use"));
}

/* It asks for nothing that would be missed: what firn changes it keeps a record of. */
static bool
asks_nothing(const struct sentence *s, bool opens)
{
    return is_precaution(s) || only_aims(s, opens) || opens_shell(s);
}

/* Are there orders in it, and none but idle ones?  *ret_any: there are some. */
static bool
order_is_idle(const struct sentence *s, bool opens, bool *ret_any)
{
    bool any = false;

    *ret_any = false;
    if (asks_nothing(s, opens) || is_reference(s))
        return true;
    for (size_t i = 0; i < s->nwords; i++) {
        bool sure = word_is(s, i, "make") && word_is(s, i + 1, "sure");

        if (!sure && (!is_imperative(s, i) || !(is_verb(s, i) || is_order(s, i))))
            continue;
        *ret_any = true;
        if (!sure && !word_is(s, i, idle_verbs) && !types_idle(s, i))
            return false;
        any = true;
    }
    return any;
}

bool
find_is_idle(const struct find *f, const struct sentence *s, bool opens)
{
    bool any, idle;

    if (f->look || f->command)
        return f->look || command_is_idle(s->f->low + f->from, f->to - f->from);
    idle = order_is_idle(s, opens, &any);
    /* a link changes something where it is said what to do with it: "follow [these steps]" */
    return idle || (action_is(&f->action, "person.open") && !any);
}

bool
find_asks(const struct find *f, const struct sentence *s, bool opens)
{
    bool more = is_reference(s) && (!action_is(&f->action, "person.open") ||
        has_word(s, 0, s->nwords, "details|documentation|information|learn|more"));

    return f->command || !(asks_nothing(s, opens) || more);
}

/* Does ${s} come after ${one}: do both stand under the same condition? */
static bool
follows(const struct plan_step *s, const struct plan_step *one)
{
    if (one->when != s->when || strcmp(one->of, s->of) != 0)
        return false;
    return s->when != PLAN_IF || strcmp(one->when_text, s->when_text) == 0;
}

/* The block that step ${i} stands in. */
static const struct article_block *
block_of(const struct compiler *c, size_t i)
{
    const struct article_block *b = c->a->blocks;
    size_t off = c->plan->steps[i].span.off;

    for (size_t k = 1; k < c->a->nblocks && c->a->blocks[k].span.off <= off; k++)
        b = &c->a->blocks[k];
    return b;
}

/* Does step ${i} only name what the step behind it does, which stands below it? */
static bool
leads(const struct compiler *c, size_t i)
{
    const struct article_block *at, *to;

    if (!c->place[i].leads || i + 1 >= c->plan->nsteps)
        return false;
    at = block_of(c, i);
    to = block_of(c, i + 1);
    for (const struct article_block *b = at + 1; b <= to; b++) {
        bool item = b->kind == ARTICLE_ITEM && at->kind == ARTICLE_ITEM;
        bool text = b->kind == ARTICLE_PARAGRAPH && !block_is_code(c, b);

        if (b->kind == ARTICLE_HEADING || (item && b->level <= at->level) ||
            (text && b->level < at->level + (at->kind != ARTICLE_ITEM)))
            return false;
    }
    return true;
}

/* Is it a step of a walk through the registry editor that firn goes itself? */
static bool
is_walked(const struct compiler *c, size_t i)
{
    for (size_t k = i + 1; c->place[i].walk && k < c->plan->nsteps; k++)
        if (c->place[k].section != c->place[i].section)
            return false;
        else if (c->place[k].walk && plan_step_runs(&c->plan->steps[k]))
            return true;
    return false;
}

/* Is step ${i} one that those behind it wait for?  ${any}: also if a person only looks. */
static bool
is_awaited(const struct compiler *c, size_t i, bool any)
{
    const struct plan_step *s = &c->plan->steps[i];

    return (any ? c->place[i].asks : c->place[i].changes) && !plan_step_runs(s) &&
        !leads(c, i) && !is_walked(c, i);
}

/* Does firn change nothing in the whole plan? */
static bool
is_persons(const struct plan *p)
{
    for (size_t i = 0; i < p->nsteps; i++)
        if (plan_step_runs(&p->steps[i]) && p->steps[i].action.kind->risk != RISK_READ)
            return false;
    return true;
}

/* ---- procedures ---- */

enum { BOLD_LEVEL = 7 }; /* of a step's heading that is only a line in bold */

/* Where a part of the article begins; the first has no heading. */
struct head {
    const struct article_block *at;
    unsigned level, number; /* number: 2 of "Step 2: ..."; 0: none */
};

/* 2 of "Step 2: ..." and of "2. ..."; 0 of any other heading. */
static unsigned
step_number(const char *title)
{
    bool named = strncasecmp(title, "step ", 5) == 0;
    const char *s = named ? title + 5 : title;
    unsigned n = 0;

    for (; *s >= '0' && *s <= '9' && n < PLAN_STEPS_MAX; s++)
        n = n * 10 + (unsigned)(*s - '0');
    return named || ((*s == '.' || *s == ')') && s[1] == ' ') ? n : 0;
}

/* The number of a step whose heading is all of paragraph ${b}, in bold; 0: it is none. */
static unsigned
bold_number(struct compiler *c, const struct article_block *b)
{
    unsigned n = 0;
    struct flat f;

    if (b->kind != ARTICLE_PARAGRAPH || b->level > 0 || b->inner.len == 0 ||
        c->a->bytes[b->inner.off] != '*')
        return 0;
    flat_init(&f, c->a, b->inner, false);
    c->no_memory = c->no_memory || f.no_memory;
    if (!f.no_memory && flat_is_bold_line(&f))
        n = step_number(f.s);
    flat_done(&f);
    return n;
}

/* All of them, to be freed; NULL without memory. */
static struct head *
find_heads(struct compiler *c, size_t *ret_n)
{
    const struct article *a = c->a;
    struct head *all = calloc(a->nblocks + 1, sizeof(*all));
    size_t n = 1;

    c->no_memory = c->no_memory || all == NULL;
    for (size_t i = 0; all != NULL && i < a->nblocks; i++) {
        const struct article_block *b = &a->blocks[i];
        const char *title = a->sections[b->section].title;
        bool heading = b->kind == ARTICLE_HEADING;
        unsigned number = heading && title != NULL ? step_number(title) : bold_number(c, b);

        if (heading || number > 0)
            all[n++] = (struct head){ b, heading ? b->level : BOLD_LEVEL, number };
    }
    *ret_n = n;
    return all;
}

/* The part that the procedure of part ${of} begins with: that of step 1, where it or a part
 * around it is a later step, else itself. */
static size_t
procedure_of(const struct head *all, size_t of)
{
    size_t first = of;
    unsigned level = BOLD_LEVEL + 1, n = 0;

    for (size_t k = of + 1; k > 0 && n != 1; k--) {
        const struct head *h = &all[k - 1];

        if (h->level > level || (n == 0 && h->level == level))
            continue;
        if (n > 0 && (h->level < level || h->number != n - 1))
            break;
        level = h->level;
        n = h->number;
        first = n > 0 ? k - 1 : first;
    }
    return first;
}

/* Where a step stands in the article. */
struct spot {
    size_t part, procedure;
    bool awaited, asked; /* by those behind it; by a retry of what persons did */
};

static bool
find_spots(struct compiler *c, struct spot spot[PLAN_STEPS_MAX])
{
    size_t n = 0;
    auto_free struct head *all = find_heads(c, &n);

    for (size_t i = 0; all != NULL && i < c->plan->nsteps; i++) {
        const struct article_block *b = block_of(c, i);

        spot[i].part = 0;
        while (spot[i].part + 1 < n && all[spot[i].part + 1].at <= b)
            spot[i].part++;
        spot[i].procedure = procedure_of(all, spot[i].part);
        spot[i].awaited = is_awaited(c, i, false);
        spot[i].asked = is_awaited(c, i, true);
    }
    return all != NULL;
}

/* Are the steps ${i} and ${k} of one procedure?  The place counts all lines in bold as
 * headings, the parts only those of steps. */
static bool
belong(const struct compiler *c, const struct spot spot[], size_t i, size_t k)
{
    return c->place[i].section == c->place[k].section ||
        (spot[i].part != spot[k].part && spot[i].procedure == spot[k].procedure);
}

static bool
is_retry(const struct plan_step *s)
{
    return action_is(&s->action, "operation.retry");
}

/* A retry looks too, but what it sees is worth something only when all is done. */
static bool
only_looks(const struct plan_step *s)
{
    return s->action.kind->risk == RISK_READ && !is_retry(s) &&
        !action_is(&s->action, "machine.wait");
}

/* What a step is about: a unit or a service; NULL: neither. */
static const char *
unit_of(const struct plan_step *s)
{
    const char *unit = action_get(&s->action, "unit");

    return unit != NULL ? unit : action_get(&s->action, "service");
}

static bool
installs(const struct plan_step *s)
{
    return s->text != NULL && strcasestr(s->text, "install") != NULL &&
        strcasestr(s->text, "uninstall") == NULL;
}

/* A look at a unit waits as what firn does to it before does, and for what a person installs:
 * the unit may not be there yet. */
static void
look_waits(const struct compiler *c, const struct spot spot[], size_t i)
{
    struct plan_step *s = &c->plan->steps[i];
    const char *unit = unit_of(s);

    for (size_t k = i; unit != NULL && k > 0 && belong(c, spot, k - 1, i); k--) {
        const struct plan_step *p = &c->plan->steps[k - 1];
        const char *other = plan_step_runs(p) && !only_looks(p) ? unit_of(p) : NULL;

        if (other != NULL && strcmp(other, unit) == 0) {
            if (p->when == PLAN_AFTER) {
                s->when = PLAN_AFTER;
                memcpy(s->of, p->of, sizeof(s->of));
            }
            return;
        }
        if (spot[k - 1].awaited && installs(p) && follows(s, p)) {
            s->when = PLAN_AFTER;
            memcpy(s->of, p->id, sizeof(s->of));
            return;
        }
    }
}

void
compile_waits(struct compiler *c)
{
    struct spot spot[PLAN_STEPS_MAX];
    bool persons = is_persons(c->plan);

    if (!find_spots(c, spot))
        return;
    for (size_t i = 1; i < c->plan->nsteps; i++) {
        struct plan_step *s = &c->plan->steps[i];
        bool any = persons && is_retry(s);
        bool may = s->when == PLAN_ALWAYS || s->when == PLAN_FAILED ||
            s->when == PLAN_UNSOLVED || (s->when == PLAN_IF && any);

        if (!plan_step_runs(s) || !may)
            continue;
        if (only_looks(s)) {
            if (s->when == PLAN_ALWAYS)
                look_waits(c, spot, i);
            continue;
        }
        for (size_t k = i; k > 0 && belong(c, spot, k - 1, i); k--) {
            if (!(any ? spot[k - 1].asked : spot[k - 1].awaited) ||
                !follows(s, &c->plan->steps[k - 1]))
                continue;
            s->when = PLAN_AFTER;
            memcpy(s->of, c->plan->steps[k - 1].id, sizeof(s->of));
            free(take(s->when_text));
            break;
        }
    }
}
