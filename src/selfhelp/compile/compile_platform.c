/* SPDX-License-Identifier: Apache-2.0 */
/* Names of operating systems that stand before what is meant for them: "Linux:", "On Ubuntu and
 * Debian, ...", a heading "Windows Server 2016".  They become conditions, word for word: which
 * of them a machine is a person can tell.  What is not in these closed lists is no name of one,
 * and limits as any other words do. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

static const char distributions[] =
    "aix|almalinux|alpine|arch|archlinux|bsd|centos|coreos|darwin|debian|devuan|dragonfly|"
    "fedora|flatcar|freebsd|gentoo|kali|kubuntu|macos|mageia|manjaro|mint|netbsd|nixos|"
    "openbsd|opensuse|openwrt|oracle|proxmox|raspbian|red|rhel|rocky|scientific|slackware|"
    "sle|sles|solaris|suse|ubuntu|unix|xubuntu";

/* Words that are the name of a distribution before "Linux". */
static const char before_linux[] = "amazon|clear|container|photon|void";

/* Words of the names of distributions and editions, and those that join them. */
static const char joins[] =
    "a|administrator|and|as|based|bash|cmd|distribution|distributions|edition|editions|"
    "elevated|enterprise|family|for|guest|hat|higher|home|in|inside|later|leap|lts|machine|"
    "newer|on|or|os|powershell|professional|prompt|r2|root|running|standard|stream|the|"
    "tumbleweed|under|version|versions|vm|with";

static const char kinds[] = "clients|computers|machines|pcs|server|servers|systems|vms|guests";

/* "rhel8", "20.04", "7.x", "10+" without their numbers. */
static size_t
letters(const char *s, size_t len)
{
    while (len > 0 && (strchr("0123456789.+", s[len - 1]) != NULL ||
                          (s[len - 1] == 'x' && len > 1 && s[len - 2] == '.')))
        len--;
    return len;
}

/* What one word says: "Fedora/RHEL8" are two names. */
struct named {
    const char *os; /* how the kinds of its actions begin */
    bool any;
    bool more; /* than the system of these actions: a version, a distribution, some machines */
};

static bool
name_part(const char *s, size_t len, struct named *n)
{
    size_t bare = letters(s, len);

    if (in_list(s, bare, "linux|windows|gnu/linux|debian-based|rhel-based|red-hat-based") ||
        in_list(s, bare, distributions)) {
        const char *os = text_equal(s, bare, "linux") ? "linux."
            : text_equal(s, bare, "windows")          ? "windows."
                                                      : NULL;

        n->more = n->more || os == NULL || bare < len || n->any;
        n->os = os;
        n->any = true;
        return true;
    }
    if (bare == 0 || in_list(s, len, kinds) ||
        in_list(s, len, "later|newer|higher|edition|editions|lts|enterprise|home|professional|"
                        "r2|standard|leap|stream|tumbleweed|version|versions")) {
        n->more = n->more || !in_list(s, len, "guests|vms|machines");
        return bare > 0 || n->any; /* a number alone is none */
    }
    if (in_list(s, len, before_linux)) {
        n->more = true;
        return true;
    }
    return in_list(s, len, joins);
}

/* Of letters and hyphens alone: what is no name as it stands is none. */
static bool
is_plain_word(const char *t, const char *end)
{
    for (; t < end; t++)
        if (*t == '/' || *t == '+' || *t == '.' || (*t >= '0' && *t <= '9'))
            return false;
    return true;
}

static bool
name_word(const struct sentence *s, size_t i, struct named *n)
{
    const char *t = word_at(s, i), *end = t + word_len(s, i);

    if ((s->word[i].mark & FLAT_CODE) != 0 || t == end)
        return false;
    if (!word_is(s, i, "a|in|the|for|on|with|windows|linux") && is_plain_word(t, end) &&
        !word_is(s, i, distributions) && !word_is(s, i, kinds) && !word_is(s, i, joins) &&
        !(word_is(s, i, before_linux) && word_is(s, i + 1, "linux")) &&
        !word_is(s, i, "debian-based|rhel-based|red-hat-based"))
        return false; /* most words by far */
    if (text_equal(t, (size_t)(end - t), "gnu/linux"))
        return name_part("linux", 5, n);
    while (t < end) {
        const char *slash = memchr(t, '/', (size_t)(end - t));
        const char *to = slash != NULL ? slash : end;

        if (to == t || !name_part(t, (size_t)(to - t), n))
            return false;
        t = to + (slash != NULL);
    }
    return true;
}

bool
names_platform(const struct sentence *s, bool heading, const char **ret_os)
{
    struct named n = { 0 };

    if (!heading && !sentence_ends(s, ':'))
        return false;
    for (size_t i = 0; i < s->nwords; i++)
        if (!name_word(s, i, &n))
            return false;
    *ret_os = n.more ? NULL : n.os;
    return n.any;
}

bool
names_distribution(const struct sentence *s)
{
    for (size_t i = 0; i < s->nwords; i++)
        if (in_list(word_at(s, i), letters(word_at(s, i), word_len(s, i)), distributions))
            return true;
    return false;
}

/* Names that are words of the language, or of other products, too. */
static bool
name_is_sure(const struct sentence *s, size_t i)
{
    size_t bare = letters(word_at(s, i), word_len(s, i));

    if (in_list(word_at(s, i), bare, "linux"))
        return i == 0 || s->word[i].before == '(' || word_is(s, i - 1, "in|on|under");
    return word_is(s, i, "debian-based|rhel-based|red-hat-based") ||
        (in_list(word_at(s, i), bare, distributions) &&
            (!in_list(word_at(s, i), bare, "alpine|arch|mint|oracle|proxmox|red|scientific|"
                                           "unix") ||
                word_is(s, i + 1, "hat|linux")));
}

size_t
platform_name(const struct sentence *s, size_t i, const char **ret_os)
{
    struct named n = { 0 };
    size_t end = i;

    if ((s->word[i].mark & FLAT_CODE) != 0 || !name_is_sure(s, i))
        return 0;
    while (end < s->nwords && name_word(s, end, &n) &&
        (end == i || s->word[end - 1].after == 0 || s->word[end - 1].after == ','))
        end++;
    while (end > i + 1 &&
        word_is(s, end - 1, "a|and|as|for|in|inside|on|or|running|the|under|with"))
        end--;
    *ret_os = n.more ? NULL : n.os;
    return end > i ? end - i : 1;
}

size_t
platform_behind(const struct sentence *s, const char **ret_os)
{
    for (size_t i = 1; i + 1 < s->nwords; i++) {
        struct sentence rest = *s;

        if (!word_is(s, i, "for|in|on|under|with"))
            continue;
        rest.word += i;
        rest.nwords -= i;
        if (names_platform(&rest, true, ret_os))
            return i;
    }
    return 0;
}

/* Does a list of names go on at word ${i}? */
static bool
names_on(const struct sentence *s, size_t i)
{
    struct named n = { 0 };

    i += word_is(s, i, "and|or");
    return i < s->nwords && name_word(s, i, &n) && n.any;
}

size_t
platform_in_purpose(const struct sentence *s, size_t *ret_to, const char **ret_os)
{
    struct sentence purpose = *s;
    size_t to = 1;

    if (!word_is(s, 0, "to") || !sentence_ends(s, ':'))
        return 0;
    /* "on RHEL, CentOS, or Fedora, ...": their commas end nothing */
    while (to < s->nwords &&
        (s->word[to - 1].after == 0 || (s->word[to - 1].after == ',' && names_on(s, to))))
        to++;
    if ((to < s->nwords && s->word[to - 1].after != ',') ||
        has_word(s, to, s->nwords, "another|each|every|first|not|only|other"))
        return 0;
    purpose.nwords = to;
    *ret_to = to;
    return platform_behind(&purpose, ret_os);
}

size_t
platform_at(const struct sentence *s, const char **ret_os)
{
    bool on = word_is(s, 0, "on|in|under|for|with");
    struct named n = { 0 };
    size_t end = 0, i = 0;

    for (; i + 1 < s->nwords && name_word(s, i, &n); i++)
        if (n.any &&
            (s->word[i].after == ':' ||
                (s->word[i].after == ',' && on && is_order(s, i + 1)))) {
            end = i + 1;
            *ret_os = n.more ? NULL : n.os;
        }
    /* "On Ubuntu install the packages" */
    if (end == 0 && on && n.any && i + 1 < s->nwords && s->word[i - 1].after == 0 &&
        word_is(s, i, "execute|install|restart|run|type|use")) {
        *ret_os = n.more ? NULL : n.os;
        return i;
    }
    if (end == 0)
        return 0;
    return is_order(s, end) || (s->word[end].mark & FLAT_CODE) != 0 ||
            command_starts(word_at(s, end), s->to - s->word[end].from)
        ? end
        : 0;
}

/* ---- what an article is about ---- */

static const struct sign {
    const char *words; /* lower case */
    enum about about;
} signs[] = { { "windows", ABOUT_WINDOWS }, { "powershell", ABOUT_WINDOWS },
    { "hklm", ABOUT_WINDOWS }, { "hkey_", ABOUT_WINDOWS }, { "services.msc", ABOUT_WINDOWS },
    { "c:\\", ABOUT_WINDOWS }, { "net start", ABOUT_WINDOWS }, { "net stop", ABOUT_WINDOWS },
    { "regedit", ABOUT_WINDOWS }, { ".exe", ABOUT_WINDOWS }, { "microsoft", ABOUT_WINDOWS },
    { "restart-service", ABOUT_WINDOWS }, { "msiexec", ABOUT_WINDOWS },
    { "linux", ABOUT_LINUX }, { "/etc/", ABOUT_LINUX }, { "/var/", ABOUT_LINUX },
    { "/usr/", ABOUT_LINUX }, { "systemctl", ABOUT_LINUX }, { "systemd", ABOUT_LINUX },
    { "sudo ", ABOUT_LINUX }, { "apt-get", ABOUT_LINUX }, { "apt install", ABOUT_LINUX },
    { "yum install", ABOUT_LINUX }, { "dnf install", ABOUT_LINUX }, { "ubuntu", ABOUT_LINUX },
    { "debian", ABOUT_LINUX }, { "centos", ABOUT_LINUX }, { "journalctl", ABOUT_LINUX },
    { "/usr/local/etc/rc.d", ABOUT_BSD } };

enum { SIGNS = sizeof(signs) / sizeof(signs[0]) };

/* All bytes are looked at: those that begin no sign cost one look. */
enum about
article_about(const struct article *a)
{
    uint8_t first[256] = { 0 }, next[SIGNS]; /* 1 + a sign that begins so, and the next one */
    unsigned found = 0;

    for (size_t k = 0; k < SIGNS; k++) {
        uint8_t *head = &first[(uint8_t)signs[k].words[0]];

        next[k] = *head;
        *head = (uint8_t)(k + 1);
    }
    for (size_t i = 0; i < a->len; i++) {
        uint8_t c = a->bytes[i];

        for (size_t k = first[c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c]; k > 0;
            k = next[k - 1]) {
            const struct sign *s = &signs[k - 1];
            size_t n = strlen(s->words);

            if ((found & s->about) == 0 && n <= a->len - i &&
                strncasecmp((const char *)a->bytes + i, s->words, n) == 0)
                found |= s->about;
        }
    }
    return (enum about)found;
}
