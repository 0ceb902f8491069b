/* SPDX-License-Identifier: Apache-2.0 */
/* target_guest_units.c -- systemd's units in a guest, by systemctl, whose words for states
 * are part of its interface. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "target_guest_internal.h"

static struct err *
systemctl(struct guest *m, const char *verb, const char *unit, struct deadline by,
    uint32_t *ret_exit, struct qga_result *r)
{
    const char *const argv[] = { "systemctl", verb, "--quiet", "--", unit, NULL };
    const char *const loud[] = { "systemctl", verb, "--", unit, NULL };

    return guest_exec(m, r == NULL ? argv : loud, by, ret_exit, r);
}

/* What "is-enabled" prints; nothing for a unit that is not there. */
static bool
unit_state(const char *words, enum target_unit *ret)
{
    static const struct {
        const char *word;
        enum target_unit state;
    } known[] = { { "enabled", UNIT_ENABLED }, { "enabled-runtime", UNIT_ENABLED },
        { "linked", UNIT_DISABLED }, { "linked-runtime", UNIT_DISABLED },
        { "alias", UNIT_STATIC }, { "masked", UNIT_MASKED },
        { "masked-runtime", UNIT_MASKED }, { "static", UNIT_STATIC },
        { "indirect", UNIT_STATIC }, { "generated", UNIT_STATIC },
        { "transient", UNIT_STATIC }, { "disabled", UNIT_DISABLED },
        { "not-found", UNIT_MISSING }, { "", UNIT_MISSING } };
    size_t len = strcspn(words, "\r\n");

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i].word) != len || strncmp(known[i].word, words, len) != 0)
            continue;
        *ret = known[i].state;
        return true;
    }
    return false;
}

struct err *
guest_unit_get(struct target *t, const char *unit, enum target_unit *ret, bool *ret_active)
{
    struct guest *m = guest_of(t);
    struct qga_result r = { 0 };
    uint32_t code;

    TRY(systemctl(m, "is-enabled", unit, guest_by(m), &code, &r));
    bool known = unit_state((const char *)r.out, ret);
    qga_result_done(&r);
    if (!known)
        return guest_refused(m, "tell the state of a unit", code);
    TRY(systemctl(m, "is-active", unit, guest_by(m), &code, NULL));
    *ret_active = code == 0;
    return NULL;
}

static struct err *
change(struct guest *m, const char *verb, const char *unit, struct deadline by)
{
    uint32_t code;

    struct err *e = systemctl(m, verb, unit, by, &code, NULL);
    if (err_code(e) == E_GuestProgramOverdue)
        return err_because(fail(DeadlinePassed, "systemctl"), e);
    TRY(e);
    return code != 0 ? guest_refused(m, "change a unit", code) : NULL;
}

struct err *
guest_unit_set(struct target *t, const char *unit, enum target_unit want)
{
    struct guest *m = guest_of(t);
    enum target_unit now;
    bool active;

    TRY(guest_unit_get(t, unit, &now, &active));
    if (now == want)
        return NULL;
    if (want == UNIT_MASKED)
        return change(m, "mask", unit, guest_by(m));
    if (now == UNIT_MASKED) {
        TRY(change(m, "unmask", unit, guest_by(m)));
        TRY(guest_unit_get(t, unit, &now, &active));
    }
    if (now == want || want == UNIT_STATIC)
        return NULL;
    if (want == UNIT_MISSING)
        return fail(TargetCannot, m->t.name, "remove a unit");
    return change(m, want == UNIT_ENABLED ? "enable" : "disable", unit, guest_by(m));
}

struct err *
guest_unit_control(struct target *t, const char *unit, bool run, struct deadline by)
{
    return change(guest_of(t), run ? "start" : "stop", unit, by);
}
