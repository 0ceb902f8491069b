/* SPDX-License-Identifier: Apache-2.0 */
/* Which steps wait for a person: "stop the spooler; delete all files in that folder; start the
 * spooler".  Who runs the first and the last alone has done half of what is meant, so what
 * comes behind a person's step in its section stands on that step: [after:2].  Sections headed
 * "Step 1: ...", "Step 2: ..." are one procedure.
 *
 * Not waited for is what changes nothing (to look, to open a window), what only leads to steps
 * below it, what is one of several ways, and what is for a case that a person judges. */
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

static bool
order_is_idle(const struct sentence *s)
{
    bool any = false;

    if (is_precaution(s) || is_reference(s) || tells_aim(s) || opens_shell(s))
        return true; /* what firn changes it keeps a record of */
    for (size_t i = 0; i < s->nwords; i++) {
        bool sure = word_is(s, i, "make") && word_is(s, i + 1, "sure");

        if (!sure && (!is_imperative(s, i) || !(is_verb(s, i) || is_order(s, i))))
            continue;
        if (!sure && !word_is(s, i, idle_verbs) && !types_idle(s, i))
            return false;
        any = true;
    }
    return any;
}

bool
find_is_idle(const struct find *f, const struct sentence *s)
{
    return f->look || (f->command ? command_is_idle(s->f->low + f->from, f->to - f->from)
                                  : order_is_idle(s));
}

/* Do both stand under the same condition?  Then one comes after the other. */
static bool
follows(const struct plan_step *s, enum plan_when when, const char *of)
{
    return s->when == when && strcmp(s->of, of) == 0;
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

/* Is step ${i} one that those behind it wait for? */
static bool
is_awaited(const struct compiler *c, size_t i)
{
    const struct plan_step *s = &c->plan->steps[i];

    return c->place[i].changes && !plan_step_runs(s) && !action_is(&s->action, "person.open") &&
        !leads(c, i);
}

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

/* The section that the procedure of ${section} begins with: that of step 1, where it or a
 * section around it is a later step, else itself. */
static size_t
procedure_of(const struct article *a, size_t section)
{
    size_t first = section;
    unsigned level = 7, n = 0;

    for (size_t k = section + 1; k > 0 && n != 1; k--) {
        const struct article_section *s = &a->sections[k - 1];
        unsigned number = s->title == NULL ? 0 : step_number(s->title);

        if (s->level > level || (n == 0 && s->level == level))
            continue;
        if (n > 0 && (s->level < level || number != n - 1))
            break;
        level = s->level;
        n = number;
        first = n > 0 ? k - 1 : first;
    }
    return first;
}

/* Where a step stands in the article. */
struct spot {
    size_t section, procedure;
    bool awaited;
};

/* Are the steps ${i} and ${k} of one procedure?  The place counts lines in bold as headings,
 * too, the article's sections do not. */
static bool
belong(const struct compiler *c, const struct spot spot[], size_t i, size_t k)
{
    return c->place[i].section == c->place[k].section ||
        (spot[i].section != spot[k].section && spot[i].procedure == spot[k].procedure);
}

/* A retry looks too, but what it sees is worth something only when all is done. */
static bool
only_looks(const struct plan_step *s)
{
    return s->action.kind->risk == RISK_READ && !action_is(&s->action, "operation.retry") &&
        !action_is(&s->action, "machine.wait");
}

void
compile_waits(struct compiler *c)
{
    struct spot spot[PLAN_STEPS_MAX];

    for (size_t i = 0; i < c->plan->nsteps; i++) {
        spot[i].section = block_of(c, i)->section;
        spot[i].procedure = procedure_of(c->a, spot[i].section);
        spot[i].awaited = is_awaited(c, i);
    }
    for (size_t i = 1; i < c->plan->nsteps; i++) {
        struct plan_step *s = &c->plan->steps[i];
        enum plan_when when = s->when;
        bool may = when == PLAN_ALWAYS || when == PLAN_FAILED || when == PLAN_UNSOLVED;

        if (!plan_step_runs(s) || !may || only_looks(s))
            continue;
        for (size_t k = i; k > 0 && belong(c, spot, k - 1, i); k--) {
            if (!spot[k - 1].awaited || !follows(&c->plan->steps[k - 1], when, s->of))
                continue;
            s->when = PLAN_AFTER;
            memcpy(s->of, c->plan->steps[k - 1].id, sizeof(s->of));
            break;
        }
    }
}
