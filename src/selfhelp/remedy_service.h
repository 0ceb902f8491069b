/* SPDX-License-Identifier: Apache-2.0 */
/* remedy_service.h -- what the remedies of services and of the installer's registration
 * share: a service seen from both of its places. */
#ifndef REMEDY_SERVICE_H
#define REMEDY_SERVICE_H

#include "remedy.h"

enum { START_AUTO = 2, START_DEMAND = 3, START_DISABLED = 4, START_NONE = 99 };
enum { REMEDY_MARKED = 1072 }; /* what a manager says of a service that goes */

/* Both views.  .there: in the manager, or offline in the registry. */
struct remedy_views {
    bool live, there, marked;
    uint32_t registry, manager; /* start types; START_NONE: not known */
    enum target_service_state state;
};

struct err *remedy_see(struct target *t, const char *service,
    struct remedy_views *ret) must_use;

/* So in every place that can be seen. */
bool remedy_start_is(const struct remedy_views *v, uint32_t want);

struct err *remedy_tell_start(const struct remedy_views *v, enum remedy_state state,
    struct remedy_look *ret) must_use;

/* Did the manager refuse since the service was deleted, and goes when its last handle is
 * closed?  Not every manager notes that where it can be read before. */
bool remedy_service_goes(const struct err *e);

/* Through the manager; where that refuses, through the key, and *ret_later is true.  The key of
 * a service that goes is of no use: its refusal is handed up. */
struct err *remedy_set_start(struct target *t, const char *service, uint32_t start,
    bool *ret_later) must_use;

/* Add to the array ${needs} the names of the services that start with ${service}, since it
 * needs them and they are stopped: each after what it needs itself, and after so many looks as
 * TARGET_DEPENDENTS_MAX no more. */
struct err *remedy_record_needs(struct target *t, const char *service,
    json_t *needs) must_use;

#endif
