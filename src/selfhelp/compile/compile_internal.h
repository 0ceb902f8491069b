/* SPDX-License-Identifier: Apache-2.0 */
/* compile_internal.h -- what the files of the compiler share.
 *
 * A block of the article is flattened (flat): markup goes, what it marked is kept beside the
 * text.  The flat text is cut into sentences and those into words; the finders look for their
 * forms in one sentence and report finds; what is not accounted for in the sentence and around
 * it leaves finds to a person; the flow puts finds into the plan, in order, with their
 * conditions. */
#ifndef COMPILE_INTERNAL_H
#define COMPILE_INTERNAL_H

#include "compile.h"
#include "compile_choice.h"
#include "compile_platform.h"
#include "compile_scope.h"
#include "text.h"

enum { /* marks of one byte of flat text */
    FLAT_CODE = 1,
    FLAT_BOLD = 2, /* or emphasis of any kind */
    FLAT_LINK = 4
};

/* In flat text these end a line: a line of the source, and a line break or a line of code,
 * which ends a sentence too. */
#define FLAT_SOFT '\n'
#define FLAT_HARD '\r'

enum { FLAT_LINKS_MAX = 64, SENTENCE_WORDS_MAX = 400, SENTENCE_FINDS_MAX = 16 };

static inline bool
flat_is_blank(char c)
{
    return c == ' ' || c == FLAT_SOFT || c == FLAT_HARD;
}

struct flat_link {
    size_t from, to; /* of its text */
    char *address;
};

struct flat {
    char *s;        /* UTF-8, ends with NUL */
    char *low;      /* the same, ASCII letters in lower case */
    uint8_t *mark;
    uint32_t *at;   /* offset in the file, also of the NUL */
    size_t len;
    struct flat_link link[FLAT_LINKS_MAX];
    size_t nlinks;
    bool open_code; /* a backtick that is never closed */
    bool quoted;    /* typographic quotes were there */
    bool no_memory;
};

/* ${raw}: the inside of a fence or of indented code, where nothing is markup. */
void flat_init(struct flat *f, const struct article *a, struct article_span span, bool raw);
void flat_done(struct flat *f);

/* A word without the punctuation around it; a code span is one word, blanks and all. */
struct word {
    size_t from, to;
    char before, after; /* the punctuation that touched it, 0: none */
    uint8_t mark;       /* of its first byte */
    uint32_t form;      /* a number made of its letters, in lower case (word_in) */
    bool breaks;        /* a line of the source ends after it */
};

struct sentence {
    const struct flat *f;
    size_t from, to;
    bool code; /* a line of a fence or of indented code */
    bool shell; /* ... whose fence says PowerShell */
    bool script; /* ... which is a program with branches, or a sample: not to be run */
    enum about about; /* its article */
    const struct word *word;
    size_t nwords;
};

/* Where the sentence that starts at ${from} ends; ${f}->len at the end. */
size_t sentence_end(const struct flat *f, size_t from, bool raw);
/* Words of [from, to) of ${f}; returns how many. */
size_t sentence_words(const struct flat *f, size_t from, size_t to, struct word *word,
    size_t max);

/* The forms of the words of a list, one bit for each. */
struct list_marks {
    uint64_t bit[8];
    bool ready;
};

/* Is word ${i} one of "a|b|c" (lower case)?  false beyond the end.  Words are many and lists
 * are long: each place in the source remembers the marks of its list, which settle most.  So
 * ${words} must be the same at each pass of one place. */
#define word_is(s, i, words) word_in(s, i, words, LIST_MARKS(words))
bool word_in(const struct sentence *s, size_t i, const char *words,
    const struct list_marks *marks);
#define LIST_MARKS(words) \
    ({ \
        static struct list_marks marks_; \
        if (!__atomic_load_n(&marks_.ready, __ATOMIC_ACQUIRE)) \
            list_marks(&marks_, words, strlen(words)); \
        (const struct list_marks *)&marks_; \
    })
/* Marks of [words, words + len).  Threads may do it at once: they all set the same. */
void list_marks(struct list_marks *m, const char *words, size_t len);

/* Those of ${more} too; what makes ${m} sets its ready. */
void list_marks_add(struct list_marks *m, const struct list_marks *more);
/* ... of lists by their first letters. */
void lettered_marks(struct list_marks *m, const char *const table[26]);

static inline bool
list_marked(const struct list_marks *m, const struct word *w)
{
    /* another thread, which began before they were ready, may be setting the same bits */
    uint64_t bits = __atomic_load_n(&m->bit[(w->form >> 6) & 7], __ATOMIC_RELAXED);

    return (bits >> (w->form & 63) & 1) != 0;
}

/* Is ${mark} the last thing in the sentence, before blanks? */
bool sentence_ends(const struct sentence *s, char mark);
/* The words from ${i} on are these, separated by one blank; returns how many, or 0. */
size_t words_are(const struct sentence *s, size_t i, const char *phrase);
/* One of the words (or a phrase) stands in [from, to) of the words. */
#define has_word(s, from, to, words) has_word_in(s, from, to, words, LIST_MARKS(words))
bool has_word_in(const struct sentence *s, size_t from, size_t to, const char *words,
    const struct list_marks *marks);
bool has_phrase(const struct sentence *s, size_t from, size_t to, const char *phrase);
bool text_equal(const char *a, size_t len, const char *b); /* without regard to case */
bool in_list(const char *s, size_t len, const char *words); /* without regard to case */

/* Is the verb at word ${i} an instruction: at the start of a clause, not negated? */
bool is_imperative(const struct sentence *s, size_t i);
/* A verb in the form of an instruction, of a closed list. */
bool is_verb(const struct sentence *s, size_t i);

/* ---- closed lists (compile_words.c) ---- */

/* The Windows service of a name or display name; NULL when it is not known. */
const char *service_known(const char *name, size_t len);
/* The longest service name at word ${i}; *ret_words says how many words it takes. */
const char *service_at(const struct sentence *s, size_t i, size_t *ret_words);
bool service_is_linux(const char *name);
/* It protects the machine: stopping it must be a person's decision. */
bool service_protects(const char *name, size_t len);
/* A value of the registry whose change makes the machine weaker. */
bool registry_protects(const char *key, const char *name, const char *data);
/* A key that makes a program skip a check. */
bool registry_overrides(const char *key, const char *name);
/* The usual type of a value of this name; NULL when it is not known. */
const char *registry_type(const char *name);
/* A noun that stands for a name ("serviceName", "yourServer"), or a visible placeholder. */
bool name_is_generic(const char *s, size_t len);
bool has_placeholder(const char *s, size_t len);
/* A folder that stands for the newest version: "<LatestVersion>", "agentVersion" ... */
bool folder_is_latest(const char *s, size_t len);
/* The first typographic character in [s, s + len), or NULL. */
const char *typographic(const char *s, size_t len);
bool program_known(const char *s, size_t len);

/* ---- finds ---- */

enum find_what {
    FIND_ACTION,
    FIND_UNREGISTER, /* msiexec /unregister; the action is a person's until its other half
                      * comes */
    FIND_REGISTER,
    FIND_KEY,        /* a registry value alone, waiting for what to set it to */
    FIND_HEAD,       /* [HKEY_...] of a .reg file: the key of the lines below */
    FIND_VALUE       /* "name"=... of a .reg file: the key is missing */
};

enum { FIND_NOTES_MAX = 4 };

struct find {
    size_t from, to; /* in the flat text */
    enum find_what what;
    struct action action;
    enum plan_confidence confidence;
    bool command;     /* a command line, not prose */
    bool alternative; /* of the find before it */
    bool look;        /* it only looks */
    bool idle;        /* a person who does it changes nothing */
    bool asks;        /* something of a person, if only to look */
    bool walk;        /* part of a walk through the registry editor */
    bool passive;     /* an order in the passive */
    bool leads;       /* it ends its block, and names what stands below it */
    struct {
        const char *id;
        char *text; /* NULL: the id's own line */
    } note[FIND_NOTES_MAX];
    size_t nnotes;
};

struct finds {
    struct find find[SENTENCE_FINDS_MAX];
    size_t n;
    bool no_memory;
};

/* Is one of them a command? */
bool finds_command(const struct finds *l);

/* A new find of ${kind}; NULL when there is no room. */
struct find *find_new(struct finds *l, size_t from, size_t to, const char *kind);
/* Set a parameter.  When the value is not of its type the find becomes one for a person. */
void find_put(struct finds *l, struct find *f, const char *param, const char *value,
    size_t len);
void find_note(struct finds *l, struct find *f, const char *id, const char *text);
/* Make it a step for a person: ${kind} is a person.* kind with one parameter. */
void find_person(struct finds *l, struct find *f, const char *kind, const char *value,
    size_t len);
void find_drop(struct finds *l, size_t i);
void finds_done(struct finds *l);

/* One command in ${text}, which is all of it when ${whole} (a code span, a line of code).
 * Returns how many bytes it takes, 0 when it is none; the find says what it is. */
struct cmdline {
    const char *text;
    size_t len;
    bool whole;
    bool shell; /* PowerShell */
    bool asked; /* the words before it ask for a command */
};
size_t command_find(struct finds *l, const struct cmdline *c, size_t at);
/* Is the first word a program that firn reads commands of? */
bool command_starts(const char *s, size_t len);

enum { ARGV_MAX = 32 };
struct arg {
    const char *s; /* without its quotes */
    size_t len, end; /* end: offset after it in the command */
    bool quoted, last; /* last: punctuation ends the command here */
};
struct argv {
    const struct cmdline *c;
    struct arg a[ARGV_MAX];
    size_t n;
    size_t at; /* in the flat text */
};

bool arg_is(const struct argv *v, size_t i, const char *words);
/* A placeholder, or a noun that stands for a name: a person has to fill it in. */
bool arg_is_open(const struct arg *a);
/* The command ends after argument ${i - 1}: nothing follows, or a word that leads on. */
bool argv_ends(const struct argv *v, size_t i);
/* The find for arguments [from, to), of a kind; a command that does several things has one for
 * each, none within another. */
struct find *argv_part(struct finds *l, const struct argv *v, size_t from, size_t to,
    const char *kind);
/* ... for arguments [0, n). */
struct find *argv_find(struct finds *l, const struct argv *v, size_t n, const char *kind);
/* ... recognised as a command, for a person, because of ${id} (may be NULL). */
size_t argv_person(struct finds *l, const struct argv *v, const char *id, const char *why);

/* The service of a command's argument as actions name it, to be freed; NULL when it is for a
 * person, and then *ret_why may say why. */
char *service_named(const struct arg *a, const char **ret_why);

/* Each takes the arguments after the program at ${v->a[0]}; returns how many arguments the
 * command has, 0 when it is none after all. */
typedef size_t command_fn(struct finds *l, const struct argv *v);
command_fn command_reg, command_net, command_sc, command_msiexec, command_vssadmin,
    command_regsvr32, command_fsutil, command_shutdown, command_restart;
command_fn command_set_service, command_start_service, command_stop_service,
    command_restart_service, command_set_item, command_new_item;
command_fn command_systemctl, command_service, command_apt, command_dpkg, command_iconv;

/* A registry key as people write it, at the start of [s, s + len).  ${ret} gets the key as
 * actions write it; ${to} is where it ends. */
struct reg_path {
    char *key;   /* owned */
    size_t to;
    bool arrows; /* HKEY_... -> A -> B: the last part is a value */
};
/* ${whole}: it fills [s, s + len), so that blanks belong to it.  false when it is none, and
 * then *ret_problem may say why (an ambiguity). */
bool registry_path(const char *s, size_t len, bool whole, struct reg_path *ret,
    const char **ret_problem);
/* The key of a command's argument.  To be freed; NULL when it is none, and then *ret_problem
 * may say why. */
char *registry_key(const char *s, size_t len, const char **ret_problem);
/* The service whose key ${key} is, or NULL. */
const char *registry_service(const char *key);
/* Finish a find that sets ${name} of ${key}: kinds and notes as the lists say. */
void registry_set(struct finds *l, struct find *f, const char *key, const char *name,
    const char *type, const char *data);
/* The type that ${name} has when nobody says it; sure only when a list knows the name. */
const char *registry_guess(const char *name, const char *data, bool *ret_sure);

/* ---- finders ---- */

/* Words of a sentence, not ended by a NUL. */
size_t word_len(const struct sentence *s, size_t i);
const char *word_at(const struct sentence *s, size_t i);
/* A find that spans words [from, to). */
struct find *find_words(struct finds *l, const struct sentence *s, size_t from, size_t to,
    const char *kind);
/* A full Windows path at word ${i}; in running words it may hold blanks as a registry key
 * does.  *ret_end is the word after it.  To be freed; NULL when there is none. */
char *path_at(const struct sentence *s, size_t i, size_t *ret_end);
/* Done in windows, or in the portal of a cloud. */
bool done_by_hand(const struct sentence *s);

/* Finders of one sentence. */
void find_commands(struct finds *l, const struct sentence *s);
void find_registry(struct finds *l, const struct sentence *s);
void find_service(struct finds *l, const struct sentence *s);
void find_installer(struct finds *l, const struct sentence *s);
void find_file(struct finds *l, const struct sentence *s);
void find_setting(struct finds *l, const struct sentence *s);
void find_version(struct finds *l, const struct sentence *s);
void find_machine(struct finds *l, const struct sentence *s, bool about_backup);
void find_person_step(struct finds *l, const struct sentence *s);

/* "download it from [here]", also beside other finds of the sentence. */
void find_download(struct finds *l, const struct sentence *s);

/* ---- the plan as it grows ---- */

enum { GROUPS_MAX = 64, HEADS_MAX = 8, NUMBERED = 1000 };

/* A condition that holds for steps to come. */
struct cond {
    enum plan_when when;
    size_t of;  /* step number, from 1 */
    char *text; /* of PLAN_IF; owned */
    const char *os; /* how the kinds of actions begin that say it themselves, or NULL */
    bool stays; /* it says from when, for the rest of its block too */
    bool platform; /* a label names the system; the next label takes its place */
};

/* Where a condition ends that no further step fails or solves; SCOPE_HEADING: at the next
 * heading of its level. */
enum scope { SCOPE_SENTENCE, SCOPE_NESTED, SCOPE_GROUP, SCOPE_HEADING };

/* A find that waits for the command that its sentence announced. */
struct held {
    struct find find;
    struct article_span span;
    char *text;
    struct cond cond;
};

/* Words that are not understood, shortened; empty: all are. */
enum { WHY_MAX = 96 };
struct why {
    char text[WHY_MAX];
};

struct compiler {
    const struct article *a;
    struct plan *plan;
    bool no_memory;
    bool cut; /* the article has more steps than a plan holds */
    bool about_backup;
    enum about about;
    const struct article_block *block;

    struct cond cond;        /* holds now */
    enum scope scope;
    size_t cond_sentence;    /* where it stood */
    bool cond_leads;         /* that sentence only led to others */
    const struct article_block *cond_block;
    struct {                 /* the condition that one that stays stands within */
        struct cond cond;
        enum scope scope;
        const struct article_block *block;
    } outer;
    struct cond heading;     /* what headings say of when: the last, within those around it */
    struct {                 /* ... which go on when one within them ends */
        struct cond cond;
        long level;
    } heads[HEADS_MAX];
    size_t nheads;
    struct cond title;       /* the system that the title names, for what says none itself */
    struct cond symptom;     /* of the list: "Symptom: ...", for the items behind it */
    size_t sentence;         /* counts */

    struct {
        long label;          /* as written; a plain number of a list: NUMBERED + n */
        size_t first;        /* number of its first step */
    } group[GROUPS_MAX];
    size_t ngroups;
    long forward_from, forward_to; /* labels that stand on the failure of what is before */
    size_t forward_of;

    struct held held[SENTENCE_FINDS_MAX];
    size_t nheld;
    struct held last;        /* a retry for the end of the group */
    bool has_last;
    struct why ended;        /* what led to a list that a paragraph has ended */
    bool ended_case;         /* ... which was a condition, and no sentence that led to it */
    struct why said;         /* the sentence before this one */
    bool in_commands;        /* the announced command has come, and may go on */
    bool sample;             /* the code that comes next is an example */
    bool alternative;        /* the next step is an alternative of the last */
    struct {                 /* what is not understood, and reaches what comes */
        struct why unit;     /* the rest of this item or paragraph */
        struct why before;   /* code that comes next: the sentence before it */
        size_t cond_unit;    /* the unit whose last sentence had a condition */
        struct why lead;     /* what a sentence of lead_block leads to */
        const struct article_block *lead_block;
        bool lead_ends;      /* ... with the next paragraph, also within an item */
        bool lead_back;      /* ... which takes back what was done */
        bool lead_keeps;     /* ... also beside what leads to parts of that */
        struct why way;      /* the list behind a paragraph that offers another way */
        struct why section;  /* to the next heading of this level or above */
        long section_level;
        struct why below;    /* what stands below a heading of this level */
        long level, now;     /* now: the level of the last heading */
        size_t case_section; /* 1 + the section that spoke of a case, or a place */
        bool frame;          /* the section says what others are for */
        size_t nunit, nsection; /* count */
    } around;
    struct {                 /* sections that are ways: their level, the steps before them */
        long level;
        size_t steps;
    } ways;
    struct {                 /* an item that left a condition to a person */
        bool open;
        size_t unit, section, level;
    } gate;
    struct {                 /* where each step of the plan stands */
        size_t unit, section;
        bool changes; /* the machine */
        bool asks;    /* something of a person, if only to look */
        bool walk;    /* part of a walk through the registry editor */
        bool passive; /* said as a fact is; for what stands around it, it is one */
        bool leads;   /* it ends its block, and names what stands below it */
    } place[PLAN_STEPS_MAX];
    struct {                 /* what a walk through the registry editor has come to */
        char *key, *name;
        const char *type;
        bool decimal, hex;   /* how numbers are typed; neither: not said */
        bool wait;           /* the key comes next */
        size_t section;
    } walk;
    char *pending_data;      /* "set the following keys to ..." */
    char *pending_key;       /* [HKEY_...] */
};

/* ---- one sentence as a whole (compile_look.c) ---- */

/* Does it speak, from word ${from} on, of a command that follows? */
bool announces_command(const struct sentence *s, size_t from);
/* What all finders find, in the order of the text, none within another. */
void find_all(struct compiler *c, struct finds *l, const struct sentence *s);

/* ---- a walk through the registry editor (compile_walk.c) ---- */

/* Is the sentence a part of one?  It limits nothing then; the part that says what a value is
 * set to leaves its step as the only find. */
bool walk_read(struct compiler *c, struct finds *l, const struct sentence *s);
/* Does a sentence of a walk change something there, and not only lead to it? */
bool walk_edits(const struct sentence *s);
void walk_done(struct compiler *c);

/* ---- words that limit nothing (compile_plain.c) ---- */

/* How many words from ${i} on are known to limit nothing; 0: word ${i} may. */
size_t plain_at(const struct sentence *s, size_t i);
/* Is word ${i} in the list of its first letter? */
#define lettered(table, s, i) \
    ({ \
        static struct list_marks marks_; \
        if (!__atomic_load_n(&marks_.ready, __ATOMIC_ACQUIRE)) \
            lettered_marks(&marks_, table); \
        lettered_in(table, &marks_, s, i); \
    })
bool lettered_in(const char *const table[26], const struct list_marks *marks,
    const struct sentence *s, size_t i);
bool is_number(const struct sentence *s, size_t i);

/* ---- clauses and names that limit nothing (compile_clause.c) ---- */

/* The same for what is told by its form: a reason, a purpose, the name of a thing. */
size_t clause_at(const struct sentence *s, size_t i);
/* ... when they say why: "because ...", "so that ...". */
size_t reason_at(const struct sentence *s, size_t i);

/* ---- is everything said accounted for? (compile_account.c) ---- */

/* The first of the words [0, to) that neither belongs to a find nor limits nothing; SIZE_MAX:
 * all are accounted for. */
size_t unaccounted(const struct sentence *s, const struct finds *l, size_t to);

/* ---- words that limit (compile_limits.c) ---- */

/* Has it a word by which a heading limits what is below it, an introduction its procedure, or
 * a sentence beside an action the action (by one of an introduction, too)? */
enum limits { LIMITS_HEADING, LIMITS_SECTION, LIMITS_ACTION };
bool limits(const struct sentence *s, enum limits what);
/* It says where something is done, and not only on the machine that is looked after. */
bool sets_place(const struct sentence *s);
bool has_number(const struct sentence *s);
/* Does the heading only say what is done below it?  ${first}: it is the first of all. */
bool heading_is_plain(const struct sentence *s, bool first);

/* ---- phrases that say when (compile_moment.c) ---- */

/* "Once both have finished, ...": word ${i} starts a condition of what an order says after it,
 * up to word (result); 0: it does not. */
size_t moment_at(const struct sentence *s, size_t i);
/* "... when both have finished": words [i, end) are a condition of what is before them. */
bool moment_behind(const struct sentence *s, size_t i);
/* "Start it if it is stopped: COMMAND": words [*ret_from, result) are the condition, and those
 * before them only name the command, which may stand below; 0: they do not. */
size_t cond_within(const struct sentence *s, size_t *ret_from);
/* A heading that says in which case what is below it is to be done. */
bool heading_tells_case(const struct sentence *s);

/* ---- sentences beside actions (compile_forms.c) ---- */

/* Is word ${i} an order by its form, whatever its verb? */
bool is_order(const struct sentence *s, size_t i);
/* Does it speak of machines of some kind? */
bool names_kind(const struct sentence *s);
/* What went wrong, and when; what an action does; what stands at the head of an article; what
 * it is about. */
bool tells_problem(const struct sentence *s);
bool tells_effect(const struct sentence *s);
bool is_imprint(const struct sentence *s);
bool tells_subject(const struct sentence *s);
/* Where more is written; to keep what there is, before it is changed. */
bool is_reference(const struct sentence *s);
bool is_precaution(const struct sentence *s);
/* "You are connected to the VM via SSH.": where all is done anyway. */
bool tells_entry(const struct sentence *s);
/* What is told below is to resolve the problem. */
bool tells_aim(const struct sentence *s);
/* How things are; what the command that follows does, in words of its own. */
bool tells_fact(const struct sentence *s);
bool tells_command(const struct sentence *s);
/* The rest from word ${i} on is for a person, and says nothing of the actions before it. */
bool orders_besides(const struct sentence *s, size_t i);
/* An instruction for a person that says nothing of those around it (${alone}: it stands in an
 * item without actions); how a change is undone. */
bool harmless_order(const struct sentence *s, bool alone);
bool takes_back(const struct sentence *s);
/* It leads to what follows; to what is to be run; to another system that what follows is done
 * in; away from what stands around it. */
bool sentence_leads(const struct sentence *s);
bool leads_in_case(const struct sentence *s, bool case_said);
bool tells_to_run(const struct sentence *s);
bool leaves_system(const struct sentence *s);
bool leads_away(const struct sentence *s);
bool leaves_procedure(const struct sentence *s);
/* What follows it in its item or paragraph hangs on it: "Option B.", "Still failing?". */
bool is_fork(const struct sentence *s);
/* The sentence without "Note:" and the like. */
struct sentence without_mark(const struct sentence *s);

/* ---- what it says of steps before it (compile_mention.c) ---- */

/* Does it name what one of its section names? */
bool mentions_step(const struct compiler *c, const struct sentence *s);
/* Is a restart spoken of where one is done? */
bool speaks_of(const struct compiler *c, const struct sentence *s);
/* "Never kill X": it forbids something, and says nothing of the steps. */
bool forbids(const struct compiler *c, const struct sentence *s);

/* ---- what stands around an action (compile_around.c) ---- */

/* An article begins, a block, or a heading's sentence.  ${read}: it is a condition that was
 * read, and limits nothing besides. */
void around_title(struct compiler *c);
void around_block(struct compiler *c, const struct article_block *b);
void around_heading(struct compiler *c, const struct sentence *s, bool read);
/* Judge a sentence whose condition is read: words [0, to) are left of it.  Finds that may be
 * limited by what is not understood become steps for a person; what the sentence itself
 * limits is noted, and steps before it that it reaches are left to a person.
 * ${conditional}: a condition stood before it, or ${label} ("Step 2:"). */
void around_sentence(struct compiler *c, struct finds *l, const struct sentence *s, size_t to,
    bool conditional, bool label);
/* ${s} and the rest of its item or paragraph are for a person. */
void around_unclear(struct compiler *c, const struct sentence *s);
/* Is what comes now no part of the procedure, but another way, or how it is taken back? */
bool around_aside(const struct compiler *c);
/* What ${s} leads to is for a person; what comes of its section, and ${back} what came too. */
void around_offer(struct compiler *c, const struct sentence *s);
void around_scope(struct compiler *c, const struct sentence *s, bool back);
/* Markup [s, s + len) says for whom the rest of the section is. */
void around_markup(struct compiler *c, const char *s, size_t len);
/* ${s} speaks of the steps of other sections: they are for a person, and those to come. */
void around_all(struct compiler *c, const struct sentence *s);
/* The sections that come, one for each way that ${s} offers, are for a person. */
void around_ways(struct compiler *c, const struct sentence *s);
/* ${s} is the sentence before the next one. */
void around_said(struct compiler *c, const struct sentence *s);
/* Has the section no steps yet? */
bool around_introduces(const struct compiler *c);
/* A paragraph that is nothing but code: it belongs to what led to it. */
bool block_is_code(const struct compiler *c, const struct article_block *b);

/* ---- steps (compile_steps.c) ---- */

/* Put ${f} into the plan, under ${cond}; its action is taken. */
void flow_emit(struct compiler *c, struct find *f, struct article_span span, const char *text,
    const struct cond *cond);
/* Step ${s} is for a person after all; ${id} (NULL: no ambiguity) and ${text} say why. */
void step_leave(struct compiler *c, struct plan_step *s, const char *id, const char *text);
void compiler_note(struct compiler *c, const char *id, struct plan_step *s,
    struct article_span span, const char *text);

/* ---- what waits, and what belongs together (compile_group.c) ---- */

/* Keep ${f}, whose action is taken, until the command that it spoke of has come. */
void flow_hold(struct compiler *c, struct find *f, struct article_span span, const char *text,
    const struct cond *cond);
/* Emit what waits.  ${came}: the command that it spoke of has come, so what it said about
 * that is dropped. */
void flow_release(struct compiler *c, bool came);
/* ${cond}, which is taken, holds from now on. */
void flow_cond(struct compiler *c, struct cond *cond, enum scope scope);

/* ---- flow ---- */

/* One sentence; ${heading}: it only says when, not what. */
void flow_sentence(struct compiler *c, const struct sentence *s, bool heading);
/* The title of the article, before all its blocks. */
void flow_title(struct compiler *c, const struct sentence *s);
/* The item ${number} of a list begins. */
void flow_number(struct compiler *c, long number);
/* A block begins: conditions that hold for what is nested may end. */
void flow_block(struct compiler *c, const struct article_block *b);
/* What the heading above says of when holds again, and nothing else. */
void flow_heading(struct compiler *c);
/* A heading says when all below it is to be done: ${cond}, which is taken when it is for a
 * person to judge.  Without one, that of a heading of a higher level goes on. */
void flow_head(struct compiler *c, struct cond *cond);
/* ${cond} stays for the rest of the block, or to the next label of a platform; what holds now
 * does again after it. */
void flow_stay(struct compiler *c, struct cond *cond);
/* What belongs together ends here: at a heading, or with label ${label} > 0 ("Step 2"). */
void flow_group(struct compiler *c, long label, bool option);
void flow_end(struct compiler *c);

void cond_done(struct cond *c);
bool cond_copy(struct cond *to, const struct cond *from);

/* What the start of a sentence says about when (compile_cond.c).  Returns the first word of
 * the rest; *ret_has is false when there is no condition. */
size_t cond_read(struct compiler *c, const struct sentence *s, struct cond *ret,
    enum scope *ret_scope, bool *ret_has);
/* The same for words [from, to), which stand behind an "if". */
void cond_of(struct compiler *c, const struct sentence *s, size_t from, size_t to,
    struct cond *ret, enum scope *ret_scope);
/* ${ret} becomes a condition that a person judges: words [from, to). */
void cond_text(struct compiler *c, const struct sentence *s, size_t from, size_t to,
    struct cond *ret);
/* "If not, ...": to what ${cond} is the answer. */
void cond_answer(struct compiler *c, struct cond *cond);
/* ${cond} stands within ${outer}: both have to hold, when both are for a person to judge. */
void cond_join(struct compiler *c, struct cond *cond, const struct cond *outer);
/* "Step 2:" at the start; returns how many words it takes. */
size_t label_read(const struct sentence *s, bool heading, long *ret_label, bool *ret_option);
/* "try steps 2 and 3": the labels that are meant. */
bool labels_named(const struct sentence *s, size_t from, size_t to, long *ret_first,
    long *ret_last);

/* The number of the last retry from step ${from} on; without one the last step; 0: none. */
size_t unsolved_after(const struct compiler *c, size_t from, size_t to);

/* ---- orders in the passive, and other such (compile_passive.c) ---- */

/* "The files must be deleted", "you must delete them": a step for a person; false: it is no
 * such order. */
bool find_passive(struct finds *l, const struct sentence *s);

/* ---- what waits for a person (compile_wait.c) ---- */

/* All of the text is bold: a heading without its marks. */
bool flat_is_bold_line(const struct flat *f);

/* Does a person who does ${f} of the sentence leave the machine as it is?  ${opens}: what comes
 * may say how that is done. */
bool find_is_idle(const struct find *f, const struct sentence *s, bool opens);
/* Does it ask for anything, if only to look? */
bool find_asks(const struct find *f, const struct sentence *s, bool opens);
/* Steps that come behind a person's stand on it. */
void compile_waits(struct compiler *c);

/* ---- what an article is for (compile_subject.c) ---- */

/* Steps that set something up, and repair nothing, are for a person. */
void compile_subject(struct compiler *c);

/* compile_usage.c: what only tells how a service is started and stopped is for a person */
void compile_usage(struct compiler *c);
/* compile_own.c */
void compile_own(struct compiler *c);
/* compile_codes.c: names that differ, versions that differ, a remedy that is gone */
void compile_conflicts(struct compiler *c, const char *file);

#endif
