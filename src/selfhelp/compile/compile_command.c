/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: a command line is cut into arguments the way a shell would, but nothing of a
 * shell is allowed: what needs one (variables, pipes, redirections) is for a person.  The
 * first argument chooses a reader, which must understand every further argument; whatever it
 * does not understand makes the command one for a person.
 *
 * In running prose a command ends where its reader has read enough and the words go on: at
 * punctuation or at a word like "and".  In code it must be all of the span or line. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

/* ---- finds ---- */

bool
finds_command(const struct finds *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->find[i].command)
            return true;
    return false;
}

struct find *
find_new(struct finds *l, size_t from, size_t to, const char *kind)
{
    struct find *f;

    if (l->n == SENTENCE_FINDS_MAX)
        return NULL;
    f = &l->find[l->n++];
    *f = (struct find){ .from = from, .to = to, .confidence = PLAN_READ };
    action_init(&f->action, action_find(kind));
    return f;
}

/* ${value} as one line: blanks joined, what is not visible left out, cut to what fits. */
static char *
one_line(const char *value, size_t len)
{
    char *s = malloc(len + 1);
    size_t n = 0;

    for (size_t i = 0; s != NULL && i < len;) {
        char c = value[i];

        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
            if (n > 0 && s[n - 1] != ' ')
                s[n++] = ' ';
            i++;
            continue;
        }
        s[n++] = c;
        i++;
    }
    if (s == NULL)
        return NULL;
    while (n > 0 && s[n - 1] == ' ')
        n--;
    s[n] = '\0';
    for (size_t i = 0; i < n;) {
        size_t k = text_visible(s + i);

        if (k == 0)
            s[i] = '?';
        if (i + (k == 0 ? 1 : k) > ACTION_VALUE_MAX) {
            s[i] = '\0';
            break;
        }
        i += k == 0 ? 1 : k;
    }
    return s;
}

void
find_person(struct finds *l, struct find *f, const char *kind, const char *value, size_t len)
{
    auto_free char *line = one_line(value, len);
    const struct action_kind *k = action_find(kind);
    enum action_fault fault;

    action_done(&f->action);
    action_init(&f->action, k);
    f->confidence = PLAN_STATED;
    if (line == NULL) {
        l->no_memory = true;
        return;
    }
    fault = action_put(&f->action, k->param[0].name, line);
    if (fault == ACTION_NO_MEMORY)
        l->no_memory = true;
    else if (fault != ACTION_OK && strcmp(kind, "person.do") != 0)
        find_person(l, f, "person.do", value, len);
}

void
find_put(struct finds *l, struct find *f, const char *param, const char *value, size_t len)
{
    auto_free char *copy = strndup(value, len);
    char variable[ACTION_VARIABLE_MAX];
    enum action_fault fault;

    if (copy == NULL) {
        l->no_memory = true;
        return;
    }
    if (f->action.kind->person)
        return;
    fault = action_variable(copy, variable) != NULL ? ACTION_VALUE_WRONG
                                                    : action_put(&f->action, param, copy);
    if (fault == ACTION_NO_MEMORY)
        l->no_memory = true;
    else if (fault != ACTION_OK)
        find_person(l, f, f->command ? "person.command" : "person.do", value, len);
}

void
find_note(struct finds *l, struct find *f, const char *id, const char *text)
{
    char *copy = NULL;

    if (f->nnotes == FIND_NOTES_MAX)
        return;
    for (size_t i = 0; i < f->nnotes; i++)
        if (strcmp(f->note[i].id, id) == 0)
            return;
    if (text != NULL && (copy = strdup(text)) == NULL)
        l->no_memory = true;
    f->note[f->nnotes].id = id;
    f->note[f->nnotes++].text = copy;
}

static void
find_done(struct find *f)
{
    action_done(&f->action);
    for (size_t i = 0; i < f->nnotes; i++)
        free(f->note[i].text);
    *f = (struct find){ 0 };
}

void
find_drop(struct finds *l, size_t i)
{
    find_done(&l->find[i]);
    memmove(&l->find[i], &l->find[i + 1], (l->n - i - 1) * sizeof(l->find[0]));
    l->n--;
}

void
finds_done(struct finds *l)
{
    for (size_t i = 0; i < l->n; i++)
        find_done(&l->find[i]);
    l->n = 0;
}

/* ---- arguments ---- */

/* PowerShell's programs are Verb-Noun, and there single quotes are quotes too. */
static bool
is_cmdlet_like(const struct argv *v)
{
    return v->n > 0 && v->a[0].len > 5 && memchr(v->a[0].s, '-', v->a[0].len) != NULL;
}

/* Cut the command into arguments; false when a quote is open or there are too many. */
static bool
cut(const struct cmdline *c, struct argv *v)
{
    size_t i = 0;

    v->n = 0;
    while (i < c->len) {
        struct arg a = { 0 };
        size_t end;

        if (flat_is_blank(c->text[i])) {
            if (!c->whole && c->text[i] == FLAT_HARD)
                break;
            i++;
            continue;
        }
        if (v->n == ARGV_MAX)
            return !c->whole;
        if (c->text[i] == '"' || (c->text[i] == '\'' && is_cmdlet_like(v))) {
            const char *close = memchr(c->text + i + 1, c->text[i], c->len - i - 1);

            if (close == NULL)
                return !c->whole && v->n > 0;
            a.s = c->text + i + 1;
            a.len = (size_t)(close - a.s);
            a.quoted = true;
            end = (size_t)(close - c->text) + 1;
        } else {
            a.s = c->text + i;
            for (end = i; end < c->len && !flat_is_blank(c->text[end]); end++)
                ;
            a.len = end - i;
        }
        while (!c->whole && !a.quoted && a.len > 1 &&
            strchr(".,;:)!?\"'", a.s[a.len - 1]) != NULL) {
            a.last = true;
            a.len--;
        }
        a.end = (size_t)(a.s - c->text) + a.len + a.quoted;
        i = end;
        if (a.quoted && i < c->len && !flat_is_blank(c->text[i])) {
            if (c->whole || strchr(".,;:)!?", c->text[i]) == NULL)
                return false; /* "a"b */
            a.last = true;
            i++;
        }
        v->a[v->n++] = a;
    }
    return v->n > 0;
}

bool
arg_is_open(const struct arg *a)
{
    return has_placeholder(a->s, a->len) || name_is_generic(a->s, a->len);
}

bool
arg_is(const struct argv *v, size_t i, const char *words)
{
    return i < v->n && in_list(v->a[i].s, v->a[i].len, words);
}

bool
argv_ends(const struct argv *v, size_t i)
{
    if (i >= v->n || v->a[i - 1].last)
        return true;
    if (v->c->whole)
        return false;
    return arg_is(v, i,
        "and|or|then|to|in|on|from|at|as|with|by|followed|command|commands|if|again|once|"
        "before|after|when|for|via|using|which|that|\xe2\x80\x93|-|&|net|sc|reg|msiexec");
}

/* From the start of the command to the end of its last argument. */
static size_t
argv_span(const struct argv *v, size_t n)
{
    return v->a[n - 1].end;
}

struct find *
argv_part(struct finds *l, const struct argv *v, size_t from, size_t to, const char *kind)
{
    size_t start = from == 0 ? 0 : (size_t)(v->a[from].s - v->c->text) - v->a[from].quoted;
    struct find *f = find_new(l, v->at + start, v->at + argv_span(v, to), kind);

    if (f != NULL) {
        f->command = true;
        f->confidence = PLAN_STATED;
    }
    return f;
}

struct find *
argv_find(struct finds *l, const struct argv *v, size_t n, const char *kind)
{
    return argv_part(l, v, 0, n, kind);
}

size_t
argv_person(struct finds *l, const struct argv *v, const char *id, const char *why)
{
    size_t n = v->n;
    struct find *f;

    if (!v->c->whole) { /* as far as it surely goes */
        for (n = 1; n < v->n && !argv_ends(v, n); n++)
            ;
    }
    f = argv_find(l, v, n, "person.command");
    if (f != NULL) {
        find_person(l, f, "person.command", v->c->text, argv_span(v, n));
        f->command = true;
        if (id == NULL && has_placeholder(v->c->text, argv_span(v, n)))
            id = "placeholder";
        if (id != NULL)
            find_note(l, f, id, why);
    }
    return n;
}

/* ---- what no command may hold ---- */

/* The first thing that needs a shell, or NULL. */
static const char *
shell_sign(const struct cmdline *c)
{
    bool quoted = false;

    for (size_t i = 0; i < c->len; i++) {
        char x = c->text[i];

        quoted ^= x == '"';
        if (x == '`' || (x == '$' && i + 1 < c->len && c->text[i + 1] != ' '))
            return "a variable or a command in a command";
        if (!quoted && (x == '|' || x == ';' || x == '&'))
            return "several commands in one line";
        if (!quoted && x == '>' && (i == 0 || c->text[i - 1] == ' ' || c->text[i - 1] == '>'))
            return "its output goes elsewhere";
        if (x == '%' && i + 1 < c->len &&
            memchr(c->text + i + 1, '%', c->len - i - 1) != NULL)
            return "a variable of the shell";
    }
    return NULL;
}

static const struct {
    const char *program;
    command_fn *read;
} readers[] = {
    { "apt", command_apt },
    { "apt-get", command_apt },
    { "dpkg", command_dpkg },
    { "fsutil", command_fsutil },
    { "iconv", command_iconv },
    { "msiexec", command_msiexec },
    { "net", command_net },
    { "new-itemproperty", command_new_item },
    { "reboot", command_restart },
    { "reg", command_reg },
    { "regsvr32", command_regsvr32 },
    { "restart-computer", command_restart },
    { "restart-service", command_restart_service },
    { "sc", command_sc },
    { "service", command_service },
    { "set-itemproperty", command_set_item },
    { "set-service", command_set_service },
    { "shutdown", command_shutdown },
    { "start-service", command_start_service },
    { "stop-service", command_stop_service },
    { "systemctl", command_systemctl },
    { "vssadmin", command_vssadmin },
};

static command_fn *
reader_of(const char *s, size_t len)
{
    if (len < 2 || len > 20 || strchr("adfimnrsvADFIMNRSV", s[0]) == NULL)
        return NULL; /* most words by far */
    if (len > 4 && strncasecmp(s + len - 4, ".exe", 4) == 0)
        len -= 4;
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
        if (text_equal(s, len, readers[i].program))
            return readers[i].read;
    return NULL;
}

/* A cmdlet, Verb-Noun, with at least one capital in its noun. */
static bool
is_cmdlet(const struct argv *v)
{
    const struct arg *a = &v->a[0];
    const char *dash = memchr(a->s, '-', a->len);
    size_t verb = dash == NULL ? 0 : (size_t)(dash - a->s);

    if (verb < 2 || verb + 3 > a->len || a->s[verb + 1] < 'A' || a->s[verb + 1] > 'Z')
        return false;
    return in_list(a->s, verb,
        "get|set|new|remove|add|start|stop|restart|enable|disable|update|install|uninstall|"
        "select|connect|test|invoke|import|export|register|unregister|clear|resume|suspend|"
        "grant|revoke|rename|move|copy|write|out|where|convertto|convertfrom|login|repair|"
        "reset|wait|save|mount|dismount|initialize|resize|format|optimize|expand|compress");
}

/* Words of prose that start like a command ("net income", "service is down") are none. */
static size_t
dispatch(struct finds *l, const struct argv *v, const char *dash)
{
    const struct arg *program = &v->a[0];
    command_fn *read = reader_of(program->s, program->len);
    const char *why;

    if (read == NULL) {
        if (!v->c->whole || (!program_known(program->s, program->len) && !is_cmdlet(v)))
            return 0;
        return argv_person(l, v, NULL, NULL);
    }
    why = v->c->whole ? shell_sign(v->c) : NULL;
    if (dash != NULL && (size_t)(dash - v->c->text) < v->c->len && v->c->whole)
        return argv_person(l, v, "typographic", NULL);
    if (why != NULL)
        return argv_person(l, v, "shell-operator", why);
    return read(l, v);
}

/* "C:\>", "PS C:\>", "$", "#" and "sudo" before a command. */
static size_t
prompt(const char *s, size_t len)
{
    size_t i = 0;

    if (len > 3 && strncasecmp(s, "PS", 2) == 0 && (s[2] == '>' || s[2] == ' '))
        i = 2 + (s[2] == ' ');
    if (i < len && s[i] != '>' && i + 2 < len && s[i + 1] == ':' && s[i + 2] == '\\') {
        const char *end = memchr(s + i, '>', len - i);
        size_t n = end == NULL ? 0 : (size_t)(end - s);

        if (n > 0 && n < 80 && memchr(s + i, '"', n - i) == NULL)
            i = n;
    }
    if (i < len && (s[i] == '>' || ((s[i] == '$' || s[i] == '#') && i + 1 < len &&
                                       s[i + 1] == ' ')))
        i++;
    while (i < len && flat_is_blank(s[i]))
        i++;
    if (len - i > 5 && strncasecmp(s + i, "sudo ", 5) == 0)
        i += 5;
    while (i < len && flat_is_blank(s[i]))
        i++;
    return i;
}

size_t
command_find(struct finds *l, const struct cmdline *c, size_t at)
{
    size_t skip = prompt(c->text, c->len);
    struct cmdline rest = *c;
    struct argv v = { .c = &rest, .at = at + skip };
    const char *odd;
    size_t n;

    rest.text += skip;
    rest.len -= skip;
    while (c->whole && rest.len > 0 && flat_is_blank(rest.text[rest.len - 1]))
        rest.len--;
    if (rest.len == 0)
        return 0;
    odd = typographic(rest.text, rest.len);
    if (!cut(&rest, &v)) {
        /* an open quote, or one of a word processor: still a command, for a person */
        if (!c->whole || v.n == 0 || reader_of(v.a[0].s, v.a[0].len) == NULL)
            return 0;
        return argv_person(l, &v, odd != NULL ? "typographic" : NULL, NULL) > 0 ? c->len : 0;
    }
    n = dispatch(l, &v, odd);
    if (n == 0)
        return 0;
    /* in prose only the command's own words must be plain */
    if (!c->whole && odd != NULL && l->n > 0 &&
        (size_t)(odd - rest.text) < v.a[n - 1].end) {
        struct find *f = &l->find[l->n - 1];

        find_person(l, f, "person.command", rest.text, v.a[n - 1].end);
        f->command = true;
        find_note(l, f, "typographic", NULL);
    }
    return skip + v.a[n - 1].end;
}

bool
command_starts(const char *s, size_t len)
{
    size_t i = 0, n = 0;

    while (i < len && flat_is_blank(s[i]))
        i++;
    while (i + n < len && !flat_is_blank(s[i + n]))
        n++;
    return reader_of(s + i, n) != NULL;
}
