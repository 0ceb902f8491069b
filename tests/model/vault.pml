/* SPDX-License-Identifier: Apache-2.0 */
/* vault.pml -- writers and collectors that share a vault without locks; README.md explains.
 *
 * Each operation on the store is one atomic step; between two of them anything else may
 * happen.  A set of names is a bit mask.  What a listing showed is kept in the variables of
 * the process that listed, and is cleared when it is no more needed, so that equal
 * situations are one state. */

/* ---- bounds; run.sh sets them with -D ---- */
#ifndef WRITERS
#define WRITERS 2    /* writer 0 has a parent point, writer 1 has none */
#endif
#ifndef TRIES
#define TRIES 1      /* sessions of one writer */
#endif
#ifndef COLLECTORS
#define COLLECTORS 1
#endif
#ifndef ROUNDS
#define ROUNDS 1     /* of one collector */
#endif
#ifndef TOMBS
#define TOMBS 1      /* packs that one round may try to take away */
#endif
#ifndef TARGETS
#define TARGETS PACKS /* the packs that may get tombs: the first TARGETS */
#endif
#ifndef REWRITES
#define REWRITES 0   /* 1: a round may first copy a pack */
#endif
#ifndef FORGETS
#define FORGETS 1    /* points that are forgotten */
#endif
#ifndef READERS
#define READERS 0
#endif
#ifndef CRASHES
#define CRASHES 0    /* processes that stop for ever; then the sweep is checked */
#endif
#ifndef SWEEP
#define SWEEP 0      /* 1: when all others ended or crashed, a last round must clear up */
#endif
#ifndef WEAK
#define WEAK 0       /* 1: listings take time: runs, packs; 2: all listings */
#endif
#ifndef START
#define START 0      /* what is in the vault before */
#endif

/* ---- names ---- */
#define SESSIONS (1 + WRITERS * TRIES)          /* point 0 is there from the start */
#define ALLROUNDS (COLLECTORS * ROUNDS + SWEEP)
#define PACKS0 3
#define PACKS (PACKS0 + WRITERS * TRIES + REWRITES * COLLECTORS * ROUNDS)
#define WRITER_PACK(s) (PACKS0 + (s) - 1)
#define COPY_PACK(r) (PACKS0 + WRITERS * TRIES + (r))
#define WRITER_RUN(s) (s)                       /* run 0 is there from the start */
#define COPY_RUN(r) (1 + WRITERS * TRIES + (r))
#define NEW_RUN(r) (1 + WRITERS * TRIES + REWRITES * COLLECTORS * ROUNDS + (r))
#ifdef MERGER
#define MERGED 1
#else
#define MERGED 0
#endif
#define RUNS (1 + WRITERS * TRIES + REWRITES * COLLECTORS * ROUNDS + ALLROUNDS + MERGED)
#define NOBODY 15
#define A 1 /* the blocks (or nodes) of which points are made */
#define B 2
#define C 4
#define BIT(n) (1 << (n))
#define HAS(set, n) ((((set) >> (n)) & 1) != 0)
#define LISTED 1 /* points/S is a point */
#define ABORT 2  /* points/S or rounds/R is ABORT */
#define GO 3     /* rounds/R is GO */

/* ---- the store ---- */
short packs;            /* packs/ */
byte ids[PACKS];        /* what is in each */
short runs;             /* runs/ */
short names[RUNS];      /* the packs that each run names */
byte sessions;          /* sessions/ */
byte parent[SESSIONS];  /* what each session names as its parent */
byte point[SESSIONS];   /* points/: 0, LISTED, ABORT */
byte refs[SESSIONS];    /* the ids that each point needs */
byte forgot;            /* forgot/ */
short tombs[ALLROUNDS]; /* tombs/R.* */
byte rounds[ALLROUNDS]; /* rounds/: 0, ABORT, GO */

/* ---- what the claims remember ---- */
byte listed;            /* every S that was ever a point */
byte aborted;           /* every S that was ever ABORT */
byte crashed;           /* processes that crashed */
byte ended;             /* processes that came to their end or crashed */
byte crashes;

/* scratch of one atomic step, no part of the state */
hidden int t0, t1, t2;
hidden byte i0;

/* All ids in a set of packs; all packs named in a set of runs. */
#define IDS_OF(to, set) \
    to = 0; i0 = 0; \
    do :: i0 < PACKS -> if :: HAS(set, i0) -> to = to | ids[i0] :: else fi; i0++ \
       :: else -> break od
#define NAMED_BY(to, set) \
    to = 0; i0 = 0; \
    do :: i0 < RUNS -> if :: HAS(set, i0) -> to = to | names[i0] :: else fi; i0++ \
       :: else -> break od
#define ALL_TOMBS(to) \
    to = 0; i0 = 0; \
    do :: i0 < ALLROUNDS -> to = to | tombs[i0]; i0++ :: else -> break od
#define OTHER_TOMBS(to, r, but) \
    to = 0; i0 = 0; \
    do :: i0 < ALLROUNDS -> \
        if :: i0 != r && i0 != but -> to = to | tombs[i0] :: else fi; i0++ \
       :: else -> break od
#define LISTED_POINTS(to) \
    to = 0; i0 = 0; \
    do :: i0 < SESSIONS -> if :: point[i0] == LISTED -> to = to | BIT(i0) :: else fi; i0++ \
       :: else -> break od
#define TAKEN_POINTS(to) \
    to = 0; i0 = 0; \
    do :: i0 < SESSIONS -> if :: point[i0] != 0 -> to = to | BIT(i0) :: else fi; i0++ \
       :: else -> break od
#define REFS_OF(to, set) \
    to = 0; i0 = 0; \
    do :: i0 < SESSIONS -> if :: HAS(set, i0) -> to = to | refs[i0] :: else fi; i0++ \
       :: else -> break od

/* WHOLE: each listed point that is not forgotten finds each of its ids in a pack that is
 * there and that a run names.  Checked in every step that could break it. */
#define WHOLE \
    NAMED_BY(t0, runs); t0 = t0 & packs; IDS_OF(t1, t0); \
    LISTED_POINTS(t0); t0 = t0 & ~forgot; REFS_OF(t2, t0); \
    assert((t2 & ~t1) == 0); t0 = 0; t1 = 0; t2 = 0

/* ONCE: a name below points/ is never put twice, and never is both point and ABORT. */
#define ONCE \
    assert((listed & aborted) == 0); \
    LISTED_POINTS(t0); assert(t0 == listed); t0 = 0

/* LIST1 lists runs or packs, LIST2 all else; what the process then works out by itself is
 * part of the step.  A listing that takes time shows what was there all along, and any part
 * of what came or went meanwhile. */
#define LIST(var, get, then) atomic { d_step { get(t0); var = t0; t0 = 0 } then }
#define SLOW_LIST(var, get, then) \
    LIST(var, get, skip); \
    atomic { \
        d_step { get(t0); slow = var ^ t0; var = var & t0; t0 = 0; wi = 0 } \
        do \
        :: slow == 0 -> break \
        :: slow != 0 -> \
            if \
            :: HAS(slow, wi) -> slow = slow & ~BIT(wi); \
                if :: var = var | BIT(wi) :: skip fi \
            :: else \
            fi; \
            wi++ \
        od; \
        wi = 0; \
        then \
    }
#define GET_RUNS(to) to = runs
#define GET_PACKS(to) to = packs
#define GET_SESSIONS(to) to = sessions
#define GET_FORGOT(to) to = forgot
#ifdef BUG_FORGETS_BEFORE_SESSION
#define WRITER_GET_FORGOT(to) to = early; early = 0
#else
#define WRITER_GET_FORGOT GET_FORGOT
#endif
#define GET_OTHERS(to) OTHER_TOMBS(to, r, victim)
#if WEAK >= 1
#define LIST1 SLOW_LIST
#else
#define LIST1 LIST
#endif
#if WEAK >= 2
#define LIST2 SLOW_LIST
/* each round's tombs apart, for two may come and go on one pack */
#define GET_TOMBS(to) \
    to = 0; i0 = 0; \
    do :: i0 < ALLROUNDS -> to = to | (tombs[i0] << (i0 * PACKS)); i0++ :: else -> break od
#define FOLD(set) set = (set | (set >> PACKS) | (set >> (2 * PACKS))) & (BIT(PACKS) - 1)
#else
#define LIST2 LIST
#define GET_TOMBS ALL_TOMBS
#define FOLD(set) skip
#endif

#define MARK(n)
#ifdef WITNESS
#undef MARK
#define MARK(n) assert((n) != WITNESS)
#endif
/* WITNESS=n asks spin for a run that comes to MARK(n): a check that finds nothing because
 * nothing happens would be no check.  1: a pack is deleted.  2: a session is aborted.  3: a
 * writer's second session becomes a point.  4: a pack is kept since it is reached.  5: a
 * round is aborted.  6: a copied pack's original is deleted.  7: a point shares a block with
 * a pack that is not its own.  8: a reader had to list again.  9: the parent is gone.
 * 10: a pack is deleted beside an unresolved session.  11: the sweep clears up after a
 * crash.  12: a round with tombs gives up. */

#if SWEEP
#define END ended++
#else
#define END skip
#endif
#if CRASHES
#define MAY_CRASH(me) unless { HAS(crashed, me) }
#else
#define MAY_CRASH(me)
#endif

/* ---- a writer ---- */

/* What is to be stored.  From the parent's map A and C are taken over unseen. */
inline begin_session()
{
    s = 1 + w * TRIES + k;
    k++;
    if
    :: par == NOBODY -> own = 0; wants = (w == 0 -> A | C : B | C)
    :: par == 0 -> own = refs[0] & (A | C); wants = C
    :: else -> own = refs[par] & (A | C); wants = (w == 0 -> B : A)
    fi;
    sessions = sessions | BIT(s);
    parent[s] = par
}

/* What of it is absent and has to be put. */
inline find_absent()
{
    refs[s] = own | wants;
    IDS_OF(t0, good);
    absent = wants & ~t0;
#ifdef WITNESS
    shared = (wants & t0) != 0;
#endif
    good = 0; own = 0; wants = 0; seen = 0; t0 = 0
}

inline put_pack()
{
    t0 = WRITER_PACK(s);
#ifdef BUG_SAME_BYTES
    /* a later session sends the bytes of the first again, so under the same name */
    t1 = WRITER_PACK(1 + w * TRIES);
    if :: ids[t1] == absent -> t0 = t1 :: else fi;
    t1 = 0;
#endif
    packs = packs | BIT(t0);
    ids[t0] = absent;
    names[WRITER_RUN(s)] = BIT(t0);
    t0 = 0
}

proctype Writer(byte w)
{
    byte k, s, par, own, wants, absent, wi;
    short good;
    int seen, slow;
#ifdef BUG_FORGETS_BEFORE_SESSION
    byte early;
#endif
#ifdef WITNESS
    bool shared;
#endif

    par = (w == 0 -> 0 : NOBODY);
    {
    do
    :: k < TRIES ->
#ifdef BUG_TOMBS_BEFORE_SESSION
        LIST2(seen, GET_TOMBS, FOLD(seen));
#endif
#ifdef BUG_FORGETS_BEFORE_SESSION
        early = forgot;
#endif
        atomic { begin_session() }

        /* look-ups: tombs before runs and packs, forgets at any place */
#ifdef BUG_RUNS_BEFORE_TOMBS
        LIST1(good, GET_RUNS, d_step { NAMED_BY(t0, good); good = t0; t0 = 0 });
        LIST1(seen, GET_PACKS, good = good & seen);
        LIST2(seen, GET_TOMBS, FOLD(seen); good = good & ~seen);
#elif defined(BUG_PACKS_BEFORE_TOMBS)
        LIST1(good, GET_PACKS, skip);
        LIST2(seen, GET_TOMBS, FOLD(seen); good = good & ~seen);
        LIST1(seen, GET_RUNS, d_step { NAMED_BY(t0, seen); good = good & t0; t0 = 0 });
#else
#ifndef BUG_TOMBS_BEFORE_SESSION
        LIST2(seen, GET_TOMBS, FOLD(seen));
#endif
        LIST1(good, GET_RUNS, d_step { NAMED_BY(t0, good); good = t0 & ~seen; t0 = 0 });
#ifndef BUG_WRITER_TRUSTS_RUNS
        LIST1(seen, GET_PACKS, good = good & seen);
#endif
#endif
        seen = 0;
        if
#ifndef BUG_PARENT_UNCHECKED
        :: par != NOBODY ->
            LIST2(seen, WRITER_GET_FORGOT,
                if
                :: HAS(seen, par) -> /* no parent, no short cut: anew, another session */
                    MARK(9);
                    par = NOBODY; seen = 0; good = 0; s = 0; own = 0; wants = 0;
                    goto again
                :: else
                fi;
                d_step { find_absent() });
#endif
        :: else -> d_step { find_absent() }
        fi;
#ifdef BUG_POINT_BEFORE_PACKS
        atomic {
            if
            :: point[s] == 0 -> d_step { point[s] = LISTED; listed = listed | BIT(s); WHOLE }
            :: else
            fi
        }
#endif
        if
        :: absent != 0 ->
            d_step { put_pack() }
            d_step { runs = runs | BIT(WRITER_RUN(s)); absent = 0 }
        :: else
        fi;

#ifdef BUG_SESSION_REMOVED_FIRST
        sessions = sessions & ~BIT(s);
#endif
        /* put-if-absent points/S */
        atomic {
            if
            :: point[s] == 0 ->
                d_step { point[s] = LISTED; listed = listed | BIT(s); WHOLE; ONCE }
                if
                :: k == 2 -> MARK(3)
                :: else
                fi;
#ifdef WITNESS
                if
                :: shared -> MARK(7)
                :: else
                fi;
#endif
                par = s /* the next session is incremental */
            :: else
            fi;
#ifdef SESSIONS_STAY
            s = 0
#endif
        }
#ifndef SESSIONS_STAY
        d_step { sessions = sessions & ~BIT(s); s = 0 }
#endif
again:  skip
    :: else -> break
    od
    } MAY_CRASH(w);
    atomic {
        k = 0; s = 0; par = 0; own = 0; wants = 0; absent = 0; seen = 0; good = 0; slow = 0;
        wi = 0; END
    }
}

/* ---- a collector ---- */

/* Of two collectors that are alike, number 0 begins. */
#if COLLECTORS > 1 && !SWEEP
bool begun;
#define BEGIN begun = 1
#define WAIT c == 0 || begun
#else
#define BEGIN skip
#define WAIT skip
#endif

/* Copy a pack's live part: pack first, then run; only then may the old one get a tomb. */
inline rewrite()
{
    atomic {
        BEGIN;
        i = 0;
        do
        :: i < PACKS && HAS(packs, i) ->
            d_step {
                LISTED_POINTS(t0); t0 = t0 & ~forgot; REFS_OF(t1, t0);
                ids[COPY_PACK(r)] = ids[i] & t1; t0 = 0; t1 = 0
            }
            break
        :: i < PACKS -> i++
        :: else -> break
        od;
        if
        :: i < PACKS && ids[COPY_PACK(r)] != 0 ->
            d_step {
                packs = packs | BIT(COPY_PACK(r)); names[COPY_RUN(r)] = BIT(COPY_PACK(r));
                copied = BIT(i); i = 0
            }
        :: else -> i = 0
        fi
    }
    if
    :: copied != 0 ->
        d_step { runs = runs | BIT(COPY_RUN(r)) }
        d_step { own = copied; tombs[r] = copied }
    :: else
    fi
}

/* Put tombs on any packs: that the first mark picks well is a matter of thrift alone. */
inline put_tombs()
{
    do
    :: n < TOMBS ->
        atomic {
            BEGIN;
            n++;
            i = 0;
            do
            :: i < TARGETS && HAS(packs, i) && !HAS(own, i) ->
                d_step { own = own | BIT(i); tombs[r] = tombs[r] | BIT(i); i = 0 }
                break
            :: i < TARGETS -> i++
            :: else -> i = 0; n = TOMBS; break
            od
        }
    :: else -> n = 0; BEGIN; break
    od
}

/* One other round that has tombs may be taken for dead. */
inline choose_victim()
{
    atomic {
        victim = NOBODY;
        if
        :: skip
        :: i = 0;
            do
            :: i < ALLROUNDS && i != r && tombs[i] != 0 -> victim = i; break
            :: i < ALLROUNDS -> i++
            :: else -> break
            od;
            i = 0
        fi;
        if
        :: victim != NOBODY -> vtombs = tombs[victim]
        :: else
        fi
    }
}

/* Wait for each session's end; after a while (any while) make one. */
inline end_sessions()
{
    do
    :: open != 0 ->
        atomic {
            d_step { i = 0; do :: !HAS(open, i) -> i++ :: else -> break od;
                open = open & ~BIT(i) }
#ifdef BUG_ABORT_OVERWRITES
            w0 = point[i]
        }
        atomic {
            if
            :: w0 == 0 ->
#else
            if
            :: point[i] == 0 ->
#endif
                d_step { point[i] = ABORT; aborted = aborted | BIT(i); ONCE }
                MARK(2)
            :: else
            fi;
#ifdef CLEAR
            n = i;
            i = 0
        }
        d_step { sessions = sessions & ~BIT(n); n = 0 }
#else
            i = 0
        }
#endif
    :: else -> break
    od
}

/* Where GO was said and the pack is gone, for names never come again, anybody may clear. */
inline clear_done()
{
    atomic {
        i = 0;
        do
        :: i < ALLROUNDS && i != r && rounds[i] == GO && tombs[i] != 0 ->
            victim = i; vtombs = tombs[i]; break
        :: i < ALLROUNDS -> i++
        :: else -> break
        od;
        i = 0
    }
    if
    :: victim != NOBODY ->
        LIST1(pk, GET_PACKS, skip);
        d_step { tombs[victim] = tombs[victim] & ~(vtombs & ~pk);
            vtombs = 0; victim = NOBODY; pk = 0 }
    :: else
    fi
}

/* Only a round that can never say GO loses its tombs. */
inline abort_victim()
{
    if
    :: victim != NOBODY ->
#ifndef BUG_CLEAR_WITHOUT_ABORT
        atomic {
            if
            :: rounds[victim] == 0 -> rounds[victim] = ABORT; MARK(5)
            :: else
            fi;
            if
            :: rounds[victim] == GO -> vtombs = 0; victim = NOBODY
            :: else
            fi
        }
#endif
        if
        :: victim != NOBODY ->
            d_step { tombs[victim] = tombs[victim] & ~vtombs; vtombs = 0 }
#ifdef BUG_ROUND_NAME_FREED
            rounds[victim] = 0
#endif
        :: else
        fi
    :: else
    fi
}

/* What the listings of points, forgets and sessions make roots. */
inline find_roots()
{
    t0 = lp & ~lf; t1 = 0; /* the forgotten and ABORT are no roots */
    i = 0;
    do
    :: i < SESSIONS ->
        if
        :: HAS(t0, i) && point[i] == LISTED -> t1 = t1 | refs[i]
        :: else
        fi;
        i++
    :: else -> i = 0; break
    od;
    must = t1;
    ls = ls & ~lp; /* unresolved: who may still take over its parent's map */
#ifdef WITNESS
    undone = (ls != 0);
#endif
#ifdef BUG_PARENT_NO_ROOT
    ls = 0;
#endif
    do
    :: i < SESSIONS ->
        if
        :: HAS(ls, i) && parent[i] != NOBODY -> t1 = t1 | refs[parent[i]]
        :: else
        fi;
        i++
    :: else -> i = 0; break
    od;
    reach = t1;
#ifndef BUG_LOST_OF_POINTS_ONLY
    must = t1;
#endif
    lf = 0; ls = 0; lp = 0; t0 = 0; t1 = 0
}

/* Leaves in own what dies, in gone what lives after all, in rl the runs to be replaced, in
 * nm what they still name. */
inline find_dead()
{
    NAMED_BY(nm, rl);
#ifdef BUG_COLLECTOR_TRUSTS_RUNS
    pk = nm;
#endif
    t2 = nm & pk;        /* homes */
    IDS_OF(t0, t2);
    lost = (must & ~t0) != 0;
#if defined(BUG_LOST_IGNORED) || defined(BUG_RUNS_OF_FIRST_MARK)
    lost = 0;
#endif
#ifndef BUG_OTHERS_TOMBS_IGNORED
    t2 = t2 & ~others;   /* homes that will stay */
#endif
#ifndef BUG_OWN_TOMBS_COUNT
    t2 = t2 & ~own;
#endif
    IDS_OF(t0, t2);
    gone = 0;
    i = 0;
    do
    :: i < PACKS ->
        if
        :: HAS(own & nm, i) && (ids[i] & reach & ~t0) != 0 -> gone = gone | BIT(i)
        :: else
        fi;
        i++
    :: else -> i = 0; break
    od;
    if :: lost -> gone = own :: else fi;
    own = own & ~gone;
    t1 = own | (nm & ~pk); /* dead names: also what others deleted */
    nm = 0;
    do
    :: i < RUNS ->
        if
        :: HAS(rl, i) && (names[i] & t1) != 0 -> nm = nm | (names[i] & ~t1)
        :: HAS(rl, i) && (names[i] & t1) == 0 -> rl = rl & ~BIT(i)
        :: else
        fi;
        i++
    :: else -> i = 0; break
    od;
    others = 0; pk = 0; must = 0; reach = 0; t0 = 0; t1 = 0; t2 = 0
}

/* Lists forgets, sessions, points, runs, others' tombs, packs, in this order.  A pack that
 * another round wants to delete is no home, unless that round is known to be ABORT. */
inline second_mark()
{
#ifdef BUG_TOMBS_BEFORE_RUNS
    LIST2(others, GET_OTHERS, victim = NOBODY);
#endif
#ifdef BUG_SESSIONS_BEFORE_FORGETS
    LIST2(ls, GET_SESSIONS, skip);
    LIST2(lf, GET_FORGOT, skip);
    LIST2(lp, TAKEN_POINTS, d_step { find_roots() });
#else
#ifdef BUG_POINTS_FIRST
    LIST2(lp, TAKEN_POINTS, skip);
    LIST2(lf, GET_FORGOT, skip);
    LIST2(ls, GET_SESSIONS, d_step { find_roots() });
#else
    LIST2(lf, GET_FORGOT, skip);
    LIST2(ls, GET_SESSIONS, skip);
    LIST2(lp, TAKEN_POINTS, d_step { find_roots() });
#endif
#endif
#ifndef BUG_RUNS_OF_FIRST_MARK
    LIST1(rl, GET_RUNS, skip);
#endif
#ifndef BUG_TOMBS_BEFORE_RUNS
    LIST2(others, GET_OTHERS, victim = NOBODY);
#endif
    LIST1(pk, GET_PACKS,
        d_step { find_dead() }
        if
        :: lost -> lost = 0; MARK(12)
        :: !lost && gone != 0 -> MARK(4)
        :: else
        fi)
}

inline remove_tombs(set)
{
    do
    :: set != 0 ->
        d_step {
            i = 0;
            do :: !HAS(set, i) -> i++ :: else -> break od;
            set = set & ~BIT(i); tombs[r] = tombs[r] & ~BIT(i); i = 0
        }
    :: else -> break
    od
}

inline put_new_run()
{
    if
    :: nm != 0 ->
        d_step { names[NEW_RUN(r)] = nm; nm = 0; runs = runs | BIT(NEW_RUN(r)) }
    :: else
    fi
}

inline delete_runs()
{
    do
    :: rl != 0 ->
        d_step {
            i = 0;
            do :: !HAS(rl, i) -> i++ :: else -> break od;
            rl = rl & ~BIT(i); runs = runs & ~BIT(i); i = 0; WHOLE
        }
    :: else -> break
    od
}

inline delete_packs()
{
    gone = own;
    do
    :: gone != 0 ->
        atomic {
            d_step {
                i = 0;
                do :: !HAS(gone, i) -> i++ :: else -> break od;
                gone = gone & ~BIT(i); packs = packs & ~BIT(i); WHOLE
            }
            MARK(1);
#ifdef WITNESS
            if
            :: undone -> MARK(10)
            :: HAS(copied, i) -> MARK(6)
            :: else
            fi;
#endif
            i = 0
        }
    :: else -> break
    od
}

/* GO and what follows. */
inline take_away()
{
    atomic {
        if
        :: own == 0 /* no GO is needed to forget the names of packs that are gone */
        :: own != 0 && rounds[r] == 0 -> rounds[r] = GO
#ifdef BUG_GO_UNASKED
        :: own != 0 && rounds[r] == ABORT
#endif
        :: else -> gone = own; own = 0; rl = 0; nm = 0
        fi
    }
    if
    :: own != 0 || rl != 0 ->
#ifdef BUG_OLD_RUNS_FIRST
        delete_runs();
        put_new_run();
#else
        put_new_run();
        delete_runs();
#endif
#ifdef BUG_OWN_TOMBS_FIRST
        gone = own;
        remove_tombs(gone);
#endif
        delete_packs();
        gone = own;
        own = 0
    :: else
    fi;
    remove_tombs(gone)
}

proctype Collector(byte c)
{
    byte k, r, n, i, wi, victim = NOBODY, w0;
    short own, others, vtombs, open, slow, copied;
    short lf, ls, lp, rl, nm, pk, gone;
    byte must, reach;
    bool lost, undone;

    WAIT;
    {
    do
    :: k < ROUNDS ->
        d_step { r = c * ROUNDS + k; k++ }
#if REWRITES
        if
        :: rewrite()
        :: skip
        fi;
#endif
#ifdef BUG_SESSIONS_BEFORE_TOMBS
        LIST2(open, GET_SESSIONS, skip);
#endif
        put_tombs();
        if
        :: own != 0 ->
#ifdef BUG_RUNS_OF_FIRST_MARK
            LIST1(rl, GET_RUNS, skip);
#endif
#ifndef BUG_SESSIONS_BEFORE_TOMBS
            LIST2(open, GET_SESSIONS, skip);
#endif
            choose_victim();
#ifndef BUG_NO_ABORT
            end_sessions();
#endif
            abort_victim();
            second_mark();
            remove_tombs(gone);
            take_away()
        :: else
        fi;
#ifdef CLEAR
        clear_done();
#endif
        atomic { copied = 0; undone = 0; open = 0; r = 0; w0 = 0 }
    :: else -> break
    od
    } MAY_CRASH(WRITERS + c);
    atomic {
        k = 0; r = 0; n = 0; i = 0; wi = 0; victim = NOBODY; w0 = 0; own = 0; others = 0;
        vtombs = 0; open = 0; slow = 0; copied = 0; lf = 0; ls = 0; lp = 0; rl = 0; nm = 0;
        pk = 0; gone = 0; must = 0; reach = 0; lost = 0; undone = 0; END
    }
}

/* ---- the others ---- */

/* A point is forgotten, or it is not: any listed one, at any time. */
proctype Forgetter()
{
    byte n, i;

    do
    :: n < FORGETS ->
        atomic {
            n++;
            i = 0;
            do
            :: i < SESSIONS && point[i] == LISTED && !HAS(forgot, i) ->
                forgot = forgot | BIT(i); break
            :: i < SESSIONS -> i++
            :: else -> n = FORGETS; break
            od;
            i = 0
        }
    :: else -> break
    od;
    atomic { n = 0; END }
}

/* Reads one id of one point.  It tries each home that the runs name; when none is there, it
 * lists again.  Each listing after the first must be owed to one round that replaced runs
 * (or to the merger) meanwhile. */
#ifdef BUG_READER_LISTS_TWICE
#define MAX_TURNS 2
#else
#define MAX_TURNS (1 + ALLROUNDS + MERGED)
#endif
proctype Reader()
{
    byte s, x, i, wi, turns;
    short rl, home, slow;

    atomic {
        do
        :: s < SESSIONS && point[s] == LISTED && !HAS(forgot, s) -> break
        :: s < SESSIONS -> s++
        :: else -> goto done
        od;
        if
        :: (refs[s] & A) != 0 -> x = A
        :: (refs[s] & B) != 0 -> x = B
        :: (refs[s] & C) != 0 -> x = C
        fi
    }
    do
    :: true ->
        LIST1(rl, GET_RUNS,
            if
            :: HAS(forgot, s) -> goto done
            :: else
            fi;
            turns++;
            assert(turns <= MAX_TURNS);
            if
            :: turns == 2 -> MARK(8)
            :: else
            fi;
            d_step { NAMED_BY(home, rl); rl = 0 });
        do
        :: home != 0 ->
            atomic {
                d_step { i = 0; do :: !HAS(home, i) -> i++ :: else -> break od;
                    home = home & ~BIT(i) }
                if
                :: HAS(packs, i) && (ids[i] & x) != 0 -> goto done
                :: else
                fi
            }
        :: else -> break
        od
    od;
done:
    atomic { s = 0; x = 0; i = 0; wi = 0; turns = 0; rl = 0; home = 0; slow = 0 }
}

#ifdef MERGER
/* Merges all runs that it found, at its own pace, and knows of no round. */
proctype Merger()
{
    short rl, slow;
    byte i, wi;

    LIST1(rl, GET_RUNS, skip);
    d_step {
        NAMED_BY(t0, rl); names[RUNS - 1] = t0; runs = runs | BIT(RUNS - 1); t0 = 0
    }
    delete_runs()
}
#endif

#if CRASHES
proctype Reaper()
{
    byte i;

    do
    :: crashes < CRASHES ->
        atomic {
            crashes++;
            i = 0;
            do
            :: i < WRITERS + COLLECTORS && !HAS(crashed, i) -> crashed = crashed | BIT(i); break
            :: i < WRITERS + COLLECTORS -> i++
            :: else -> break
            od;
            i = 0
        }
    :: break
    od
}
#endif

#if SWEEP
/* When nobody else is at work, one round by the same rules leaves no garbage. */
proctype Sweep()
{
    byte r = ALLROUNDS - 1;
    byte n, i, wi, victim = NOBODY, w0;
    short own, others, vtombs, open, slow, copied;
    short lf, ls, lp, rl, nm, pk, gone;
    byte must, reach;
    bool lost, undone;

    ended == WRITERS + COLLECTORS + (FORGETS > 0);
    d_step {
        LISTED_POINTS(t0); t0 = t0 & ~forgot; REFS_OF(t1, t0);
        NAMED_BY(t2, runs);
        do
        :: i < PACKS ->
            if
            :: HAS(packs, i) && (!HAS(t2, i) || (ids[i] & t1) == 0) -> own = own | BIT(i)
            :: else
            fi;
            i++
        :: else -> i = 0; break
        od;
#ifndef BUG_GO_NOT_TAKEN_OVER
        do /* take over what a round that said GO left undone */
        :: i < r ->
            if
            :: rounds[i] == GO -> own = own | (tombs[i] & packs)
            :: else
            fi;
            i++
        :: else -> i = 0; break
        od;
#endif
        tombs[r] = own; t0 = 0; t1 = 0; t2 = 0
    }
    LIST2(open, GET_SESSIONS, skip);
    do
    :: n < r -> /* each round that did not end is made to end */
        victim = (tombs[n] != 0 -> n : NOBODY);
        vtombs = tombs[n];
        abort_victim();
        n++
    :: else -> break
    od;
    victim = NOBODY;
    end_sessions();
    atomic { TAKEN_POINTS(t0); sessions = sessions & ~t0; t0 = 0 }
    second_mark();
    remove_tombs(gone);
    take_away();
    /* GO, and the pack is gone for ever: anybody may clear such a tomb */
    n = 0;
    do
    :: n < r -> d_step { tombs[n] = tombs[n] & packs; n++ }
    :: else -> break
    od;
    atomic {
        LISTED_POINTS(t0); t0 = t0 & ~forgot; REFS_OF(t1, t0);
        NAMED_BY(t2, runs);
        do
        :: i < PACKS ->
            assert(!HAS(packs, i) || HAS(t2, i) && (ids[i] & t1) != 0); i++
        :: else -> i = 0; break
        od;
        ALL_TOMBS(t0); assert(t0 == 0);
        assert(sessions == 0);
        assert((t2 & ~packs) == 0);
        t0 = 0; t1 = 0; t2 = 0
    }
    if
    :: crashed != 0 && crashes == CRASHES -> MARK(11)
    :: else
    fi
}
#endif

init {
    byte i;

    atomic {
        point[0] = LISTED; listed = 1; parent[0] = NOBODY;
        runs = 1;
#if START == 0   /* A in two packs, one beside live B, one beside garbage C */
        ids[0] = A | B; ids[1] = A | C; packs = 3; refs[0] = A | B;
#elif START == 1 /* each apart, and A twice */
        ids[0] = A; ids[1] = A | C; ids[2] = B; packs = 7; refs[0] = A | B;
#elif START == 2 /* the same block twice, all of it needed */
        ids[0] = A; ids[1] = A; packs = 3; refs[0] = A;
#elif START == 3 /* a block that is needed, and garbage */
        ids[0] = A; ids[1] = C; packs = 3; refs[0] = A;
#elif START == 4 /* nothing that is not needed */
        ids[0] = A; packs = 1; refs[0] = A;
#elif START == 5 /* two blocks that are needed */
        ids[0] = A; ids[1] = C; packs = 3; refs[0] = A | C;
#endif
        names[0] = packs;
        do
        :: i < WRITERS -> run Writer(i); i++
        :: else -> i = 0; break
        od;
        do
        :: i < COLLECTORS -> run Collector(i); i++
        :: else -> i = 0; break
        od;
#if FORGETS
        run Forgetter();
#endif
#if READERS
        run Reader();
#endif
#ifdef MERGER
        run Merger();
#endif
#if CRASHES
        run Reaper();
#endif
#if SWEEP
        run Sweep();
#endif
    }
}
