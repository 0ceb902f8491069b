/* SPDX-License-Identifier: Apache-2.0 */
/* ambiguity.h says what; data alone, so that build tools can link it. */
#include <stddef.h>

#include "ambiguity.h"

const struct plan_ambiguity_id plan_ambiguities[] = {
    { "action-invalid", "A fence of ours does not hold one valid action." },
    { "alternatives", "The text offers several ways; one is taken, the others are noted." },
    { "code-id-mismatch", "Title, file and header fields give the article different names." },
    { "conditional-sibling", "The step stands beside a condition, not below it, and belongs "
                             "to it all the same." },
    { "destroys", "The step removes software or data and cannot be undone." },
    { "disables-security", "The step switches off something that protects the machine." },
    { "extension-missing", "A program is named without its suffix; the one installer of that "
                           "name is taken." },
    { "loaded-hive", "The registry key lies in a hive that was loaded by hand." },
    { "maintenance-window", "The text asks to wait for a time when nobody is disturbed." },
    { "no-remedy", "The text tells how something is set up, and of no failure." },
    { "order", "The text names something before the step that must come first." },
    { "other-machine", "The step is to be done on another machine." },
    { "override-only", "The key switches a check off; it repairs nothing." },
    { "path-relative", "A file is named without its folder." },
    { "placeholder", "A name has to be filled in. A newest version is found by number; "
                     "anything else is for a person." },
    { "print-only", "The command prints a result and changes nothing." },
    { "probe-as-fix", "The text offers a look at something as if it repaired it." },
    { "register-switch", "The installer's switch /register is documented as /regserver; the "
                         "literal word leaves the service deleted." },
    { "remedy-lost", "The article only refers to another page." },
    { "runtime-version-conflict", "The article names two versions of the same runtime." },
    { "shell-operator", "The command needs a shell: variables, pipes or redirections." },
    { "span-open", "A code span or fence is never closed." },
    { "surroundings", "Something beside it or around it is not understood, and may limit it to "
                      "some machines or moments." },
    { "too-long", "The article has more steps than a plan holds; a part alone might do harm." },
    { "typographic", "The command holds quotes, dashes or blanks that a word processor "
                     "made." },
    { "ui-launcher", "The step is done in a program with windows." },
    { "unregister-alone", "The installer service would be deleted and not made again." },
    { "value-name-missing", "A registry key is named but not the value; it was inferred from "
                            "a closed list, or the step is for a person." },
    { "value-type-missing", "The type of a registry value is not given; it follows from its "
                            "data or a closed list." },
    { NULL, NULL },
};
